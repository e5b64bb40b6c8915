"""A clock that is wrong moves nothing: everything waits, the staff hear of it once, and all goes on when it is right."""

from datetime import timedelta
from pathlib import Path

import pytest

from postbot.reconcile import Report
from tests.contract.test_email import USER
from tests.twins.smtp.client import SmtpTwin
from tests.world import CONFIG, Clone, World, git

AUTO = CONFIG.replace("merge: when-due", "merge: auto")
HELD = "Held: postbot does nothing until somebody looks"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JUMPS = {
    HOUR: "1 hour",
    -HOUR: "1 hour",
    DAY: "1 day",
    -DAY: "1 day",
    3652 * DAY: "3652 days",
    -3652 * DAY: "3652 days",
}


def a_site_half_an_hour_before_its_day(folder: Path) -> World:
    """One position is about to open, one about to close, and the pull request of a third is due in an hour."""
    world = World(folder, config=AUTO)
    world.write("pilot", opens="March 9, 2026, 8:00 am EDT", closes="April 20, 2026, 11:59 pm EDT")
    world.write("baker", state="open", opens="March 1, 2026", closes="March 9, 2026, 8:00 am EDT")
    world.write("clerk", opens="March 12, 2026, 8:30 am EDT", closes="April 20, 2026, 11:59 pm EDT")
    world.tick("2026-03-09T07:30")
    assert len(world.pulls()) == 2
    return world


def wrong(world: World, jump: timedelta, minutes: int = 0) -> Report:
    """Let the true time pass and the bot tick by a clock that is so far ahead of it."""
    world.now += timedelta(minutes=minutes)
    world.people.set_clock()
    on_github = isinstance(world.people, Clone)
    return world.bot.tick(world.now + jump, off=timedelta(0) if on_github else jump)


def outside(world: World) -> tuple[object, ...]:
    """All that others could see of what was done: every ref, every public message, and what GitHub was made to do."""
    acts = world.people.twin.effects() if isinstance(world.people, Clone) else []
    return git(world.people.bare, "for-each-ref"), world.said(), acts


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_while_the_clock_is_wrong_nothing_moves_and_then_everything_happens_once(
    tmp_path: Path, jump: timedelta
) -> None:
    world = a_site_half_an_hour_before_its_day(tmp_path)
    before = outside(world)
    held = [wrong(world, jump, minutes).plan.held for minutes in (0, 0, 5, 10, 20, 30)]  # over both instants
    assert all(held)
    assert outside(world) == before
    assert world.asked() == [HELD]
    assert JUMPS[jump] in world.read(HELD)
    assert "NTP" in world.read(HELD)

    for _ in range(2):
        assert world.advance(minutes=5).plan.held is None
    assert sorted(world.said()) == ["Baker: closed", "Pilot: now open"]
    assert [pull.title for pull in world.pulls()] == ["Open: Clerk"]
    assert world.asked() == [HELD]


@pytest.mark.parametrize("seconds", [59, -59])
def test_less_than_a_minute_is_nothing(tmp_path: Path, seconds: int) -> None:
    world = a_site_half_an_hour_before_its_day(tmp_path)
    assert wrong(world, timedelta(seconds=seconds), minutes=32).plan.held is None
    assert sorted(world.said()) == ["Baker: closed", "Pilot: now open"]


def test_a_clock_that_two_hold_for_right_can_be_released_for_this_difference_and_no_other(tmp_path: Path) -> None:
    world = a_site_half_an_hour_before_its_day(tmp_path)
    held = wrong(world, HOUR).plan.held
    assert held is not None
    assert f"postbot release {held.digest}" in world.read(HELD)
    world.bot.ledger.release(held.digest, "robin", world.now)
    assert wrong(world, -HOUR).plan.held is not None
    assert wrong(world, HOUR + timedelta(seconds=3)).plan.held is None
    assert sorted(world.said()) == ["Baker: closed", "Pilot: now open"]


def test_a_clock_that_is_wrong_again_on_another_day_is_told_again(tmp_path: Path) -> None:
    world = a_site_half_an_hour_before_its_day(tmp_path)
    wrong(world, HOUR)
    world.advance(days=1)
    wrong(world, HOUR)
    wrong(world, HOUR)
    assert world.asked() == [HELD, HELD]


def test_a_clock_at_the_edge_of_a_minute_is_told_of_once_however_often_it_crosses_it(tmp_path: Path) -> None:
    world = a_site_half_an_hour_before_its_day(tmp_path)
    helds = [wrong(world, timedelta(seconds=seconds), 1).plan.held for seconds in (62, 58, 62, 58, 62)]
    assert [held is not None for held in helds] == [True, False, True, False, True]
    assert world.asked() == [HELD]


def test_an_alert_that_could_not_be_sent_by_a_wrong_clock_does_not_wait_for_that_clock(
    tmp_path: Path, post: SmtpTwin
) -> None:
    """Ten years ahead the mail server is busy; the mail is tried again in a minute, and not in ten years and a minute."""
    server = f"server: 127.0.0.1, port: {post.port}, security: none, username: {USER}"
    mail = f"email: {{{{{server}, sender: jobs@agency.example}}}}\n"
    world = World(tmp_path, config=AUTO.replace("folder:hr@agency", "email:hr@agency") + mail)
    world.write("pilot", state="open", opens="March 1, 2026", closes="April 20, 2026")
    world.tick()
    post.fault("mail", "451 4.3.0 Not now")
    wrong(world, 3652 * DAY)
    assert post.accepted() == []
    world.advance(minutes=5)
    assert [str(taken.mail["Subject"]) for taken in post.accepted()] == [HELD]


def test_a_wrong_clock_holds_also_a_site_at_rest(tmp_path: Path) -> None:
    """Where nothing has moved since the last tick a new plan is not made; a clock that went wrong is noticed still."""
    world = a_site_half_an_hour_before_its_day(tmp_path)
    world.tick()
    assert wrong(world, timedelta(minutes=5)).plan.held is not None
    assert world.tick().plan.held is None


def test_the_moment_that_a_person_chooses_is_no_clock(tmp_path: Path) -> None:
    world = a_site_half_an_hour_before_its_day(tmp_path)
    assert world.bot.tick(world.now + HOUR, off=None).plan.held is None
    assert sorted(world.said()) == ["Baker: closed", "Pilot: now open"]
