"""A deadline for calendars: one event per opening, by RFC 5545 and RFC 5546.

Pure. The event's UID is the opening's own and stays; its SEQUENCE grows with the instant it is told at, so that a
later word replaces an earlier one. A closing before its date, a postponement, an opening that was a mistake, or a date
that is not known any more cancels it. Only the deadline is in it, in UTC, and it takes nobody's time (TRANSP). A title
adds no line.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from postbot.core.announce import About, Announcement, Event, one_line
from postbot.core.profile import State

_SETS: Final = frozenset({Event.OPENED, Event.REOPENED, Event.EXTENDED, Event.CORRECTED, Event.UNDONE})
_CANCELS: Final = frozenset({Event.CLOSED_EARLY, Event.POSTPONED})
_SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)
_MOST: Final = 2**31 - 1  # what an INTEGER holds; seconds since 2020 reach it in 2088


def calendar(announcement: Announcement, page: str, sender: str) -> str:
    """The event as iCalendar text; empty where the announcement sets or cancels no deadline.

    `page` is the address of the public page and `sender` that of the organizer; each may be empty.
    """
    event, about, at = announcement.event, announcement.about, announcement.at
    if about is None or at is None or event not in _SETS | _CANCELS:
        return ""
    undone = event is Event.UNDONE and about.state is not State.OPEN
    cancels = event in _CANCELS or undone or (event in (Event.CORRECTED, Event.UNDONE) and about.closes is None)
    # To be cancelled, an event needs a start and not the one that it had: its UID and SEQUENCE say which it is.
    closes = about.closes or (at if cancels else None)
    return _written(about, at, closes, (page, sender), cancels=cancels) if closes else ""


def _written(about: About, at: datetime, closes: datetime, links: tuple[str, str], *, cancels: bool) -> str:
    from icalendar import Calendar  # noqa: PLC0415 - slow to import, and few commands speak
    from icalendar import Event as Entry  # noqa: PLC0415 - the same

    page, sender = links
    entry = Entry()
    entry.add("uid", f"{about.thread}@postbot")
    entry.add("sequence", min(max(int((at - _SINCE).total_seconds()), 0), _MOST))
    entry.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
    entry.add("dtstart", _last_minute(closes, about.zone))
    entry.add("summary", f"{one_line(about.title)}: applications close")
    entry.add("transp", "TRANSPARENT")
    entry.add("status", "CANCELLED" if cancels else "CONFIRMED")
    if sender:
        entry.add("organizer", f"mailto:{sender}")
    if page:
        entry.add("url", page)
    whole = Calendar()
    whole.add("prodid", "-//postbot//deadlines//EN")
    whole.add("version", "2.0")
    whole.add("method", "CANCEL" if cancels else "PUBLISH")
    whole.add_component(entry)
    return str(whole.to_ical(), "utf-8")


def _last_minute(closes: datetime, zone: ZoneInfo) -> datetime:
    """The minute up to which people may apply, in UTC: a closing at midnight ends the day before.

    So do the words of every message; on the new day's first minute a calendar would show a day too many.
    """
    local = closes.astimezone(zone)
    ends_a_day = (local.hour, local.minute) == (0, 0)
    return (closes - timedelta(minutes=ends_a_day)).astimezone(UTC).replace(second=0, microsecond=0)
