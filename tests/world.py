"""The kit for stories: a real git site, a real ledger, caught messages and a clock that the story sets.

`World` speaks the story's language: write a posting, merge, advance, tick, what was said. Everything underneath is
the real thing, wired by `postbot.app`; only the clock is the story's.
"""

import shutil
import subprocess
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar
from zoneinfo import ZoneInfo

from postbot.app import build
from postbot.config import load
from postbot.core.announce.words import RELEASE
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Request
from postbot.core.site import Path as SitePath
from postbot.core.site import Pull, PullStatus
from postbot.hosts import Refused
from postbot.hosts.local import LocalHost
from postbot.ledger import Ledger
from postbot.reconcile import Bot, Host, Report
from tests.twins.github.client import Twin

NEW_YORK = ZoneInfo("America/New_York")

CONFIG = """\
site:
  repo: site
  profile: {profile}
  timezone: America/New_York
  folders: [{postings}]
transitions:
  open: {{lead: 3 days, merge: when-due}}
  close: {{lead: 2 days, merge: auto}}
routes:
  - {{to: "folder:openings@list.example", hear: public}}
  - {{to: "folder:hr@agency.example", hear: staff}}
soon: {{closing: []}}
"""

READY = """\
---
title: {title}
permalink: /jobs/{slug}/
state: {state}

# INSTRUCTIONS UPCOMING: These fields are required for upcoming

opens: {opens}
closes: {closes}
location: 'Denver, CO'
contact_email: 'jobs@agency.example'

# INSTRUCTIONS OPEN: These fields are required for open

# series: '0301' ENTER SERIES IF DIFFERENT
apply_url: https://apply.example.gov/{slug}
---
Join us as {{{{ page.title }}}}.
"""


