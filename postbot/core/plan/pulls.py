"""What to do about the pull requests there are: open, bring up to date, merge, remind, say something, take back.

Pure. Only what is exactly as we made it is changed, merged or withdrawn; what a person has touched is theirs.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from postbot.core.announce import one_line
from postbot.core.dates import say
from postbot.core.lifecycle import Transition
from postbot.core.plan.memory import Witness
from postbot.core.plan.news import say_closing
from postbot.core.plan.people import is_put_off, may_be_proposed
from postbot.core.plan.steps import (
    LEADS_TO,
    Merge,
    Note,
    Offer,
    Policy,
    Propose,
    Seen,
    Step,
    Tell,
    Tidy,
    Withdraw,
)
from postbot.core.plan.undoing import transition_of
from postbot.core.plan.waiting import hindrance, questions, reminder, standing
from postbot.core.plan.wants import is_held_back, request_branch
from postbot.core.posting import Posting, slug_of
from postbot.core.problem import Problem
from postbot.core.site import ChangeSet, Path, Pull, PullStatus


def pull_steps(seen: Seen, offer: Offer, thread: str, now: datetime, policy: Policy) -> Iterator[Step]:
    """What one wanted transition needs done: ask, propose, refresh, merge, remind, or nothing.

    `thread` names the opening that it is about.
    """
    told, want = seen.memory.told, offer.want
    if offer.lacks and want.request is None:
        yield from (Tell(said) for said in questions(offer, thread, now, policy) if said.key not in told)
    if not isinstance(offer.change, ChangeSet):
        return
    if want.request and is_held_back(seen, want.request):
        return  # nobody knows at this moment whether who asked for it still may
    pull = seen.snapshot.by_branch.get(want.branch)
    if may_be_proposed(pull, now, policy.zone):
        yield _proposal(offer, offer.change, pull)
    elif pull and pull.status is PullStatus.OPEN and not is_put_off(pull, now, policy.zone):
        steps = list(_open_steps(pull, offer, offer.change, now, policy))
        yield from steps
        if not (steps or want.standby or _is_asked_about(offer, pull)):
            yield from (Tell(said) for said in reminder(want, pull, thread, now, policy) if said.key not in told)


def _open_steps(pull: Pull, offer: Offer, change: ChangeSet, now: datetime, policy: Policy) -> Iterator[Step]:
    """What an open pull request needs: to be brought up to date, to be finished, to be merged."""
    want = offer.want
    if pull.untouched and (pull.stale or dict(pull.files) != dict(change.after)):
        yield _proposal(offer, change, pull)
        return
    if pull.untouched and not _is_finished(pull, change):
        yield _proposal(offer, change, pull)  # before the merge: afterwards nobody would see to its labels
    if not want.standby and want.due <= now and hindrance(pull, offer, policy) is None:
        by = want.request.by if want.request else ""
        yield Merge(pull, want.posting.path, want.wish.transition, by)


def _is_finished(pull: Pull, change: ChangeSet) -> bool:
    """Whether it carries our labels, in whatever case they are known; one that lacks them was left half made."""
    return {label.casefold() for label in change.labels} <= {label.casefold() for label in pull.labels}


def _proposal(offer: Offer, change: ChangeSet, pull: Pull | None) -> Propose:
    want = offer.want
    return Propose(
        replace(change, again=pull is not None and (pull.status is PullStatus.REJECTED or pull.again)),
        want.posting.path,
        want.wish.transition,
        want.due,
        refresh=pull is not None and pull.status is PullStatus.OPEN,
        foretold=offer.foretold,
        moves=not (change.draft or want.ahead or want.standby),
        by=want.request.by if want.request else "",
    )


def _is_asked_about(offer: Offer, pull: Pull) -> bool:
    """Whether the staff are asked for what it lacks, so that reminding them of it would say the same twice."""
    return bool(offer.lacks) and (pull.draft or pull.untouched)


# What is said beside them --------------------------------------------------------------------------------------------


def notes(seen: Seen, offers: Sequence[Offer], steps: Sequence[Step], now: datetime, policy: Policy) -> Iterator[Note]:
    """What is to be said beside each open pull request, where that is not what stands there.

    One that these steps change or take back is looked at again afterwards.
    """
    by_branch = {offer.want.branch: offer for offer in offers}
    busy = {step.change.branch for step in steps if isinstance(step, Propose)}
    busy |= {step.pull.branch for step in steps if isinstance(step, Withdraw)}
    told = seen.memory.told | {step.announcement.key for step in steps if isinstance(step, Tell)}
    for pull in seen.snapshot.pulls:
        if pull.status is PullStatus.OPEN and pull.branch not in busy:
            yield from _note(pull, by_branch.get(pull.branch), told, now, policy)


def _note(pull: Pull, offer: Offer | None, told: Collection[str], now: datetime, policy: Policy) -> Iterator[Note]:
    said = standing(pull, offer, told, now, policy)
    if said != pull.standing:
        yield Note(pull, said, offer.want.posting.path if offer else _path(pull))


# What nothing asks for any more --------------------------------------------------------------------------------------


def withdrawals(seen: Seen, offers: Sequence[Offer], now: datetime, policy: Policy) -> Iterator[Withdraw]:
    """Open pull requests of ours that nothing asks for any more, or that somebody has put off.

    One that a person has touched is theirs.
    """
    by_branch = {offer.want.branch: offer for offer in offers}
    by_path = {offer.want.posting.path: offer for offer in reversed(offers)}
    unsure = {request_branch(each, slug_of(each.path)) for each in seen.memory.requests if is_held_back(seen, each)}
    for pull in seen.snapshot.pulls:
        offer = by_branch.get(pull.branch)
        if pull.status is not PullStatus.OPEN or not pull.untouched or pull.branch in unsure:
            continue
        if is_put_off(pull, now, policy.zone):
            until = pull.put_off_until or now
            yield Withdraw(pull, f"Put off: postbot opens it again on {say(until, policy.zone)}.")
        elif offer is None:
            yield Withdraw(pull, _not_asked_for(seen, pull, by_path, now))
        elif not isinstance(offer.change, ChangeSet):
            yield Withdraw(pull, _not_possible(offer, now))


def leftovers(seen: Seen) -> Iterator[Tidy]:
    """Branches of ours that were merged or taken back and are still there, with nothing of people's on them."""
    ended = (pull for pull in seen.snapshot.pulls if pull.status in (PullStatus.MERGED, PullStatus.WITHDRAWN))
    return (Tidy(pull) for pull in ended if pull.head and pull.untouched)


