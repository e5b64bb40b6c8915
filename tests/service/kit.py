"""The kit for the service: the real `postbot run`, a process on loopback, beside sites that people work on.

A `Site` is a folder with a configuration and a repository, plain git or behind a twin of GitHub. Its clock is the real
one, so openings are a few seconds ahead. What happened is read from the repository, from the files that went out, from
the twins, and from what the process wrote and answers.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from postbot.config import load
from postbot.core.announce.words import RELEASE
from postbot.ledger import Ledger
from tests.doors.command import REAL
from tests.twins.github.client import Twin
from tests.world import READY, git

T = TypeVar("T")

SECONDS = 30
"""How long to wait for what must happen. No test is about how soon it does."""

RARELY = "1 hour"
"""A heartbeat that does not come while a test lasts: whatever happens then happens by a poke."""

ROUTES = """\
  - {to: "folder:openings@list.example", hear: public}
  - {to: "folder:hr@agency.example", hear: staff}
"""
CONFIG = """\
site: {{repo: site, profile: jekyll-state, timezone: America/New_York, folders: [jobs]{settings}}}
transitions:
  open: {{merge: auto, lead: {lead}}}
  close: {{merge: auto}}
soon: {{closing: []}}
safety: {{most_moves: 100}}
routes:
{routes}{more}"""


def wait_for(what: Callable[[], T | None], seconds: float = SECONDS, *, instead: Callable[[], str] = str) -> T:
    """The first answer that is something."""
    ends = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends, f"It did not come in {seconds} seconds. {instead()}"
        time.sleep(0.02)
    return found


def ahead(seconds: float) -> str:
    """A time of the real clock so far ahead, as postings write it, in whole seconds."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def posting(slug: str, *, state: str = "upcoming", opens: str = "TBD", closes: str = "TBD") -> str:
    """A posting that is ready to open."""
    return READY.format(slug=slug, title=slug.title(), state=state, opens=opens, closes=closes)


