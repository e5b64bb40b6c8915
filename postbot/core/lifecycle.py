"""The life of a posting: which transition may be made by whom, when one is due, and which fields it writes.

Pure. The clock only ever moves a posting on, from upcoming to open to closed and into the archive; going back takes
an author or a request. Edits are worked out here and proven in `editing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from postbot.core.archive import Shelving, archived_at, is_archived, shelve
from postbot.core.dates import (
    Bound,
    Moment,
    Style,
    Unreadable,
    parse_machine,
    read_moment,
    style_of,
    write_moment,
)
from postbot.core.posting import Posting, Window, as_posting, closing_bound, live_field, readiness
from postbot.core.problem import Problem, Severity
from postbot.core.profile import EarlyClose, Grain, Profile, State
from postbot.core.site import Path
from postbot.core.text.document import Commented, Document
from postbot.core.text.editing import CommentOut, Edit, Edited, Set, edit, is_misspelling, own_spelling, restored
from postbot.core.text.hints import is_placeholder
from postbot.core.text.scalar import Quoting


class Transition(StrEnum):
    """A step in a posting's life. Extend keeps an open posting open, postpone an upcoming one upcoming.

    Archive moves the file of a closed one, where the profile says so. Undo puts back what stood there before the last
    of these, whatever state that is.
    """

    OPEN = "open"
    CLOSE = "close"
    EXTEND = "extend"
    POSTPONE = "postpone"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    ARCHIVE = "archive"
    UNDO = "undo"


class Actor(StrEnum):
    """Who makes a transition: the clock, an author who edits the file, or a person who asks us to."""

    CLOCK = "clock"
    AUTHOR = "author"
    REQUEST = "request"


_ANYBODY = frozenset(Actor)
_PEOPLE = frozenset({Actor.AUTHOR, Actor.REQUEST})
_NO_AUTHOR = frozenset({Actor.CLOCK, Actor.REQUEST})

TABLE: Mapping[tuple[State, Transition], tuple[State, frozenset[Actor]]] = {
    (State.UPCOMING, Transition.OPEN): (State.OPEN, _ANYBODY),
    (State.UPCOMING, Transition.CLOSE): (State.CLOSED, _ANYBODY),
    (State.UPCOMING, Transition.POSTPONE): (State.UPCOMING, _PEOPLE),
    (State.UPCOMING, Transition.EXTEND): (State.UPCOMING, _PEOPLE),
    (State.UPCOMING, Transition.WITHDRAW): (State.UPCOMING, _PEOPLE),
    (State.OPEN, Transition.CLOSE): (State.CLOSED, _ANYBODY),
    (State.OPEN, Transition.EXTEND): (State.OPEN, _PEOPLE),
    (State.OPEN, Transition.POSTPONE): (State.UPCOMING, _PEOPLE),
    (State.OPEN, Transition.WITHDRAW): (State.UPCOMING, _PEOPLE),
    (State.CLOSED, Transition.REOPEN): (State.UPCOMING, _PEOPLE),
    (State.CLOSED, Transition.EXTEND): (State.OPEN, _PEOPLE),
    (State.CLOSED, Transition.ARCHIVE): (State.CLOSED, _NO_AUTHOR),
    **{(state, Transition.UNDO): (state, frozenset({Actor.REQUEST})) for state in State},
}
"""What each transition leads to, and who may make it. What is not here does not exist.

