"""Time passes, stands still, jumps and changes its hour: everything due happens once, late rather than never."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.world import CONFIG, World, at, text_of

AUTO = CONFIG.replace("merge: when-due", "merge: auto")
DOWN_FROM = at("2026-03-05T12:00")
OPENS, CLOSES = at("2026-03-09T08:00"), at("2026-04-20T23:59")
SPANS = [
    *(timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=59), timedelta(hours=6), timedelta(hours=26)),
    *(timedelta(days=days) for days in (2, 3, 4, 5, 7, 10, 14, 21, 30, 40, 46, 47, 60, 75, 90)),
]


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_after_downtime_everything_stands_as_the_clock_says_and_late_news_says_so(
    tmp_path: Path, span: timedelta
) -> None:
    """One position opens on March 9 and closes on April 20, another is open and closes on April 20."""
    world = World(tmp_path, config=AUTO)
    world.write("pilot", opens="March 9, 2026, 8:00 am EDT", closes="April 20, 2026, 11:59 pm EDT")
    world.write("baker", state="open", opens="March 1, 2026", closes="April 20, 2026, 11:59 pm EDT")
    world.tick(DOWN_FROM)
    world.restart()
    now = DOWN_FROM + span
    world.tick(now)

    pilot = "closed" if now >= CLOSES else "open" if now >= OPENS else "upcoming"
    assert f"state: {pilot}\n" in world.text("pilot")
    assert f"state: {'closed' if now >= CLOSES else 'open'}\n" in world.text("baker")
    opened = ["Pilot: now open"] if pilot == "open" else []
    assert world.said() == opened + (["Baker: closed"] if now >= CLOSES else [])
    for mail in (mail for mail in world.mail() if mail["To"] == "openings@list.example"):
        late = now - (CLOSES if "Closed" in mail["Subject"] else OPENS)
        assert (" late" in text_of(mail)) == (late >= timedelta(hours=1))
    assert world.asked() == (["Pilot: never opened"] if pilot == "closed" else [])
    world.tick(now + timedelta(minutes=5))
    assert world.said() == opened + (["Baker: closed"] if now >= CLOSES else [])


ZONES = ["America/New_York", "America/Phoenix", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
CHANGES = [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", CHANGES, ids=["spring", "autumn"])
def test_around_the_change_of_the_clocks_a_position_opens_and_closes_once_at_its_minute(
    tmp_path: Path, day: datetime, zone: str
) -> None:
    world = World(tmp_path, config=AUTO.replace("America/New_York", zone), profile="hugo", postings="content")
    opens, closes = day + timedelta(hours=5, minutes=30), day + timedelta(hours=7, minutes=1)
    local = ZoneInfo(zone)
    words = {"date": opens.astimezone(local).isoformat(), "expiryDate": closes.astimezone(local).isoformat()}
    text = "".join(f"{key}: {value}\n" for key, value in words.items())
    world.write("pilot", f"---\ntitle: Pilot\n{text}weight: 0\n---\nJoin us.\n")
    heard = []
    for minute in (0, 329, 330, 331, 389, 390, 420, 421, 422, 481, 600, 1440):
        world.tick(day + timedelta(minutes=minute))
        heard.append(len(world.said()))
    assert world.said() == ["Pilot: now open", "Pilot: closed"]
    assert heard == [0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("opens", "closes", "instants"),
    [
        ("March 8, 2026, 1:59 am", "March 8, 2026, 3:00 am", ("2026-03-08T06:59", "2026-03-08T07:00")),
        ("March 8, 2026", "March 8, 2026", ("2026-03-08T05:00", "2026-03-09T04:00")),
        ("October 31, 2026", "November 1, 2026", ("2026-10-31T04:00", "2026-11-02T05:00")),
        ("November 1, 2026, 12:59 am", "November 1, 2026, 2:00 am", ("2026-11-01T04:59", "2026-11-01T07:00")),
    ],
)
def test_words_for_times_around_the_change_mean_one_instant(
    tmp_path: Path, opens: str, closes: str, instants: tuple[str, str]
) -> None:
    world = World(tmp_path, config=AUTO)
    world.write("pilot", opens=opens, closes=closes)
    minute = timedelta(minutes=1)
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in instants)
    world.now = begin - timedelta(days=1)
    states = []
    for when in (world.now, begin - minute, begin, max(begin, end - minute), end, end + 90 * minute):
        world.tick(when)
        states.append(world.text("pilot").split("state: ")[1].split()[0])
    assert states == ["upcoming", "upcoming", "open", "open", "closed", "closed"]
    assert world.said() == ["Pilot: now open", "Pilot: closed"]


def test_a_clock_that_went_back_holds_everything_until_it_is_right_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026")
    world.tick("2026-03-10T09:00")
    world.write("baker", state="open", opens="March 1, 2026", closes="March 2, 2026")
    for when in ("2026-03-09T09:00", "2026-03-09T09:05"):
        assert world.tick(when).plan.held is not None
    assert world.asked() == ["Held: postbot does nothing until somebody looks"]
    assert "The clock went back" in text_of(world.mail()[0])
    assert "state: open" in world.text("baker")

    assert world.tick("2026-03-10T09:05").plan.held is None
    assert "state: closed" in world.text("baker")


def test_a_clock_ten_years_ahead_moves_no_site_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(8):
        world.write(f"job-{number}", state="open", opens="March 1, 2026", closes=f"March {20 + number}, 2026")
    world.tick()
    assert world.tick("2036-03-02T09:00").plan.held is not None
    assert world.pulls(None) == []
    assert world.said() == []
    assert world.tick("2026-03-02T09:05").plan.held is None
