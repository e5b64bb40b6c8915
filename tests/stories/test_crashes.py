"""postbot is killed anywhere, by the clock and at every call of git, and started again: the world ends up the same.

Judged by git and by the files that went out, never by the ledger. Each look is a process of its own that runs the
real command line; it is forked, so that sixty schedules of kills fit into a test run.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbot.core.site import PullStatus
from postbot.doors import cli, views  # noqa: F401 - what a look would import is there before the fork
from tests import depth
from tests.world import CONFIG, World

KEPT = ("plain git",)  # it kills git calls

AUTO = CONFIG.replace("merge: when-due", "merge: auto").replace("  close:", "  extend: {{merge: auto}}\n  close:")
SCHEDULES = depth.at(12, soak=240)
LONGEST_LIFE = 0.25  # seconds that a look may live in a random schedule; whole ones take about that long
MOMENTS = ("KILL_BEFORE", "KILL_AFTER")
MOST_TRIVIAL = 10  # calls of git; a life that needs fewer does nothing

WRAPPER = """\
#!/bin/sh
# Counts its calls; at the chosen one the process that called it is killed, before or after git has done its work.
read -r count < "$COUNT"
count=$((count + 1))
echo $count > "$COUNT"
if [ $count = "$KILL_BEFORE" ]; then kill -9 $PPID; exit 1; fi
if [ $count = "$KILL_AFTER" ]; then "$REAL_GIT" "$@" > /dev/null; kill -9 $PPID; exit 1; fi
exec "$REAL_GIT" "$@"
"""


@dataclass(frozen=True)
class Life:
    """One thing that has to happen: when, and how it must have ended."""

    slug: str
    words: dict[str, str]
    looks: tuple[str, ...]
    asks: tuple[str, dict[str, str]] | None
    holds: str
    pulls: int
    said: tuple[str, ...]


MARCH = {"opens": "March 9, 2026, 8:00 am EDT", "closes": "March 20, 2026, 11:59 pm EDT"}
LIVES = {
    "open": Life(
        "pilot", MARCH, ("2026-03-07T08:00", "2026-03-09T08:00"), None, "state: open", 1, ("Pilot: now open",)
    ),
    "close": Life(
        *("pilot", MARCH | {"state": "open"}, ("2026-03-19T08:00", "2026-03-20T23:59"), None, "state: closed", 1),
        ("Pilot: closed",),
    ),
    "extend": Life(
        *("pilot", MARCH | {"state": "open"}, ("2026-03-10T09:00",), ("extend", {"closes": "2026-03-27"})),
        *("closes: March 27, 2026", 1, ("Pilot: more time to apply",)),
    ),
}


def begun(folder: Path, life: Life) -> World:
    world = World(folder, config=AUTO)
    world.write(life.slug, **life.words)
    world.write("baker")
    world.tick()
    if life.asks:
        world.ask(life.slug, life.asks[0], **life.asks[1])
    world.bot.ledger.close()
    return world


def look(world: World, when: str, **environment: str) -> int:
    """Start `postbot tick` as a process of its own and return its id."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.environ.update(environment)
        sys.argv = ["postbot", "tick", "--at", when, "--config", str(world.folder / "postbot.yaml")]
        code = 1
        with suppress(BaseException):
            try:
                cli.main()
            except SystemExit as end:
                code = int(end.code or 0)
        os._exit(code)
    return child


