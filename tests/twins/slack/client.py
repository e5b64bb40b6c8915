"""The tests' handle on a twin: it starts the process, plays people, sets faults, reads what happened, ends it."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "xoxb-twin"  # noqa: S105 - it opens nothing real


class SlackTwin:
    """A running twin. Its log of effects is a file, and outlives whoever is killed."""

    def __init__(self, port: int, log: Path, token: str) -> None:
        self.port, self.log, self.token = port, log, token

    @classmethod
    @contextmanager
    def start(cls, log: Path | None = None, *, token: str = TOKEN) -> Iterator[Self]:
        """Run a twin until the block ends."""
        with tempfile.TemporaryDirectory() as folder:
            log = log or Path(folder) / "effects.jsonl"
            command = [sys.executable, "-m", "tests.twins.slack", "--log", str(log), "--token", token]
            with subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                ready = process.stdout.readline()
                assert ready, "The twin did not start; what it printed says why."
                try:
                    yield cls(json.loads(ready)["port"], log, token)
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

    def user(self, id: str, email: str = "", *, disabled: bool = False, bot: bool = False) -> str:  # noqa: A002
        self.act("user", id=id, email=email, disabled=disabled, bot=bot)
        return id

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
        """`posted`, `updated`, `opened`, `deleted`, as the log has them; of some kinds only where kinds are named."""
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
