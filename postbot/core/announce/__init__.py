"""What is said, to whom, in which words: events become messages.

Pure. An announcement follows what was witnessed on the base branch, never what a pull request hopes. Its key is
unique for all time, so that a ledger can make sure it is said once. This module holds the values; `routes` says who
hears, `words` renders, `blocks` and `calendar` make what Slack and calendars read.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from unicodedata import bidirectional
from zoneinfo import ZoneInfo

from postbot.core.inert import HIDDEN
from postbot.core.profile import State
from postbot.core.site import Path
from postbot.core.text.scalar import unprintable


class Audience(StrEnum):
    """Who hears: everybody who follows the openings, or the staff who look after them."""

    PUBLIC = "public"
    STAFF = "staff"


class Event(StrEnum):
    """What happened. The name is also the folder under `postbot/messages` that holds the words."""

    OPENING_SOON = "opening-soon"
    OPENED = "opened"
    CLOSING_SOON = "closing-soon"
    CLOSED = "closed"
    CLOSED_EARLY = "closed-early"
    MISSED = "missed"
    EXTENDED = "extended"
    POSTPONED = "postponed"
    CALLED_OFF = "called-off"
    REOPENED = "reopened"
    CORRECTED = "corrected"
    UNDONE = "undone"
    NOT_READY = "not-ready"
    WAITING = "waiting"
    HELD = "held"
    BROKEN = "broken"
    GONE = "gone"
    REFUSED = "refused"
    FAILED = "failed"
    ANSWERED = "answered"
    PROPOSED = "proposed"
    PROGRESS = "progress"

    @property
    def audience(self) -> Audience:
        """Staff hear what needs a hand; the public hears the rest."""
        return Audience.STAFF if self in _FOR_STAFF else Audience.PUBLIC

    @property
    def overtakes(self) -> "frozenset[Event]":
        """What was said before of the same posting and is not true any more: no `now open` for a closed one."""
        return _OVERTAKES.get(self, frozenset())


FOLLOWED = frozenset({Event.PROPOSED, Event.PROGRESS})
"""What those hear who follow our pull requests: a card for each, and in its thread what becomes of it."""
_FOR_STAFF = FOLLOWED | frozenset(
    {
        Event.ANSWERED,
        Event.MISSED,
        Event.NOT_READY,
        Event.WAITING,
        Event.HELD,
        Event.BROKEN,
        Event.GONE,
        Event.REFUSED,
        Event.FAILED,
    }
)
_STATES = frozenset(
    {Event.OPENED, Event.REOPENED, Event.CLOSED, Event.CLOSED_EARLY, Event.POSTPONED, Event.CALLED_OFF, Event.UNDONE}
)
_DATES = frozenset({Event.EXTENDED, Event.CORRECTED, Event.CLOSING_SOON})
_OVERTAKES = {
    **dict.fromkeys(_STATES, _STATES | _DATES | {Event.OPENING_SOON}),
    **dict.fromkeys((Event.EXTENDED, Event.CORRECTED), _DATES),
    **{event: frozenset({event}) for event in (Event.OPENING_SOON, Event.CLOSING_SOON, Event.NOT_READY, Event.WAITING)},
}
BEGINS = frozenset({Event.OPENED, Event.REOPENED})
"""What tells that a position is open. Dates that move later make it no less true."""

Fact = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class About:
    """The posting that an announcement is about, as it stands then. Instants are UTC.

    `thread` names the opening for all time: whatever is said of it belongs together. `address` is the page's address
    within the site, empty where nobody can tell. `fields` are the values of the front matter as texts.
    """

    path: Path
    title: str
    state: State | None
    thread: str
    zone: ZoneInfo
    opens: datetime | None = None
    closes: datetime | None = None
    address: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event about one posting (or, without `about`, about the site or a file). `key` names it for all time.

    `at` is the instant (UTC) at which it was witnessed; from `expires` on it is no news any more. `is_news` is true of
    what follows from a change of the base branch, which readers can see once the site is built. `to` names those who
    hear it (CHANNEL:RECIPIENT), and nobody else does; None leaves that to the routes. `thread` names what it belongs to
    where that is not the opening.
    """

    event: Event
    key: str
    slug: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    about: About | None = None
    at: datetime | None = None
    expires: datetime | None = None
    is_news: bool = False
    to: tuple[str, ...] | None = None
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A public page, by its whole address, and the text that readers must see on it before a message goes out."""

    url: str
    shows: str


@dataclass(frozen=True, slots=True)
class Message:
    """One announcement for one recipient, in its final words. `key` names announcement, channel and recipient.

    `html`, `blocks` (Slack's, a JSON list) and `calendar` (RFC 5545, its METHOD inside) are the same news for those
    who can read that; each may be empty. Messages of one `thread` to one recipient belong together; without one, a
    message stands alone. `why` says which routes lead here. `page` must show the news before it is sent.
    `path` is that of the posting, empty for what is about none. `named_by_posting` is true of a recipient whom only the
    posting names: what the configuration grants to its own recipients is not theirs. `card` is what the message that
    began the thread shows from then on, as blocks; where it is empty, that shows the same as this one.
    """

    key: str
    event: Event
    slug: str
    channel: str
    recipient: str
    subject: str
    body: str
    html: str = ""
    blocks: str = ""
    calendar: str = ""
    thread: str = ""
    why: str = ""
    page: Page | None = None
    expires: datetime | None = None
    path: str = ""
    named_by_posting: bool = False
    card: str = ""

    def with_each(self, made: Callable[[str], str]) -> "Message":
        """The same message to the same recipient, with each of its texts as `made` makes it."""
        return replace(
            self,
            subject=made(self.subject),
            body=made(self.body),
            html=made(self.html),
            blocks=made(self.blocks),
            calendar=made(self.calendar),
            card=made(self.card),
        )


class Outcome(StrEnum):
    """What became of one attempt to send. Unknown: it may have gone out, and must not be tried again blindly."""

    SENT = "sent"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a channel says about one attempt; `detail` says where the message went, or why it did not.

    `place` is where its channel put it, in the channel's own words, so that a later message can be put under it.
    `final`, of one not sent, means that trying again cannot help until a person has acted; `wait` is how long the far
    end asks us to wait.
    """

    outcome: Outcome
    detail: str
    place: str = ""
    final: bool = False
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """The message that began a thread, as it went out to the same recipient: its key, and its place."""

    key: str
    place: str


_TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""Classes of characters that turn the direction of the text behind them, so that it reads as what it is not."""


_ID = re.compile(r" \([UW][A-Z0-9]{2,20}\)$")


def called(signed: str) -> str:
    """Somebody's name as people say it: without the id of the workspace that tells them from others in the ledger."""
    return one_line(_ID.sub("", signed)).removeprefix("@")


def one_line(text: str) -> str:
    """Text without anything that could start a line or hide: nobody's title can open a header or a paragraph."""
    hides = (unprintable(character) or bidirectional(character) in _TURNS for character in text)
    plain = "".join(" " if hidden else text[at] for at, hidden in enumerate(hides))
    return " ".join(HIDDEN.sub("", plain).split())
