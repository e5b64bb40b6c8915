"""The figures of a site on GitHub: how many requests each thing costs, and whether a large site is read whole.

The other end is the twin, a process of its own over real HTTP, and it does the counting. The seconds are those of this
machine and of the twin, which is slower than GitHub at some things and nearer at all; nothing is judged by them.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from postbot.core.plan.steps import Step
from postbot.core.site import ChangeSet, Pull, PullStatus, Snapshot, Standing
from postbot.core.site import Path as SitePath
from postbot.hosts.github import Api, GitHubHost, Habits, Token
from postbot.hosts.tree import blob_id
from tests.twins.github.client import Twin
from tests.world import CONFIG, Clone, World

POSTINGS = 5000
PULLS = 350
BOT = "postbot[bot]"
HABITS = Habits(reviewers=("ann",), labels=("hiring",))

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Cost:
    """What one thing cost: `asked` are the doors that were knocked at, in order, and `most` how many they may be."""

    what: str
    asked: tuple[str, ...]
    most: int
    seconds: float
    fault: str | None = None

    @property
    def met(self) -> bool:
        """Whether it cost no more than that, and came out right."""
        return len(self.asked) <= self.most and self.fault is None


def costs(folder: Path) -> Iterator[Cost]:
    """Every figure, measured over a twin that runs meanwhile. `folder` is empty."""
    repo = folder / "first.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repo], check=True)
    with Twin.start(repo) as twin:
        yield from reading(twin, folder / "large")
        yield from acting(twin, folder / "acts")
        yield from ticking(twin, folder / "ticks")


def _measured(twin: Twin, what: str, most: int, act: Callable[[], _Result]) -> tuple[Cost, _Result]:
    twin.reset_requests()
    start = time.perf_counter()
    result = act()
    seconds = time.perf_counter() - start
    asked = tuple(f"{route} {status}" for _, route, status in twin.requests())
    return Cost(what, asked, most, seconds), result


def _judged(cost: Cost, fault: str | None) -> Cost:
    return replace(cost, fault=fault)


# Reading a large site ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Large:
    """A repository of 5,000 postings and, behind a branch each, 350 changes to them, all as git has them."""

    repo: Path
    files: Mapping[str, bytes]
    heads: Mapping[str, tuple[str, bytes]]

    def change(self, path: str, data: bytes) -> None:
        """A person commits to one posting."""
        self._import(_commit("main", f"M 100644 inline {path}", data, ""))

    def _import(self, *stream: bytes) -> None:
        subprocess.run(["git", "-C", self.repo, "fast-import", "--quiet"], input=b"".join(stream), check=True)

    @classmethod
    def made(cls, repo: Path, postings: int = POSTINGS, pulls: int = PULLS) -> "Large":
        """Write it with git."""
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repo], check=True)
        files = {f"jobs/posting-{number:04d}.md": _posting(number) for number in range(postings)}
        heads = {
            f"postbot/close/posting-{number:04d}-0123456789": (path, data.replace(b"state: open", b"state: closed"))
            for number, (path, data) in zip(range(pulls), files.items(), strict=False)
        }
        large = cls(repo, files, heads)
        large._import(b"commit refs/heads/main\n", _BY, b"data 5\nBegin\n", *(_put(*item) for item in files.items()))
        tip = subprocess.run(["git", "-C", repo, "rev-parse", "main"], capture_output=True, check=True).stdout
        branches = ((name, f"M 100644 inline {path}", data, path) for name, (path, data) in heads.items())
        large._import(*(_commit(name, put, data, path, tip.strip()) for name, put, data, path in branches))
        return large


_BY = b"committer Pat <pat@agency.example> 1700000000 +0000\n"


def _put(path: str, data: bytes) -> bytes:
    return b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(data), data)


def _commit(branch: str, put: str, data: bytes, path: str, tip: bytes = b"refs/heads/main^0") -> bytes:
    """A commit on top of the tip; with a path, it says what it holds, as the bot's own do."""
    message = f"Close\n\nPostbot-File: {blob_id(data, '0' * 40)} {path}\n".encode() if path else b"Work\n"
    head = b"commit refs/heads/%b\n%bdata %d\n%bfrom %b\n" % (branch.encode(), _BY, len(message), message, tip)
    return head + b"%b\ndata %d\n%b\n" % (put.encode(), len(data), data)


