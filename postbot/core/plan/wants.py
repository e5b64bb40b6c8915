"""Which pull request each posting wants, and what to do about those there are.

Pure. A posting wants at most one transition at a time: a person's request first, else what the clock asks for. Only
an extension lets the clock go before it: an opening that is under way, or a closing that is due. Requests for one
posting take turns as they were filed, but to close or to withdraw it replaces whatever was asked before.

The branch name is known beforehand, so a pull request that exists is found, adopted, refreshed or left alone, and
never made twice; one that a person closed is an answer. What is wanted is cheap to know; what can be offered for it
takes a proven edit, which is worked out only for a plan that is not held already.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from postbot.core.announce import Announcement, Event, one_line
from postbot.core.dates import say
from postbot.core.lifecycle import (
    TABLE,
    Actor,
    Due,
    Moved,
    Transition,
    Wish,
    carry_out,
    due,
    move,
    not_offered,
    own_name,
    upcoming,
    wished_window,
)
from postbot.core.lint import check_posting
from postbot.core.plan.changeset import branch_name, change_set
from postbot.core.plan.memory import Request
from postbot.core.plan.news import window_facts
from postbot.core.plan.steps import (
    Answer,
    Merge,
    MergeWhen,
    Offer,
    Plan,
    Policy,
    Propose,
    Seen,
    Step,
    Tell,
    Want,
    Withdraw,
)
from postbot.core.posting import Gap, Posting, as_posting, at_utc, live_field, readiness
from postbot.core.problem import Problem, Severity
from postbot.core.profile import State
from postbot.core.site import ChangeSet, Path, Pull, PullStatus


def wants(seen: Seen, postings: Mapping[Path, Posting], now: datetime, policy: Policy) -> list[Want]:
    """The transition that each posting wants now; postings that want none are left out."""
    asked = {path: _turns(queue)[0] for path, queue in _queues(seen.memory.requests).items()}
    chosen = (_wanted(seen, posting, asked.get(path), now, policy) for path, posting in postings.items())
    return [want for want in chosen if want is not None]


def _wanted(seen: Seen, posting: Posting, request: Request | None, now: datetime, policy: Policy) -> Want | None:
    if request is None:
        return _clocked(posting, now, policy)
    asked = _asked_for(seen, posting, request)
    if asked is None or request.wish.transition is not Transition.EXTEND:
        return asked
    clocked = _clocked(posting, now, policy)
    return clocked if clocked and _goes_first(seen, clocked, now) else asked


def _goes_first(seen: Seen, clocked: Want, now: datetime) -> bool:
    """Whether an extension waits for this: an opening that is prepared or due, or a closing that is due.

    Neither once a person has refused it, nor while it cannot be done anyway.
    """
    timely = not clocked.early if clocked.wish.transition is Transition.OPEN else clocked.due <= now
    pull = _pull(seen, clocked.branch)
    refused = pull is not None and pull.status is PullStatus.REJECTED
    return timely and not refused and isinstance(offer(seen, clocked).change, ChangeSet)


def request_branch(request: Request, slug: str) -> str:
    """The branch for a request: told apart by when it was filed and its number, whatever it changes."""
    return branch_name(request.path, slug, request.wish.transition, request.filed_at, request.number)


def _asked_for(seen: Seen, posting: Posting, request: Request) -> Want | None:
    branch = request_branch(request, posting.slug)
    if _has_ended(_pull(seen, branch)):
        return None
    when = _when(posting, request)
    return Want(posting, request.wish, when, when, branch, request)


def _when(posting: Posting, request: Request) -> datetime:
    """When a request is to take effect: at once, but an opening not before the opening date that then stands."""
    if request.wish.transition is not Transition.OPEN:
        return request.filed_at
    window = wished_window(posting, request.wish)
    return max(request.filed_at, window.opens or request.filed_at)


def _clocked(posting: Posting, now: datetime, policy: Policy) -> Want | None:
    """What the clock asks for, now or within the lead time of that transition."""
    found = due(posting, now) or _unsettled(posting, now) or next(iter(upcoming(posting, now)), None)
    if found is None or found.at - max(policy.of(found.transition).lead, _asks_from(found, policy)) > now:
        return None
    branch = branch_name(posting.path, posting.slug, found.transition, found.at)
    early = found.at - policy.of(found.transition).lead > now
    return Want(posting, Wish(found.transition), found.at, max(found.at, now), branch, None, early)


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


def fresh_moves(seen: Seen, wanted: Sequence[Want]) -> Iterator[tuple[str, str]]:
    """Which postings would be proposed to move where, as far as that is known without working out the edits.

    One that its staff have been asked about is left out: it may lack something for as long as it likes.
    """
    asked = {key.split(":")[1] for key in seen.memory.told if key.startswith(f"{Event.NOT_READY}:")}
    for want in wanted:
        pull = _pull(seen, want.branch)
        if not want.early and want.branch not in asked and (pull is None or pull.status is PullStatus.WITHDRAWN):
            yield want.posting.path, want.target


# What can be offered -------------------------------------------------------------------------------------------------


def offers(seen: Seen, wanted: Sequence[Want], before: Plan | None) -> tuple[Offer, ...]:
    """What can be offered for each want; taken over from the plan before where that answered the very same want."""
    known = {found.want.branch: found for found in before.offers} if before else {}
    return tuple(
        found if (found := known.get(want.branch)) and _still_holds(found, want, seen) else offer(seen, want)
        for want in wanted
    )


def _still_holds(found: Offer, want: Want, seen: Seen) -> bool:
    here = not isinstance(found.change, ChangeSet) or found.change.base == seen.snapshot.commit
    return here and found.want == want


def offer(seen: Seen, want: Want) -> Offer:
    """Work out and prove the edit that a want asks for."""
    posting, wish = want.posting, want.wish
    moved = _moved(want)
    careful = want.request is not None or wish.transition is Transition.OPEN
    lacks = _lacks(posting, wish, moved, want.when) if careful else ()
    if lacks or want.early:
        return Offer(want, None, lacks)
    if isinstance(moved, Problem) or not moved.edited.proof.lines:
        return Offer(want, moved if isinstance(moved, Problem) else None, ())
    base, request = seen.snapshot.commit, want.request
    change = change_set(posting, moved, wish, branch=want.branch, base=base, due=want.due, request=request)
    return Offer(want, change, ())


def _moved(want: Want) -> Moved | Problem:
    """The transition as of the instant it is due. Where the dates decide, the clock's state is there by itself."""
    if want.request is None and want.posting.state(want.when) == want.target:
        return move(want.posting, State(want.target), {}, want.when)
    by = Actor.REQUEST if want.request else Actor.CLOCK
    return carry_out(want.posting, want.wish, want.when, by=by)


