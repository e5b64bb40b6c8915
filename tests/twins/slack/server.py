"""The sockets: HTTP/1.1 on loopback, a thread for each connection; and how tests steer the twin."""

import json
import traceback
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl

from tests.twins.slack.faults import ANSWERS, LINES, Fault, Reply, build
from tests.twins.slack.world import BOT, BOT_USER, JSON_TOO, Channel, Refusal, User, World, find

API, TWIN = "/api/", "/_twin/"


class Handler(BaseHTTPRequestHandler):
    """One connection. The service stands on the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith(TWIN):
            self.connection.sendall(packed(self.server.steer(self.path.removeprefix(TWIN), data)))
            return
        reply, fault = self._served(data)
        self.close_connection = True  # as Slack's answer to a client that asks for it, which urllib does
        if fault is not None and fault.kind in LINES:
            LINES[fault.kind](self.connection, packed(reply), fault)
            return
        self.connection.sendall(packed(reply))

    def do_GET(self) -> None:
        """Slack's methods are asked by POST here; this is where a redirect would lead."""
        self.server.requests.append(f"GET {self.path}")
        self.connection.sendall(packed(Reply({"ok": False, "error": "invalid_post_type"}, 404)))

    def _served(self, data: bytes) -> tuple[Reply, Fault | None]:
        try:
            return self.server.serve(self.path, dict(self.headers.items()), data)
        except Exception:  # noqa: BLE001 - whatever it is, it is ours, and must not pass for a fault of the line
            traceback.print_exc()
            return Reply({"ok": False, "error": "the_twin_itself_has_failed"}), None

    def log_message(self, *_: object) -> None:
        """Say nothing: tests read `requests`."""


def packed(reply: Reply) -> bytes:
    """The bytes of a reply."""
    data = reply.data()
    headers = {"Content-Type": "application/json; charset=utf-8", **reply.headers, "Content-Length": str(len(data))}
    head = f"HTTP/1.1 {reply.status} {responses.get(reply.status, '')}\r\n"
    return (
        (head + "".join(f"{name}: {value}\r\n" for name, value in headers.items())).encode("latin-1") + b"\r\n" + data
    )


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, log: Path, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.world = World(log, token)
        self.lock = RLock()
        self.forget()

    def forget(self) -> None:
        self.world.forget()
        self.faults: list[Fault] = []
        self.fired: list[str] = []
        self.requests: list[str] = []
        self.traffic: list[str] = []

    def handle_error(self, *_: object) -> None:
        """A client that hangs up early is no news."""

    # Serving

    def serve(self, path: str, headers: dict[str, str], data: bytes) -> tuple[Reply, Fault | None]:
        """The reply, and what shall happen to its bytes. The effect comes first or not at all, as the fault says."""
        method = path.removeprefix(API)
        with self.lock:
            self.requests.append(method)
            self.traffic.append(f"{path} {data.decode(errors='replace')}")
            fault = self._fault(method)
            headers = {name.lower(): value for name, value in headers.items()}
            reply = Reply({"ok": True}) if fault and fault.when == "before" else self._answer(method, headers, data)
            if fault is not None and fault.kind in ANSWERS:
                reply = ANSWERS[fault.kind](reply, fault)
            return reply, fault

    def _fault(self, method: str) -> Fault | None:
        found = [fault for fault in self.faults if fault.fits(method)]
        if found:
            self.fired.append(f"{found[0].kind} {found[0].when} {method}")
        return found[0] if found else None

    def _answer(self, method: str, headers: dict[str, str], data: bytes) -> Reply:
        told = {"X-OAuth-Scopes": ",".join(self.world.scopes), "X-Slack-Req-Id": f"twin-{len(self.requests)}"}
        try:
            body = self.world.call(method, headers.get("authorization", ""), arguments(method, headers, data))
        except Refusal as refusal:
            body = refusal.body
        return Reply(body, headers=told)

    # Steering

    def steer(self, name: str, data: bytes) -> Reply:
        try:
            with self.lock:
                return Reply({"result": getattr(self, f"do_{name}")(**json.loads(data or b"{}"))})
        except Exception as error:  # noqa: BLE001 - the test that asked is told
            return Reply({"error": f"{type(error).__name__}: {error}"}, 400)

    def do_forget(self) -> None:
        self.forget()

    def do_channel(self, id: str, **told: Any) -> None:  # noqa: A002 - Slack's word
        channel = self.world.channels.setdefault(id, Channel(id))
        for name, value in told.items():
            setattr(channel, name, value)

    def do_user(self, id: str, **told: Any) -> None:  # noqa: A002 - Slack's word
        self.world.users[id] = User(id, **told)

    def do_app(self, scopes: list[str] | None = None, revoked: str | None = None, page: int | None = None) -> None:
        if scopes is not None:
            self.world.scopes = scopes
        if revoked is not None:
            self.world.revoked = revoked
        if page is not None:
            self.world.page = page

    def do_fault(self, **told: Any) -> None:
        self.faults.append(build(**told))

    def do_fired(self) -> list[str]:
        return self.fired

    def do_heal(self) -> None:
        self.faults.clear()

    def do_requests(self) -> list[str]:
        return self.requests

    def do_traffic(self) -> list[str]:
        return self.traffic

    def do_messages(self, channel: str) -> list[Any]:
        return self.world.channels[channel].messages if channel in self.world.channels else []

    def do_say(self, channel: str, text: str, by: str, metadata: Any = None, *, as_bot: bool = False) -> str:
        """What somebody else writes; `as_bot`: what this bot wrote at another time."""
        who = {"user": BOT_USER, "bot_id": BOT} if as_bot else {"user": by}
        message = {"type": "message", **who, "text": text, **({"metadata": metadata} if metadata else {})}
        return str(self.world.put(self.world.channels[channel], message, None, {"text": text})["ts"])

    def do_delete(self, channel: str, ts: str) -> None:
        """A person takes a message away."""
        found = self.world.channels[channel]
        message = find(found, ts)
        if message is None:
            raise ValueError("there is no such message")
        found.messages.remove(message)
        self.world.note("deleted", channel=channel, ts=ts)


def arguments(method: str, headers: dict[str, str], data: bytes) -> dict[str, Any]:
    """What was asked with: a form, or for some methods JSON. Nothing at all is nothing, whatever its type."""
    if data and "json" in headers.get("content-type", ""):
        if method not in JSON_TOO:
            return {}
        try:
            told = json.loads(data)
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(told, dict):
            raise Refusal("json_not_object")
        return told
    return dict(parse_qsl(data.decode()))