Where an undo leads is what the bytes say that it puts back.
"""


def allowed(state: State, transition: Transition, actor: Actor) -> bool:
    """Whether this actor may make this transition from this state."""
    return actor in TABLE.get((state, transition), (state, frozenset()))[1]


@dataclass(frozen=True, slots=True)
class Due:
    """A transition that the clock asks for, and the instant (UTC) from which it does."""

    transition: Transition
    at: datetime


def due(posting: Posting, now: datetime) -> Due | None:
    """What the clock asks for at `now`. Nothing without an unambiguous instant, and nothing that goes back.

    Opening and closing both past means straight to closed. A window that ends before it begins moves nothing that has
    not opened yet. A closing date beside an opening that is not known is
    left from an earlier use of the file, and moves nothing. What has been closed for long enough goes to the archive.
    """
    stated, window = posting.state(now), posting.window
    if stated is None or posting.draft:
        return None
    if stated is State.CLOSED:
        at = archived_at(posting)
        return Due(Transition.ARCHIVE, at) if at and at <= now else None
    if stated is State.OPEN and window.closes and window.closes <= now:
        return Due(Transition.CLOSE, window.closes)
    if stated is not State.UPCOMING or window.reversed or window.opens is None or window.opens > now:
        return None
    if window.closes and window.closes <= now:
        return Due(Transition.CLOSE, window.closes)
    return Due(Transition.OPEN, window.opens)


def upcoming(posting: Posting, now: datetime) -> tuple[Due, ...]:
    """The transitions that the clock will ask for after `now`, soonest first."""
    stated, window = posting.state(now), posting.window
    if stated is None or posting.draft or (stated is State.UPCOMING and window.reversed):
        return ()
    if stated is State.CLOSED:
        at = archived_at(posting)
        return (Due(Transition.ARCHIVE, at),) if at and at > now else ()
    opens = [Due(Transition.OPEN, window.opens)] if stated is State.UPCOMING and window.opens else []
    closes = [Due(Transition.CLOSE, window.closes)] if window.closes and (opens or stated is State.OPEN) else []
    return tuple(sorted((found for found in opens + closes if found.at > now), key=lambda found: found.at))


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for: a transition with its values (key to text) and, for an early close, why.

    `undoes` is the number of the pull request that an undo is meant for; None for whichever was merged last.
    """

    transition: Transition
    values: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A posting after a proven transition. `remarks` are sentences that the reviewer must read.

    `path` is where the file goes, None where it stays.
    """

    edited: Edited
    remarks: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def changes_nothing(self) -> bool:
        """Whether the posting is as the transition would make it already."""
        return self.path is None and not self.edited.proof.lines


def carry_out(
    posting: Posting, wish: Wish, now: datetime, by: Actor = Actor.REQUEST, before: bytes | None = None
) -> Moved | Problem:
    """Work out and prove the edits of one transition, with all that it needs: defaults taken, stale fields reset.

    What this actor may not do from the posting's state at `now` (aware) is refused, and so is a value that cannot be
    written. `before` are the bytes that an undo puts back; whether it may is for its caller to know.
    """
    state = posting.state(now)
    if state is None or not allowed(state, wish.transition, by):
        return _refusal(posting, "transition-not-allowed", _no_way(posting, state, wish.transition, by))
    if fault := _fault(posting, wish):
        return fault
    if wish.transition is Transition.ARCHIVE:
        return _archive(posting)
    if wish.transition is Transition.UNDO:
        return _put_back(posting, before)
    target = TABLE[state, wish.transition][0]
    values = dict(wish.values)
    extra: list[Edit] = []
    if wish.transition in (Transition.POSTPONE, Transition.WITHDRAW, Transition.REOPEN):
        values = _unknown_dates(posting, wish) | values
    if target is State.OPEN and state is State.UPCOMING:
        values = {gap.key: gap.default for gap in readiness(posting, State.OPEN) if gap.default} | values
        values |= _opens_today(posting, wish, now)
    if wish.transition is Transition.REOPEN:
        extra = _resets(posting, values)
    return move(posting, target, values, now, extra)


def _archive(posting: Posting) -> Moved | Problem:
    """Move the file as it is, but for a redirect where its address would be lost. One in the archive stays there."""
    found = Shelving(posting.path) if is_archived(posting) else shelve(posting)
    if isinstance(found, Problem):
        return found
    added = found.redirect
    edits = [replace(added, after=_places(posting.profile, added.key))] if added else []
    edited = edit(posting.document, edits)
    if isinstance(edited, Problem):
        return edited
    return Moved(edited, found.remarks, found.path if found.path != posting.path else None)


def _put_back(posting: Posting, before: bytes | None) -> Moved | Problem:
    """Make the file what it was, to the byte."""
    if before is None:
        return _refusal(posting, "undo-nothing", "Nobody knows any more what stood there before.")
    edited = restored(posting.document, before)
    return edited if isinstance(edited, Problem) else Moved(edited)


def move(
    posting: Posting, target: State, values: Mapping[str, str], now: datetime, extra: Sequence[Edit] = ()
) -> Moved | Problem:
    """Set the given values and what the profile writes for `target`, and prove that the posting is there afterwards."""
    edits: list[Edit] = [*extra]
    for key, text in values.items():
        made = set_value(posting, key, text)
        if isinstance(made, Problem):
            return made
        edits.append(made)
    state_edits, remarks = _state_edits(posting, target, edits, now)
    edited = edit(posting.document, [*_without(posting.document, edits, state_edits), *state_edits])
    if isinstance(edited, Problem):
        return edited
    after = as_posting(edited.document, posting.profile, posting.zone)
    if after.state(now) is not target:
        return _refusal(posting, "transition-not-reached", _not_there(after, target, now))
    return Moved(edited, remarks)


def wished_window(posting: Posting, wish: Wish) -> Window:
    """The window as a wish leaves it."""
    made = (set_value(posting, key, text) for key, text in wish.values.items())
    return window_after(posting, [each for each in made if isinstance(each, Set)])


def _opens_today(posting: Posting, wish: Wish, now: datetime) -> dict[str, str]:
    """Who asks for an opening whose date nobody knows means now: today's date is written down."""
    if wished_window(posting, wish).opens is not None:
        return {}
    return {_live_name(posting, posting.profile.opens): now.astimezone(posting.zone).date().isoformat()}


