"""What is put off, or may be overtaken, while Slack is silent: where nobody can tell, postbot waits and takes nothing back."""

from datetime import timedelta
from pathlib import Path

import pytest

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Opinion, Request, Said
from postbot.core.plan.people import digest
from postbot.core.plan.rights import Action, Role
from postbot.core.plan.steps import Merge, Propose, Withdraw
from postbot.core.plan.wants import ahead_of
from postbot.core.site import PullStatus
from postbot.reconcile import Report
from postbot.roster import Roster
from tests.stories.test_askers import ADA, BEN, HR, forget_what_slack_said, workspace_of
from tests.twins.slack.client import SlackTwin
from tests.world import CONFIG, World, at

DUE = "2026-03-09T08:00"
OPENS = "March 9, 2026, 8:00 am EDT"
CLOSES = "March 20, 2026, 11:59 pm EDT"
ASKS_FOR_EXTENSIONS = CONFIG.replace("transitions:\n", "transitions:\n  extend: {{lead: 0 days, merge: when-due}}\n")


@pytest.fixture
def slack(workspace: SlackTwin) -> SlackTwin:
    workspace.forget()
    workspace.user(ADA, "ada@agency.example", real_name="Ada")
    workspace.user(BEN, "ben@agency.example", real_name="Ben")
    workspace.group(HR, ADA, BEN)
    return workspace


def site(folder: Path, slack: SlackTwin, config: str = CONFIG, **words: str) -> World:
    """A site whose people in the group may do everything from Slack."""
    world = World(folder, config=config)
    world.write("pilot", **{"opens": OPENS, "closes": CLOSES, **words})
    world.tick()
    world.bot.roster = Roster(workspace_of(slack), (Role(frozenset({HR}), frozenset(Action)),))
    return world


def says(world: World, said: Said, member: str, **until: float) -> None:
    """Somebody says in Slack what they think of the one pull request there is."""
    [pull] = world.pulls(None)
    about = digest(pull, world.bot.observe().snapshot.files)
    day = world.now + timedelta(**until) if until else None
    opinion = Opinion(pull.branch, about, said, member, world.now, "", day, f"slack:{member}")
    world.bot.ledger.opine(opinion, world.path("pilot"))
    world.now += timedelta(seconds=5)


def asks(world: World, transition: str, member: str, **values: str) -> Request:
    wish = Wish(Transition(transition), values)
    return world.bot.ledger.file(world.path("pilot"), wish, member, world.now, asker=f"slack:{member}")


def fall_silent(world: World, slack: SlackTwin) -> None:
    forget_what_slack_said(world, slack)
    slack.fault("500", "users.info", times=1000)


def answer_again(world: World, slack: SlackTwin) -> None:
    slack.heal()
    forget_what_slack_said(world, slack)


def moves(report: Report) -> list[type]:
    """What it has done to pull requests."""
    return [type(step) for step in report.done if isinstance(step, Propose | Withdraw | Merge)]


def put_off_and_approved(folder: Path, slack: SlackTwin, config: str = CONFIG) -> World:
    """Ada puts the opening off, and Ben approves it after all before the next tick."""
    world = site(folder, slack, config)
    world.tick("2026-03-07T09:00")
    says(world, Said.SNOOZE, ADA, days=4)
    says(world, Said.APPROVE, BEN)
    return world


