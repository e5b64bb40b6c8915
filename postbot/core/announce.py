"""What is said, to whom, in which words: events become messages.

Pure. An announcement follows what was witnessed on the base branch, never what a pull request hopes. Its key is
unique for all time, so that a ledger can make sure it is said once. Words come from templates (one folder per event)
that run in Jinja2's sandbox; facts are plain text and can add neither a header line nor another recipient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from unicodedata import bidirectional

from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from postbot.core.problem import PostbotError
from postbot.core.text.scalar import unprintable


class Audience(StrEnum):
    """Who hears: everybody who follows the openings, or the staff who look after them."""

    PUBLIC = "public"
    STAFF = "staff"


class Event(StrEnum):
    """What happened. The name is also the folder under `postbot/messages` that holds the words."""

    OPENED = "opened"
    CLOSED = "closed"
    CLOSED_EARLY = "closed-early"
    MISSED = "missed"
    EXTENDED = "extended"
    POSTPONED = "postponed"
    REOPENED = "reopened"
    CORRECTED = "corrected"
    NOT_READY = "not-ready"
    WAITING = "waiting"
    HELD = "held"
    BROKEN = "broken"
    GONE = "gone"
    REFUSED = "refused"

    @property
    def audience(self) -> Audience:
        """Staff hear what needs a hand; the public hears the rest."""
        return Audience.STAFF if self in _FOR_STAFF else Audience.PUBLIC


_FOR_STAFF = frozenset(
    {Event.MISSED, Event.NOT_READY, Event.WAITING, Event.HELD, Event.BROKEN, Event.GONE, Event.REFUSED}
)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event about one posting (or, with an empty `slug`, about the site). `key` names it for all time."""

    event: Event
    key: str
    slug: str
    facts: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """One recipient of one audience: an address that the named channel understands."""

    audience: Audience
    channel: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Message:
    """One announcement for one recipient, in its final words. `key` names announcement, channel and recipient."""

    key: str
    event: Event
    slug: str
    channel: str
    recipient: str
    subject: str
    body: str


class WordsError(PostbotError):
    """A template cannot be used; the sentence names the event, the part and what is wrong with it."""


Words = Mapping[str, str]
"""Template texts by name, such as `opened/subject.txt` and `opened/body.txt`."""


def messages(announcement: Announcement, routes: Sequence[Route], words: Words) -> tuple[Message, ...]:
    """Render one announcement for everybody on its audience's routes. A bad template raises `WordsError`."""
    heard = [route for route in routes if route.audience is announcement.event.audience]
    if not heard:
        return ()
    subject = " ".join(_render(announcement, words, "subject.txt").split())
    body = _render(announcement, words, "body.txt").strip() + "\n"
    return tuple(
        Message(
            key=f"{announcement.key}|{route.channel}|{route.recipient}",
            event=announcement.event,
            slug=announcement.slug,
            channel=route.channel,
            recipient=route.recipient,
            subject=subject,
            body=body,
        )
        for route in heard
    )


def _render(announcement: Announcement, words: Words, part: str) -> str:
    # Plain text for mail and terminal: escaping for HTML is the business of an HTML part.
    sandbox = ImmutableSandboxedEnvironment(
        loader=DictLoader(dict(words)), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    facts = {
        name: one_line(told) if isinstance(told, str) else [one_line(line) for line in told]
        for name, told in announcement.facts.items()
    }
    try:
        template = sandbox.get_template(f"{announcement.event}/{part}")
        return template.render(facts | {"slug": one_line(announcement.slug)})
    except _MISTAKES as error:
        wrong = one_line(str(error) or type(error).__name__).rstrip(".")
        raise WordsError(f"The words for {announcement.event} cannot be used; see {part}: {wrong}.") from error


_MISTAKES = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a template can raise by its own fault, from a misspelt fact to a sum that cannot be done."""


_TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""Classes of characters that turn the direction of the text behind them, so that it reads as what it is not."""


def one_line(text: str) -> str:
    """Text without anything that could start a line or hide: nobody's title can open a header or a paragraph."""
    hides = (unprintable(character) or bidirectional(character) in _TURNS for character in text)
    return " ".join("".join(" " if hidden else text[at] for at, hidden in enumerate(hides)).split())


class Outcome(StrEnum):
    """What became of one attempt to send. Unknown: it may have gone out, and must not be tried again blindly."""

    SENT = "sent"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a channel says about one attempt; `detail` says where the message went, or why it did not."""

    outcome: Outcome
    detail: str
