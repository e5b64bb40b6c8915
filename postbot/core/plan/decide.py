"""What to do now: a site as it stands, what is remembered of it, and the clock become a plan.

Pure. Same input, same plan; a second plan of an unchanged world is empty. The plan only says what is to be done, in
order; the loop does it. Everything is derived afresh from what is seen, so a missed tick costs delay and nothing else.
A plan that looks strange is held: it does nothing but tell the operators, until somebody releases its digest.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from postbot.core.announce import Announcement, Event
from postbot.core.dates import say
from postbot.core.lifecycle import Transition, upcoming
from postbot.core.plan.answers import answers, refusals
from postbot.core.plan.archiving import in_turn
from postbot.core.plan.news import broken, late_corrections, records, undelivered
from postbot.core.plan.offers import offers
from postbot.core.plan.people import put_off_to, with_logins, with_opinions
from postbot.core.plan.progress import progress
from postbot.core.plan.pulls import leftovers, notes, pull_steps, withdrawals
from postbot.core.plan.soon import instants, noted, soon
from postbot.core.plan.steps import (
    LEADS_TO,
    Answer,
    Forget,
    Held,
    Merge,
    Offer,
    Plan,
    Policy,
    Propose,
    Record,
    Seen,
    Skew,
    Step,
    Tell,
    Want,
)
from postbot.core.plan.waiting import reminders
from postbot.core.plan.wants import fresh_moves, wants
from postbot.core.posting import Posting
from postbot.core.problem import Problem
from postbot.core.site import Path, PullStatus


def make_plan(seen: Seen, now: datetime, policy: Policy, before: Plan | None = None) -> Plan:
    """Decide what to do at `now` (aware, UTC). The plan before may be given: its proven edits are not made again.

    1. Compare every posting with what was last witnessed: remember it, and announce what changed.
    2. Work out the one pull request that each posting wants: a person's request first, else what the clock asks for.
    3. Compare those with the pull requests there are: open, refresh, merge, remind, withdraw, or leave alone.
    4. Answer the requests that are settled.
    5. Hold the whole if it looks strange.
    """
    postings = {path: found for path, found in seen.postings.items() if isinstance(found, Posting)}
    policy = with_logins(policy, seen.logins)
    refused = tuple(refusals(seen, policy))
    seen = _heeded(seen, refused)
    recorded = tuple(noted(postings, step, now, policy) for step in records(seen, postings, now))
    seen = _followed(seen, recorded)
    wanted = in_turn(seen, wants(seen, postings, now, policy), now, policy)
    problems = (*seen.snapshot.problems, *_problems(seen))
    held = _strange(seen, postings, [*_moves(recorded), *fresh_moves(seen, wanted, now, policy)], now, policy)
    steps: list[Step] = []
    offered: tuple[Offer, ...] = ()
    if held is None:
        offered = offers(seen, wanted, before, policy)
        wanted = [offer.want for offer in offered]
        ahead = (*late_corrections(seen, postings, now), *soon(seen, postings, recorded, now, policy))
        steps = [*_steps(seen, recorded, offered, now, policy), *refused, *ahead, *undelivered(seen.memory, now)]
        held = _strange(seen, postings, list(_moves(steps)), now, policy)
    wakes_at = min((at for at in _instants(seen, postings, wanted, policy, now) if at > now), default=None)
    if held is None:
        return Plan(now, tuple(steps), (*problems, *_obstacles(offered)), None, wakes_at, tuple(wanted), offered)
    facts = {"reason": held.reason, "digest": held.digest}
    said = Announcement(Event.HELD, f"held:{held.digest}:{_since(seen)}", "", facts, at=now)
    tell = () if said.key in seen.memory.told else (Tell(said),)
    wanted = _as_asked_for(seen, wanted, policy)
    return Plan(now, (*tell, *undelivered(seen.memory, now)), problems, held, wakes_at, tuple(wanted))


def _steps(
    seen: Seen, recorded: Sequence[Record | Forget], offered: Sequence[Offer], now: datetime, policy: Policy
) -> list[Step]:
    """The steps in the order in which they are taken: what is said of a pull request is true by then.

    Merges come after what is said beside them, for a verdict may be what they wait for.
    """
    acts: list[Step] = [*withdrawals(seen, offered, now, policy), *leftovers(seen)]
    threads = {path: witness.thread for path, witness in seen.memory.witnesses.items()}
    threads |= {step.witness.path: step.witness.thread for step in recorded if isinstance(step, Record)}
    for each in offered:
        acts += pull_steps(seen, each, threads.get(each.want.posting.path, ""), now, policy)
    return [
        *recorded,
        *(step for step in acts if not isinstance(step, Merge)),
        *notes(seen, offered, acts, now, policy),
        *progress(seen, offered, acts, now, policy),
        *(step for step in acts if isinstance(step, Merge)),
        *answers(seen, offered, now, policy),
        *broken(seen, now),
    ]


def _as_asked_for(seen: Seen, wanted: Sequence[Want], policy: Policy) -> list[Want]:
    """The same wants where the plan is held: a request that uses what the clock has prepared is known as that.

    Whose wish it is must be known there, too, for nobody approves their own.
    """
    prepared = {want.posting.path for want in wanted if want.standby}
    beside = [want for want in wanted if want.posting.path in prepared]
    others = (want for want in wanted if want.posting.path not in prepared)
    return [*others, *(offer.want for offer in offers(seen, beside, None, policy))]


def _heeded(seen: Seen, refused: Collection[Answer]) -> Seen:
    """The same world with people's words in it: what they said of pull requests counts, who may not is not heard."""
    unheard = {answer.request.number for answer in refused}
    requests = tuple(request for request in seen.memory.requests if request.number not in unheard)
    snapshot = with_opinions(seen.snapshot, seen.memory.opinions, seen.unheard)
    return replace(seen, snapshot=snapshot, memory=replace(seen.memory, requests=requests))


