"""Bad weather over three replicas that share one ledger on PostgreSQL, and what the outside world got of it.

All is real: the processes of `postbot run`, a PostgreSQL of their own, the twins of GitHub, a mail server and Slack,
and the clock. Postings open and close every few seconds; meanwhile whoever holds the lease is killed, or put to sleep
for longer than a lease lasts and woken again, and PostgreSQL is torn down and started. Judged by the twins alone, but
for one thing: of a mail that is missing, the ledger must say that it is held for a person.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from postbot.core.announce.words import RELEASE
from postbot.ledger import Ledger, LedgerError
from tests.contract.test_hosts import make_bare
from tests.crashes.kit import posting
from tests.postgres import PASSWORD, Postgres
from tests.twins.github.client import Twin
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin

LIST, CHANNEL = "openings@lists.example.org", "C0JOBS"
REPLICAS = 3
BEGINNING = timedelta(seconds=15)
"""How long after the postings are published the first one opens."""
STAYS = timedelta(minutes=5)
"""How long a position stays open: longer than a storm keeps an opening from being told, for afterwards it is no news."""
DROWSY = 0.25
"""The share of leaders that are put to sleep, while no other one sleeps."""
PLENTY = 100_000
"""Requests that GitHub takes in the hour."""
GRACE = 90
"""Seconds of good weather at the end in which all that is left must be done."""
COMMAND = (sys.executable, "-c", "from postbot.doors.cli import main; main()", "run", "--service", "service.yaml")
CONFIG = """\
site: {{repo: ., profile: jekyll-state, timezone: America/New_York, folders: [positions]}}
github: {{repository: {github.repo}, server: '{github.url}', pace: 0 seconds}}
ledger: {ledger}
transitions: {{open: {{lead: 10 seconds, merge: auto}}, close: {{lead: 10 seconds, merge: auto}}}}
safety: {{most_moves: 1000}}
soon: {{closing: []}}
email: {{server: 127.0.0.1, port: {post.port}, security: none, sender: Agency jobs <noreply@agency.example>}}
slack: {{server: '{slack.url}'}}
routes:
  - {{to: ['email:{list}', 'slack:{channel}'], hear: public}}
  - {{to: folder:staff, hear: staff}}
