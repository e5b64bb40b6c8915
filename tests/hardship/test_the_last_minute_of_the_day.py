"""A closing date without a time means the end of that day where the site is: at the far ends of the world, every day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests import depth
from tests.hardship.around import FORM
from tests.values import Values, policy

KEPT = ("plain git",)  # what a host is has no part in it
FIRST, DAYS = date(2027, 11, 1), 400
"""400 days with a 29 February among them, and both changes of the clocks."""
STEP = depth.at(8, soak=1)
"""One day in so many is tried; the leap day is one of them."""
PLACES = {"Etc/GMT-14": 14, "Pacific/Kiritimati": 14, "Etc/GMT+12": -12}
"""Hours ahead of UTC. In the names of tzdata west is plus (https://data.iana.org/time-zones/tz-link.html)."""


def state(closes: date, at: datetime, zone: str) -> str:
    """What a position that is open is like once postbot has looked at an instant."""
    world = Values(policy(zone=ZoneInfo(zone)), now=at - timedelta(days=10))
    world.write("jobs/pilot.md", FORM.format(slug="pilot", state="open", opens="2027-06-01", closes=closes.isoformat()))
    world.settle()
    world.now = at
    world.settle()
    return world.text("jobs/pilot.md").split("state: ")[1].split()[0]


def new_york(day: date) -> timedelta:
    """How far New York is behind UTC as a day begins (Energy Policy Act of 2005: March's second Sunday to November's first)."""
    sundays = {month: [d for d in range(1, 15) if date(day.year, month, d).weekday() == 6] for month in (3, 11)}
    summer = date(day.year, 3, sundays[3][1]) < day <= date(day.year, 11, sundays[11][0])
    return timedelta(hours=4 if summer else 5)


@pytest.mark.parametrize("zone", [*PLACES, "America/New_York"])
def test_it_closes_at_the_very_end_of_its_day_and_never_before(zone: str) -> None:
    wrong = []
    for day in (FIRST + timedelta(days=number) for number in range(0, DAYS, STEP)):
        after = day + timedelta(days=1)
        behind = new_york(after) if zone == "America/New_York" else timedelta(hours=-PLACES[zone])
        end = datetime(after.year, after.month, after.day, tzinfo=UTC) + behind
        found = state(day, end - timedelta(seconds=1), zone), state(day, end, zone)
        if found != ("open", "closed"):
            wrong.append((day, found))
    assert wrong == []
    assert (date(2028, 2, 29) - FIRST).days in range(0, DAYS, STEP)
