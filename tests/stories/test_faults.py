"""GitHub fails once, at any request, in any way, before or after it has done what was asked: the world ends up the same.

One life of a site: an opening is proposed, its date is moved, it is approved and merged, a closing waits for somebody
and is merged. Judged by what the twin saw happen and by the files in git, never by what postbot remembers.
"""

import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbot.hosts import HostError
from tests import depth
from tests.twins.github.client import KINDS, Twin
from tests.world import CONFIG, Clone, World, at, git

KEPT = ("GitHub",)
SAMPLE = depth.at(20, soak=1)
"""One case in so many is tried."""
TICKS = 3
"""Looks after the one that met the fault, by which everything must be as it should."""

ROUTES = (
    "POST graphql Overview",
    "POST graphql Scene",
    "POST graphql UpdateRefs",
    "POST graphql Contents",
    "POST graphql Pasts",
    "GET pulls",
    "GET git/ref",
    "GET git/trees",
    "GET git/blobs",
    "GET tarball",
    "GET codeload",
    "POST git/trees",
    "POST git/commits",
    "POST pulls",
    "PATCH pull",
    "PATCH issue",
    "POST requested_reviewers",
    "GET comments",
    "POST comments",
    "PATCH comment",
    "PUT merge",
)
CASES = [
    (route, kind, when, nth)
    for route in ROUTES
    for kind in KINDS
    for when in ("before", "after")
    for nth in (1, 2)
    if zlib.crc32(f"{route} {kind} {when} {nth}".encode()) % SAMPLE == 0
]

REVIEWED = CONFIG.replace("close: {{lead: 2 days, merge: auto}}", "close: {{lead: 2 days, merge: when-due}}")
LOUD = ("ref-created", "ref-deleted", "pull-opened", "pull-closed", "pull-reopened", "comment", "merged")


def twin_of(world: World) -> Twin:
    assert isinstance(world.people, Clone)
    return world.people.twin


def states(world: World) -> list[str]:
    return [pull["state"] for pull in twin_of(world).pulls()]


def finished(world: World, number: int) -> bool:
    """Whether a pull request is there with all that belongs to it."""
    found = twin_of(world).pulls()
    return len(found) >= number and sorted(found[number - 1]["labels"]) == ["open", "postbot"]


def said(world: World, number: int) -> list[str]:
    return [each["body"] for each in twin_of(world).pull(number)["comments"]]


Stage = tuple[str, Callable[[World], object], Callable[[World], bool]]

LIFE: tuple[Stage, ...] = (
    ("2026-03-04T09:00", lambda _: None, lambda w: states(w) == []),
    ("2026-03-04T21:00", lambda _: None, lambda w: states(w) == []),
    ("2026-03-06T09:00", lambda _: None, lambda w: states(w) == ["open"] and finished(w, 1)),
    (
        "2026-03-06T14:00",
        lambda w: w.change("pilot", "March 9", "March 8"),
        lambda w: states(w) == ["closed", "open"] and finished(w, 2) and len(said(w, 1)) == 1,
    ),
    (
        "2026-03-06T20:00",
        lambda w: w.change("old-1", "Join us", "Do join us"),
        lambda w: states(w) == ["closed", "open"],
    ),
    ("2026-03-06T20:45", lambda _: None, lambda w: states(w) == ["closed", "open"]),
    ("2026-03-06T20:50", lambda _: None, lambda w: states(w) == ["closed", "open"]),
    ("2026-03-08T09:00", lambda w: w.approve(2), lambda w: states(w) == ["closed", "merged"] and w.branches() == []),
    ("2026-03-19T09:00", lambda _: None, lambda w: states(w)[2:] == ["open"]),
    ("2026-03-21T09:00", lambda _: None, lambda w: len(said(w, 3)) == 1),
    ("2026-03-22T15:00", lambda w: w.restart(), lambda w: len(said(w, 3)) == 1),
    ("2026-03-23T09:00", lambda w: w.approve(3), lambda w: states(w)[2:] == ["merged"] and w.branches() == []),
    ("2026-03-24T09:00", lambda _: None, lambda w: "state: closed" in w.text("pilot")),
)


def begin(folder: Path) -> World:
    world = World(folder, config=REVIEWED, github=("reviewers: [ann]",))
    twin_of(world).people("ann", "robin")
    for number in range(25):
        text = (
            f"---\ntitle: Old {number}\nstate: closed\nopens: January 2, 2024\ncloses: March 2, 2024\n---\nJoin us.\n"
        )
        (world.repo / "positions").mkdir(exist_ok=True)
        (world.repo / f"positions/old-{number}.md").write_text(text)
    world.write("pilot", opens="March 9, 2026", closes="March 20, 2026, 11:59 PM EDT")
    return world


def live(world: World) -> int:
    """Live it all; return how many looks the slowest stage took until everything was as it should be."""
    slowest = 0
    for when, happens, is_done in LIFE:
        world.now = at(when)
        happens(world)
        looks = 0
        while looks == 0 or not is_done(world):
            assert looks <= TICKS, f"{when}: not so after {looks} looks; {states(world)}"
            with suppress(HostError):
                world.tick()
            looks += 1
            world.now += timedelta(minutes=30)
        slowest = max(slowest, looks)
    return slowest


def happened(world: World) -> dict[str, Any]:
    """What the outside world shows in the end, and how often each thing has been done to it by the bot."""
    effects = [each for each in twin_of(world).effects(*LOUD) if str(each["by"]).startswith("postbot")]
    kept = ("number", "state", "labels", "reviewers")
    return {
        "effects": Counter((each["kind"], each.get("branch") or each.get("number")) for each in effects),
        "pulls": [
            {name: sorted(pull[name]) if name == "labels" else pull[name] for name in kept}
            for pull in twin_of(world).pulls()
        ],
        "comments": [len(pull["comments"]) for pull in twin_of(world).pulls()],
        "history": git(world.people.bare, "log", "--format=%an %s", "main"),
        "text": world.text("pilot"),
        "branches": world.branches(),
        "said": world.said(),
    }


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    return {}


def test_a_life_without_faults_asks_at_every_route(tmp_path: Path) -> None:
    world = begin(tmp_path)
    assert live(world) == 1
    asked = set(twin_of(world).routes())
    assert set(ROUTES) == asked, set(ROUTES) ^ asked


@pytest.mark.parametrize(("route", "kind", "when", "nth"), CASES)
def test_one_fault_anywhere_changes_nothing_in_the_end(
    tmp_path: Path, undisturbed: dict[str, Any], route: str, kind: str, when: str, nth: int
) -> None:
    if not undisturbed:
        calm = begin(tmp_path / "calm")
        live(calm)
        undisturbed |= happened(calm)
    world = begin(tmp_path / "rough")
    twin_of(world).fault(kind, route, nth=nth, when=when, seconds=0.2)
    live(world)
    assert happened(world) == undisturbed
