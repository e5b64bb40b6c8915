"""The sockets: HTTP/1.1 on loopback, a thread for each connection; and how tests steer the twin."""

import json
import traceback
from contextlib import nullcontext
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.twins.slack import urls
from tests.twins.slack.faults import ANSWERS, LINES, Fault, Refusal, Reply, build
from tests.twins.slack.link import Link
from tests.twins.slack.members import Group, User
from tests.twins.slack.methods import GET_TOO, JSON_TOO, call
from tests.twins.slack.world import BOT, BOT_USER, Channel, World, find

API, TWIN, RESPONSE = "/api/", "/_twin/", "/response/"
WAITING = ("deliver", "disconnect")
"""What is done while the app asks for this and that."""


class Handler(BaseHTTPRequestHandler):
    """One connection. The service stands on the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length)
        if len(data) < length:  # who asked has died in the middle of it, and was heard by nobody
            self.close_connection = True
            return
        if self.path.startswith(TWIN):
            self.connection.sendall(packed(self.server.steer(self.path.removeprefix(TWIN), data)))
            return
        self._answer(data)

    def _answer(self, data: bytes) -> None:
        reply, fault = self._served(data)
        self.close_connection = True  # as Slack's answer to a client that asks for it, which urllib does
        if fault is not None and fault.kind in LINES:
            LINES[fault.kind](self.connection, packed(reply), fault)
            return
        self.connection.sendall(packed(reply))

    def do_GET(self) -> None:
        """Methods that only read may be asked so; this is also where a redirect would lead."""
        parts = urlsplit(self.path)
        if parts.path.removeprefix(API) in GET_TOO:
            self.path = parts.path
            self.headers["Content-Type"] = "application/x-www-form-urlencoded"
            self._answer(parts.query.encode())
            return
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

    def __init__(self, log: Path, token: str, app_token: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.world = World(log, token, app_token)
        self.link = Link()
        self.lock = RLock()
        self.forget()

    def forget(self) -> None:
        self.world.forget()
        self.faults: list[Fault] = []
        self.fired: list[str] = []
        self.requests: list[str] = []
        self.traffic: list[str] = []
        self.link.heal()

    def handle_error(self, *_: object) -> None:
        """A client that hangs up early is no news."""

    # Serving

    def serve(self, path: str, headers: dict[str, str], data: bytes) -> tuple[Reply, Fault | None]:
        """The reply, and what shall happen to its bytes. The effect comes first or not at all, as the fault says."""
        method = "response" if path.startswith(RESPONSE) else path.removeprefix(API)
        with self.lock:
            self.requests.append(method)
            self.traffic.append(f"{path} {data.decode(errors='replace')}")
            fault = self._fault(method)
            headers = {name.lower(): value for name, value in headers.items()}
            if fault and fault.when == "before":
                reply = Reply({"ok": True})
            elif method == "response":
                reply = self._respond(path.removeprefix(RESPONSE), headers, data)
            else:
                reply = self._answer(method, headers, data)
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
            given = arguments(method, headers, data)
            body = call(self.world, method, headers.get("authorization", ""), given, connect=self.link.url)
        except Refusal as refusal:
            body = refusal.body
        return Reply(body, headers=told)

    def _respond(self, token: str, headers: dict[str, str], data: bytes) -> Reply:
        """What comes to a `response_url`: JSON, and the address itself is the right to do it."""
        plain = "json" not in headers.get("content-type", "")
        try:
            urls.respond(self.world, token, None if plain else json.loads(data))
        except ValueError:
            return Reply({"ok": False, "error": "invalid_payload"}, 400)
        except Refusal as refusal:
            known = str(refusal.body["error"]).endswith("_url")
            return Reply(refusal.body, 404 if known else 400)
        return Reply(raw=b"ok", headers={"Content-Type": "text/html"})

    # Steering

    def steer(self, name: str, data: bytes) -> Reply:
        try:
            with nullcontext() if name in WAITING else self.lock:
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

    def do_group(self, id: str, **told: Any) -> None:  # noqa: A002 - Slack's word
        self.world.groups[id] = Group(id, **told)

    def do_known(self, id: str) -> bool:  # noqa: A002 - Slack's word
        return id in self.world.users

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
        found = self.world.channels[channel].messages if channel in self.world.channels else []
        return [{**each, "channel": channel} for each in found]

    # People

    def do_patience(self, trigger: float) -> None:
        self.world.views.seconds = trigger

    def do_approach(self, user: str, channel: str = "", ts: str = "", view: str = "") -> dict[str, Any]:
        """Somebody is about to do something there: what Slack would tell of it."""
        world, who = self.world, self.world.users[user]
        name = "directmessage" if channel.startswith("D") else "privategroup"
        if channel in world.channels and world.channels[channel].kind == "public":
            name = world.channels[channel].name or channel.lower()
        here = f"http://127.0.0.1:{self.server_address[1]}{RESPONSE}"
        modal = any(each["id"] == view for each in world.views.stacks.get(user, []))
        return {
            "user": {"id": who.id, "username": who.handle, "name": who.handle, "team_id": who.team},
            "channel": {"id": channel, "name": name},
            "scopes": world.scopes,
            "trigger_id": world.views.trigger(user, modal=modal),
            "response_url": here + world.urls.new(user, channel, ts) if channel else "",
        }

    def do_screen(self, user: str) -> dict[str, Any]:
        views = self.world.views
        home, errors = views.homes.get(user), views.errors.get(user, {})
        return {"stack": views.stacks.get(user, []), "home": home, "errors": errors}

    def do_whispers(self, user: str) -> list[Any]:
        return [each for each in self.world.whispers if each["to"] == user]

    def do_enter(self, view: str, values: dict[str, Any]) -> None:
        self.world.views.enter(view, values)

    def do_close(self, view: str, *, cleared: bool) -> None:
        self.world.views.close(view, cleared=cleared)

    def do_view_answer(self, user: str, view: str, told: Any) -> None:
        gone = all(each["id"] != view for each in self.world.views.stacks.get(user, []))
        # An app that has put something else in its place meanwhile has nothing more to say.
        if told is not None or not gone:
            self.world.views.answered(view, told)

    def do_command_answer(self, user: str, channel: str, told: Any) -> None:
        urls.answer(self.world, user, channel, told)

    def do_acknowledged(self, **told: Any) -> None:
        self.world.note("acknowledged", **told)

    # The socket

    def do_deliver(self, envelope: dict[str, Any], seconds: float) -> dict[str, Any]:
        return self.link.deliver(envelope, seconds)

    def do_link(self, **told: Any) -> None:
        """Set how the link behaves: `ping_seconds`, `refusals`, `losses`."""
        for name, value in told.items():
            setattr(self.link, name, value)

    def do_connections(self) -> int:
        return len(self.link.lines)

    def do_deafen(self, *, deaf: bool) -> None:
        self.link.deafen(deaf=deaf)

    def do_cut(self) -> None:
        self.link.cut()

    def do_disconnect(self, reason: str) -> None:
        self.link.disconnect(reason)

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
