"""The repository's life: what the twin knows, how it came about, and what a push means for pull requests.

Every change of the world goes through `change`, every outward effect through `effect`. Whoever acts is named by login.
"""

import hashlib
import itertools
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.twins.github.clock import Clock, stamp
from tests.twins.github.errors import Refusal
from tests.twins.github.model import Event, Label, Merge, Pull, Rules, State, User
from tests.twins.github.store import ZERO, MovedError, Store

REMEMBERED = 2_000
BOT = "postbot[bot]"
PEOPLE = ("ann", "bo", "cy")
BAD_NAME = re.compile(r"(^|/)[./]|//|\.\.|[\x00-\x20\x7f~^:?*\[\\]|@\{|\.lock(/|$)|[./]$|^$|^@$")


@dataclass(frozen=True, slots=True)
class Move:
    """One ref to be moved. `old` None: wherever it is; `new` None: deleted."""

    branch: str
    old: str | None
    new: str | None
    force: bool = False
    absent: bool = False


@dataclass
class Settings:
    """Limits that tests make small."""

    tree_limit: int = 100_000
    blob_limit: int = 100 << 20
    text_limit: int = 512_000
    unknown_first: int = 0
    distinct_seconds: bool = False


@dataclass
class World:
    store: Store
    clock: Clock
    log: Path
    owner: str
    name: str
    state: State = field(init=False)
    settings: Settings = field(default_factory=Settings)
    users: dict[str, User] = field(default_factory=dict)
    collaborators: set[str] = field(default_factory=set)
    teams: set[str] = field(default_factory=set)
    made: dict[str, datetime] = field(default_factory=dict)
    lag: float = 0
    id: int = 77001

    def __post_init__(self) -> None:
        self._ids = itertools.count(1001)
        self._secret = secrets.token_hex(8)
        self._past: list[State] = []
        self._times: list[datetime] = []
        self._floor = 0
        self._asked: dict[tuple[int, str, str], int] = {}
        self.log.touch()
        self.user(self.owner, "Organization")
        self.user(BOT, "Bot")
        self.collaborators |= {self.user(login).login for login in PEOPLE}
        now = self.clock.now()
        self.state = State(self.owner, self.name, now, now, now, refs=self.store.heads())
        self._remember()

    # Who and when

    def user(self, login: str, kind: str | None = None) -> User:
        """The user of that name, who comes into being when first named."""
        if login not in self.users:
            self.users[login] = User(login, next(self._ids), kind or ("Bot" if login.endswith("[bot]") else "User"))
        return self.users[login]

    def new_id(self) -> int:
        return next(self._ids)

    def moment(self) -> datetime:
        """The time of something new; where tests ask for it, later than whatever was before."""
        if self.settings.distinct_seconds and self.clock.now() == self._times[-1]:
            self.clock.advance(1)
        return self.clock.now()

    def change(self, **fields: Any) -> None:
        self.state = replace(self.state, **fields)
        self._remember()

    def _remember(self) -> None:
        self._past.append(self.state)
        self._times.append(self.clock.now())
        if len(self._past) > REMEMBERED:
            del self._past[0], self._times[0]
            self._floor = max(0, self._floor - 1)

    def seen(self) -> State:
        """The world as reads show it: the present, or with lag what it was then."""
        if not self.lag:
            return self.state
        until = self.clock.now() - timedelta(seconds=self.lag)
        shown = [index for index, at in enumerate(self._times) if at <= until]
        return self._past[max(self._floor, shown[-1] if shown else 0)]

    def start_lag(self, seconds: float) -> None:
        """From now on, what happens is seen that many seconds later."""
        self.lag, self._floor = seconds, len(self._past) - 1

    def made_now(self, oid: str) -> str:
        """Note that an object was written by a request, so that lag may hide it."""
        self.made.setdefault(oid, self.clock.now())
        return oid

    def sign(self, oid: str) -> str:
        """A key to one archive, good for five minutes."""
        until = int(self.clock.now().timestamp()) + 300
        return f"{until}-{hashlib.sha256(f'{oid}{until}{self._secret}'.encode()).hexdigest()[:32]}"

    def signed(self, oid: str, key: str) -> bool:
        until, _, signature = key.partition("-")
        wanted = hashlib.sha256(f"{oid}{until}{self._secret}".encode()).hexdigest()[:32]
        return signature == wanted and int(until) > self.clock.now().timestamp()

    def hides(self, oid: str) -> bool:
        made = self.made.get(oid)
        return bool(self.lag) and made is not None and made > self.clock.now() - timedelta(seconds=self.lag)

    def effect(self, kind: str, by: str, **told: Any) -> None:
        """Write down what has happened to the world, for tests to judge by."""
        line = {"at": stamp(self.clock.now()), "kind": kind, "by": by, **told}
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    # Pull requests as values

    def put(self, pull: Pull, *, touch: bool = True) -> Pull:
        """Store a pull request; its `updatedAt` is now, unless nothing of note changed."""
        pull = replace(pull, updated_at=self.moment()) if touch else pull
        self.change(pulls={**self.state.pulls, pull.number: pull})
        return pull

    def end(self, pull: Pull, by: str, merge: Merge | None = None) -> Pull:
        """Close a pull request, merged or not."""
        now = self.moment()
        events = (*pull.events, *([Event("merged", by, now)] if merge else []), Event("closed", by, now))
        base = pull.ended_base or self.state.refs.get(pull.base) or pull.head_sha
        pull = self.put(replace(pull, closed_at=now, merge=merge, events=events, ended_base=base))
        kind = "merged" if merge else "pull-closed"
        self.effect(kind, by, number=pull.number, branch=pull.head, sha=merge.sha if merge else pull.head_sha)
        return pull

    def base_of(self, pull: Pull, state: State) -> str:
        """Where the base of a pull request stands; for one that has ended, where it stood then."""
        return pull.ended_base or state.refs.get(pull.base) or pull.head_sha

    def rules(self, branch: str) -> Rules:
        return self.state.rules.get(branch, Rules())

    def label(self, name: str, by: str) -> Label:
        """The label of that name, in any case; made when it is not there."""
        if name.lower() not in self.state.labels:
            self.change(labels={**self.state.labels, name.lower(): Label(self.new_id(), name)})
            self.effect("label-created", by, name=name)
        return self.state.labels[name.lower()]

    # Refs

    def sync(self, by: str = "ann") -> None:
        """Notice what git outside has done to the refs, and draw GitHub's conclusions."""
        heads = self.store.heads()
        if heads != self.state.refs:
            self._moved(heads, by)

    def push(self, moves: Sequence[Move], by: str, *, workflows: bool = True, landing: int | None = None) -> None:
        """Move refs all at once or not at all. `landing` is the pull request whose merge this is."""
        before = dict(self.state.refs)
        steps: dict[str, tuple[str | None, str | None]] = {}
        for move in moves:
            self._allow(move, before, {one.branch for one in moves})
            if landing is None:
                self._may_push(move, before, workflows=workflows)
            steps[move.branch] = (before.get(move.branch), move.new)
        try:
            self.store.move(steps)
        except MovedError:
            self.sync()
            raise Refusal(422, "Reference update failed: a reference was changed meanwhile") from None
        self._moved(self.store.heads(), by, landing)

    def _allow(self, move: Move, refs: Mapping[str, str], others: set[str]) -> None:
        now, name = refs.get(move.branch), f"refs/heads/{move.branch}"
        if BAD_NAME.search(move.branch):
            raise Refusal(422, f"{name} is not a valid ref name.")
        if move.absent and now is not None:
            raise Refusal(422, f"Reference already exists: {name}")
        if move.old is not None and now != move.old:
            raise Refusal(422, f"{name} is at {now or ZERO} but expected {move.old}")
        if move.new is None:
            if now is None or move.branch == self.state.default_branch:
                raise Refusal(422, f"Reference {name} cannot be deleted")
            return
        if self.store.kind(move.new) != "commit":
            raise Refusal(422, f"Object {move.new} does not exist or is no commit")
        if now is None and any(_nested(move.branch, other) for other in {*refs, *others} if other != move.branch):
            raise Refusal(422, f"Reference {name} cannot be created: it clashes with another")
        if now is not None and not move.force and not self.store.contains(move.new, now):
            raise Refusal(422, f"Update is not a fast forward: {name}")

    def _may_push(self, move: Move, refs: Mapping[str, str], *, workflows: bool) -> None:
        now = refs.get(move.branch)
        if self.rules(move.branch).pull_requests_only and now is not None:
            raise Refusal(422, "Repository rule violations found: Changes must be made through a pull request.")
        if not workflows and move.new is not None:
            self._keep_workflows(now or refs.get(self.state.default_branch), move.new)

    def _keep_workflows(self, old: str | None, new: str) -> None:
        there = self.store.at(self.store.tree_of(old), ".github/workflows") if old else None
        then = self.store.at(self.store.tree_of(new), ".github/workflows")
        if then is not None and (there is None or there.oid != then.oid):
            message = "refusing to allow a GitHub App to create or update workflow without `workflows` permission"
            raise Refusal(403, message, kind="FORBIDDEN")

    def _moved(self, refs: dict[str, str], by: str, landing: int | None = None) -> None:
        before = self.state.refs
        self.change(refs=refs, pushed_at=self.moment())
        for branch in sorted(before.keys() | refs.keys()):
            old, new = before.get(branch), refs.get(branch)
            if old != new:
                kind = "ref-created" if old is None else "ref-deleted" if new is None else "ref-moved"
                self.effect(kind, by, branch=branch, sha=new or old)
        changed = {branch for branch in before.keys() | refs.keys() if before.get(branch) != refs.get(branch)}
        for pull in list(self.state.pulls.values()):
            if pull.open and pull.number != landing and {pull.head, pull.base} & changed:
                self._follow(pull, before, by)

    def _follow(self, pull: Pull, before: Mapping[str, str], by: str) -> None:
        """What moved refs mean for one open pull request: a new head, a merge by hand, or its end."""
        refs = self.state.refs
        base, head = refs.get(pull.base), pull.head_sha if pull.fork else refs.get(pull.head)
        heads = [sha for sha in (head, pull.head_sha) if sha is not None]
        landed = base != before.get(pull.base) and base is not None
        if landed and any(self.store.contains(base, sha) for sha in heads):
            sha = next(sha for sha in heads if self.store.contains(base, sha))
            moved = replace(pull, head_sha=sha, ended_base=before.get(pull.base))
            self.end(moved, by, Merge(by, self.clock.now(), base))
        elif base is None or head is None:
            self.end(replace(pull, ended_base=before.get(pull.base)), by)
        elif head != pull.head_sha:
            self._new_head(pull, head, base, by)

    def _new_head(self, pull: Pull, head: str, base: str, by: str) -> None:
        reviews = pull.reviews
        if self.rules(pull.base).dismiss_stale:
            reviews = tuple(replace(one, state="DISMISSED") if one.state == "APPROVED" else one for one in reviews)
        pull = self.put(replace(pull, head_sha=head, reviews=reviews))
        if self.store.contains(base, head):
            self.end(pull, by)

    def asked(self, pull: Pull, base: str) -> bool:
        """Whether mergeability is worked out by now: the first so many questions after a change come too early."""
        key = (pull.number, base, pull.head_sha)
        self._asked[key] = self._asked.get(key, 0) + 1
        return self._asked[key] > self.settings.unknown_first


def _nested(one: str, other: str) -> bool:
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")
