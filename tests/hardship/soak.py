"""The soak: forty postings live through thirty days while one far-end call in twenty fails, and people do what people do.

    python -m tests.hardship.soak [--seed N] [--days 30] [--postings 40]

GitHub, a mail server and Slack are twins in processes of their own; what counts is what they have got. At the end every
posting must be as `reference` says, and the list and the channel must have heard each of its events once.
"""

import argparse
import gc
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from random import Random
from typing import Any

from postbot.hosts import HostError
from postbot.ledger import LedgerError
from postbot.reconcile import Report
from tests.contract.test_hosts import make_bare
from tests.hardship.lives import BEGIN, Subject, edited, stamp, subjects
from tests.hardship.reference import Act, reference
from tests.twins.github.client import Twin
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin
from tests.world import CONFIG, Clone, World

LIST, CHANNEL, STAFF = "openings@lists.example.org", "C0JOBS", "hr@agency.example"
FAILING = 0.05
"""The part of the calls to each far end that fails."""
AFTERWARDS = (0, 2, 10, 60, 60, 360, 360, 720, 720, 1440)
"""Minutes between the looks after the last fault: by then whatever was tried again has gone out."""
IDLE = 60
"""Looks at a site that is at rest, a minute apart."""
LEAST_MEMORY = 20
"""MiB by which the process may grow between the first day and the last."""
MOST_REQUESTS = 300
"""Requests to GitHub in an hour in which nothing happens."""

WORDS = {
    "opened": "now open",
    "reopened": "open again",
    "closed": "closed",
    "closed-early": "closed early",
    "extended": "more time to apply",
    "corrected": "closing date corrected",
}
"""How the subject of each event ends."""

GITHUB_FAULTS = (
    *("drop", "reset", "500", "502", "503", "403-secondary", "403-primary", "429", "401", "truncated", "wrong-type"),
    *("graphql-partial", "RATE_LIMITED", "tls", "hang", "drip"),
)
MAIL_FAULTS = {
    "connect": ("drop", "garbage", "421 4.3.2 Closing"),
    "mail": ("451 4.3.0 Not now", "drop"),
    "rcpt": ("451 4.3.0 Not now", "450 4.2.0 Greylisted", "drop"),
    "data": ("451 4.3.0 Not now", "drop"),
    "dot": ("451 4.3.0 Not now", "drop", "drop-kept"),
}
SLACK_REFUSES = ("429", "ratelimited")
SLACK_FAULTS = ("500", "502", "503", "internal_error", "html", "truncated", "not-json", "drop", "reset", "cut")

SETTINGS = """\
routes:
  - {{{{to: [email:{list}, slack:{channel}], hear: public}}}}
  - {{{{to: "folder:{staff}", hear: staff}}}}
email: {{{{server: 127.0.0.1, port: {port}, security: none, sender: Agency jobs <jobs@agency.example>, timeout: 2 seconds}}}}
slack: {{{{server: '{slack}'}}}}
soon: {{{{closing: []}}}}
"""


@dataclass
class Result:
    """What the soak came to. Events are pairs of a posting's title and a word, as the list and the channel heard them."""

    source: str
    postings: int
    ticks: int
    faults: int
    requests: int
    grown: float
    wrong: list[str] = field(default_factory=list)
    heard: Counter[str] = field(default_factory=Counter)

    @property
    def right(self) -> bool:
        """Whether all of it is as it should be."""
        return not self.wrong and self.requests <= MOST_REQUESTS and self.grown < LEAST_MEMORY

    def table(self) -> str:
        """The figures, a line for each."""
        rows = [
            ("postings", f"{self.postings}, {self.source}"),
            ("ticks", f"{self.ticks}"),
            ("far-end calls that failed", f"{self.faults}"),
            ("postings that ended otherwise", f"{self.heard['otherwise']}"),
            ("events heard once", f"{self.heard['once']}"),
            ("events heard twice", f"{self.heard['twice']}"),
            ("events lost", f"{self.heard['lost']}"),
            ("events that never happened", f"{self.heard['false']}"),
            ("plans and messages held", f"{self.heard['held']}"),
            ("of those told to the staff", f"{self.heard['told']}"),
            (f"requests in an idle hour (at most {MOST_REQUESTS})", f"{self.requests}"),
            (f"growth of memory (under {LEAST_MEMORY} MiB)", f"{self.grown:.1f} MiB"),
        ]
        return "".join(f"{name:<44}{value}\n" for name, value in rows)


