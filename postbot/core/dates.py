"""The date texts that job postings hold, read exactly or refused, and written in their neighbours' style.

A text is cut into tokens that know their offset, their order must be one of the shapes in `_SHAPE`, and then
every part is checked against calendar, clock and zone. Nothing is left over, nothing is filled in, and a text
with two readings is refused. The tokens of an example are also its `Style`.

Pure. Must not ask what day it is, raise for any text, or use the locale. Zone rules come from `zoneinfo`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

# ---------------------------------------------------------------------------------------------------- answers


class Bound(Enum):
    """Which end of a window a text gives: a date alone opens as it begins and closes as it ends."""

    OPENS = "opens"
    CLOSES = "closes"


@dataclass(frozen=True, slots=True)
class Doubt:
    """The text has one reading, yet its words are not what a careful person writes.

    `corrected` is the whole text with the wrong word put right, where only one correction exists.
    """

    code: str
    message: str
    fix: str | None
    corrected: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A text that was read.

    `at` is the instant, aware, in UTC. `wall` is the naive local time in the site's zone (`fold` tells the
    two passes of an autumn hour apart); for a date alone it is 00:00 of the day as written, at both bounds.
    """

    at: datetime
    wall: datetime
    has_time: bool
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The text says that nobody knows yet (`TBD`, blank); `placeholder` when it is a template's own words."""

    text: str
    placeholder: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The text was refused. `offset` counts characters from 0 to the wrong part, or to where one lacks."""

    code: str
    message: str
    offset: int
    fix: str | None = None


class _RefusalError(Exception):
    """Carries a refusal from deep inside up to `read_moment`, never further."""

    def __init__(self, code: str, message: str, offset: int, fix: str | None = None) -> None:
        self.answer = Unreadable(code, message, offset, fix)


# ------------------------------------------------------------------------------------------------------ words

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _numbered(names: tuple[str, ...], first: int, **also: int) -> dict[str, int]:
    lower = [name.lower() for name in names]
    whole = {name: n for n, name in enumerate(lower, first)}
    return whole | {name[:3]: n for name, n in whole.items()} | also


_MONTH = _numbered(MONTHS, 1, sept=9)
_WEEKDAY = _numbered(WEEKDAYS, 0, tues=1, wednes=2, thur=3, thurs=3)
_JOINTS = {"at": "@", "on": "o", "noon": "T", "midnight": "T"}

_PENDING = frozenset((
    "tbd", "tba", "tbc", "determined", "announced", "confirmed", "decided", "upcoming", "unknown", "known",
    "pending", "soon", "later", "future", "none", "null", "nil",
))  # fmt: skip
_PENDING_FILLER = frozenset(("to", "be", "a", "an", "the", "not", "yet", "date", "coming", "is"))
_PENDING_MARKS = frozenset("-\u2013\u2014?~.\u2026/()[]")
# What a template's word stands for. The values only lend their shape; `None` shows no shape.
_TEMPLATE: dict[str, str | None] = {
    "month": "November", "day": "30", "dd": "30", "year": "2018", "yyyy": "2018", "mm": "11",
    "weekday": "Friday", "time": "8:00 pm", "hh": "20", "ss": "00", "ddthh": "30T20", "ssz": "00Z",
    "date": None, "hour": None, "enter": None, "insert": None, "timezone": None,
}  # fmt: skip

# The six families of clocks of the United States, by word, letter and the city that keeps the rules.
_FAMILIES = (
    ("Eastern", "E", "America/New_York"), ("Central", "C", "America/Chicago"),
    ("Mountain", "M", "America/Denver"), ("Pacific", "P", "America/Los_Angeles"),
    ("Alaska", "AK", "America/Anchorage"), ("Hawaii", "H", "Pacific/Honolulu"),
)  # fmt: skip


class _Named(NamedTuple):
    city: str
    exact: str  # the abbreviation that the name insists on; empty when it fits summer and winter


def _american() -> Iterator[tuple[str, _Named]]:
    for word, letter, city in _FAMILIES:
        for name in (f"{letter}T", word, f"{word} Time"):
            yield name.upper(), _Named(city, "")
        # Hawaii has no summer time: HDT is the Aleutians'.
        for season in ("Standard",) if word == "Hawaii" else ("Standard", "Daylight"):
            abbreviation = f"{letter}{season[0]}T"
            yield abbreviation, _Named(city, abbreviation)
            yield f"{word} {season} Time".upper(), _Named(city, abbreviation)


_AMERICAN = dict(_american())
_UTC_NAMES = ("Z", "UTC", "GMT")

# ----------------------------------------------------------------------------------------------------- tokens
# Kinds: W weekday, M month, D day, Y year, I ISO day, N other joined numbers, T time, Z zone, J the T between
# ISO day and time, @ 'at', o 'on', comma, ! a number that is neither day nor year, ? anything else.


class _Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_LONGEST = (
    100  # characters; the longest honest date text has about 60, and every step below is linear in this
)
_LETTERS = r"[^\W\d_]"
_HALF = rf"[ap]\.?m(?!{_LETTERS})\.?"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<I>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?![0-9]))
    | (?P<N>[0-9]+(?P<by>[-/.])[0-9]+(?P=by)[0-9]+)
    | (?P<T>12(?::00)?\s+noon(?!{_LETTERS})|[0-9]+\s*{_HALF}
       |[0-9]+(?::[0-9]+)+(?:[.,][0-9]{{1,9}})?(?:\s*{_HALF})?)
    | (?P<number>[0-9]+(?:st|nd|rd|th)?)
    | (?P<Z>[+-][0-9]{{2}}(?::?[0-9]{{2}})?(?![0-9])|(?<=[0-9])Z(?!{_LETTERS})
       |(?:eastern|central|mountain|pacific|alaska|hawaii)(?:(?:\s+(?:standard|daylight))?\s+time)?(?!{_LETTERS}))
    | (?P<J>(?<=[0-9])T(?=[0-9]))
    | (?P<word>{_LETTERS}+)
    | (?P<comma>,)
    | (?P<other>\S)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_DAY = r"(?:(?:W,?)?(?:MD,?Y|DM,?Y)|I)"
_CLOCK = r"T(?:,?Z)?"
_SHAPE = re.compile(rf"{_DAY}(?:,?@?{_CLOCK})?|IJ{_CLOCK}|{_CLOCK},?o?{_DAY}")


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    end = len(text.rstrip())
    position = 0
    while position < end:
        match = _TOKEN.match(text, position)
        assert match is not None, "every character that is not blank is a token"
        group = str(match.lastgroup)
        token = _Token(group, match[group], match.start(group))
        found.append(_classified(token, text, after_time=bool(found) and found[-1].kind == "T"))
        position = found[-1].end
    return found


def _classified(token: _Token, text: str, *, after_time: bool) -> _Token:
    match token.kind:
        case "comma":
            return token._replace(kind=",")
        case "other":
            return token._replace(kind="?")
        case "number":
            return token._replace(kind=_number_kind(token.text))
        case "word":
            kind = _word_kind(token.text, after_time=after_time)
            dotted = kind in "WM" and text[token.end : token.end + 1] == "."
            return _Token(kind, token.text + "." * dotted, token.start)
    return token


def _number_kind(text: str) -> str:
    digits = len(text.rstrip("stndrhSTNDRH"))
    if digits == len("2018") and text.isdigit():
        return "Y"
    return "D" if digits <= len("30") else "!"


def _word_kind(text: str, *, after_time: bool) -> str:
    word = text.lower()
    if word in _MONTH:
        return "M"
    if word in _WEEKDAY:
        return "W"
    if word in _JOINTS:
        return _JOINTS[word]
    # Other zones' names are known only to the site's own zone, so after a time any capitals may be one.
    foreign = after_time and text.isupper() and len(text) <= len("AKDT") + 1 and not _is_template(text)
    return "Z" if foreign or text.upper() in _AMERICAN or text.upper() in _UTC_NAMES else "?"


def _is_template(word: str) -> bool:
    return word.lower() in _TEMPLATE or (len(word) > 1 and set(word.lower()) == {"x"})


# ---------------------------------------------------------------------------------------------------- reading


def read_moment(text: str, bound: Bound, zone: ZoneInfo) -> Moment | NotKnown | Unreadable:
    """Read one date text of a posting of a site that lives in `zone`.

    A date alone is the whole local day. A time without a zone is local. A zone's name of the wrong season
    means the wall clock of its place, with a `Doubt`. A local time that does not exist is refused, and so is
    one that comes twice when the text does not say which.
    """
    if len(text) > _LONGEST:
        return Unreadable(
            "date-too-long", f"A date has at most {_LONGEST} characters; this one goes on.", _LONGEST
        )
    return _read(text, bound, zone)


@lru_cache(maxsize=8192)  # postings share their dates: thousands of texts are a few hundred distinct ones
def _read(text: str, bound: Bound, zone: ZoneInfo) -> Moment | NotKnown | Unreadable:
    try:
        day = _plain_day(text)
        if day:
            return _whole_day(day, bound, zone)
        tokens = _tokens(text)
        return _unknown(text, tokens) or _moment(text, _shaped(text, tokens), bound, zone)
    except _RefusalError as refusal:
        return refusal.answer


def _plain_day(text: str) -> date | None:
    """Take the short way for YYYY-MM-DD; whatever is wrong with it is found by the long one."""
    if len(text) != len("2018-11-30") or text[4] != "-" or text[7] != "-":
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def _unknown(text: str, tokens: list[_Token]) -> NotKnown | None:
    strange = [token.text for token in tokens if token.kind == "?"]
    if any(character.isdigit() for character in text):
        # Beside figures only a template's capitals are its words: 'time' may be a person's.
        left = any(_is_template(word) and word.isupper() for word in strange)
        return NotKnown(text, placeholder=True) if left else None
    if not tokens or _is_pending({word.lower() for word in strange}):
        return NotKnown(text, placeholder=False)
    return NotKnown(text, placeholder=True) if any(map(_is_template, strange)) else None


def _is_pending(words: set[str]) -> bool:
    plain = words - _PENDING_MARKS
    if not plain - {"n", "a"}:  # nothing but dashes and the like, or n/a
        return bool(words)
    return bool(plain & _PENDING) and plain <= _PENDING | _PENDING_FILLER


def _shaped(text: str, tokens: list[_Token]) -> list[_Token]:
    for token in tokens:
        if token.kind in "?N!":
            _refuse_token(token, text)
    kinds = "".join(token.kind for token in tokens)
    if _SHAPE.fullmatch(kinds):
        return tokens
    _refuse_missing(tokens)
    whole = max((n for n in range(len(kinds)) if _SHAPE.fullmatch(kinds[:n])), default=0)
    _refuse_left_over(next((token for token in tokens[whole:] if token.kind != ","), tokens[whole]))
    return tokens


def _moment(text: str, tokens: list[_Token], bound: Bound, zone: ZoneInfo) -> Moment:
    parts = {token.kind: token for token in tokens}
    day = _calendar_day(tokens)
    if "W" in parts:
        _check_weekday(parts["W"], day)
    if "T" not in parts:
        return _whole_day(day, bound, zone)
    wall = _time_of_day(parts["T"], day, american="MD" in "".join(t.kind for t in tokens), iso="I" in parts)
    at, doubts = _instant(text, wall, parts["T"], parts.get("Z"), zone)
    doubts += _clock_doubts(parts["T"], wall, bound)
    return Moment(at, at.astimezone(zone).replace(tzinfo=None), has_time=True, doubts=doubts)


def _whole_day(day: date, bound: Bound, zone: ZoneInfo) -> Moment:
    wall = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock's time, naive by meaning
    edge = wall if bound is Bound.OPENS else wall + timedelta(days=1)
    # Where midnight is skipped or comes twice, fold 0 is the first moment of the day.
    return Moment(edge.replace(tzinfo=zone).astimezone(UTC), wall, has_time=False)


# --------------------------------------------------------------------------------------------------- calendar

_YEARS = range(1990, 2101)  # a year outside is a slip of the finger or a parked date


def _calendar_day(tokens: list[_Token]) -> date:
    year, month, day = _day_parts(tokens)
    if int(year.text) not in _YEARS:
        message = f"The year {year.text} is outside {_YEARS[0]} to {_YEARS[-1]}."
        raise _RefusalError("date-year", message, year.start)
    number = int(month.text) if month.text.isdigit() else _MONTH[month.text.rstrip(".").lower()]
    if number not in range(1, 13):
        raise _RefusalError("date-calendar", f"There is no month {month.text}.", month.start)
    return _existing_day(int(year.text), number, day)


def _day_parts(tokens: list[_Token]) -> tuple[_Token, _Token, _Token]:
    parts = {token.kind: token for token in tokens}
    if "I" in parts:
        start = parts["I"].start
        year, month, day = parts["I"].text.split("-")
        return _Token("Y", year, start), _Token("M", month, start + 5), _Token("D", day, start + 8)
    return parts["Y"], parts["M"], parts["D"]


def _existing_day(year: int, month: int, token: _Token) -> date:
    digits = token.text.rstrip("stndrhSTNDRH")
    suffix = token.text[len(digits) :].lower()
    if suffix and suffix != _suffix(int(digits)):
        message = f"'{token.text}' is no ordinal, so a figure may be missing or wrong."
        raise _RefusalError("date-ordinal", message, token.start)
    try:
        return date(year, month, int(digits))
    except ValueError:
        last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
        message = f"{MONTHS[month - 1]} {year} has {last} days, so there is no {int(digits)}."
        raise _RefusalError("date-calendar", message, token.start) from None


def _suffix(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _check_weekday(token: _Token, day: date) -> None:
    said, real = WEEKDAYS[_WEEKDAY[token.text.rstrip(".").lower()]], WEEKDAYS[day.weekday()]
    if said != real:
        message = f"{_day_text(day)} is a {real}, not a {said}: either the weekday or the date is wrong."
        fix = f"Write {real} if the date is right; otherwise correct the date."
        raise _RefusalError("date-weekday", message, token.start, fix)


def _day_text(day: date) -> str:
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


# ------------------------------------------------------------------------------------------------ time of day

_TIME = re.compile(
    rf"(?P<hour>[0-9]+)(?::(?P<minute>[0-9]+))?(?::(?P<second>[0-9]+))?(?P<fraction>[.,][0-9]+)?"
    rf"(?P<gap>\s*)(?P<half>{_HALF})?",
    re.IGNORECASE,
)
_NOON = 12


def _time_of_day(token: _Token, day: date, *, american: bool, iso: bool) -> datetime:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock's time, naive by meaning
    if token.text.lower().endswith("noon"):
        return midnight.replace(hour=_NOON)
    if token.text.lower() == "midnight":
        message = "Midnight may be the beginning or the end of that day."
        fix = "Write 11:59 pm for the end of the day, 12:01 am for its beginning, or the date alone."
        raise _RefusalError("date-midnight", message, token.start, fix)
    match = _TIME.fullmatch(token.text)
    widths = [len(part) for part in (match["minute"], match["second"]) if part] if match else [0]
    if not match or any(width != len("00") for width in widths):
        raise _RefusalError("date-time", f"'{token.text}' is no time of day.", token.start)
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    if minute > 59 or second > 59:  # noqa: PLR2004 - sixty is what a clock has
        raise _RefusalError("date-time", f"'{token.text}' has more than 59 minutes or seconds.", token.start)
    hour = _hour(match, token, needs_half=not iso and (american or len(match["hour"]) == 1))
    fraction = int((match["fraction"] or ".0")[1:7].ljust(6, "0"))
    return midnight.replace(hour=hour, minute=minute, second=second, microsecond=fraction)


def _hour(match: re.Match[str], token: _Token, *, needs_half: bool) -> int:
    """Give the hour of 24. Where the month comes first people count to twelve, so 1 to 12 need am or pm."""
    hour = int(match["hour"])
    if match["half"]:
        if hour in range(1, 13):
            return hour % _NOON + _NOON * (match["half"][0] in "pP")
        later = match["half"][0] in "pP" and hour in range(13, 24)
        fix = f"Write {hour - _NOON}:{match['minute'] or '00'} pm." if later else None
        raise _RefusalError("date-time", f"'{token.text}': am and pm go with 1 to 12.", token.start, fix)
    if needs_half and hour in range(1, 13):
        message = f"'{token.text}' does not say whether it is before or after noon."
        raise _RefusalError(
            "date-half", message, token.start, f"Write '{token.text} am' or '{token.text} pm'."
        )
    if hour == 24:  # noqa: PLR2004 - the hour that ISO 8601 dropped
        fix = "Write 11:59 pm, or the date alone for the end of the day."
        raise _RefusalError("date-time", "There is no 24 o'clock.", token.start, fix)
    if hour > 24:  # noqa: PLR2004 - as above
        raise _RefusalError("date-time", f"There is no {hour} o'clock.", token.start)
    return hour


def _clock_doubts(token: _Token, wall: datetime, bound: Bound) -> tuple[Doubt, ...]:
    if not re.search("[ap]", token.text.lower()):
        return ()
    if (wall.hour, wall.minute) == (0, 0) and bound is Bound.CLOSES:
        message = f"'{token.text}' was read as the beginning of {_day_text(wall)}, not its end."
        fix = "Write 11:59 pm if the end of the day is meant."
        return (Doubt("date-midnight", message, fix, None),)
    if (wall.hour, wall.minute) == (11, 59):
        message = f"'{token.text}' was read as one minute before noon."
        return (Doubt("date-noon", message, "Write 11:59 pm if the end of the day is meant.", None),)
    return ()


# ------------------------------------------------------------------------------------------------------ zones


def _instant(
    text: str, wall: datetime, time: _Token, token: _Token | None, site: ZoneInfo
) -> tuple[datetime, tuple[Doubt, ...]]:
    zone, exact = _clock_named(token, wall, site) if token else (site, "")
    found = _readings(wall, zone)
    chosen = [one for one in found if one.tzname() == exact] or found
    if not chosen:
        message = (
            f"The clocks go forward over {_clock_text(wall)} on {_day_text(wall)}: that time does not exist."
        )
        raise _RefusalError("date-gap", message, time.start)
    if len(chosen) > 1:
        names = " or ".join(str(one.tzname()) for one in chosen)
        message = f"The clocks go back on {_day_text(wall)}, so {_clock_text(wall)} comes twice."
        raise _RefusalError("date-twice", message, time.start, f"Say which one is meant: {names}.")
    at = chosen[0]
    wrong = token is not None and exact not in ("", at.tzname())
    doubts = (_season_doubt(text, token, at),) if token and wrong else ()
    return at.astimezone(UTC), doubts


def _readings(wall: datetime, zone: tzinfo) -> list[datetime]:
    """List the instants at which that zone's clocks show `wall`: none in spring's gap, two in autumn."""
    both = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    real = [one for one in both if one.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall]
    return real if len({one.astimezone(UTC) for one in real}) > 1 else real[:1]


def _clock_named(token: _Token, wall: datetime, site: ZoneInfo) -> tuple[tzinfo, str]:
    """Find whose clock a zone's name or offset means on this site, and the abbreviation it insists on."""
    name = _plain(token.text)
    if name[0] in "+-":
        return _fixed(token), ""
    zone, exact = _whose_clock(name, wall.year, site)
    if zone is None:
        message = f"'{token.text}' does not name one time zone for a site in {site}."
        fix = "Write an offset such as -0500, or leave it out for the site's own time."
        raise _RefusalError("date-zone", message, token.start, fix)
    # In July 'MT' is Denver's clock or, in Phoenix, the town's own; 'GMT' is UTC or London's own.
    rival = UTC if name == "GMT" else site
    shared = name == "GMT" or _abbreviations(site, wall.year) & _abbreviations(zone, wall.year)
    here, there = wall.replace(tzinfo=zone), wall.replace(tzinfo=rival)
    if shared and here.utcoffset() != there.utcoffset() and here.tzname() != exact:
        message = f"'{token.text}' may be the clock of {zone} or of {rival}, and they differ on that day."
        raise _RefusalError("date-zone", message, token.start, "Write an offset such as -0500.")
    return zone, exact