def _not_possible(offer: Offer, now: datetime) -> str:
    """Why that which is still asked for cannot be done any more."""
    if offer.lacks:
        return f"The posting is not ready any more. {' '.join(offer.lacks)}"
    if isinstance(offer.change, Problem):
        return offer.change.message
    return f"On {say(now, offer.want.posting.zone)} the posting says so already."


def _not_asked_for(seen: Seen, pull: Pull, by_path: Mapping[Path, Offer], now: datetime) -> str:
    """Why nothing asks for this any more: the posting has gone, is there already, is taken over, or has other dates."""
    path = next((path for path in pull.paths if path in seen.postings), _path(pull))
    posting, transition = seen.postings.get(path), transition_of(pull)
    if not isinstance(posting, Posting):
        here = f"cannot be read any more: {posting.message}" if posting else "is not on the site any more."
        return f"{path} {here}"
    when, state, rival = say(now, posting.zone), posting.state(now), by_path.get(path)
    if state is not None and transition and LEADS_TO.get(transition) is state:
        return f"Seen on {when}: the posting is {state} already."
    if moved := _moved_date(posting, transition, seen.memory.witnesses.get(path)):
        return moved
    if rival and (request := rival.want.request):
        asked = f"{one_line(request.by)} asked to {request.wish.transition} it"
        return f"On {say(request.filed_at, posting.zone)} {asked}; that takes the place of this."
    return f"Seen on {when}: nothing asks for this any more. The posting has changed, or the request was taken back."


def _moved_date(posting: Posting, transition: Transition | None, before: Witness | None) -> str | None:
    """The sentence about a date that is another one than at the look before."""
    if before is None or transition not in LEADS_TO:
        return None
    opening = transition is Transition.OPEN
    was, now = (before.opens, posting.window.opens) if opening else (before.closes, posting.window.closes)
    if was is None or was == now:
        return None
    words = say if opening else say_closing
    name = "opening" if opening else "closing"
    if now is None:
        return f"The {name} date is not known any more; it was {words(was, posting.zone)}."
    return f"The {name} date has moved from {words(was, posting.zone)} to {words(now, posting.zone)}."


def _path(pull: Pull) -> Path:
    return next(iter(pull.paths), Path(pull.branch))
