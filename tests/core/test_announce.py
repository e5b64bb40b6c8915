"""What is said, word for word and in every form, and that no fact can say more than it is."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest

from postbot.app import words
from postbot.core.announce import Audience, Event, Fact, Message
from postbot.core.announce.blocks import MOST_BUTTON, MOST_HEADER, MOST_TEXT
from postbot.core.announce.words import PARTS, Voice, Words, WordsError, messages
from tests.announcements import ASKED, FACTS, LEAST, NEWS, PULL, QUIET, VARIANTS, VOICE, Facts, announced, said
from tests.golden import FOLDER, Golden
from tests.payloads import PAYLOADS

SAID = FACTS | VARIANTS
EVERY = [
    *(pytest.param(*found, VOICE, id=name) for name, found in SAID.items()),
    *(pytest.param(*found, QUIET, id=f"least-{name}") for name, found in LEAST.items()),
]
every = pytest.mark.parametrize(("event", "facts", "voice"), EVERY)


# Word for word -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAID)
def test_every_message_reads_as_it_was_agreed(name: str, golden: Golden):
    golden(f"messages/{name}.txt", letter(said(*SAID[name])))


@pytest.mark.parametrize("name", LEAST)
def test_every_message_reads_well_where_little_is_known(name: str, golden: Golden):
    golden(f"messages/least/{name}.txt", letter(said(*LEAST[name], QUIET)))


@pytest.mark.parametrize("name", FACTS)
def test_every_message_looks_as_it_was_agreed(name: str, golden: Golden):
    message = said(*FACTS[name], ASKED)
    golden(f"messages/{name}.html", message.html)
    golden(f"messages/{name}.json", json.dumps(json.loads(message.blocks), indent=2, ensure_ascii=False) + "\n")


def test_no_agreed_text_outlives_its_message():
    agreed = {
        path.relative_to(FOLDER / "messages").with_suffix("").as_posix() for path in FOLDER.glob("messages/**/*.*")
    }
    assert agreed == {*SAID, *(f"least/{name}" for name in LEAST)}


def letter(message: Message) -> str:
    return f"To: {message.recipient}\nSubject: {message.subject}\n\n{message.body}"


def test_every_event_has_its_words_and_no_words_are_of_no_event():
    assert set(FACTS) == set(LEAST) == set(Event)
    folders = {name: part for name, _, part in (name.partition("/") for name in words().names) if part}
    assert set(folders) == set(Event)
    assert {f"{event}/{part}" for event in Event for part in PARTS} == {name for name in words().names if "/" in name}


# Plain text ----------------------------------------------------------------------------------------------------------


@every
def test_a_text_is_laid_out_like_a_letter(event: Event, facts: Facts, voice: Voice):
    message = said(event, facts, voice)
    lines = message.body.splitlines()
    assert message.body == "\n".join(lines) + "\n"
    assert [line for line in lines if line != line.rstrip()] == []
    assert lines[0]
    assert lines[-1]
    assert [at for at, pair in enumerate(pairwise(lines)) if not any(pair)] == []
    unanswered = [line for line, after in zip(lines, [*lines[1:], ""], strict=True) if line[-1:] == ":" and not after]
    assert unanswered == []


@every
def test_our_own_words_fit_on_a_line(event: Event, facts: Facts, voice: Voice):
    message = said(event, {name: with_text(value, "x") for name, value in facts.items()}, voice)
    own = [line for line in message.body.splitlines() if "https://" not in line]
    assert [line for line in own if len(line) > 78] == []


@every
def test_nobody_shouts_and_the_subject_is_short(event: Event, facts: Facts, voice: Voice):
    message = said(event, facts, voice)
    assert len(message.subject) < 70
    assert "!" not in message.subject + message.body
    shouted = set(re.findall(r"\b[A-Z]{4,}\b", message.subject + message.body))
    assert shouted <= {"APPLICATION", "FIELD", "VALUE"}  # the hint in the file, and what stands for words in a command


@pytest.mark.parametrize("name", [name for name, (_, facts) in FACTS.items() if "title" in facts])
def test_the_title_comes_first(name: str):
    message = said(*FACTS[name])
    assert message.subject.startswith("Harbour Pilot: ")
    assert read_html(message.html).texts["h1"] == ["Harbour Pilot"]
    assert json.loads(message.blocks)[0]["text"]["text"] == "Harbour Pilot"


@pytest.mark.parametrize(
    "event", [event for event in Event if event.audience is Audience.PUBLIC and event is not Event.CALLED_OFF]
)
def test_news_say_by_when_and_whom_to_ask(event: Event):
    _, facts = FACTS[event]
    message = said(event, facts)
    date = facts["opens"] if event is Event.POSTPONED else NEWS["was_closing"] if "early" in event else facts["closes"]
    for form in (message.body, message.html, message.blocks):
        assert str(date) in form
        assert "ana@agency.example" in form


@pytest.mark.parametrize("event", [Event.OPENING_SOON, Event.OPENED, Event.CLOSING_SOON, Event.REOPENED])
def test_nobody_is_told_to_apply_by_a_date_that_is_not_known(event: Event):
    message = said(*LEAST[event], QUIET)
    for form in (message.body, message.html, message.blocks):
        assert "Apply by" not in form
        assert "not known yet" in form


@pytest.mark.parametrize("event", [Event.OPENED, Event.REOPENED, Event.EXTENDED, Event.CORRECTED, Event.CLOSING_SOON])
def test_who_may_apply_is_led_to_the_posting(event: Event):
    message = said(*FACTS[event])
    page = "https://agency.example/jobs/harbour-pilot/"
    assert f"Read the posting and apply:\n{page}\n" in message.body
    assert read_html(message.html).links[page] == "Read the posting and apply"
    assert [button["url"] for button in buttons(message)] == [page]


def test_who_must_fill_something_in_is_led_to_the_file():
    message = said(*FACTS["not-ready"])
    file = "https://github.com/agency/site/edit/main/jobs/harbour-pilot.md"
    assert f"\n{file}\n" in message.body
    assert read_html(message.html).links[file] == "Edit the file and fill this in"
    assert [button["url"] for button in buttons(message)] == [file]


def asked_for(name: str, voice: Voice = ASKED, **facts: Fact) -> dict[str, str]:
    """What can be asked for by the buttons of the card that this message brings, and with which value."""
    event, usual = SAID[name]
    message = said(event, usual | facts, voice)
    shown = buttons(replace(message, blocks=message.card or message.blocks))
    return {button["action_id"]: button["value"] for button in shown if "action_id" in button}


def test_a_card_offers_what_can_be_decided_where_people_may_and_nothing_once_it_has_ended():
    ref = ASKED.ref("jobs/harbour-pilot.md")
    decide = f"{ref}/7/{PULL['shown']}"
    every = dict.fromkeys(("do:approve", "do:changes", "do:snooze"), decide)
    assert asked_for("proposed") == asked_for("progress") == every
    assert asked_for("proposed", approvable="") == {name: decide for name in every if name != "do:approve"}
    assert set(asked_for("proposed-as-a-draft")) == {"do:open", "do:changes", "do:snooze"}
    assert asked_for("not-ready") == {"do:open": ref}
    for name in ("proposed-and-announced", "progress-at-its-end", "answered", "waiting"):
        assert asked_for(name) == {}
    for name in ("proposed", "progress", "not-ready"):
        assert asked_for(name, VOICE) == {}


def test_a_word_in_the_thread_brings_the_card_as_it_is_then_and_other_messages_bring_none():
    assert said(*SAID["progress-at-its-end"]).card == said(Event.PROPOSED, SAID["progress-at-its-end"][1]).blocks
    assert [name for name in FACTS if said(*FACTS[name]).card] == ["progress"]


def test_a_thread_may_be_another_one_than_the_openings():
    [message] = messages(announced(*FACTS["proposed"], thread="pull:postbot/open/x"), VOICE)
    assert message.thread == "pull:postbot/open/x"
    assert said(*FACTS["waiting"]).thread == "staff:0123456789abcdef"


@pytest.mark.parametrize("released", [True, False])
def test_who_is_named_hears_it_whether_or_not_it_speaks_to_others_yet(released: bool):
    answer = announced(*FACTS["answered"], to=("slack:U0ADA1",))
    [message] = messages(answer, replace(VOICE, routes=()), released=released)
    assert (message.channel, message.recipient) == ("slack", "U0ADA1")
    news = announced(Event.EXTENDED, NEWS, to=("email:list@agency.example",))
    assert [each.recipient for each in messages(news, VOICE, released=released)] == (
        ["list@agency.example"] if released else ["hr@agency.example"]
    )


# HTML ----------------------------------------------------------------------------------------------------------------


@every
def test_a_mail_is_one_whole_document_that_loads_nothing(event: Event, facts: Facts, voice: Voice):
    message = said(event, facts, voice)
    page = read_html(message.html)
    assert message.html.startswith('<!doctype html>\n<html lang="en">')
    assert page.texts["title"] == [message.subject]
    assert len(page.texts["h1"]) == page.tags.count("main") == 1
    assert not {"h2", "h3", "img", "script", "link", "iframe", "object", "form"} & set(page.tags)
    assert not {"src", "srcset", "background", "onload", "onclick"} & page.attributes
    assert not re.search(r"url\(|@import", message.html)
    assert page.open == []
    assert [words for words in page.links.values() if not words or "://" in words] == []


@every
def test_the_three_forms_say_the_same(event: Event, facts: Facts, voice: Voice):
    message = said(event, facts, voice)
    page, blocks = read_html(message.html), json.loads(message.blocks)
    spoken = " ".join(plain for block in blocks for plain in texts(block))
    for name in ("closes", "was_closing", "due", "since", "blocked", "why", "digest", "command"):
        fact = str(facts.get(name, ""))
        if fact and fact in message.body:
            assert fact in page.all_text
            assert fact in spoken.replace("\u02cb", "`")  # a letter that looks alike


def test_an_address_in_a_mail_is_one_address():
    contact = "a?bcc=evil%40evil.example&body=x#/y@agency.example"
    page = read_html(said(Event.OPENED, NEWS | {"contact": contact}).html)
    assert {url: text for url, text in page.links.items() if text == contact} == {
        "mailto:a%3Fbcc%3Devil%2540evil.example%26body%3Dx%23%2Fy@agency.example": contact
    }


@pytest.mark.parametrize("contact", ["Ana, room 5", "@", "ana at agency", "a b@agency.example"])
def test_what_is_no_address_is_shown_and_leads_nowhere(contact: str):
    page = read_html(said(Event.OPENED, NEWS | {"contact": contact}).html)
    assert f"Questions? Write to {contact}." in page.all_text
    assert [url for url in page.links if url.startswith("mailto:")] == []


# Blocks --------------------------------------------------------------------------------------------------------------


@every
def test_blocks_keep_slacks_limits_and_have_a_header(event: Event, facts: Facts, voice: Voice):
    long = {name: with_text(value, "Pilot & <b> " * 300) for name, value in facts.items()}
    for given in (facts, long):
        blocks = json.loads(said(event, given, voice).blocks)
        assert blocks[0]["type"] == "header"
        assert 2 <= len(blocks) <= 50
        assert len(blocks[0]["text"]["text"]) <= MOST_HEADER
        assert all(len(text) <= MOST_TEXT for block in blocks for text in texts(block))
        assert all(0 < len(block["fields"]) <= 10 for block in blocks if "fields" in block)
        assert all(len(block["elements"]) <= 10 for block in blocks if "elements" in block)
        assert all(len(text) <= MOST_BUTTON for block in blocks if block["type"] == "actions" for text in texts(block))


# Before it may speak -------------------------------------------------------------------------------------------------


def test_what_the_team_hears_before_the_public_says_so_in_every_form():
    both = tuple(replace(route, recipient="hr@agency.example") for route in VOICE.routes)
    message = said(Event.OPENED, NEWS, replace(VOICE, routes=(*VOICE.routes, both[1])), released=False)
    note = "Only the team hears this, for postbot speaks to nobody else yet."
    assert message.recipient == "hr@agency.example"
    assert message.body.startswith(note)
    assert note in read_html(message.html).all_text
    assert note in json.loads(message.blocks)[0]["elements"][0]["text"]
    assert note not in said(Event.OPENED, NEWS).html


# Facts are facts -----------------------------------------------------------------------------------------------------

NASTY = [
    "Pilot\nBcc: evil@example.com",
    "Pilot\r\nBcc: evil@example.com\r\n\r\nBuy now",
    "Pilot\u2028Bcc: evil@example.com\u2029x",
    "{{ 7*7 }} {{ slug.__class__ }}",
    "{% for x in range(9) %}xyz{% endfor %} {# gone #}",
    '"}]}, {"type": "divider"}, {"a": ["',
    "\\u003c!channel\\u003e \\",
    "<!channel> <!here> <@U012AB3CD> <#C012AB3CD> <https://evil.example|agency.example>",
    "&lt;!channel&gt; &amp;lt;b&amp;gt;",
    '"><script>alert(1)</script><img src=x onerror=alert(1)>',
    "</title></style></main></body><h1>x</h1>",
    "' onmouseover='x",
    "javascript:alert(1)",
    "\ue000 \ue001 \ue000*x*\ue001",
    "*x* _x_ ~x~ `x` ```x```",
    "Pilot " * 600,
]


WITH_EVERYTHING = ("opened-late", "waiting-blocked")
TRIED = [(name, PAYLOADS[at % 6 :: 6]) for at, name in enumerate(FACTS)] + [
    (name, PAYLOADS) for name in WITH_EVERYTHING
]
"""Each text with two of the messages that say most, and with some three of the others: rendering takes its time."""


@pytest.mark.parametrize(("name", "more"), TRIED, ids=[name for name, _ in TRIED])
def test_a_fact_stands_there_and_does_nothing(name: str, more: list[str]):
    """With any text in each fact, a message has the parts that it has with plain words in them, and no more."""
    event, facts = SAID[name]
    plain = shape(said(event, {key: nasty_fact(key, value, "x") for key, value in facts.items()}))
    for text in [*NASTY, *more]:
        # A word behind it keeps it from being empty once what hides is gone: that would leave lines out.
        nasty = said(event, {key: nasty_fact(key, value, f"{text} x") for key, value in facts.items()})
        assert shape(nasty) == plain, text
        assert [letter for letter in nasty.subject + nasty.body if misleads(letter)] == [], text
        assert {urls.partition(":")[0] for urls in read_html(nasty.html).links} <= {"https", "mailto"}, text
        assert list(live(nasty)) == [], text


def nasty_fact(key: str, value: Fact, text: str) -> Fact:
    """A fact with another text. An address is the host's own; a path is what git holds: valid UTF-8, and not endless."""
    if key == "path":
        return text[:300].encode(errors="replace").decode()
    return value if key == "url" else with_text(value, text)


