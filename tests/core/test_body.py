"""What a reviewer reads on a pull request, and that nobody's words can do anything there."""

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import cmarkgfm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postbot.app import words
from postbot.core.announce import Announcement, Audience, Event, Message
from postbot.core.announce.routes import Route, events_of
from postbot.core.announce.words import Voice, messages
from postbot.core.inert import shown
from postbot.core.lifecycle import Moved, Transition, Wish, carry_out
from postbot.core.plan.body import MOST_BODY, MOST_TITLE, announced, body, commit_message, diff_lines, title_of
from postbot.core.plan.forecast import forecast
from postbot.core.plan.memory import Request
from postbot.core.plan.steps import Merge, MergeWhen, Propose, Record
from postbot.core.posting import Posting
from postbot.core.site import Path
from postbot.core.text.editing import LineChange, ValueChange
from tests.examples import DATES, HUGO, STATE, posting
from tests.golden import Golden
from tests.payloads import PAYLOADS, PIECES, hides, reactions, read
from tests.values import BEGIN, Values, policy

PATH = "jobs/harbour-pilot.md"
ROUTES = [
    Route("folder", "openings@list.example", events_of(Audience.PUBLIC), place="routes.yaml line 1"),
    Route("console", "lobby", events_of(Audience.PUBLIC), place="routes.yaml line 3"),
    Route("console", "hr", events_of(Audience.STAFF), place="routes.yaml line 5"),
]
UPCOMING = (
    STATE.replace("opens: tbd", "opens: March 4, 2026, 9:00 am EST")
    .replace("# closes: MONTH DAY, YEAR, TIME EDT", "closes: March 16, 2026, 11:59 pm EDT")
    .replace("# job_announcement_number: 'ENTER JOB ANNOUNCEMENT NUMBER'", "job_announcement_number: '26PORT7'")
    .replace("# apply_url: APPLICATION URL", "apply_url: https://apply.example.gov/1")
    .replace("# ohrm_comtact_email: 'ENTER OHRM CONTACT EMAIL'", "ohrm_comtact_email: 'hr@example.org'")
    .replace("# promotion_potential: 'ENTER THE GS LEVEL' (13, 14, 15, etc.)", "promotion_potential: '15'")
    .replace("# supervisory_status: 'YES' or 'NO'", "supervisory_status: 'NO'")
)
OPEN = re.sub(r"# (location|gs_level|salary_min|org):", r"\1:", UPCOMING).replace("state: upcoming", "state: open")
SOON = OPEN.replace("March 16", "March 4").replace("March 4, 2026, 9:00 am", "March 1, 2026, 9:00 am")
CLOSED = OPEN.replace("state: open", "state: closed").replace("2026", "2025")

SCENES: dict[str, tuple[str, str, Wish | None]] = {
    "opening": ("jekyll-state", UPCOMING, None),
    "draft": (
        "jekyll-state",
        UPCOMING.replace("apply_url: https://apply.example.gov/1", "# apply_url: APPLICATION URL"),
        None,
    ),
    "closing": ("jekyll-state", SOON, None),
    "closing-early": ("jekyll-state", OPEN, Wish(Transition.CLOSE, {}, "cap reached")),
    "extension": ("jekyll-state", OPEN, Wish(Transition.EXTEND, {"closes": "2026-03-27T17:00"})),
    "postponing": ("jekyll-state", OPEN, Wish(Transition.POSTPONE, {}, "the budget")),
    "using-again": ("jekyll-state", CLOSED, Wish(Transition.REOPEN, {})),
    "back-dating": ("jekyll-dates", DATES.replace("2030", "2026").replace("03-04", "03-01"), Wish(Transition.CLOSE)),
    "weight": ("hugo", HUGO.replace("2030-03-04", "2026-02-02").replace("2030-03-15", "2026-03-04"), None),
}


def propose(name: str) -> tuple[Values, Propose]:
    kind, text, wish = SCENES[name]
    world = Values(policy(MergeWhen.WHEN_DUE), kind)
    world.write(PATH, text)
    if wish:
        world.take(world.plan().steps)
        world.request(PATH, wish)
    [step] = [step for step in world.plan().steps if isinstance(step, Propose)]
    return world, step


def told(step: Propose) -> list[Message]:
    return [message for each in step.foretold for message in messages(each, Voice(words(), ROUTES))]


