"""People and postbot act at the same moment: between any two requests of ours somebody pushes, closes, merges, edits.

Judged by git and by what the twin saw happen: what a person wrote is never lost or overwritten, what they decided
stands, nothing is done twice, and within a few looks everything has come to rest.
"""

import os
import subprocess
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from postbot.app import build
from postbot.config import load
from postbot.core.plan.steps import Propose
from postbot.core.site import PullStatus
from postbot.hosts import HostError
from postbot.reconcile import Report
from tests.stories.test_faults import twin_of
from tests.twins.github.client import Twin, TwinRefused
from tests.world import CONFIG, World, at, git

KEPT = ("GitHub",)
SAMPLE = 1 if os.environ.get("CI") else 12
"""One case in so many is tried at the desk."""
TICKS = 3
"""Looks after the race, by which everything must be as it should."""

PATH = "positions/pilot.md"
OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}
BOT = "postbot[bot]"


def sampled(*case: object) -> bool:
    return zlib.crc32(" ".join(map(str, case)).encode()) % SAMPLE == 0


# The acts of ours that people get in the way of ----------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """What we are about to do: at `when`, in a world that is `ready` for it, by `requests` requests."""

    when: str
    requests: int
    ready: Callable[[World], object]
    done: Callable[[World], bool]


def proposed(world: World) -> None:
    world.tick("2026-03-19T09:00")
    assert [pull.number for pull in world.pulls()] == [1]


def reworded(world: World) -> None:
    proposed(world)
    world.change("pilot", "Join us", "Do join us")


def postponed(world: World) -> None:
    proposed(world)
    world.change("pilot", "March 20, 2026", "March 27, 2026")


ACTS: Mapping[str, Act] = {
    "propose": Act("2026-03-19T09:00", 9, lambda _: None, lambda w: states(w) == ["open"]),
    "refresh": Act("2026-03-19T10:00", 12, reworded, lambda w: b"Do join" in held(w, "pilot")),
    "merge": Act("2026-03-20T23:59", 9, proposed, lambda w: "state: closed" in w.text("pilot")),
    "withdraw": Act("2026-03-19T10:00", 9, postponed, lambda w: states(w) == ["closed"]),
}


def states(world: World) -> list[str]:
    return [pull["state"] for pull in twin_of(world).pulls()]


def held(world: World, slug: str) -> bytes:
    """The posting as the one open pull request has it."""
    [pull] = world.pulls()
    return pull.files[world.path(slug)] or b""


def before(folder: Path, act: str) -> World:
    world = World(folder)
    world.write("baker")
    world.write("pilot", **OPEN)
    world.tick()
    ACTS[act].ready(world)
    world.now = at(ACTS[act].when)
    twin_of(world).set_clock(world.now)
    twin_of(world).reset_requests()
    return world


@pytest.mark.parametrize("act", ACTS)
def test_undisturbed_each_act_is_done_in_so_many_requests(tmp_path: Path, act: str) -> None:
    world = before(tmp_path, act)
    world.tick()
    assert ACTS[act].done(world)
    print([r for r in twin_of(world).requests()])
    assert len(twin_of(world).requests()) == ACTS[act].requests
