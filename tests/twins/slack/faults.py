"""What can go wrong with one call: Slack's own refusals, and what a test asks for, before or after the effect."""

import json
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HTML = b"<!DOCTYPE html><html><head><title>Server Error | Slack</title></head><body>Something went wrong.</body></html>"


class Refusal(Exception):  # noqa: N818 - an answer, not an error of the twin
    """`ok: false`, with the error's name and whatever else comes with it."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error, more)
        self.body = {"ok": False, "error": error, **more}


@dataclass
class Reply:
    """One answer: JSON, or the bytes of `raw`."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def data(self) -> bytes:
        return json.dumps(self.body).encode() if self.raw is None else self.raw


@dataclass
class Fault:
    """Fails the `nth` call that fits from when it was asked for, and `times` in all."""

    kind: str
    method: str | None = None
    nth: int = 1
    when: str = "before"
    times: int = 1
    seconds: float = 1.0
    retry_after: str | None = "30"
    seen: int = 0

    def fits(self, method: str) -> bool:
        """Count a call; whether this is one to fail."""
        if self.method not in {None, method}:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


def _error(name: str, status: int = 200) -> Callable[[Reply, Fault], Reply]:
    return lambda true, fault: Reply({"ok": False, "error": name}, status, true.headers)


def _slow_down(status: int) -> Callable[[Reply, Fault], Reply]:
    def answer(true: Reply, fault: Fault) -> Reply:
        told = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        return Reply({"ok": False, "error": "ratelimited"}, status, {**true.headers, **told})

    return answer


def _page(status: int) -> Callable[[Reply, Fault], Reply]:
    return lambda true, fault: Reply(status=status, headers={"Content-Type": "text/html; charset=utf-8"}, raw=HTML)


def _slow_page(true: Reply, fault: Fault) -> Reply:
    return Reply(status=429, headers={"Content-Type": "text/html", "Retry-After": fault.retry_after or ""}, raw=HTML)


def _raw(make: Callable[[bytes], bytes]) -> Callable[[Reply, Fault], Reply]:
    return lambda true, fault: Reply(status=true.status, headers=true.headers, raw=make(true.data()))


def _redirect(true: Reply, fault: Fault) -> Reply:
    return Reply(status=302, headers={"Location": "/elsewhere"}, raw=b"")


def _no_cursor(true: Reply, fault: Fault) -> Reply:
    """A list that says there is more, and not where."""
    return Reply({**true.body, "response_metadata": {}}, true.status, true.headers)


REFUSALS = ("429", "429-html", "ratelimited", "invalid_auth", "is_archived", "403", "no_permission")
"""Answers of a Slack that has done nothing: there is no such fault after an effect."""

ANSWERS: dict[str, Callable[[Reply, Fault], Reply]] = {
    "429": _slow_down(429),
    "429-html": _slow_page,
    "ratelimited": _slow_down(200),
    "invalid_auth": _error("invalid_auth"),
    "is_archived": _error("is_archived"),
    "no_permission": _error("no_permission"),
    "403": _page(403),
    "500": _error("internal_error", 500),
    "500-odd": _error("something_went_wrong", 500),
    "502": _page(502),
    "503": _error("service_unavailable", 503),
    "internal_error": _error("internal_error"),
    "fatal_error": _error("fatal_error"),
    "html": _page(200),
    "truncated": _raw(lambda data: data[: len(data) // 2]),
    "not-json": _raw(lambda data: b"upstream connect error"),
    "wrong-type": _raw(lambda data: b'["ok"]'),
    "nothing": _raw(lambda data: b""),
    "bad-charset": _raw(lambda data: b"\xff\xfe" + data),
    "bare-ok": _raw(lambda data: b'{"ok": true}'),
    "redirect": _redirect,
    "no-cursor": _no_cursor,
}


def _drop(line: socket.socket, whole: bytes, fault: Fault) -> None:
    line.shutdown(socket.SHUT_RDWR)


def _reset(line: socket.socket, whole: bytes, fault: Fault) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _hang(line: socket.socket, whole: bytes, fault: Fault) -> None:
    time.sleep(fault.seconds)


def _cut(line: socket.socket, whole: bytes, fault: Fault) -> None:
    line.sendall(whole[:-20])
    line.shutdown(socket.SHUT_RDWR)


def _garbage(line: socket.socket, whole: bytes, fault: Fault) -> None:
    line.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
    line.shutdown(socket.SHUT_RDWR)


LINES: dict[str, Callable[[socket.socket, bytes, Fault], None]] = {
    "drop": _drop,
    "reset": _reset,
    "hang": _hang,
    "cut": _cut,
    "garbage": _garbage,
}
KINDS = (*ANSWERS, *LINES)


def build(**told: Any) -> Fault:
    fault = Fault(**told)
    if fault.kind not in KINDS:
        raise ValueError(f"no fault is named {fault.kind}")
    if fault.when not in {"before", "after"} or (fault.when == "after" and fault.kind in REFUSALS):
        raise ValueError(f"{fault.kind} cannot be {fault.when}")
    return fault