def git(repo: Path, *args: str, stdin: bytes | None = None) -> str:
    """Run git as a person would, in the repository, as the person."""
    command = ["git", "-C", str(repo), "-c", "user.name=Pat", "-c", "user.email=pat@agency.example", *args]
    done = subprocess.run(command, input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


def at(text: str) -> datetime:
    """A time as people in New York would say it, as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    plain = mail.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content())


class Checkout:
    """People on a plain git site: they work in the very repository, and merge and reject by our commands."""

    settings = ""

    def __init__(self, world: "World") -> None:
        self.world, self.bare = world, world.repo

    def publish(self, *, force: bool = False) -> None:
        """Everybody sees what was committed."""

    def fetch(self, branch: str) -> None:
        """Get the newest of a branch."""

    def set_clock(self) -> None:
        """There is no clock but the story's."""

    @property
    def host(self) -> LocalHost:
        assert isinstance(self.world.bot.host, LocalHost)
        return self.world.bot.host

    def merge(self, number: int, by: str) -> None:
        self.host.merge_by_hand(number, by, self.world.now)

    def reject(self, number: int, by: str, reason: str) -> None:
        self.host.reject(number, by, reason, self.world.now)

    def approve(self, number: int, by: str) -> None:
        self.host.approve(number, by, self.world.now)


class Clone:
    """People on GitHub: they push from a clone, and click on its pages. GitHub's clock is the story's."""

    twin: ClassVar[Twin]

    def __init__(self, world: "World") -> None:
        self.world, self.bare = world, world.folder / "site.git"
        subprocess.run(["git", "clone", "-q", "--bare", world.repo, self.bare], check=True, capture_output=True)
        git(world.repo, "remote", "add", "origin", str(self.bare))
        self.twin.reset(self.bare)
        self.set_clock()
        where = f"repository: {self.twin.repo}, server: '{self.twin.url}', pace: 0 seconds"
        self.settings = f"github: {{{', '.join([where, *world.github])}}}\n"

    def publish(self, *, force: bool = False) -> None:
        self.set_clock()
        git(self.world.repo, "push", "-q", *(["--force"] if force else []), "origin", "HEAD")

    def fetch(self, branch: str) -> None:
        git(self.world.repo, "fetch", "-q", "origin", f"+{branch}:refs/remotes/origin/{branch}")
        git(
            self.world.repo, "branch", "-q", "-f", "--no-track", branch, f"origin/{branch}"
        ) if branch != "main" else None

    def set_clock(self) -> None:
        self.twin.set_clock(self.world.now)

    def merge(self, number: int, by: str) -> None:
        self.set_clock()
        if self.twin.pull(number)["draft"]:
            raise Refused("GitHub merges no draft.")
        self.twin.merge(number, "squash", by=by)

    def reject(self, number: int, by: str, reason: str) -> None:
        self.set_clock()
        self.twin.close(number, reason or None, by=by)

    def approve(self, number: int, by: str) -> None:
        self.set_clock()
        self.twin.people(by.removeprefix("@"))
        self.twin.review(number, by=by)


@cache
def _empty_ledger() -> bytes:
    """A ledger in which nothing stands yet, made once: to make one takes as long as half a story."""
    with TemporaryDirectory() as name:
        path = Path(name) / "ledger.db"
        Ledger.open(path).close()
        return path.read_bytes()


@dataclass
class World:
    """A site with its bot. `now` is what the bot takes for the present; `kept` says where the site is kept.

    Unless it is not yet `released`, postbot speaks to everybody.
    """

    kept: ClassVar[type[Checkout] | type[Clone]] = Checkout

    folder: Path
    now: datetime = field(default_factory=lambda: at("2026-03-02T09:00"))
    profile: str = "jekyll-state"
    config: str = CONFIG
    postings: str = "positions"
    github: tuple[str, ...] = ()
    released: bool = True
    bot: Bot = field(init=False)
    people: Checkout | Clone = field(init=False)

    def __post_init__(self) -> None:
        self.repo = self.folder / "site"
        self.repo.mkdir(parents=True)
        git(self.repo, "init", "-q", "-b", "main")
        (self.repo / "README.md").write_text("A site.\n")
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "-m", "Begin")
        self.people = self.kept(self)
        (self.folder / "postbot.yaml").write_text(self.config.format(**vars(self)) + self.people.settings)
        self._new_ledger()
        self.restart()
        if self.released:
            self.bot.ledger.release(RELEASE, "robin", self.now)

    def _new_ledger(self) -> None:
        place = load(self.folder / "postbot.yaml").ledger_at
        if isinstance(place, Path):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_empty_ledger())

    def copy(self, folder: Path) -> "World":
        """The same world at the same moment in another folder, its bot not yet started."""
        shutil.copytree(self.folder, folder)
        twin = copy(self)
        twin.folder, twin.repo = folder, folder / "site"
        twin.people = Checkout(twin)
        return twin

    def restart(self) -> None:
        """End the bot and start a new one on the same ledger, as after a crash or a deployment."""
        if hasattr(self, "bot"):
            self.bot.ledger.close()
        self.bot = build(load(self.folder / "postbot.yaml"), write=lambda _: None, now=lambda: self.now)

    @property
    def host(self) -> Host:
        return self.bot.host

    def write(self, slug: str, text: str | None = None, **words: str) -> None:
        """Commit a posting on the base branch as a person; without a text, one that is ready to open."""
        defaults = {"title": slug.replace("-", " ").title(), "state": "upcoming", "opens": "TBD", "closes": "TBD"}
        path = self.repo / self.postings / f"{slug}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text is not None else READY.format(slug=slug, **(defaults | words)), newline="")
        self.commit(f"Update {slug}.md")

    def change(self, slug: str, old: str, new: str) -> None:
        """Edit a posting on the base branch as a person."""
        text = self.text(slug)
        assert old in text
        self.write(slug, text.replace(old, new))

    def remove(self, slug: str) -> None:
        (self.repo / self.postings / f"{slug}.md").unlink()
        self.commit(f"Delete {slug}.md")

    def rename(self, slug: str, new: str) -> None:
        git(self.repo, "mv", self.path(slug), self.path(new))
        self.commit(f"Rename {slug}.md")

    def commit(self, words: str) -> None:
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "--allow-empty", "-m", words)
        self.people.publish()

    def catch_up(self) -> None:
        """Bring the person's checkout to the tip of main, which the bot moves without touching the checkout."""
        self.people.fetch("main")
        git(self.repo, "reset", "-q", "--hard", "HEAD" if self.people.bare == self.repo else "origin/main")

    def text(self, slug: str) -> str:
        """The posting as it stands on the base branch, to the byte."""
        command = ["git", "-C", str(self.people.bare), "show", f"main:{self.path(slug)}"]
        return subprocess.run(command, capture_output=True, check=True).stdout.decode()

    def ask(self, slug: str, transition: str, by: str = "robin", reason: str | None = None, **values: str) -> Request:
        """File a person's request, as every door does."""
        wish = Wish(Transition(transition), values, reason)
        return self.bot.ledger.file(self.path(slug), wish, by, self.now)

    def answer(self, request: Request) -> tuple[bool, str] | None:
        """What the person who asked was told; None while the request is under way."""
        return self.bot.ledger.answered(request.number)

    def path(self, slug: str) -> SitePath:
        return SitePath(f"{self.postings}/{slug}.md")

    def tick(self, when: str | datetime | None = None) -> Report:
        """Let the bot do what is due, now or at the New York time given; the person then catches up."""
        self.now = at(when) if isinstance(when, str) else when or self.now
        self.people.set_clock()
        report = self.bot.tick(self.now)
        self.catch_up()
        return report

    def advance(self, **span: float) -> Report:
        self.now += timedelta(**span)
        return self.tick()

    def pulls(self, status: PullStatus | None = PullStatus.OPEN) -> list[Pull]:
        return [pull for pull in self.host.look().pulls if status in (None, pull.status)]

    def merge(self, number: int, by: str = "robin") -> None:
        self.people.merge(number, by)
        self.catch_up()

    def reject(self, number: int, by: str = "robin", reason: str = "not now") -> None:
        self.people.reject(number, by, reason)

    def approve(self, number: int, by: str = "robin") -> None:
        self.people.approve(number, by)

    def touch(self, number: int, slug: str, text: str) -> None:
        """Add lines to a posting on the branch of a pull request, as a person."""
        [pull] = [pull for pull in self.pulls() if pull.number == number]
        self.people.fetch(pull.branch)
        git(self.repo, "switch", "-q", pull.branch)
        (self.repo / self.path(slug)).write_text((self.repo / self.path(slug)).read_text() + text)
        self.commit("A better ending")
        git(self.repo, "switch", "-q", "main")

    def beside(self, number: int) -> list[str]:
        """What the bot says beside a pull request, by paragraphs."""
        [pull] = [pull for pull in self.pulls(None) if pull.number == number]
        return pull.standing.words.split("\n\n") if pull.standing.words else []

    def revert(self) -> None:
        """Undo the last merge on the base branch, as a person."""
        merged = len(git(self.repo, "rev-list", "--parents", "-1", "HEAD").split()) > 2
        git(self.repo, "revert", "--no-edit", *(["-m", "1"] if merged else []), "HEAD")
        self.people.publish()

    def rewind(self, commits: int) -> None:
        """Take the last commits off the base branch, as nobody should."""
        git(self.repo, "reset", "-q", "--hard", f"HEAD~{commits}")
        self.people.publish(force=True)

    def branches(self) -> list[str]:
        found = git(self.people.bare, "for-each-ref", "--format=%(refname:short)", "refs/heads/postbot/")
        return found.split()

    def mail(self) -> list[EmailMessage]:
        """Every message that went out, in order."""
        found = sorted(
            (self.folder / ".postbot" / "announcements").glob("*.eml"), key=lambda p: (p.stat().st_mtime_ns, p.name)
        )
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in found]  # type: ignore[misc]

    def said(self, to: str = "openings@list.example") -> list[str]:
        """The subjects that one recipient has heard, in order."""
        return [str(mail["Subject"]) for mail in self.mail() if mail["To"] == to]

    def read(self, subject: str) -> str:
        """The text of the one message with this subject."""
        [mail] = [mail for mail in self.mail() if mail["Subject"] == subject]
        return text_of(mail)

    def asked(self) -> list[str]:
        """The subjects that the staff have heard, in order."""
        return self.said("hr@agency.example")
