"""The wall clock, and how far somebody has set it since a process began.

Postings are due by the wall clock; only whether it can be trusted is judged by another one, that nobody can set and
that goes on while the machine sleeps. Nothing here waits or decides.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from postbot import steady


def _since_boot() -> float | None:
    """Seconds that nobody can set, the machine's sleep included; None where the system keeps no such clock."""
    return steady.seconds() if steady.COUNTS_SLEEP else None


class WallClock:
    """The wall clock of this process. `wall` tells the seconds of the epoch, `steady` seconds that nobody can set."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float | None] = _since_boot) -> None:
        self._wall = wall
        self._steady = steady
        self._apart = self._difference()

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.fromtimestamp(self._wall(), UTC)

    def off(self) -> timedelta:
        """How far the clock has been set since the beginning, positive for ahead; zero where nobody can tell."""
        return timedelta(seconds=self._difference() - self._apart)

    def _difference(self) -> float:
        steady = self._steady()
        return 0.0 if steady is None else self._wall() - steady
