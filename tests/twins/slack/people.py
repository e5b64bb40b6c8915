"""Somebody in the workspace, who does things: each sends what Slack would send, and sees what Slack would show.

How to use it is told in `tests.twins.slack`.
"""

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.twins.slack import entry, payloads
from tests.twins.slack.members import TEAM

if TYPE_CHECKING:
    from tests.twins.slack.client import SlackTwin

SECRET = "twin-signing-secret"  # noqa: S105 - it opens nothing real
Told = dict[str, Any]
Fields = dict[str, dict[str, Any]]


def signed(body: bytes | str, secret: str = SECRET, ts: float | None = None, **headers: str) -> dict[str, str]:
    """The headers with which Slack would send a body; `ts` in seconds since 1970, other headers with _ for -."""
    data = body.encode() if isinstance(body, str) else body
    at = str(int(time.time() if ts is None else ts))
    digest = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + data, hashlib.sha256).hexdigest()
    kind = "application/json" if data.startswith(b"{") else "application/x-www-form-urlencoded"
    return {
        "Content-Type": kind,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": f"v0={digest}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }


@dataclass(frozen=True)
class Sent:
    """What went out: body and headers over HTTP, an envelope over the socket."""

    what: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    envelope: Told = field(default_factory=dict)
    retries: int = 0


@dataclass(frozen=True)
class Answer:
    """What the app said: the status of HTTP (0: nothing in time), the body, and after how many seconds."""

    status: int
    body: str
    seconds: float
    sent: Sent

    def json(self) -> Any:
        """The body as an object; None where it is empty."""
        return json.loads(self.body) if self.body.strip() else None


