"""Parts of a date in words, for people to read: days, clocks, zone names.

Pure. Uses no locale.
"""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from postbot.core.dates.tokens import AMERICAN, MONTHS, WEEKDAYS

NOON = 12


def say(at: datetime, zone: ZoneInfo) -> str:
    """Tell an instant (aware) to people: `Friday, November 30, 2018, 8:00 pm EST`."""
    local = at.astimezone(zone)
    name = str(local.tzname())
    where = name if name.isalpha() else f"UTC{_offset(local)}"
    return f"{WEEKDAYS[local.weekday()]}, {day_text(local)}, {clock_text(local)} {where}"


def day_text(day: date) -> str:
    """`November 30, 2018`."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def clock_text(at: datetime) -> str:
    """`8:00 pm`."""
    return f"{at.hour % NOON or NOON}:{at.minute:02d} {'am' if at.hour < NOON else 'pm'}"


def ordinal(day: int) -> str:
    """The ending of `1st`, `22nd`, `30th`."""
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def cased(sample: str, text: str) -> str:
    """Write `text` in capitals or small letters where the sample is."""
    return text.upper() if sample.isupper() else text.lower() if sample.islower() else text


def _offset(at: datetime) -> str:
    figures = f"{at:%z}"
    return f"{figures[:3]}:{figures[3:5]}"


def zone_text(sample: str, at: datetime) -> str:
    """Name the zone of `at` as the sample does: by offset, abbreviation, season in words or general word."""
    if sample[0] in "+-":
        return _offset(at) if ":" in sample else _offset(at).replace(":", "")[: len(sample)]
    name = plain(sample)
    if name == "Z" or (name in AMERICAN and not AMERICAN[name].exact):
        return sample
    season = "Daylight" if at.dst() else "Standard"
    if " " in name:
        return re.sub("standard|daylight", lambda m: cased(m[0], season), sample, flags=re.IGNORECASE)
    return sample if name == "GMT" and at.tzname() == "UTC" else cased(sample, str(at.tzname()))


def plain(name: str) -> str:
    """A zone's name in the one form that the tables know it by."""
    return " ".join(name.upper().split())
