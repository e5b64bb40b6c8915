"""A plain git repository as a host: a pull request is a branch, and what is said about it is kept in git too.

    refs/heads/<base>            the site
    refs/heads/postbot/...       one branch for each open pull request, one commit of ours on it
    refs/postbot/pulls/<number>  its record, `pull.json`; each change of state is one more commit: the audit

Works on a bare repository or a checkout. It never touches the user's working tree, index, HEAD, hooks, stash
or configuration: it adds objects and moves the refs above, always by compare-and-swap and those of one act
together. When the base branch is checked out somewhere, a merge moves it all the same; `behind_checkout` says
how to catch up. A branch of ours that somebody has checked out is neither moved nor deleted.

The record of a pull request is what we did; whether people merged it, or deleted or took over its branch, is
read from git at every look. Content decides there: a squash or a cherry-pick leaves no trace but its bytes.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path as Folder
from typing import Final, TypeAlias

from pydantic import TypeAdapter, ValidationError

from postbot.core.site import LARGEST, ChangeSet, File, Path, Pull, PullStatus, Snapshot, Standing
from postbot.hosts import HostError, Refused
from postbot.hosts.git import Git, Move, parse_commit
from postbot.hosts.tree import (
    PREFIX,
    REGULAR,
    SUBMODULE,
    Entry,
    blob_id,
    is_pointer,
    is_safe,
    problem,
    shown,
    sift,
    within,
)

__all__ = ["HostError", "LocalHost", "Refused"]

_HEADS: Final = "refs/heads/"
_PULLS: Final = "refs/postbot/pulls/"
_ATTEMPTS: Final = 40
_MERGES_BACK: Final = 50

_Leaves: TypeAlias = Mapping[bytes, Entry | None]
"""What is to stand at each path of a tree; None: nothing."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What we know of a pull request by having done it; `files` are path and blob (None: removed) of each file."""

    number: int
    branch: str
    head: str
    base: str
    title: str
    body: str
    message: str
    opened_at: datetime
    files: dict[str, str | None]
    labels: tuple[str, ...] = ()
    status: PullStatus = PullStatus.OPEN
    approved_by: tuple[str, ...] = ()
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None
    merged: str | None = None
    draft: bool = False
    again: bool = False
    standing: Standing = field(default_factory=Standing)

    @property
    def ref(self) -> str:
        return f"{_PULLS}{self.number}"

    def closed(self, status: PullStatus, by: str, now: datetime, reason: str | None = None) -> "_Record":
        return replace(self, status=status, closed_by=by, closed_at=now.astimezone(UTC), reason=reason)


_RECORD: Final = TypeAdapter(_Record)


@dataclass(frozen=True, slots=True)
class _World:
    """All refs of ours at one moment, and the records they point at."""

    refs: Mapping[str, str]
    tip: str
    records: tuple[_Record, ...]

    def head(self, record: _Record) -> str:
        return self.refs.get(_HEADS + record.branch, "")


@dataclass(frozen=True, slots=True)
class _Case:
    """A pull request as it stands; while open, `after` is path and blob (None: removed) of its changes."""

    record: _Record
    head: str
    after: Mapping[bytes, str | None] = field(default_factory=dict)
    stale: bool = False

    @property
    def untouched(self) -> bool:
        return self.head == self.record.head


