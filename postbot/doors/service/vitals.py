"""How one site fares: what its turns came to, whether one takes too long, whether all of them fail.

It is told, counts by a clock that nobody can set, and answers from memory, so that who asks never waits. It does
nothing about what it knows.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from postbot.doors.service.health import Health, Outcome
from postbot.progress import place

_MISSED: Final = 3
"""After how many heartbeats without a tick that ended well a site is overdue."""

_FIRST_WAIT: Final = 1.0
"""Seconds after the first of several failures whose cause passes quickly; after each further one twice as many."""

_ELSEWHERE: Final = "Another replica has worked since."

_AT_LEAST: Final = timedelta(minutes=3)
"""No site is overdue sooner than this."""


@dataclass(frozen=True, slots=True)
class Hang:
    """A turn that takes too long: of which thread, for how long (seconds), and in which step, empty between two."""

    thread: int
    seconds: float
    at: str


@dataclass(frozen=True, slots=True)
class _Turn:
    thread: int
    since: float


class Vitals:
    """One site's. Instants are UTC. A turn that takes longer than `patience` hangs."""

    def __init__(
        self, name: str, heartbeat: timedelta, patience: timedelta, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._heartbeat = heartbeat.total_seconds()
        self._patience = patience.total_seconds()
        self._overdue = max(_MISSED * heartbeat, _AT_LEAST).total_seconds()
        self._steady = steady
        self._lock = threading.Lock()
        self._health = Health(name, Outcome.NONE)
        self._turn: _Turn | None = None
        self._began = self._failed = steady()
        self._wait, self._next_wait = self._heartbeat, _FIRST_WAIT
        self._may_pass = False
        self._rejected = self._rejected_above = ""
        self._well: float | None = None
        self._told = False

    def fit(self) -> None:
        """Know that there is a bot, whose ticks may come to be overdue."""
        with self._lock:
            self._well = self._steady() if self._well is None else self._well

    def begin(self, at: datetime) -> bool:
        """Begin a turn in this thread; false where one is under way."""
        with self._lock:
            if self._turn is not None:
                return False
            self._began = self._steady()
            self._turn = _Turn(threading.get_ident(), self._began)
            self._health = replace(self._health, began_at=at)
            return True

    def end(
        self, outcome: Outcome, detail: str, at: datetime, wakes_at: datetime | None = None, *, passes: bool = False
    ) -> float:
        """Tell what the turn's tick came to, and how many seconds it all took. The turn ends with `rest`.

        Of a failure, whether its cause `passes` quickly, as where a database is started again.
        """
        with self._lock:
            self._health = replace(self._health, outcome=outcome, detail=detail)
            if outcome is Outcome.FAILED:
                self._failed = self._steady() if passes else self._began
                self._wait = min(self._heartbeat, self._next_wait) if passes else self._heartbeat
                self._next_wait = min(self._heartbeat, 2 * self._wait) if passes else _FIRST_WAIT
                self._may_pass = passes
            else:
                self._may_pass = False
                if outcome is not Outcome.BUSY:  # which shows nothing of what failed
                    self._next_wait = _FIRST_WAIT
                self._well = self._steady()
                self._health = replace(self._health, ended_at=at, wakes_at=wakes_at)
            return self._steady() - self._began

    def rest(self) -> Hang | None:
        """End the turn. Where it was told to hang, say how long it took after all."""
        with self._lock:
            turn, told = self._turn, self._told
            self._turn, self._told = None, False
        return Hang(turn.thread, self._steady() - turn.since, "") if turn and told else None

    def well_elsewhere(self, seconds_ago: float) -> None:
        """Another replica's tick ended well so long ago; what failed here before that has passed."""
        with self._lock:
            ended, health = self._steady() - seconds_ago, self._health
            self._well = max(self._well or 0.0, ended)
            if health.outcome is Outcome.FAILED and ended > self._failed:
                self._may_pass, self._next_wait = False, _FIRST_WAIT
                at = health.ended_at or health.began_at
                self._health = replace(health, outcome=Outcome.BUSY, detail=_ELSEWHERE, ended_at=at)

    def reject(self, reason: str, *, of_service: bool = False) -> None:
        """The configuration as it now stands cannot be used, for this reason; it can, where there is none.

        That of the site, or `of_service` that of the service: neither says anything about the other.
        """
        with self._lock:
            if of_service:
                self._rejected_above = reason
            else:
                self._rejected = reason
            both = filter(None, (self._rejected_above, self._rejected))
            self._health = replace(self._health, rejected="\n".join(both))

    def penalty(self) -> float:
        """How many seconds after a failure the next turn must wait.

        A site that fails has one turn in a heartbeat, and sooner ones, ever further apart, while its cause may pass.
        """
        with self._lock:
            failed = self._health.outcome is Outcome.FAILED
            return max(0.0, self._failed + self._wait - self._steady()) if failed else 0.0

    @property
    def may_pass(self) -> bool:
        """Whether the last turn failed for something that may have passed before the next heartbeat."""
        with self._lock:
            return self._may_pass

    def hang(self) -> Hang | None:
        """The turn that has come to hang; once for each."""
        with self._lock:
            turn, now = self._turn, self._steady()
            if turn is None or self._told or now - turn.since <= self._patience:
                return None
            self._told = True
        return Hang(turn.thread, now - turn.since, _place(turn.thread))

    def health(self) -> Health:
        """How it fares now."""
        with self._lock:
            health, turn, now, well = self._health, self._turn, self._steady(), self._well
        running = now - turn.since if turn else None
        hangs = running is not None and running > self._patience
        at = _place(turn.thread) if turn else ""
        overdue = well is not None and now - well > self._overdue
        return replace(health, running=running, at=at, hangs=hangs, overdue=overdue)


def _place(thread: int) -> str:
    found = place(thread)
    return str(found.step) if found else ""
