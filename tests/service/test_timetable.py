"""Work by the clock: a heartbeat that goes on whatever happens, and pokes of which none is lost."""

import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock

import pytest
import yaml

from postbot.doors.service import timetable as module
from postbot.doors.service.timetable import WORKERS, Timetable
from tests.service.kit import SECONDS, wait_for

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=50)


class Work:
    """Work that counts how often it was done, and may be kept from ending."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.begun, self.done, self.lock, self.goes_on = 0, 0, Lock(), Event()
        if not hangs:
            self.goes_on.set()

    def __call__(self) -> None:
        with self.lock:
            self.begun += 1
        assert self.goes_on.wait(SECONDS)
        with self.lock:
            self.done += 1


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def timetable() -> Iterator[Timetable]:
    table = Timetable()
    table.start()
    yield table
    table.stop()


def test_a_poke_at_an_instant_that_has_long_passed_is_done_at_once_and_once(timetable: Timetable):
    work = Work()
    timetable.once("poke", work, now() - timedelta(days=90))
    wait_for(lambda: work.done)
    timetable.once("next", other := Work(), now())
    wait_for(lambda: other.done)
    assert work.done == 1


def test_a_later_poke_never_takes_the_place_of_an_earlier_one(timetable: Timetable):
    work = Work()
    timetable.once("poke", work, now() + timedelta(seconds=0.3))
    timetable.once("poke", work, now() + HOUR)
    wait_for(lambda: work.done)


def test_an_earlier_poke_takes_the_place_of_a_later_one(timetable: Timetable):
    work = Work()
    timetable.once("poke", work, now() + HOUR)
    timetable.once("poke", work, now() + SOON)
    wait_for(lambda: work.done)


def test_many_pokes_in_a_short_time_are_one(timetable: Timetable):
    work = Work()
    for _ in range(50):
        timetable.once("poke", work, now() + timedelta(seconds=0.2))
    wait_for(lambda: work.done)
    timetable.once("after", after := Work(), now() + timedelta(seconds=0.2))
    wait_for(lambda: after.done)
    assert work.begun == 1


def test_a_poke_that_comes_while_its_work_is_under_way_is_not_dropped(timetable: Timetable):
    work = Work(hangs=True)
    timetable.once("poke", work, now())
    wait_for(lambda: work.begun == 1)
    timetable.once("poke", work, now())
    wait_for(lambda: work.begun == 2)
    work.goes_on.set()
    wait_for(lambda: work.done == 2)


def test_work_that_hangs_holds_up_no_other_however_much_of_it_there_is(timetable: Timetable):
    hung = [Work(hangs=True) for _ in range(100)]
    for number, each in enumerate(hung):
        timetable.once(f"poke {number}", each, now())
    timetable.repeat("beat", other := Work(), SOON)
    wait_for(lambda: other.done > 3)
    assert sum(each.done for each in hung) == 0
    for each in hung:
        each.goes_on.set()


def test_a_beat_is_left_out_while_the_one_before_is_at_work_and_goes_on_after_it(timetable: Timetable):
    timetable.repeat("beat", work := Work(hangs=True), SOON)
    timetable.repeat("other", other := Work(), SOON)
    wait_for(lambda: work.begun and other.done > 5)
    assert work.begun == 1
    work.goes_on.set()
    wait_for(lambda: work.done > 3)


def test_no_job_has_a_limit_to_how_late_it_may_begin(timetable: Timetable):
    timetable.repeat("beat", Work(), HOUR)
    timetable.once("poke", Work(), now() + HOUR)
    beat, poke = (timetable._scheduler.get_job(name) for name in ("beat", "poke"))
    assert (beat.misfire_grace_time, beat.coalesce, beat.max_instances) == (None, True, 1)
    assert poke.misfire_grace_time is None


def test_the_beats_of_years_that_were_slept_through_are_one():
    beat = module._beat(timedelta(seconds=1), 1.0)
    then, awake = now(), now() + timedelta(days=3650)
    following = beat.get_next_fire_time(then, awake)
    assert awake <= following <= awake + timedelta(seconds=1)


def test_once_the_clock_was_put_back_the_beats_are_counted_from_then_on(timetable: Timetable):
    timetable.repeat("beat", work := Work(), timedelta(seconds=0.2))
    timetable._scheduler.modify_job("beat", next_run_time=now() + timedelta(days=1))
    timetable.renew()
    wait_for(lambda: work.done)


def test_what_is_forgotten_is_not_done(timetable: Timetable):
    timetable.once("poke", work := Work(), now() + timedelta(seconds=0.2))
    timetable.repeat("beat", work, timedelta(seconds=0.2))
    timetable.forget("poke", "beat", "never known")
    timetable.renew()
    timetable.once("after", after := Work(), now() + timedelta(seconds=0.4))
    wait_for(lambda: after.done)
    assert work.begun == 0


def test_it_lives_as_long_as_it_does_what_is_due(timetable: Timetable):
    assert timetable.alive
    timetable._pulse_at -= 60
    assert not timetable.alive


def test_it_lives_though_every_thread_is_busy():
    table = Timetable(workers=2)
    table.start()
    table.repeat(module._PULSE, table._pulse, SOON)  # the same in a quicker rhythm
    busy = [Work(hangs=True) for _ in range(3)]
    try:
        for number, each in enumerate(busy):
            table.once(f"poke {number}", each, now())
        wait_for(lambda: sum(each.begun for each in busy) == 2)
        table._pulse_at -= 60
        wait_for(lambda: table.alive, SECONDS / 2)  # before they give up
        assert sum(each.done for each in busy) == 0
    finally:
        for each in busy:
            each.goes_on.set()
        table.stop()


def test_to_stop_it_while_it_begins_something_ends_no_thread_by_an_error(monkeypatch: pytest.MonkeyPatch):
    errors: list[object] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(200):
            table = Timetable()
            table.start()
            table.once("poke", (begun := Event()).set, now())
            assert begun.wait(SECONDS)
            table.stop()
    finally:
        sys.setswitchinterval(before)
    assert errors == []


def test_what_a_container_may_have_is_enough_for_every_thread_with_the_renewal_of_its_lease_and_git() -> None:
    compose = Path(__file__).parents[2] / "config/deploy/compose.yaml"
    of_the_server = 60  # that of the server itself, those that wait for ledgers, the scheduler's, the main thread
    may = yaml.safe_load(compose.read_text(encoding="utf-8"))["services"]["postbot"]["pids_limit"]
    assert may >= 3 * WORKERS + of_the_server