def _whose_clock(name: str, year: int, site: ZoneInfo) -> tuple[tzinfo | None, str]:
    if name in _abbreviations(site, year):
        return site, name
    if name in _UTC_NAMES:
        return UTC, ""
    named = _AMERICAN.get(name)
    at_home = str(site).startswith(("America/", "US/", "Canada/")) or str(site) == "Pacific/Honolulu"
    return (ZoneInfo(named.city), named.exact) if named and at_home else (None, "")


def _abbreviations(zone: tzinfo, year: int) -> set[str]:
    names = (str(datetime(year, month, 1, tzinfo=zone).tzname()) for month in (1, 7))
    return {name for name in names if name.isalpha()}


def _plain(name: str) -> str:
    return " ".join(name.upper().split())


def _fixed(token: _Token) -> timezone:
    digits = token.text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset > timedelta(hours=14) or digits[2:] > "59":
        raise _RefusalError("date-zone", f"No place on earth is at {token.text}.", token.start)
    return timezone(offset if token.text[0] == "+" else -offset)


def _season_doubt(text: str, token: _Token, at: datetime) -> Doubt:
    right = _zone_text(token.text, at)
    message = f"On {_day_text(at)} the zone is {right}, not {token.text}; read as {_clock_text(at)} {right}."
    corrected = text[: token.start] + right + text[token.end :]
    return Doubt("date-zone-season", message, f"Write {right}.", corrected)