"""


@dataclass(frozen=True)
class Weather:
    """How long it storms, and how hard: seconds, spans as from and to.

    In the first half of it a position opens every so many seconds, and each stays open for as long.
    """

    seconds: float
    every: float
    kills: tuple[float, float] = (5, 20)
    sleeps: float = 60
    restarts: tuple[float, float] = (5, 40)
    stays: timedelta = STAYS
    seed: int = 0


@dataclass
class Outcome:
    """What was done to the replicas, and what the world got."""

    postings: int = 0
    killed: int = 0
    put_to_sleep: int = 0
    restarted: int = 0
    held: int = 0
    latest: float = 0.0
    idle: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        done = f"{self.killed} leaders killed, {self.put_to_sleep} put to sleep, PostgreSQL torn down {self.restarted} times"
        world = f"{self.postings} postings opened and closed, {self.held} mails held for a person"
        verdict = "\n  ".join(self.wrong) or "0 lost, 0 twice"
        late = f"the latest transition came {self.latest:.0f} s after its instant, nobody was at work for {self.idle:.0f} s"
        return f"{done}; {world}; {late}\n  {verdict}"


class Replica:
    """One `postbot run`, started again whenever it has died."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = (folder / "log").open("ab")
        self.process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(COMMAND, cwd=self.folder, stdout=self._log, stderr=self._log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._started()

    def revive(self) -> None:
        """Start it again if it has ended by itself, as whatever looks after it would."""
        if self.process.poll() is not None:
            self.process = self._started()

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self._log.close()


class Storm:
    """One site, its replicas, and what befalls them."""

    def __init__(self, weather: Weather, folder: Path, database: Postgres, twins: "Twins") -> None:
        self.weather, self.folder, self.database, self.twins = weather, folder, database, twins
        self.url = database.url()
        self.outcome = Outcome(postings=int(weather.seconds / 2 / weather.every))
        self._chance = random.Random(weather.seed)  # noqa: S311 - for tests
        self._due: dict[tuple[str, str], datetime] = {}
        self._epoch, self._taken_at = 0, time.monotonic()

    def run(self) -> Outcome:
        """Publish, storm, wait for the end, and judge."""
        with self._replicas() as replicas:
            self._begin()
            ends = time.monotonic() + BEGINNING.total_seconds() + self.weather.seconds
            self._rage(replicas, ends)
            self._calm(replicas)
        self._judge()
        return self.outcome

    @contextmanager
    def _replicas(self) -> Iterator[list[Replica]]:
        with ExitStack() as stack:
            made = []
            for number in range(REPLICAS):
                folder = self.folder / str(number)
                folder.mkdir(parents=True)
                (folder / "postbot.yaml").write_text(self._config())
                (folder / "service.yaml").write_text("sites: [postbot.yaml]\nlisten: null\nheartbeat: 30 seconds\n")
                made.append(Replica(folder))
                stack.callback(made[-1].end)
            yield made

    def _config(self) -> str:
        return CONFIG.format(
            github=self.twins.github,
            post=self.twins.post,
            slack=self.twins.slack,
            ledger=self.url.replace(f":{quote(PASSWORD, safe='')}@", "@"),
            list=LIST,
            channel=CHANNEL,
        )

    def _begin(self) -> None:
        """Let the empty site be adopted, and publish all postings at once."""
        self._wait(lambda ledger: ledger.memory().last_tick is not None, "The first tick")
        with self._ledger() as ledger:
            ledger.release(RELEASE, "robin", datetime.now(UTC))
        first = datetime.now(UTC) + BEGINNING
        texts = {}
        for number in range(self.outcome.postings):
            opens = first + timedelta(seconds=number * self.weather.every)
            self._due |= {("open", _slug(number)): opens, ("close", _slug(number)): opens + self.weather.stays}
            texts[f"positions/{_slug(number)}.md"] = posting(
                _slug(number),
                opens=f"{opens:%Y-%m-%dT%H:%M:%SZ}",
                closes=f"{opens + self.weather.stays:%Y-%m-%dT%H:%M:%SZ}",
            )
        self.twins.github.push("main", texts, by="robin")

    def _rage(self, replicas: list[Replica], ends: float) -> None:
        """Kill, put to sleep and tear down, until it is over."""
        now = self._taken_at = time.monotonic()
        kill, restart = now + self._in(self.weather.kills), now + self._in(self.weather.restarts)
        asleep: list[tuple[float, Replica]] = []
        while time.monotonic() < ends:
            now = time.monotonic()
            for until, replica in [each for each in asleep if each[0] <= now]:
                replica.process.send_signal(signal.SIGCONT)
                asleep.remove((until, replica))
            if now >= kill and self._strike(replicas, asleep):
                kill = time.monotonic() + self._in(self.weather.kills)
            if now >= restart:
                self.database.restart(immediate=True)
                self.outcome.restarted += 1
                restart = time.monotonic() + self._in(self.weather.restarts)
            for replica in replicas:
                replica.revive()
            self._mind_the_lease()
            time.sleep(0.5)  # between two looks at the lease, each a connection of its own to a server that works
        for _, replica in asleep:
            replica.process.send_signal(signal.SIGCONT)

    def _mind_the_lease(self) -> None:
        """Know for how long nobody has begun a tick, though there is something to do every few seconds."""
        with suppress(LedgerError), self._ledger() as ledger:
            lease = ledger.lease()
            if lease is not None and lease.epoch != self._epoch:
                self._epoch, self._taken_at = lease.epoch, time.monotonic()
        self.outcome.idle = max(self.outcome.idle, time.monotonic() - self._taken_at)

    def _strike(self, replicas: list[Replica], asleep: list[tuple[float, Replica]]) -> bool:
        """Kill whoever holds the lease, or put it to sleep while it does; kill anybody, if nobody is at work.

        The first one that is met at work falls asleep, and is waited for.
        """
        awake = [each for each in replicas if each not in [replica for _, replica in asleep]]
        holder = self._holder()
        leader = next((each for each in awake if holder.endswith(f" {each.process.pid}")), None)
        if leader is None and not self.outcome.put_to_sleep:
            return False
        if leader is not None and not asleep and (not self.outcome.put_to_sleep or self._chance.random() < DROWSY):
            leader.process.send_signal(signal.SIGSTOP)
            asleep.append((time.monotonic() + self.weather.sleeps, leader))
            self.outcome.put_to_sleep += 1
        else:
            (leader or self._chance.choice(awake)).kill()
            self.outcome.killed += 1
        return True

    def _holder(self) -> str:
        with suppress(LedgerError), self._ledger() as ledger:
            lease = ledger.lease()
            return lease.holder if lease else ""
        return ""

    def _calm(self, replicas: list[Replica]) -> None:
        """Good weather, until everything that is due is done, or has had the time for it."""
        ends = time.monotonic() + self.weather.stays.total_seconds() + GRACE
        while time.monotonic() < ends and self._amiss():
            for replica in replicas:
                replica.revive()
            time.sleep(1)

    # What the world got

    def _judge(self) -> None:
        self.outcome.wrong = self._amiss()

    def _amiss(self) -> list[str]:
        """What is lost or twice by now."""
        held = self._held()
        self.outcome.held = len(held)
        mails = Counter(str(taken.mail["Subject"]) for taken in self.twins.post.accepted())
        posts = Counter(each["told"]["text"] for each in self.twins.slack.effects("posted"))
        due = [f"{_slug(n).title()}: {what}" for n in range(self.outcome.postings) for what in ("now open", "closed")]
        return [
            *(f"mail {mails[each]} times: {each}" for each in due if mails[each] != 1 and not held[each]),
            *(f"mail twice: {each}" for each in mails if mails[each] > 1),
            *(f"Slack heard {posts[each]} times: {each}" for each in due if posts[each] != 1),
            *self._pulls_amiss(),
        ]

    def _pulls_amiss(self) -> Iterator[str]:
        effects = self.twins.github.effects("pull-opened", "merged", "ref-created")
        for kind in ("pull-opened", "ref-created"):
            made = Counter(row["branch"] for row in effects if row["kind"] == kind and row["by"] != "robin")
            yield from (f"{kind} {times} times: {branch}" for branch, times in made.items() if times > 1)
        merged = [row for row in effects if row["kind"] == "merged"]
        if len(merged) != len(self._due):
            yield f"{len(merged)} of {len(self._due)} pull requests merged"
        self.outcome.latest = max((self._late(row) for row in merged), default=0.0)

    def _late(self, merged: dict[str, str]) -> float:
        """How many seconds after its instant a pull request was merged."""
        _, transition, name = merged["branch"].split("/")
        due = self._due[transition, name.rpartition("-")[0]]
        return (datetime.fromisoformat(merged["at"]) - due).total_seconds()

    def _held(self) -> Counter[str]:
        with self._ledger() as ledger:
            held = ledger.deliveries(held_only=True, limit=100_000)
        return Counter(each.message.subject for each in held if each.message.channel == "email")

    # How it is reached

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        ledger = Ledger.open(self.url)
        try:
            yield ledger
        finally:
            ledger.close()

    def _wait(self, done: Callable[[Ledger], bool], what: str) -> None:
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            with suppress(LedgerError), self._ledger() as ledger:
                if done(ledger):
                    return
            time.sleep(0.2)
        raise AssertionError(f"{what} did not come. {(self.folder / '0' / 'log').read_text()[-2000:]}")

    def _in(self, span: tuple[float, float]) -> float:
        return self._chance.uniform(*span)


@dataclass(frozen=True)
class Twins:
    """The far ends."""

    github: Twin
    post: SmtpTwin
    slack: SlackTwin


def storm(weather: Weather, folder: Path) -> Outcome:
    """Let it storm over a site of its own, with everything that this takes, in an empty folder."""
    repo = folder / "site.git"
    make_bare(repo)
    with ExitStack() as stack:
        database = stack.enter_context(Postgres.started())
        github = stack.enter_context(Twin.start(repo))
        twins = Twins(github, stack.enter_context(SmtpTwin.start()), stack.enter_context(SlackTwin.start()))
        twins.slack.channel(CHANNEL)
        # A position every few seconds, and a new process after each kill, take more than GitHub's hour has: not judged here.
        github.rate(core=PLENTY, graphql=PLENTY)
        storm = Storm(weather, folder / "replicas", database, twins)
        os.environ["POSTBOT_LEDGER_PASSWORD"] = PASSWORD
        os.environ["POSTBOT_GITHUB_TOKEN"], os.environ["POSTBOT_SLACK_TOKEN"] = github.token, twins.slack.token
        return storm.run()


def _slug(number: int) -> str:
    """A name in letters, for the numbers of a name are shortened in that of a branch."""
    return "pilot-" + "".join(chr(ord("a") + int(digit)) for digit in f"{number:03}")
