"""Writing: an instant in the style of an example or a placeholder, and the strict form that programs give.

Pure. Whatever is written has been read back and means the same.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from postbot.core.dates.answers import Bound, Moment
from postbot.core.dates.reading import TIME, read_moment
from postbot.core.dates.spelling import NOON, cased, clock_text, ordinal, plain, zone_text
from postbot.core.dates.tokens import LONGEST, MONTHS, SHAPE, TEMPLATE, WEEKDAYS, Token, cut
from postbot.core.dates.zones import whose_clock


@dataclass(frozen=True, slots=True)
class Style:
    """How a text says a date: the text itself and its tokens, each of which lends its shape to a new one."""

    text: str
    tokens: tuple[Token, ...]

    @property
    def has_time(self) -> bool:
        """Whether the example says a time of day."""
        return any(token.kind == "T" for token in self.tokens)

    @property
    def iso(self) -> bool:
        """Whether the example's day is YYYY-MM-DD."""
        return any(token.kind == "I" for token in self.tokens)


def style_of(text: str) -> Style | None:
    """Take the style of an example or of a template's `MONTH DAY, YEAR, TIME EDT`; None if it shows none."""
    if len(text) > LONGEST:
        return None
    shown = _filled(text.strip())
    tokens = tuple(cut(shown))
    fits = SHAPE.fullmatch("".join(token.kind for token in tokens))
    return Style(shown, tokens) if fits else None


def _filled(text: str) -> str:
    for token in reversed(cut(text)):
        shape = TEMPLATE.get(token.text.lower()) if token.kind == "?" else None
        if shape:
            text = text[: token.start] + shape + text[token.end :]
    return text


def write_moment(local: datetime | date, style: Style, zone: ZoneInfo) -> str | None:
    """Write a local time of the site (naive, in `zone`; or aware) or a date alone in a style.

    Whatever is written was read back and means the same. None if the style cannot say it: a time of day in a
    bare ISO date, seconds where it has none, a time that does not exist, one that comes twice and no zone.
    """
    if not isinstance(local, datetime):
        return _read_back(_write_day(local, style), local, zone)
    wall = local.astimezone(zone).replace(tzinfo=None) if local.tzinfo else local
    if style.iso and not style.has_time:
        return None
    at = wall.replace(tzinfo=zone)
    there = _style_clock(style, at, zone)
    return _read_back(_write_time(there, style), wall, zone) if there else None


def _read_back(text: str, meant: datetime | date, zone: ZoneInfo) -> str | None:
    read = read_moment(text, Bound.OPENS, zone)
    if not isinstance(read, Moment) or read.has_time != isinstance(meant, datetime):
        return None
    if isinstance(meant, datetime):
        same = read.wall == meant and read.at == meant.replace(tzinfo=zone).astimezone(UTC)
    else:
        same = read.wall.date() == meant
    return text if same else None


def _write_day(day: date, style: Style) -> str:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    kept = [n for n, token in enumerate(style.tokens) if token.kind in "WMDYI"]
    return _rendered(style, style.tokens[kept[0] : kept[-1] + 1], midnight)


def _write_time(at: datetime, style: Style) -> str:
    if style.has_time:
        return _rendered(style, style.tokens, at)
    name = str(at.tzname())
    return f"{_write_day(at.date(), style)}, {clock_text(at)}" + (f" {name}" if name.isalpha() else "")


def _style_clock(style: Style, at: datetime, site: ZoneInfo) -> datetime | None:
    """Move an instant to the clock that the style's zone word means; None where the site has no such word."""
    token = next((token for token in style.tokens if token.kind == "Z"), None)
    if token is None or token.text[0] in "+-":
        return at
    zone, _ = whose_clock(plain(token.text), at.year, site)
    # A zone is left through UTC: staying in it would lose which pass of an autumn hour was meant.
    return at.astimezone(UTC).astimezone(zone) if zone else None


def _rendered(style: Style, tokens: tuple[Token, ...], at: datetime) -> str:
    american = "MD" in "".join(token.kind for token in style.tokens)
    text, position = "", tokens[0].start
    for token in tokens:
        text += style.text[position : token.start] + _render(token, at, american=american)
        position = token.end
    return text


def _render(token: Token, at: datetime, *, american: bool) -> str:
    if token.kind == "T":
        return _time_like(token.text, at, american=american)
    write = _WRITERS.get(token.kind)
    return write(token.text, at) if write else token.text


def _named_like(sample: str, name: str) -> str:
    bare = sample.rstrip(".")
    short = name if bare.title() in (*MONTHS, *WEEKDAYS) else name[:3]
    dot = "." if sample.endswith(".") and short != name else ""
    return cased(bare, short) + dot


def _day_like(sample: str, day: int) -> str:
    suffix = sample.lstrip("0123456789")
    figures = f"{day:02d}" if sample[0] == "0" else str(day)
    return figures + (cased(suffix, ordinal(day)) if suffix else "")


def _time_like(sample: str, at: datetime, *, american: bool) -> str:
    match = TIME.fullmatch(sample)
    if match is None:  # noon, which only says itself
        return sample if (at.hour, at.minute) == (NOON, 0) else clock_text(at)
    minute = f":{at.minute:02d}" if match["minute"] or at.minute else ""
    second = f":{at.second:02d}" if match["second"] else ""
    fraction = match["fraction"] or ""
    if fraction:
        fraction = fraction[0] + f"{at.microsecond:06d}".ljust(9, "0")[: len(fraction) - 1]
    half = match["gap"] + match["half"] if match["half"] else " am" * (american and at.hour in range(1, 13))
    hour = (at.hour % NOON or NOON) if half else at.hour
    wide = match["hour"][0] == "0" if half else len(match["hour"]) > 1
    figures = f"{hour:02d}" if wide else str(hour)
    return figures + minute + second + fraction + re.sub("[apAP]", lambda m: _half_like(m[0], at), half, count=1)


def _half_like(sample: str, at: datetime) -> str:
    return cased(sample, "a" if at.hour < NOON else "p")


_WRITERS: dict[str, Callable[[str, datetime], str]] = {
    "W": lambda sample, at: _named_like(sample, WEEKDAYS[at.weekday()]),
    "M": lambda sample, at: _named_like(sample, MONTHS[at.month - 1]),
    "D": lambda sample, at: _day_like(sample, at.day),
    "Y": lambda _, at: str(at.year),
    "I": lambda _, at: at.date().isoformat(),
    "Z": zone_text,
}


# For machines and people

_MACHINE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?P<time>[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def parse_machine(text: str, zone: ZoneInfo) -> datetime | date | None:
    """Read strict ISO 8601 as programs give it: a date, or a local time of the site (naive, in `zone`).

    A time with an offset or Z is converted to the site's zone. None if the text is anything else.
    """
    match = _MACHINE.fullmatch(text)
    if match is None:
        return None
    try:
        if not match["time"]:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(zone).replace(tzinfo=None) if match["zone"] else moment
    except (ValueError, OverflowError):
        return None