# --------------------------------------------------------------------------------------------------- refusals


def _refuse_token(token: _Token, text: str) -> None:
    if token.kind == "N":
        _refuse_numbers(token)
    if token.kind == "!":
        raise _RefusalError("date-number", f"'{token.text}' is neither a day nor a year.", token.start)
    near = get_close_matches(token.text.title(), (*MONTHS, *WEEKDAYS), n=1, cutoff=0.75)
    fix = f"Did you mean '{text[: token.start]}{near[0]}{text[token.end :]}'?" if near else None
    raise _RefusalError("date-word", f"'{token.text}' has no place in a date.", token.start, fix)


def _refuse_numbers(token: _Token) -> None:
    parts = re.split("[-/.]", token.text)
    readings = sorted(set(_numeric_readings(parts)))
    fix = f"Write {readings[0]}." if len(readings) == 1 else None
    if "-" in token.text and len(parts[0]) == len("2018"):
        bad = 1 if len(parts[1]) != len("11") else 2
        message = f"'{token.text}' is not YYYY-MM-DD: month and day have two figures each."
        raise _RefusalError(
            "date-numbers", message, token.start + token.text.index("-" + parts[bad], 4) + 1, fix
        )
    message = f"'{token.text}' is not a date in the form YYYY-MM-DD."
    if len(readings) > 1:
        message = f"'{token.text}' may be {' or '.join(map(str, readings))}."
    raise _RefusalError("date-numbers", message, token.start, fix or "Write it as YYYY-MM-DD.")


