"""What somebody in Slack asked for is carried out only while they may: also after a crash, and however late it is due."""

from datetime import timedelta
from pathlib import Path

import pytest

from postbot.channels.slack import client
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Request
from postbot.core.plan.rights import Action, Role
from postbot.roster import Roster
from tests.twins.slack.client import SlackTwin
from tests.world import CONFIG, World

ADA, HR = "U0ADA1", "S0HRTEAM"
OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}
BY_ITSELF = CONFIG.replace("transitions:\n", "transitions:\n  extend: {{lead: 0 days, merge: auto}}\n")


@pytest.fixture
def slack(workspace: SlackTwin) -> SlackTwin:
    workspace.forget()
    workspace.user(ADA, "ada@agency.example", real_name="Ada")
    workspace.group(HR, ADA)
    return workspace


def site(folder: Path, slack: SlackTwin, config: str = BY_ITSELF) -> World:
    world = World(folder, config=config)
    world.write("pilot", **OPEN)
    world.tick()
    everything = Role(frozenset({HR}), frozenset(Action))
    world.bot.roster = Roster(client(slack.token, slack.url, timedelta(seconds=2)), (everything,))
    return world


def ask(world: World, transition: str, **values: str) -> Request:
    wish = Wish(Transition(transition), values)
    return world.bot.ledger.file(world.path("pilot"), wish, f"Ada ({ADA})", world.now, asker=f"slack:{ADA}")


def forget_what_slack_said(world: World) -> None:
    """As after five minutes."""
    assert world.bot.roster is not None
    world.bot.roster._known.clear()


def test_who_may_gets_what_they_ask_for(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack)
    request = ask(world, "extend", closes="2026-03-27")
    world.tick()
    assert world.answer(request) == (True, "Pull request #1 is merged.")


def test_who_may_not_any_more_is_refused_and_nothing_is_opened(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack)
    request = ask(world, "extend", closes="2026-03-27")
    slack.group(HR)
    world.tick()
    done, words = world.answer(request) or (None, "")
    assert done is False
    assert words.startswith("You may not extend this posting.")
    assert world.pulls(None) == []


def test_who_loses_the_right_while_it_waits_for_its_date_has_it_taken_back(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack, CONFIG)
    request = ask(world, "extend", closes="2026-03-27")
    world.tick()
    assert len(world.pulls()) == 1
    slack.user(ADA, disabled=True)
    forget_what_slack_said(world)
    world.approve(1)
    world.advance(minutes=10)
    assert world.answer(request) == (False, "This account is deactivated.")
    assert world.pulls() == []
    assert world.said() == []


def test_while_slack_is_silent_nothing_is_done_or_taken_back_and_then_it_goes_on(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = site(tmp_path, slack)
    request = ask(world, "extend", closes="2026-03-27")
    slack.fault("500", "users.info", times=1000)
    world.tick()
    world.advance(minutes=1)
    assert world.answer(request) is None
    assert world.pulls(None) == []
    slack.heal()
    world.advance(minutes=1)
    assert world.answer(request) == (True, "Pull request #1 is merged.")


def test_what_waits_for_a_person_stays_open_while_slack_is_silent(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack, CONFIG)
    ask(world, "extend", closes="2026-03-27")
    world.tick()
    forget_what_slack_said(world)
    slack.fault("500", "users.info", times=1000)
    world.advance(minutes=10)
    assert len(world.pulls()) == 1


def test_a_site_that_grants_nobody_anything_any_more_refuses(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack)
    request = ask(world, "extend", closes="2026-03-27")
    world.bot.roster = None
    world.tick()
    assert world.answer(request) == (False, "Nobody may ask for this from Slack any more.")


def test_while_slack_is_silent_a_closing_that_is_due_does_not_wait_for_what_was_asked(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = site(tmp_path, slack, CONFIG)
    request = ask(world, "close")
    slack.fault("500", "users.info", times=1000)
    world.tick("2026-03-20T23:59")
    assert "state: closed" in world.text("pilot")
    slack.heal()
    world.advance(minutes=1)
    assert (world.answer(request) or (None,))[0] is not None
