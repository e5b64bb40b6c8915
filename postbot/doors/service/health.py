"""How each site of the service fares, as plain values: what the runner knows and the HTTP server shows.

Nothing here acts, reads a clock or asks anything.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """How the last tick of a site ended.

    It has not ended yet; fine; its plan is held; somebody has paused it; another replica is at work; it failed.
    """

    NONE = "none"
    FINE = "fine"
    HELD = "held"
    PAUSED = "paused"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Health:
    """One site at one moment. Instants are UTC.

    `detail` is why a tick failed, was held or paused, in a sentence. `running` is how long (seconds) the tick that is
    under way has taken so far, None where none is; `hangs` says that this is too long, and `at` in which step it is.
    `ended_at` is when a tick last ended without failing; `overdue` says that this is too long ago. `rejected` is why
    the configuration as it now stands was not taken, while the one before it goes on: the service's, the site's own, or
    both, one below the other; empty where both were.
    """

    name: str
    outcome: Outcome
    detail: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None
    wakes_at: datetime | None = None
    running: float | None = None
    at: str = ""
    hangs: bool = False
    overdue: bool = False
    rejected: str = ""


class Watched(Protocol):
    """A site of the service, as the HTTP server sees it."""

    @property
    def name(self) -> str:
        """What the site is called in paths, logs and metrics: letters, digits, `-`, `_`, `.` and `/`."""

    @property
    def repository(self) -> str:
        """OWNER/NAME on GitHub, empty for a plain git site."""

    def health(self) -> Health:
        """How it fares now. Never waits for anything."""

    def poke(self) -> None:
        """Have it tick soon; several pokes in a short time are one. Never waits for anything."""

    def heard(self, key: str) -> bool:
        """Keep the key of something that came in, durably; false where it was kept before, so that it counts once.

        Raises `LedgerError`.
        """