def _followed(seen: Seen, recorded: Iterable[Record | Forget]) -> Seen:
    """The same world with each request at the new path of its posting, where recording finds it renamed.

    And with what recording remembers of those: an instant that is stopped is stopped at once under the new path.
    """
    renamed = [step for step in recorded if isinstance(step, Record) and step.was]
    new = {step.was: step.witness.path for step in renamed}
    requests = tuple(replace(request, path=new.get(request.path, request.path)) for request in seen.memory.requests)
    told = seen.memory.told.union(*(step.also for step in renamed))
    return replace(seen, memory=replace(seen.memory, requests=requests, told=told))


def _problems(seen: Seen) -> Iterator[Problem]:
    for found in seen.postings.values():
        if isinstance(found, Problem):
            yield found
        elif not found.outside:
            yield from found.problems


def _obstacles(offered: Iterable[Offer]) -> Iterator[Problem]:
    """Why what the clock asks for cannot be done; who asks for something themselves is answered."""
    for offer in offered:
        if isinstance(offer.change, Problem) and offer.want.request is None:
            yield offer.change


def _strange(
    seen: Seen, postings: Mapping[Path, Posting], moves: Iterable[tuple[str, str]], now: datetime, policy: Policy
) -> Held | None:
    """Why nothing may be done before a person has looked; None if nothing is strange, or it was released."""
    ordered = tuple(sorted(set(moves)))
    for reason, about in _reasons(seen, postings, ordered, now, policy):
        digest = sha256(repr(about).encode()).hexdigest()[:10]
        if digest not in seen.memory.released:
            return Held(reason, digest, ordered)
    return None


