"""Announcements of every event, with all that can be said of it and with as little as there may be."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from postbot.app import words
from postbot.core.announce import FOLLOWED, About, Announcement, Audience, Event, Fact, Message
from postbot.core.announce.routes import Route, events_of
from postbot.core.announce.words import Voice, messages
from postbot.core.profile import State

Facts = Mapping[str, Fact]

AT = datetime(2030, 3, 4, 14, 30, tzinfo=UTC)
ROUTES = (
    Route("email", "openings@lists.agency.example", events_of(Audience.PUBLIC)),
    Route("email", "hr@agency.example", events_of(Audience.STAFF) | FOLLOWED | {Event.ANSWERED}),
)
QUIET = Voice(words(), ROUTES)
"""A site without a name, without an address, whose files nobody edits in a browser."""
VOICE = Voice(
    QUIET.words,
    ROUTES,
    name="Openings at the agency",
    url="https://agency.example",
    edit="https://github.com/agency/site/edit/main",
    sender="openings@agency.example",
)
ASKED = replace(VOICE, desk="agency/site@main")
"""The same, where people may ask for something from Slack."""

POSTING = {
    "title": "Harbour Pilot",
    "path": "jobs/harbour-pilot.md",
    "opens": "Monday, March 4, 2030, 9:00 am EST",
    "closes": "Friday, March 15, 2030, 11:59 pm EDT",
    "contact": "ana@agency.example",
}
UNKNOWN = {"opens": "not known yet", "closes": "not known yet", "contact": ""}
NEWS = POSTING | {"state": "open", "reason": "", "was_closing": "Friday, March 8, 2030, 11:59 pm EST", "late": ""}
CLOSED = NEWS | {"state": "closed"}
WAITING = POSTING | {
    "transition": "open",
    "pull": "#7 Open: Harbour Pilot",
    "number": "7",
    "branch": "postbot/open/harbour-pilot-0123456789",
    "since": "Monday, March 4, 2030, 9:00 am EST",
    "public_sees": "upcoming",
    "touched": "",
    "url": "",
    "blocked": "",
}
URL = "https://github.com/agency/site/pull/7"
MISSING = POSTING | {
    "missing": ("`apply_url` is commented out, waiting for APPLICATION URL.", "`location` is missing."),
    "due": "Monday, March 4, 2030, 9:00 am EST",
    "overdue": "",
}
FAILED = {
    "count": "2",
    "failures": (
        "To email:openings@lists.agency.example: Harbour Pilot: now open. The server never said whether it took it.",
        "To slack:C024BE91L: Harbour Pilot: now open. There is no such channel.",
    ),
    "command": "postbot deliveries --held",
}

PULL = POSTING | {
    "transition": "open",
    "number": "7",
    "pull": "#7 Open: Harbour Pilot",
    "branch": "postbot/open/harbour-pilot-0123456789",
    "shown": "0f1e2d3c4b5a6978",
    "url": URL,
    "due": "Monday, March 4, 2030, 9:00 am EST",
    "asked": "Robin asked for it on Friday, March 1, 2030, 10:00 am EST.",
    "lines": ("-state: upcoming", "+state: open"),
    "missing": (),
    "standing": "Nobody has approved it yet.",
    "is_open": "yes",
    "approvable": "yes",
    "brief": "",
    "happened": "",
}
ENDED = PULL | {"due": "", "asked": "", "lines": (), "is_open": "", "approvable": ""}
TO_WHOM = "Announced to openings@lists.agency.example by email; 1 channel in Slack (2 of 3; 1 held)."
ANSWER = {
    "path": "jobs/harbour-pilot.md",
    "title": "Harbour Pilot",
    "transition": "extend",
    "asked": "Friday, March 1, 2030, 10:00 am EST",
    "done": "yes",
    "why": "Pull request #7 is merged.",
    "approved": "Approved by ann.",
}

OPEN_UNTIL = f"open for applications until {POSTING['closes']}"

FACTS: dict[str, tuple[Event, Facts]] = {
    "opening-soon": (Event.OPENING_SOON, POSTING),
    "opened": (Event.OPENED, NEWS),
    "closing-soon": (Event.CLOSING_SOON, POSTING),
    "closed": (Event.CLOSED, CLOSED),
    "closed-early": (Event.CLOSED_EARLY, CLOSED | {"reason": "cap reached"}),
    "called-off": (Event.CALLED_OFF, CLOSED | {"reason": "no budget"}),
    "missed": (Event.MISSED, CLOSED),
    "extended": (Event.EXTENDED, NEWS),
    "postponed": (Event.POSTPONED, NEWS),
    "reopened": (Event.REOPENED, NEWS),
    "corrected": (Event.CORRECTED, NEWS),
    "undone": (Event.UNDONE, POSTING | {"was": "closed", "stands": OPEN_UNTIL}),
    "not-ready": (Event.NOT_READY, MISSING),
    "waiting": (Event.WAITING, WAITING | {"url": URL}),
    "held": (Event.HELD, {"reason": "Many moves: 8 postings would move at once.", "digest": "0123456789"}),
    "broken": (Event.BROKEN, {"path": "jobs/a.md", "problems": ("jobs/a.md:2:8: error: A quote is open. [x]",)}),
    "gone": (Event.GONE, {"title": "Harbour Pilot", "path": "jobs/harbour-pilot.md", "state": "open"}),
    "refused": (Event.REFUSED, {"path": "jobs/a.md", "transition": "extend", "by": "Robin", "why": "It is closed."}),
    "failed": (Event.FAILED, FAILED),
    "answered": (Event.ANSWERED, ANSWER),
    "proposed": (Event.PROPOSED, PULL),
    "progress": (Event.PROGRESS, PULL | {"brief": "approved", "happened": "Approved by ann."}),
}
"""Every event as it usually is, by its name."""

VARIANTS: dict[str, tuple[Event, Facts]] = {
    "opened-late": (Event.OPENED, NEWS | {"late": "3 hours"}),
    "opened-late-until-nobody-knows": (Event.OPENED, NEWS | UNKNOWN | {"late": "3 hours"}),
    "closed-late": (Event.CLOSED, CLOSED | {"late": "2 days"}),
    "closed-without-a-date": (Event.CLOSED, CLOSED | UNKNOWN | {"was_closing": "", "reason": "filled"}),
    "corrected-from-nothing": (Event.CORRECTED, NEWS | {"was_closing": ""}),
    "not-ready-overdue": (Event.NOT_READY, MISSING | {"overdue": "yes"}),
    "waiting-without-an-address": (Event.WAITING, WAITING),
    "waiting-touched": (Event.WAITING, WAITING | {"touched": "yes"}),
    "waiting-touched-on-github": (Event.WAITING, WAITING | {"touched": "yes", "url": URL}),
    "waiting-blocked": (Event.WAITING, WAITING | {"blocked": "The check `build` has failed."}),
    "waiting-for-the-same-state": (Event.WAITING, WAITING | {"transition": "extend", "public_sees": ""}),
    "answered-with-no": (Event.ANSWERED, ANSWER | {"done": "", "why": "The posting is closed.", "approved": ""}),
    "proposed-as-a-draft": (
        Event.PROPOSED,
        PULL | {"missing": MISSING["missing"], "standing": "It is a draft until nothing is missing.", "approvable": ""},
    ),
    "proposed-and-announced": (Event.PROPOSED, ENDED | {"standing": TO_WHOM}),
    "progress-at-its-end": (Event.PROGRESS, ENDED | {"brief": "announced", "happened": TO_WHOM}),
    "failed-once": (Event.FAILED, FAILED | {"count": "1", "failures": FAILED["failures"][:1]}),
}
"""What is said differently in some cases."""

LEAST: dict[str, tuple[Event, Facts]] = {
    "opening-soon": (Event.OPENING_SOON, POSTING | UNKNOWN),
    "opened": (Event.OPENED, NEWS | UNKNOWN | {"was_closing": ""}),
    "closing-soon": (Event.CLOSING_SOON, POSTING | UNKNOWN),
    "closed": (Event.CLOSED, CLOSED | UNKNOWN | {"was_closing": ""}),
    "closed-early": (Event.CLOSED_EARLY, CLOSED | UNKNOWN | {"was_closing": ""}),
    "called-off": (Event.CALLED_OFF, CLOSED | UNKNOWN),
    "missed": (Event.MISSED, CLOSED | {"closes": "not known yet", "contact": ""}),
    "extended": (Event.EXTENDED, NEWS | {"was_closing": "", "contact": ""}),
    "postponed": (Event.POSTPONED, NEWS | UNKNOWN | {"was_closing": ""}),
    "reopened": (Event.REOPENED, NEWS | UNKNOWN | {"was_closing": ""}),
    "corrected": (Event.CORRECTED, NEWS | UNKNOWN | {"was_closing": ""}),
    "undone": (Event.UNDONE, POSTING | UNKNOWN | {"was": "open for applications", "stands": "not open yet"}),
    "not-ready": (Event.NOT_READY, MISSING | UNKNOWN),
    "waiting": (Event.WAITING, WAITING | UNKNOWN | {"public_sees": ""}),
    "answered": (Event.ANSWERED, ANSWER | {"asked": "", "approved": ""}),
    "proposed": (Event.PROPOSED, ENDED | UNKNOWN | {"url": ""}),
    "progress": (Event.PROGRESS, ENDED | UNKNOWN | {"url": "", "brief": "merged", "happened": "Merged."}),
    **{name: FACTS[name] for name in ("held", "broken", "gone", "refused", "failed")},
}
"""Every event with as little as there may be, for a site that is `QUIET`."""


def announced(event: Event, facts: Facts, **others: object) -> Announcement:
    """The announcement of an event about the pilot, if these facts are about a posting."""
    title, path = str(facts.get("title", "")), str(facts.get("path", ""))
    about = About(
        path=path,
        title=title,
        state=State.OPEN,
        thread="0123456789abcdef",
        zone=ZoneInfo("America/New_York"),
        opens=datetime(2030, 3, 4, 14, tzinfo=UTC),
        closes=datetime(2030, 3, 16, 4, tzinfo=UTC),
        address="/jobs/harbour-pilot/",
    )
    return Announcement(event, f"{event}:1", "harbour-pilot", facts, about=about if title else None, at=AT, **others)


def said(event: Event, facts: Facts, voice: Voice = VOICE, *, released: bool = True) -> Message:
    """The one message that is made of it."""
    [message] = messages(announced(event, facts), voice, released=released)
    return message