def _lacks(posting: Posting, wish: Wish, moved: Moved | Problem, when: datetime) -> tuple[str, ...]:
    """Sentences on what keeps this from being shown to readers: fields still missing, and faults the edit would bring.

    What was wrong before and stays as wrong is nobody's reason to refuse a closing.
    """
    missing = [gap.says for gap in _gaps(posting, wish)]
    missing += [found.message for found in not_offered(posting, wish.values)]
    if missing or isinstance(moved, Problem):
        return tuple(missing)
    before = {(found.code, found.message, found.severity) for found in check_posting(posting, when)}
    after = check_posting(as_posting(moved.edited.document, posting.profile, posting.zone), when)
    serious = [found for found in after if found.severity is not Severity.NOTE]
    return tuple(f.message for f in serious if (f.code, f.message, f.severity) not in before)


def _gaps(posting: Posting, wish: Wish) -> list[Gap]:
    """What is still missing for an opening once the values of the wish and the file's own defaults are in."""
    if wish.transition is not Transition.OPEN:
        return []
    given = {own_name(posting, key).lower() for key in wish.values}
    given |= {name.lower() for name in posting.profile.opens}  # an opening that is asked for writes its own date
    return [gap for gap in readiness(posting, State.OPEN) if gap.default is None and gap.key.lower() not in given]


# Pull requests -------------------------------------------------------------------------------------------------------