def test_while_nobody_can_tell_whether_a_later_yes_counts_it_stays_open_and_then_opens_on_its_date(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = put_off_and_approved(tmp_path, slack)
    fall_silent(world, slack)
    assert [moves(world.advance(minutes=1)) for _ in range(3)] == [[], [], []]
    assert len(world.pulls()) == 1
    answer_again(world, slack)
    world.tick(DUE)
    assert "state: open" in world.text("pilot")


def test_while_nobody_can_tell_an_approval_of_its_page_from_before_merges_nothing(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = site(tmp_path, slack)
    world.tick("2026-03-07T09:00")
    world.approve(1)
    says(world, Said.SNOOZE, ADA, days=4)
    says(world, Said.APPROVE, BEN)
    fall_silent(world, slack)
    world.tick(DUE)
    assert "state: upcoming" in world.text("pilot")
    assert [pull.status for pull in world.pulls(None)] == [PullStatus.OPEN]
    slack.group(HR, ADA)
    answer_again(world, slack)
    world.advance(minutes=1)
    assert [pull.status for pull in world.pulls(None)] == [PullStatus.WITHDRAWN]


def test_once_who_said_yes_may_not_any_more_it_is_withdrawn_and_stays_so_until_its_day(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = put_off_and_approved(tmp_path, slack)
    slack.group(HR, ADA)
    forget_what_slack_said(world, slack)
    assert [moves(world.advance(minutes=1)) for _ in range(3)] == [[Withdraw], [], []]
    world.tick("2026-03-11T10:00")
    assert len(world.pulls()) == 1


def test_what_is_withdrawn_does_not_come_back_while_nobody_can_tell_whether_a_later_yes_counts(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world = site(tmp_path, slack)
    world.tick("2026-03-07T09:00")
    says(world, Said.SNOOZE, ADA, days=4)
    assert moves(world.advance(minutes=1)) == [Withdraw]
    says(world, Said.APPROVE, BEN)
    fall_silent(world, slack)
    assert [moves(world.advance(minutes=1)) for _ in range(2)] == [[], []]
    answer_again(world, slack)
    assert moves(world.advance(minutes=1)) == [Propose]


# Turns ---------------------------------------------------------------------------------------------------------------


def test_a_wish_whose_day_comes_takes_back_nobody_elses_pull_request(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack, ASKS_FOR_EXTENSIONS, opens="March 20, 2026, 8:00 am EDT", closes="April 3, 2026")
    world.now = at("2026-03-10T09:00")
    extension = asks(world, "extend", ADA, closes="2026-04-10")
    world.tick()
    says(world, Said.SNOOZE, BEN, days=9)
    world.advance(minutes=1)
    opening = asks(world, "open", BEN)
    world.advance(minutes=1)
    [pull] = world.pulls()
    world.approve(pull.number)
    assert moves(world.tick("2026-03-19T10:00")) == []
    assert [each.number for each in world.pulls()] == [pull.number]
    world.tick("2026-03-20T08:00")
    world.advance(minutes=1)
    assert "state: open" in world.text("pilot")
    assert world.answer(opening) == (True, f"Pull request #{pull.number} is merged.")
    assert world.answer(extension) is None
    assert len(world.pulls()) == 1


def extended_and_perhaps_closed(folder: Path, slack: SlackTwin) -> tuple[World, Request, Request]:
    """Ada's extension is approved; then Ben asks to close, and Slack does not say at the moment who he is."""
    world = site(folder, slack, ASKS_FOR_EXTENSIONS, state="open", opens="March 1, 2026")
    first = world.ask("pilot", "extend", "ada", closes="2026-03-27")
    world.tick()
    closing = asks(world, "close", BEN)
    world.approve(1)
    fall_silent(world, slack)
    assert [moves(world.advance(minutes=1)) for _ in range(2)] == [[], []]
    assert (world.answer(first), world.answer(closing)) == (None, None)
    return world, first, closing


def test_a_wish_that_may_not_count_ends_no_other_and_once_it_is_refused_the_other_goes_on(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world, first, closing = extended_and_perhaps_closed(tmp_path, slack)
    slack.group(HR, ADA)
    answer_again(world, slack)
    world.advance(minutes=1)
    world.advance(minutes=1)
    assert (world.answer(closing) or (None,))[0] is False
    assert world.answer(first) == (True, "Pull request #1 is merged.")
    assert "March 27" in world.text("pilot")


def test_a_closing_that_comes_while_nobody_can_tell_takes_back_and_answers_neither(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world, first, closing = extended_and_perhaps_closed(tmp_path, slack)
    world.tick("2026-03-21T00:05")
    world.advance(minutes=5)
    assert "state: closed" in world.text("pilot")
    assert [pull.number for pull in world.pulls()] == [1]
    assert (world.answer(first), world.answer(closing)) == (None, None)
    answer_again(world, slack)
    world.advance(minutes=1)
    world.advance(minutes=1)
    assert world.answer(first) == (False, f"{BEN}'s close, asked later, replaces it.")
    assert world.pulls() == []


def test_once_slack_says_that_who_asked_later_may_their_closing_replaces_the_other(
    tmp_path: Path, slack: SlackTwin
) -> None:
    world, first, closing = extended_and_perhaps_closed(tmp_path, slack)
    answer_again(world, slack)
    world.advance(minutes=1)
    world.advance(minutes=1)
    assert world.answer(first) == (False, f"{BEN}'s close, asked later, replaces it.")
    assert (world.answer(closing) or (None,))[0] is True
    assert "state: closed" in world.text("pilot")


def test_what_is_put_off_comes_before_nobody(tmp_path: Path, slack: SlackTwin) -> None:
    world = site(tmp_path, slack, ASKS_FOR_EXTENSIONS, state="open", opens="March 1, 2026")
    first = world.ask("pilot", "extend", "ada", closes="2026-03-27")
    world.tick()
    second = world.ask("pilot", "extend", "ben", closes="2026-03-24")
    rules = world.now, world.bot.policy
    assert ahead_of(world.bot.observe(), second, *rules) == first
    says(world, Said.SNOOZE, ADA, days=2)
    assert ahead_of(world.bot.observe(), second, *rules) is None
