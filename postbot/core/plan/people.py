"""What people have said about a pull request of ours: whose approval counts, and how long a no holds.

Pure. What they said on its page comes with the pull request; what they said elsewhere is remembered, and is laid over
it here, so that nothing else has to know where it was said. Nothing here decides what is done about it. Where the
two-person rule is on, nobody approves what they have asked for themselves; without it, anybody's approval counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import unified_diff
from hashlib import sha256
from itertools import islice
from zoneinfo import ZoneInfo

from postbot.core.announce import called, one_line
from postbot.core.dates import Bound, Moment, read_moment
from postbot.core.plan.memory import Change, Opinion, Request, Said
from postbot.core.plan.steps import CLOCK_SLACK, Bar, Policy
from postbot.core.site import File, Path, Pull, PullStatus, Snapshot

# A no ---------------------------------------------------------------------------------------------------------------

_AGAIN = re.compile(r"\bask\s+me\s+on\b:?(?=([^\n]*))", re.IGNORECASE)
_LONGEST_NAME = 40  # two of them and the words between fit into the 140 characters of a commit status
_MOST_WORDS = 8  # of the longest date, with weekday, time and zone


def has_ended(pull: Pull | None, zone: ZoneInfo) -> bool:
    """Whether people have decided on it for good. What was withdrawn, or put off to a date, may come back."""
    if pull is None:
        return False
    return pull.status is PullStatus.MERGED or (pull.status is PullStatus.REJECTED and put_off_to(pull, zone) is None)


def is_put_off(pull: Pull | None, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a person has closed it until a date that is still to come."""
    until = put_off_to(pull, zone) if pull else None
    return until is not None and now < until


def may_be_proposed(pull: Pull | None, now: datetime, zone: ZoneInfo) -> bool:
    """Whether there is no pull request, or one that may be opened again."""
    if pull is None:
        return True
    until = put_off_to(pull, zone)
    if until is None:
        return pull.status is PullStatus.WITHDRAWN
    return pull.status is not PullStatus.OPEN and until <= now


def put_off_to(pull: Pull, zone: ZoneInfo) -> datetime | None:
    """From when on (UTC) a person who put it off wants to be asked again: `ask me on DATE`. None for a plain no.

    So is a date that cannot be read, or that was not to come when they wrote it, and a branch that they work on.
    """
    if pull.put_off_until and pull.status in (PullStatus.OPEN, PullStatus.WITHDRAWN):
        return pull.put_off_until
    theirs = pull.head and not pull.untouched
    if pull.status is not PullStatus.REJECTED or pull.closed_at is None or theirs:
        return None
    dates = (_date(found[1], zone) for found in _AGAIN.finditer(pull.reason or ""))
    return next((at for at in dates if at and at > pull.closed_at), None)


def _date(text: str, zone: ZoneInfo) -> datetime | None:
    """The date that a text begins with: as many of its words as make one."""
    words = text.split()[:_MOST_WORDS]
    for most in range(len(words), 0, -1):
        said = " ".join(words[:most])
        for spelling in (said, said.rstrip(".,;:!?)\"'")):
            found = read_moment(spelling, Bound.OPENS, zone)
            if isinstance(found, Moment):
                return found.at
    return None


# What was said elsewhere ---------------------------------------------------------------------------------------------

_UNSURE = "It was put off, and at this moment nobody can tell whether the approval that came after that counts."


def digest(pull: Pull, files: Mapping[Path, File]) -> str:
    """A name for what an open pull request changes: the lines that go and come, wherever in their files they stand.

    A yes is for these; it holds while the rest of the file moves on, and not for other lines.
    """
    return _digest(line for path in sorted(pull.files) for line in (path, *_lines_in(path, pull, files)))


def digest_of(change: Change) -> str:
    """The same for what a pull request has made of its one file, which can be told also once it has ended."""
    return _digest([change.path, *changed_lines(change.before, change.after)])


