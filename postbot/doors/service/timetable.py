"""When each site has its turn: a heartbeat of its own, and a poke at one instant. APScheduler keeps both.

The promise: a heartbeat that could not begin in time begins late and once, a poke is never lost, and work that hangs
holds up no other work. Nothing is kept on disk, for what is due is found anew by every look at a site; and there is no
trigger with a zone, for those leave days out and double hours where clocks are put forward and back (apscheduler#529,
apscheduler#1059). It knows nothing of sites and decides nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

# APScheduler 3 ships no types; those of what is used here are stated where it is used.
from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
from apscheduler.jobstores.base import JobLookupError  # type: ignore[import-untyped]
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]

WORKERS: Final = 150
"""Threads at most. One is made only when all others are busy, so that what hangs takes none away from the rest.

Each may want two more of what a container's `pids_limit` counts: who renews its lease, and git. More sites than
threads take their turns one after the other.
"""

_PILED_UP: Final = 100
"""How often one poke may run at once: one that comes while its work runs must not be dropped, and ends at once."""

_PULSE, _PULSE_EVERY, _DEAD_AFTER = "pulse", timedelta(seconds=5), 30.0
_WORK: Final = "default"


class _Beat(IntervalTrigger):  # type: ignore[misc]  # its base has no types
    """An interval that leaves out the beats that a long sleep has missed, where APScheduler counts every one of them.

    Years of them, after a clock was set wrong, would keep it busy for minutes.
    """

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        slept = previous is not None and now - previous > self.interval
        at: datetime = super().get_next_fire_time(None if slept else previous, now)
        return at


class Timetable:
    """Work by its name: repeated in the rhythm of a heartbeat, or once at an instant (aware). Safe between threads.

    So many `workers` do it at a time.
    """

    def __init__(self, workers: int = WORKERS) -> None:
        # It warns of each beat that finds the one before still at work; who hangs is told by the service, and once.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        # The pulse has a thread of its own: who has much to do lives, though no other thread is free for long.
        threads = {_WORK: ThreadPoolExecutor(workers), _PULSE: ThreadPoolExecutor(1)}
        self._scheduler = BackgroundScheduler(executors=threads, timezone=UTC)
        self._poking = threading.Lock()
        self._beats: dict[str, tuple[timedelta, float]] = {}
        self._pulse_at = time.monotonic()

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()
        self.repeat(_PULSE, self._pulse, _PULSE_EVERY)

    def stop(self) -> None:
        """Begin nothing any more. What is under way goes on."""
        with self._poking:
            # APScheduler forgets a poke once it has begun it, and fails at that where it was stopped in between.
            self._scheduler.remove_all_jobs()  # after what is just being begun
            self._scheduler.shutdown(wait=False)

    def repeat(self, name: str, work: Callable[[], None], every: timedelta, *, share: float = 1.0) -> None:
        """Have work done at each beat, the first of them after a share of the interval (above 0, at most 1).

        A beat that comes while the one before is still at work is left out.
        """
        self._beats[name] = every, share
        self._scheduler.add_job(
            work,
            _beat(every, share),
            id=name,
            executor=_PULSE if name == _PULSE else _WORK,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            replace_existing=True,
        )

    def once(self, name: str, work: Callable[[], None], at: datetime) -> None:
        """Have work done at an instant, at once if that has passed. Where it is to be done before that, this is it."""
        with self._poking:
            known = self._scheduler.get_job(name)
            if known is not None and known.next_run_time <= at:
                return
            self._scheduler.add_job(
                work,
                DateTrigger(at),
                id=name,
                max_instances=_PILED_UP,
                misfire_grace_time=None,
                replace_existing=True,
            )

    def forget(self, *names: str) -> None:
        """Take work out of the timetable; what is under way goes on."""
        for name in names:
            self._beats.pop(name, None)
            with self._poking, suppress(JobLookupError):  # it may have begun in this very moment
                self._scheduler.remove_job(name)

    def look_again(self) -> None:
        """See what is due by now: after the machine has slept, what waits would go on waiting for as long again."""
        self._scheduler.wakeup()

    def renew(self) -> None:
        """Count every heartbeat from now on, for the clock was set: one that was put back would be missed for long."""
        for name, (every, share) in list(self._beats.items()):
            with self._poking:
                if self._scheduler.get_job(name) is not None:
                    self._scheduler.reschedule_job(name, trigger=_beat(every, share))

    @property
    def alive(self) -> bool:
        """Whether it still begins what is due; where every thread is busy, as soon as one is free."""
        return time.monotonic() - self._pulse_at < _DEAD_AFTER

    def _pulse(self) -> None:
        self._pulse_at = time.monotonic()


def _beat(every: timedelta, share: float) -> _Beat:
    return _Beat(seconds=every.total_seconds(), start_date=datetime.now(UTC) + every * share, timezone=UTC)