def _without(document: Document, edits: Sequence[Edit], later: Sequence[Edit]) -> list[Edit]:
    """A value given by a person, in whatever spelling, and also written by the profile is written once."""
    written = {own_spelling(document, change.key) for change in later}
    return [change for change in edits if own_spelling(document, change.key) not in written]


# Values in the file's own style ------------------------------------------------------------------------------------


def set_value(posting: Posting, key: str, text: str) -> Set | Problem:
    """One value as the file would write it. A date in ISO form takes the shape of the file's own dates."""
    own = _date_key(posting, key) or own_name(posting, key)
    made = Set(own, text, _places(posting.profile, key), asked=key if key != own else None)
    moment = parse_machine(text, posting.zone) if _is_date_key(posting, own) else None
    if moment is None:
        return made
    if posting.profile.grain is Grain.DAY:
        return _whole_day(posting, made, moment)
    read_as = read_moment(text, Bound.OPENS, posting.zone)
    if isinstance(read_as, Unreadable) and read_as.code in _NO_ONE_INSTANT:
        return _refusal(posting, read_as.code, read_as.message, read_as.fix)
    style = _style(posting, own)
    written = write_moment(moment, style, posting.zone) if style else text
    return replace(made, value=_with_offset(moment, posting.zone) if written is None else written)


_NO_ONE_INSTANT = ("date-gap", "date-twice")
"""What the reader says of a local time that the clocks skip, or show twice: to write one down would be a guess."""


def own_name(posting: Posting, key: str) -> str:
    """The file's own name for a field, even where it mistypes one that the profile knows (`ohrm_comtact_email`).

    Two fields of the file that both come close are both left alone.
    """
    document, names = posting.document, posting.profile.names
    held = dict.fromkeys((*document.fields, *(found.key for found in document.commented)))
    own = own_spelling(document, key)
    if own in held or key not in names:
        return own
    near = [other for other in held if other not in names and is_misspelling(other, key)]
    return near[0] if len(near) == 1 else key