@dataclass(frozen=True)
class Ends:
    """The far ends: each twin, and the folder with all that is of this soak."""

    github: Twin
    mail: SmtpTwin
    slack: SlackTwin
    folder: Path


@dataclass
class Weather:
    """Faults at the far ends: of all calls to each, one in so many fails, in any of its ways."""

    ends: Ends
    random: Random

    def brew(self) -> None:
        """Have the calls of the next tick fail here and there; what has not come by then is forgotten."""
        self.clear()
        for nth in self._failing(40):
            when = self.random.choice(("before", "after"))
            self.ends.github.fault(self.random.choice(GITHUB_FAULTS), None, nth=nth, when=when, seconds=0.02)
        for nth in self._failing(20):
            if self.random.random() < len(SLACK_REFUSES) / (len(SLACK_REFUSES) + len(SLACK_FAULTS)):
                self.ends.slack.fault(self.random.choice(SLACK_REFUSES), None, nth=nth)
            else:
                when = self.random.choice(("before", "after"))
                self.ends.slack.fault(self.random.choice(SLACK_FAULTS), None, nth=nth, when=when)
        for step, kinds in MAIL_FAULTS.items():
            for nth in self._failing(10):
                self.ends.mail.fault(step, self.random.choice(kinds), nth=nth)

    def clear(self) -> None:
        """No more faults."""
        for end in (self.ends.github, self.ends.slack, self.ends.mail):
            end.heal()

    def fired(self) -> int:
        """How many calls have failed."""
        return sum(len(end.fired()) for end in (self.ends.github, self.ends.slack, self.ends.mail))

    def _failing(self, calls: int) -> list[int]:
        return [nth for nth in range(1, calls + 1) if self.random.random() < FAILING]


class People:
    """Those who work on the site: each does what the lives of the postings say, as soon as that can be done."""

    def __init__(self, world: World, ends: Ends) -> None:
        self.world, self.github, self.mail = world, ends.github, ends.mail
        self.github.people("robin", "ann")
        self._ended: set[int] = set()

    def act(self, subject: Subject, act: Act) -> bool:
        """Do one thing; false where it cannot be done yet."""
        self.world.people.set_clock()
        if act.what in ("approve", "merge", "reject"):
            return self._answer(subject, act.what)
        if act.what.startswith("ask"):
            values = {"closes": stamp(act.value)} if isinstance(act.value, datetime) else {}
            self.world.ask(subject.slug, "extend" if values else "close", reason=None if values else "filled", **values)
            return True
        self.world.catch_up()
        field = act.what.removeprefix("edit ")
        text = edited(self.world.text(subject.slug), None, {field: _written(act.value)})
        assert text is not None
        self.world.write(subject.slug, text)
        return True

    def _answer(self, subject: Subject, what: str) -> bool:
        """Approve, merge or close the open pull request of a posting."""
        number = self._open(subject.title)
        if number is None:
            return False
        if what == "approve":
            self.github.review(number, by="robin")
        elif what == "merge":
            self.github.merge(number, "squash", by="ann")
        else:
            self.github.close(number, "not now", by="ann")
        return True

    def _open(self, title: str) -> int | None:
        """The open pull request of a posting, if it can be merged."""
        found = (pull for pull in self._pulls() if not pull["draft"])
        return next((pull["number"] for pull in found if plain(pull["title"].partition(": ")[2]) == plain(title)), None)

    def _pulls(self) -> Iterator[dict[str, Any]]:
        """The open pull requests; those that have ended are not asked for again."""
        for number in self.github.act("pull_numbers"):
            if number not in self._ended:
                pull = self.github.pull(number)
                self._ended |= set() if pull["state"] == "open" else {number}
                yield from [pull] if pull["state"] == "open" else []

    def look_after(self, report: Report | None) -> None:
        """Merge what was asked for and waits for a person; let a held plan go on; see to messages that are held."""
        for pull in self._pulls():
            if "extend" in pull["labels"]:
                self.github.merge(pull["number"], "squash", by="ann")
        if report and report.plan.held:
            self.world.bot.ledger.release(report.plan.held.digest, "robin", self.world.now)
        for delivery in self.world.bot.ledger.deliveries(held_only=True):
            has_come = any(taken.mail["X-Postbot-Key"] == delivery.message.key for taken in self.mail.accepted())
            decide = self.world.bot.ledger.drop if has_come else self.world.bot.ledger.resend
            with suppress(LedgerError):  # it is no news any more
                decide(delivery.number, "robin", self.world.now)