def _posting(number: int) -> bytes:
    words = f"Join us in room {number}. " * 20
    return f"---\ntitle: Posting {number}\nstate: open\ncloses: 2035-03-0{number % 9 + 1}\n---\n{words}\n".encode()


def reading(twin: Twin, folder: Path, postings: int = POSTINGS, pulls: int = PULLS) -> Iterator[Cost]:
    """Looks at the large site: cold, cached, idle, after one change, and with all pull requests open."""
    folder.mkdir()
    large = Large.made(folder / "site.git", postings, pulls)
    twin.reset(large.repo)
    many = f"{postings:,} postings"
    host = _host(twin, cache=folder / "cache")
    with no_programs(folder):
        cost, seen = _measured(twin, f"cold look at {many} in one folder, no git on PATH", 5, host.look)
    yield _judged(cost, _unlike(seen, large.files))
    again = _host(twin, cache=folder / "cache")
    cost, seen = _measured(twin, f"cold look at {many}, cache on disk", 2, again.look)
    yield _judged(cost, _unlike(seen, large.files))
    first, *others = large.heads
    twin.open_pull(first, by=BOT)
    twin.advance(5)
    again = _host(twin, cache=folder / "cache")
    seen = again.look(again.look())
    cost, same = _measured(twin, "idle look", 1, lambda: again.look(seen))
    yield _judged(cost, None if same is seen and cost.asked == ("GET pulls 304",) else "it was no conditional one")
    changed = dict(large.files) | {"jobs/posting-0007.md": b"---\ntitle: New\n---\n"}
    large.change("jobs/posting-0007.md", changed["jobs/posting-0007.md"])
    cost, seen = _measured(twin, f"look after one of {many} changed, a pull request open", 5, lambda: again.look(seen))
    blobs = [door for door in cost.asked if door.startswith("GET git/blobs")]
    yield _judged(cost, _unlike(seen, changed) or (None if len(blobs) == 1 else "other files were read, too"))
    for name in others:
        twin.open_pull(name, by=BOT)
    cold = _host(twin, cache=folder / "cache")
    what = f"cold look at {many} and {pulls} open pull requests, cache on disk"
    cost, seen = _measured(twin, what, 20, cold.look)
    yield _judged(cost, _unlike(seen, changed) or _missed(seen, large))


def _host(twin: Twin, cache: Path | None = None) -> GitHubHost:
    api = Api(twin.repo, Token(twin.token), twin.url, timedelta(0))
    return GitHubHost(api, folders=("jobs",), habits=HABITS, cache=cache)


def _unlike(seen: Snapshot, files: Mapping[str, bytes]) -> str | None:
    if {str(path): file.data for path, file in seen.files.items()} == files and not seen.problems:
        return None
    return f"{len(seen.files)} files were read of {len(files)}, or with other bytes"