def _numeric_readings(parts: list[str]) -> Iterator[date]:
    if any(len(part) > len("2018") for part in parts):
        return
    first, second, third = map(int, parts)
    orders = [(first, second, third)] if len(parts[0]) == len("2018") else []
    if len(parts[2]) == len("2018"):
        orders += [(third, first, second), (third, second, first)]
    for year, month, day in orders:
        try:
            yield date(year, month, day)
        except ValueError:
            continue


def _refuse_missing(tokens: list[_Token]) -> None:
    ends = {token.kind: token.end for token in tokens}
    missing = [name for kind, name in (("M", "month"), ("D", "day"), ("Y", "year")) if kind not in ends]
    if "I" in ends or not missing:
        return
    offset = max((ends[kind] for kind in "MD" if kind in ends), default=tokens[0].start)
    if missing == ["month"]:
        offset = next(token.start for token in tokens if token.kind == "D")
    are = "is" if len(missing) == 1 else "are"
    parts = " and ".join(f"the {name}" for name in missing)
    message = f"{parts} {are} missing.".capitalize()
    raise _RefusalError("date-incomplete", message, offset, f"Write {parts}, as in November 30, 2018.")


def _refuse_left_over(token: _Token) -> None:
    if token.kind == "Z":
        fix = "Give the time of day before the time zone, or leave the zone out."
        raise _RefusalError(
            "date-shape", f"'{token.text}' names a time zone for no time of day.", token.start, fix
        )
    message = f"'{token.text}' does not fit here."
    fix = "Write the date as in November 30, 2018, 8:00 pm, or as in 2018-11-30."
    raise _RefusalError("date-shape", message, token.start, fix)


