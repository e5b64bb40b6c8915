"""What somebody in Slack asked for is carried out only while they may: also after a crash, and however late it is due."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbot.channels.slack import client
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Opinion, Request, Said
from postbot.core.plan.people import digest
from postbot.core.plan.rights import Action, Role
from postbot.roster import AGAIN, Roster, Workspace
from tests.twins.slack.client import SlackTwin
from tests.world import CONFIG, World

ADA, BEN, HR = "U0ADA1", "U0BEN1", "S0HRTEAM"
OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}
BY_ITSELF = CONFIG.replace("transitions:\n", "transitions:\n  extend: {{lead: 0 days, merge: auto}}\n")


@pytest.fixture
def slack(workspace: SlackTwin) -> SlackTwin:
    workspace.forget()
    workspace.user(ADA, "ada@agency.example", real_name="Ada")
    workspace.user(BEN, "ben@agency.example", real_name="Ben")
    workspace.group(HR, ADA, BEN)
    return workspace


def site(folder: Path, slack: SlackTwin, config: str = BY_ITSELF) -> World:
    world = World(folder, config=config)
    world.write("pilot", **OPEN)
    world.tick()
    everything = Role(frozenset({HR}), frozenset(Action))
    world.bot.roster = Roster(workspace_of(slack), (everything,))
    return world


def workspace_of(slack: SlackTwin) -> Workspace:
    return Workspace(client(slack.token, slack.url, timedelta(seconds=2)))


def ask(world: World, transition: str, **values: str) -> Request:
    wish = Wish(Transition(transition), values)
    return world.bot.ledger.file(world.path("pilot"), wish, f"Ada ({ADA})", world.now, asker=f"slack:{ADA}")


def forget_what_slack_said(world: World, slack: SlackTwin) -> None:
    """As after five minutes."""
    assert world.bot.roster is not None
    world.bot.roster = replace(world.bot.roster, workspace=workspace_of(slack))


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
    forget_what_slack_said(world, slack)
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
    forget_what_slack_said(world, slack)
    world.advance(minutes=1)
    assert world.answer(request) == (True, "Pull request #1 is merged.")


def test_what_waits_for_a_person_stays_open_while_slack_is_silent(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack, CONFIG)
    ask(world, "extend", closes="2026-03-27")
    world.tick()
    forget_what_slack_said(world, slack)
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
    assert world.answer(request) is None, "nobody can tell yet whether who asked may"
    slack.heal()
    forget_what_slack_said(world, slack)
    world.advance(minutes=1)
    assert (world.answer(request) or (None,))[0] is not None


# The right to approve ------------------------------------------------------------------------------------------------

EXTENDING = CONFIG.replace("transitions:\n", "transitions:\n  extend: {{lead: 0 days, merge: when-due}}\n")


def said(world: World, what: Said, by: str = f"Ben ({BEN})", asker: str = f"slack:{BEN}") -> None:
    [pull] = world.pulls()
    about = digest(pull, world.bot.observe().snapshot.files)
    opinion = Opinion(pull.branch, about, what, by, world.now, "Not so", asker=asker)
    world.bot.ledger.opine(opinion, world.path("pilot"))


@pytest.fixture
def extending(tmp_path: Path, slack: SlackTwin) -> World:
    """A site where an extension that Ada has asked for waits for a yes, and Ben may give it."""
    world = site(tmp_path, slack, EXTENDING)
    ask(world, "extend", closes="2026-03-27")
    world.tick()
    world.advance(minutes=1)
    return world


def test_a_yes_counts_while_who_gave_it_may_approve(extending: World) -> None:
    said(extending, Said.APPROVE)
    extending.advance(minutes=1)
    assert "March 27" in extending.text("pilot")


def test_a_yes_of_somebody_who_may_not_approve_any_more_merges_nothing(extending: World, slack: SlackTwin) -> None:
    said(extending, Said.APPROVE)
    slack.group(HR, ADA)
    forget_what_slack_said(extending, slack)
    extending.advance(minutes=1)
    assert len(extending.pulls()) == 1


def test_a_yes_counts_again_once_slack_says_who_gave_it(extending: World, slack: SlackTwin) -> None:
    said(extending, Said.APPROVE)
    forget_what_slack_said(extending, slack)
    slack.fault("500", "users.info", times=1000)
    extending.advance(minutes=1)
    assert len(extending.pulls()) == 1
    slack.heal()
    forget_what_slack_said(extending, slack)
    extending.advance(minutes=1)
    assert "March 27" in extending.text("pilot")


def test_a_no_holds_while_slack_is_silent_and_not_of_somebody_who_has_left(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack, CONFIG.replace("when-due", "auto"))
    world.write("leader", opens="March 9, 2026, 8:00 am EDT", closes="March 20, 2026, 11:59 pm EDT")
    world.tick("2026-03-07T09:00")
    said(world, Said.CHANGES)
    forget_what_slack_said(world, slack)
    slack.fault("500", "users.info", times=1000)
    world.tick("2026-03-09T08:00")
    assert "state: upcoming" in world.text("leader")
    slack.heal()
    slack.user(BEN, disabled=True)
    forget_what_slack_said(world, slack)
    world.advance(minutes=1)
    assert "state: open" in world.text("leader")


def test_the_wish_that_somebody_repeats_counts_in_place_of_their_earlier_one(extending: World) -> None:
    [first] = extending.bot.ledger.memory().requests
    ask(extending, "extend", closes="2026-03-29")
    extending.advance(minutes=1)
    extending.advance(minutes=1)
    assert extending.answer(first) == (False, "Your later wish replaces it.")
    said(extending, Said.APPROVE)
    extending.advance(minutes=1)
    assert "March 29" in extending.text("pilot")


def test_what_is_put_off_keeps_nobody_else_waiting_and_has_its_turn_on_its_date(extending: World) -> None:
    [first] = extending.bot.ledger.memory().requests
    [pull] = extending.pulls()
    until = extending.now + timedelta(days=2)
    off = Opinion(pull.branch, "", Said.SNOOZE, f"Ben ({BEN})", extending.now, until=until, asker=f"slack:{BEN}")
    extending.bot.ledger.opine(off, extending.path("pilot"))
    second = extending.ask("pilot", "extend", closes="2026-03-24")
    extending.advance(minutes=1)
    said(extending, Said.APPROVE)
    extending.advance(minutes=1)
    extending.advance(minutes=1)
    assert (extending.answer(second) or (None,))[0] is True
    assert extending.answer(first) is None
    extending.tick(until + timedelta(minutes=1))
    assert [each.branch for each in extending.pulls()] == [pull.branch]


# Two people ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("yes", [f"Ada ({ADA})", "ada-gh"], ids=["named as then", "named on the host"])
@pytest.mark.parametrize("asks", [f"Ada ({ADA})", "ada-gh"], ids=["asked before", "asked after"])
@pytest.mark.parametrize("people", ["{{}}", f"{{{{{ADA}: ada-gh}}}}"], ids=["not in the configuration", "in it"])
def test_nobody_approves_their_own_wish_under_another_of_their_names(
    tmp_path: Path, slack: SlackTwin, people: str, asks: str, yes: str
) -> None:
    world = site(tmp_path, slack, f"{EXTENDING}approval: {{{{two_people: true, people: {people}}}}}\n")
    wish = Wish(Transition.EXTEND, {"closes": "2026-03-27"})
    world.bot.ledger.file(world.path("pilot"), wish, asks, world.now, asker=f"slack:{ADA}")
    world.tick()
    said(world, Said.APPROVE, yes, f"slack:{ADA}")
    world.advance(minutes=1)
    assert len(world.pulls()) == 1
    said(world, Said.APPROVE)
    world.advance(minutes=1)
    assert "March 27" in world.text("pilot")


@pytest.mark.parametrize("named", [ADA, "ada@agency.example"])
def test_nobody_approves_on_its_page_what_they_asked_for_before_the_configuration_named_them(
    tmp_path: Path, slack: SlackTwin, named: str
) -> None:
    two = f"{EXTENDING}approval: {{{{two_people: true, people: {{{{{named}: ada-gh}}}}}}}}\n"
    world = site(tmp_path, slack, two)
    assert world.bot.roster is not None
    world.bot.roster = replace(world.bot.roster, people={named: "ada-gh"}, two_people=True)
    ask(world, "extend", closes="2026-03-27")
    world.tick()
    world.people.approve(world.pulls()[0].number, "ada-gh")
    world.advance(minutes=1)
    assert len(world.pulls()) == 1


# What an extension may do --------------------------------------------------------------------------------------------


def test_who_may_extend_and_not_reopen_does_not_open_a_closed_posting_again(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack)
    assert world.bot.roster is not None
    roles = (Role(frozenset({HR}), frozenset(Action) - {Action.REOPEN}),)
    world.bot.roster = replace(world.bot.roster, roles=roles)
    world.tick("2026-03-21T00:00")
    assert "state: closed" in world.text("pilot")
    request = ask(world, "extend", closes="2026-03-27")
    world.tick()
    done, words = world.answer(request) or (None, "")
    assert done is False
    assert words == AGAIN
    assert "state: closed" in world.text("pilot")


def test_an_extension_asked_for_in_time_is_not_refused_because_the_date_passed_before_the_yes(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = World(tmp_path, config=EXTENDING, profile="jekyll-dates")
    world.write("pilot", DATED)
    world.tick()
    roles = (Role(frozenset({HR}), frozenset(Action) - {Action.REOPEN}),)
    world.bot.roster = Roster(workspace_of(slack), roles)
    world.now = datetime.fromisoformat("2026-03-20T23:50:00-04:00")
    request = ask(world, "extend", closes="2026-03-27")
    world.tick()
    world.advance(minutes=20)
    assert world.answer(request) is None
    said(world, Said.APPROVE)
    world.advance(minutes=1)
    assert "2026-03-27" in world.text("pilot")
    world.tick("2026-03-28T10:00")
    late = ask(world, "extend", closes="2026-04-03")
    world.tick()
    assert world.answer(late) == (False, AGAIN)


def test_while_the_plan_is_held_the_prepared_closing_is_known_as_the_wish_that_it_serves(
    tmp_path: Path, slack: SlackTwin
) -> None:
    config = f"{CONFIG.replace('2 days', 'from opening')}approval: {{{{two_people: true}}}}\n"
    world = site(tmp_path, slack, config)
    world.tick()
    [prepared] = world.pulls()
    request = ask(world, "close")
    world.bot.ledger.ticked(world.now + timedelta(days=1))
    plan = world.tick().plan
    assert plan.held is not None
    assert [want.request for want in plan.wanted if want.branch == prepared.branch] == [request]


DATED = """\
---
title: Pilot
opens: 2026-03-01
closes: 2026-03-20
apply_url: https://apply.example.gov/pilot
---
Join us.
"""
