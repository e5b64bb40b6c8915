"""One site in the rhythm of a real timetable, without a process around it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postbot.doors.service import site as module
from postbot.doors.service.clock import WallClock
from postbot.doors.service.health import Health, Outcome
from postbot.doors.service.site import Rhythm
from postbot.doors.service.timetable import Timetable
from postbot.ledger import DeliveryStatus, LedgerError
from postbot.reconcile import Bot, Report
from tests.service import kit
from tests.service.kit import ahead, wait_for
from tests.world import git

RHYTHM = Rhythm(timedelta(hours=1), timedelta(minutes=10))


class Running:
    """A site that runs, with what its ticks came to."""

    def __init__(self, path: Path, timetable: Timetable) -> None:
        self.outcomes: list[Outcome] = []
        self.timetable, self.clock = timetable, WallClock()
        self.site = module.Site("agency", path, RHYTHM, timetable, self.clock, told=self.told, speak=lambda _: None)
        self.site.begin(1.0)

    def told(self, site: str, bot: Bot, report: Report | None, health: Health, seconds: float) -> None:
        assert (report is None) == (health.outcome in (Outcome.FAILED, Outcome.BUSY))
        self.outcomes.append(health.outcome)

    def later(self) -> None:
        """Wait until every poke so far would have had its turn."""
        done: list[bool] = []
        self.timetable.once("later", lambda: done.append(True), self.clock.now() + 1.5 * module.GATHERED)
        wait_for(lambda: done)
        wait_for(lambda: self.site.rests)


@pytest.fixture
def timetable() -> Iterator[Timetable]:
    table = Timetable()
    table.start()
    yield table
    table.stop()


@pytest.fixture
def given(tmp_path: Path) -> kit.Site:
    return kit.Site(tmp_path / "agency")


@pytest.fixture
def running(given: kit.Site, timetable: Timetable) -> Iterator[Running]:
    running = Running(given.config, timetable)
    yield running
    running.site.leave()


def test_many_pokes_in_a_second_are_one_tick(running: Running):
    wait_for(lambda: running.outcomes == [Outcome.FINE])
    for _ in range(50):
        running.site.poke()
    running.later()
    assert running.outcomes == [Outcome.FINE] * 2


def test_a_site_that_fails_has_one_tick_in_a_heartbeat_whoever_pokes_it(running: Running, given: kit.Site):
    wait_for(lambda: running.outcomes)
    tip = git(given.repo, "rev-parse", "main")
    git(given.repo, "update-ref", "-d", "refs/heads/main")
    running.site.poke()
    running.later()
    assert running.outcomes == [Outcome.FINE, Outcome.FAILED]
    git(given.repo, "update-ref", "refs/heads/main", tip)
    running.site.poke()
    running.later()
    assert running.outcomes == [Outcome.FINE, Outcome.FAILED]
    running.site.reload()
    wait_for(lambda: running.outcomes == [Outcome.FINE, Outcome.FAILED, Outcome.FINE])


def test_what_is_due_and_cannot_be_done_does_not_keep_it_busy(running: Running, given: kit.Site):
    """A message that is due and may not go out, as while it is paused, waits for the heartbeat."""
    wait_for(lambda: running.outcomes)
    given.write("pilot", opens=ahead(3600), closes=ahead(7200))
    running.site.poke()
    running.later()
    with given.ledger() as ledger:
        ledger.pause("robin", "", running.clock.now())
    given.write("pilot", state="open", opens=ahead(-60), closes=ahead(7200))
    running.site.poke()
    running.later()
    running.later()
    assert running.outcomes == [Outcome.FINE, Outcome.FINE, Outcome.PAUSED]
    with given.ledger() as ledger:
        assert [each.status for each in ledger.deliveries()][-1:] == [DeliveryStatus.DUE]


def test_another_postbot_at_work_is_no_failure_and_is_waited_for(running: Running, given: kit.Site):
    wait_for(lambda: running.outcomes)
    with given.ledger() as ledger, ledger.working():
        running.site.poke()
        wait_for(lambda: running.outcomes == [Outcome.FINE, Outcome.BUSY])
        assert "Another postbot is at work" in running.site.health().detail
    wait_for(lambda: running.outcomes[-1] is Outcome.FINE)


def test_what_came_in_counts_once_and_not_at_all_where_it_cannot_be_kept(running: Running, given: kit.Site):
    with pytest.raises(LedgerError, match="has no ledger"):
        module.Site("new", given.config, RHYTHM, running.timetable, running.clock, told=running.told, speak=str).heard(
            "k"
        )
    wait_for(lambda: running.outcomes)
    assert [running.site.heard("delivery 1"), running.site.heard("delivery 1")] == [True, False]


def test_a_site_that_was_left_takes_no_turn_and_another_may_have_its_ledger(running: Running, given: kit.Site):
    wait_for(lambda: running.outcomes)
    wait_for(lambda: running.site.rests)
    running.site.leave()
    running.site.poke()
    other = Running(given.config, running.timetable)
    wait_for(lambda: other.outcomes == [Outcome.FINE])
    assert running.outcomes == [Outcome.FINE]
    other.site.leave()
