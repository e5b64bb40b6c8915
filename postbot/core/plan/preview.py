"""What would be said: any event of any posting, as if it happened now.

Pure. For people who look at the words, and for a site's own words, which are tried with every event before they are
used. What only the event itself could tell (a reason, a pull request) is an example, and reads as one.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from postbot.core.announce import Announcement, Audience, Event, Fact
from postbot.core.announce.routes import Route
from postbot.core.announce.words import Voice, Words, WordsError, messages, thread_name
from postbot.core.dates import say
from postbot.core.plan.memory import Memory
from postbot.core.plan.news import about, window_facts
from postbot.core.plan.steps import Seen
from postbot.core.posting import Posting, read_posting, readiness
from postbot.core.problem import Problem
from postbot.core.profile import PLAIN, State
from postbot.core.site import Path, Snapshot

_NEWS: Final[Mapping[str, Fact]] = {"reason": "", "was_closing": "", "late": ""}
_STATES: Final[Mapping[Event, State]] = {
    Event.OPENING_SOON: State.UPCOMING,
    Event.POSTPONED: State.UPCOMING,
    Event.UNDONE: State.UPCOMING,
    Event.CLOSED: State.CLOSED,
    Event.CLOSED_EARLY: State.CLOSED,
    Event.CALLED_OFF: State.CLOSED,
    Event.MISSED: State.CLOSED,
}
_OF_A_PULL: Final[Mapping[str, Fact]] = {
    "transition": "open",
    "number": "1",
    "pull": "#1 Open: this posting",
    "branch": "postbot/open/this-posting-0123456789",
    "shown": "0123456789abcdef",
    "url": "",
    "asked": "",
    "lines": ("-state: upcoming", "+state: open"),
    "standing": "Nobody has approved it yet.",
    "is_open": "yes",
    "approvable": "yes",
    "brief": "approved",
    "happened": "Approved by somebody.",
}
_EXAMPLES: Final[Mapping[Event, Mapping[str, Fact]]] = {
    Event.UNDONE: {"was": "open for applications", "stands": "not open yet"},
    Event.CLOSED_EARLY: {"reason": "cap reached"},
    Event.WAITING: {
        "transition": "open",
        "pull": "#1 Open: this posting",
        "number": "1",
        "branch": "postbot/open/this-posting-0123456789",
        "public_sees": "upcoming",
        "touched": "",
        "blocked": "",
        "url": "",
    },
    Event.HELD: {"reason": "Many moves: 40 postings would move at once, and at most 8 may.", "digest": "0123456789"},
    Event.BROKEN: {"problems": ("line 3: This is not valid YAML.",)},
    Event.GONE: {"state": "open"},
    Event.REFUSED: {"transition": "close", "by": "somebody", "why": "The posting is closed already."},
    Event.ANSWERED: {
        "transition": "close",
        "asked": "",
        "done": "yes",
        "why": "Pull request #1 is merged.",
        "approved": "",
    },
    **dict.fromkeys((Event.PROPOSED, Event.PROGRESS), _OF_A_PULL),
    Event.FAILED: {
        "count": "1",
        "failures": ("To email:openings@lists.example.org: this posting: now open. The server refused it.",),
        "command": "postbot deliveries --held",
    },
}


def as_if(seen: Seen, posting: Posting, event: Event, now: datetime) -> Announcement:
    """The announcement of this event about this posting, as if it happened at `now` (UTC)."""
    public = event.audience is Audience.PUBLIC
    state = _STATES.get(event, State.OPEN if public else posting.state(now))
    facts: dict[str, Fact] = dict(_NEWS) | window_facts(posting) | {"state": str(state)}
    facts |= {"was_closing": facts["closes"], **_of_waiting(posting, now), **_EXAMPLES.get(event, {})}
    witness = seen.memory.witnesses.get(posting.path)
    known = about(posting, state, witness.thread if witness else thread_name(posting.path, 0, now))
    return Announcement(
        event,
        f"preview:{event}:{posting.path}",
        posting.slug,
        facts,
        about=None if event in _OF_NO_POSTING else known,
        at=now,
        is_news=public and event not in _AHEAD,
        to=(_ASKER,) if event is Event.ANSWERED else None,
    )


_ASKER: Final = "slack:whoever asked"
"""Who hears an answer: no route leads to them, for only those hear it who asked."""
_OF_NO_POSTING = frozenset({Event.HELD, Event.BROKEN, Event.GONE, Event.REFUSED, Event.FAILED, Event.ANSWERED})
"""What is said of the site, a file or a request: no field of a posting routes it."""
_AHEAD = frozenset({Event.OPENING_SOON, Event.CLOSING_SOON})


def _of_waiting(posting: Posting, now: datetime) -> Mapping[str, Fact]:
    """What the staff are told of an opening that waits: what it lacks now, or an example."""
    missing = tuple(gap.says for gap in readiness(posting, State.OPEN)) or ("`apply_url` is missing.",)
    due = posting.window.opens or now
    said = say(due, posting.zone)
    return {"missing": missing, "due": said, "since": said, "overdue": "yes" if due <= now else ""}


def try_words(words: Words) -> None:
    """Render every event once, so that words that cannot be used are known at once. Raises `WordsError`."""
    now = datetime(2026, 3, 2, tzinfo=UTC)
    sample = read_posting(Path("sample.md"), b"---\ntitle: A posting\n---\n", PLAIN, ZoneInfo("UTC"))
    assert not isinstance(sample, Problem)
    voice = Voice(words, (Route("console", "nobody", frozenset(Event)),), "A site", "https://site.example", "https://x")
    for event in Event:
        said = as_if(Seen(Snapshot("", now, {}), {}, Memory()), sample, event, now)
        for message in messages(said, voice):
            if not (message.subject and message.body.strip() and message.html.strip()):
                raise WordsError(
                    f"The words for {event} cannot be used: a subject, a text or an HTML text says nothing."
                )
        for fill in ("", "1"):  # a template may ask whether a fact is there
            facts = {name: fill if isinstance(fact, str) else fact for name, fact in said.facts.items()}
            messages(replace(said, facts=facts), voice)
