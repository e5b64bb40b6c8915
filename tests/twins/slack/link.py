"""Socket Mode: the websocket over which Slack hands an app what people do, and everything that can go wrong with it.

From docs.slack.dev/apis/events-api/using-socket-mode.
"""

import json
import logging
import secrets
import socket
import time
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.twins.slack.views import APP

HOST = {"host": "applink-twin-1"}
LOST = object()
SILENT = logging.getLogger("tests.twins.slack.link")
SILENT.disabled = True
REASONS = ("warning", "refresh_requested", "link_disabled")


class Line(ServerConnection):
    """One connection. One that is deaf takes everything, and no byte of it comes back, not even a pong."""

    deaf = False

    def send_data(self) -> None:
        if self.deaf:
            self.protocol.data_to_send()
        else:
            super().send_data()


class Link:
    """The server, and the connections that are up."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.lines: list[Line] = []
        self.tickets: set[str] = set()
        self.waiting: dict[str, list[Queue[Any]]] = {}
        self.heal()
        self.server = serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._admit,
            create_connection=Line,
            compression=None,
            ping_interval=None,
            logger=SILENT,
        )
        self.port = self.server.socket.getsockname()[1]
        Thread(target=self.server.serve_forever, daemon=True).start()

    def heal(self) -> None:
        self.ping_seconds, self.refusals, self.losses = 5.0, 0, 0
        self.deafen(deaf=False)

    def url(self) -> str:
        """A new address, good for one connection."""
        ticket = secrets.token_hex(8)
        self.tickets.add(ticket)
        return f"ws://127.0.0.1:{self.port}/link/?ticket={ticket}&app_id={APP}"

    def deafen(self, *, deaf: bool) -> None:
        """All connections that are up now; those that come after hear."""
        for line in self.lines:
            line.deaf = deaf

    def cut(self) -> None:
        for line in self._taken():
            line.socket.shutdown(socket.SHUT_RDWR)

    def disconnect(self, reason: str) -> None:
        """Tell all connections why they should go; after a mere warning they stay."""
        if reason not in REASONS:
            raise ValueError(f"Slack gives no such reason: {reason}")
        for line in list(self.lines) if reason == "warning" else self._taken():
            line.send(json.dumps({"type": "disconnect", "reason": reason, "debug_info": HOST}))
            if reason != "warning":
                line.close()

    def deliver(self, envelope: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Hand over an envelope and wait for the acknowledgement: `acked`, `payload`, `seconds`, `tries`."""
        began, answers = time.monotonic(), Queue[Any]()
        self.waiting.setdefault(envelope["envelope_id"], []).append(answers)
        tries = 0
        while (left := began + seconds - time.monotonic()) > 0:
            if not self._send({**envelope, **retried(envelope, tries)}):
                time.sleep(0.01)
                continue
            tries += 1
            try:
                told = answers.get(timeout=left)
            except Empty:
                break
            if told is not LOST:
                return {"acked": True, "payload": told, "seconds": time.monotonic() - began, "tries": tries}
        return {"acked": False, "payload": None, "seconds": time.monotonic() - began, "tries": tries}

    def _send(self, envelope: dict[str, Any]) -> bool:
        """Whether it went out at all: Slack picks any one of the connections."""
        for line in list(self.lines):
            try:
                line.send(json.dumps(envelope))
            except ConnectionClosed:
                continue
            return True
        return False

    def _taken(self) -> list[Line]:
        """All connections, which are none of ours any more."""
        with self.lock:
            lines, self.lines = self.lines, []
        return lines

    def _admit(self, line: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        ticket = parse_qs(parts.query).get("ticket", [""])[0]
        if self.refusals > 0:
            self.refusals -= 1
            return line.respond(503, "not now\n")
        if parts.path != "/link/" or ticket not in self.tickets:
            return line.respond(403, "no such ticket\n")
        self.tickets.discard(ticket)
        return None

    def _serve(self, line: ServerConnection) -> None:
        assert isinstance(line, Line)
        with self.lock:
            self.lines.append(line)
        told = {"type": "hello", "num_connections": len(self.lines), "connection_info": {"app_id": APP}}
        try:
            line.send(json.dumps({**told, "debug_info": {**HOST, "approximate_connection_time": 3600}}))
            self._listen(line)
        except ConnectionClosed:
            pass
        finally:
            with self.lock:
                self.lines = [each for each in self.lines if each is not line]

    def _listen(self, line: Line) -> None:
        pinged = time.monotonic()
        while True:
            if self.ping_seconds and time.monotonic() - pinged >= self.ping_seconds:
                line.ping("Ping from applink-twin-1")
                pinged = time.monotonic()
            try:
                told = json.loads(line.recv(timeout=min(0.2, self.ping_seconds or 0.2)))
            except TimeoutError:
                continue
            if not line.deaf:
                self._acknowledged(told)

    def _acknowledged(self, told: dict[str, Any]) -> None:
        if odd := set(told) - {"envelope_id", "payload"}:
            raise ValueError(f"an acknowledgement has no {sorted(odd)}")
        with self.lock:
            asking = self.waiting.get(told["envelope_id"], [])
            if not asking:
                return
            if self.losses > 0:
                self.losses -= 1
                asking[0].put(LOST)
            else:
                asking.pop(0).put(told.get("payload"))


def retried(envelope: dict[str, Any], tries: int) -> dict[str, Any]:
    """What Slack adds to an envelope that it delivers again."""
    attempt = envelope.get("retry_attempt", 0) + tries
    return {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