class LocalHost:
    """The site in a git repository: `base` is the published branch, `folders` hold the postings.

    No folders means everywhere. Commits are made by `postbot <email>`; `now` is an aware datetime. Every
    method raises `HostError` when git fails and `Refused` when the world has moved; then nothing was changed.
    """

    def __init__(
        self,
        repo: Folder,
        base: str = "main",
        folders: tuple[str, ...] = (),
        email: str = "postbot@localhost",
    ) -> None:
        self.base = base
        self._base_ref = _HEADS + base
        self._git = Git(repo, "postbot", email)
        self._folders = tuple(_folder(name) for name in folders) or (b"",)
        self._records: dict[str, _Record] = {}
        self._last: tuple[Mapping[str, str], Snapshot] | None = None

    def look(self, previous: Snapshot | None = None) -> Snapshot:
        """Return the site and our pull requests: `previous` itself, by one git process, if nothing moved."""
        refs = self._refs()
        if previous is not None and self._last is not None and self._last[1] is previous and self._last[0] == refs:
            return previous
        world = self._world(refs)
        cases = [self._case(world, record) for record in world.records]
        leaves = self._git.leaves(world.tip, [*self._folders, *_paths(cases)])
        cases = [self._judged(world, case, leaves) for case in cases]
        stale = self._stale(world, (case.record for case in cases if case.after and case.untouched))
        cases = [replace(case, stale=case.record.number in stale) for case in cases]
        snapshot = self._snapshot(world, cases, leaves, previous)
        self._last = refs, snapshot
        return snapshot

    def read(self, path: Path) -> bytes | None:
        """A file of the base branch as its tip has it; None where there is no such file."""
        if not is_safe(path):
            raise HostError(f"{path!r} is no path inside the repository.")
        name = path.encode()
        entry = self._git.leaves(self._refs()[self._base_ref], [name]).get(name)
        if entry is None or entry.mode == SUBMODULE:
            return None
        if entry.mode not in REGULAR or entry.size > LARGEST:
            raise HostError(f"{path} on {self.base} is no plain file of at most {LARGEST >> 20} MiB; it was not read.")
        return self._git.read([entry.blob])[entry.blob]

    def propose(self, change: ChangeSet, now: datetime) -> Pull:
        """Make or refresh the one pull request of `change.branch`, on top of the base branch as it is now."""
        self._demand_names(change)
        for _ in range(_ATTEMPTS):
            try:
                return self._propose(self._world(self._refs()), change, now)
            except _Raced:
                continue
        raise Refused(f"Others kept moving the branches of {self._git.repo} while {change.branch} was proposed.")

    def merge(self, pull: Pull, now: datetime) -> None:
        """Merge a pull request that is still as we made it and as `pull` shows it."""
        world = self._world(self._refs())
        case = self._open(world, pull.number)
        if not case.untouched or case.head != pull.head:
            raise Refused(f"Pull request #{pull.number} has been changed since; a person must merge it.")
        if case.record.draft:
            raise Refused(f"Pull request #{pull.number} is a draft; it was not merged.")
        self._merge(world, case, "postbot", now)

    def merge_by_hand(self, number: int, by: str, now: datetime) -> None:
        """Merge in the name of a person, whatever commits people have added to the branch."""
        world = self._world(self._refs())
        self._merge(world, self._open(world, number), by, now)

    def withdraw(self, pull: Pull, reason: str, now: datetime) -> None:
        """Take a pull request back; its branch goes too, unless people have added to it."""
        self._close(pull.number, PullStatus.WITHDRAWN, "postbot", reason, now)

    def guard(self, demand: Callable[[], None]) -> None:
        """Nothing is to be demanded: each write here is one compare-and-swap of all that it depends on."""

    def clock(self) -> None:
        """A git repository has no clock of its own."""

    def tidy(self, pull: Pull, now: datetime) -> None:
        """Delete the branch of a pull request that has ended, unless people have gone on with it."""
        del now
        world = self._world(self._refs())
        record = next((record for record in world.records if record.number == pull.number), None)
        head = world.refs.get(_HEADS + pull.branch)
        if record is None or head != record.head:
            raise Refused(f"The branch {pull.branch} is not as it was; it was left alone.")
        self._move([self._dropped(_Case(record, head))])

    def note(self, pull: Pull, standing: Standing, now: datetime) -> None:
        """Keep in the record what we say beside a pull request; it replaces what was said before."""
        world = self._world(self._refs())
        case = self._open(world, pull.number)
        if case.record.standing != standing:
            self._move([self._kept(case), self._saved(world, replace(case.record, standing=standing), "Noted", now)])

    def reject(self, number: int, by: str, reason: str, now: datetime) -> None:
        """Close a pull request as a person's no; its branch goes too, unless people have added to it."""
        self._close(number, PullStatus.REJECTED, by, reason, now)

    def approve(self, number: int, by: str, now: datetime) -> None:
        """Note a person's approval of the files as they are; a later refresh that changes them drops it."""
        world = self._world(self._refs())
        case = self._open(world, number)
        if by not in case.record.approved_by:
            record = replace(case.record, approved_by=(*case.record.approved_by, by))
            self._move([self._kept(case), self._saved(world, record, f"Approved by {by}", now)])

    def behind_checkout(self) -> str | None:
        """Say how a checkout of the base branch catches up with our merges; None if none is behind."""
        checkout = self._git.checkout_of(self._base_ref)
        if checkout is None:
            return None
        for old in reversed(self._git.before_our_merges(self._base_ref, _MERGES_BACK)):
            if self._index_is_at(old, checkout):
                command = f"git -C {shlex.quote(str(checkout))} read-tree -m -u {old} HEAD"
                return f"{checkout} is behind {self.base}; before the next commit there, run: {command}"
        return None

    # What is there

    def _refs(self) -> dict[str, str]:
        refs = self._git.refs(self._base_ref, _HEADS + PREFIX, _PULLS)
        if self._base_ref not in refs:
            raise HostError(f"{self._git.repo} has no branch {self.base!r}; name the published branch with `base`.")
        return refs

    def _world(self, refs: Mapping[str, str]) -> _World:
        pulls = {oid: ref for ref, oid in refs.items() if ref.startswith(_PULLS)}
        new = [oid for oid in pulls if oid not in self._records]
        texts = self._git.read(f"{oid}:pull.json" for oid in new)
        self._records |= {oid: _record(pulls[oid], texts[f"{oid}:pull.json"]) for oid in new}
        records = sorted((self._records[oid] for oid in pulls), key=lambda record: record.number)
        return _World(refs, refs[self._base_ref], tuple(records))

    def _case(self, world: _World, record: _Record) -> _Case:
        head = world.head(record)
        if record.status is not PullStatus.OPEN:
            return _Case(record, head)
        if head in ("", record.head):
            return _Case(record, head, {path.encode(): blob for path, blob in record.files.items()})
        changes = self._git.changes(self._git.fork(world.tip, head) or record.base, head)
        return _Case(record, head, {change.path: _blob(change.new) for change in changes})

    def _judged(self, world: _World, case: _Case, leaves: Mapping[bytes, Entry]) -> _Case:
        """Say what people have made of an open pull request with git alone."""
        if case.record.status is not PullStatus.OPEN:
            return case
        if self._landed(world, case, leaves):
            record = replace(case.record, status=PullStatus.MERGED, closed_by="someone")
        elif not case.head:
            told = "the branch was deleted"
            record = replace(case.record, status=PullStatus.REJECTED, closed_by="someone", reason=told)
        else:
            return case
        return _Case(record, case.head)

    def _landed(self, world: _World, case: _Case, leaves: Mapping[bytes, Entry]) -> bool:
        """Tell whether base has, or once had, the commit or the very bytes of a pull request."""
        if world.tip == case.record.base:
            return False
        if case.after and all(_blob(leaves.get(path)) == blob for path, blob in case.after.items()):
            return True
        commits = self._git.since(world.tip, case.record.base)
        return not {case.head, case.record.head}.isdisjoint(commits) or self._brought(commits, case)

    def _brought(self, commits: list[str], case: _Case) -> bool:
        if not commits or not case.after:
            return False
        changes = self._git.brought(commits, case.after)
        return case.after.items() <= {(change.path, _blob(change.new)) for change in changes}

    def _stale(self, world: _World, records: Iterable[_Record]) -> frozenset[int]:
        """The numbers of those whose files the base branch has changed since; one git process for each base."""
        aged = [record for record in records if record.base != world.tip]
        bases = {record.base for record in aged}
        moved = {base: {shown(change.path) for change in self._git.changes(base, world.tip)} for base in bases}
        return frozenset(record.number for record in aged if not moved[record.base].isdisjoint(record.files))

    def _snapshot(
        self, world: _World, cases: list[_Case], leaves: Mapping[bytes, Entry], previous: Snapshot | None
    ) -> Snapshot:
        entries, problems = sift(entry for path, entry in leaves.items() if within(path, self._folders))
        known = previous.files if previous else {}
        kept = {path: known[path] for path, entry in entries.items() if _is(known.get(path), entry)}
        new = {path: entry.blob for path, entry in entries.items() if path not in kept}
        shown = {blob for case in cases for blob in case.after.values() if blob}
        data = self._git.read([world.tip, *new.values(), *shown])
        pointers = {path for path, blob in new.items() if is_pointer(data[blob])}
        problems += [problem(path, "file-lfs-pointer") for path in pointers]
        read = {path: File(path, blob, data[blob]) for path, blob in new.items() if path not in pointers}
        return Snapshot(
            commit=world.tip,
            committed_at=parse_commit(data[world.tip]).committed_at,
            files={path: kept.get(path) or read[path] for path in entries if path not in pointers},
            pulls=tuple(_pull(case, data) for case in cases),
            problems=tuple(sorted(problems, key=lambda problem: (problem.path, problem.code))),
        )

    def _open(self, world: _World, number: int) -> _Case:
        """Return a pull request that is open now, or refuse."""
        record = next((record for record in world.records if record.number == number), None)
        if record is None:
            raise Refused(f"There is no pull request #{number} in {self._git.repo}.")
        case = self._case(world, record)
        case = self._judged(world, case, self._git.leaves(world.tip, _paths([case])))
        if case.record.status is not PullStatus.OPEN:
            raise Refused(f"Pull request #{number} is already {case.record.status}.")
        return case

    def _index_is_at(self, old: str, checkout: Folder) -> bool:
        sides = {change.path: change.old for change in self._git.changes(old, self._base_ref)}
        staged = self._git.staged(checkout, sides)
        return bool(sides) and all(_blob(side) == staged.get(path) for path, side in sides.items())

    # What is done

    def _demand_names(self, change: ChangeSet) -> None:
        if not change.branch.startswith(PREFIX) or not self._git.is_ref(_HEADS + change.branch):
            raise HostError(f"{change.branch!r} is no name for a branch of ours; it must begin with {PREFIX}.")
        for path in (*change.before, *change.after):
            if not is_safe(path):
                raise HostError(f"{path!r} is no path inside the repository.")

    def _propose(self, world: _World, change: ChangeSet, now: datetime) -> Pull:
        wanted = self._wanted(world, change)
        found = [record for record in world.records if record.branch == change.branch]
        record = self._renewable(world, found[-1], change) if found else None
        head, base = self._commit(world, change, wanted, record, now)
        files = {path.decode(): _blob(entry) for path, entry in wanted.items()}
        is_open = record is not None and record.status is PullStatus.OPEN
        fresh = _Record(
            number=record.number if record else max((record.number for record in world.records), default=0) + 1,
            branch=change.branch,
            head=head,
            base=base,
            title=change.title,
            body=change.body,
            message=change.message,
            opened_at=record.opened_at if is_open and record else now.astimezone(UTC),
            files=files,
            labels=change.labels,
            approved_by=record.approved_by if is_open and record and record.files == files else (),
            draft=change.draft,
            again=change.again or (is_open and record is not None and record.again),
            standing=record.standing if record else Standing(),
        )
        if fresh != record:
            branch = Move(_HEADS + change.branch, world.refs.get(_HEADS + change.branch), head)
            self._move([branch, self._saved(world, fresh, "Refreshed" if record else "Opened", now)])
        return replace(_pull(_Case(fresh, head), {}), files={Path(path): change.after[Path(path)] for path in files})

    def _wanted(self, world: _World, change: ChangeSet) -> _Leaves:
        """Return what to set at each path, with its present mode, or remove; refuse if base has other bytes by now."""
        leaves = self._git.leaves(world.tip, [path.encode() for path in {*change.before, *change.after}])
        for path in {*change.before, *change.after}:
            entry, before = leaves.get(path.encode()), change.before.get(path)
            same = entry is None if before is None else _holds(entry, before)
            if not same:
                raise Refused(f"{path} has changed on {self.base} since this was planned; the change was not made.")
        entries = {path.encode(): _entry(path, data, leaves, world.tip) for path, data in change.after.items()}
        wanted = {path: entry for path, entry in entries.items() if _blob(leaves.get(path)) != _blob(entry)}
        if not wanted:
            raise HostError(f"{change.branch} would change nothing.")
        return wanted

    def _renewable(self, world: _World, record: _Record, change: ChangeSet) -> _Record:
        if record.status is PullStatus.WITHDRAWN or (change.again and record.status is PullStatus.REJECTED):
            return record
        return self._open(world, record.number).record

    def _commit(
        self, world: _World, change: ChangeSet, wanted: _Leaves, record: _Record | None, now: datetime
    ) -> tuple[str, str]:
        """Return the commit that makes this change and its parent: the one that is there, or a new one."""
        head = world.refs.get(_HEADS + change.branch)
        if head and (record is None or head != record.head):
            return head, self._parent_if_ours(head, change, wanted)
        files = {path.decode(): _blob(entry) for path, entry in wanted.items()}
        is_made = record is not None and (record.files, record.message) == (files, change.message)
        if record and head and is_made and not self._stale(world, [record]):
            return head, record.base
        if head and (checkout := self._git.checkout_of(_HEADS + change.branch)):
            raise Refused(f"The branch {change.branch} is checked out in {checkout}; it was left as it is.")
        for data in (change.after[Path(path)] for path in files):
            if data is not None:
                self._git.write(data)
        tree = self._grafted(world.tip, wanted)
        return self._git.write_commit(tree, [world.tip], change.message, now), world.tip

    def _parent_if_ours(self, head: str, change: ChangeSet, wanted: _Leaves) -> str:
        """Return the parent of a commit we made and did not come to record; refuse anything else."""
        commit = self._git.commit(head)
        if commit.author == self._git.author and len(commit.parents) == 1:
            made = {item.path: item.new for item in self._git.changes(commit.parents[0], head)}
            if made == wanted:
                return commit.parents[0]
        raise Refused(f"The branch {change.branch} holds commits of somebody else; it was left as it is.")

    def _grafted(self, base: str, wanted: _Leaves) -> str:
        """Store `base` with exactly these paths set and removed; git alone would put a file over a folder."""
        gone = [path for path, entry in wanted.items() if entry is None]
        tree = self._git.write_tree(base, filter(None, wanted.values()), gone)
        if any(change.path not in wanted for change in self._git.changes(base, tree)):
            raise Refused(f"A file and a folder of the same name are in the way on {self.base}.")
        return tree

    def _merge(self, world: _World, case: _Case, by: str, now: datetime) -> None:
        record = case.record
        tree = self._merged_tree(world, case)
        message = f"Merge pull request #{record.number}: {_line(record.title)}\n\n{_trailers(record, by)}"
        commit = self._git.write_commit(tree, [world.tip, case.head], message, now)
        done = replace(record.closed(PullStatus.MERGED, by, now), merged=commit)
        self._move(
            [
                Move(self._base_ref, world.tip, commit),
                self._saved(world, done, f"Merged by {by}", now),
                self._dropped(case),
            ]
        )

    def _merged_tree(self, world: _World, case: _Case) -> str:
        fork = self._git.fork(world.tip, case.head)
        changes = self._git.changes(fork, case.head) if fork else []
        if not changes:
            raise Refused(f"Pull request #{case.record.number} has nothing to merge into {self.base}.")
        leaves = self._git.leaves(world.tip, [change.path for change in changes])
        for change in changes:
            present = leaves.get(change.path)
            if change.old != (present and replace(present, size=0)):
                raise Refused(f"{shown(change.path)} has changed on {self.base} since; it was not merged.")
        return self._grafted(world.tip, {change.path: change.new for change in changes})

    def _close(self, number: int, status: PullStatus, by: str, reason: str, now: datetime) -> None:
        world = self._world(self._refs())
        case = self._open(world, number)
        saved = self._saved(world, case.record.closed(status, by, now, reason), f"{status.capitalize()} by {by}", now)
        self._move([saved, self._dropped(case) if case.untouched else self._kept(case)])

    def _kept(self, case: _Case) -> Move:
        return Move(_HEADS + case.record.branch, case.head, case.head)

    def _dropped(self, case: _Case) -> Move:
        """Delete a branch, unless somebody has it checked out and would be left on no branch at all."""
        ref = _HEADS + case.record.branch
        return self._kept(case) if self._git.checkout_of(ref) else Move(ref, case.head, None)

    def _saved(self, world: _World, record: _Record, what: str, now: datetime) -> Move:
        """Store a record as one more commit of its history; the move to it takes effect with the others."""
        old = world.refs.get(record.ref)
        blob = self._git.write(_json(record))
        tree = self._git.write_folder("pull.json", blob)
        return Move(record.ref, old, self._git.write_commit(tree, [old] if old else [], _line(what), now))

    def _move(self, moves: list[Move]) -> None:
        """Move refs together; git does so in this order, deletions last, so a kill halfway can be mended."""
        try:
            self._git.move(moves, "postbot")
        except Refused as refusal:
            raise _Raced(*refusal.args) from refusal


