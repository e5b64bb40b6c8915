"""docs/hr.md: what it quotes is what the code says, every button is told of, and every picture is of today's views."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
import yaml
from jinja2 import UndefinedError
from playwright.sync_api import Page

from postbot.core.announce import Event
from postbot.core.profile import CloseReason
from postbot.doors.cli import app as commands
from postbot.doors.slack.views import (
    Carried,
    Found,
    Group,
    Json,
    Turn,
    Verb,
    board,
    changed,
    form,
    help_text,
    history,
    home,
    several,
    show,
)
from postbot.doors.slack.words import Search, parse
from tests.announcements import ASKED, FACTS, VARIANTS, said
from tests.doors.slack.scenes import many, pieces, strings
from tests.examples import ROOT
from tests.pictures import camera, slack
from tests.pictures.bakery import POSTINGS
from tests.pictures.scenes import SIGHT, form_of, friday, last_step, pages, wednesday

TEXT = (ROOT / "docs" / "hr.md").read_text(encoding="utf-8")
FOR_HR, _, FOR_KEEPERS = TEXT.partition("## For whoever keeps postbot")
PICTURES = sorted((ROOT / "docs" / "hr").glob("*.png"))
SPEAKING = [
    *sorted((ROOT / "postbot" / "doors" / "slack").rglob("*.py")),
    ROOT / "postbot" / "roster.py",
    *(ROOT / "postbot" / "core" / "plan" / name for name in ("progress.py", "waiting.py", "undoing.py")),
]
"""Where the sentences are that no view shows at the bakery."""


def quoted(text: str) -> list[str]:
    """What a text puts between backticks, each on one line."""
    return [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", text)]


# What is said --------------------------------------------------------------------------------------------------------


def all_views() -> Iterator[Json | list[Json]]:
    """The views and messages that the page is about."""
    for bakery in (wednesday(), friday()):
        scene = bakery.scene()
        yield from (list(board([scene], SIGHT, Turn(group)).blocks) for group in (None, *Group))
        yield home([scene], SIGHT)
        for posting in scene.postings:
            yield list(show(scene, posting, SIGHT).blocks)
            yield from (form(scene, posting, verb, pull=scene.pull(posting)) for verb in Verb)
        found = tuple(Found(scene, each) for each in scene.postings)
        yield list(several(Verb.CLOSE, Search(found), SIGHT).blocks)
        yield list(history(scene, scene.postings[0], ()).blocks)
        yield changed(scene, scene.postings[0], Carried(Verb.OPEN, "", ""))
    yield last_step()
    yield list(help_text().blocks)


def all_messages() -> Iterator[list[Json]]:
    for facts in (FACTS, VARIANTS):
        yield from (json.loads(said(*each, ASKED).blocks) for each in facts.values())
    for event in (Event.PROPOSED, Event.PROGRESS):
        yield from (json.loads(each.blocks) for each in friday().heard(event, "Cake Decorator"))


@cache
def constants() -> frozenset[str]:
    """Every text that stands in the code of the door, also as a part of another."""
    nodes = (node for path in SPEAKING for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


@cache
def spoken() -> frozenset[str]:
    """All that people read in Slack, without the counts behind the names of groups."""
    later = board([many(400)], SIGHT, Turn(Group.UPCOMING, 1)).blocks
    manifest = yaml.safe_load((ROOT / "config" / "slack-app.yaml").read_text(encoding="utf-8"))
    shortcuts = (each["name"] for each in manifest["features"]["shortcuts"])
    shown = (text for found in (*all_views(), *all_messages(), list(later)) for text in strings(found))
    reasons = (reason.capitalize() for reason in CloseReason)
    return frozenset(plain(each) for each in (*shown, *shortcuts, *reasons))


def plain(text: str) -> str:
    return re.sub(r" \(\d+\)$|#\d+", lambda found: "#1" if found[0][0] == "#" else "", text).strip("* :\n")


def is_said(quote: str) -> bool:
    """A name to the letter; a sentence also as a part of what is said, or of what the code has to say."""
    sentence = len(quote.split()) > 3
    return quote in spoken() or (sentence and any(quote in text for text in (*spoken(), *constants())))


@pytest.mark.parametrize("quote", sorted({each for each in quoted(FOR_HR) if not each.startswith("/")}))
def test_what_the_page_quotes_is_what_people_read_in_slack(quote: str):
    assert is_said(quote), f"nothing in Slack says {quote!r}"


def test_the_test_of_quotes_knows_what_nobody_says():
    assert not any(map(is_said, ("Op", "Opening", "Open the posting", "open", "Filed. You will hear nothing of it.")))


@pytest.mark.parametrize("typed", sorted({each for each in quoted(FOR_HR) if each.startswith("/")}))
def test_what_the_page_says_to_type_is_understood(typed: str):
    command, _, rest = typed.partition(" ")
    meant = parse(rest)
    assert command == "/posting"
    assert meant.verb is not None
    titles = [title.lower() for title, *_ in POSTINGS]
    assert meant.name in ("", *titles) or any(title.startswith(meant.name) for title in titles)


def test_everything_that_can_be_typed_is_on_the_page():
    typed = {
        parse(each.removeprefix("/posting").strip()).verb for each in quoted(FOR_HR) if each.startswith("/posting")
    }
    assert typed == set(Verb) - {Verb.CHANGES, Verb.SNOOZE}


def test_every_button_that_there_is_has_its_word_on_the_page():
    cards = (json.loads(said(*FACTS[event], ASKED).blocks) for event in (Event.NOT_READY, Event.PROPOSED))
    views = [view for view in all_views() if not _asks_which_one(view)]
    shown = (*views, *cards)
    menus = [each for found in shown for each in pieces(found, "overflow")]
    buttons = {plain(each["text"]["text"]) for found in shown for each in pieces(found, "button")}
    buttons |= {plain(each["text"]["text"]) for menu in menus for each in menu["options"]}
    submits = {view["submit"]["text"] for view in views if isinstance(view, dict) and "submit" in view}
    assert {"Approve", "Undo", "Begin again", "Take it back", "Fill in what is missing"} <= buttons | submits
    assert buttons | submits <= set(quoted(FOR_HR))


def _asks_which_one(found: Json | list[Json]) -> bool:
    return "Which one?" in list(strings(found))


def test_every_group_of_the_board_is_explained():
    told = FOR_HR.partition("## What the groups mean")[2].partition("## ")[0]
    assert re.findall(r"^- `(.*)`: ", told, re.MULTILINE) == [group.capitalize() for group in Group]


def test_the_list_at_the_top_leads_to_every_heading():
    heads = re.findall(r"^## (.*)$", FOR_HR, re.MULTILINE)
    anchors = [re.sub(r"[^a-z -]", "", head.lower()).replace(" ", "-") for head in heads]
    assert re.findall(r"^- \[(.*)\]\(#(.*)\)$", FOR_HR, re.MULTILINE) == list(zip(heads, anchors, strict=True))


def test_what_is_said_to_keepers_is_in_the_configuration():
    files = ("slack-app.yaml", "service.yaml", "postbot.yaml", "routes.yaml")
    settings = "\n".join((ROOT / "config" / name).read_text(encoding="utf-8") for name in files)
    known = {f"postbot {name}" for name in typer.main.get_command(commands).commands}
    for each in quoted(FOR_KEEPERS):
        last = each.rpartition(": ")[2]
        named = each in settings or last in settings or last in set(Event) or each.removesuffix(" check") in known
        assert named, f"nothing in the configuration is called {each}"
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / "docs" / target).exists(), target


# In words that people know --------------------------------------------------------------------------------------------


def test_people_and_channels_are_called_by_their_names_and_lines_need_no_git():
    said_last = "\n".join(strings(last_step()))
    assert "Opened: jobs@lists.bakery.example by email." in said_last
    assert "Opened: <#C024BAKERS> in Slack." in said_last  # Slack shows the channel's name
    assert "Line 4:\n-state: upcoming\n+state: open" in said_last
    assert "@@" not in said_last
    asked = "\n".join(strings(list(board([wednesday().scene()], SIGHT).blocks)))
    assert "Robin Mill asked to extend" in asked


def test_before_something_is_taken_back_it_is_said_what_and_until_when():
    friday_morning = friday()
    view = form(friday_morning.scene(), friday_morning.posting("Cake Decorator"), Verb.UNDO)
    assert (
        "This takes back what pull request #1 (Open: Cake Decorator) did. "
        "It can be taken back until Saturday, March 9, 2030, 9:00 am EST."
    ) in list(strings(view))
    never = form_of("Night Baker", Verb.UNDO)
    assert "Postbot has changed nothing about night-baker that could be taken back." in list(strings(never))


# Pictures ------------------------------------------------------------------------------------------------------------


def test_every_picture_is_on_the_page_with_words_for_those_who_cannot_see_it():
    shown = re.findall(r'<img src="hr/([a-z-]+)\.png" width="390" alt="([^"]{20,})">', TEXT)
    assert sorted(name for name, _ in shown) == sorted(pages()) == [path.stem for path in PICTURES]
    assert TEXT.count("<img") == len(shown)


@pytest.mark.parametrize("name", pages())
def test_a_picture_is_small_and_of_what_postbot_says_today(name: str):
    png = (ROOT / "docs" / "hr" / f"{name}.png").read_bytes()
    fresh = camera.source(png) == camera.digest(pages()[name])
    assert fresh, f"what {name}.png shows has changed; draw it again, and look at it: make picture"
    assert len(png) <= camera.MOST_BYTES
    assert camera.size(png)[0] == 2 * camera.WIDTH


def test_a_picture_of_other_words_is_not_taken_for_fresh():
    html = pages()["form-close"]
    assert camera.digest(html.replace("Why?", "Why not?")) != camera.digest(html)


CUT = """[...document.querySelectorAll("main *")]
    .filter(each => each.clientWidth && each.scrollWidth > each.clientWidth + 1)"""


@pytest.fixture(scope="module")
def phone() -> Iterator[Page]:
    try:
        with camera.phone() as page:
            yield page
    except camera.NoChromiumError as error:
        pytest.skip(str(error))


def test_on_a_phone_nothing_is_cut_off_and_nothing_is_loaded(phone: Page):
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    for html in pages().values():
        phone.set_content(html)
        assert phone.evaluate("document.documentElement.scrollWidth") == camera.WIDTH
        assert phone.evaluate(f"{CUT}.map(each => each.outerHTML)") == []
    assert asked == []


def test_a_drawn_picture_says_what_it_was_made_from(phone: Page, tmp_path: Path):
    html = pages()["refusal"]
    (tmp_path / "old.png").write_bytes(b"")
    camera.draw(phone, {"refusal": html}, tmp_path)
    [made] = tmp_path.iterdir()
    assert (camera.source(made.read_bytes()), made.name) == (camera.digest(html), "refusal.png")
    phone.goto(made.as_uri())
    assert phone.evaluate("document.images[0].naturalWidth") == 2 * camera.WIDTH


@pytest.mark.parametrize(
    "block",
    [{"type": "carousel"}, {"type": "divider"}, {"type": "section", "text": {"type": "plain_text", "text": ""}}],
)
def test_what_slack_would_not_take_or_nobody_has_drawn_is_no_picture(block: Json):
    view = form_of("Night Baker", Verb.CLOSE)
    with pytest.raises((AssertionError, UndefinedError)):
        slack.view(view | {"blocks": [*view["blocks"], block]})