def not_offered(posting: Posting, values: Mapping[str, str]) -> tuple[Problem, ...]:
    """Values that are given for a field whose comment offers others ('YES' or 'NO'): warnings at that comment."""
    commented = {found.key: found for found in posting.document.commented}
    given = ((commented.get(own_name(posting, key)), text) for key, text in values.items())
    return tuple(
        _not_a_choice(posting, found, text)
        for found, text in given
        if found and found.hint.choices and text not in found.hint.choices
    )


def _not_a_choice(posting: Posting, commented: Commented, text: str) -> Problem:
    choices = " or ".join(commented.hint.choices)
    message = f"`{commented.key}` is to be {text}, but its comment offers {choices}."
    place = (posting.path, commented.line, commented.column)
    return Problem(*place, "value-not-offered", message, Severity.WARNING, fix=f"Write {choices}.")


def _places(profile: Profile, key: str) -> tuple[str, ...]:
    """Behind which fields a missing one goes, best first: as the profile says, else behind those it lists before it."""
    told = next((places for name, places in profile.after.items() if name.lower() == key.lower()), ())
    order = profile.known
    return (*told, *reversed(order[: order.index(key)])) if key in order else told


def _whole_day(posting: Posting, made: Set, moment: date | datetime) -> Set | Problem:
    if isinstance(moment, datetime):
        name, day = made.asked or made.key, moment.date().isoformat()
        message = f"`{name}` is a day without a time on this kind of site; write {day}."
        return _refusal(posting, "date-grain", message)
    return replace(made, value=moment.isoformat(), quoting=Quoting.PLAIN)


def _with_offset(moment: date | datetime, zone: ZoneInfo) -> str:
    """An instant that the file's style cannot say, in the one form that every reader takes alike (RFC 3339)."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return moment.replace(tzinfo=zone).isoformat(timespec="seconds")


def _date_key(posting: Posting, key: str) -> str | None:
    """The file's own name for a date of the window that is asked for by any of its names, in any case."""
    for names in (posting.profile.opens, posting.profile.closes):
        if names[:1] and key.lower() == names[0].lower() and (found := live_field(posting.document, names[:1])):
            return found.key
    return None


def _is_date_key(posting: Posting, key: str) -> bool:
    profile = posting.profile
    return key.lower() in {name.lower() for name in (*profile.opens, *profile.closes, profile.closed_on or "")}


def _style(posting: Posting, key: str) -> Style | None:
    """How this file writes dates: as this one's placeholder says, else as it stands, else as its other date does."""
    document, profile = posting.document, posting.profile
    others = [name for name in (*profile.opens, *profile.closes) if name != key]
    for name in (key, *others):
        for text in _texts(document, name):
            if style := style_of(text):
                return style
    declared = next((profile.placeholders[name] for name in (key, *others) if name in profile.placeholders), None)
    return style_of(declared) if declared else None


def _texts(document: Document, name: str) -> list[str]:
    commented = [
        found.hint.placeholder or found.hint.default or "" for found in document.commented if found.key == name
    ]
    live = live_field(document, (name,))
    return [*commented, (live.text or "") if live else ""]


# What the profile writes for a state -------------------------------------------------------------------------------


def _state_edits(
    posting: Posting, target: State, given: Sequence[Edit], now: datetime
) -> tuple[list[Edit], tuple[str, ...]]:
    """The edits that make the site show `target`, beyond the values given, and remarks about them."""
    profile, document = posting.profile, posting.document
    edits: list[Edit] = []
    if profile.state:
        edits.append(Set(profile.state.name, profile.state.values[target], profile.after.get(profile.state.name, ())))
    for name, words in profile.per_state.items():
        fitting = words.get(target, ())
        if fitting and (found := live_field(document, (name,))) and found.text not in fitting:
            edits.append(Set(found.key, fitting[0]))
    if (
        profile.draft
        and posting.draft
        and target is not State.UPCOMING
        and (switch := live_field(document, (profile.draft,)))
    ):
        edits.append(Set(switch.key, "false"))
    if not profile.dates_decide:
        return edits, ()
    dates, remarks = _date_edits(posting, target, given, now)
    return [*edits, *dates], remarks