def _pull(seen: Seen, branch: str) -> Pull | None:
    return seen.snapshot.by_branch.get(branch)


def _has_ended(pull: Pull | None) -> bool:
    """Whether people have decided on a pull request; one that we withdrew may come back."""
    return pull is not None and pull.status in (PullStatus.MERGED, PullStatus.REJECTED)


def withdrawals(seen: Seen, offers: Sequence[Offer]) -> Iterator[Withdraw]:
    """Open pull requests of ours that nothing asks for any more. One that a person has touched is theirs."""
    offered = {offer.want.branch for offer in offers if isinstance(offer.change, ChangeSet)}
    for pull in seen.snapshot.pulls:
        if pull.status is PullStatus.OPEN and pull.untouched and pull.branch not in offered:
            yield Withdraw(pull, "The posting, its dates or what people ask for has changed: nothing needs this now.")


def pull_steps(seen: Seen, offer: Offer, now: datetime, policy: Policy) -> Iterator[Step]:
    """What one wanted transition needs done: ask, propose, refresh, merge, remind, or nothing."""
    told, want = seen.memory.told, offer.want
    if offer.lacks and want.request is None:
        yield from (Tell(said) for said in _ask(offer, now, policy) if said.key not in told)
    if not isinstance(offer.change, ChangeSet):
        return
    pull = _pull(seen, want.branch)
    if pull is None or pull.status is PullStatus.WITHDRAWN:
        yield Propose(offer.change, want.posting.path, want.wish.transition, want.due)
    elif pull.status is PullStatus.OPEN:
        if pull.untouched and dict(pull.files) != dict(offer.change.after):
            yield Propose(offer.change, want.posting.path, want.wish.transition, want.due, refresh=True)
        elif pull.untouched and _may_merge(pull, want, now, policy):
            yield Merge(pull, want.posting.path, want.wish.transition)
        else:
            yield from (Tell(said) for said in _remind(want, pull, now, policy) if said.key not in told)


def _may_merge(pull: Pull, want: Want, now: datetime, policy: Policy) -> bool:
    match policy.of(want.wish.transition).merge:
        case MergeWhen.AUTO:
            return want.due <= now
        case MergeWhen.WHEN_DUE:
            return want.due <= now and bool(pull.approved_by)
        case MergeWhen.REVIEW:
            return False


def _ask(offer: Offer, now: datetime, policy: Policy) -> Iterator[Announcement]:
    """Ask for what is missing; after a pause only the latest of the questions that came due."""
    want = offer.want
    asked = [span for span in policy.ask if want.due - span <= now]
    if asked:
        facts = window_facts(want.posting) | {
            "missing": offer.lacks,
            "due": say(want.due, want.posting.zone),
            "overdue": "yes" if want.due <= now else "",
        }
        key = f"not-ready:{want.branch}:{int(min(asked).total_seconds())}"
        yield Announcement(Event.NOT_READY, key, want.posting.slug, facts)


def _remind(want: Want, pull: Pull, now: datetime, policy: Policy) -> Iterator[Announcement]:
    """Say that a pull request waits beyond its instant, and what the public sees meanwhile."""
    overdue = [span for at, span in reminders(want, pull, policy) if at <= now]
    if overdue:
        state = want.posting.state(now)
        after = TABLE.get((state, want.wish.transition), (state,))[0] if state else None
        facts = window_facts(want.posting) | {
            "transition": want.wish.transition,
            "pull": f"#{pull.number} {pull.title}",
            "number": str(pull.number),
            "branch": pull.branch,
            "since": say(want.due, want.posting.zone),
            "public_sees": state if state and state is not after else "",
            "touched": "" if pull.untouched else "yes",
        }
        key = f"waiting:{want.branch}:{int(max(overdue).total_seconds())}"
        yield Announcement(Event.WAITING, key, want.posting.slug, facts)


def reminders(want: Want, pull: Pull | None, policy: Policy) -> list[tuple[datetime, timedelta]]:
    """When people are to be reminded of a pull request. One that was asked for is no surprise when it is opened."""
    if want.request is None or pull is None:
        return [(want.due + span, span) for span in policy.remind]
    since = max(want.due, pull.opened_at)
    return [(since + span, span) for span in policy.remind if span or want.due > pull.opened_at]