def _written(value: str | datetime) -> str:
    return stamp(value) if isinstance(value, datetime) else value


class Soak:
    """One run: the world, the weather and the people, and what came of them."""

    def __init__(self, ends: Ends, seed: int, days: int, postings: int) -> None:
        self.random = Random(seed)  # noqa: S311 - it has to be the same again
        self.span = timedelta(days=days)
        self.subjects, self.source = subjects(postings, self.span, self.random)
        self.ends, self.weather = ends, Weather(ends, self.random)
        self.world = _world(ends, self.span)
        self.people = People(self.world, ends)
        self.left = sorted(
            ((act.at, subject.slug, act, subject) for subject in self.subjects for act in subject.life.acts),
            key=lambda each: each[:2],
        )
        self.ticks, self.memory = 0, (0.0, 0.0)
        self.held: set[tuple[object, ...]] = set()

    def run(self) -> Result:
        """Live through the days, let the weather clear, look at what has become of everything."""
        for subject in self.subjects:
            (self.world.repo / "positions").mkdir(exist_ok=True)
            (self.world.repo / self.world.path(subject.slug)).write_bytes(subject.text.encode())
        self.world.commit("All positions")
        self._live(BEGIN + self.span)
        self.weather.clear()
        for minutes in AFTERWARDS:
            self.world.now += timedelta(minutes=minutes)
            self._tick()
        requests = self._idle_hour()
        result = Result(self.source, len(self.subjects), self.ticks, self.weather.fired(), requests, self._grown())
        self._judge(result)
        return result

    def _live(self, end: datetime) -> None:
        """Look every hour, whenever the plan says so, and whenever a person has done something."""
        wakes_at: datetime | None = BEGIN
        while self.world.now < end:
            due = [each for each in self.left if each[0] <= self.world.now]
            self.left = [each for each in self.left if each not in due or not self.people.act(each[3], each[2])]
            self.weather.brew()
            report = self._tick()
            wakes_at = report.wakes_at if report else None
            hour = self.world.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            self.world.now = min([hour, *(at for at in (wakes_at,) if at and at > self.world.now)])
            self._weigh()

    def _tick(self) -> Report | None:
        """One look, whatever comes of it, and what people do about that."""
        self.ticks += 1
        self.world.people.set_clock()
        report = None
        with suppress(HostError):
            report = self.world.bot.tick(self.world.now)
        if report and report.plan.held:
            self.held.add((report.plan.held.digest,))
        self.held |= {(each.number, each.attempts) for each in self.world.bot.ledger.deliveries(held_only=True)}
        self.people.look_after(report)
        return report

    def _idle_hour(self) -> int:
        """How often GitHub is asked in an hour of looks at a site at rest, a minute apart."""
        self.ends.github.reset_requests()
        for _ in range(IDLE):
            self.world.now += timedelta(minutes=1)
            self.world.people.set_clock()
            self.world.bot.tick(self.world.now)
        return len(self.ends.github.requests())

    def _weigh(self) -> None:
        """Note how large the process is, at the end of the first day and whenever it is asked after that."""
        if self.world.now < BEGIN + timedelta(days=1):
            return
        gc.collect()
        weight = _resident()
        self.memory = (self.memory[0] or weight, weight)

    def _grown(self) -> float:
        return self.memory[1] - self.memory[0]

    def _judge(self, result: Result) -> None:
        self.world.catch_up()
        states = {subject.slug: _state(self.world.text(subject.slug)) for subject in self.subjects}
        mails = [str(taken.mail["Subject"]) for taken in self.ends.mail.accepted() if LIST in taken.recipients]
        posts = [str(each["told"]["text"]) for each in self.ends.slack.effects("posted")]
        judge(result, self.subjects, BEGIN + self.span, states, {"the list": mails, "the channel": posts})
        told = sum(map(_held, self.world.said(STAFF)))
        result.heard |= {"held": len(self.held), "told": told}
        if told != len(self.held):
            result.wrong.append(f"{len(self.held)} plans or messages were held, and the staff heard of {told}.")