def _date_edits(
    posting: Posting, target: State, given: Sequence[Edit], now: datetime
) -> tuple[list[Edit], tuple[str, ...]]:
    """Where the dates decide: the date that makes `target` true, unless the values given already do."""
    window = window_after(posting, given)
    profile, at = posting.profile, now.astimezone(posting.zone)
    if target is State.CLOSED:
        ended = (window.closes and window.closes <= now) or (posting.closed_on and posting.closed_on <= now)
        return ([], ()) if ended else _close_early(posting, window, now)
    edits: list[Edit] = []
    if profile.closed_on and profile.closed_on in posting.document.fields:
        edits.append(CommentOut(profile.closed_on))
    if target is State.OPEN and (window.opens is None or window.opens > now):
        edits.append(_date(posting, profile.opens[0], at))
    elif target is State.UPCOMING and window.opens and window.opens <= now:
        edits.append(
            Set(
                _live_name(posting, profile.opens),
                profile.unknown_date,
                profile.after.get(profile.opens[0], ()),
            )
        )
    return edits, ()


def _close_early(posting: Posting, window: Window, now: datetime) -> tuple[list[Edit], tuple[str, ...]]:
    profile, at = posting.profile, now.astimezone(posting.zone)
    closes = _live_name(posting, profile.closes)
    announced = posting.text(closes) or "not known"
    match profile.early_close:
        case EarlyClose.FIELD if profile.closed_on:
            return [Set(profile.closed_on, at.date().isoformat(), profile.after.get(profile.closed_on, (closes,)))], ()
        case EarlyClose.BACK_DATE:
            yesterday = (at.date() - timedelta(days=1)).isoformat()
            remark = (
                f"This site has no field for an early closing, so `{closes}` is set to yesterday, {yesterday}, which "
                f"is not the day it closes. The announced date ({announced}) will no longer be in the file."
            )
            return [Set(closes, yesterday, profile.after.get(closes, ()), quoting=Quoting.PLAIN)], (remark,)
        case _:
            remark = (
                f"`{closes}` is set to the present moment; "
                f"the announced date ({announced}) will no longer be in the file."
            )
            moved = _date(posting, closes, at)
            return [moved], (remark,) if window.closes else ()


def _date(posting: Posting, key: str, at: datetime) -> Set:
    """`at` written into a date field: the day where the templates know only days, else the minute."""
    profile = posting.profile
    name = _date_key(posting, key) or key
    if profile.grain is Grain.DAY:
        return Set(name, at.date().isoformat(), profile.after.get(key, ()), quoting=Quoting.PLAIN)
    made = set_value(posting, key, at.isoformat(timespec="minutes"))
    assert isinstance(made, Set)  # only a site that knows whole days refuses a time
    return made


def _live_name(posting: Posting, names: tuple[str, ...]) -> str:
    found = live_field(posting.document, names)
    return found.key if found else names[0]


def window_after(posting: Posting, edits: Sequence[Edit]) -> Window:
    """The window as it will be once these edits are made."""
    texts = {change.key.lower(): change.value for change in edits if isinstance(change, Set)}

    def instant(names: tuple[str, ...], bound: Bound, was: datetime | None) -> datetime | None:
        text = next((texts[name.lower()] for name in names if name.lower() in texts), None)
        if text is None:
            return was
        found = read_moment(text, bound, posting.zone)
        return found.at if isinstance(found, Moment) else None

    profile = posting.profile
    return Window(
        instant(profile.opens, Bound.OPENS, posting.window.opens),
        instant(profile.closes, closing_bound(profile), posting.window.closes),
    )


# Requests ----------------------------------------------------------------------------------------------------------


