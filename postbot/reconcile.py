"""The loop: observe, plan, act, announce. Whatever pokes it, it derives everything afresh.

    1. observe    the host shows the site at one commit, the ledger what we remember
    2. plan       pure: what is to be done now, or held
    3. act        one step after the other; what the world refuses is left to the next look
    4. again      until a look finds nothing left to do (a merge is witnessed in the same tick)
    5. announce   claim, send, settle; what may have gone out already is looked for first

Of the two ports `Host` is declared here by the one who uses it, `Channel` in `speaking`. A tick may be killed anywhere:
branch names and message keys are known beforehand, so the next tick finds what was done and does the rest. Nothing here
decides what should happen; that is the plan's business.
"""

import gc
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeGuard, assert_never

from postbot import steady
from postbot.censor import censored
from postbot.core.announce import Announcement, Audience, Message
from postbot.core.announce.words import RELEASE, Voice, messages
from postbot.core.plan.acts import Outward, act_of
from postbot.core.plan.answers import without_a_look
from postbot.core.plan.body import announced
from postbot.core.plan.decide import make_plan
from postbot.core.plan.forecast import Foreseen, forecast
from postbot.core.plan.memory import Change, Memory, Request
from postbot.core.plan.news import undelivered
from postbot.core.plan.progress import delivered, is_noted
from postbot.core.plan.steps import (
    Answer,
    Forget,
    Merge,
    Note,
    Plan,
    Policy,
    Propose,
    Record,
    Seen,
    Skew,
    Step,
    Tell,
    Tidy,
    Withdraw,
)
from postbot.core.plan.undoing import merged_lately
from postbot.core.posting import Posting, read_posting
from postbot.core.problem import Problem
from postbot.core.profile import Profile
from postbot.core.site import ChangeSet, File, Path, Pull, Snapshot, Standing
from postbot.hosts import HostError, Unavailable
from postbot.ledger import Delivery, Ledger
from postbot.progress import Step as At
from postbot.progress import doing
from postbot.roster import Roster, with_rights
from postbot.speaking import Channel, Sent, Speaker

if TYPE_CHECKING:
    from postbot.page import PublicSite

ROUNDS = 8
"""Looks within one tick: propose, merge, witness, and a few to spare. What is left waits for the next tick."""

NOTHING = Plan(datetime.min.replace(tzinfo=UTC), (), (), None, None)
"""The plan of a tick that could not look."""

_UNSEEN = "This was done, and the look after it does not show it. The next tick looks again."


class Host(Protocol):
    """Where the postings live.

    Every method may raise `HostError`. What goes wrong with one act leaves the others to go on, but for `Unavailable`.
    """

    def look(self, previous: Snapshot | None = None) -> Snapshot:
        """The site and our pull requests; `previous` itself where nothing has moved since."""

    def read(self, path: Path) -> bytes | None:
        """A file of the base branch as its tip has it, at most `LARGEST`; None where there is no such file."""

    def guard(self, demand: Callable[[], None]) -> None:
        """Call this before each write that is no compare-and-swap; it raises where another one may have taken over."""

    def clock(self) -> datetime | None:
        """What the host's own clock shows now (UTC), as far as its last answer told; None where it has none."""

    def propose(self, change: ChangeSet, now: datetime) -> Pull:
        """Open the pull request of this branch, or bring it up to date. The branch name is the idempotency key."""

    def merge(self, pull: Pull, now: datetime) -> None:
        """Merge, only if the pull request is still exactly what the plan saw."""

    def withdraw(self, pull: Pull, reason: str, now: datetime) -> None:
        """Close a pull request of ours that nothing asks for any more."""

    def tidy(self, pull: Pull, now: datetime) -> None:
        """Delete the branch of a pull request of ours that has ended, if it still holds nothing else."""

    def note(self, pull: Pull, standing: Standing, now: datetime) -> None:
        """Keep what we say beside a pull request up to date: one comment, rewritten; and the verdict, if asked for."""