@pytest.mark.parametrize("name", SCENES)
def test_a_pull_request_reads_as_it_was_agreed(name: str, golden: Golden) -> None:
    _, step = propose(name)
    change = step.change
    whole = announced(change.body, step.foretold, told(step))
    golden(f"pulls/{name}.md", f"{change.title}\n\n{change.message}\n{whole}")


def test_a_draft_says_what_is_missing_and_how_to_fill_it() -> None:
    text = propose("draft")[1].change.body
    assert text.startswith(
        "**Not ready yet. From Wednesday, March 4, 2026, 9:00 am EST, once this is merged, the public"
    )
    assert "- `apply_url` is commented out, waiting for APPLICATION URL." in text
    assert "| `apply_url` |  | **MISSING**: commented out, line 26 |" in text
    assert "Fill it in on the base branch, in `jobs/harbour-pilot.md`, and this pull request follows." in text


Opening = tuple[Posting, Moved, Wish, datetime, Request]


def opening(text: str) -> Opening:
    found, wish = posting(text, "jekyll-state"), Wish(Transition.OPEN, {"closes": "2026-03-20"})
    moved = carry_out(found, wish, BEGIN)
    assert isinstance(moved, Moved)
    return found, moved, wish, BEGIN, Request(7, found.path, wish, "robin", BEGIN)


@pytest.mark.parametrize("name", [name for name in SCENES if name != "draft"])
def test_what_is_foretold_is_what_is_said_once_it_is_merged_on_time(name: str) -> None:
    world, step = propose(name)
    to_come, _ = forecast(world.seen, world.now, step.due + timedelta(days=1), world.policy)
    merged = next(at for at, each in enumerate(to_come) if isinstance(each.step, Merge))
    said = [each.step.announcements for each in to_come[merged:] if isinstance(each.step, Record)]
    assert heard(step.foretold) == heard(next(iter(said), ()))


def heard(announcements: Sequence[Announcement]) -> list[tuple[object, ...]]:
    """What people hear of them: when it is foretold, nobody knows yet at which instant it will be."""
    return [(each.event, each.slug, each.facts, each.expires) for each in announcements]


def test_who_would_be_told_nothing_is_said_so() -> None:
    _, step = propose("opening")
    assert "Nothing: for those who follow the openings, this merge is no news." in announced(step.change.body, (), ())
    assert "Nothing: nobody is listed" in announced(step.change.body, step.foretold, ())
    assert announced("Other words.", (), ()).startswith("### What will be announced")


def test_many_recipients_of_one_text_are_listed_and_it_is_shown_once() -> None:
    text = announced("", SAID, [message("Now open", to=f"list-{n}") for n in range(40)])
    assert text.count("Now open") == 2
    assert "`mail:list-19`; and 20 more" in text
    assert "list-20" not in text


# Inert


SAID = (Announcement(Event.OPENED, "opened:1", "harbour-pilot"),)


def message(text: str, to: str = "openings") -> Message:
    return Message(f"opened:1|{to}", Event.OPENED, "harbour-pilot", "mail", to, text, f"{text}\nApply.\n")


@cache
def plain() -> Opening:
    return opening(STATE)


def filled(text: str) -> Opening:
    """An opening of a file that holds this text as values, if a file can."""
    spelt = json.dumps(text)
    try:
        return opening(STATE.replace("'Lisbon, PT'", spelt).replace("'Ana Reis'", spelt))
    except AssertionError:
        return plain()


def everywhere(text: str, of: Opening) -> str:
    """A body with this text in every place that people fill."""
    found, moved, _, due, _ = of
    found = replace(found, document=replace(found.document, path=Path(text)), slug=text, title=text)
    proof = replace(
        moved.edited.proof,
        values=(*moved.edited.proof.values, ValueChange(text, text, text)),
        spelling=((text, text),),
    )
    moved = replace(moved, edited=replace(moved.edited, proof=proof), remarks=(f"Set `{text}` to {text}.", f"x {text}"))
    wish = Wish(Transition.OPEN, {}, text)
    diff = "\n".join(diff_lines(text, [LineChange(3, text.replace("\n", " "), None)]))
    request = Request(7, found.path, wish, text, BEGIN)
    made = body(found, moved, wish, due, request, diff, [f"`{text}` is missing.", f"x {text}"])
    return f"{by_the_clock(found, text)}\n{announced(made, SAID, [message(text, to=text)])}"