# ---------------------------------------------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class Style:
    """How a text says a date: the text itself and its tokens, each of which lends its shape to a new one."""

    text: str
    tokens: tuple[_Token, ...]

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
    if len(text) > _LONGEST:
        return None
    shown = _filled(text.strip())
    tokens = tuple(_tokens(shown))
    fits = _SHAPE.fullmatch("".join(token.kind for token in tokens))
    return Style(shown, tokens) if fits else None


def _filled(text: str) -> str:
    for token in reversed(_tokens(text)):
        shape = _TEMPLATE.get(token.text.lower()) if token.kind == "?" else None
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
    return f"{_write_day(at.date(), style)}, {_clock_text(at)}" + (f" {name}" if name.isalpha() else "")


def _style_clock(style: Style, at: datetime, site: ZoneInfo) -> datetime | None:
    """Move an instant to the clock that the style's zone word means; None where the site has no such word."""
    token = next((token for token in style.tokens if token.kind == "Z"), None)
    if token is None or token.text[0] in "+-":
        return at
    zone, _ = _whose_clock(_plain(token.text), at.year, site)
    # A zone is left through UTC: staying in it would lose which pass of an autumn hour was meant.
    return at.astimezone(UTC).astimezone(zone) if zone else None


def _rendered(style: Style, tokens: tuple[_Token, ...], at: datetime) -> str:
    american = "MD" in "".join(token.kind for token in style.tokens)
    text, position = "", tokens[0].start
    for token in tokens:
        text += style.text[position : token.start] + _render(token, at, american=american)
        position = token.end
    return text