def _digest(lines: Iterable[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def lines_of(pull: Pull, files: Mapping[Path, File]) -> Iterator[str]:
    """The lines that go and come in an open pull request, file by file."""
    return (line for path in sorted(pull.files) for line in _lines_in(path, pull, files))


def _lines_in(path: Path, pull: Pull, files: Mapping[Path, File]) -> Iterator[str]:
    return changed_lines(files[path].data if path in files else b"", pull.files[path] or b"")


def changed_lines(before: bytes, after: bytes) -> Iterator[str]:
    """The lines that go (`-`) and come (`+`), as they are; bytes that are no UTF-8 in backslashes."""
    old, new = (text.decode(errors="surrogateescape").splitlines() for text in (before, after))
    lines = islice(unified_diff(old, new, n=0, lineterm=""), 2, None)  # the first two name the files
    found = (line for line in lines if line[:1] in "+-")
    return (line.encode(errors="surrogateescape").decode(errors="backslashreplace") for line in found)


def with_opinions(
    snapshot: Snapshot, opinions: Sequence[Opinion], unheard: Mapping[Opinion, Bar] | None = None
) -> Snapshot:
    """The same site, with what people have said of its pull requests elsewhere than on their pages.

    `unheard` are further opinions, which do not count now. Where one of them may end a putting-off and nobody can tell
    at this moment, what is open stays so and is not merged, and what was withdrawn stays put off.
    """
    if not opinions:
        return snapshot
    said: dict[str, list[Opinion]] = {}
    for each in opinions:
        said.setdefault(each.branch, []).append(each)
    unsure = [each for each, bar in (unheard or {}).items() if each.said is Said.APPROVE and not bar.final]
    pulls = tuple(_opined(pull, said.get(pull.branch, ()), unsure, snapshot) for pull in snapshot.pulls)
    return replace(snapshot, pulls=pulls)


def _opined(pull: Pull, opinions: Sequence[Opinion], unsure: Iterable[Opinion], snapshot: Snapshot) -> Pull:
    if not opinions or pull.status not in (PullStatus.OPEN, PullStatus.WITHDRAWN):
        return pull
    is_open = pull.status is PullStatus.OPEN
    about = digest(pull, snapshot.files) if is_open else ""
    no, since = _objection(pull, opinions, about)
    off = _put_off(opinions)
    waits = is_open and off is not None and any(each.branch == pull.branch and each.at >= off.at for each in unsure)
    return replace(
        with_approvals(pull, opinions, about),
        objection=_asks_for(no) if no else "",
        overruled_by=since,
        again=pull.again or any(each.said is Said.SNOOZE for each in opinions),
        put_off_until=off.until if off and not waits else None,
        blocked=pull.blocked or (_UNSURE if waits else None),
    )


def _objection(pull: Pull, opinions: Sequence[Opinion], about: str) -> tuple[Opinion | None, tuple[str, ...]]:
    """The latest no to these lines that its giver has not taken back, and who has said yes to them after it."""
    spoke = {each.giver: at for at, each in enumerate(opinions)}
    now = sorted(_last(pull, opinions).values(), key=lambda each: spoke[each.giver])
    to_these = [each for each in now if each.about == about]
    last = max((at for at, each in enumerate(to_these) if each.said is Said.CHANGES), default=None)
    if last is None:
        return None, ()
    return to_these[last], tuple(each.by for each in to_these[last + 1 :])


def with_approvals(pull: Pull, opinions: Iterable[Opinion], about: str | None) -> Pull:
    """The same pull request with those who have approved these lines elsewhere; any lines where nobody knows which."""
    last = _last(pull, [each for each in opinions if each.branch == pull.branch])
    yes = [each for each in last.values() if each.said is Said.APPROVE and about in (None, each.about)]
    names = dict.fromkeys((*pull.approved_by, *(each.by for each in yes)))
    return replace(pull, approved_by=tuple(names), known_as={each.by: each.asker for each in yes if each.asker})


def _last(pull: Pull, opinions: Sequence[Opinion]) -> dict[str, Opinion]:
    """What each person has said last of what stands there now, in the order in which they began to speak."""
    # The host's clock says when that was, and ours when they spoke. What somebody had closed may have had a yes just
    # before that, which is none for what stands there again.
    opened = pull.opened_at if pull.again else pull.opened_at - CLOCK_SLACK
    return {each.giver: each for each in _since_put_off(opinions) if each.at >= opened}


def _put_off(opinions: Sequence[Opinion]) -> Opinion | None:
    """How it was put off last, be its day past or not; None where nobody has, or somebody has said yes since."""
    since = _since_put_off(opinions)
    if len(since) == len(opinions) or any(each.said is Said.APPROVE for each in since):
        return None
    return opinions[-1 - len(since)]


def _since_put_off(opinions: Sequence[Opinion]) -> Sequence[Opinion]:
    """What was said after it was put off the last time: what was said before is about another day."""
    last = max((at for at, each in enumerate(opinions) if each.said is Said.SNOOZE), default=-1)
    return opinions[last + 1 :]


def _asks_for(opinion: Opinion) -> str:
    words = one_line(opinion.words).rstrip(".")
    return f"{_shown(opinion.by)} asks for changes{f': {words}' if words else ''}."


def objection(pull: Pull, request: Request | None, policy: Policy) -> str:
    """What somebody wants changed before it is merged, as a sentence; empty where nobody does any more.

    A later yes of somebody else, to the same lines, lifts what was said elsewhere than on its page, if it counts:
    whoever said no may be away, and nobody else could take it back. A no on its page is for the host to keep.
    """
    known = pull.known_as
    lifted = any(may_approve(name, known.get(name, ""), request, policy) for name in pull.overruled_by)
    return "" if lifted else pull.objection


def hold(pull: Pull, request: Request | None, policy: Policy) -> str | None:
    """What keeps an open one from being merged, whoever approves it: what somebody wants changed, or the host says."""
    return objection(pull, request, policy) or pull.blocked


# A yes --------------------------------------------------------------------------------------------------------------


def is_approved(pull: Pull, request: Request | None, policy: Policy) -> bool:
    """Whether somebody has approved it whose approval counts."""
    return bool(approvers(pull, request, policy))


def approvers(pull: Pull, request: Request | None, policy: Policy) -> tuple[str, ...]:
    """Those whose approval counts, as the host names them."""
    return tuple(name for name in pull.approved_by if may_approve(name, pull.known_as.get(name, ""), request, policy))


def may_approve(name: str, known_as: str, request: Request | None, policy: Policy) -> bool:
    """Whether an approval of this person's (by their name and their id) counts, or would, for what was asked."""
    if not policy.two_people or request is None:
        return True
    return not _names(request.by, request.asker, policy) & _names(name, known_as, policy)


def verdict(pull: Pull, request: Request | None, policy: Policy, *, known: bool = True) -> tuple[bool | None, str]:
    """The verdict of the two-person rule in one line; None where it is off.

    Where it is not `known` any more who asked, two people who approve are two people, whoever it was.
    """
    if not policy.two_people:
        return None, ""
    names = approvers(pull, request, policy)
    if not known:
        different = _different(pull, names, policy)
        if len(different) > 1:
            return True, f"Approved by {' and '.join(map(_shown, different))}."
        return False, "Waits for two people: nobody can tell any more who asked for it."
    if request is None:
        return (True, f"Approved by {_shown(names[0])}.") if names else (False, "Waits for somebody's approval.")
    asker = _shown(request.by)
    if names:
        return True, f"Approved by {_shown(names[0])}, who is not {asker}."
    return False, f"Waits for somebody other than {asker}."


def _different(pull: Pull, names: Sequence[str], policy: Policy) -> list[str]:
    """Those of these names that are of different people, each person under the first of theirs."""
    found: dict[str, frozenset[str]] = {}
    for name in names:
        mine = _names(name, pull.known_as.get(name, ""), policy)
        if not any(mine & theirs for theirs in found.values()):
            found[name] = mine
    return list(found)


def with_logins(policy: Policy, logins: Mapping[str, str]) -> Policy:
    """The same rules, knowing also what people (CHANNEL:RECIPIENT) are called on the host at this moment."""
    return replace(policy, people={**policy.people, **logins}) if logins else policy


def _names(name: str, known_as: str, policy: Policy) -> frozenset[str]:
    """All that a person goes by: the name that they gave, their id (CHANNEL:RECIPIENT), and their name on the host.

    Whoever shares one of them is the same person. A configuration that has named somebody only since they asked, or
    names them otherwise than then, makes no second person of them.
    """
    known = {_plain(asks): _plain(approves) for asks, approves in policy.people.items()}
    theirs = {_plain(each) for each in (name, known_as, known_as.partition(":")[2]) if each}
    return frozenset(theirs | {known[each] for each in theirs if each in known})


def _plain(name: str) -> str:
    return name.strip().removeprefix("@").casefold()


def _shown(name: str) -> str:
    return called(name)[:_LONGEST_NAME]