def shape(message: Message) -> tuple[object, ...]:
    """What a message is made of, whatever is said in it."""
    page, blocks = read_html(message.html), json.loads(message.blocks)
    kinds = [(block["type"], len(block.get("fields", block.get("elements", "")))) for block in blocks]
    lines = len(message.body.splitlines())
    return message.recipient, len(message.subject.splitlines()), lines, page.tags, page.attributes, kinds


def misleads(letter: str) -> bool:
    """Whether a character begins a line, acts on a terminal or turns the text behind it; our own line breaks are none."""
    return letter != "\n" and (
        category(letter) in ("Cc", "Cs", "Zl", "Zp")
        or letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def live(message: Message) -> Iterator[str]:
    """What Slack would act upon or format beyond our own bold labels, and what leads elsewhere."""
    for block in json.loads(message.blocks):
        for text in texts(block):
            yield from re.findall(r"[<>]|&(?!amp;|lt;|gt;)", text)
        for part in filter(None, [block.get("text"), *block.get("fields", [])]):
            if part["type"] == "mrkdwn":
                value = re.sub(r"^\*[A-Za-z ]+\*\n|^\*|\*$", "", part["text"])
                yield from re.findall(r"[*_~`]|:[\w+'-]+:", value)
    yield from (button["url"] for button in buttons(message) if not button["url"].startswith("https://"))


@pytest.mark.parametrize("text", ["{{ 7*7 }}", "{% raw %}", "{# gone #}", "<b>&amp;</b>"])
def test_what_looks_like_a_template_is_said_as_it_is(text: str):
    message = said(Event.OPENED, NEWS | {"title": text})
    assert message.subject == f"{text}: now open"
    assert message.body.startswith(f"{text} is open for applications.\n")
    assert read_html(message.html).texts["h1"] == [text]


def with_text(value: Fact, text: str) -> Fact:
    """The same shape of fact with another text; what is empty stays so, for it decides which lines there are."""
    if isinstance(value, tuple):
        return tuple(text for _ in value)
    return text if value and value != "not known yet" else value


# A site's own words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "template", "wrong"),
    [
        ("body.txt", "{{ titel }}", "'titel' is undefined"),
        ("body.txt", "{% if title %}", "Unexpected end of template"),
        ("body.txt", "{{ title + 1 }}", "can only concatenate str"),
        ("body.txt", "{{ title.__class__.__mro__ }}", "unsafe"),
        ("body.txt", "{{ 1 // 0 }}", "by zero"),
        ("subject.txt", "{% include 'nowhere.txt' %}", "nowhere.txt"),
        ("body.html", "{% extends 'layout.htm' %}", "layout.htm"),
        ("blocks.json", "[{]", "it is not JSON"),
        ("blocks.json", "{}", "it is not a list of blocks"),
        ("blocks.json", '[{"type": "image"}]', "there is no block 'image' here"),
        ("blocks.json", '[{"type": "header", "text": "x"}]', "a text is an object"),
    ],
)
def test_a_mistake_in_a_template_is_one_sentence_that_says_where(tmp_path: Path, part: str, template: str, wrong: str):
    write(tmp_path / "opened" / part, template)
    with pytest.raises(WordsError) as mistake:
        words(tmp_path)
    assert str(mistake.value).startswith(f"The words for opened cannot be used; see {part}: ")
    assert wrong in str(mistake.value)
    assert len(str(mistake.value).splitlines()) == 1


