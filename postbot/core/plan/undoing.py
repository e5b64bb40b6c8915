"""Taking back what was done last: whether it can be, what it does to the clock, and who was told what is not true.

Pure. Only the last merged pull request of ours for a posting is taken back, only within a window, and only while the
file is, to the byte, what that pull request made of it; so nothing that anybody has done since can be lost. An opening
or a closing that is taken back after its date waits for a person, until the date in the posting changes: the clock does
not do at once again what somebody has just undone. One that had come early and is taken back before its date still
comes on it.

That is known from the pull requests, so it holds when the ledger is lost. Only once an undo has been witnessed does
the memory say which instants are stopped, so that a date that a person changes afterwards counts again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from postbot.core.announce import Event
from postbot.core.dates import say
from postbot.core.lifecycle import Due, Transition, Wish, due
from postbot.core.plan.memory import Change, Witness
from postbot.core.plan.steps import Policy, Seen
from postbot.core.posting import Posting, at_utc
from postbot.core.profile import State
from postbot.core.site import Path, Pull, PullStatus, Snapshot

KEPT: Final = timedelta(days=14)
"""How long who was told of what is kept in mind, and so the longest time within which it can be taken back."""

_SENT: Final = "sent"

LATE: Final = timedelta(minutes=10)
"""How much earlier than its merge, by the host's clock, the look may have begun that witnessed it."""

_OPENS: Final = frozenset({Event.OPENED, Event.REOPENED})
_SHUTS: Final = frozenset({Event.CLOSED, Event.CLOSED_EARLY, Event.CALLED_OFF})
_PUTS_OFF: Final = frozenset({Event.POSTPONED, Event.CALLED_OFF})
NEWS: Final[Mapping[Transition, frozenset[Event]]] = {
    Transition.OPEN: _OPENS,
    Transition.CLOSE: _SHUTS,
    Transition.EXTEND: _OPENS | {Event.EXTENDED, Event.CORRECTED},
    Transition.POSTPONE: _PUTS_OFF,
    Transition.WITHDRAW: _PUTS_OFF,
    Transition.UNDO: _OPENS | _SHUTS | _PUTS_OFF | {Event.EXTENDED, Event.CORRECTED, Event.UNDONE},
}
"""What the public hears once each of these is merged; of the others it hears nothing."""


