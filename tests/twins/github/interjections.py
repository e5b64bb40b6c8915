"""What people do in the gaps: an act just before or just after a certain request, while its asker waits for the answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

PATIENCE = 60
"""Seconds after which a request that is held is let go, lest a test that failed hold the twin for ever."""


@dataclass
class Interjection:
    """Happens once, at the nth request that fits from when it was asked for. `act` says what came of it."""

    act: Callable[[], str]
    endpoint: str | None = None
    nth: int = 1
    when: str = "before"
    seen: int = 0
    outcome: str = ""

    def fits(self, name: str) -> bool:
        """Count a request; whether this is the one."""
        self.seen += self.endpoint in {None, name}
        return self.seen == self.nth and self.endpoint in {None, name}

    def happen(self) -> None:
        self.outcome = self.act()


@dataclass
class Interjections:
    waiting: list[Interjection] = field(default_factory=list)
    known: list[Interjection] = field(default_factory=list)
    held: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)

    def add(self, rule: Interjection) -> None:
        if rule.when not in {"before", "after"}:
            raise ValueError("people act before or after a request")
        self.waiting.append(rule)
        self.known.append(rule)

    def take(self, name: str) -> list[Interjection]:
        """Those that belong to this request. Each counts every request that fits it."""
        found = [rule for rule in self.waiting if rule.fits(name)]
        self.waiting = [rule for rule in self.waiting if rule not in found]
        return found

    def hold(self) -> str:
        """Keep the asker waiting until it is let go."""
        self.held.set()
        self.released.wait(PATIENCE)
        return "done"
