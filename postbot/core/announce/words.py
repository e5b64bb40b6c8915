"""The words of a message: Jinja2 templates, one folder for each event, rendered in a sandbox.

Pure. A folder holds `subject.txt`, `body.txt`, `body.html` and `blocks.json` (Slack's); `layout.html` and its kin are
what they share. Facts are plain text on one line: they can add neither a header nor a recipient nor a paragraph, are
escaped in HTML, and made harmless in blocks. A template that cannot be used raises `WordsError`. A site's own are tried
when they are loaded; where they fail for one posting all the same, the shipped ones stand in.
"""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from postbot.core.announce import Announcement, Audience, Event, Fact, Message, Page, one_line
from postbot.core.announce.blocks import BlocksError, finished, marked
from postbot.core.announce.calendar import calendar
from postbot.core.announce.routes import Hearing, Route, heard, plain_name, team, without_contacts
from postbot.core.problem import PostbotError
from postbot.core.profile import State

SUBJECT, BODY, HTML, BLOCKS = PARTS = ("subject.txt", "body.txt", "body.html", "blocks.json")

RELEASE = "public"
"""What a person releases once, so that postbot speaks to others than the team."""


class WordsError(PostbotError):
    """A template cannot be used; the sentence names the event, the part and what is wrong with it."""


class Words:
    """Every template by its name, such as `opened/subject.txt`."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        loader = DictLoader(dict(texts))
        self.names = frozenset(texts)
        self._text = _sandbox(loader)
        self._html = _sandbox(loader, autoescape=True)
        self._blocks = _sandbox(loader, finalize=marked)

    def render(self, event: Event, part: str, facts: Mapping[str, object]) -> str:
        """One part of one message. Raises `WordsError`."""
        sandbox = {HTML: self._html, BLOCKS: self._blocks}.get(part, self._text)
        try:
            return sandbox.get_template(f"{event}/{part}").render(facts)
        except _MISTAKES as error:
            raise _unusable(event, part, str(error) or type(error).__name__) from error


class _Sandbox(ImmutableSandboxedEnvironment):
    """No template needs powers, or a text repeated: both can take all the time and memory there is."""

    intercepted_binops = frozenset({"**", "*"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - Jinja2's own
        """Multiply numbers of a reasonable size, and nothing else."""
        if operator == "**" or any(not isinstance(each, int) or abs(each) > _LARGEST for each in (left, right)):
            raise TypeError(f"{operator} is for whole numbers up to {_LARGEST} only, and ** for none")
        return super().call_binop(context, operator, left, right)


_LARGEST = 1_000_000


def _sandbox(loader: DictLoader, **others: Any) -> ImmutableSandboxedEnvironment:  # noqa: ANN401 - Jinja2's own
    return _Sandbox(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **others,
    )


def _unusable(event: Event, part: str, why: str) -> WordsError:
    return WordsError(f"The words for {event} cannot be used; see {part}: {one_line(why).rstrip('.')}.")


_MISTAKES = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a template can raise by its own fault, from a misspelt fact to a sum that cannot be done."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How one site speaks: its words, its routes, and what messages say of the site itself.

    `shipped` are the words to fall back on where the site's own fail for one posting.
    `name` is what messages call the site, `url` the address of the published site and `edit` that under which a person
    edits a file of the base branch, both without a final slash and empty where there is none. `desk` names the site to
    those who may ask for something from Slack; it is empty where nobody may. `sender` is the address that calendars
    name as their organizer. `shows` says, where messages wait until the public page is up to date, the
    text that the page of a posting in each state must show; `{field}` in it is what that field of the posting holds.
    """

    words: Words
    routes: Sequence[Route] = ()
    name: str = ""
    url: str = ""
    edit: str = ""
    desk: str = ""
    sender: str = ""
    shows: Mapping[State, str] = field(default_factory=dict)
    shipped: Words | None = None

    def ref(self, path: str) -> str:
        """How a posting is named in whatever goes to Slack and comes back; empty where nobody may ask for anything."""
        return ref_of(self.desk, path) if self.desk and path else ""

    @property
    def hosts(self) -> frozenset[str]:
        """Where the links of a Slack message may lead."""
        found = (urlsplit(address).hostname for address in (self.url, self.edit))
        return frozenset(host for host in found if host)


def messages(announcement: Announcement, voice: Voice, *, released: bool = True) -> tuple[Message, ...]:
    """One announcement for everybody who hears it, in its final words. Raises `WordsError`.

    Before postbot is `released`, what is for the public goes to the team, with a note on whom it was for; and nobody
    hears anything whom only a posting names. What names those who hear it itself is then for them all the same, unless
    it is for the public.
    """
    hearings, note = heard(announcement, voice.routes), ""
    if not released and announcement.event.audience is Audience.PUBLIC:
        note, hearings = _team_only(hearings), team(announcement, voice.routes)
    elif not released:
        hearings = heard(announcement, without_contacts(voice.routes))
    if not hearings:
        return ()
    try:
        parts = _parts(announcement, voice, voice.words, note)
    except WordsError as error:
        if voice.shipped is None:
            raise
        # One posting's odd value must neither silence the others nor this one.
        parts = _parts(announcement, voice, voice.shipped, note)
        hearings = tuple(replace(each, why=f"{each.why}; {error}") for each in hearings)
    return tuple(_message(announcement, voice, each, parts) for each in hearings)