@dataclass(frozen=True, slots=True)
class Undo:
    """What can be taken back: the merged pull request, the change that it made, and until when (UTC) it can be."""

    pull: Pull
    change: Change
    until: datetime


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back last: the merged pull request that did it, and the one that it undid."""

    by: Pull
    pull: Pull

    @property
    def at(self) -> datetime:
        """When it was taken back (UTC)."""
        return _merged_at(self.by)

    @property
    def key(self) -> str:
        """How the memory knows that it was witnessed."""
        return f"undone:{self.by.branch}"


# Whether it can be ---------------------------------------------------------------------------------------------------


def undoable(seen: Seen, posting: Posting, now: datetime, policy: Policy, meant: int | None = None) -> Undo | str:
    """What of this posting can be taken back by whoever asks at `now` (aware), or why nothing can, in a sentence.

    Where the number of the pull request that they `meant` is known, it is that one or none.
    """
    ours = (pull for pull in seen.snapshot.pulls if posting.path in pull.paths and _is_merged(pull))
    last = max(ours, key=_order, default=None)
    if last is None:
        return f"Postbot has changed nothing about {posting.slug} that could be taken back."
    name, until = f"pull request #{last.number} ({last.title})", _merged_at(last) + policy.undo
    if transition_of(last) is Transition.UNDO:
        return f"What was done last to {posting.slug} was taken back already. Ask for what it should be instead."
    if (meant or last.number) != last.number or _merged_at(last) > now + policy.clock_slack:
        return f"Since this was asked, {name} was merged. Ask again if that is to be taken back."
    if until <= now:
        when = say(until, posting.zone)
        return f"It is too late: {name} could be taken back until {when}. Ask for what it should be instead."
    if len(last.paths) > 1:
        return f"By {name} its file was moved; that is taken back by moving the file back by hand."
    return _unchanged(seen, posting, last, until)


def meant(seen: Seen, posting: Posting, wish: Wish, now: datetime, policy: Policy) -> Wish:
    """A wish as of what its asker sees now: an undo is for the change that stands last there, and for no later one."""
    found = undoable(seen, posting, now, policy) if wish.transition is Transition.UNDO else None
    return replace(wish, undoes=found.pull.number) if isinstance(found, Undo) else wish


def _unchanged(seen: Seen, posting: Posting, last: Pull, until: datetime) -> Undo | str:
    """It can be taken back if nobody has done anything else to the file."""
    change = seen.changes.get(last.branch)
    if change is None or change.path != posting.path:
        return f"Nobody knows any more what {posting.path} was before pull request #{last.number}. Revert it by hand."
    if seen.snapshot.files[posting.path].data != change.after:
        return (
            f"{posting.path} is not what postbot made of it by pull request #{last.number} ({last.title}); somebody "
            "has changed it, and that would be lost. Edit the file by hand."
        )
    return Undo(last, change, until)


def merged_lately(snapshot: Snapshot) -> tuple[str, ...]:
    """The branches of the pull requests that may matter here: those merged within `KEPT` before the last merge of ours.

    That is by the host's clock, for a commit bears whatever date its author's clock showed.
    """
    merged = [pull for pull in snapshot.pulls if _is_merged(pull) and pull.closed_at]
    last = max(map(_merged_at, merged), default=None)
    return tuple(pull.branch for pull in merged if last and _merged_at(pull) >= last - KEPT)


def transition_of(pull: Pull) -> Transition | None:
    """The transition that the name of our branch says."""
    name = pull.branch.split("/")[1]
    return next((each for each in Transition if each == name), None)


def _ours(snapshot: Snapshot) -> Mapping[Path, Sequence[Pull]]:
    """Our merged pull requests by the files that they changed, in the order in which they were merged."""
    found: dict[Path, list[Pull]] = {}
    for pull in sorted(filter(_is_merged, snapshot.pulls), key=_order):
        for path in pull.paths:
            found.setdefault(path, []).append(pull)
    return found


def _is_merged(pull: Pull) -> bool:
    return pull.status is PullStatus.MERGED


def _order(pull: Pull) -> tuple[datetime, int]:
    """A host's instants may have whole seconds; what takes something back always has the greater number."""
    return _merged_at(pull), pull.number


def _merged_at(pull: Pull) -> datetime:
    return pull.closed_at or datetime.min.replace(tzinfo=UTC)


# What was taken back -------------------------------------------------------------------------------------------------


def undone(snapshot: Snapshot) -> Mapping[Path, Undone]:
    """The postings of which the last that we did was to take something back."""
    if not any(map(_takes_back, snapshot.pulls)):
        return {}
    return {path: Undone(ours[-1], ours[-2]) for path, ours in _ours(snapshot).items() if _is_undone(ours)}


def _is_undone(ours: Sequence[Pull]) -> bool:
    return len(ours) > 1 and _takes_back(ours[-1]) and not _takes_back(ours[-2])


def _takes_back(pull: Pull) -> bool:
    return _is_merged(pull) and transition_of(pull) is Transition.UNDO


def is_witnessed(seen: Seen, posting: Posting, back: Undone, before: Witness | None) -> bool:
    """Whether this look is the first to see what an undo has put back, and nothing else has happened to the file."""
    change, file = seen.changes.get(back.by.branch), seen.snapshot.files[posting.path]
    fresh = before is not None and before.blob != file.blob and back.key not in seen.memory.told
    return fresh and change is not None and change.after == file.data


def told_of(seen: Seen, path: Path, pull: Pull, until: datetime | None = None) -> tuple[str, ...]:
    """Who was told (CHANNEL:RECIPIENT) of what a merged pull request has brought about, each once.

    They are those to whom a message of its kind of news went out that was queued about the posting from its merge on,
    up to an instant if one is given.
    """
    since, transition = _merged_at(pull) - LATE, transition_of(pull)
    events = NEWS.get(transition, frozenset()) if transition else frozenset()
    told = (
        f"{each.channel}:{each.recipient}"
        for each in seen.memory.spoken
        if each.path == path and each.standing == _SENT and each.event in events
        if since <= each.at <= (until or each.at)
    )
    return tuple(dict.fromkeys(told))