def _render(token: _Token, at: datetime, *, american: bool) -> str:
    if token.kind == "T":
        return _time_like(token.text, at, american=american)
    write = _WRITERS.get(token.kind)
    return write(token.text, at) if write else token.text


def _named_like(sample: str, name: str) -> str:
    bare = sample.rstrip(".")
    short = name if bare.title() in (*MONTHS, *WEEKDAYS) else name[:3]
    dot = "." if sample.endswith(".") and short != name else ""
    return _cased(bare, short) + dot


def _cased(sample: str, text: str) -> str:
    return text.upper() if sample.isupper() else text.lower() if sample.islower() else text


def _day_like(sample: str, day: int) -> str:
    suffix = sample.lstrip("0123456789")
    figures = f"{day:02d}" if sample[0] == "0" else str(day)
    return figures + (_cased(suffix, _suffix(day)) if suffix else "")


def _time_like(sample: str, at: datetime, *, american: bool) -> str:
    match = _TIME.fullmatch(sample)
    if match is None:  # noon, which only says itself
        return sample if (at.hour, at.minute) == (_NOON, 0) else _clock_text(at)
    minute = f":{at.minute:02d}" if match["minute"] or at.minute else ""
    second = f":{at.second:02d}" if match["second"] else ""
    fraction = match["fraction"] or ""
    if fraction:
        fraction = fraction[0] + f"{at.microsecond:06d}".ljust(9, "0")[: len(fraction) - 1]
    half = match["gap"] + match["half"] if match["half"] else " am" * (american and at.hour in range(1, 13))
    hour = (at.hour % _NOON or _NOON) if half else at.hour
    wide = match["hour"][0] == "0" if half else len(match["hour"]) > 1
    figures = f"{hour:02d}" if wide else str(hour)
    return (
        figures + minute + second + fraction + re.sub("[apAP]", lambda m: _half_like(m[0], at), half, count=1)
    )


