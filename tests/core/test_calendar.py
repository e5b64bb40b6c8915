"""What calendars are told of a deadline, read back by the library and held to the letter of RFC 5545 and RFC 5546."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from postbot.core.announce import Announcement, Event
from postbot.core.announce.calendar import calendar
from postbot.core.profile import State
from tests.announcements import AT, NEWS, announced, said
from tests.payloads import PAYLOADS

PAGE = "https://agency.example/jobs/harbour-pilot/"
SENDER = "openings@agency.example"
SETS = (Event.OPENED, Event.REOPENED, Event.EXTENDED, Event.CORRECTED)
CANCELS = (Event.CLOSED_EARLY, Event.POSTPONED)


def told(event: Event, at: datetime = AT, **about: object) -> Announcement:
    """An announcement about the pilot, told at an instant, with another fact or two about it."""
    made = announced(event, NEWS)
    assert made.about
    return replace(made, at=at, about=replace(made.about, **about))


def entry(announcement: Announcement, page: str = PAGE, sender: str = SENDER) -> Mapping[str, Any]:
    """The one event in a calendar file, and the file's METHOD beside it."""
    [found] = Calendar.from_ical(calendar(announcement, page, sender), multiple=True)
    [one] = found.walk("VEVENT")
    assert one.errors == []
    return dict(one) | {"METHOD": found["METHOD"]}


def start(announcement: Announcement) -> datetime:
    return entry(announcement)["DTSTART"].dt


@pytest.mark.parametrize("event", SETS)
def test_an_open_position_sets_the_deadline(event: Event):
    made = entry(told(event))
    assert (made["METHOD"], made["STATUS"]) == ("PUBLISH", "CONFIRMED")
    assert made["SUMMARY"] == "Harbour Pilot: applications close"
    assert made["TRANSP"] == "TRANSPARENT"
    assert made["URL"] == PAGE
    assert made["ORGANIZER"] == f"mailto:{SENDER}"
    assert made["DTSTAMP"].dt == AT
    assert "ATTENDEE" not in made


@pytest.mark.parametrize("event", CANCELS)
def test_what_ends_it_early_cancels_the_deadline(event: Event):
    made = entry(told(event))
    assert (made["METHOD"], made["STATUS"]) == ("CANCEL", "CANCELLED")
    assert made["DTSTART"].dt == start(told(Event.OPENED))


@pytest.mark.parametrize("event", sorted(set(Event) - {*SETS, *CANCELS, Event.UNDONE}))
def test_no_other_event_touches_the_calendar(event: Event):
    assert calendar(told(event), PAGE, SENDER) == ""


@pytest.mark.parametrize(
    ("state", "method"), [(State.OPEN, "PUBLISH"), (State.UPCOMING, "CANCEL"), (State.CLOSED, "CANCEL")]
)
def test_what_is_taken_back_sets_the_deadline_again_or_cancels_it(state: State, method: str):
    said = told(Event.UNDONE)
    assert entry(replace(said, about=replace(said.about, state=state)))["METHOD"] == method


def test_a_deadline_that_nobody_knows_any_more_is_cancelled():
    made = entry(told(Event.CORRECTED, closes=None))
    assert (made["METHOD"], made["STATUS"]) == ("CANCEL", "CANCELLED")


@pytest.mark.parametrize("event", [Event.OPENED, Event.REOPENED])
def test_where_no_deadline_is_known_there_is_no_entry(event: Event):
    assert calendar(told(event, closes=None), PAGE, SENDER) == ""


@pytest.mark.parametrize("event", CANCELS)
def test_an_end_without_a_known_deadline_cancels_with_a_start_of_the_same_kind(event: Event):
    instant = start(told(event, closes=None))
    assert (instant, instant.tzname()) == (AT, "UTC")


def test_one_opening_is_one_entry_and_a_later_word_replaces_an_earlier_one():
    life = [Event.OPENED, Event.EXTENDED, Event.CORRECTED, Event.POSTPONED, Event.REOPENED, Event.CLOSED_EARLY]
    made = [entry(told(event, AT + timedelta(hours=at))) for at, event in enumerate(life)]
    assert {each["UID"] for each in made} == {"0123456789abcdef@postbot"}
    counts = [each["SEQUENCE"] for each in made]
    assert counts == sorted(set(counts))
    assert entry(told(Event.OPENED, thread="another"))["UID"] == "another@postbot"


