"""A team follows our pull requests in Slack: a card for each, in its thread what becomes of it, each thing once."""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbot.core.announce.blocks import ACTS
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Opinion, Said
from postbot.core.plan.people import digest
from postbot.roster import Roster
from tests.payloads import PAYLOADS
from tests.stories.test_announcements import AUTO
from tests.stories.test_crashes import ended, look
from tests.stories.test_live import Site, serving
from tests.twins.slack.client import SlackTwin
from tests.world import CONFIG, World

KEPT = ("plain git",)
HR, LIST, ADA = "C0JOBS", "C0LIST", "U0ADA1"
ROUTES = """\
  - {{to: slack:C0JOBS, hear: progress}}
  - {{to: "slack:C0LIST", hear: public}}
"""
ROLES = "roles: [{{who: U0ADA1, may: everything}}]\n"
OPENS = "March 9, 2026, 8:00 am EDT"
DUE = "2026-03-09T08:00"
ANNOUNCED = "Announced to 1 channel in Slack; openings@list.example by folder."
MARCH = {"opens": OPENS, "closes": "March 20, 2026, 11:59 pm EDT"}


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


def followed(
    folder: Path, slack: SlackTwin, config: str = CONFIG, *, released: bool = True, followed_by: str = "progress"
) -> World:
    """A site whose team follows its pull requests, looked at once."""
    routes = ROUTES.replace("hear: progress", f"hear: {followed_by}")
    slack.channel(LIST)
    slack.user(ADA, "ada@agency.example", real_name="Ada")
    ends = f"slack: {{{{server: '{slack.url}'}}}}\n"
    world = World(folder, config=config.replace("routes:\n", f"routes:\n{routes}") + ROLES + ends, released=released)
    world.tick()
    return world


def prepared(folder: Path, slack: SlackTwin, config: str = CONFIG, followed_by: str = "progress") -> World:
    """The same with an opening that has been prepared."""
    world = followed(folder, slack, config, followed_by=followed_by)
    world.write("pilot", **MARCH)
    world.tick()
    world.tick("2026-03-07T09:00")
    return world


def say(world: World, said: Said, by: str = "ann", words: str = "", until: datetime | None = None) -> None:
    [pull] = world.pulls()
    about = digest(pull, world.bot.observe().snapshot.files)
    opinion = Opinion(pull.branch, about, said, by, world.now, words, until)
    world.bot.ledger.opine(opinion, world.path("pilot"))
    world.advance(minutes=1)


def card(slack: SlackTwin) -> dict[str, Any]:
    """The one card of the team's channel, as it is now."""
    [root] = [each for each in slack.messages(HR) if not each.get("thread_ts") or each["thread_ts"] == each["ts"]]
    return root


def told(slack: SlackTwin) -> list[str]:
    """The words of the thread, in order."""
    root = card(slack)
    replies = [each for each in slack.messages(HR) if each is not root and each["ts"] != root["ts"]]
    assert all(each["thread_ts"] == root["ts"] for each in replies)
    return [plain(each)[2] for each in replies]


def plain(message: dict[str, Any]) -> list[str]:
    """The texts of a message's blocks, from its header on."""
    return [block["text"]["text"] for block in blocks(message) if "text" in block]


def blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    found = message["blocks"]
    return json.loads(found) if isinstance(found, str) else found


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """What can be asked for by the buttons of a message, with what each brings along."""
    elements = [each for block in blocks(message) if block["type"] == "actions" for each in block["elements"]]
    return {each["action_id"]: each["value"] for each in elements if each.get("action_id") in ACTS}


def lines(world: World) -> str:
    """The digest of the lines that the one pull request changes."""
    snapshot = world.host.look()
    [pull] = snapshot.pulls
    return digest(pull, snapshot.files)


