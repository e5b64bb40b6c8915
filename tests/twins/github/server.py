"""The sockets: HTTP/1.1 on loopback, a thread for each connection."""

import json
import traceback
from dataclasses import asdict, is_dataclass
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.twins.github import control
from tests.twins.github.errors import Refusal
from tests.twins.github.faults import LINES, Fault
from tests.twins.github.rest import Reply
from tests.twins.github.service import Asked, Service

TWIN = "/_twin/"
BODILESS = {204, 304}


class Handler(BaseHTTPRequestHandler):
    """One connection. The service stands on the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length)
        if len(data) < length:  # who asked has died in the middle of it, and was heard by nobody
            self.close_connection = True
            return
        if self.path.startswith(TWIN):
            self.connection.sendall(packed(self._control(urlsplit(self.path).path.removeprefix(TWIN), data)))
            return
        reply, fault = self._served(Asked(self.command, self.path, self.headers, data))
        whole = packed(reply, head_only=self.command == "HEAD")
        if fault is not None and fault.kind in LINES:
            self.close_connection = True
            LINES[fault.kind](self.connection, whole, fault)
            return
        self.connection.sendall(whole)

    def __getattr__(self, name: str) -> object:
        """Every method is answered alike."""
        if name.startswith("do_"):
            return self.do_any
        raise AttributeError(name)

    def _served(self, asked: Asked) -> tuple[Reply, Fault | None]:
        """The service's reply; a mistake of the twin's own is told as such, lest it pass for a fault of the line."""
        try:
            return self.server.service.serve(asked)
        except Exception:  # noqa: BLE001 - whatever it is, it is ours
            traceback.print_exc()
            return Reply(599, {"message": "The twin itself has failed.", "trace": traceback.format_exc()}), None

    def _control(self, name: str, data: bytes) -> Reply:
        try:
            return Reply(200, {"result": control.perform(self.server.service, name, json.loads(data or b"{}"))})
        except Refusal as refusal:
            return Reply(409, {"refused": refusal.message, "errors": refusal.errors})
        except Exception as error:  # noqa: BLE001 - the test that asked is told
            return Reply(400, {"error": f"{type(error).__name__}: {error}"})

    def log_message(self, *_: object) -> None:
        """Say nothing: tests read `requests`."""


def packed(reply: Reply, *, head_only: bool = False) -> bytes:
    """The bytes of a reply."""
    data = (
        reply.raw
        if reply.raw is not None
        else b""
        if reply.body is None
        else json.dumps(reply.body, default=_plain).encode()
    )
    kind = (
        {"Content-Type": "application/json; charset=utf-8"}
        if reply.raw is None or "Content-Type" not in reply.headers
        else {}
    )
    length = {} if reply.status in BODILESS else {"Content-Length": str(len(data))}
    head = f"HTTP/1.1 {reply.status} {responses.get(reply.status, '')}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in {**kind, **reply.headers, **length}.items())
    return head.encode("latin-1", "replace") + b"\r\n" + (b"" if head_only or reply.status in BODILESS else data)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int, service: Service) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.service = service
        service.origin = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up early is no news."""
