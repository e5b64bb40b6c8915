"""Which closed postings are archived now: a few at a time, the oldest first, and never over another file.

Pure. A site that begins to archive has years of closed postings. Holding its plan would ask a person to release what
they have just asked for, and one large pull request is one that nobody reviews; so they take turns instead, and
archiving counts as no move.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from postbot.core.lifecycle import Transition
from postbot.core.plan.offers import offer
from postbot.core.plan.people import may_be_proposed
from postbot.core.plan.steps import Policy, Seen, Want
from postbot.core.problem import Problem
from postbot.core.site import ChangeSet, Path, PullStatus


def in_turn(seen: Seen, wanted: Sequence[Want], now: datetime, policy: Policy) -> list[Want]:
    """The wants without the archivings by the clock that have to wait.

    As many have a pull request at a time as may move at once. One that cannot be done, or that a person has refused,
    takes no other's turn.
    """
    waiting = {want.branch for want in wanted if want.request is None and want.wish.transition is Transition.ARCHIVE}
    living = (want for want in wanted if want.branch in waiting and _is_living(seen, want, now, policy))
    chosen = {want.branch for want in _first(seen, living, policy)}
    return [want for want in wanted if want.branch not in waiting or want.branch in chosen]


def _is_living(seen: Seen, want: Want, now: datetime, policy: Policy) -> bool:
    return _is_open(seen, want) or may_be_proposed(seen.snapshot.by_branch.get(want.branch), now, policy.zone)


def _is_open(seen: Seen, want: Want) -> bool:
    pull = seen.snapshot.by_branch.get(want.branch)
    return pull is not None and pull.status is PullStatus.OPEN


def _first(seen: Seen, living: Iterable[Want], policy: Policy) -> Iterator[Want]:
    """The first few whose pull request there is, or can be made; those there are come before all others."""
    most = policy.most(len(seen.postings))
    taken: set[Path] = set()
    for want in sorted(living, key=lambda want: (not _is_open(seen, want), want.due, want.posting.path)):
        if most <= 0:
            return
        change = offer(seen, want, policy).change
        if isinstance(change, Problem):
            yield want  # nothing is done about it, and why not is seen in the plan
        elif isinstance(change, ChangeSet) and taken.isdisjoint(change.after):
            taken.update(change.after)
            most -= 1
            yield want