def test_a_pull_request_is_followed_from_its_card_to_whom_it_was_announced(tmp_path: Path, slack: SlackTwin) -> None:
    world = prepared(tmp_path, slack)
    assert told(slack) == []
    assert "Nobody has approved it yet." in plain(card(slack))[2]
    assert {"-state: upcoming", "+state: open"} <= set(plain(card(slack))[3].splitlines())
    ref = world.bot.voice.ref(world.path("pilot"))
    assert buttons(card(slack)) == dict.fromkeys(("do:approve", "do:changes", "do:snooze"), f"{ref}/1/{lines(world)}")

    say(world, Said.CHANGES, words="The salary is wrong")
    assert plain(card(slack))[2] == "ann asks for changes: The salary is wrong."
    say(world, Said.APPROVE)
    assert plain(card(slack))[2] == "Approved by ann. Merged on its date."
    assert set(buttons(card(slack))) == {"do:changes", "do:snooze"}
    world.tick(DUE)
    world.advance(minutes=5)
    assert told(slack) == [
        "ann asks for changes: The salary is wrong.",
        "Approved by ann.",
        "Merged by postbot.",
        ANNOUNCED,
    ]
    assert plain(card(slack))[2] == ANNOUNCED
    assert buttons(card(slack)) == {}
    assert [message["text"] for message in slack.messages(LIST)] == ["Pilot: now open"]


def test_what_it_was_announced_to_is_told_in_the_same_look(tmp_path: Path, slack: SlackTwin) -> None:
    world = prepared(tmp_path, slack, AUTO)
    world.tick(DUE)
    assert told(slack)[-1] == ANNOUNCED
    assert world.tick().plan.steps == ()


def test_put_off_taken_up_again_and_closed_the_card_follows(tmp_path: Path, slack: SlackTwin) -> None:
    world = prepared(tmp_path, slack)
    say(world, Said.SNOOZE, until=world.now + timedelta(days=1))
    assert told(slack) == ["ann put it off until Sunday, March 8, 2026, 10:00 am EDT."]
    assert plain(card(slack))[2] == "Put off until Sunday, March 8, 2026, 10:00 am EDT."
    assert buttons(card(slack)) == {}
    world.tick("2026-03-08T11:00")
    assert told(slack)[1:] == ["It is open again."]
    assert set(buttons(card(slack))) == {"do:approve", "do:changes", "do:snooze"}
    world.reject(1, by="bo", reason="not this year")
    world.advance(minutes=1)
    assert told(slack)[2:] == ["bo closed it: not this year."]
    assert buttons(card(slack)) == {}


def test_what_is_missing_is_filled_in_from_the_card_and_then_it_can_be_approved(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = prepared(tmp_path, slack)
    world.change("pilot", "apply_url: https://apply.example.gov/pilot", "# apply_url: APPLICATION URL")
    world.advance(minutes=1)
    ref = world.bot.voice.ref(world.path("pilot"))
    assert buttons(card(slack)) == {
        "do:open": ref,
        **dict.fromkeys(("do:changes", "do:snooze"), f"{ref}/1/{lines(world)}"),
    }
    assert "apply_url" in plain(card(slack))[3].partition("What is missing:")[2]
    world.change("pilot", "# apply_url: APPLICATION URL", "apply_url: https://apply.example.gov/pilot")
    world.advance(minutes=1)
    assert "What is missing" not in plain(card(slack))[3]
    assert [words.partition(".")[0] for words in told(slack)] == ["It is a draft again", "Nothing is missing any more"]
    assert set(buttons(card(slack))) == {"do:approve", "do:changes", "do:snooze"}


def test_before_postbot_speaks_to_others_the_team_follows_all_the_same(tmp_path: Path, slack: SlackTwin) -> None:
    world = followed(tmp_path, slack, released=False)
    world.write("pilot", **MARCH)
    world.tick()
    world.tick("2026-03-07T09:00")
    assert plain(card(slack))[0] == "Pilot"
    assert slack.messages(LIST) == []


def test_who_begins_to_follow_hears_nothing_of_what_is_there_already(tmp_path: Path, slack: SlackTwin) -> None:
    world = prepared(tmp_path, slack, followed_by="[waiting]")
    world.advance(hours=1)
    config = world.folder / "postbot.yaml"
    config.write_text(config.read_text().replace("hear: [waiting]", "hear: progress"))
    world.restart()
    world.approve(1)
    world.tick(DUE)
    assert world.pulls() == []
    assert slack.messages(HR) == []


POSTS = ("the card", "the news", "a word in the thread", "the last word, once the news had gone out")
MOST_SECONDS = 20


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, len(POSTS) + 1), ids=POSTS)
def test_killed_while_slack_answers_each_word_is_told_once_and_in_order(
    tmp_path: Path, slack: SlackTwin, nth: int, when: str
) -> None:
    world = followed(tmp_path, slack, AUTO)
    world.write("pilot", **MARCH)
    world.bot.ledger.close()
    slack.fault("hang", nth=nth, when=when, seconds=MOST_SECONDS)
    killed = 0
    for later in ("2026-03-07T09:00", "2026-03-07T09:10", *(f"2026-03-09T{hour}" for hour in LATER)):
        killed += is_killed(look(world, later), slack)
    assert killed == 1
    assert told(slack) == ["Merged by postbot.", ANNOUNCED]
    assert plain(card(slack))[2] == ANNOUNCED
    assert [message["text"] for message in slack.messages(LIST)] == ["Pilot: now open"]


