"""How a site fares: what counts as hanging, as overdue, and how long a failure is waited for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import get_ident

from postbot.doors.service.clock import WallClock
from postbot.doors.service.health import Outcome
from postbot.doors.service.vitals import Vitals
from postbot.progress import Step, doing

NOON = datetime(2030, 3, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Steady:
    """A clock that stands until it is moved."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def begun(clock: Steady, heartbeat: timedelta = MINUTE) -> Vitals:
    vitals = Vitals("agency", heartbeat, 10 * MINUTE, clock)
    vitals.fit()
    assert vitals.begin(NOON)
    return vitals


def test_one_turn_at_a_time():
    vitals = begun(Steady())
    assert not vitals.begin(NOON)
    vitals.rest()
    assert vitals.begin(NOON)


def test_a_turn_longer_than_patience_hangs_is_told_once_with_its_step_and_once_more_when_it_ends():
    clock = Steady()
    vitals = begun(clock)
    clock.seconds += 600
    assert (vitals.hang(), vitals.health().hangs) == (None, False)
    clock.seconds += 1
    with doing(Step.LOOK):
        hang = vitals.hang()
        assert hang is not None
        assert (hang.thread, hang.seconds, hang.at) == (get_ident(), 601, "look at the site")
        health = vitals.health()
        assert (health.hangs, health.at, health.running) == (True, "look at the site", 601)
        assert vitals.hang() is None
    ended = vitals.rest()
    assert ended is not None
    assert ended.seconds == 601
    assert (vitals.health().hangs, vitals.health().running) == (False, None)


def test_a_turn_that_did_not_hang_is_not_told_when_it_ends():
    assert begun(Steady()).rest() is None


def test_a_site_is_overdue_after_three_heartbeats_without_a_good_tick_and_never_before_three_minutes():
    for heartbeat, seconds in ((timedelta(seconds=1), 180), (timedelta(hours=1), 3 * 3600)):
        clock = Steady()
        vitals = begun(clock, heartbeat)
        vitals.end(Outcome.FINE, "", NOON)
        clock.seconds += seconds
        vitals.end(Outcome.FAILED, "GitHub is away.", NOON)
        assert not vitals.health().overdue
        clock.seconds += 1
        assert vitals.health().overdue
        vitals.end(Outcome.BUSY, "", NOON)
        assert not vitals.health().overdue


def test_a_site_without_a_usable_configuration_is_not_overdue_for_a_restart_would_not_help():
    clock = Steady()
    vitals = Vitals("agency", MINUTE, 10 * MINUTE, clock)
    vitals.end(Outcome.FAILED, "There is no postbot.yaml here.", NOON)
    clock.seconds += 10_000
    assert not vitals.health().overdue


def test_another_replicas_tick_is_as_good():
    clock = Steady()
    vitals = begun(clock)
    clock.seconds += 1000
    vitals.well_elsewhere(179)
    assert not vitals.health().overdue
    vitals.well_elsewhere(500)
    assert not vitals.health().overdue, "an older one takes nothing back"


def test_what_failed_here_has_passed_where_another_replicas_tick_ended_well_after_it():
    clock = Steady()
    vitals = begun(clock)
    vitals.end(Outcome.FAILED, "The repository is away.", NOON)
    vitals.rest()
    clock.seconds += 100
    vitals.well_elsewhere(150)
    assert vitals.health().outcome is Outcome.FAILED, "that one ended before"
    vitals.well_elsewhere(20)
    health = vitals.health()
    assert (health.outcome, health.detail, health.ended_at) == (Outcome.BUSY, "Another replica has worked since.", NOON)
    assert (vitals.penalty(), vitals.may_pass) == (0.0, False)


def test_after_a_failure_the_next_turn_waits_for_the_rest_of_a_heartbeat():
    clock = Steady()
    vitals = begun(clock)
    clock.seconds += 20
    assert vitals.end(Outcome.FAILED, "GitHub is away.", NOON) == 20
    assert vitals.penalty() == 40
    clock.seconds += 45
    assert vitals.penalty() == 0
    vitals.end(Outcome.HELD, "Many moves.", NOON)
    assert vitals.penalty() == 0


def test_what_may_pass_quickly_is_tried_again_soon_and_then_ever_further_apart_up_to_a_heartbeat():
    clock = Steady()
    vitals = begun(clock)
    waits = []
    for _ in range(2000):
        vitals.end(Outcome.FAILED, "The ledger is away.", NOON, passes=True)
        waits.append(vitals.penalty())
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(waits[7:]) == {60}
    assert vitals.may_pass
    vitals.end(Outcome.BUSY, "Another one is at work.", NOON)
    assert not vitals.may_pass
    vitals.end(Outcome.FAILED, "The ledger is away.", NOON, passes=True)
    assert vitals.penalty() == 60, "another one at work shows nothing of what failed here"
    vitals.end(Outcome.FINE, "", NOON)
    vitals.end(Outcome.FAILED, "The ledger is away.", NOON, passes=True)
    assert vitals.penalty() == 1


def test_two_configurations_may_be_rejected_at_once_and_each_is_shown_until_it_is_mended():
    vitals = begun(Steady())
    vitals.reject("service.yaml: no such setting.", of_service=True)
    vitals.reject("postbot.yaml: no such profile.")
    assert vitals.health().rejected == "service.yaml: no such setting.\npostbot.yaml: no such profile."
    vitals.reject("")
    assert vitals.health().rejected == "service.yaml: no such setting."
    vitals.reject("", of_service=True)
    assert vitals.health().rejected == ""


def test_a_look_that_is_no_tick_puts_the_next_turn_after_a_failure_off_no_further():
    clock = Steady()
    vitals = begun(clock)
    vitals.end(Outcome.FAILED, "GitHub is away.", NOON)
    vitals.rest()
    clock.seconds += 30
    assert vitals.begin(NOON)
    vitals.rest()
    assert vitals.penalty() == 30


def test_what_failed_leaves_the_last_good_end_and_the_next_instant_as_they_were():
    vitals = begun(Steady())
    vitals.end(Outcome.FINE, "", NOON, NOON + MINUTE)
    vitals.end(Outcome.FAILED, "GitHub is away.", NOON + MINUTE)
    health = vitals.health()
    assert (health.outcome, health.detail) == (Outcome.FAILED, "GitHub is away.")
    assert (health.ended_at, health.wakes_at) == (NOON, NOON + MINUTE)


def test_a_clock_that_was_set_is_off_by_that_and_one_that_slept_is_not():
    wall, steady = Steady(NOON.timestamp()), Steady()
    clock = WallClock(wall, steady)
    assert (clock.now(), clock.off()) == (NOON, timedelta(0))
    for each in (wall, steady):
        each.seconds += 90 * 86400
    assert clock.off() == timedelta(0), "asleep"
    wall.seconds -= 3600
    assert clock.off() == -timedelta(hours=1)


def test_where_the_system_has_no_steady_clock_nothing_is_said_to_be_off():
    wall = Steady(NOON.timestamp())
    clock = WallClock(wall, lambda: None)
    wall.seconds += 3600
    assert clock.off() == timedelta(0)
