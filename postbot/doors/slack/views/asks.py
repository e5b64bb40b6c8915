"""What a form asks for: which fields of a posting, how each is entered, and what stands in it at first.

Pure. The form draws these, and reading goes through the very same ones, so nothing is ever read that was not asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from hashlib import sha256
from typing import Final

from postbot.core.announce import one_line
from postbot.core.announce.routes import is_address
from postbot.core.dates import Bound, Moment, read_moment
from postbot.core.lifecycle import own_name
from postbot.core.lint.addresses import fake_link_in, is_url
from postbot.core.posting import Gap, GapKind, Posting, closing_bound, live_field, readiness
from postbot.core.profile import Grain, State
from postbot.core.text.hints import Hint, is_placeholder, read_hint
from postbot.doors.slack.views.parts import can_be_chosen
from postbot.doors.slack.views.scene import Verb

MOST_ASKED: Final = 90
"""A form asks for no more fields than that: a view has room for 100 blocks, and some of them say what it is about."""
MOST_LINE: Final = 500
"""The longest value of a field that is asked for, in characters."""


class Kind(Enum):
    """How a field is entered."""

    LINE = auto()
    EMAIL = auto()
    LINK = auto()
    CHOICE = auto()
    OPENS = auto()
    CLOSES = auto()

    @property
    def is_day(self) -> bool:
        """Whether it is a date of the window."""
        return self in (Kind.OPENS, Kind.CLOSES)


@dataclass(frozen=True, slots=True)
class Ask:
    """One field: what the posting calls it, how it is entered, and what stands in it at first.

    `initial` is a text, one of the `choices`, or a day (YYYY-MM-DD, with `time` HH:MM beside it). `timed`: the site's
    templates understand a time of day.
    """

    key: str
    kind: Kind
    hint: str = ""
    initial: str = ""
    time: str = ""
    choices: tuple[str, ...] = ()
    optional: bool = False
    timed: bool = False

    @property
    def block_id(self) -> str:
        """The block in which it is entered, and under which an error about it stands."""
        return block_of("field", self.key)

    @property
    def time_id(self) -> str:
        """The block in which its time of day is entered."""
        return block_of("time", self.key)


def block_of(kind: str, key: str) -> str:
    """The name of an input's block: the field's own, or a digest of one that is too long for Slack (255)."""
    return f"{kind}:{key if len(key) <= _LONG_KEY else sha256(key.encode()).hexdigest()}"


_LONG_KEY = 200


def asks(posting: Posting, verb: Verb, now: datetime, day: str = "") -> tuple[Ask, ...]:
    """The fields that the form of a verb asks for. `day` is put into its first date where that can be."""
    match verb:
        case Verb.OPEN:
            found = _to_open(posting)
        case Verb.EXTEND:
            found = [_date(posting, Kind.CLOSES, "The new closing date; later than the present one.")]
        case Verb.POSTPONE:
            closes = "Leave it as it is, or give a new one."
            found = [
                _date(posting, Kind.OPENS, _NOT_KNOWN, since=now, optional=True),
                _date(posting, Kind.CLOSES, closes, since=now, optional=True),
            ]
        case Verb.REOPEN:
            found = [_date(posting, kind, _NOT_KNOWN, since=now, optional=True) for kind in (Kind.OPENS, Kind.CLOSES)]
        case _:
            found = []
    return tuple(_with_day(found[:MOST_ASKED], day))


_NOT_KNOWN = "Leave it empty if nobody knows it yet."


def _with_day(found: Sequence[Ask], day: str) -> Iterator[Ask]:
    first = next((ask for ask in found if ask.kind.is_day), None)
    for ask in found:
        yield Ask(ask.key, ask.kind, ask.hint, day, "", (), ask.optional, ask.timed) if day and ask is first else ask


# An opening ---------------------------------------------------------------------------------------------------------


def left_out(posting: Posting, verb: Verb) -> int:
    """How many fields an opening needs and the form has no room for."""
    return max(0, len(_to_open(posting)) - MOST_ASKED) if verb is Verb.OPEN else 0


def _to_open(posting: Posting) -> list[Ask]:
    """What an open posting still lacks, in file order, and the dates that are not known."""
    found = [_of_gap(posting, gap) for gap in readiness(posting, State.OPEN)]
    dates = {Kind.OPENS: posting.window.opens, Kind.CLOSES: posting.window.closes}
    asked = {ask.kind for ask in found}
    names = {Kind.OPENS: posting.profile.opens, Kind.CLOSES: posting.profile.closes}
    extra = [_of_date(posting, kind) for kind, at in dates.items() if at is None and kind not in asked and names[kind]]
    return [*found, *extra]


def _of_gap(posting: Posting, gap: Gap) -> Ask:
    kind = _kind(posting, gap.key)
    if kind.is_day:
        return _of_date(posting, kind)
    hint = _hint(posting, gap)
    if can_be_chosen(hint.choices) and max(map(len, hint.choices)) <= MOST_LINE:
        chosen = gap.default if gap.default in hint.choices else ""
        return Ask(gap.key, Kind.CHOICE, hint.hint or "", chosen or "", choices=hint.choices)
    initial = one_line(gap.default or "")
    fits = not misfit(posting, Ask(gap.key, kind), initial)
    return Ask(gap.key, kind, _says(hint), initial if fits else "")


def _of_date(posting: Posting, kind: Kind) -> Ask:
    hint = "Today, if you leave it empty." if kind is Kind.OPENS else "The last day on which people can apply."
    needed = kind is Kind.CLOSES and _is_needed(posting)
    return _date(posting, kind, hint, optional=not needed)


def _is_needed(posting: Posting) -> bool:
    names = {name.lower() for name in posting.profile.closes}
    return any(gap.key.lower() in names for gap in readiness(posting, State.OPEN))


def _kind(posting: Posting, key: str) -> Kind:
    profile = posting.profile
    for kind, names in ((Kind.OPENS, profile.opens), (Kind.CLOSES, profile.closes)):
        if key.lower() in {name.lower() for name in names}:
            return kind
    for kind, names in ((Kind.EMAIL, profile.emails), (Kind.LINK, profile.urls)):
        if key in {own_name(posting, name) for name in names}:
            return kind
    return Kind.LINE


def _hint(posting: Posting, gap: Gap) -> Hint:
    """What the file says of a field: in its comment, else in the placeholder that stands in its place."""
    commented = next((found for found in posting.document.commented if found.key == gap.key), None)
    if commented:
        return commented.hint
    return read_hint(gap.key, posting.text(gap.key) or "") if gap.kind is GapKind.PLACEHOLDER else Hint()


def _says(hint: Hint) -> str:
    shown = f"For example {', '.join(hint.examples)}." if hint.examples else ""
    return " ".join(filter(None, (hint.placeholder, hint.hint, shown)))


# Dates --------------------------------------------------------------------------------------------------------------


def _date(posting: Posting, kind: Kind, hint: str, *, since: datetime | None = None, optional: bool = False) -> Ask:
    """A date of the window, with what the posting says now; one before `since` is of no use any more."""
    key, moment = _present(posting, kind)
    timed = posting.profile.grain is Grain.MINUTE
    ask = Ask(key, kind, hint, optional=optional, timed=timed)
    if moment is None or (since and moment.at <= since):
        return ask
    day, clock = moment.wall.date().isoformat(), f"{moment.wall:%H:%M}" if moment.has_time and timed else ""
    return Ask(key, kind, hint, day, clock, (), optional, timed)


def _present(posting: Posting, kind: Kind) -> tuple[str, Moment | None]:
    """What the posting calls a date of its window, and what that says now."""
    names = posting.profile.opens if kind is Kind.OPENS else posting.profile.closes
    field, known = live_field(posting.document, names), posting.window
    if field is None:
        return names[0], None
    same = (name for name in names if name.lower() == field.key.lower())
    key = field.key if field.key in names else next(same, names[0])
    at = known.opens if kind is Kind.OPENS else known.closes
    moment = read_moment(field.text or "", bound_of(posting, kind), posting.zone) if at else None
    return key, moment if isinstance(moment, Moment) else None


def bound_of(posting: Posting, kind: Kind) -> Bound:
    """Which edge of its day a date without a time stands for."""
    return closing_bound(posting.profile) if kind is Kind.CLOSES else Bound.OPENS


def tomorrow(posting: Posting, now: datetime) -> str:
    """The day after this one where the site is."""
    return (now.astimezone(posting.zone).date() + timedelta(days=1)).isoformat()


# Texts --------------------------------------------------------------------------------------------------------------


def misfit(posting: Posting, ask: Ask, text: str) -> str:
    """Why a text cannot be the value of a field, in a sentence; empty where it can. `text` is on one line."""
    if not text:
        return "This is needed."
    if len(text) > MOST_LINE:
        return f"This is {len(text)} characters long, and there is room for {MOST_LINE}."
    if is_placeholder(ask.key, text):
        return "This only says what belongs here. Write the real value."
    if fake_link_in(posting.profile, text):
        return "This is a template's example link, and applicants would follow it. Write the real one."
    if ask.kind is Kind.EMAIL and not is_address(text):
        return "Write one e-mail address, as in name@agency.gov."
    if ask.kind is Kind.LINK and not is_url(text):
        return "Write the whole link, beginning with https://."
    return ""
