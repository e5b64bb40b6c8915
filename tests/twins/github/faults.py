"""What can go wrong with one request, before or after its effect: fourteen ways to fail, and two of GraphQL's own."""

import json
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.twins.github.errors import DOCS
from tests.twins.github.limits import Limits
from tests.twins.github.rest import Reply

UNICORN = b"<!DOCTYPE html><html><head><title>Unicorn! &middot; GitHub</title></head><body>No server is currently available to service your request.</body></html>"
GARBAGE = b"\x15\x03\x03\x00\x02\x02\x28\x00\xff\xfe"
PIECES = 20


@dataclass
class Fault:
    """Fails the `nth` request that fits from when it was asked for, and `times` in all."""

    kind: str
    endpoint: str | None = None
    nth: int = 1
    when: str = "before"
    times: int = 1
    seconds: float = 1.5
    seen: int = 0

    def fits(self, name: str) -> bool:
        """Count a request; whether this is one to fail."""
        if self.endpoint not in {None, name}:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    @property
    def spent(self) -> bool:
        return self.seen >= self.nth + self.times - 1


class Faults:
    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.fired: list[str] = []

    def take(self, name: str) -> Fault | None:
        """The fault for this request. Each rule counts every request that fits it, also while another fires."""
        found = [fault for fault in self.waiting if fault.fits(name)]
        self.waiting = [fault for fault in self.waiting if not fault.spent]
        if found:
            self.fired.append(f"{found[0].kind} {found[0].when} {name}")
        return found[0] if found else None


# Faults of the answer: another reply than the true one


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"message": message, "documentation_url": DOCS, "status": str(status)}, headers or {})


def _html(status: int) -> Reply:
    return Reply(status, headers={"Content-Type": "text/html; charset=utf-8"}, raw=UNICORN)


SLOW_DOWN = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def _primary(limits: Limits) -> Reply:
    limits.exhaust(timedelta(hours=1))
    return limits.refusal("core")


def _truncated(true: Reply) -> Reply:
    whole = json.dumps(true.body if true.body is not None else {"message": "cut short"}).encode()
    return Reply(true.status, headers=true.headers, raw=whole[: max(1, len(whole) // 2)])


def _wrong_type(true: Reply) -> Reply:
    return Reply(true.status, "ok" if isinstance(true.body, list) else [], true.headers)


def _partial(true: Reply) -> Reply:
    told = {
        "message": "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug."
    }
    return Reply(200, {"data": None, "errors": [told]})


def _rate_limited(limits: Limits) -> Reply:
    told = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for installation ID 47."}
    return Reply(200, {"errors": [told]}, limits.headers("graphql", remaining=0))


ANSWERS: dict[str, Callable[[Reply, Limits], Reply]] = {
    "500": lambda true, limits: _error(500, "Server Error"),
    "502": lambda true, limits: _error(502, "Server Error"),
    "503": lambda true, limits: _html(503),
    "403-secondary": lambda true, limits: _error(403, SLOW_DOWN, {"Retry-After": "60"}),
    "403-primary": lambda true, limits: _primary(limits),
    "429": lambda true, limits: _error(429, SLOW_DOWN, {"Retry-After": "60"}),
    "401": lambda true, limits: _error(401, "Bad credentials"),
    "403-forbidden": lambda true, limits: _error(403, "Resource not accessible by integration"),
    "truncated": lambda true, limits: _truncated(true),
    "wrong-type": lambda true, limits: _wrong_type(true),
    "graphql-partial": lambda true, limits: _partial(true),
    "RATE_LIMITED": lambda true, limits: _rate_limited(limits),
}


# Faults of the line: what happens to the bytes


def drop(line: socket.socket, whole: bytes, fault: Fault) -> None:
    line.shutdown(socket.SHUT_RDWR)


def reset(line: socket.socket, whole: bytes, fault: Fault) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang(line: socket.socket, whole: bytes, fault: Fault) -> None:
    time.sleep(fault.seconds)
    drop(line, whole, fault)


def drip(line: socket.socket, whole: bytes, fault: Fault) -> None:
    size = -(-len(whole) // PIECES)
    for start in range(0, len(whole), size):
        line.sendall(whole[start : start + size])
        time.sleep(fault.seconds / PIECES)


def tls(line: socket.socket, whole: bytes, fault: Fault) -> None:
    line.sendall(GARBAGE)
    drop(line, whole, fault)


LINES: dict[str, Callable[[socket.socket, bytes, Fault], None]] = {
    "drop": drop,
    "reset": reset,
    "hang": hang,
    "drip": drip,
    "tls": tls,
}


def build(**fields: Any) -> Fault:
    fault = Fault(**fields)
    if fault.kind not in LINES and fault.kind not in ANSWERS:
        raise ValueError(f"no fault is named {fault.kind}")
    if fault.when not in {"before", "after"}:
        raise ValueError("a fault is before or after")
    return fault
