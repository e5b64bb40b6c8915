"""The tests' handle on a twin: it starts the process, plays people, sets faults, reads what happened, ends it."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

from tests.twins.slack.people import SECRET, Person

ROOT = Path(__file__).resolve().parents[3]
TOKEN, APP_TOKEN = "xoxb-twin", "xapp-twin"


class SlackTwin:
    """A running twin. Its log of effects is a file, and outlives whoever is killed."""

    def __init__(self, port: int, log: Path, token: str, app_token: str = APP_TOKEN) -> None:
        self.port, self.log, self.token, self.app_token = port, log, token, app_token
        self.app_url, self.secret, self.answer_seconds = "", SECRET, 3.0

    @classmethod
    @contextmanager
    def start(cls, log: Path | None = None, *, token: str = TOKEN, app_token: str = APP_TOKEN) -> Iterator[Self]:
        """Run a twin until the block ends."""
        with tempfile.TemporaryDirectory() as folder:
            log = log or Path(folder) / "effects.jsonl"
            command = [sys.executable, "-m", "tests.twins.slack", "--log", str(log)]
            command += ["--token", token, "--app-token", app_token]
            with subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                ready = process.stdout.readline()
                assert ready, "The twin did not start; what it printed says why."
                try:
                    yield cls(json.loads(ready)["port"], log, token, app_token)
                finally:
                    process.terminate()

    @property
    def url(self) -> str:
        """The base of the methods, as `Slack(server=...)` takes it."""
        return f"http://127.0.0.1:{self.port}/api/"

    def act(self, name: str, /, **told: Any) -> Any:
        """Do one of the verbs of `server`."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request("POST", f"/_twin/{name}", json.dumps(told))
            reply = line.getresponse()
            body = json.loads(reply.read())
        finally:
            line.close()
        if reply.status != 200:
            raise ValueError(body["error"])
        return body["result"]

    def forget(self) -> None:
        """An empty workspace, all faults healed, an empty log: cheaper than a new process."""
        self.act("forget")

    # What is there

    def channel(self, id: str, **told: Any) -> str:  # noqa: A002 - Slack's word
        """Make or change one: `kind` (public, private, im), `joined`, `archived`.

        `threads`: whether a reply to a thread that is gone stands by itself (`unthread`, as Slack does) or is refused
        (`refuse`); `edits`: the error with which every update is refused.
        """
        self.act("channel", id=id, **told)
        return id

    def user(self, id: str, email: str = "", **told: Any) -> str:  # noqa: A002
        """Somebody in the workspace: `name`, `real_name`, `tz`, `team`, `confirmed` (whether the e-mail is).

        And what is true of few: `disabled`, `bot`, `guest`, `single_channel`, `stranger` (of a shared channel only).
        """
        self.act("user", id=id, email=email, **told)
        return id

    def group(self, id: str, *members: str, handle: str = "", disabled: bool = False) -> str:  # noqa: A002
        """Make a user group, or make it anew."""
        self.act("group", id=id, members=list(members), handle=handle, disabled=disabled)
        return id

    def person(self, id: str, email: str = "", *, by: str = "http", **told: Any) -> Person:  # noqa: A002
        """A member who acts. One who is known already stays as is unless something is told."""
        if email or told or not self.act("known", id=id):
            self.user(id, email, **told)
        return Person(self, id, by=by)

    def app(self, url: str, secret: str = SECRET) -> None:
        """Where the app listens for what people do, and the secret with which that is signed."""
        self.app_url, self.secret = url, secret

    def patience(self, *, trigger: float = 3.0, answer: float = 3.0) -> None:
        """How many seconds a trigger is good for, and how long people wait for an answer."""
        self.answer_seconds = answer
        self.act("patience", trigger=trigger)

    # The socket

    def connections(self) -> int:
        """How many are up."""
        return int(self.act("connections"))

    def connected(self, many: int = 1, *, seconds: float = 60.0) -> None:
        """Wait until so many are up. AssertionError where they never are."""
        ends = time.monotonic() + seconds
        while self.connections() != many:
            assert time.monotonic() < ends, f"There are {self.connections()} connections and not {many}."
            time.sleep(0.02)

    def ping_every(self, seconds: float) -> None:
        """How often pings are sent; 0: never."""
        self.act("link", ping_seconds=seconds)

    def deaf(self, deaf: bool = True) -> None:
        """Swallow everything on the connections that are up, and say nothing; or hear again."""
        self.act("deafen", deaf=deaf)

    def cut(self) -> None:
        """End all connections without a word."""
        self.act("cut")

    def disconnect(self, reason: str) -> None:
        """Say why the connections should go: `warning`, `refresh_requested` or `link_disabled`; then end them."""
        self.act("disconnect", reason=reason)

    def refuse(self, times: int) -> None:
        """Fail the next so many handshakes."""
        self.act("link", refusals=times)

    def lose_acks(self, times: int) -> None:
        """Lose the next so many acknowledgements; what they were for is delivered again."""
        self.act("link", losses=times)

    def scopes(self, *names: str) -> None:
        """What the app may do from now on; at first whatever postbot uses."""
        self.act("app", scopes=list(names))

    def revoke(self, error: str = "token_revoked") -> None:
        """Answer everything so from now on; with an empty error, as before."""
        self.act("app", revoked=error)

    def page(self, size: int) -> None:
        """No list has more than so many messages on a page."""
        self.act("app", page=size)

    # Faults

    def fault(self, kind: str, method: str | None = "chat.postMessage", **told: Any) -> None:
        """Fail a method (None: any): `nth`, `times`, `when` (before or after its effect), `seconds`, `retry_after`."""
        self.act("fault", kind=kind, method=method, **told)

    def fired(self) -> list[str]:
        """The faults that have happened: `kind when method`."""
        return list(self.act("fired"))

    def heal(self) -> None:
        self.act("heal")

    # What happened

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """Everything in a conversation, oldest first: also `updates` (how often) and `tokens` (what it would do)."""
        return list(self.act("messages", channel=channel))

    def effects(self, *kinds: str) -> list[dict[str, Any]]:
        """What has happened, as the log has it; of some kinds only where any are named, see `tests.twins.slack`."""
        rows = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [row for row in rows if not kinds or row["kind"] in kinds]

    def requests(self) -> list[str]:
        """The methods that were asked, in order."""
        return list(self.act("requests"))

    def traffic(self) -> list[str]:
        """The path and body of everything that was asked; headers are left out."""
        return list(self.act("traffic"))

    # People

    def say(self, channel: str, text: str = "Hello", *, by: str = "U0ANN", metadata: Any = None) -> str:
        """Somebody else writes; the ts."""
        return str(self.act("say", channel=channel, text=text, by=by, metadata=metadata))

    def delete(self, channel: str, ts: str) -> None:
        self.act("delete", channel=channel, ts=ts)