LATER = ("08:00", "08:01", "08:10", "10:00")


def is_killed(child: int, slack: SlackTwin) -> bool:
    """Let a look end, or kill it in the middle of a message that Slack keeps it waiting for."""
    before = len(slack.fired())
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return False
        if len(slack.fired()) > before:
            os.kill(child, signal.SIGKILL)
            assert ended(child) == -signal.SIGKILL
            slack.heal()
            return True
        time.sleep(0.02)


def test_where_the_news_wait_for_the_page_the_thread_says_when_it_shows_them(
    tmp_path: Path, slack: SlackTwin, site: Site
) -> None:
    settings = (
        f"announce: live\npublic:\n  url: {site.url}\n  within: 30 minutes\n  shows:\n"
        "    upcoming: 'upcoming {{closes}}'\n    open: 'open {{closes}}'\n    closed: 'closed {{closes}}'\nroutes:"
    )
    world = prepared(tmp_path, slack, AUTO.replace("routes:", settings))
    site.build(world, "pilot")
    world.tick(DUE)
    assert told(slack) == ["Merged by postbot."]
    site.build(world, "pilot")
    world.advance(minutes=2)
    assert told(slack)[1:] == ["The public page shows it.", ANNOUNCED]


# Who may decide ---------------------------------------------------------------------------------------------------


