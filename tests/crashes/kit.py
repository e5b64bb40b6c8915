"""A site between twins of GitHub, a mail server and Slack, and postbot as processes that are killed at a chosen point.

Each process runs the real command line. It is forked, so that thousands of them fit into a test run, and it is killed
by SIGKILL from within, at a point that `postbot.progress` tells of: nothing of it can still be put in order.
"""

import os
import select
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

# What a command would import while it runs is there before the fork.
import postbot.channels.email
import postbot.channels.slack
import postbot.doors.views  # noqa: F401
from postbot import progress
from postbot.app import build, configured, words
from postbot.config import shipped_profiles
from postbot.core.plan.preview import try_words
from postbot.core.problem import PostbotError
from postbot.doors import cli
from postbot.ledger import Ledger
from postbot.progress import Edge, Step
from tests.contract.test_hosts import make_bare
from tests.twins.github.client import Twin
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin
from tests.world import READY, at

CHANNEL, LIST, CONTACT = "C0JOBS", "openings@lists.example.org", "jobs@agency.example"
ARCHIVE, STAFF = "archive", "staff"
POSTBOT = "postbot[bot]"
REVIEWER, ASSIGNEE = "ann", "bo"
CONFIG = """\
site: {{repo: ., profile: jekyll-state, timezone: America/New_York, folders: [positions]}}
github:
  repository: {github.repo}
  server: {github.url}
  pace: 0 seconds
  labels: [hiring]
  reviewers: [{reviewer}]
  assignees: [{assignee}]
transitions: {{{transitions}}}
soon: {{closing: []}}
email: {{server: 127.0.0.1, port: {post.port}, security: none, sender: Agency jobs <noreply@agency.example>}}
slack: {{server: '{slack.url}'}}
routes:
  - {{to: [email:{list}, slack:{channel}, folder:{archive}], hear: public}}
  - {{to: 'email:{{contact_email}}', hear: [opened, reopened, closed, closed-early]}}
  - {{to: folder:{staff}, hear: staff}}
"""
_BLINK = 0.005  # seconds
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND
FIRST = at("2026-03-02T09:00")
"""When a site begins: what stands then is adopted in silence."""


@dataclass(frozen=True)
class Kill:
    """The end of a process: at the `nth` point that it comes to, of this step and this edge where they are named."""

    nth: int
    step: Step | None = None
    edge: Edge | None = None

    def fits(self, step: Step, edge: Edge) -> bool:
        return self.step in (None, step) and self.edge in (None, edge)


Point = tuple[Step, Edge]


@dataclass(frozen=True)
class Lab:
    """The three twins, each a process of its own that outlives every kill."""

    github: Twin
    post: SmtpTwin
    slack: SlackTwin
    nothing: Path

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator[Self]:
        """Start the twins; what they need lies in `folder`."""
        nothing = folder / "nothing.git"
        make_bare(nothing)
        _warm()
        with ExitStack() as stack:
            github = stack.enter_context(Twin.start(nothing))
            yield cls(github, stack.enter_context(SmtpTwin.start()), stack.enter_context(SlackTwin.start()), nothing)

    @property
    def environment(self) -> dict[str, str]:
        """What a process of postbot needs to sign in."""
        return {"POSTBOT_GITHUB_TOKEN": self.github.token, "POSTBOT_SLACK_TOKEN": self.slack.token}

    def config(self, transitions: str) -> str:
        return CONFIG.format(
            github=self.github,
            post=self.post,
            slack=self.slack,
            transitions=transitions,
            list=LIST,
            channel=CHANNEL,
            archive=ARCHIVE,
            staff=STAFF,
            reviewer=REVIEWER,
            assignee=ASSIGNEE,
        )

    def serve(self, site: Path) -> None:
        """Have the twins serve this site from now on, with nothing done and nothing said to them yet."""
        self.github.reset(site / "site.git")
        self.github.people(REVIEWER, ASSIGNEE, "robin")
        self.post.forget()
        self.post.heal()
        self.slack.forget()
        self.slack.channel(CHANNEL)

    def heal(self) -> None:
        """No twin fails any more."""
        self.github.heal()
        self.post.heal()
        self.slack.heal()


