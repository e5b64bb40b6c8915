"""The tests' handle on a mail server: it starts the process, sets faults, reads what it has taken, ends it."""

import json
import socket
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Taken:
    """A mail that the server has taken: its envelope, and its bytes with the dots undone."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.data, policy=policy.default)


@dataclass(frozen=True)
class Heard:
    """One command (or answer to a challenge) as it came, and whether nobody else could read it."""

    step: str
    said: str
    encrypted: bool


class SmtpTwin:
    """A running server. A client trusts it if `SSL_CERT_FILE` is `authority`."""

    host = "127.0.0.1"

    def __init__(self, process: "subprocess.Popen[str]", ready: dict[str, Any], log: Path) -> None:
        self._process, self._control, self._log = process, ready["control"], log
        self.port, self.authority = ready["port"], Path(ready["authority"])

    @classmethod
    @contextmanager
    def start(
        cls,
        *,
        security: str = "none",
        login: tuple[str, str] | None = None,
        mechanisms: Sequence[str] = ("PLAIN", "LOGIN"),
    ) -> Iterator[Self]:
        """Run a server until the block ends; `security` is `none`, `starttls` or `tls`, as in `Server`."""
        with TemporaryDirectory() as folder:
            words = ["--folder", folder, "--security", security, "--mechanisms", *mechanisms]
            if login:
                words += ["--login", ":".join(login)]
            command = [sys.executable, "-m", "tests.twins.smtp", *words]
            with subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line, "The twin did not start; what it printed says why."
                try:
                    yield cls(process, json.loads(line), Path(folder) / "accepted.jsonl")
                finally:
                    process.terminate()

    def act(self, do: str, **told: Any) -> Any:
        with socket.create_connection((self.host, self._control), timeout=10) as line, line.makefile("rw") as words:
            words.write(json.dumps({"do": do, **told}) + "\n")
            words.flush()
            answer = json.loads(words.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"]

    # What happened

    def accepted(self) -> list[Taken]:
        """Every mail taken, oldest first. It is read from the disk: also a twin that was killed tells."""
        rows = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        return [Taken(row["from"], tuple(row["to"]), b64decode(row["data"])) for row in rows]

    def heard(self, *steps: str) -> list[Heard]:
        """Every command, oldest first; only those of some steps where steps are named. `connect` is one."""
        return [heard for heard in (Heard(*row) for row in self.act("heard")) if not steps or heard.step in steps]

    def connections(self) -> int:
        return len(self.heard("connect"))

    def forget(self) -> None:
        """Begin afresh: cheaper than a new process."""
        self.act("forget")

    # Faults

    def fault(
        self, step: str, kind: str, *, nth: int = 1, times: int = 1, about: str = "", seconds: float = 0.05
    ) -> None:
        """Fail a step: see `faults` for the steps and kinds. Counted from now; `about` is text in the command."""
        self.act("fault", step=step, kind=kind, nth=nth, times=times, about=about, seconds=seconds)

    def fired(self) -> list[str]:
        """The faults that have happened: `kind at step`."""
        return list(self.act("fired"))

    def kill(self) -> None:
        """End the process on the spot; what it has taken can still be read."""
        self._process.kill()
        self._process.wait()

    def heal(self) -> None:
        self.act("heal")