def _missed(seen: Snapshot, large: Large) -> str | None:
    """What is wrong about the pull requests as they were read, against what git has."""
    told = subprocess.run(
        ["git", "-C", large.repo, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/postbot"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    there = {name: (oid, *large.heads[name]) for name, oid in (line.split() for line in told.splitlines())}
    read = {
        pull.branch: (pull.head, str(path), data)
        for pull in seen.pulls
        for path, data in pull.files.items()
        if pull.status is PullStatus.OPEN and pull.untouched
    }
    return None if read == there else f"{len(read)} pull requests were read of {len(there)}, or with other files"


@contextmanager
def no_programs(folder: Path) -> Iterator[None]:
    """Have no program at all on the path meanwhile."""
    there, empty = os.environ["PATH"], folder / "no programs"
    empty.mkdir()
    os.environ["PATH"] = str(empty)
    try:
        yield
    finally:
        os.environ["PATH"] = there


# Acts ----------------------------------------------------------------------------------------------------------------

_BEFORE, _AFTER = b"---\ntitle: Baker\nstate: open\n---\n", b"---\ntitle: Baker\nstate: closed\n---\n"
_BAKER = SitePath("jobs/baker.md")
_CLOSE = ChangeSet(
    branch="postbot/close/baker-0123456789",
    base="",
    title="Close Baker",
    body="Its closing date has come.",
    message="Close Baker\n",
    before={_BAKER: _BEFORE},
    after={_BAKER: _AFTER},
    labels=("postbot",),
)


def acting(twin: Twin, folder: Path) -> Iterator[Cost]:
    """Each act alone, as a host carries it out for the loop: with reviewers, assignees and labels."""
    folder.mkdir()
    repo = folder / "site.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repo], check=True)
    Large(repo, {}, {})._import(b"commit refs/heads/main\n", _BY, b"data 5\nBegin\n", _put(_BAKER, _BEFORE))
    twin.reset(repo)
    host = _host(twin)
    now = twin.now()
    host.look()
    cost, pull = _measured(twin, "open one pull request: the act", 8, lambda: host.propose(_CLOSE, now))
    yield _judged(cost, _reached(host, pull, PullStatus.OPEN))
    better = replace(_CLOSE, body="It closes today.", after={_BAKER: _AFTER + b"Bread.\n"})
    cost, pull = _measured(twin, "bring it up to date, text and files: the act", 8, lambda: host.propose(better, now))
    yield _judged(cost, _reached(host, pull, PullStatus.OPEN))
    words = Standing("It waits for a person.")
    cost, _ = _measured(
        twin, "say something beside it for the first time: the act", 4, lambda: host.note(pull, words, now)
    )
    pull = host.look().pulls[0]
    yield _judged(cost, None if pull.standing == words else "it was not said")
    cost, _ = _measured(twin, "withdraw it, with the reason: the act", 5, lambda: host.withdraw(pull, "extended", now))
    yield _judged(cost, _reached(host, pull, PullStatus.WITHDRAWN))
    pull = host.propose(_CLOSE, now)
    cost, _ = _measured(twin, "merge one pull request: the act", 3, lambda: host.merge(pull, now))
    yield _judged(cost, _reached(host, pull, PullStatus.MERGED))


def _reached(host: GitHubHost, pull: Pull, status: PullStatus) -> str | None:
    found = [each.status for each in host.look().pulls if each.number == pull.number]
    return None if found == [status] else f"it is {', '.join(found) or 'not there'}"


# Whole ticks ---------------------------------------------------------------------------------------------------------


class OnGitHub(World):
    """A site on GitHub with its bot."""

    kept = Clone


def ticking(twin: Twin, folder: Path) -> Iterator[Cost]:
    """Whole ticks, five minutes apart: nothing due, one opening proposed, one merged and announced."""
    Clone.twin = twin
    with _token(twin):
        world = OnGitHub(folder, config=CONFIG, github=("labels: [hiring]",))
        world.write("baker", opens="2026-03-09", closes="2026-03-30")
        for when in ("2026-03-05T22:50", "2026-03-05T22:52", "2026-03-05T22:55"):
            cost, report = _measured(twin, "a tick with nothing to do", 1, lambda when=when: world.tick(when))
        yield _judged(cost, "something was done" if report.done else None)
        cost, report = _measured(twin, "open one posting: the whole tick", 8, lambda: world.tick("2026-03-05T23:00"))
        yield _judged(cost, _did(report.done, "Propose"))
        [pull] = world.pulls()
        world.approve(pull.number)
        for when in ("2026-03-08T23:50", "2026-03-08T23:52", "2026-03-08T23:55"):
            world.tick(when)
        cost, report = _measured(twin, "merge it when due: the whole tick", 7, lambda: world.tick("2026-03-09T00:00"))
        yield _judged(cost, _did(report.done, "Merge"))
        world.bot.ledger.close()


def _did(done: list[Step], name: str) -> str | None:
    kinds = [type(step).__name__ for step in done]
    return None if kinds.count(name) == 1 else f"it did {', '.join(kinds) or 'nothing'}"


@contextmanager
def _token(twin: Twin) -> Iterator[None]:
    there = os.environ.get("POSTBOT_GITHUB_TOKEN")
    os.environ["POSTBOT_GITHUB_TOKEN"] = twin.token
    try:
        yield
    finally:
        os.environ.pop("POSTBOT_GITHUB_TOKEN")
        if there is not None:
            os.environ["POSTBOT_GITHUB_TOKEN"] = there
