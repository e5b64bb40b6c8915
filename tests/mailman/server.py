"""The tests' handle on a GNU Mailman: it starts the processes, makes lists, tells what is held, ends them."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import requests

MASTER = Path(__file__).resolve().parents[2] / ".venv" / "mailman" / "bin" / "master"
HOW = "GNU Mailman is not installed; make mailman brings it."

HOST = "127.0.0.1"
DOMAIN = "lists.example.org"
AUTH = ("restadmin", "restpass")
QUEUES = ("in", "pipeline", "out", "retry")
"""Where a mail to a list is until every member's is handed over, in the order in which it gets there."""
RUNNERS = ("in", "lmtp", "out", "pipeline", "rest")
IDLE_RUNNERS = ("archive", "bounces", "command", "digest", "retry", "task", "virgin")
"""What a mail to a list does not pass through, and what Mailman need not start for it."""
PATIENCE = timedelta(seconds=90)
"""Mailman starts within ten seconds where nobody else is at work."""

CONFIG = """\
[mailman]
layout: test
site_owner: owner@{domain}
[paths.test]
var_dir: {folder}/var
[mta]
incoming: mailman.mta.null.NullMTA
outgoing: mailman.mta.deliver.deliver
smtp_host: {host}
smtp_port: {smtp}
lmtp_host: {host}
lmtp_port: {lmtp}
[webservice]
hostname: {host}
port: {rest}
workers: 1
[runner.master]
sleep_time: 50ms
"""


class Mailman:
    """A running Mailman that takes mails by LMTP at `lmtp`."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], lmtp: int, rest: int) -> None:
        self.lmtp, self._rest = lmtp, rest
        self._folder, self._process = folder, process

    @classmethod
    @contextmanager
    def start(cls, smtp: int) -> Iterator[Self]:
        """Run one until the block ends. It hands what it sends to the server at port `smtp`."""
        with TemporaryDirectory() as name:
            folder, lmtp, rest = Path(name), free_port(), free_port()
            config = CONFIG.format(domain=DOMAIN, folder=folder, host=HOST, smtp=smtp, lmtp=lmtp, rest=rest)
            config += "".join(f"[runner.{runner}]\nstart: no\n" for runner in IDLE_RUNNERS)
            (folder / "mailman.cfg").write_text(config)
            environment = {**os.environ, "HOME": name}  # its web server would write there
            with (folder / "printed.txt").open("wb") as printed:
                process = subprocess.Popen(
                    [MASTER, "-C", folder / "mailman.cfg"],
                    cwd=folder,
                    env=environment,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                try:
                    mailman = cls(folder, process, lmtp, rest)
                    mailman.wait(mailman.is_up, "come up")
                    yield mailman
                finally:
                    end(process)

    # What a site's people do

    def make_list(self, name: str, members: Iterable[str], approved: str) -> str:
        """An announce-only list: whatever its moderators' password does not approve is held. Return its address."""
        address = f"{name}@{DOMAIN}"
        if DOMAIN not in [each["mail_host"] for each in self.ask("GET", "domains").get("entries", [])]:
            self.ask("POST", "domains", mail_host=DOMAIN)
        self.ask("POST", "lists", fqdn_listname=address, style_name="legacy-announce")
        rules = {"default_member_action": "hold", "default_nonmember_action": "hold", "admin_immed_notify": False}
        self.ask("PATCH", f"lists/{address}/config", moderator_password=approved, **rules)
        for member in members:
            done = {"pre_verified": True, "pre_confirmed": True, "pre_approved": True, "send_welcome_message": False}
            self.ask("POST", "members", list_id=address.replace("@", "."), subscriber=member, **done)
        return address

    def held(self, address: str) -> list[str]:
        """The subjects that wait for a moderator of a list."""
        return [each["subject"] for each in self.ask("GET", f"lists/{address}/held").get("entries", [])]

    def ask(self, verb: str, path: str, **told: Any) -> Any:
        """One request to Mailman's own interface."""
        address = f"http://{HOST}:{self._rest}/3.1/{path}"
        answer = requests.request(verb, address, auth=AUTH, json=told or None, timeout=20)
        assert answer.ok, f"{verb} {path}: {answer.status_code} {answer.text}\n{self.printed()}"
        return answer.json() if answer.content else None

    # What becomes of a mail

    def finish(self) -> None:
        """Wait until Mailman has done with whatever it has taken."""
        self.wait(self.is_idle, "finish")
        assert not self.waiting("shunt", "bad"), self.printed()

    def is_up(self) -> bool:
        try:
            with socket.create_connection((HOST, self.lmtp), timeout=1):
                return requests.get(f"http://{HOST}:{self._rest}/3.1/system", auth=AUTH, timeout=5).ok
        except OSError:
            return False

    def is_idle(self) -> bool:
        """Each queue is looked at before the one behind it: a mail on its way is met in one of them."""
        return not any(self.waiting(queue) for queue in QUEUES)

    def waiting(self, *queues: str) -> list[Path]:
        return [file for queue in queues for file in (self._folder / "var" / "queue" / queue).glob("*.*")]

    def wait(self, ready: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE.total_seconds()
        while not ready():
            assert self._process.poll() is None, f"Mailman has ended.\n{self.printed()}"
            assert time.monotonic() < until, f"Mailman did not {what} in time.\n{self.printed()}"
            time.sleep(0.05)  # between two looks

    def printed(self) -> str:
        """Whatever Mailman has said, for the reader of a failed test."""
        logs = [self._folder / "printed.txt", *(self._folder / "var" / "logs").glob("*.log")]
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')}" for log in logs if log.exists())


def free_port() -> int:
    with socket.socket() as line:
        line.bind((HOST, 0))
        return int(line.getsockname()[1])


def end(process: subprocess.Popen[bytes]) -> None:
    """Have Mailman end its runners; end whichever does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