class Person:
    """A member who acts. What the app should not have answered is an AssertionError."""

    def __init__(self, twin: "SlackTwin", id: str, *, by: str = "http") -> None:  # noqa: A002 - Slack's word
        if by not in ("http", "socket"):
            raise ValueError("people act by http or by socket")
        self.twin, self.id, self.by, self.workspace = twin, id, by, TEAM
        self.room = f"D{id[1:]}"
        self._retries: dict[bytes, int] = {}

    # What this person sees

    def view(self) -> Any:
        """The modal on top, with what stands in its fields; None where none is open."""
        stack = self.views()
        return stack[-1] if stack else None

    def views(self) -> list[Told]:
        return list(self._screen()["stack"])

    def home(self) -> Any:
        """The app's home as it was published for this person; None where it never was."""
        return self._screen()["home"]

    def errors(self) -> dict[str, str]:
        """What stands at the fields since the last submit, by block_id."""
        return dict(self._screen()["errors"])

    def heard(self) -> list[Told]:
        """The messages that only this person sees, oldest first, then those of the own conversation with the app."""
        return [*self.twin.act("whispers", user=self.id), *self.twin.messages(self.room)]

    # What this person does

    def command(self, name: str, text: str = "", *, channel: str | None = None) -> Answer:
        facts = self._facts(channel=channel or self.room)
        assert "commands" in facts["scopes"], "Without the scope commands the app has none."
        form = payloads.command(facts, self.workspace, name, text)
        answer = self._do("command", "slash_commands", form, payloads.of_command(form))
        if answer.status == 200 and answer.body.strip():
            self._asked("command_answer", channel=channel or self.room, told=_spoken(answer.body))
        return answer

    def form(self, name: str, text: str = "", *, channel: str | None = None) -> bytes:
        """The bytes that a command would send, with a trigger of their own."""
        facts = self._facts(channel=channel or self.room)
        return payloads.of_command(payloads.command(facts, self.workspace, name, text))

    def shortcut(self, callback_id: str) -> Answer:
        facts = self._facts()
        assert "commands" in facts["scopes"], "Without the scope commands the app has no shortcuts."
        own = {"callback_id": callback_id, "trigger_id": facts["trigger_id"], "action_ts": payloads.stamp()}
        return self._quiet(self._interact(facts, "shortcut", **own))

    def message_shortcut(self, callback_id: str, channel: str, ts: str) -> Answer:
        facts = self._facts(channel=channel, ts=ts)
        assert "commands" in facts["scopes"], "Without the scope commands the app has no shortcuts."
        seen = [each for each in [*self.twin.messages(channel), *self.heard()] if each["ts"] == ts]
        assert seen, f"There is no message {ts} in {channel}."
        own = {"callback_id": callback_id, "trigger_id": facts["trigger_id"], "action_ts": payloads.stamp()}
        own |= {"channel": facts["channel"], "message_ts": ts, "response_url": facts["response_url"]}
        return self._quiet(self._interact(facts, "message_action", **own, message=payloads.without_inner(seen[0])))

    def opens_home(self) -> Answer:
        home = self.home()
        inner = {"type": "app_home_opened", "user": self.id, "channel": self.room, "tab": "home"}
        told = payloads.event(
            self.workspace, {**inner, "event_ts": payloads.stamp(), **({"view": home} if home else {})}
        )
        return self._quiet(self._do("event", "events_api", told, json.dumps(told).encode()))

    def verifies(self) -> Answer:
        """Slack asks whether the address is the app's, as when somebody enters it; over HTTP only."""
        challenge = secrets.token_hex(16)
        told = {"token": payloads.VERIFICATION, "challenge": challenge, "type": "url_verification"}
        body = json.dumps(told).encode()
        answer = self._post(Sent("url_verification", body, signed(body, self.twin.secret)))
        assert answer.status != 200 or challenge in answer.body, "The challenge must come back."
        return answer

    def click(self, where: Told, action_id: str, value: str | None = None, *, block_id: str | None = None) -> Answer:
        """A button of a view as it is now, or of a message as it was given, which may be an old one."""
        where = self._looked_at(where)
        block, element = entry.find(where["blocks"], action_id, block_id, value)
        assert element["type"] == "button", f"{action_id} is no button but a {element['type']}; choose instead."
        return self._act(where, where.get("state", {}).get("values"), payloads.action(block, element))

    def choose(self, where: Told, block_id: str, action_id: str, value: Any) -> Answer:
        """Something other than a button, which the app hears of at once."""
        where = self._looked_at(where)
        block, element = entry.find(where["blocks"], action_id, block_id)
        told = block["type"] != "input" or block.get("dispatch_action")
        assert told, f"The app does not hear of {block_id} before the view is submitted; give it to submit."
        if element["type"] == "overflow":
            chosen = {"selected_option": entry.chosen(element, value, block_id)}
            return self._act(where, where.get("state", {}).get("values"), payloads.action(block, element, chosen))
        state = entry.entered(block, element, value)
        values = where["state"]["values"] if "state" in where else entry.initial(where)
        values[block_id][action_id] = state
        if "state" in where:
            self.twin.act("enter", view=where["id"], values=values)
        return self._act(where, values, payloads.action(block, element, state))

    def submit(self, view: Told, given: Fields | None = None) -> Answer:
        view = self._looked_at(view)
        assert view["type"] == "modal", "Only a modal can be submitted."
        assert view["submit"] or not given, "There is nothing to submit."
        values = entry.changed(view, given or {})
        entry.check_filled(view, values)
        self.twin.act("enter", view=view["id"], values=values)
        facts = self._facts(view=view["id"])
        own = {"trigger_id": facts["trigger_id"], "view": {**view, "state": {"values": values}}, "response_urls": []}
        answer = self._interact(facts, "view_submission", **own)
        if answer.status == 200:
            self._asked("view_answer", view=view["id"], told=answer.json())
        return answer

    def close(self, view: Told) -> Answer | None:
        """Close the modal on top; None where the app is not told of it."""
        view = self._looked_at(view)
        cleared = view["clear_on_close"]
        self.twin.act("close", view=view["id"], cleared=cleared)
        if not view["notify_on_close"]:
            return None
        return self._quiet(self._interact(self._facts(), "view_closed", view=view, is_cleared=cleared))

    # Doing the same again, and things that no Slack would do

    def again(self, answer: Answer) -> Answer:
        """The very same once more, to the byte. Nothing is read into the answer."""
        sent = answer.sent
        return self._deliver(sent) if sent.envelope else self._post(sent)

    def retry(self, answer: Answer) -> Answer:
        """The same, delivered as Slack does what it got no answer to. Nothing is read into the answer."""
        sent = answer.sent
        key = sent.body or sent.envelope["envelope_id"].encode()
        number = self._retries[key] = self._retries.get(key, 0) + 1
        if sent.envelope:
            return self._deliver(replace(sent, envelope={**sent.envelope, "retry_attempt": number}))
        more = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"}
        return self._post(replace(sent, headers={**signed(sent.body, self.twin.secret), **more}))

    def send(self, body: bytes | str, headers: dict[str, str]) -> Answer:
        """Anything at all, over HTTP. Nothing is read into the answer."""
        return self._post(Sent("anything", body.encode() if isinstance(body, str) else body, headers))

    # How it goes out, and what comes back

    def _screen(self) -> Told:
        return dict(self.twin.act("screen", user=self.id))

    def _facts(self, **told: Any) -> Told:
        return dict(self.twin.act("approach", user=self.id, **told))

    def _looked_at(self, where: Told) -> Told:
        """A view as it is now, if it is on top or the home; a message as it was given, with its ids."""
        assert where, "There is nothing to look at."
        if "root_view_id" not in where:
            return {**where, "blocks": entry.named(where.get("blocks", []))}
        screen = self._screen()
        seen = [each for each in [*screen["stack"][-1:], screen["home"]] if each and each["id"] == where["id"]]
        assert seen, f"The view {where['id']} is not on top of what {self.id} sees."
        return dict(seen[0])

    def _act(self, where: Told, values: Any, action: Told) -> Answer:
        if "root_view_id" in where:
            facts = self._facts(view=where["id"])
            view = {**where, "state": {"values": values}}
            return self._quiet(self._interact(facts, "block_actions", **payloads.on_view(view, action, facts)))
        facts = self._facts(channel=where["channel"], ts=where["ts"])
        entered = values if values is not None else entry.initial(where)
        own = payloads.on_message(where, entered, action, facts)
        return self._quiet(self._interact(facts, "block_actions", **own))

    def _interact(self, facts: Told, kind: str, **own: Any) -> Answer:
        told = payloads.interaction(facts, self.workspace, kind, **own)
        return self._do(kind, "interactive", told, payloads.of_interaction(told))

    def _do(self, what: str, kind: str, told: Told, body: bytes) -> Answer:
        if self.by == "http":
            return self._post(Sent(what, body, signed(body, self.twin.secret)))
        accepts = kind != "events_api"
        envelope = {"envelope_id": secrets.token_hex(16), "type": kind, "accepts_response_payload": accepts}
        return self._deliver(Sent(what, envelope={**envelope, "payload": told}))

    def _post(self, sent: Sent) -> Answer:
        assert self.twin.app_url, "Say where the app listens, by twin.app(url)."
        parts, began = urlsplit(self.twin.app_url), time.monotonic()
        line = HTTPConnection(str(parts.hostname), parts.port, timeout=self.twin.answer_seconds)
        try:
            line.request("POST", parts.path, sent.body, sent.headers)
            reply = line.getresponse()
            status, body = reply.status, reply.read().decode()
        except (OSError, HTTPException) as error:
            status, body = 0, str(error)
        finally:
            line.close()
        return self._noted(Answer(status, body, time.monotonic() - began, sent))

    def _deliver(self, sent: Sent) -> Answer:
        told = self.twin.act("deliver", envelope=sent.envelope, seconds=self.twin.answer_seconds)
        told_back = told["payload"] is not None
        assert sent.envelope["accepts_response_payload"] or not told_back, (
            "Slack takes no payload in answer to an event."
        )
        body = json.dumps(told["payload"]) if told_back else ""
        return self._noted(Answer(200 if told["acked"] else 0, body, told["seconds"], sent))

    def _noted(self, answer: Answer) -> Answer:
        told = {"what": answer.sent.what, "by": self.by, "status": answer.status, "seconds": answer.seconds}
        self.twin.act("acknowledged", user=self.id, **told)
        return answer

    def _quiet(self, answer: Answer) -> Answer:
        """An answer to which Slack does not listen."""
        said = answer.body if answer.status == 200 else ""
        assert not said.strip() or said == '""', f"Slack does not read what is answered to this: {said!r}"
        return answer

    def _asked(self, name: str, **told: Any) -> None:
        try:
            self.twin.act(name, user=self.id, **told)
        except ValueError as error:
            raise AssertionError(f"Slack would not take what the app answered: {error}") from error


def _spoken(body: str) -> Any:
    """What an app says in answer to a command: an object, or just words."""
    try:
        told = json.loads(body)
    except ValueError:
        return {"text": body}
    return {"text": told} if isinstance(told, str) else told