def _reasons(
    seen: Seen, postings: Mapping[Path, Posting], moves: Sequence[tuple[str, str]], now: datetime, policy: Policy
) -> Iterator[tuple[str, object]]:
    """Each reason to hold, with what its release is about: this wrong clock or look back, this commit, these moves."""
    last, most = seen.memory.last_tick, policy.most(len(postings))
    if abs(seen.skew.by) > policy.clock_slack:
        yield _wrong_clock(seen.skew), ("clock", seen.skew.to_host, _hours(seen.skew.by))
    if last and now < last - policy.clock_slack:
        then, present = say(last, policy.zone), say(now, policy.zone)
        yield f"The clock went back: the last look was on {then}, and now it is {present}.", last
    pulls = sum(pull.status is PullStatus.OPEN for pull in seen.snapshot.pulls)
    if (lost := len(seen.memory.witnesses) or pulls) and not seen.postings:
        yield f"No postings: there were {lost}, and now the site shows none.", seen.snapshot.commit
    moving = len({path for path, _ in moves})
    if moving > most:
        yield f"Many moves: {moving} postings would move at once, and at most {most} may.", moves


def _since(seen: Seen) -> str:
    """The day of the last look that was not held: what is held again after that is told again, at most once a day."""
    return f"{seen.memory.last_tick:%Y-%m-%d}" if seen.memory.last_tick else ""


def _wrong_clock(skew: Skew) -> str:
    span = _in_words(abs(skew.by))
    if skew.to_host:
        where = f"{span} {'ahead of' if skew.by > timedelta(0) else 'behind'} that of the site's host"
        return f"This machine's clock is {where}. Set it by NTP, and everything goes on by itself."
    way = "forward" if skew.by > timedelta(0) else "back"
    return (
        f"This machine's clock was set {way} by {span} while postbot ran. If that was wrong, set it by NTP, and "
        "everything goes on by itself; if it is right now, restart postbot."
    )


def _hours(by: timedelta) -> int:
    """A difference in hours, so that a release is for it alone although no two measurements are alike.

    The bounds lie at 40 minutes past: wrong zones, the usual cause, are off by whole hours, halves and quarters.
    """
    hours = (abs(by) + timedelta(minutes=20)) // timedelta(hours=1)
    return hours if by > timedelta(0) else -1 - hours


def _in_words(span: timedelta) -> str:
    """A span of a minute or more in its two greatest units."""
    minutes = round(span / timedelta(minutes=1))
    counts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    words = [f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in counts if count]
    return " and ".join(words[:2])


def _moves(steps: Iterable[Step]) -> Iterator[tuple[str, str]]:
    """Which posting moves where: the same whether proposed, merged or witnessed, so that one release covers all."""
    for step in steps:
        match step:
            case Propose(transition=Transition.ARCHIVE) | Merge(transition=Transition.ARCHIVE):
                pass  # these take turns
            case Propose(moves=False):
                pass
            case Propose(refresh=False, path=path, transition=transition) | Merge(path=path, transition=transition):
                yield path, LEADS_TO.get(transition, transition)
            case Record(moved=True, witness=witness):
                yield witness.path, witness.state
            case Forget(path=path, announcements=said) if said:
                yield path, "gone"
            case _:
                pass


def _instants(
    seen: Seen, postings: Mapping[Path, Posting], wanted: Sequence[Want], policy: Policy, now: datetime
) -> Iterator[datetime]:
    """Every instant at which the clock alone may change the plan."""
    if seen.memory.last_tick:
        yield seen.memory.last_tick - policy.clock_slack  # a clock that had gone back is right again
    for posting in postings.values():
        yield from _of_posting(posting, now, policy)
    for want in wanted:
        yield want.due
        yield from (want.due - span for span in policy.ask)
        yield from (at for at, _ in reminders(want, seen.snapshot.by_branch.get(want.branch), policy))
    for pull in seen.snapshot.pulls:
        if until := put_off_to(pull, policy.zone):
            yield until


def _of_posting(posting: Posting, now: datetime, policy: Policy) -> Iterator[datetime]:
    yield from (at for at in (posting.window.opens, posting.window.closes, posting.closed_on) if at)
    yield from instants(posting, policy)
    for found in upcoming(posting, now):
        yield found.at
        yield found.at - policy.of(found.transition).lead
        if found.transition is Transition.OPEN:
            yield from (found.at - span for span in policy.ask)
