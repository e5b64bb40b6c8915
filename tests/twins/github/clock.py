"""The twin's time: the real one, a moved one, or one that stands where a test has put it."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    def __init__(self) -> None:
        self._fixed: datetime | None = None
        self._moved = timedelta()

    def now(self) -> datetime:
        """The time in UTC, in whole seconds, as GitHub tells it."""
        base = self._fixed or datetime.fromtimestamp(int(time.time()), UTC)
        return (base + self._moved).replace(microsecond=0)

    def set(self, instant: datetime | None) -> None:
        self._fixed, self._moved = instant, timedelta()

    def advance(self, seconds: float) -> None:
        self._moved += timedelta(seconds=seconds)


def stamp(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