def test_a_site_may_say_it_in_its_own_words_and_keep_the_rest(tmp_path: Path):
    write(tmp_path / "opened" / "subject.txt", "Ahoy: {{ title }}\n")
    write(tmp_path / "foot.txt", "\n\nYours, the agency\n")
    message = said(Event.OPENED, NEWS, replace(VOICE, words=words(tmp_path)))
    assert message.subject == "Ahoy: Harbour Pilot"
    assert read_html(message.html).texts["title"] == ["Ahoy: Harbour Pilot"]
    assert message.body.startswith("Harbour Pilot is open for applications.\n")
    assert message.body.endswith("\n\nYours, the agency\n")


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


# To whom -------------------------------------------------------------------------------------------------------------


@every
def test_only_the_audience_of_an_event_hears_it(event: Event, facts: Facts, voice: Voice):
    hr = event.audience is Audience.STAFF
    assert said(event, facts, voice).recipient == ("hr@agency.example" if hr else "openings@lists.agency.example")


def test_nobody_listens_so_nothing_is_said():
    assert messages(announced(Event.OPENED, NEWS), Voice(Words({}))) == ()


def test_each_recipient_has_a_key_of_their_own():
    routes = [replace(VOICE.routes[0], recipient=recipient) for recipient in "ab"]
    made = messages(announced(Event.OPENED, NEWS), replace(VOICE, routes=routes))
    assert [message.key for message in made] == ["opened:1|email|a", "opened:1|email|b"]


# Reading what was made -----------------------------------------------------------------------------------------------

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Html(HTMLParser):
    """What a mail program finds in a mail: elements in order, attributes, texts by element, and links by address."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: dict[str, list[str]] = defaultdict(list)
        self.links: dict[str, str] = {}
        self.open: list[str] = []

    @property
    def all_text(self) -> str:
        return "".join(self.texts["body"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.texts[tag].append("")
        if tag == "a":
            self.links[dict(attrs)["href"] or ""] = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data
        if "a" in self.open:
            self.links[list(self.links)[-1]] += data

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")

    def handle_pi(self, data: str) -> None:
        self.tags.append("instruction")

    def unknown_decl(self, data: str) -> None:
        self.tags.append("declaration")


def read_html(html: str) -> Html:
    page = Html()
    page.feed(html)
    page.close()
    return page


def texts(block: dict[str, Any]) -> Iterator[str]:
    """Every text in a block."""
    parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
    for part in filter(None, parts):
        found = part["text"]
        yield found["text"] if isinstance(found, dict) else found


def buttons(message: Message) -> list[dict[str, Any]]:
    blocks = json.loads(message.blocks)
    return [button for block in blocks if block["type"] == "actions" for button in block["elements"]]