@dataclass(frozen=True)
class Site:
    """One site on the laboratory's GitHub. Whatever is done to it is done by a process, or by a person there."""

    lab: Lab
    folder: Path

    @classmethod
    def begin(cls, lab: Lab, folder: Path, postings: Mapping[str, str], transitions: str) -> Self:
        """Make a site and let postbot adopt what stands. `postings` are whole texts by slug."""
        folder.mkdir(parents=True)
        make_bare(folder / "site.git")
        (folder / "postbot.yaml").write_text(lab.config(transitions))
        lab.serve(folder)
        site = cls(lab, folder)
        lab.github.push("main", {path_of(slug): text for slug, text in postings.items()}, by="robin")
        ends = site.run(FIRST, "tick"), ended(site.start("release", "public", "--by", "robin"))
        assert ends == (0, 0), site.printed()
        return site

    @contextmanager
    def copied(self) -> Iterator["Site"]:
        """The same site in another folder, as it stands now, until the block ends.

        The twins serve that one, and have forgotten all that was before.
        """
        with TemporaryDirectory(prefix="site-") as name:
            folder = Path(name) / "site"
            shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("*.effects.jsonl"))
            self.lab.serve(folder)
            yield Site(self.lab, folder)
            self.lab.github.reset(self.lab.nothing)  # it looks at what it serves before it turns to another

    def run(self, now: datetime, *words: str, kill: Kill | None = None) -> int:
        """Run a command as of this instant, and wait for its end: its exit code, negative for a signal."""
        self.lab.github.set_clock(now)
        return ended(self.start(*words, "--at", told(now), kill=kill))

    def start(self, *words: str, kill: Kill | None = None) -> int:
        """Start a command as a process of its own, and return its id."""

        def command() -> None:
            self._watched().arm(kill)
            sys.argv = ["postbot", *words, "--config", str(self.folder / "postbot.yaml")]
            cli.main()

        return self._fork(command)

    def stay(self) -> "Staying":
        """Start a postbot that stays, as the service does: it looks whenever it is told to, until it is killed."""
        orders, hears = os.pipe()
        answers, speaks = os.pipe()

        def serve() -> None:
            os.close(hears)
            os.close(answers)
            watched = self._watched()
            with os.fdopen(orders) as lines:
                _look_on_orders(self.folder / "postbot.yaml", lines, speaks, watched)

        child = self._fork(serve)
        os.close(orders)
        os.close(speaks)
        return Staying(self, child, hears, answers)

    def _fork(self, act: Callable[[], None]) -> int:
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            self._speak_to_a_file()
            os.environ.update(self.lab.environment)
            act()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as the test
            traceback.print_exc()
        with suppress(BaseException):
            sys.stdout.flush()
        os._exit(code)

    def _speak_to_a_file(self) -> None:
        printed = os.open(self.folder / "printed", _APPENDING)
        sys.stdout = sys.stderr = os.fdopen(printed, "w", buffering=1)
        os.dup2(printed, 1)
        os.dup2(printed, 2)

    def _watched(self) -> "_Watched":
        watched = _Watched(os.open(self.folder / "trail", _APPENDING | os.O_TRUNC))
        progress.watch(watched)
        return watched

    # What a person sees

    def trail(self) -> list[Point]:
        """The points that the latest process passed, in order; the last one is where it was killed, if it was."""
        rows = (line.split() for line in (self.folder / "trail").read_text().splitlines())
        return [(Step[step], Edge[edge]) for step, edge in rows]

    def printed(self) -> str:
        """What all processes have printed."""
        return (self.folder / "printed").read_text()

    def is_on_record(self, person: str) -> bool:
        """Whether anything that this person asked for is on record; who finds nothing asks again."""
        ledger = Ledger.open(self.folder / ".postbot" / "ledger.db")
        try:
            return any(row.what == "asked" and row.by == person for row in ledger.audit())
        finally:
            ledger.close()


def _warm() -> None:
    """Read once what every process reads alike: they are forked from this one."""
    try_words(words())
    shipped_profiles()


class _Watched:
    """The watcher in a process: it writes down which points it passes, and ends it at the one that was chosen."""

    def __init__(self, trail: int) -> None:
        self._trail = trail
        self._kill: Kill | None = None
        self._left = 0

    def arm(self, kill: Kill | None) -> None:
        self._kill, self._left = kill, kill.nth if kill else 0

    def __call__(self, step: Step, edge: Edge) -> None:
        os.write(self._trail, f"{step.name} {edge.name}\n".encode())
        if self._kill is not None and self._kill.fits(step, edge):
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _look_on_orders(config: Path, orders: Iterable[str], answers: int, watched: _Watched) -> None:
    bot = build(configured(config), write=lambda _: None)
    for order in orders:
        now, nth = order.split()
        watched.arm(Kill(int(nth)) if int(nth) else None)
        try:
            bot.tick(datetime.fromisoformat(now))
        except PostbotError as error:
            sys.stderr.write(f"{now}: {error}\n")
        os.write(answers, b".")


@dataclass
class Staying:
    """A postbot that looks on orders. `code` is how it has ended, negative for a signal; None while it lives."""

    site: Site
    child: int
    orders: int
    answers: int
    code: int | None = None

    def look(self, now: datetime, *, nth: int = 0, until: Callable[[], bool] | None = None) -> None:
        """Have it look, and kill it at the nth point of this look, or as soon as `until` says so."""
        self.site.lab.github.set_clock(now)
        with suppress(BrokenPipeError):  # it was killed before
            os.write(self.orders, f"{told(now)} {nth}\n".encode())
        while until is not None and not select.select([self.answers], [], [], _BLINK)[0]:
            if until():
                os.kill(self.child, signal.SIGKILL)
                break
        if os.read(self.answers, 1) == b"":
            self.code = ended(self.child)

    def close(self) -> None:
        """Let it go: with nobody to give orders it ends by itself."""
        os.close(self.orders)
        os.close(self.answers)
        if self.code is None:
            self.code = ended(self.child)


def posting(slug: str, **words: str) -> str:
    """The text of a posting that is ready to open."""
    defaults = {"title": slug.title(), "state": "upcoming", "opens": "TBD", "closes": "TBD"}
    return READY.format(slug=slug, **(defaults | words))


def path_of(slug: str) -> str:
    return f"positions/{slug}.md"


def told(now: datetime) -> str:
    """An instant as an argument."""
    return now.astimezone(UTC).isoformat(timespec="seconds")


def later(now: datetime, *minutes: float) -> list[datetime]:
    return [now + timedelta(minutes=each) for each in minutes]


def ended(child: int) -> int:
    """Wait for a process to end: its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
