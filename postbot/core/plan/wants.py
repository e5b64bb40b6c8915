"""Which pull request each posting wants.

Pure. A posting wants at most one transition at a time: a person's request first, else what the clock asks for. Only
an extension lets the clock go before it: an opening that is under way, or a closing that is due. Requests for one
posting take turns as they were filed, but to close or to withdraw it replaces whatever was asked before, and so does a
person's later wish their own earlier one of that kind. While nobody can tell whether the later one counts, neither is
carried out, and neither is taken back. Where the site has closings prepared from the opening on, that one stays ready
beside a request, and a request that asks for the very same change uses it.

The branch name is known beforehand, so a pull request that exists is found, adopted, refreshed or left alone, and
never made twice; one that a person closed is an answer. What is wanted is cheap to know; what can be offered for it
takes a proven edit (`offers`), which is worked out only for a plan that is not held already.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from postbot.core.announce import Event
from postbot.core.lifecycle import Due, Transition, Wish, due, upcoming, wished_window
from postbot.core.plan.changeset import branch_name
from postbot.core.plan.memory import Request
from postbot.core.plan.offers import gaps, is_draft, offer
from postbot.core.plan.people import has_ended, hold, is_put_off, may_be_proposed, with_opinions
from postbot.core.plan.steps import MergeWhen, Offer, Policy, Seen, Want
from postbot.core.plan.undoing import again, is_stopped
from postbot.core.posting import Posting, live_field, slug_of
from postbot.core.problem import Problem
from postbot.core.profile import State
from postbot.core.site import Path, Pull, PullStatus


def wants(seen: Seen, postings: Mapping[Path, Posting], now: datetime, policy: Policy) -> list[Want]:
    """The transition that each posting wants now, if any, and the closing that stands by."""
    asked = {path: turn_of(seen, queue, now, policy) for path, queue in queues(seen.memory.requests).items()}
    return [want for path, posting in postings.items() for want in _wanted(seen, posting, asked.get(path), now, policy)]


def _wanted(seen: Seen, posting: Posting, request: Request | None, now: datetime, policy: Policy) -> Iterator[Want]:
    clocked = _clocked(seen, posting, now, policy)
    asked = _asked_for(seen, posting, request, now, policy) if request else None
    waits = request is None or _is_put_off(seen, request, now, policy)
    # While nobody can tell whether who asked still may, what is due by the clock does not wait for them.
    held = request is not None and is_held_back(seen, request)
    waits = waits or (clocked is not None and clocked.due <= now and held)
    if clocked and (waits or (asked and _goes_first(seen, asked, clocked, now, policy))):
        yield clocked
        return
    if asked:
        yield asked
    if clocked and _stands_by(clocked, now, policy):
        yield replace(clocked, standby=True)


def _is_put_off(seen: Seen, request: Request, now: datetime, policy: Policy) -> bool:
    pull = seen.snapshot.by_branch.get(request_branch(request, slug_of(request.path)))
    return is_put_off(pull, now, policy.zone)


def _goes_first(seen: Seen, asked: Want, clocked: Want, now: datetime, policy: Policy) -> bool:
    """Whether an extension waits for this: an opening that is prepared or due, or a closing that is due.

    Not a closing that comes only because postbot was away since somebody asked in time, and nobody has to agree. And
    neither once a person has refused it or taken it back, nor while it cannot be done anyway.
    """
    if asked.wish.transition is not Transition.EXTEND or _is_at_hand(seen, asked, clocked, policy):
        return False
    timely = not clocked.early if clocked.wish.transition is Transition.OPEN else clocked.due <= now
    pull = seen.snapshot.by_branch.get(clocked.branch)
    over = pull is not None and pull.status is not PullStatus.OPEN and not may_be_proposed(pull, now, policy.zone)
    return timely and not over and offer(seen, clocked, policy).ready


def _is_at_hand(seen: Seen, asked: Want, closing: Want, policy: Policy) -> bool:
    """Whether what was asked for before a closing was due can be had by itself, as far as anybody knows."""
    if closing.wish.transition is not Transition.CLOSE or asked.when > closing.due or policy.two_people:
        return False
    pull = seen.snapshot.by_branch.get(asked.branch)
    free = pull is None or (pull.untouched and not (pull.draft or pull.again or hold(pull, asked.request, policy)))
    return free and policy.of(asked.wish.transition).merge is MergeWhen.AUTO


def _stands_by(clocked: Want, now: datetime, policy: Policy) -> bool:
    """Whether the clock's pull request is kept ready while a request has its turn: a closing, where sites want that."""
    prepared = clocked.wish.transition is Transition.CLOSE and policy.of(Transition.CLOSE).prestage
    return prepared and clocked.posting.state(now) is State.OPEN


def _asked_for(seen: Seen, posting: Posting, request: Request, now: datetime, policy: Policy) -> Want | None:
    pull = pull_of(seen, request, now)
    if has_ended(pull, policy.zone) or is_put_off(pull, now, policy.zone):
        return None
    when = _when(posting, request)
    return Want(posting, request.wish, when, when, request_branch(request, posting.slug), request)


