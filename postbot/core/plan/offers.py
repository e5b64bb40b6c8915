"""What can be offered for what a posting wants: the proven edit as a pull request to be, or why there is none.

Pure. An opening by the clock that lacks something is offered as a draft; a request that does is not offered at all.
Where a request and the closing that stands by make the very same change, they are one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from postbot.core.lifecycle import Actor, Moved, Transition, Wish, carry_out, move, not_offered, own_name
from postbot.core.lint import check_posting
from postbot.core.plan.changeset import change_set, obstacle
from postbot.core.plan.news import foretold, foretold_correction
from postbot.core.plan.steps import Offer, Plan, Policy, Seen, Want
from postbot.core.plan.undoing import Undo, stays, undoable
from postbot.core.posting import Gap, Posting, as_posting, readiness
from postbot.core.problem import Problem, Severity
from postbot.core.profile import State
from postbot.core.site import ChangeSet, Path, PullStatus


def offers(seen: Seen, wanted: Sequence[Want], before: Plan | None, policy: Policy) -> tuple[Offer, ...]:
    """What can be offered for each want; taken over from the plan before where that answered the very same want."""
    known = {found.want.branch: found for found in before.offers} if before else {}
    made = [
        found if (found := known.get(want.branch)) and _still_holds(found, want, seen) else offer(seen, want, policy)
        for want in wanted
    ]
    return tuple(_without_doubles(seen, made))


def _without_doubles(seen: Seen, made: Sequence[Offer]) -> Iterator[Offer]:
    """Of a request and a closing that stands by and makes the very same change, one.

    The request uses the pull request that has been prepared and perhaps approved; where there is none, it has its own.
    """
    ready = {offer.want.posting.path: offer for offer in made if offer.want.standby}
    doubled = set()
    for each in (each for each in made if not each.want.standby):
        twin = ready.get(each.want.posting.path)
        if twin is None or not _is_same_change(each, twin):
            yield each
            continue
        doubled.add(twin.want.branch)
        pull = seen.snapshot.by_branch.get(twin.want.branch)
        usable = pull is not None and pull.status is PullStatus.OPEN and pull.untouched
        yield replace(each, want=replace(each.want, branch=twin.want.branch), change=twin.change) if usable else each
    yield from (twin for twin in ready.values() if twin.want.branch not in doubled)


def _is_same_change(one: Offer, other: Offer) -> bool:
    both = isinstance(one.change, ChangeSet) and isinstance(other.change, ChangeSet)
    return both and one.want.wish.transition is other.want.wish.transition and _after(one) == _after(other)


def _after(offer: Offer) -> dict[Path, bytes | None]:
    return dict(offer.change.after) if isinstance(offer.change, ChangeSet) else {}


def _still_holds(found: Offer, want: Want, seen: Seen) -> bool:
    here = not isinstance(found.change, ChangeSet) or found.change.base == seen.snapshot.commit
    return here and found.want == want


def offer(seen: Seen, want: Want, policy: Policy) -> Offer:
    """Work out and prove the edit that a want asks for; a draft of it where the clock's opening lacks something.

    What an undo puts back was on the site before: nothing that it lacks keeps it from being so again.
    """
    posting, wish = want.posting, want.wish
    undone = wish.transition is Transition.UNDO
    undo = undoable(seen, posting, want.when, policy, wish.undoes) if undone else None
    moved = _moved(want) if undo is None else _taken_back(want, undo)
    careful = wish.transition is Transition.OPEN or (want.request and not undone)
    lacks = _lacks(posting, wish, moved, want.when) if careful else ()
    draft = is_draft(want, lacks)
    if want.early or (lacks and not draft):
        return Offer(want, None, lacks)
    if isinstance(moved, Problem) or moved.changes_nothing:
        return Offer(want, moved if isinstance(moved, Problem) and not lacks else None, lacks)
    if taken := obstacle(seen, moved):
        return Offer(want, taken, ())
    base, request = seen.snapshot.commit, want.request
    change = change_set(posting, moved, wish, branch=want.branch, base=base, due=want.due, request=request, lacks=lacks)
    after = as_posting(moved.edited.document, posting.profile, posting.zone)
    if isinstance(undo, Undo):
        return Offer(want, change, (), foretold_correction(seen, posting, after, undo.pull, want.when))
    return Offer(want, change, lacks, foretold(seen, posting, after, want.when))


def is_draft(want: Want, lacks: Sequence[object]) -> bool:
    """Whether what can be made of it is a draft: an opening by the clock that lacks something."""
    return bool(lacks) and want.request is None and want.wish.transition is Transition.OPEN


def _moved(want: Want) -> Moved | Problem:
    """The transition as of the instant it is due. Where the dates decide, the clock's state is there by itself."""
    if want.request is None and want.posting.state(want.when) == want.target:
        return move(want.posting, State(want.target), {}, want.when)
    by = Actor.REQUEST if want.request else Actor.CLOCK
    return carry_out(want.posting, want.wish, want.when, by=by)


def _taken_back(want: Want, found: Undo | str) -> Moved | Problem:
    """The posting as it was before what was done last, or why that cannot be."""
    posting = want.posting
    if isinstance(found, str):
        return Problem(posting.path, 1, 1, "undo-not-possible", found)
    moved = carry_out(posting, want.wish, want.when, before=found.change.before)
    if isinstance(moved, Problem):
        return moved
    pull, after = found.pull, as_posting(moved.edited.document, posting.profile, posting.zone)
    what = (
        f"This takes back pull request #{pull.number}, {pull.title}: the file will be what it was before, to the byte."
    )
    return replace(moved, remarks=tuple(filter(None, (what, stays(after, pull, want.when)))))


def _lacks(posting: Posting, wish: Wish, moved: Moved | Problem, when: datetime) -> tuple[str, ...]:
    """Sentences on what keeps this from being shown to readers: fields still missing, and faults the edit would bring.

    What was wrong before and stays as wrong is nobody's reason to refuse a closing.
    """
    missing = [gap.says for gap in gaps(posting, wish)]
    missing += [found.message for found in not_offered(posting, wish.values)]
    if missing or isinstance(moved, Problem):
        return tuple(missing)
    before = {_told(found) for found in check_posting(posting, when)}
    after = check_posting(as_posting(moved.edited.document, posting.profile, posting.zone), when)
    serious = [found for found in after if found.severity is not Severity.NOTE]
    return tuple(found.message for found in serious if _told(found) not in before)


def _told(found: Problem) -> tuple[str, str, Severity | None]:
    """What tells one finding from another: a misspelt name is no worse once its field is filled in, all others are."""
    return found.code, found.message, None if found.code == "key-misspelt" else found.severity


def gaps(posting: Posting, wish: Wish) -> list[Gap]:
    """What is still missing for an opening once the values of the wish and the file's own defaults are in."""
    if wish.transition is not Transition.OPEN:
        return []
    given = {own_name(posting, key).lower() for key in wish.values}
    given |= {name.lower() for name in posting.profile.opens}  # an opening that is asked for writes its own date
    return [gap for gap in readiness(posting, State.OPEN) if gap.default is None and gap.key.lower() not in given]
