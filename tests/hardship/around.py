"""A zone's change of the clocks in 2026 and postings that open and close around it, with what must become of them.

When a wall time is shown is found by walking through the minutes and reading the zone's clock at each, so that what is
expected owes nothing to how postbot reads dates: a time that is shown at no minute or at two names no instant, and a
posting that says so is left alone until somebody writes it better.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SPRING, AUTUMN = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)
"""When the clocks of New York change."""
SEASON = 45 * DAY
MINUTES = 1500
STEP = 30 * MINUTE

FORM = """\
---
title: {slug}
state: {state}
opens: {opens}
closes: {closes}
contact_email: 'jobs@agency.example'
apply_url: https://apply.example.gov/{slug}
---
Join us.
"""


@dataclass(frozen=True)
class Case:
    """One posting: its text, what it is to become, and at which instant (UTC); None where its text names none."""

    slug: str
    text: str
    becomes: str
    at: datetime | None


@cache
def change(zone: ZoneInfo, near: datetime) -> datetime:
    """The instant at which that zone's clocks change, in that time of the year; where they never do, `near` itself."""
    minutes = (near + HOUR * hours for hours in range(-SEASON // HOUR, SEASON // HOUR))
    found = [at for at in minutes if _offset(at, zone) != _offset(at - HOUR, zone)]
    return min(found, key=lambda at: abs(at - near), default=near)


def begins(zone: ZoneInfo, near: datetime) -> datetime:
    """The first of so many minutes around a change."""
    return change(zone, near) - MINUTES // 2 * MINUTE


def cases(zone: ZoneInfo, near: datetime) -> list[Case]:
    """Openings and closings at wall times around a change, every half hour, by the site's clock and by an offset."""
    at = change(zone, near)
    local = (at - 2 * HOUR).astimezone(zone).replace(tzinfo=None) + HOUR  # as clocks would go on that nobody changes
    made = [each for step in range(6) for each in _by_wall(zone, near, local + STEP * step)]
    return made + [each for step in range(4) for each in _by_offset(zone, at - HOUR + STEP * step)]


def _by_wall(zone: ZoneInfo, near: datetime, wall: datetime) -> list[Case]:
    said = f"{wall:%B} {wall.day}, {wall.year}, {wall.hour % 12 or 12}:{wall:%M} {'am' if wall.hour < 12 else 'pm'}"
    shown = _minutes_showing(zone, begins(zone, near), wall)
    return _both(f"wall-{wall:%d-%H%M}", said, shown[0] if len(shown) == 1 else None)


def _by_offset(zone: ZoneInfo, at: datetime) -> list[Case]:
    local = at.astimezone(zone)
    return _both(f"offset-{local:%d-%H%M%z}".replace("+", "p").lower(), local.isoformat(), at)


def _both(name: str, said: str, at: datetime | None) -> list[Case]:
    opening = FORM.format(slug=f"opens-{name}", state="upcoming", opens=said, closes="2027-06-30")
    closing = FORM.format(slug=f"closes-{name}", state="open", opens="2025-12-01", closes=said)
    return [Case(f"opens-{name}", opening, "open", at), Case(f"closes-{name}", closing, "closed", at)]


def _minutes_showing(zone: ZoneInfo, begin: datetime, wall: datetime) -> list[datetime]:
    minutes = (begin + MINUTE * minute for minute in range(MINUTES))
    return [at for at in minutes if at.astimezone(zone).replace(tzinfo=None) == wall]


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