def _fault(posting: Posting, wish: Wish) -> Problem | None:
    """What keeps a wish from being carried out, whatever the posting says: a value, or a date that lacks."""
    made = (set_value(posting, key, text) for key, text in wish.values.items())
    if wrong := next((each for each in made if isinstance(each, Problem)), None):
        return wrong
    if wish.transition is Transition.ARCHIVE and wish.values:
        return _refusal(posting, "archive-values", "Archiving moves a file; it sets no values.")
    if wish.transition is Transition.UNDO and wish.values:
        return _refusal(posting, "undo-values", "An undo puts back what was there; it sets no values.")
    missing = _missing_date(posting, wish)
    return _refusal(posting, "transition-needs-a-date", missing) if missing else None


def _missing_date(posting: Posting, wish: Wish) -> str | None:
    """An extension needs its new closing date, and that must be later than the present one."""
    if wish.transition is not Transition.EXTEND:
        return None
    closes = {name.lower() for name in posting.profile.closes}
    text = next((value for key, value in wish.values.items() if key.lower() in closes), None)
    if text is None:
        return f"Extending needs the new closing date: {posting.profile.closes[0]}=YYYY-MM-DD."
    found = read_moment(text, closing_bound(posting.profile), posting.zone)
    if not isinstance(found, Moment):
        return f"The new closing date {text} cannot be read; write YYYY-MM-DD, with THH:MM for a time."
    if posting.window.closes and found.at <= posting.window.closes:
        return f"The new closing date {text} is not later than the present one."
    return None


def _unknown_dates(posting: Posting, wish: Wish) -> dict[str, str]:
    """Dates that are void after going back, and not given anew, are not known."""
    names = [posting.profile.opens, posting.profile.closes]
    if wish.transition is Transition.POSTPONE and any(key in wish.values for key in posting.profile.opens):
        return {}
    given = {key.lower() for key in wish.values}
    return {
        found.key: posting.profile.unknown_date
        for group in names
        if (found := live_field(posting.document, group))
        and found.key.lower() not in given
        and not given & {n.lower() for n in group}
    }


def _resets(posting: Posting, values: Mapping[str, str]) -> list[Edit]:
    """Comment out what is stale when a posting is used again, with its old placeholder, unless it is given anew."""
    given = {own_name(posting, key) for key in values}
    return [
        CommentOut(key, posting.profile.placeholders.get(key))
        for key in posting.profile.reset
        if key in posting.document.fields and key not in given and not _is_blank(posting, key)
    ]


def _is_blank(posting: Posting, key: str) -> bool:
    text = posting.text(key)
    return text is not None and (not text.strip() or is_placeholder(key, text))


def _no_way(posting: Posting, state: State | None, transition: Transition, by: Actor) -> str:
    if state is None:
        return f"Nobody can tell the state of {posting.slug}, so it cannot be moved."
    untold = {Transition.UNDO} if posting.profile.archive else {Transition.UNDO, Transition.ARCHIVE}
    known = (step for step in Transition if step not in untold)
    ways = sorted(step.value for step in known if allowed(state, step, by)) or ["do nothing"]
    who = "the clock" if by is Actor.CLOCK else "you"
    return f"{posting.slug} is {state}; from there {who} can {' or '.join(ways)}, not {transition}."


def _not_there(after: Posting, target: State, now: datetime) -> str:
    stands = after.state(now)
    closes = _live_name(after, after.profile.closes)
    if target is State.OPEN and stands is State.CLOSED:
        return f"It would still be closed: `{closes}` is {after.text(closes)}. Give a later date too."
    because = f" {after.problems[0].message}" if after.problems else ""
    return f"After this edit the posting would be {stands or 'in no known state'}, not {target}.{because}"


def _refusal(posting: Posting, code: str, message: str, fix: str | None = None) -> Problem:
    return Problem(posting.path, 1, 1, code, message, Severity.ERROR, fix)