def corrected(back: Undone, name: str) -> str:
    """The key of our having told one recipient that it was a mistake."""
    return f"{back.key}:{name}"


def latecomers(seen: Seen) -> Iterator[tuple[Path, Undone, tuple[str, ...]]]:
    """Those of whom it was not known, when the undo was witnessed, that what it takes back had reached them."""
    for path, back in undone(seen.snapshot).items():
        if back.key in seen.memory.told:
            told = told_of(seen, path, back.pull, back.at)
            if names := tuple(name for name in told if corrected(back, name) not in seen.memory.told):
                yield path, back, names


# What the clock does then --------------------------------------------------------------------------------------------


def is_stopped(seen: Seen, posting: Posting, found: Due) -> bool:
    """Whether the clock leaves to a person what is due, since somebody took just that back after its date."""
    if _stop(posting, found) in seen.memory.told:
        return True
    if not any(map(_takes_back, seen.snapshot.pulls)):
        return False
    back = undone(seen.snapshot).get(posting.path)
    return back is not None and back.key not in seen.memory.told and _stops(back, found)


def keys(seen: Seen, posting: Posting, back: Undone | None, before: Witness | None, now: datetime) -> tuple[str, ...]:
    """What is to be remembered of an undo that is witnessed, or found: that it was, and which instant it stops.

    Where the file is another one than it left, and that is known, the dates are a person's, and stop nothing.
    """
    if back is None or back.key in seen.memory.told:
        return ()
    change, file = seen.changes.get(back.by.branch), seen.snapshot.files[posting.path]
    known = before is not None and not seen.memory.copied
    theirs = known and before and before.blob != file.blob and not (change and change.after == file.data)
    found = due(posting, now)
    stopped = (_stop(posting, found),) if found and _stops(back, found) and not theirs else ()
    return (back.key, *stopped)


def followed(seen: Seen, path: Path, was: Path) -> tuple[str, ...]:
    """What is to be remembered of a posting that was renamed: the instants that are stopped, under its new path."""
    stops = (tuple(key.partition(f":{was}:")) for key in seen.memory.told if key.startswith(_STOPPED))
    return tuple(f"{begins}:{path}:{ends}" for begins, found, ends in stops if found)


def waits_for(seen: Seen, posting: Posting, now: datetime) -> str:
    """What the clock leaves to a person, since it was taken back after its date, in a sentence; empty where nothing."""
    found = due(posting, now)
    return _left(posting, found) if found and is_stopped(seen, posting, found) else ""


def stays(posting: Posting, pull: Pull, now: datetime) -> str:
    """The same of a posting as it will be once this pull request is taken back."""
    found = due(posting, now)
    return _left(posting, found) if found and found.transition is transition_of(pull) else ""


def _left(posting: Posting, found: Due) -> str:
    when, opening = say(found.at, posting.zone), found.transition is Transition.OPEN
    state = State.UPCOMING if opening else State.OPEN
    return (
        f"Its {'opening' if opening else 'closing'} date, {when}, has passed, and the clock does not "
        f"{found.transition} it again, for somebody took that back. It stays {state} until somebody asks for it, or "
        "changes the date."
    )


def _stops(back: Undone, found: Due) -> bool:
    return transition_of(back.pull) is found.transition and found.at <= back.at


def _stop(posting: Posting, found: Due) -> str:
    return f"{_STOPPED}{found.transition}:{posting.path}:{at_utc(found.at)}"


_STOPPED: Final = "stopped:"


def again(seen: Seen, posting: Posting, at: datetime) -> Iterator[Pull]:
    """The undos of a posting before an instant, in order: what they took back may still come on its date."""
    if any(map(_takes_back, seen.snapshot.pulls)):
        for pull in _ours(seen.snapshot).get(posting.path, ()):
            if _takes_back(pull) and _merged_at(pull) < at:
                yield pull
