"""A real server on a free port of loopback, before sites that note what is asked of them."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from prometheus_client import CollectorRegistry

from postbot.doors.service import http
from postbot.doors.service.health import Health, Outcome
from postbot.ledger import LedgerError
from postbot.serviceconfig import TOKEN as TOKEN_NAME
from postbot.serviceconfig import WEBHOOK as SECRET_NAME
from postbot.serviceconfig import ServiceConfig

SECRET, TOKEN = "canary-webhook-secret", "canary-service-token"
WELL = Health("agency", Outcome.FINE, ended_at=datetime(2026, 3, 9, 12, tzinfo=UTC))


@dataclass
class Site:
    """A site as the server sees it, with a memory of what came in."""

    name: str = "agency"
    repository: str = "Agency/Site"
    stands: Health = WELL
    writable: bool = True
    pokes: int = 0
    known: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def health(self) -> Health:
        return replace(self.stands, name=self.name)

    def poke(self) -> None:
        with self.lock:
            self.pokes += 1

    def heard(self, key: str) -> bool:
        if not self.writable:
            raise LedgerError("The disk is full.")
        with self.lock:
            new = key not in self.known
            self.known.add(key)
        return new


@dataclass(frozen=True)
class Served:
    """A running server, and a client that follows nothing and keeps nothing."""

    port: int
    registry: CollectorRegistry
    sites: list[Site]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET", **told: object) -> requests.Response:
        return requests.request(method, self.url + path, timeout=20, allow_redirects=False, **told)  # type: ignore[arg-type]

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        return self.ask("/github", "POST", data=body, headers=dict(headers))


def settings(names: tuple[str, ...] = ()) -> ServiceConfig:
    return ServiceConfig(sites=(Path("postbot.yaml"),), names=names)


@contextmanager
def served(
    *sites: Site,
    names: tuple[str, ...] = (),
    token: str = "",
    secret: str = "",
    patience: float = http.PATIENCE,
    works: Callable[[], bool] = lambda: True,
) -> Iterator[Served]:
    registry, there = CollectorRegistry(), list(sites)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ((TOKEN_NAME, token), (SECRET_NAME, secret)):
            environment.setenv(name, value) if value else environment.delenv(name, raising=False)
        app = http.application(lambda: there, settings(names), registry, works=works)
    server = http.serve(app, "127.0.0.1", 0, patience=patience)
    try:
        yield Served(server.port, registry, there)
    finally:
        server.stop()


# What GitHub sends


def payload(repository: str = "agency/site", **more: object) -> bytes:
    return json.dumps({"ref": "refs/heads/main", "repository": {"id": 1, "full_name": repository}} | more).encode()


def signed(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def headers(body: bytes, **other: str | None) -> dict[str, str]:
    """The headers of a delivery as GitHub sends them; others in their place, by names with `_` for `-`; None: not sent."""
    given = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": str(uuid4()),
        "X-Hub-Signature-256": signed(body),
    }
    found = given | {name.replace("_", "-"): value for name, value in other.items()}
    return {name: value for name, value in found.items() if value is not None}
