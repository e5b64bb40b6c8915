"""Seconds that nobody can set, and that go on while the machine sleeps: to measure how long something took.

The wall clock can be set, and `time.monotonic` stands still on Linux while the machine is suspended (clock_gettime(2)),
so that who has slept for an hour would think that no time has passed.
"""

import time
from typing import Final

_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)

COUNTS_SLEEP: Final = _CLOCK is not None
"""Whether this system keeps a clock that goes on while the machine sleeps; without one, sleep goes unnoticed."""


def seconds() -> float:
    """Seconds since some moment in the past; only differences mean anything."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)
