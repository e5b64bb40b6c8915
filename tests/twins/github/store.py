"""Git objects and branches of one bare repository, in this process. Other git processes may move its refs meanwhile."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pygit2
from pygit2.enums import DeltaStatus, SortMode

ZERO = "0" * 40
MODES = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}
CHANGES = {DeltaStatus.ADDED: "ADDED", DeltaStatus.DELETED: "DELETED", DeltaStatus.RENAMED: "RENAMED"}


class Entry(NamedTuple):
    path: str
    mode: int
    kind: str
    oid: str


class Change(NamedTuple):
    path: str
    kind: str
    old_path: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who a commit names."""

    name: str
    email: str


class MovedError(Exception):
    """A ref is not where it was expected to be."""


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = pygit2.Repository(str(folder))
        self.changes = lru_cache(maxsize=20_000)(self._changes)
        self.merge_base = lru_cache(maxsize=20_000)(self._merge_base)
        self.ahead = lru_cache(maxsize=20_000)(self._ahead)
        self.merged_tree = lru_cache(maxsize=20_000)(self._merged_tree)
        self.entries = lru_cache(maxsize=16)(self._entries)
        self.size = lru_cache(maxsize=200_000)(lambda oid: self.repo.odb.read_header(pygit2.Oid(hex=oid))[1])

    # Refs

    def heads(self) -> dict[str, str]:
        """Branch names with the commits they point at, as they are now."""
        refs = self.repo.listall_reference_objects()
        return {
            ref.name.removeprefix("refs/heads/"): str(ref.target) for ref in refs if ref.name.startswith("refs/heads/")
        }

    def move(self, moves: Mapping[str, tuple[str | None, str | None]]) -> None:
        """Move branches all at once from where they must be (None: absent) to where they shall be (None: deleted)."""
        with self.repo.transaction() as change:
            for branch in moves:
                change.lock_ref(f"refs/heads/{branch}")
            now = self.heads()
            if any(now.get(branch) != old for branch, (old, _) in moves.items()):
                raise MovedError
            for branch, (old, new) in moves.items():
                if new is not None:
                    change.set_target(f"refs/heads/{branch}", pygit2.Oid(hex=new))
                elif old is not None:
                    change.remove(f"refs/heads/{branch}")

    # Objects

    def kind(self, oid: str) -> str | None:
        """`commit`, `tree`, `blob` or None for an object that is not there."""
        try:
            found = self.repo.get(pygit2.Oid(hex=oid))
        except ValueError:
            return None
        return None if found is None else found.type_str

    def commit(self, oid: str) -> pygit2.Commit:
        return self.repo[pygit2.Oid(hex=oid)]

    def tree_of(self, oid: str) -> str:
        """The tree of a commit; a tree is its own."""
        return str(self.repo[pygit2.Oid(hex=oid)].peel(pygit2.Tree).id)

    def blob(self, oid: str) -> bytes:
        return self.repo[pygit2.Oid(hex=oid)].data

    def write_blob(self, data: bytes) -> str:
        return str(self.repo.create_blob(data))

    def level(self, tree: str) -> list[Entry]:
        """What one folder holds."""
        return [
            Entry(_name(item), item.filemode, item.type_str, str(item.id)) for item in self.repo[pygit2.Oid(hex=tree)]
        ]

    def _entries(self, tree: str) -> list[Entry]:
        return list(self._walk(tree, ""))

    def _walk(self, tree: str, folder: str) -> Iterator[Entry]:
        for entry in self.level(tree):
            yield entry._replace(path=folder + entry.path)
            if entry.kind == "tree":
                yield from self._walk(entry.oid, f"{folder}{entry.path}/")

    def at(self, tree: str, path: str) -> Entry | None:
        """The file or folder at a path under a tree."""
        found = Entry("", 0o40000, "tree", tree)
        for name in path.split("/"):
            folder = self.repo[pygit2.Oid(hex=found.oid)] if found.kind == "tree" else ()
            if not name or "\0" in name or name not in folder:
                return None
            item = folder[name]
            found = Entry(path, item.filemode, item.type_str, str(item.id))
        return found

    def write_tree(self, base: str | None, changes: Mapping[str, tuple[int, str] | None]) -> str:
        """A tree like the base with files put (mode, object) or taken away (None)."""
        names: dict[str, dict[str, tuple[int, str] | None]] = {}
        own = self.repo.TreeBuilder(*([self.repo[pygit2.Oid(hex=base)]] if base else []))
        for path, put in changes.items():
            name, below, rest = path.partition("/")
            if below:
                names.setdefault(name, {})[rest] = put
            elif put is not None:
                own.insert(name, pygit2.Oid(hex=put[1]), put[0])
            elif own.get(name) is not None:
                own.remove(name)
        for name, inner in names.items():
            there = own.get(name)
            tree = self.write_tree(str(there.id) if there is not None and there.type_str == "tree" else None, inner)
            if len(self.repo[pygit2.Oid(hex=tree)]):
                own.insert(name, pygit2.Oid(hex=tree), 0o40000)
            elif there is not None:
                own.remove(name)
        return str(own.write())

    def write_commit(
        self,
        message: str,
        tree: str,
        parents: Sequence[str],
        author: Person,
        at: datetime,
        committer: Person | None = None,
    ) -> str:
        signed = [
            pygit2.Signature(who.name, who.email, int(at.timestamp()), 0, "utf-8")
            for who in (author, committer or author)
        ]
        ids = [pygit2.Oid(hex=parent) for parent in parents]
        return str(self.repo.create_commit(None, *signed, message, pygit2.Oid(hex=tree), ids))

    # History

    def contains(self, tip: str, oid: str) -> bool:
        """Whether a commit is the tip or behind it."""
        return tip == oid or self.merge_base(tip, oid) == oid

    def _merge_base(self, one: str, other: str) -> str | None:
        found = self.repo.merge_base(pygit2.Oid(hex=one), pygit2.Oid(hex=other))
        return None if found is None else str(found)

    def _ahead(self, head: str, base: str) -> list[str]:
        """The commits of a head that a base has not, oldest first."""
        walk = self.repo.walk(pygit2.Oid(hex=head), SortMode.TOPOLOGICAL | SortMode.REVERSE)
        walk.hide(pygit2.Oid(hex=base))
        return [str(commit.id) for commit in walk]

    def _changes(self, old: str, new: str) -> list[Change]:
        """What differs between two trees, renames found."""
        diff = self.repo[pygit2.Oid(hex=old)].diff_to_tree(self.repo[pygit2.Oid(hex=new)])
        if any(delta.status == DeltaStatus.ADDED for delta in diff.deltas):
            diff.find_similar()
        return [
            Change(
                _text(delta.new_file.raw_path), CHANGES.get(delta.status, "MODIFIED"), _text(delta.old_file.raw_path)
            )
            for delta in diff.deltas
        ]

    def diff_size(self, old: str, new: str) -> tuple[int, int]:
        stats = self.repo[pygit2.Oid(hex=old)].diff_to_tree(self.repo[pygit2.Oid(hex=new)]).stats
        return stats.insertions, stats.deletions

    def history(self, oid: str, path: str | None, since: str | None) -> list[str]:
        """The commits that changed a path, newest first, as `git log` tells them."""
        after = [f"--since={since}"] if since else []
        only = ["--", path] if path else []
        return self.git("--literal-pathspecs", "log", "--format=%H", *after, oid, *only).decode().split()

    def archive(self, oid: str, prefix: str) -> bytes:
        return self.git("archive", "--format=tar.gz", f"--prefix={prefix}/", oid)

    def git(self, *args: str) -> bytes:
        return subprocess.run(["git", "-C", self.folder, *args], capture_output=True, check=True).stdout

    # Merging

    def _merged_tree(self, base: str, head: str) -> str | None:
        """The tree that a merge gives, or None where it conflicts."""
        fork = self.merge_base(base, head)
        if fork is None:
            return None
        if fork == base:
            return self.tree_of(head)
        index = self.repo.merge_commits(pygit2.Oid(hex=base), pygit2.Oid(hex=head))
        return None if index.conflicts else str(index.write_tree(self.repo))

    def mergeable(self, base: str, head: str) -> bool:
        """Whether a merge has no conflict; told from the names alone where the two sides touch nothing together."""
        fork = self.merge_base(base, head)
        if fork is None:
            return False
        root = self.tree_of(fork)
        ours = _touched(self.changes(root, self.tree_of(base)))
        theirs = _touched(self.changes(root, self.tree_of(head)))
        return not _meet(ours, theirs) or self.merged_tree(base, head) is not None

    def replay(self, commit: str, onto: str) -> str | None:
        """The tree of one commit's change made again on another commit, or None where it conflicts."""
        one = self.commit(commit)
        parent = one.parents[0].tree if one.parents else self.repo[self.repo.TreeBuilder().write()]
        index = self.repo.merge_trees(parent, self.commit(onto).tree, one.tree)
        return None if index.conflicts else str(index.write_tree(self.repo))


def _name(item: pygit2.Object) -> str:
    return _text(item.raw_name)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _touched(changes: Iterable[Change]) -> set[str]:
    return {path for change in changes for path in (change.path, change.old_path)}


def _meet(ours: set[str], theirs: set[str]) -> bool:
    """Whether two sides touch one path, or one a folder of the other's."""
    return bool((_folders(ours) & theirs) | (_folders(theirs) & ours))


def _folders(paths: set[str]) -> set[str]:
    return {
        "/".join(parts[: depth + 1]) for parts in (path.split("/") for path in paths) for depth in range(len(parts))
    }
