"""How many requests an hour allows, by the twin's clock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.twins.github.clock import Clock
from tests.twins.github.errors import DOCS
from tests.twins.github.rest import Reply

HOUR = timedelta(hours=1)


@dataclass
class Limits:
    clock: Clock
    allowed: dict[str, int] = field(default_factory=lambda: {"core": 5000, "graphql": 5000})
    used: dict[str, int] = field(default_factory=lambda: {"core": 0, "graphql": 0})
    reset: datetime | None = None

    def _window(self) -> datetime:
        """When the running hour ends; a new one begins when it has."""
        if self.reset is None or self.reset <= self.clock.now():
            self.used = dict.fromkeys(self.used, 0)
            self.reset = self.clock.now() + HOUR
        return self.reset

    def spent(self, resource: str) -> bool:
        self._window()
        return self.used[resource] >= self.allowed[resource]

    def use(self, resource: str, points: int = 1) -> None:
        self._window()
        self.used[resource] += points

    def exhaust(self, wait: timedelta) -> None:
        """Nothing is left until then."""
        self.reset, self.used = self.clock.now() + wait, dict(self.allowed)

    def headers(self, resource: str, remaining: int | None = None) -> dict[str, str]:
        end = self._window()
        left = max(0, self.allowed[resource] - self.used[resource]) if remaining is None else remaining
        return {
            "X-RateLimit-Limit": str(self.allowed[resource]),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Used": str(self.used[resource]),
            "X-RateLimit-Reset": str(int(end.timestamp())),
            "X-RateLimit-Resource": resource,
        }

    def refusal(self, resource: str) -> Reply:
        message = "API rate limit exceeded for installation ID 47."
        if resource == "graphql":
            return Reply(200, {"errors": [{"type": "RATE_LIMITED", "message": message}]}, self.headers(resource))
        return Reply(403, {"message": message, "documentation_url": DOCS, "status": "403"}, self.headers(resource))

    def told(self) -> dict[str, object]:
        """GraphQL's `rateLimit`."""
        end, allowed, used = self._window(), self.allowed["graphql"], self.used["graphql"]
        return {
            "limit": allowed,
            "used": used,
            "remaining": max(0, allowed - used),
            "resetAt": end,
            "cost": 1,
            "nodeCount": 0,
        }