def _when(posting: Posting, request: Request) -> datetime:
    """When a request is to take effect: at once, but an opening not before the opening date that then stands."""
    if request.wish.transition is not Transition.OPEN:
        return request.filed_at
    window = wished_window(posting, request.wish)
    return max(request.filed_at, window.opens or request.filed_at)


def _clocked(seen: Seen, posting: Posting, now: datetime, policy: Policy) -> Want | None:
    """What the clock asks for, now or within the lead time of that transition."""
    present = due(posting, now)
    if present and is_stopped(seen, posting, present):
        return None
    found = present or _unsettled(posting, now) or next(iter(upcoming(posting, now)), None)
    if found is None:
        return None
    handling = policy.of(found.transition)
    early = not handling.starts(found.at, now)
    if early and found.at - _asks_from(found, policy) > now:
        return None
    branch = clock_branch(seen, posting, found)
    ahead = handling.prestage and found.at > now
    return Want(posting, Wish(found.transition), found.at, max(found.at, now), branch, None, early, ahead)


def clock_branch(seen: Seen, posting: Posting, found: Due) -> str:
    """The branch for what the clock asks for: another one where that has come early and was undone before its date."""
    name = branch_name(posting.path, posting.slug, found.transition, found.at)
    for undo in again(seen, posting, found.at):
        pull = seen.snapshot.by_branch.get(name)
        if pull and pull.status is PullStatus.MERGED and pull.number < undo.number:
            name = branch_name(posting.path, posting.slug, found.transition, found.at, -undo.number)
    return name


def _asks_from(found: Due, policy: Policy) -> timedelta:
    return max(policy.ask, default=timedelta(0)) if found.transition is Transition.OPEN else timedelta(0)


def _unsettled(posting: Posting, now: datetime) -> Due | None:
    """Where the dates decide, fields that follow the state (a weight) may be left behind by it."""
    state = posting.state(now)
    if state is None or state is State.UPCOMING:
        return None
    if all(_fits(posting, name, words.get(state, ())) for name, words in posting.profile.per_state.items()):
        return None
    at = posting.window.opens if state is State.OPEN else posting.window.closes
    return Due(Transition.OPEN if state is State.OPEN else Transition.CLOSE, at) if at else None


def _fits(posting: Posting, name: str, words: tuple[str, ...]) -> bool:
    field = live_field(posting.document, (name,))
    return field is None or not words or field.text in words


def fresh_moves(seen: Seen, wanted: Sequence[Want], now: datetime, policy: Policy) -> Iterator[tuple[str, str]]:
    """Which postings would be proposed to move where, as far as that is known without working out the edits.

    One that its staff have been asked about is left out: it may lack something for as long as it likes. So is one that
    lacks something anyway, and what is prepared long before its date.
    """
    asked = {key.split(":")[1] for key in seen.memory.told if key.startswith(f"{Event.NOT_READY}:")}
    for want in wanted:
        moves = not (want.early or want.ahead or want.standby or want.wish.transition is Transition.ARCHIVE)
        fresh = may_be_proposed(seen.snapshot.by_branch.get(want.branch), now, policy.zone)
        if moves and fresh and want.branch not in asked and not is_draft(want, gaps(want.posting, want.wish)):
            yield want.posting.path, want.target


# Requests ------------------------------------------------------------------------------------------------------------

_LAST_WORDS = (Transition.CLOSE, Transition.WITHDRAW)
"""What makes pointless whatever was asked before it."""


def queues(requests: Iterable[Request]) -> dict[Path, list[Request]]:
    """The open requests for each posting, as they were filed."""
    found: dict[Path, list[Request]] = {}
    for request in requests:
        found.setdefault(request.path, []).append(request)
    return found


def replaced(queue: Sequence[Request], barred: Collection[int] = ()) -> dict[int, Request]:
    """Which of the requests of one posting are overtaken, by number, and by which later one.

    A person's later wish of the same kind counts in place of their earlier one. Where only a name is known, nobody can
    tell that it is the same person. Those `barred` (by number) may not count, and overtake none.
    """
    return {
        earlier.number: later
        for at, later in enumerate(queue)
        for earlier in queue[:at]
        if later.number not in barred and _overtakes(later, earlier)
    }


def _overtakes(later: Request, earlier: Request) -> bool:
    return later.wish.transition in _LAST_WORDS or is_again(earlier, later)


def is_held_back(seen: Seen, request: Request) -> bool:
    """Whether nobody can tell at this moment if it is to be done: it may not count, or one that overtakes it may."""
    unsure = (each for each in seen.memory.requests if each.number in seen.barred and each.path == request.path)
    return any(
        each.number == request.number or (each.number > request.number and _overtakes(each, request)) for each in unsure
    )


def is_again(one: Request, other: Request) -> bool:
    """Whether the same person has asked for the same thing of a posting, perhaps with other values."""
    return bool(one.asker) and one.asker == other.asker and one.wish.transition is other.wish.transition