# Requests ------------------------------------------------------------------------------------------------------------

_LAST_WORDS = (Transition.CLOSE, Transition.WITHDRAW)
"""What makes pointless whatever was asked before it."""


def _queues(requests: Iterable[Request]) -> dict[Path, list[Request]]:
    """The open requests for each posting, as they were filed."""
    queues: dict[Path, list[Request]] = {}
    for request in requests:
        queues.setdefault(request.path, []).append(request)
    return queues


def _turns(queue: Sequence[Request]) -> Sequence[Request]:
    """The requests of one posting that are still to have their turn: from the latest that replaces others on."""
    last = max((at for at, request in enumerate(queue) if request.wish.transition in _LAST_WORDS), default=0)
    return queue[last:]


def ahead_of(seen: Seen, request: Request) -> Request | None:
    """The open request that goes before this one, if it has to wait, or in its place; None if it is its turn."""
    others = [each for each in seen.memory.requests if each.path == request.path and each.number != request.number]
    first = _turns(sorted((*others, request), key=lambda each: each.number))[0]
    return None if first.number == request.number else first


def objection(seen: Seen, posting: Posting, wish: Wish, now: datetime) -> str | None:
    """Why a wish could not be carried out as things stand, whatever goes before it; None if it could."""
    request = Request(0, posting.path, wish, "", now)
    when = _when(posting, request)
    found = _outcome(offer(seen, Want(posting, wish, when, when, request_branch(request, posting.slug), request)))
    return None if found is None or found[0] else found[1]


def answers(seen: Seen, offers: Sequence[Offer]) -> Iterator[Answer]:
    """Answers to the requests that have come to their end; of several for one posting only the first has its turn."""
    by_request = {offer.want.request.number: offer for offer in offers if offer.want.request}
    for queue in _queues(seen.memory.requests).values():
        turn = _turns(queue)[0]
        for request in queue[: queue.index(turn)]:
            yield _replaced(seen, request, turn)
        offered = by_request.get(turn.number)
        if answer := _outcome(offered) if offered else _end(seen, turn):
            yield _answer(turn, *answer)


def _answer(request: Request, done: bool, words: str) -> Answer:
    return Answer(request, done, words, () if done else (_refusal(request, words),))


def _replaced(seen: Seen, request: Request, by: Request) -> Answer:
    """Who was overtaken hears by whom, unless their pull request was decided on before."""
    ended = _end(seen, request) if isinstance(seen.postings.get(request.path), Posting) else None
    said = f"{one_line(by.by)}'s {by.wish.transition}, asked later, replaces it."
    return _answer(request, *ended) if ended else Answer(request, done=False, words=said)


def _outcome(offer: Offer) -> tuple[bool, str] | None:
    """What is to be said of a request that is still wanted; None while its pull request is under way."""
    if offer.lacks:
        return False, " ".join(offer.lacks)
    if isinstance(offer.change, Problem):
        return False, offer.change.message
    return (True, "The posting says so already.") if offer.change is None else None


def _end(seen: Seen, request: Request) -> tuple[bool, str] | None:
    """How a request ended: its pull request was merged or closed, or the posting is gone; None if it merely waits."""
    posting = seen.postings.get(request.path)
    if not isinstance(posting, Posting):
        return False, f"The posting cannot be read: {posting}" if posting else "The posting is gone."
    pull = _pull(seen, request_branch(request, posting.slug))
    if pull is None or not _has_ended(pull):
        return None
    if pull.status is PullStatus.MERGED:
        return True, f"Pull request #{pull.number} is merged."
    why = f": {pull.reason}" if pull.reason else ""
    return False, f"{pull.closed_by or 'Somebody'} closed pull request #{pull.number}{why}."


def _refusal(request: Request, words: str) -> Announcement:
    facts = {"path": request.path, "transition": request.wish.transition, "by": request.by, "why": words}
    return Announcement(Event.REFUSED, f"refused:{request.number}:{at_utc(request.filed_at)}", request.path, facts)