def ended(child: int) -> int:
    """Wait for a look to end: its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def finish(world: World, life: Life) -> None:
    """Two last looks without a kill: what a kill left half sent is tried again a little later."""
    last = datetime.fromisoformat(life.looks[-1])
    for later in (timedelta(0), timedelta(minutes=10)):
        assert ended(look(world, (last + later).isoformat(timespec="minutes"))) == 0
    judge(world, life)


def judge(world: World, life: Life) -> None:
    """What people can see at the end: the bytes on main, every pull request there ever was, every message sent."""
    world.restart()
    assert f"\n{life.holds}" in world.text(life.slug)
    assert Counter(pull.status for pull in world.pulls(None)) == {PullStatus.MERGED: life.pulls}
    assert world.branches() == []
    assert tuple(world.said()) == life.said
    assert not list((world.folder / ".postbot" / "announcements").glob(".*.part"))
    world.bot.ledger.close()


@pytest.fixture
def wrapped(tmp_path: Path) -> dict[str, str]:
    """The environment in which `git` is the wrapper."""
    real = shutil.which("git")
    assert real
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(WRAPPER)
    (folder / "git").chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "REAL_GIT": real,
        "COUNT": str(tmp_path / "count"),
        "KILL_BEFORE": "",
        "KILL_AFTER": "",
    }


def run(world: World, looks: Sequence[str], wrapped: dict[str, str], **kill: str) -> tuple[int, list[int]]:
    """Let postbot look at these times with the wrapper for git: how often it was called, and how each look ended."""
    Path(wrapped["COUNT"]).write_text("0")
    ends = [ended(look(world, when, **(wrapped | kill))) for when in looks]
    return int(Path(wrapped["COUNT"]).read_text()), ends


@pytest.mark.parametrize("name", LIVES)
def test_killed_at_any_call_of_git_postbot_ends_where_it_would_have_ended(
    tmp_path: Path, wrapped: dict[str, str], name: str
) -> None:
    """Where there is time for it, before and after each call; else before and after in turn, at some of them."""
    life = LIVES[name]
    start = begun(tmp_path / "start", life)
    unharmed = start.copy(tmp_path / "unharmed")
    calls, ends = run(unharmed, life.looks, wrapped)
    assert set(ends) == {0}
    judge(unharmed, life)
    assert calls > MOST_TRIVIAL
    for call in range(1, calls + 1, depth.at(5, soak=1)):
        for moment in MOMENTS if depth.SOAK else [MOMENTS[call // 2 % 2]]:
            world = start.copy(tmp_path / f"{call}-{moment}")
            _, ends = run(world, life.looks, wrapped, **{moment: str(call)})
            assert -signal.SIGKILL in ends, (call, moment)
            finish(world, life)
            shutil.rmtree(world.folder)


@pytest.mark.parametrize("name", LIVES)
def test_killed_at_random_moments_postbot_ends_where_it_would_have_ended(tmp_path: Path, name: str) -> None:
    life = LIVES[name]
    start = begun(tmp_path / "start", life)
    for seed in range(SCHEDULES // len(LIVES)):
        chance = random.Random(f"{name} {seed}")  # noqa: S311 - for tests
        world = start.copy(tmp_path / str(seed))
        for when in life.looks:
            for _ in range(chance.randint(1, 3)):
                child = look(world, when)
                time.sleep(chance.random() * LONGEST_LIFE)
                os.kill(child, signal.SIGKILL)  # not waited for yet, so the id is still ours even if it has ended
                ended(child)
        finish(world, life)
        shutil.rmtree(world.folder)


@pytest.mark.parametrize("count", [2, 4])
def test_of_several_postbots_at_once_one_does_the_work_and_the_others_say_so(tmp_path: Path, count: int) -> None:
    life = LIVES["open"]
    world = begun(tmp_path / "world", life)
    ends = []
    for when in life.looks:
        children = [look(world, when) for _ in range(count)]
        ends += [ended(child) for child in children]
    assert set(ends) <= {0, 1}
    finish(world, life)


def test_a_postbot_that_finds_another_at_work_says_so_and_fails(tmp_path: Path) -> None:
    """The installed command itself, beside a bot that is in the middle of a look."""
    world = begun(tmp_path / "world", LIVES["open"])
    world.restart()
    command = [str(Path(sys.executable).with_name("postbot")), "tick", "--config", str(world.folder / "postbot.yaml")]
    with world.bot.ledger.working():
        done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"Another postbot is at work" in done.stderr
    assert b"Traceback" not in done.stderr