def by_the_clock(found: Posting, text: str) -> str:
    """A closing that nobody asked for, with this text for its date."""
    closes = found.document.fields["opens"]._replace(key=text, text=text)
    dated = replace(found, document=replace(found.document, fields={"closes": closes}))
    return body(dated, plain_closing(), Wish(Transition.CLOSE), BEGIN + timedelta(days=1), None, "")


@cache
def plain_closing() -> Moved:
    moved = carry_out(posting(OPEN, "jekyll-state"), Wish(Transition.CLOSE), BEGIN)
    assert isinstance(moved, Moved)
    return moved


MARKS = ("code", "/code")  # what a sentence marks in a text that holds marks of its own


def shape(elements: list[str]) -> list[str]:
    return [element for element in elements if element not in MARKS]


def assert_inert(text: str, make: Callable[[str], Opening]) -> None:
    markdown, ordinary = (everywhere(each, make(each)) for each in (text, "word" if shown(text) else text and " "))
    elements, found = read(markdown)
    if "*Left out: " in markdown:
        assert set(elements) <= set(read(ordinary)[0])
    else:
        assert shape(elements) == shape(read(ordinary)[0])
    assert found == []
    assert not [letter for letter in markdown if hides(letter)]
    assert len(markdown) <= MOST_BODY


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_a_payload_makes_no_element_and_no_reaction_in_a_body(payload: str) -> None:
    assert_inert(payload, filled)


@settings(max_examples=100)  # each of the functions that make text inert has its thousands in test_inert
@given(st.text(st.characters(exclude_categories=())) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_text_makes_an_element_or_a_reaction_in_a_body(text: str) -> None:
    assert_inert(text, lambda _: plain())


def message_of(text: str) -> tuple[str, str]:
    found = replace(posting(STATE, "jekyll-state"), title=text, slug=text)
    found = replace(found, document=replace(found.document, path=Path(text)))
    wish = Wish(Transition.CLOSE, {}, text or None)
    title = title_of(found, wish)
    return title, commit_message(found, wish, BEGIN, Request(7, found.path, wish, text, BEGIN), title)


OURS = ["Postbot-Transition", "Postbot-Posting", "Postbot-Due", "Requested-By", "Postbot-Reason"]


def assert_message_inert(text: str) -> None:
    title, said = message_of(text)
    assert len(title) <= MOST_TITLE
    assert reactions(title) == []
    first, blank, *trailers, end = re.split("[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", said)
    assert (first, blank, end) == (title, "", "")
    assert [line.partition(": ")[0] for line in trailers] == (OURS if text else OURS[:-1])
    assert [found for line in trailers for found in reactions(line.partition(": ")[2]) if "Due" not in line] == []


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_a_commit_message_has_our_trailers_and_no_others(payload: str) -> None:
    assert_message_inert(payload)
    said = message_of(payload)[1]
    command = ["git", "interpret-trailers", "--parse"]
    parsed = subprocess.run(command, input=said.encode(), capture_output=True, check=True).stdout.decode()
    assert [line.partition(":")[0] for line in parsed.splitlines()] == OURS


@given(st.text(st.characters(exclude_categories=())) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_text_adds_a_line_or_a_reaction_to_a_commit_message(text: str) -> None:
    assert_message_inert(text)


def test_a_bar_in_a_value_hides_nothing_of_it_from_the_table() -> None:
    html = cmarkgfm.github_flavored_markdown_to_html(
        body(*opening(STATE.replace("Lisbon, PT", "a | b \\| c")), diff="")
    )
    assert r"<td><code>a | b \| c</code></td>" in html


# Length


LONG: dict[str, Callable[[], str]] = {
    "diff": lambda: body(*opening(STATE), diff="+x: " + "long " * 20_000),
    "what is missing": lambda: body(*opening(STATE), diff="", lacks=["word " * 20_000]),
    "fields": lambda: body(
        *opening(STATE.replace("# gs_level: 14", "\n".join(f"k{n}: {'w' * 250}" for n in range(200)))), diff=""
    ),
    "announcement": lambda: announced(body(*opening(STATE), diff=""), SAID, [message("word " * 20_000)]),
}


@pytest.mark.parametrize("what", LONG)
def test_what_is_too_long_for_a_body_gives_way_to_a_sentence(what: str) -> None:
    text = LONG[what]()
    assert len(text) <= MOST_BODY
    assert re.search(r"\*Left out: [\d,]+ characters, more than fit in here\.\*", text)
    assert "As soon as this is merged, the public sees `Harbour Pilot` as open" in text.partition("\n")[0]
    assert "### To change or stop this" in text