def _half_like(sample: str, at: datetime) -> str:
    return _cased(sample, "a" if at.hour < _NOON else "p")


def _zone_text(sample: str, at: datetime) -> str:
    """Name the zone of `at` as the sample does: by offset, abbreviation, season in words or general word."""
    if sample[0] in "+-":
        return _offset(at) if ":" in sample else _offset(at).replace(":", "")[: len(sample)]
    name = _plain(sample)
    if name == "Z" or (name in _AMERICAN and not _AMERICAN[name].exact):
        return sample
    season = "Daylight" if at.dst() else "Standard"
    if " " in name:
        return re.sub("standard|daylight", lambda m: _cased(m[0], season), sample, flags=re.IGNORECASE)
    return sample if name == "GMT" and at.tzname() == "UTC" else _cased(sample, str(at.tzname()))


def _offset(at: datetime) -> str:
    figures = f"{at:%z}"
    return f"{figures[:3]}:{figures[3:5]}"


_WRITERS: dict[str, Callable[[str, datetime], str]] = {
    "W": lambda sample, at: _named_like(sample, WEEKDAYS[at.weekday()]),
    "M": lambda sample, at: _named_like(sample, MONTHS[at.month - 1]),
    "D": lambda sample, at: _day_like(sample, at.day),
    "Y": lambda _, at: str(at.year),
    "I": lambda _, at: at.date().isoformat(),
    "Z": _zone_text,
}


# ------------------------------------------------------------------------------------ for machines and people

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


def say(at: datetime, zone: ZoneInfo) -> str:
    """Tell an instant (aware) to people: `Friday, November 30, 2018, 8:00 pm EST`."""
    local = at.astimezone(zone)
    name = str(local.tzname())
    where = name if name.isalpha() else f"UTC{_offset(local)}"
    return f"{WEEKDAYS[local.weekday()]}, {_day_text(local)}, {_clock_text(local)} {where}"


def _clock_text(at: datetime) -> str:
    return f"{at.hour % _NOON or _NOON}:{at.minute:02d} {'am' if at.hour < _NOON else 'pm'}"