@pytest.mark.parametrize("at", [datetime(1999, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)])
def test_the_count_of_words_is_one_that_every_calendar_can_hold(at: datetime):
    assert 0 <= entry(told(Event.OPENED, at))["SEQUENCE"] < 2**31


@pytest.mark.parametrize(
    ("zone", "closes", "utc"),
    [
        # At midnight a day has ended, and its last minute is the deadline: in the zone of the posting.
        ("America/New_York", "2030-03-16T00:00:00", "2030-03-16T03:59:00"),
        ("America/New_York", "2030-01-16T00:00:00", "2030-01-16T04:59:00"),
        ("Asia/Kolkata", "2030-03-16T00:00:00", "2030-03-15T18:29:00"),
        ("UTC", "2030-03-16T00:00:00", "2030-03-15T23:59:00"),
        # Any other time stands as it is.
        ("America/New_York", "2030-03-15T23:59:00", "2030-03-16T03:59:00"),
        ("America/New_York", "2030-03-15T20:00:00", "2030-03-16T00:00:00"),
        ("UTC", "2030-03-15T17:00:30", "2030-03-15T17:00:00"),
        ("UTC", "2030-03-15T00:01:00", "2030-03-15T00:01:00"),
    ],
)
def test_the_deadline_stands_in_utc_and_at_the_last_minute_of_its_day(zone: str, closes: str, utc: str):
    place = ZoneInfo(zone)
    instant = datetime.fromisoformat(closes).replace(tzinfo=place).astimezone(UTC)
    assert start(told(Event.OPENED, zone=place, closes=instant)) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_what_is_not_known_of_the_site_is_left_out():
    made = entry(told(Event.OPENED), page="", sender="")
    assert not {"URL", "ORGANIZER"} & set(made)


@pytest.mark.parametrize(
    "title", ["", 'Pilot, senior; deck\\bridge: "x"', "Lotse für Häfen 港 \U0001f6a2" * 40, "x" * 9000]
)
def test_the_letter_of_the_rfc(title: str):
    text = calendar(told(Event.OPENED, title=title), PAGE, SENDER)
    lines = text.encode().split(b"\r\n")
    assert lines.pop() == b""
    assert [line for line in lines if b"\r" in line or b"\n" in line or len(line) > 75] == []
    unfolded = text.replace("\r\n ", "").splitlines()
    order = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//postbot//deadlines//EN", "METHOD:PUBLISH", "BEGIN:VEVENT"]
    assert unfolded[:5] == order
    assert unfolded[-2:] == ["END:VEVENT", "END:VCALENDAR"]
    assert "DTSTART:20300316T035900Z" in unfolded
    assert "DTSTAMP:20300304T143000Z" in unfolded
    assert entry(told(Event.OPENED, title=title))["SUMMARY"] == f"{title}: applications close"


NASTY = [
    "Pilot\r\nATTENDEE:mailto:evil@evil.example",
    "Pilot\nEND:VEVENT\nBEGIN:VALARM",
    "Pilot\\nATTACH:https://evil.example",
    "Pilot;X-EVIL=1:x",
    "Pilot\u2028URL:https://evil.example",
    '"Pilot":x',
]


@pytest.mark.parametrize("text", [*NASTY, *PAYLOADS])
def test_a_title_adds_no_line_and_no_property(text: str):
    plain = calendar(told(Event.OPENED, title="Pilot"), PAGE, SENDER).splitlines()
    nasty = calendar(told(Event.OPENED, title=text), PAGE, SENDER).replace("\r\n ", "")
    assert [line.partition(":")[0] for line in nasty.splitlines()] == [line.partition(":")[0] for line in plain]
    assert set(entry(told(Event.OPENED, title=text))) == set(entry(told(Event.OPENED)))


def test_a_message_carries_it():
    assert Calendar.from_ical(said(Event.OPENED, NEWS).calendar)["METHOD"] == "PUBLISH"
    assert said(Event.CLOSED, NEWS).calendar == ""