@dataclass
class Site:
    """One site and the people who work on it. With a twin it is on GitHub."""

    folder: Path
    twin: Twin | None = None
    routes: str = ROUTES
    more: str = ""
    settings: str = ""
    lead: str = "0 days"
    released: bool = True
    repo: Path = field(init=False)

    def __post_init__(self) -> None:
        self.repo = self.folder / "site"
        self.repo.mkdir(parents=True)
        git(self.repo, "init", "-q", "-b", "main")
        git(self.repo, "commit", "-q", "--allow-empty", "-m", "Begin")
        self.bare = self.repo
        if self.twin is not None:
            self.bare = self.folder / "site.git"
            subprocess.run(["git", "clone", "-q", "--bare", self.repo, self.bare], check=True, capture_output=True)
            git(self.repo, "remote", "add", "origin", str(self.bare))
            self.twin.reset(self.bare)
            self.more += f"github: {{repository: {self.twin.repo}, server: '{self.twin.url}', pace: 0 seconds}}\n"
        self.configure()
        if self.released:
            with self.ledger() as ledger:
                ledger.release(RELEASE, "robin", datetime.now(UTC))

    @property
    def config(self) -> Path:
        return self.folder / "postbot.yaml"

    def configure(self, **changed: str) -> None:
        """Write the configuration, with some of its parts changed."""
        for name, text in changed.items():
            setattr(self, name, text)
        named = f", settings: {self.settings}" if self.settings else ""
        words = {"routes": self.routes, "more": self.more, "settings": named, "lead": self.lead}
        self.config.write_text(CONFIG.format(**words))

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        ledger = Ledger.open(load(self.config).ledger_at)
        try:
            yield ledger
        finally:
            ledger.close()

    def commit(self, **files: str) -> None:
        """Put files on the base branch, beside what others have put there, and show them to everybody."""
        if self.twin is not None:
            git(self.repo, "fetch", "-q", "origin", "main")
        git(self.repo, "reset", "-q", "--hard", "HEAD" if self.twin is None else "FETCH_HEAD")
        for name, text in files.items():
            path = self.repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "--allow-empty", "-m", "Work")
        if self.twin is not None:
            git(self.repo, "push", "-q", "origin", "HEAD")

    def write(self, *slugs: str, state: str = "upcoming", opens: str = "TBD", closes: str = "TBD") -> None:
        """Put postings on the base branch, ready to open."""
        words = {"state": state, "opens": opens, "closes": closes}
        self.commit(**{f"jobs/{slug}.md": posting(slug, **words) for slug in slugs})

    def state(self, slug: str) -> str:
        """The state that a posting has on the base branch."""
        text = git(self.bare, "show", f"main:jobs/{slug}.md")
        return next(line.removeprefix("state: ") for line in text.splitlines() if line.startswith("state: "))

    def said(self, to: str = "openings@list.example") -> list[str]:
        """The subjects that one recipient has heard, in order."""
        files = sorted((self.folder / ".postbot/announcements").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
        return [str(mail["Subject"]) for mail in mails if mail["To"] == to]


def configure(folder: Path, *sites: Site, heartbeat: str = "1 second", **others: str) -> Path:
    """Write a service's configuration for these sites."""
    paths = "".join(f"  - {site.config.relative_to(folder)}\n" for site in sites)
    lines = {"heartbeat": heartbeat, "listen": "127.0.0.1:0"} | others
    path = folder / "service.yaml"
    path.write_text(f"sites:\n{paths}" + "".join(f"{name}: {text}\n" for name, text in lines.items()))
    return path


class Service:
    """A running `postbot run`."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process, self._log = process, log
        self._open = build_opener(ProxyHandler({})).open

    @classmethod
    @contextmanager
    def start(
        cls,
        folder: Path,
        *args: str,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (*REAL, "run"),
    ) -> Iterator[Self]:
        """Run one in a folder until the block ends, by SIGKILL if it still runs then."""
        log = folder / f"log-{time.monotonic_ns()}.jsonl"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [*command, *args], cwd=folder, stdout=errors, stderr=errors, env={**os.environ, **(env or {})}
            )
        try:
            yield cls(process, log)
        finally:
            process.kill()
            process.wait()

    def written(self) -> str:
        """Everything that it has written."""
        return self._log.read_text()

    def lines(self, event: str = "", site: str | None = None) -> list[dict[str, Any]]:
        """The lines of its log, of one event and site where those are named."""
        found = [json.loads(line) for line in self.written().splitlines() if line.startswith("{") and line[-1] == "}"]
        return [
            line for line in found if line["event"] == (event or line["event"]) and site in (None, line.get("site", ""))
        ]

    def line(self, event: str, site: str | None = None) -> dict[str, Any]:
        """Wait for a line of its log, and return the first."""
        return self.wait_for(lambda: self.lines(event, site))[0]

    def wait_for(self, what: Callable[[], T | None]) -> T:
        """Wait for something that it must bring about."""
        return wait_for(what, instead=lambda: f"It ended with {self.process.poll()}. It wrote:\n{self.written()}")

    def get(self, path: str) -> tuple[int, str]:
        """Ask its HTTP server."""
        url = f"http://127.0.0.1:{self.line('listening')['port']}{path}"
        try:
            with self._open(url, timeout=SECONDS) as reply:
                return reply.status, reply.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def site(self, name: str) -> dict[str, Any]:
        """How a site fares, as `/readyz` shows it, which may be asked before the service has read of its sites."""
        return self.wait_for(lambda: next((site for site in self._sites() if site["name"] == name), None))

    def _sites(self) -> list[dict[str, Any]]:
        return list(json.loads(self.get("/readyz")[1])["sites"])

    def ticks(self, name: str) -> int:
        """How many ticks of a site have ended, however."""
        text = self.get("/metrics")[1]
        counts = [line.split()[-1] for line in text.splitlines() if _is_count(line, name)]
        return int(sum(map(float, counts)))

    def ticked(self, name: str, times: int = 1) -> None:
        """Wait until a site has ticked so many times more."""
        before = self.ticks(name)
        self.wait_for(lambda: self.ticks(name) >= before + times)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float = SECONDS) -> int:
        """Wait for its end: its exit code, negative for a signal."""
        return self.process.wait(seconds)


def _is_count(line: str, name: str) -> bool:
    return line.startswith("postbot_ticks_total{") and f'site="{name}"' in line