def _team_only(hearings: Sequence[Hearing]) -> str:
    names = [f"{each.channel}:{each.recipient}" for each in hearings[:_MOST_NAMED]]
    more = f" and {len(hearings) - _MOST_NAMED} more" if len(hearings) > _MOST_NAMED else ""
    would = f"It would have gone to {', '.join(names)}{more}." if names else "Nobody else would have heard it."
    return f"Only the team hears this, for postbot speaks to nobody else yet. {would} {_HOW}"


_MOST_NAMED = 5
_HOW = f"To let it speak to them from now on: postbot release {RELEASE}"


@dataclass(frozen=True, slots=True)
class _Parts:
    subject: str
    body: str
    html: str
    blocks: str
    calendar: str
    card: str


def _parts(announcement: Announcement, voice: Voice, words: Words, note: str) -> _Parts:
    event = announcement.event
    facts = _facts(announcement, voice, note)
    body = words.render(event, BODY, facts).strip() + "\n"
    hosts = voice.hosts | _host(facts)
    return _Parts(
        subject=" ".join(words.render(event, SUBJECT, facts).split()),
        body=f"{note}\n\n{body}" if note else body,
        html=words.render(event, HTML, facts).strip() + "\n",
        blocks=_blocks(event, words, facts, hosts, note),
        card=_blocks(Event.PROPOSED, words, facts, hosts, note) if event is Event.PROGRESS else "",
        calendar=calendar(announcement, page_of(announcement, voice), voice.sender),
    )


def _blocks(event: Event, words: Words, facts: Mapping[str, object], hosts: Collection[str], note: str) -> str:
    try:
        return finished(words.render(event, BLOCKS, facts), hosts, note)
    except BlocksError as error:
        raise _unusable(event, BLOCKS, str(error)) from error


def _host(facts: Mapping[str, object]) -> frozenset[str]:
    """The host of the pull request, whose address is the host's own and no posting's."""
    host = urlsplit(str(facts.get("url", ""))).hostname
    return frozenset({host} if host else ())


def _facts(announcement: Announcement, voice: Voice, note: str) -> dict[str, object]:
    """Everything that a template may use; each text is on one line."""
    about = announcement.about
    told = {name: _plain(fact) for name, fact in announcement.facts.items()}
    fields = _Fields({name: one_line(value) for name, value in about.fields.items()} if about else {})
    path = about.path if about else str(announcement.facts.get("path", ""))
    return {
        "slug": shlex.quote(one_line(announcement.slug)),  # it stands in commands, which people copy
        "fields": fields,
        "site": one_line(voice.name),
        "page": page_of(announcement, voice),
        "fill": f"{voice.edit}/{quote(path)}" if voice.edit and path else "",
        "ref": voice.ref(path),
        "note": one_line(note),
        "event": str(announcement.event),
        **told,
    }


class _Fields(dict[str, str]):
    """The front matter for templates: a field that a posting lacks is empty, for not all postings have the same."""

    def __missing__(self, _name: str) -> str:
        return ""


def _plain(fact: Fact) -> Fact:
    return one_line(fact) if isinstance(fact, str) else tuple(one_line(line) for line in fact)


def page_of(announcement: Announcement, voice: Voice) -> str:
    """The address of the posting's public page; empty where it is not known.

    It can lead nowhere but to the site: whatever the posting's own address holds is quoted as a path, and one that
    climbs out of its folder is not known.
    """
    about = announcement.about
    address = unquote(about.address).lstrip("/") if about else ""
    if not address or not voice.url or {".", ".."} & set(address.replace("\\", "/").split("/")):
        return ""
    return f"{voice.url}/{quote(address, safe='/-._~')}"


def _message(announcement: Announcement, voice: Voice, hearing: Hearing, parts: _Parts) -> Message:
    about = announcement.about
    return Message(
        key=f"{announcement.key}|{hearing.channel}|{hearing.recipient}",
        event=announcement.event,
        slug=announcement.slug,
        channel=hearing.channel,
        recipient=hearing.recipient,
        subject=parts.subject,
        body=parts.body,
        html=parts.html,
        blocks=parts.blocks,
        calendar=parts.calendar,
        card=parts.card,
        thread=announcement.thread or (f"{announcement.event.audience}:{about.thread}" if about else ""),
        why=hearing.why,
        page=_shown_on(announcement, voice),
        expires=announcement.expires,
        path=about.path if about else "",
        named_by_posting=hearing.named_by_posting,
    )


def _shown_on(announcement: Announcement, voice: Voice) -> Page | None:
    """What readers must see before news go out; None where nothing is waited for."""
    about = announcement.about
    if not announcement.is_news or about is None or about.state is None or not voice.shows:
        return None
    return Page(page_of(announcement, voice), _filled(voice.shows.get(about.state, ""), about.fields))


def _filled(text: str, fields: Mapping[str, str]) -> str:
    """A text with each `{field}` replaced by what that field of the posting holds: nothing, where it lacks it."""
    known = {plain_name(name): value for name, value in fields.items()}
    return " ".join(re.sub(r"\{([^{}]*)\}", lambda found: known.get(plain_name(found[1]), ""), text).split())


def ref_of(site: str, path: str) -> str:
    """A name for a posting that may come back from outside, as no path may: 16 digits of a digest of site and path."""
    return sha256(f"{site}\n{path}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def thread_name(path: str, generation: int, at: datetime) -> str:
    """The name of an opening, given once when it is first heard of (`at`): it stays when the file is renamed."""
    return sha256(f"{path}\n{generation}\n{at.astimezone(UTC).isoformat()}".encode()).hexdigest()[:16]
