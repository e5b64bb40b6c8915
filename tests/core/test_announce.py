"""What is said, word for word, and that no fact can say more than it is."""

from pathlib import Path

import pytest

from postbot.app import words
from postbot.core.announce import Announcement, Audience, Event, Message, Route, WordsError, messages
from tests.golden import Golden

ROUTES = [Route(Audience.PUBLIC, "folder", "openings"), Route(Audience.STAFF, "console", "hr")]
POSTING = {
    "title": "Harbour Pilot",
    "path": "jobs/harbour-pilot.md",
    "opens": "Monday, March 4, 2030, 9:00 am EST",
    "closes": "Friday, March 15, 2030, 11:59 pm EDT",
}
NEWS = POSTING | {
    "state": "open",
    "reason": "",
    "was_closing": "Friday, March 8, 2030, 11:59 pm EST",
    "late": "",
    "contact": "ana@agency.example",
}
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
MISSING = POSTING | {
    "missing": ("`apply_url` is commented out, waiting for APPLICATION URL.", "`location` is missing."),
    "due": "Monday, March 4, 2030, 9:00 am EST",
    "overdue": "",
}
FACTS: dict[str, tuple[Event, dict[str, str | tuple[str, ...]]]] = {
    "opened": (Event.OPENED, NEWS),
    "opened-late-without-a-contact": (Event.OPENED, NEWS | {"late": "3 hours", "contact": ""}),
    "closed": (Event.CLOSED, NEWS | {"state": "closed"}),
    "closed-late": (Event.CLOSED, NEWS | {"state": "closed", "late": "2 days"}),
    "closed-without-a-date": (Event.CLOSED, NEWS | {"closes": "not known yet", "was_closing": "", "reason": "filled"}),
    "closed-early": (Event.CLOSED_EARLY, NEWS | {"state": "closed", "reason": "cap reached"}),
    "extended": (Event.EXTENDED, NEWS),
    "postponed": (Event.POSTPONED, NEWS | {"opens": "not known yet"}),
    "reopened": (Event.REOPENED, NEWS),
    "corrected": (Event.CORRECTED, NEWS),
    "corrected-from-nothing": (Event.CORRECTED, NEWS | {"was_closing": ""}),
    "not-ready": (Event.NOT_READY, MISSING),
    "not-ready-overdue": (Event.NOT_READY, MISSING | {"overdue": "yes"}),
    "waiting": (Event.WAITING, WAITING),
    "waiting-touched": (Event.WAITING, WAITING | {"touched": "yes"}),
    "waiting-blocked": (Event.WAITING, WAITING | {"blocked": "The check `build` has failed."}),
    "waiting-on-github": (Event.WAITING, WAITING | {"url": "https://github.com/agency/site/pull/7"}),
    "waiting-for-the-same-state": (Event.WAITING, WAITING | {"transition": "extend", "public_sees": ""}),
    "missed": (Event.MISSED, NEWS | {"state": "closed"}),
    "missed-without-a-date": (Event.MISSED, NEWS | {"state": "closed", "closes": "not known yet"}),
    "held": (Event.HELD, {"reason": "Many moves: 8 postings would move at once.", "digest": "0123456789"}),
    "broken": (Event.BROKEN, {"path": "jobs/a.md", "problems": ("jobs/a.md:2:8: error: A quote is open. [x]",)}),
    "gone": (Event.GONE, {"title": "Harbour Pilot", "path": "jobs/harbour-pilot.md", "state": "open"}),
    "refused": (Event.REFUSED, {"path": "jobs/a.md", "transition": "extend", "by": "Robin", "why": "It is closed."}),
}


def said(event: Event, facts: dict[str, str | tuple[str, ...]]) -> Message:
    [message] = messages(Announcement(event, f"{event}:1", "harbour-pilot", facts), ROUTES, words())
    return message


@pytest.mark.parametrize("name", FACTS)
def test_every_message_reads_as_it_was_agreed(name: str, golden: Golden) -> None:
    message = said(*FACTS[name])
    golden(f"messages/{name}.txt", f"To: {message.recipient}\nSubject: {message.subject}\n\n{message.body}")


def test_every_event_has_its_words() -> None:
    assert {event for event, _ in FACTS.values()} == set(Event)


NASTY = {
    "line feed": "Pilot\nBcc: evil@example.com",
    "carriage return": "Pilot\r\nBcc: evil@example.com\r\n\r\nBuy now",
    "line separator": "Pilot\u2028Bcc: evil@example.com\u2029x",
    "next line": "Pilot\x85Bcc: evil@example.com\x0bx\x0cy",
    "right to left": "Pilot \u202egnp.exe",
    "NUL": "Pilot\x00Bcc: evil@example.com",
    "expression": "{{ 7*7 }} {{ slug.__class__ }}",
    "statement": "{% for x in range(9) %}x{% endfor %} {# gone #}",
    "very long": "Pilot " * 5000,
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("name", FACTS)
def test_a_fact_stands_there_and_does_nothing(name: str, text: str) -> None:
    """With any text in each fact, a message has the lines that it has with plain words in them, and no more."""
    event, facts = FACTS[name]
    plain = said(event, {key: _filled(value, "x") for key, value in facts.items()})
    nasty = said(event, {key: _filled(value, text) for key, value in facts.items()})
    assert len(nasty.subject.splitlines()) == 1
    assert len(nasty.body.splitlines()) == len(plain.body.splitlines())
    assert "49" not in nasty.body
    assert "xxxxxxxxx" not in nasty.body
    assert all(character.isprintable() or character == "\n" for character in nasty.subject + nasty.body)
    assert nasty.recipient == plain.recipient
    if "{" in text:
        assert text in nasty.body + nasty.subject


def _filled(value: str | tuple[str, ...], text: str) -> str | tuple[str, ...]:
    """The same shape of fact with another text; what is empty stays so, for it decides which lines there are."""
    if isinstance(value, tuple):
        return tuple(text for _ in value)
    return text if value and value != "not known yet" else value


def test_only_the_audience_of_an_event_hears_it() -> None:
    for event, facts in FACTS.values():
        staff = event.audience is Audience.STAFF
        assert said(event, facts).recipient == ("hr" if staff else "openings")


@pytest.mark.parametrize(
    ("template", "wrong"),
    [
        ("{{ titel }}", "'titel' is undefined"),
        ("{% if title %}", "Unexpected end of template"),
        ("{{ title + 1 }}", "can only concatenate str"),
        ("{{ title.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 // 0 }}", "by zero"),
    ],
)
def test_a_mistake_in_a_template_is_one_sentence_that_says_where(template: str, wrong: str) -> None:
    texts = dict(words()) | {"opened/body.txt": template}
    with pytest.raises(WordsError) as mistake:
        messages(Announcement(Event.OPENED, "k", "a", NEWS), ROUTES, texts)
    assert str(mistake.value).startswith("The words for opened cannot be used; see body.txt: ")
    assert wrong in str(mistake.value)
    assert len(str(mistake.value).splitlines()) == 1


def test_nobody_listens_so_nothing_is_said() -> None:
    assert messages(Announcement(Event.OPENED, "k", "a", NEWS), [], {}) == ()


def test_each_recipient_has_a_key_of_their_own() -> None:
    routes = [Route(Audience.PUBLIC, "folder", to) for to in ("a", "b")]
    made = messages(Announcement(Event.OPENED, "k", "a", NEWS), routes, words())
    assert [message.key for message in made] == ["k|folder|a", "k|folder|b"]


def test_the_words_are_folders_of_events_and_nothing_else() -> None:
    assert {Path(name).parent.name for name in words()} == {str(event) for event in Event}
