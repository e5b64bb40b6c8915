"""`postbot announce --preview`, `postbot release public`, and a site's own words, at the command line."""

import json
import shutil
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from postbot.core.announce import Event
from tests.doors.command import footprint, postbot
from tests.world import World

NOW = "2026-03-05T09:00"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, released=False)
    world.write("pilot", opens="March 9, 2026, 8:00 am EDT", closes="March 20, 2026, 11:59 pm EDT")
    world.tick()
    world.bot.ledger.close()
    return world


def preview(world: World, event: str, *more: str, at: str = NOW):
    return postbot("announce", "pilot", event, "--preview", "--at", at, *more, cwd=world.folder)


def routed(world: World, hear: str) -> None:
    """Somebody hears this, too."""
    config = world.folder / "postbot.yaml"
    route = f"  - {{to: 'folder:team@agency.example', hear: {hear}}}\n"
    config.write_text(config.read_text().replace("routes:\n", f"routes:\n{route}"))


def release(world: World) -> None:
    assert postbot("release", "public", cwd=world.folder).code == 0


def test_a_release_before_the_first_tick_stands(world: World):
    shutil.rmtree(world.folder / ".postbot")
    release(world)
    world.restart()
    assert "public" in world.bot.ledger.memory().released


@pytest.mark.parametrize("event", list(Event))
def test_every_event_of_a_posting_can_be_looked_at(world: World, event: Event):
    release(world)
    routed(world, "progress")
    done = preview(world, event)
    assert (done.code, done.err) == (0, "")
    if event is Event.ANSWERED:
        assert "To slack:whoever asked\n    because it is for those whom it concerns" in done.out
    else:
        assert "because postbot.yaml line" in done.out
        assert f"hears {event}" in done.out


def test_a_preview_says_to_whom_why_and_the_words_as_they_will_be(world: World):
    release(world)
    before = footprint(world.folder)
    done = preview(world, "opened")
    assert "To folder:openings@list.example" in done.out
    assert "Subject: Pilot: now open" in done.out
    assert footprint(world.folder) == before, "nothing is sent and nothing is written"
    world.restart()
    world.approve(world.tick("2026-03-06T08:00").plan.offers and 1)
    world.tick("2026-03-09T08:00")
    words = world.read("Pilot: now open").splitlines()
    assert [line.strip() for line in done.out.splitlines()][-len(words) :] == words


def test_before_the_release_a_preview_shows_that_only_the_team_hears(world: World):
    done = preview(world, "opened")
    assert "To folder:hr@agency.example" in done.out
    assert "Only the team hears this" in done.out
    assert "To folder:openings@list.example" not in done.out


def test_a_preview_as_json_has_every_part(world: World):
    (message,) = preview(world, "extended", "--json").json()
    assert set(message) == {"channel", "recipient", "why", "subject", "text", "html", "blocks", "calendar", "page"}
    assert message["html"].startswith("<!doctype html>")
    assert message["blocks"][1]["type"] in ("header", "section")


def test_a_preview_as_files_can_be_opened_by_a_mail_program(world: World):
    release(world)
    assert preview(world, "opened", "--into", "there").code == 0
    [file] = (world.folder / "there").glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Pilot: now open"
    assert json.loads(file.with_suffix(".json").read_text())["event"] == "opened"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["announce", "pilot", "opened"], "add --preview"),
        (["announce", "pilot", "opend", "--preview"], "There is no event opend."),
        (["announce", "nosuch", "opened", "--preview"], "There is no posting nosuch."),
        (["deliveries", "resend"], "deliveries resend ID"),
        (["release", "private"], "is no digest"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(world: World, args: list[str], says: str):
    done = postbot(*args, cwd=world.folder)
    assert done.code == 2
    assert says in done.err


@pytest.mark.parametrize(
    ("event", "hear"),
    [("opened", "public"), ("not-ready", "staff"), ("proposed", "progress"), ("progress", "progress")],
)
def test_what_nobody_hears_says_so_and_which_route_would_lead_there(world: World, event: str, hear: str):
    config = world.folder / "postbot.yaml"
    config.write_text(config.read_text().partition("routes:")[0])
    missing = f"Nobody hears {event}: no route of the configuration leads there."
    assert preview(world, event).out == f"{missing} One with `hear: {hear}` would; routes.yaml shows how to write it.\n"
    config.write_text(f"{config.read_text()}routes:\n  - {{to: 'folder:team', hear: {hear}}}\n")
    release(world)
    assert "To folder:team" in preview(world, event).out


# A site's own words --------------------------------------------------------------------------------------------------


def own(world: World, name: str, text: str) -> None:
    file = world.folder / "words" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    config = world.folder / "postbot.yaml"
    if "words:" not in config.read_text():
        config.write_text(f"{config.read_text()}words: words\n")


def test_a_sites_own_words_take_the_place_of_ours_one_by_one(world: World):
    release(world)
    own(world, "opened/subject.txt", "{{ title }} in {{ fields['location'] }}")
    done = preview(world, "opened")
    assert "Subject: Pilot in Denver, CO" in done.out
    assert "is open for applications" in done.out


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("opened/subject.txt", "{{ titel }}", "The words for opened cannot be used; see subject.txt: 'titel'"),
        ("closed/body.html", "{% if %}", "The words for closed cannot be used; see body.html"),
        ("held/blocks.json", "[{]", "The words for held cannot be used; see blocks.json: it is not JSON"),
        ("opend/subject.txt", "x", "opend/subject.txt in"),
        ("opened/subject.text", "x", "Did you mean opened/subject.txt?"),
        ("opened/body.txt", "{{ ''.__class__.__mro__ }}", "The words for opened cannot be used; see body.txt"),
    ],
)
def test_words_that_cannot_be_used_are_told_at_once(world: World, name: str, text: str, says: str):
    own(world, name, text)
    for command in (["tick", "--at", NOW], ["announce", "pilot", "opened", "--preview"]):
        done = postbot(*command, cwd=world.folder)
        assert (done.code, done.out) == (1, "")
        assert says in done.err
        assert "Traceback" not in done.err
