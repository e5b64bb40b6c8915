"""Reading: a text becomes an instant, not known yet, or a refusal; never a guess.

Pure. Must not ask what day it is, raise for any text, or use the locale. Nothing is left over and nothing is filled
in; a text with two readings is refused.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo

from postbot.core.dates.answers import Bound, Doubt, Moment, NotKnown, Refusal, Unreadable
from postbot.core.dates.spelling import NOON, day_text, ordinal
from postbot.core.dates.tokens import (
    HALF,
    LONGEST,
    MONTH,
    MONTHS,
    PENDING,
    PENDING_FILLER,
    PENDING_MARKS,
    SHAPE,
    WEEKDAY,
    WEEKDAYS,
    Token,
    cut,
    is_template,
)
from postbot.core.dates.zones import instant


def read_moment(text: str, bound: Bound, zone: ZoneInfo) -> Moment | NotKnown | Unreadable:
    """Read one date text of a posting of a site that lives in `zone`.

    A date alone is the whole local day. A time without a zone is local. A zone's name of the wrong season
    means the wall clock of its place, with a `Doubt`. A local time that does not exist is refused, and so is
    one that comes twice when the text does not say which.
    """
    if len(text) > LONGEST:
        return Unreadable("date-too-long", f"A date has at most {LONGEST} characters; this one goes on.", LONGEST)
    return _read(text, bound, zone)


@lru_cache(maxsize=8192)  # postings share their dates: thousands of texts are a few hundred distinct ones
def _read(text: str, bound: Bound, zone: ZoneInfo) -> Moment | NotKnown | Unreadable:
    try:
        day = _plain_day(text)
        if day:
            return _whole_day(day, bound, zone)
        tokens = cut(text)
        return _unknown(text, tokens) or _moment(text, _shaped(text, tokens), bound, zone)
    except Refusal as refusal:
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


def _unknown(text: str, tokens: list[Token]) -> NotKnown | None:
    strange = [token.text for token in tokens if token.kind == "?"]
    if any(character.isdigit() for character in text):
        # Beside figures only a template's capitals are its words: 'time' may be a person's.
        left = any(is_template(word) and word.isupper() for word in strange)
        return NotKnown(text, placeholder=True) if left else None
    if not tokens or _is_pending({word.lower() for word in strange}):
        return NotKnown(text, placeholder=False)
    return NotKnown(text, placeholder=True) if any(map(is_template, strange)) else None


def _is_pending(words: set[str]) -> bool:
    plain = words - PENDING_MARKS
    if not plain - {"n", "a"}:  # nothing but dashes and the like, or n/a
        return bool(words)
    return bool(plain & PENDING) and plain <= PENDING | PENDING_FILLER


def _shaped(text: str, tokens: list[Token]) -> list[Token]:
    for token in tokens:
        if token.kind in "?N!":
            _refuse_token(token, text)
    kinds = "".join(token.kind for token in tokens)
    if SHAPE.fullmatch(kinds):
        return tokens
    _refuse_missing(tokens)
    whole = max((n for n in range(len(kinds)) if SHAPE.fullmatch(kinds[:n])), default=0)
    _refuse_left_over(next((token for token in tokens[whole:] if token.kind != ","), tokens[whole]))
    return tokens


def _moment(text: str, tokens: list[Token], bound: Bound, zone: ZoneInfo) -> Moment:
    parts = {token.kind: token for token in tokens}
    day = _calendar_day(tokens)
    if "W" in parts:
        _check_weekday(parts["W"], day)
    if "T" not in parts:
        return _whole_day(day, bound, zone)
    wall = _time_of_day(parts["T"], day, american="MD" in "".join(t.kind for t in tokens), iso="I" in parts)
    at, doubts = instant(text, wall, parts["T"], parts.get("Z"), zone)
    doubts += _clock_doubts(parts["T"], wall, bound)
    return Moment(at, at.astimezone(zone).replace(tzinfo=None), has_time=True, doubts=doubts)


def _whole_day(day: date, bound: Bound, zone: ZoneInfo) -> Moment:
    wall = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock's time, naive by meaning
    edge = wall if bound is Bound.OPENS else wall + timedelta(days=1)
    # Where midnight is skipped or comes twice, fold 0 is the first moment of the day.
    return Moment(edge.replace(tzinfo=zone).astimezone(UTC), wall, has_time=False)


# The calendar


_YEARS = range(1990, 2101)  # a year outside is a slip of the finger or a parked date


def _calendar_day(tokens: list[Token]) -> date:
    year, month, day = _day_parts(tokens)
    if int(year.text) not in _YEARS:
        message = f"The year {year.text} is outside {_YEARS[0]} to {_YEARS[-1]}."
        raise Refusal("date-year", message, year.start)
    number = int(month.text) if month.text.isdigit() else MONTH[month.text.rstrip(".").lower()]
    if number not in range(1, 13):
        raise Refusal("date-calendar", f"There is no month {month.text}.", month.start)
    return _existing_day(int(year.text), number, day)


def _day_parts(tokens: list[Token]) -> tuple[Token, Token, Token]:
    parts = {token.kind: token for token in tokens}
    if "I" in parts:
        start = parts["I"].start
        year, month, day = parts["I"].text.split("-")
        return Token("Y", year, start), Token("M", month, start + 5), Token("D", day, start + 8)
    return parts["Y"], parts["M"], parts["D"]


def _existing_day(year: int, month: int, token: Token) -> date:
    digits = token.text.rstrip("stndrhSTNDRH")
    suffix = token.text[len(digits) :].lower()
    if suffix and suffix != ordinal(int(digits)):
        message = f"'{token.text}' is no ordinal, so a figure may be missing or wrong."
        raise Refusal("date-ordinal", message, token.start)
    try:
        return date(year, month, int(digits))
    except ValueError:
        last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
        message = f"{MONTHS[month - 1]} {year} has {last} days, so there is no {int(digits)}."
        raise Refusal("date-calendar", message, token.start) from None


def _check_weekday(token: Token, day: date) -> None:
    said, real = WEEKDAYS[WEEKDAY[token.text.rstrip(".").lower()]], WEEKDAYS[day.weekday()]
    if said != real:
        message = f"{day_text(day)} is a {real}, not a {said}: either the weekday or the date is wrong."
        fix = f"Write {real} if the date is right; otherwise correct the date."
        raise Refusal("date-weekday", message, token.start, fix)


# The time of day


TIME = re.compile(
    rf"(?P<hour>[0-9]+)(?::(?P<minute>[0-9]+))?(?::(?P<second>[0-9]+))?(?P<fraction>[.,][0-9]+)?"
    rf"(?P<gap>\s*)(?P<half>{HALF})?",
    re.IGNORECASE,
)


def _time_of_day(token: Token, day: date, *, american: bool, iso: bool) -> datetime:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock's time, naive by meaning
    if token.text.lower().endswith("noon"):
        return midnight.replace(hour=NOON)
    if token.text.lower() == "midnight":
        message = "Midnight may be the beginning or the end of that day."
        fix = "Write 11:59 pm for the end of the day, 12:01 am for its beginning, or the date alone."
        raise Refusal("date-midnight", message, token.start, fix)
    match = TIME.fullmatch(token.text)
    widths = [len(part) for part in (match["minute"], match["second"]) if part] if match else [0]
    if not match or any(width != len("00") for width in widths):
        raise Refusal("date-time", f"'{token.text}' is no time of day.", token.start)
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    if minute > 59 or second > 59:  # noqa: PLR2004 - sixty is what a clock has
        raise Refusal("date-time", f"'{token.text}' has more than 59 minutes or seconds.", token.start)
    hour = _hour(match, token, needs_half=not iso and (american or len(match["hour"]) == 1))
    fraction = int((match["fraction"] or ".0")[1:7].ljust(6, "0"))
    return midnight.replace(hour=hour, minute=minute, second=second, microsecond=fraction)


def _hour(match: re.Match[str], token: Token, *, needs_half: bool) -> int:
    """Give the hour of 24. Where the month comes first people count to twelve, so 1 to 12 need am or pm."""
    hour = int(match["hour"])
    if match["half"]:
        if hour in range(1, 13):
            return hour % NOON + NOON * (match["half"][0] in "pP")
        later = match["half"][0] in "pP" and hour in range(13, 24)
        fix = f"Write {hour - NOON}:{match['minute'] or '00'} pm." if later else None
        raise Refusal("date-time", f"'{token.text}': am and pm go with 1 to 12.", token.start, fix)
    if needs_half and hour in range(1, 13):
        message = f"'{token.text}' does not say whether it is before or after noon."
        raise Refusal("date-half", message, token.start, f"Write '{token.text} am' or '{token.text} pm'.")
    if hour == 24:  # noqa: PLR2004 - the hour that ISO 8601 dropped
        fix = "Write 11:59 pm, or the date alone for the end of the day."
        raise Refusal("date-time", "There is no 24 o'clock.", token.start, fix)
    if hour > 24:  # noqa: PLR2004 - as above
        raise Refusal("date-time", f"There is no {hour} o'clock.", token.start)
    return hour


def _clock_doubts(token: Token, wall: datetime, bound: Bound) -> tuple[Doubt, ...]:
    if not re.search("[ap]", token.text.lower()):
        return ()
    if (wall.hour, wall.minute) == (0, 0) and bound is Bound.CLOSES:
        message = f"'{token.text}' was read as the beginning of {day_text(wall)}, not its end."
        fix = "Write 11:59 pm if the end of the day is meant."
        return (Doubt("date-midnight", message, fix, None),)
    if (wall.hour, wall.minute) == (11, 59):
        message = f"'{token.text}' was read as one minute before noon."
        return (Doubt("date-noon", message, "Write 11:59 pm if the end of the day is meant.", None),)
    return ()


# Refusals


def _refuse_token(token: Token, text: str) -> None:
    if token.kind == "N":
        _refuse_numbers(token)
    if token.kind == "!":
        raise Refusal("date-number", f"'{token.text}' is neither a day nor a year.", token.start)
    near = get_close_matches(token.text.title(), (*MONTHS, *WEEKDAYS), n=1, cutoff=0.75)
    fix = f"Did you mean '{text[: token.start]}{near[0]}{text[token.end :]}'?" if near else None
    raise Refusal("date-word", f"'{token.text}' has no place in a date.", token.start, fix)


def _refuse_numbers(token: Token) -> None:
    parts = re.split("[-/.]", token.text)
    readings = sorted(set(_numeric_readings(parts)))
    fix = f"Write {readings[0]}." if len(readings) == 1 else None
    if "-" in token.text and len(parts[0]) == len("2018"):
        bad = 1 if len(parts[1]) != len("11") else 2
        message = f"'{token.text}' is not YYYY-MM-DD: month and day have two figures each."
        raise Refusal("date-numbers", message, token.start + token.text.index("-" + parts[bad], 4) + 1, fix)
    message = f"'{token.text}' is not a date in the form YYYY-MM-DD."
    if len(readings) > 1:
        message = f"'{token.text}' may be {' or '.join(map(str, readings))}."
    raise Refusal("date-numbers", message, token.start, fix or "Write it as YYYY-MM-DD.")


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


def _refuse_missing(tokens: list[Token]) -> None:
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
    raise Refusal("date-incomplete", message, offset, f"Write {parts}, as in November 30, 2018.")


def _refuse_left_over(token: Token) -> None:
    if token.kind == "Z":
        fix = "Give the time of day before the time zone, or leave the zone out."
        raise Refusal("date-shape", f"'{token.text}' names a time zone for no time of day.", token.start, fix)
    message = f"'{token.text}' does not fit here."
    fix = "Write the date as in November 30, 2018, 8:00 pm, or as in 2018-11-30."
    raise Refusal("date-shape", message, token.start, fix)