def turn_of(seen: Seen, queue: Sequence[Request], now: datetime, policy: Policy) -> Request:
    """Whose turn it is of the requests of one posting: the first that is neither overtaken nor put off to a date.

    What is put off keeps nobody else waiting until then; once its day has come it waits in turn for whoever has a pull
    request by then. Where all are put off, it is the first of them.
    """
    over = replaced(queue, seen.barred)
    turns = [request for request in queue if request.number not in over]
    ready = [each for each in turns if not _is_put_off(seen, each, now, policy)]
    return next((each for each in ready if _is_begun(seen, each, policy)), (ready or turns)[0])


def _is_begun(seen: Seen, request: Request, policy: Policy) -> bool:
    """Whether it has a pull request of its own that is open, or has ended and is still to be told of."""
    pull = seen.snapshot.by_branch.get(request_branch(request, slug_of(request.path)))
    return pull is not None and (pull.status is PullStatus.OPEN or has_ended(pull, policy.zone))


def ahead_of(seen: Seen, request: Request, now: datetime, policy: Policy) -> Request | None:
    """The open request that goes before this one, if it has to wait, or in its place; None if it is its turn.

    `seen` is a look as it comes, before what people have said elsewhere is laid over it.
    """
    seen = replace(seen, snapshot=with_opinions(seen.snapshot, seen.memory.opinions, seen.unheard))
    others = [each for each in seen.memory.requests if each.path == request.path and each.number != request.number]
    first = turn_of(seen, sorted((*others, request), key=lambda each: each.number), now, policy)
    return None if first.number == request.number else first


def why_not(seen: Seen, posting: Posting, wish: Wish, now: datetime, policy: Policy) -> str | None:
    """Why a wish could not be carried out as things stand, whatever goes before it; None if it could."""
    found = outcome(offered(seen, posting, wish, now, policy))
    return None if found is None or found[0] else found[1]


def offered(seen: Seen, posting: Posting, wish: Wish, now: datetime, policy: Policy) -> Offer:
    """What would be offered for a wish that were filed now, whatever goes before it, and what its merge would tell."""
    request = Request(0, posting.path, wish, "", now)
    when = _when(posting, request)
    asked = replace(seen, memory=replace(seen.memory, requests=(*seen.memory.requests, request)))
    want = Want(posting, wish, when, when, request_branch(request, posting.slug), request)
    return offer(asked, want, policy)


def outcome(offer: Offer) -> tuple[bool, str] | None:
    """What is to be said of a request that is still wanted; None while its pull request is under way."""
    if offer.lacks:
        return False, " ".join(offer.lacks)
    if isinstance(offer.change, Problem):
        return False, offer.change.message
    archived = offer.want.wish.transition is Transition.ARCHIVE
    said = "The posting is in the archive." if archived else "The posting says so already."
    return (True, said) if offer.change is None else None


def request_branch(request: Request, slug: str) -> str:
    """The branch for a request: told apart by when it was filed and its number, whatever it changes."""
    return branch_name(request.path, slug, request.wish.transition, request.filed_at, request.number)


def is_borrowed(want: Want) -> bool:
    """Whether a request uses the pull request that the clock had prepared."""
    return want.request is not None and want.branch != request_branch(want.request, want.posting.slug)


def pull_of(seen: Seen, request: Request, now: datetime) -> Pull | None:
    """The pull request of a request: its own, or the closing that the clock had prepared, once that has closed it."""
    own = seen.snapshot.by_branch.get(request_branch(request, slug_of(request.path)))
    posting = seen.postings.get(request.path)
    return own or (_prepared_for(seen, posting, request, now) if isinstance(posting, Posting) else None)


def waits_as(seen: Seen, request: Request) -> Pull | None:
    """The pull request that a request waits for: its own, or the open one that the clock had prepared."""
    slug, posting = slug_of(request.path), seen.postings.get(request.path)
    branches = [request_branch(request, slug)]
    if request.wish.transition is Transition.CLOSE and isinstance(posting, Posting) and posting.window.closes:
        branches.append(clock_branch(seen, posting, Due(Transition.CLOSE, posting.window.closes)))
    own, *prepared = (seen.snapshot.by_branch.get(branch) for branch in branches)
    return own or next((pull for pull in prepared if pull and pull.status is PullStatus.OPEN), None)


def _prepared_for(seen: Seen, posting: Posting, request: Request, now: datetime) -> Pull | None:
    closes = posting.window.closes
    if request.wish.transition is not Transition.CLOSE or closes is None or posting.state(now) is not State.CLOSED:
        return None
    pull = seen.snapshot.by_branch.get(clock_branch(seen, posting, Due(Transition.CLOSE, closes)))
    if pull is None or pull.status is not PullStatus.MERGED:
        return None
    asked = request.filed_at.replace(microsecond=0)  # a host's instants may have whole seconds
    return pull if pull.closed_at is None or pull.closed_at >= asked else None