def plain(words: str) -> str:
    """Words as people read them, however an end of the line writes a sign or breaks a line."""
    return " ".join(unescape(words).split())


def judge(
    result: Result, living: Sequence[Subject], end: datetime, states: dict[str, str], heard: dict[str, list[str]]
) -> None:
    """Compare what became of each posting, and what each audience heard of it, with what the reference says."""
    for subject in living:
        state, events = reference(subject.life, end)
        if states[subject.slug] != state:
            result.heard["otherwise"] += 1
            result.wrong.append(f"{subject.slug} ({subject.kind}) is {states[subject.slug]} and should be {state}.")
        for audience, subjects_of_it in heard.items():
            wanted = Counter(plain(f"{subject.title}: {WORDS[event]}") for event in events)
            theirs = map(plain, subjects_of_it)
            got = Counter(each for each in theirs if each.rpartition(": ")[0] == plain(subject.title))
            for words in wanted | got:
                verdict = _verdict(wanted[words], got[words])
                result.heard[verdict] += 1
                if verdict != "once":
                    result.wrong.append(f"{subject.slug} ({subject.kind}): {audience}, {verdict}: {words}")


def _held(subject: str) -> int:
    """How many plans and messages this mail to the staff says are held."""
    return int(subject.split(maxsplit=1)[0]) if "held for a person" in subject else int(subject.startswith("Held: "))


def _verdict(wanted: int, got: int) -> str:
    if not wanted:
        return "false"
    return "once" if got == wanted else "twice" if got > wanted else "lost"


def _state(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("state:")).split()[1].strip("'\"")


def _resident() -> float:
    """What this process holds in memory, in MiB. https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20


def _world(ends: Ends, span: timedelta) -> World:
    """A world on the twin of GitHub, whatever other worlds there are in this process."""

    class Here(Clone):
        twin = ends.github

    class Town(World):
        kept = Here

    return Town(ends.folder / "world", now=BEGIN, config=_config(ends, span))


def _config(ends: Ends, span: timedelta) -> str:
    """Leads that fit into the time there is, and the twins as far ends."""
    hours = span / timedelta(hours=1)
    lines = CONFIG.replace("3 days", f"{round(hours / 10)} hours").replace("2 days", f"{round(hours / 15)} hours")
    given = {"list": LIST, "channel": CHANNEL, "staff": STAFF, "port": ends.mail.port, "slack": ends.slack.url}
    return lines.partition("routes:")[0] + SETTINGS.format(**given)


def run(seed: int, days: int, postings: int) -> Result:
    """Start the twins in a folder of their own, and soak."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_bare(folder / "nothing.git")
        ends = Ends(
            stack.enter_context(Twin.start(folder / "nothing.git")),
            stack.enter_context(SmtpTwin.start()),
            stack.enter_context(SlackTwin.start()),
            folder,
        )
        ends.slack.channel(CHANNEL)
        tokens = {"POSTBOT_GITHUB_TOKEN": ends.github.token, "POSTBOT_SLACK_TOKEN": ends.slack.token}
        before = dict(os.environ)
        stack.callback(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ.update(tokens)
        return Soak(ends, seed, days, postings).run()


def main(say: Callable[[str], object] = sys.stdout.write) -> int:
    """Soak as the command line says, and print the figures."""
    words = argparse.ArgumentParser(prog="python -m tests.hardship.soak", description=str(__doc__).partition("\n")[0])
    for name, value in (("seed", 1), ("days", 30), ("postings", 40)):
        words.add_argument(f"--{name}", type=int, default=value)
    given = words.parse_args()
    result = run(given.seed, given.days, given.postings)
    say(result.table() + "".join(f"{line}\n" for line in result.wrong))
    if not result.right:
        say(f"To live through it again: python -m tests.hardship.soak --seed {given.seed} --days {given.days}\n")
    return 0 if result.right else 1


if __name__ == "__main__":
    raise SystemExit(main())