@dataclass
class Report:
    """What one tick did, in order: steps taken, steps that the world refused (and why), messages, and the last plan.

    `unseen` are messages that wait for the public page to show their news, each with what it shows instead. `next_at`
    is when the next message that waits has its turn. `halted` is why it neither acted nor spoke to the end, if so.
    `at_rest` says that nothing had changed since a tick that left nothing to do, `timely` that the clock is right.
    """

    at: datetime
    plan: Plan
    done: list[Step] = field(default_factory=list)
    refused: list[tuple[Step, str]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    unseen: list[tuple[Delivery, str]] = field(default_factory=list)
    next_at: datetime | None = None
    halted: str = ""
    at_rest: bool = False
    timely: bool = True

    @property
    def wakes_at(self) -> datetime | None:
        """When to tick again at the latest: for the plan, or for a message that waits."""
        return min((at for at in (self.plan.wakes_at, self.next_at) if at), default=None)


@dataclass(frozen=True, slots=True)
class _Clock:
    """The clock of who ticks: what it showed, how far it was set, and when (`steady.seconds`) that was said."""

    now: datetime
    off: timedelta | None
    said: float

    def skew(self, theirs: datetime | None) -> Skew:
        """How far it is from the clock of the host, which knows better than we where it has one."""
        if self.off is None:
            return Skew()
        if theirs is None:
            return Skew(self.off)
        return Skew(self.now + timedelta(seconds=steady.seconds() - self.said) - theirs, to_host=True)


@dataclass(frozen=True, slots=True)
class _Rest:
    """The world after a tick that left nothing to do; while it is unchanged, there is nothing to do either."""

    snapshot: Snapshot
    revision: int
    at: datetime
    plan: Plan

    def holds(self, snapshot: Snapshot, revision: int, now: datetime) -> bool:
        asleep = self.plan.wakes_at is None or now < self.plan.wakes_at
        return snapshot is self.snapshot and revision == self.revision and self.at <= now and asleep


class Bot:
    """One site with everything it needs. Made by `postbot.app`; used by every door.

    With `public`, news wait until the public page shows them; those that it does not show `within` that time are held.
    The `roster` knows who in Slack may ask for what.
    """

    def __init__(
        self,
        host: Host,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        *,
        profile: Profile,
        policy: Policy,
        voice: Voice,
        public: "PublicSite | None" = None,
        within: timedelta = timedelta(0),
        roster: Roster | None = None,
    ) -> None:
        self.host = host
        self.ledger = ledger
        self.policy = policy
        self.profile = profile
        self.voice = voice
        self.roster = roster
        host.guard(ledger.demand_held)
        self._speaker = Speaker(ledger, channels, self.halted, public=public, within=within)
        self._released = False
        self._snapshot: Snapshot | None = None
        self._shown: tuple[Seen, Plan] | None = None
        self._postings: dict[Path, tuple[File, Posting | Problem]] = {}
        self._rest: _Rest | None = None
        self._revision = 0
        self._began = steady.seconds()
        self._leaving = threading.Event()

    def leave(self) -> None:
        """Have a tick that is under way, in another thread, end before its next act or message. For good."""
        self._leaving.set()

    @property
    def snapshot(self) -> Snapshot | None:
        """The site as it was last looked at; None before the first look."""
        return self._snapshot

    @property
    def shown(self) -> tuple[Seen, Plan] | None:
        """What the last tick saw and what it planned then; None before the first."""
        return self._shown

    def halted(self) -> str:
        """Why nothing may be done to the world at this moment, in a sentence; empty where it may."""
        if self._leaving.is_set():
            return "postbot is about to stop."
        if (pause := self.ledger.paused()) is not None:
            return f"{pause.by} has paused it{f': {pause.why}' if pause.why else '.'}"
        return ""

    def observe(self, now: datetime | None = None) -> Seen:
        """One look at the world. Postings whose bytes have not changed since the last look are not read again.

        With `now` (aware) it is also looked at what people in Slack may do at that instant, and whom that bars.
        """
        return self._see(self._look(self._snapshot), now)

    def _look(self, previous: Snapshot | None) -> Snapshot:
        with doing(At.LOOK):
            return self.host.look(previous)

    def _see(self, snapshot: Snapshot, now: datetime | None) -> Seen:
        self._snapshot = snapshot
        with doing(At.READ), _no_collection():
            read = {path: self._read(file) for path, file in self._snapshot.files.items()}
        self._postings = {path: (self._snapshot.files[path], found) for path, found in read.items()}
        self._revision = self.ledger.revision()  # before it: what comes in between is for the next look
        memory = self.ledger.memory()
        self._released = RELEASE in memory.released
        lately = merged_lately(self._snapshot)
        changes = self.ledger.changes(lately) if lately else {}
        seen = Seen(self._snapshot, read, memory, self.profile.templates, changes=changes)
        return with_rights(seen, self.roster) if now else seen

    def told_no(self, memory: Memory, request: Request, words: str) -> list[Message]:
        """What whoever asked hears of a no that comes without a look at the site."""
        return self._messages(without_a_look(memory, request, words, self.policy.zone))

    def forecast(self, now: datetime, until: datetime) -> tuple[tuple[Foreseen, ...], Plan]:
        """What will happen until then if nobody changes anything, and the plan of `now`."""
        return forecast(self.observe(now), now, until, self.policy)

    def tick(self, now: datetime, off: timedelta | None = timedelta(0)) -> Report:
        """Do everything that is due at `now` (aware, UTC), once.

        `off` is how far the clock that shows `now` has been set since it was first read (positive: ahead); None where
        a person has chosen `now`, which need not be what any clock shows then.

        Raises `HostError`, `LedgerError`, `LedgerBusy`, `WordsError`.
        """
        self._began = steady.seconds()
        clock = _Clock(now, off, self._began)
        with self._working():
            if self.ledger.come_back(now, self.told_no):
                self._catch_up(now, clock)
            try:
                report = self._settle(now, clock)
            except HostError:
                self._speak_all_the_same(now, clock)
                raise
            if report.plan.held is None:
                self.ledger.ticked(now)  # a held look has not been carried out: the clock is not taken to be right
            self._speak(now, report)
            self.ledger.rested(report.wakes_at)
        return report

    def _speak(self, now: datetime, report: Report) -> None:
        """Step 5 of the loop. In a world at rest there is something to say only once a message has its turn."""
        report.next_at = self.ledger.next_due(now)
        if report.at_rest and (report.next_at is None or report.next_at > now):
            return
        if report.timely:
            self._speaker.recover(now)
        self._announce(now, report, (Audience.STAFF,) if report.plan.held else tuple(Audience))
        self._tell_what_became_of_it(now, report)
        report.next_at = self.ledger.next_due(now)

    def _speak_all_the_same(self, now: datetime, clock: _Clock) -> None:
        """Say what was witnessed before, though the site cannot be seen now; not where the clock has been set."""
        last, slack = self.ledger.memory().last_tick, self.policy.clock_slack
        if abs(clock.off or timedelta(0)) > slack or (last is not None and now < last - slack):
            return
        report = Report(now, NOTHING)
        self._speaker.recover(now)
        self._announce(now, report, tuple(Audience))
        self._tell_what_became_of_it(now, report)

    @contextmanager
    def _working(self) -> Iterator[None]:
        with ExitStack() as stack:
            with doing(At.LEASE):
                stack.enter_context(self.ledger.working())
            yield

    def _catch_up(self, now: datetime, clock: _Clock) -> None:
        """After the ledger was put back from an older copy: what stands is known, and none of it is news."""
        self._rest = None
        seen = self.observe(now)
        plan = make_plan(replace(seen, skew=clock.skew(self.host.clock())), now, self.policy)
        if plan.held is None:
            known = [step for step in plan.steps if isinstance(step, Record | Forget) or is_noted(step)]
            self._act_on(known, Report(now, plan), now)
            self.ledger.caught_up(now)

    def _announce(self, now: datetime, report: Report, audiences: Collection[Audience]) -> None:
        """Step 5: speak, unless something has been halted. While a plan is held, only the staff are spoken to."""
        if not report.halted:
            spoken = self._speaker.speak(now, self._began, audiences)
            report.sent += spoken.sent
            report.unseen += spoken.unseen
            report.halted = spoken.halted

    def _tell_what_became_of_it(self, now: datetime, report: Report) -> None:
        """What has just gone out, or come to be held, is told to the staff at once, and not by the next tick only."""
        memory = self.ledger.memory()
        steps = list(undelivered(memory, now))
        if self._shown is not None:
            steps += delivered(replace(self._shown[0], memory=memory), now, self.policy)
        for step in steps:
            self._act(step, now)
        if steps:
            self._announce(now, report, (Audience.STAFF,))

    def _read(self, file: File) -> Posting | Problem:
        known = self._postings.get(file.path)
        if known is not None and known[0] is file:
            return known[1]
        return read_posting(file.path, file.data, self.profile, self.policy.zone)

    def _settle(self, now: datetime, clock: _Clock) -> Report:
        """Steps 1 to 4 of the loop."""
        snapshot = self._look(self._rest.snapshot if self._rest else self._snapshot)
        skew = clock.skew(self.host.clock())
        is_right = abs(skew.by) <= self.policy.clock_slack
        if is_right and self._rest is not None and self._rest.holds(snapshot, self.ledger.revision(), now):
            return Report(now, replace(self._rest.plan, at=now), at_rest=True)
        report: Report | None = None
        done: tuple[Step, ...] = ()
        for _ in range(ROUNDS):
            seen = replace(self.observe(now) if report else self._see(snapshot, now), skew=skew)
            with doing(At.PLAN):
                plan = make_plan(seen, now, self.policy, report.plan if report else None)
            self._shown = seen, plan
            report = report or Report(now, plan)
            report.plan = plan
            last = seen.memory.last_tick
            report.timely = is_right and (last is None or now >= last - self.policy.clock_slack)
            if plan.steps and plan.steps == done:  # doing it a third time would show no more
                report.refused += [(step, _UNSEEN) for step in plan.steps]
                break
            if not plan.steps:
                rests = is_right and not (seen.barred or seen.vetted)  # what Slack says changes without a trace here
                self._rest = _Rest(seen.snapshot, self._revision, now, plan) if rests else None
                break
            if not self._act_on(plan.steps, report, now) or plan.held:
                break
            done = plan.steps
        assert report is not None
        return report

    def _act_on(self, steps: Sequence[Step], report: Report, now: datetime) -> bool:
        """Take the steps in order; true if any was taken. A refusal is noted, and the others go on."""
        before = len(report.done)
        quiet = [step for step in steps if _is_quiet(step)]
        if quiet:
            self.ledger.adopt([step.witness for step in quiet], now)
            report.done += quiet
        for step in (step for step in steps if not _is_quiet(step)):
            if isinstance(step, Outward) and (halted := self.halted()):
                report.halted = halted
                continue
            try:
                self._act(step, now)
            except Unavailable:
                raise
            except HostError as refusal:
                report.refused.append((step, censored(str(refusal))))
            else:
                report.done.append(step)
        return len(report.done) > before

    def _act(self, step: Step, now: datetime) -> None:
        match step:
            case Record(witness=witness, announcements=said, was=was, also=also, takes_back=takes_back):
                messages_of_it, keys = self._messages(said), (*_keys(said), *also)
                with doing(At.WITNESS):
                    self.ledger.record(witness, was, messages_of_it, keys, now, takes_back=takes_back)
            case Forget(path=path, announcements=said):
                self.ledger.forget(path, self._messages(said), _keys(said), now)
            case Tell(announcement=announcement, quiet=quiet, also=also):
                told = [] if quiet else self._messages((announcement,))
                self.ledger.tell(told, (announcement.key, *also), now)
            case Answer(request=request, done=done, words=words, announcements=said):
                self.ledger.answer(request, done, words, self._messages(said), _keys(said), now)
            case Propose() | Merge() | Withdraw() | Tidy() | Note():
                self._act_outside(step, now)
            case _:
                assert_never(step)

    def _act_outside(self, step: Outward, now: datetime) -> None:
        """Act on the host, with an entry in the audit before and after: killed at any point, no act is without one."""
        act = act_of(step)
        with doing(At.INTEND):
            self.ledger.acted(**asdict(act.begins), at=now, change=self._change_of(step, now))
        try:
            after = self._on_host(step, now)
        except HostError as refusal:
            self.ledger.acted(**asdict(act.refused(censored(str(refusal)))), at=now)
            raise
        with doing(At.DONE):
            self.ledger.acted(**asdict(act.done(after)), at=now)

    def _change_of(self, step: Outward, at: datetime) -> Change | None:
        """What a pull request makes of its posting, but for one that moves the file.

        Kept once more at the merge: by then the file may have moved on, and what it was just before is put back.
        """
        match step:
            case Propose(change=change, path=path):
                branch, before, after = change.branch, change.before.get(path), change.after.get(path)
            case Merge(pull=pull, path=path) if self._snapshot and path in self._snapshot.files:
                branch, before, after = pull.branch, self._snapshot.files[path].data, pull.files.get(path)
            case _:
                return None
        return None if before is None or after is None else Change(branch, path, before, after, at)

    def _on_host(self, step: Outward, now: datetime) -> str:
        """Carry it out; return the commit that stands there then, as far as this act has made one."""
        match step:
            case Propose(change=change, foretold=foretold):
                # To whom it goes once postbot speaks to all: what is approved now may be merged after that.
                told = [message for each in foretold for message in messages(each, self.voice)]
                body = announced(change.body, foretold, told, to_team=not self._released)
                return self.host.propose(replace(change, body=censored(body)), now).head
            case Merge(pull=pull):
                self.host.merge(pull, now)
            case Withdraw(pull=pull, reason=reason):
                self.host.withdraw(pull, censored(reason), now)
            case Tidy(pull=pull):
                self.host.tidy(pull, now)
            case Note(pull=pull, standing=standing):
                self.host.note(pull, replace(standing, words=censored(standing.words)), now)
            case _:
                assert_never(step)
        return ""

    def _messages(self, said: Sequence[Announcement]) -> list[Message]:
        made = (message for each in said for message in messages(each, self.voice, released=self._released))
        return [message.with_each(censored) for message in made]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector still while thousands of postings are read: nothing of them is garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _is_quiet(step: Step) -> TypeGuard[Record]:
    """A posting remembered as it stands, with nothing to say: a whole site of those is adopted at once."""
    return isinstance(step, Record) and not (step.announcements or step.also or step.takes_back) and step.was is None


def _keys(said: Sequence[Announcement]) -> tuple[str, ...]:
    return tuple(announcement.key for announcement in said)
