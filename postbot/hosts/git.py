"""Git as plumbing: objects, trees, commits and compare-and-swap of refs, in a bare repository or a checkout.

Every call is one git process with an argument list, a time limit, no hooks, no prompts and none of the
caller's `GIT_*` variables. Nothing here writes a working tree, the repository's index, HEAD, configuration or
the stash: trees are built in an index of their own in a temporary folder. Works with git 2.30 and later.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path as Folder
from typing import Final, TypeAlias

from postbot.hosts import HostError, Refused
from postbot.hosts.tree import Entry

_Done: TypeAlias = subprocess.CompletedProcess[bytes]

_SECONDS: Final = 60
_RAW: Final = ("-r", "-z", "--no-renames", "--full-index")
_NOTHING: Final[Mapping[str, str]] = {}
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.sparseCheckout=false",
    "core.quotepath=false",
    "commit.gpgsign=false",
    "gc.auto=0",
    "i18n.commitEncoding=UTF-8",
)
_KEPT: Final = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"})
_FIXED: Final = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
# A ref that cannot be locked has been moved or is held by somebody else, unless the disk is to blame.
_OUR_FAULTS: Final = ("Permission denied", "Read-only file system", "No space left", "Disk quota exceeded")


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs between two trees; a side where it is absent is None."""

    path: bytes
    old: Entry | None
    new: Entry | None


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit says of itself. `author` is `name <email>`; `committed_at` is in UTC."""

    parents: tuple[str, ...]
    author: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """One ref to move from `old` to `new`, None meaning absent; equal ends only verify where it stands."""

    ref: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.new == self.old:
            return f"verify {self.ref} {self.old}"
        if self.new is None:
            return f"delete {self.ref} {self.old}"
        return f"update {self.ref} {self.new} {self.old or '0' * len(self.new)}"


class Git:
    """The git program, pointed at one repository. Every method may raise `HostError`."""

    def __init__(self, repo: Folder, name: str, email: str) -> None:
        self.repo = repo
        self.author = f"{name} <{email}>"
        self._identity = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", email))
        }

    def version(self) -> str:
        """Return which git this is, in git's own words: `git version 2.39.5`."""
        return self._text("version").strip()

    def objects_folder(self) -> Folder:
        """Return the folder that new objects are written into."""
        return self.repo / self._text("rev-parse", "--git-path", "objects").rstrip("\n")

    def refs(self, *patterns: str) -> dict[str, str]:
        """Return the refs under `patterns` with the objects they point at; one process."""
        lines = self._text("for-each-ref", "--format=%(objectname) %(refname)", *patterns).splitlines()
        return {ref: oid for oid, _, ref in (line.partition(" ") for line in lines)}

    def leaves(self, commit: str, paths: Collection[bytes]) -> dict[bytes, Entry]:
        """Return files, symlinks and submodules under `paths` of a commit; an empty path is the root."""
        if not paths:
            return {}
        chosen = () if b"" in paths else paths
        raw = self._run("ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *chosen)
        return {leaf.path: leaf for leaf in map(_leaf, raw.split(b"\0")[:-1])}

    def changes(self, old: str, new: str) -> list[Change]:
        """Return what differs from one tree or commit to another, renames as a removal and an addition."""
        return _changes(self._run("diff-tree", *_RAW, old, new))

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the objects of these names (an id, or `id:path`), all by one process."""
        wanted = list(dict.fromkeys(names))
        if not wanted:
            return {}
        raw = self._run("cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode())
        return dict(zip(wanted, _objects(raw, wanted), strict=True))

    def commit(self, oid: str) -> Commit:
        """Return one commit."""
        return parse_commit(self.read([oid])[oid])

    def fork(self, one: str, other: str) -> str | None:
        """Return the commit where two histories part, or None when they share none."""
        return self._text("merge-base", one, other, fine=(0, 1)).strip() or None

    def since(self, tip: str, start: str) -> list[str]:
        """Return the commits in the history of `tip` that the history of `start` does not have."""
        return self._text("rev-list", "--ignore-missing", tip, f"^{start}").split()

    def brought(self, commits: Collection[str], paths: Collection[bytes]) -> list[Change]:
        """Return what each of these commits changed at these paths, a merge against each of its parents."""
        flags = ("--stdin", "-m", "--no-commit-id", *_RAW)
        stdin = "".join(f"{commit}\n" for commit in commits).encode()
        return _changes(self._run("diff-tree", *flags, "--", *paths, stdin=stdin))

    def write(self, data: bytes) -> str:
        """Store one blob and return its id."""
        return self._text("hash-object", "-w", "--stdin", stdin=data).strip()

    def write_folder(self, name: str, blob: str) -> str:
        """Store a tree that holds one file."""
        return self._text("mktree", stdin=f"100644 blob {blob}\t{name}\n".encode()).strip()

    def write_tree(self, base: str, entries: Iterable[Entry], gone: Iterable[bytes] = ()) -> str:
        """Store the tree of `base` with these entries set and `gone` removed, in an index of its own."""
        lines = [f"{entry.mode} {entry.blob}\t".encode() + entry.path for entry in entries]
        lines += [f"0 {'0' * len(base)}\t".encode() + path for path in gone]
        with tempfile.TemporaryDirectory(prefix="postbot-") as folder:
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            self._run("read-tree", base, env=index)
            self._run("update-index", "-z", "--index-info", stdin=b"\0".join([*lines, b""]), env=index)
            return self._text("write-tree", env=index).strip()

    def write_commit(self, tree: str, parents: Sequence[str], message: str, at: datetime) -> str:
        """Store a commit by our own identity, dated `at` in UTC; the same words make the same commit."""
        date = f"{int(at.timestamp())} +0000"
        env = self._identity | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        flags = [flag for parent in parents for flag in ("-p", parent)]
        return self._text(
            "commit-tree", tree, *flags, "-F", "-", stdin=message.encode(errors="backslashreplace"), env=env
        ).strip()

    def move(self, moves: Iterable[Move], why: str) -> None:
        """Move refs together or not at all; raise `Refused` when one of them is not where it was seen."""
        lines = ["start", *map(str, moves), "prepare", "commit", ""]
        done = self._start("update-ref", "--stdin", "-m", why, stdin="\n".join(lines).encode(), env=self._identity)
        words = _last_words(done.stderr)
        if done.returncode and "cannot lock ref" in words and not any(fault in words for fault in _OUR_FAULTS):
            raise Refused(f"Somebody else moved a branch at the same time: {words}.")
        self._demand(done, fine=(0,))

    def is_ref(self, ref: str) -> bool:
        """Tell whether git takes this for the full name of a ref."""
        return self._start("check-ref-format", ref).returncode == 0

    def checkout_of(self, ref: str) -> Folder | None:
        """Return the working tree that has this branch checked out."""
        for block in self._text("worktree", "list", "--porcelain").split("\n\n"):
            lines = block.splitlines()
            if f"branch {ref}" in lines and "bare" not in lines:
                return Folder(lines[0].removeprefix("worktree "))
        return None

    def staged(self, checkout: Folder, paths: Iterable[bytes]) -> dict[bytes, str]:
        """Return path and blob of these paths as the index of a checkout holds them; reads it only."""
        raw = self._run("-C", str(checkout), "ls-files", "-s", "-z", "--", *paths)
        rows = (line.partition(b"\t") for line in raw.split(b"\0") if line)
        return {path: head.split()[1].decode() for head, _, path in rows}

    def before_our_merges(self, ref: str, limit: int) -> list[str]:
        """Return the first parents of our own merges at the tip of a branch, newest first."""
        text = self._text("rev-list", "--first-parent", f"-{limit}", "--format=%P%x09%an <%ae>", ref)
        rows = [line.partition("\t")[::2] for line in text.splitlines()[1::2]]  # every other line only names the commit
        ours = takewhile(lambda row: row[1] == self.author and " " in row[0], rows)
        return [parents.partition(" ")[0] for parents, _ in ours]

    def _text(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] = _NOTHING, fine: tuple[int, ...] = (0,)
    ) -> str:
        return os.fsdecode(self._run(*args, stdin=stdin, env=env, fine=fine))

    def _run(
        self,
        *args: str | bytes,
        stdin: bytes = b"",
        env: Mapping[str, str] = _NOTHING,
        fine: tuple[int, ...] = (0,),
    ) -> bytes:
        done = self._start(*args, stdin=stdin, env=env)
        self._demand(done, fine)
        return done.stdout

    def _start(self, *args: str | bytes, stdin: bytes = b"", env: Mapping[str, str] = _NOTHING) -> _Done:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        command = ["git", "--literal-pathspecs", "-C", str(self.repo), *settings, *args]
        try:
            return subprocess.run(  # noqa: S603 - a list, no shell; every name in it is checked or made by us
                command,
                input=stdin,
                capture_output=True,
                env={**_environment(), **env},
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise HostError("git is not installed, or not on the PATH.") from error
        except subprocess.TimeoutExpired as error:
            raise HostError(f"git did not answer within {_SECONDS} seconds in {self.repo}.") from error
        except (OSError, ValueError) as error:
            raise HostError(f"git could not be started in {self.repo}: {error}.") from error

    def _demand(self, done: _Done, fine: tuple[int, ...]) -> None:
        if done.returncode in fine:
            return
        words = _last_words(done.stderr)
        if "dubious ownership" in words:
            raise HostError(
                f"{self.repo} belongs to another user, so git will not read it. If you trust it, run: "
                f"git config --global --add safe.directory {shlex.quote(str(self.repo.resolve()))}"
            )
        if "cannot change to" in words:
            raise HostError(f"There is no folder {self.repo}.")
        if "not a git repository" in words:
            raise HostError(f"{self.repo} is not a git repository.")
        raise HostError(f"git failed in {self.repo}: {words or f'exit code {done.returncode}'}.")


def parse_commit(raw: bytes) -> Commit:
    """Return what the headers of a commit object say."""
    head = raw.decode(errors="replace").partition("\n\n")[0]
    rows = [line.partition(" ")[::2] for line in head.splitlines()]
    fields = dict(reversed(rows))
    try:
        return Commit(
            parents=tuple(value for key, value in rows if key == "parent"),
            author=fields["author"].rsplit(" ", 2)[0],
            committed_at=datetime.fromtimestamp(int(fields["committer"].rsplit(" ", 2)[1]), UTC),
        )
    except (KeyError, IndexError, ValueError, OverflowError, OSError) as error:
        raise HostError(f"A commit does not say who made it when, as git would have it: {head!r}.") from error


def _environment() -> Mapping[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key in _KEPT}
    return own | _FIXED


def _leaf(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, _, blob, size = head.decode().split()
    return Entry(mode, blob, path, int(size) if size.isdigit() else 0)


def _changes(raw: bytes) -> list[Change]:
    fields = raw.split(b"\0")
    return [_change(*pair) for pair in zip(fields[::2], fields[1::2], strict=False)]


def _change(head: bytes, path: bytes) -> Change:
    old_mode, new_mode, old, new, _ = head.decode().removeprefix(":").split()
    return Change(path, _side(old_mode, old, path), _side(new_mode, new, path))


def _side(mode: str, blob: str, path: bytes) -> Entry | None:
    return Entry(mode, blob, path) if blob.strip("0") else None


def _objects(raw: bytes, names: list[str]) -> Iterable[bytes]:
    at = 0
    for name in names:
        end = raw.index(b"\n", at)
        words = raw[at:end].split(b" ")
        if len(words) != 3 or not words[2].isdigit():  # noqa: PLR2004 - id, type, size
            raise HostError(f"The object {name} is missing from the repository; git fsck says what is damaged.")
        size = int(words[2])
        yield raw[end + 1 : end + 1 + size]
        at = end + size + 2


def _last_words(stderr: bytes) -> str:
    lines = [line for line in os.fsdecode(stderr).splitlines() if not line.startswith(("hint:", "warning:"))]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    return fatal[0].partition(": ")[2].rstrip(".") if fatal and ": " in fatal[0] else " ".join(fatal)