class _Raced(Refused):
    """Somebody moved a ref between our look and our act."""


def _folder(name: str) -> bytes:
    plain = name.strip("/")
    if plain and not is_safe(plain):
        raise HostError(f"{name!r} is no folder inside the repository.")
    return plain.encode()


def _record(ref: str, text: bytes) -> _Record:
    try:
        return _RECORD.validate_json(text)
    except ValidationError as error:
        raise HostError(
            f"{ref} does not hold a pull request of ours; look at it with: git show {ref}:pull.json"
        ) from error


def _json(record: _Record) -> bytes:
    try:
        return _RECORD.dump_json(record, indent=2) + b"\n"
    except ValueError as error:
        raise HostError(f"Pull request #{record.number} holds text that is not Unicode; write it anew.") from error


def _paths(cases: Iterable[_Case]) -> list[bytes]:
    return [path for case in cases for path in case.after]


def _is(file: File | None, entry: Entry) -> bool:
    return file is not None and file.blob == entry.blob


def _blob(entry: Entry | None) -> str | None:
    return entry.blob if entry else None


def _holds(entry: Entry | None, data: bytes) -> bool:
    return entry is not None and entry.mode in REGULAR and entry.blob == blob_id(data, entry.blob)


def _entry(path: Path, data: bytes | None, leaves: Mapping[bytes, Entry], like: str) -> Entry | None:
    if data is None:
        return None
    present = leaves.get(path.encode())
    return Entry(present.mode if present else "100644", blob_id(data, like), path.encode())


def _pull(case: _Case, data: Mapping[str, bytes]) -> Pull:
    record = case.record
    return Pull(
        number=record.number,
        branch=record.branch,
        title=record.title,
        body=record.body,
        status=record.status,
        head=case.head,
        untouched=case.untouched,
        opened_at=record.opened_at,
        labels=record.labels,
        approved_by=record.approved_by,
        files={Path(shown(path)): data[blob] if blob else None for path, blob in case.after.items()},
        closed_at=record.closed_at,
        closed_by=record.closed_by,
        reason=record.reason,
        paths=tuple(Path(shown(path)) for path in case.after) or tuple(map(Path, record.files)),
        draft=record.draft,
        stale=case.stale,
        again=record.again,
        standing=record.standing,
    )


def _trailers(record: _Record, by: str) -> str:
    rows = [
        ("Postbot-Pull", str(record.number)),
        ("Merged-By", by),
        *(("Approved-By", who) for who in record.approved_by),
    ]
    return "".join(f"{key}: {_line(value)}\n" for key, value in rows)


def _line(text: str) -> str:
    return " ".join(text.split())