def test_a_yes_that_stops_counting_brings_the_buttons_back_and_again_each_time(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = prepared(tmp_path, slack)
    assert world.bot.roster is not None
    may = world.bot.roster
    none = replace(may, roles=())
    [pull] = world.pulls()
    yes = Opinion(pull.branch, lines(world), Said.APPROVE, f"Ada ({ADA})", world.now, asker=f"slack:{ADA}")
    world.bot.ledger.opine(yes, world.path("pilot"))
    buttons_there = []
    for roster in (may, none, none, may, none):
        world.bot.roster = roster
        world.advance(minutes=1)
        buttons_there.append("do:approve" in buttons(card(slack)))
    assert buttons_there == [False, True, True, False, True]
    gone = "Ada may not decide any more; somebody else has to approve it."
    assert told(slack) == ["Approved by Ada.", gone, "What Ada said counts again.", gone]
    world.tick(DUE)
    assert len(world.pulls()) == 1


def test_a_no_is_lifted_from_the_card_by_somebody_elses_yes(tmp_path: Path, slack: SlackTwin) -> None:
    world = prepared(tmp_path, slack)
    say(world, Said.APPROVE, "bo")
    say(world, Said.CHANGES, words="The salary is wrong")
    assert plain(card(slack))[2] == "ann asks for changes: The salary is wrong."
    assert "do:approve" in buttons(card(slack))
    say(world, Said.APPROVE, "bo")
    assert plain(card(slack))[2] == "Approved by bo. Merged on its date."


# What people write ---------------------------------------------------------------------------------------------------

HOSTILE = [text for text in PAYLOADS if text.isprintable() and text.strip()][::9]


def test_whatever_a_title_or_a_person_says_means_nothing_in_the_channel(tmp_path: Path, slack: SlackTwin) -> None:
    world = followed(tmp_path, slack, f"{CONFIG}safety: {{{{most_moves: 100}}}}\n")
    for number, text in enumerate(HOSTILE):
        world.write(f"job-{number}", **(MARCH | {"title": json.dumps(text, ensure_ascii=False)}))
    world.tick("2026-03-07T09:00")
    for number in range(len(HOSTILE)):
        say_of(world, f"job-{number}", Said.CHANGES, HOSTILE[-number], HOSTILE[number])
    world.advance(minutes=1)
    shown = slack.messages(HR)
    assert len(shown) > len(HOSTILE), "cards and words"
    assert {token for message in shown for token in message["tokens"]} <= {"*"}, "no more than a bold label"
    assert {action for message in shown for action in buttons(message)} <= set(ACTS)


def say_of(world: World, slug: str, said: Said, by: str, words: str) -> None:
    seen = world.bot.observe()
    pull = next((each for each in seen.snapshot.pulls if world.path(slug) in each.paths), None)
    if pull is not None:
        opinion = Opinion(pull.branch, digest(pull, seen.snapshot.files), said, by, world.now, words)
        world.bot.ledger.opine(opinion, world.path(slug))


# Whoever asked -------------------------------------------------------------------------------------------------------


def ask(world: World, transition: Transition, **values: str) -> None:
    """As Ada does from Slack."""
    wish = Wish(transition, values)
    world.bot.ledger.file(world.path("pilot"), wish, f"Ada ({ADA})", world.now, asker=f"slack:{ADA}")


def answered(slack: SlackTwin, member: str = ADA) -> list[list[str]]:
    """What somebody was told in private: the status and the words of each message."""
    return [[text.strip("*") for text in plain(each)[1:3]] for each in slack.messages(f"D{member[1:]}")]


@pytest.mark.parametrize("released", [True, False])
def test_whoever_asked_hears_what_came_of_it_and_nobody_else(tmp_path: Path, slack: SlackTwin, released: bool) -> None:
    asked = CONFIG.replace("routes:", "  extend: {{merge: when-due}}\nroutes:")
    world = followed(tmp_path, slack, asked, released=released)
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    world.advance(minutes=1)
    ask(world, Transition.EXTEND, closes="2026-03-27")
    world.advance(minutes=1)
    assert answered(slack) == []
    say_of(world, "pilot", Said.APPROVE, "ann", "")
    world.advance(minutes=1)
    world.advance(minutes=1)
    assert answered(slack) == [["You asked to extend: done", "Pull request #1 is merged.\nApproved by ann."]]
    ask(world, Transition.REOPEN)
    world.advance(minutes=1)
    status, why = answered(slack)[-1]
    assert status == "You asked to reopen: not done"
    assert "pilot is open" in why
    assert len(answered(slack)) == 2
    assert [subject for subject in world.said("hr@agency.example") if "you asked" in subject] == []


def test_who_may_not_any_more_hears_that_and_the_one_who_was_overtaken_by_whom(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = followed(tmp_path, slack)
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    world.advance(minutes=1)
    ask(world, Transition.EXTEND, closes="2026-03-27")
    world.ask("pilot", "close", by="bo", reason="filled")
    world.advance(minutes=1)
    assert answered(slack) == [["You asked to extend: not done", "bo's close, asked later, replaces it."]]
    assert world.bot.roster is not None
    world.bot.roster = Roster(world.bot.roster.workspace, ())
    ask(world, Transition.EXTEND, closes="2026-03-28")
    world.advance(minutes=1)
    status, why = answered(slack)[-1]
    assert status == "You asked to extend: not done"
    assert why.startswith("You may not extend this posting.")


def test_an_answer_is_given_once_though_the_process_is_killed_while_slack_takes_it(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = followed(tmp_path, slack)
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    world.advance(minutes=1)
    ask(world, Transition.REOPEN)
    world.bot.ledger.close()
    slack.fault("hang", when="after", seconds=MOST_SECONDS)
    assert is_killed(look(world, "2026-03-02T09:05"), slack)
    for later in ("2026-03-02T09:10", "2026-03-02T11:00"):
        assert not is_killed(look(world, later), slack)
    assert [status for status, _ in answered(slack)] == ["You asked to reopen: not done"]
