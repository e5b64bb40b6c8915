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
SAMPLE = int(os.environ.get("RACES", "4" if os.environ.get("CI") else "14"))
"""Of the cases in the three large tables one in so many is tried; RACES=1 tries them all."""
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
    "propose": Act("2026-03-19T09:00", 11, lambda _: None, lambda w: states(w) == ["open"]),
    "refresh": Act("2026-03-19T10:00", 13, reworded, lambda w: b"Do join" in held(w, "pilot")),
    "merge": Act("2026-03-20T23:59", 8, proposed, lambda w: "state: closed" in w.text("pilot")),
    "withdraw": Act("2026-03-19T10:00", 12, postponed, lambda w: states(w) == ["closed"]),
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
    asked = len(twin_of(world).requests())
    assert (ACTS[act].done(world), asked) == (True, ACTS[act].requests)


def gaps(act: str) -> Iterator[tuple[int, str]]:
    """Every place between two requests of an act: before each, and after the last."""
    last = ACTS[act].requests
    yield from ((nth, "before") for nth in range(1, last + 1))
    yield last, "after"


def race(world: World, nth: int, when: str, verb: str, **told: Any) -> str:
    """Let the bot act, and a person in that gap; return what came of the person's act. Then look until all rests."""
    twin = twin_of(world)
    twin.interject(None, verb, nth=nth, when=when, **told)
    with suppress(HostError):
        world.tick()
    [came] = twin.interjected()
    settle(world)
    return came


def settle(world: World) -> None:
    for _ in range(TICKS):
        with suppress(HostError):
            world.advance(minutes=30)
    report = world.advance(minutes=30)
    refused = [why for _, why in report.refused if "somebody else" not in why]
    assert (report.done, refused) == ([], []), "it does not come to rest"


def the_branch(world: World) -> str:
    """The name of our branch, also before there is one."""
    [want] = [want for want in world.bot.forecast(world.now, world.now)[1].wanted if want.posting.slug == "pilot"] or [
        None
    ]
    return want.branch if want else world.branches()[0]


# What holds whatever people do ---------------------------------------------------------------------------------------


def ours(world: World, *kinds: str) -> list[dict[str, Any]]:
    return [each for each in twin_of(world).effects(*kinds) if each["by"] == BOT]


def landed(world: World) -> list[str]:
    """The commits that we brought to the published branch."""
    return [each["sha"] for each in ours(world, "merged")]


def contains(world: World, tip: str, commit: str) -> bool:
    command = ["git", "-C", str(world.people.bare), "merge-base", "--is-ancestor", commit, tip]
    return subprocess.run(command, check=False).returncode == 0


def in_order(world: World) -> None:
    """Each commit of ours on the published branch changes one state and nothing else; nothing was done twice."""
    for commit in landed(world):
        shown = git(world.people.bare, "show", "--format=", "--unified=0", "--raw", "--no-abbrev", commit).splitlines()
        changed = [line for line in shown if line[:1] in {"+", "-"} and line[:3] not in ("+++", "---")]
        modes = [line.split()[:2] for line in shown if line[:1] == ":"]
        assert [line[:7] for line in changed] == ["-state:", "+state:"], changed
        assert {len(set(mode.lstrip(":") for mode in pair)) for pair in modes} == {1}, modes
    opened = Counter(each["branch"] for each in ours(world, "pull-opened"))
    assert max(opened.values(), default=1) == 1, opened
    for pull in twin_of(world).pulls():
        assert sum(each["by"] == BOT for each in pull["comments"]) <= 1, pull["comments"]
    for pull in world.pulls():
        if pull.untouched:
            [(path, data)] = pull.files.items()
            assert data == proposal(world, path)


def proposal(world: World, path: str) -> bytes:
    """What our change makes of a posting as it is published now."""
    text = git(world.people.bare, "show", f"main:{path}").encode() + b"\n"
    return text.replace(b"state: open", b"state: closed").replace(b"state: 'open'", b"state: 'closed'")


# A person's commit to the posting ------------------------------------------------------------------------------------

Edit = Callable[[str], dict[str, str | None]]

EDITS: Mapping[str, Edit] = {
    "the same line": lambda text: {PATH: text.replace("state: open", "state: 'open'")},
    "another line": lambda text: {PATH: text.replace("Denver", "Boulder")},
    "the date": lambda text: {
        PATH: text.replace("closes: March 20", "closes: March 25").replace("closes: March 27", "closes: March 25")
    },
    "closed by hand": lambda text: {PATH: text.replace("state: open", "state: closed")},
    "deleted": lambda _: {PATH: None},
    "renamed": lambda text: {PATH: None, "positions/the-pilot.md": text},
    "a folder": lambda text: {PATH: None, f"{PATH}/index.md": text},
    "a link": lambda _: {PATH: "baker.md"},
    "an executable": lambda text: {PATH: text},
}
MODES = {"a link": 0o120000, "an executable": 0o100755}

COMMITS = [
    (act, edit, nth, when)
    for act in ACTS
    for edit in EDITS
    for nth, when in gaps(act)
    if sampled("main", act, edit, nth, when)
]


@pytest.mark.parametrize(("act", "edit", "nth", "when"), COMMITS)
def test_a_persons_commit_to_the_posting_is_kept(tmp_path: Path, act: str, edit: str, nth: int, when: str) -> None:
    world = before(tmp_path, act)
    files = EDITS[edit](world.text("pilot"))
    came = race(world, nth, when, "push", branch="main", files=files, mode=MODES.get(edit, 0o100644))
    if came.startswith("done"):
        theirs = came.removeprefix("done: ")
        assert contains(world, "main", theirs)
    in_order(world)
    for pull in twin_of(world).pulls():
        assert pull["state"] != "closed" or len(pull["comments"]) == 1, "taken back without a word"


# A person's commit to our branch -------------------------------------------------------------------------------------

PUSHES: Mapping[str, tuple[str, Callable[[str], dict[str, str | None]], int]] = {
    "a commit": ("push", lambda text: {PATH: text + "By hand.\n"}, 0o100644),
    "the same content": ("push", lambda text: {PATH: text.replace("state: open", "state: closed")}, 0o100644),
    "another file": ("push", lambda _: {"positions/more.md": "By hand."}, 0o100644),
    "an amended commit": ("amend", lambda text: {PATH: text + "By hand.\n"}, 0o100644),
    "an amended mode": ("amend", lambda text: {PATH: text.replace("state: open", "state: closed")}, 0o100755),
    "a folder in its place": ("push", lambda text: {PATH: None, f"{PATH}/index.md": text}, 0o100644),
    "a link in its place": ("push", lambda _: {PATH: "baker.md"}, 0o120000),
    "nothing in its place": ("push", lambda _: {PATH: None}, 0o100644),
    "an amended commit with another file": ("amend", lambda _: {"a-file": "By hand."}, 0o100644),
}

COMMITS_OF_BRANCH = [
    (act, push, nth, when)
    for act in ACTS
    for push in PUSHES
    for nth, when in gaps(act)
    if sampled("branch", act, push, nth, when)
]


@pytest.mark.parametrize(("act", "push", "nth", "when"), COMMITS_OF_BRANCH)
def test_a_persons_commit_to_our_branch_is_kept_and_never_merged_by_us(
    tmp_path: Path, act: str, push: str, nth: int, when: str
) -> None:
    world = before(tmp_path, act)
    branch = the_branch(world)
    verb, files, mode = PUSHES[push]
    came = race(world, nth, when, verb, branch=branch, files=files(world.text("pilot")), mode=mode)
    in_order(world)
    if not came.startswith("done"):
        return
    theirs = came.removeprefix("done: ")
    pulls = twin_of(world).pulls()
    kept = [*(f"refs/heads/{name}" for name in world.branches()), *(pull["sha"] for pull in pulls)]
    assert any(contains(world, tip, theirs) for tip in kept), "their commit is lost"
    assert not any(contains(world, pull["sha"], theirs) for pull in pulls if pull["merged_by"] == BOT)
    for pull in pulls:
        if pull["state"] == "open" and contains(world, pull["sha"], theirs):
            said = [each["body"] for each in pull["comments"]]
            assert len(said) == 1, said
            assert "From here on this branch is yours" in said[0]


# What people do to the pull request ----------------------------------------------------------------------------------

Deed = tuple[str, dict[str, Any]]

DEEDS: Mapping[str, Deed] = {
    "closes": ("close", {"number": 1, "comment": "not now"}),
    "merges": ("merge", {"number": 1, "method": "merge"}),
    "squashes": ("merge", {"number": 1, "method": "squash"}),
    "rebases": ("merge", {"number": 1, "method": "rebase"}),
    "approves": ("review", {"number": 1, "verdict": "approve"}),
    "asks for changes": ("review", {"number": 1, "verdict": "request_changes"}),
    "dismisses": ("dismiss", {"number": 1, "author": "bo"}),
    "makes a draft": ("draft", {"number": 1}),
    "edits the words": ("edit", {"number": 1, "title": "Mine", "body": "My words."}),
    "takes the labels off": ("label", {"number": 1, "names": []}),
    "adds a label": ("label", {"number": 1, "names": ["postbot", "close", "theirs"]}),
    "deletes the branch": ("delete_branch", {}),
    "talks": ("chatter", {"number": 1, "many": 150}),
    "retargets": ("retarget", {"number": 1, "base": "old"}),
}

TURNS = [
    (act, deed, nth, when)
    for act in ACTS
    for deed in DEEDS
    for nth, when in gaps(act)
    if sampled("pull", act, deed, nth, when)
]


@pytest.mark.parametrize(("act", "deed", "nth", "when"), TURNS)
def test_what_a_person_does_to_the_pull_request_stands(
    tmp_path: Path, act: str, deed: str, nth: int, when: str
) -> None:
    world = before(tmp_path, act)
    git(world.people.bare, "branch", "old", "main")
    verb, told = DEEDS[deed]
    if verb == "delete_branch":
        told = {"branch": the_branch(world)}
    came = race(world, nth, when, verb, **told)
    in_order(world)
    if not came.startswith("done"):
        assert ACTS[act].done(world)
        return
    [pull, *others] = twin_of(world).pulls()
    assert others == []
    by_us = pull["merged_by"] == BOT
    if verb == "merge":
        assert (pull["state"], pull["merged_by"], "state: closed" in world.text("pilot")) == ("merged", "ann", True)
        assert world.branches() == []
    elif deed == "makes a draft" and not by_us and pull["state"] == "open":
        assert pull["draft"]
    elif verb == "close" and not by_us:
        assert (pull["state"], "state: open" in world.text("pilot")) == ("closed", True)
    elif verb == "label":
        wanted = {"postbot", "close"} if pull["state"] == "open" else set()
        assert wanted | ({"theirs"} if deed == "adds a label" else set()) <= set(pull["labels"])
    elif verb in ("review", "dismiss", "chatter", "edit"):
        assert ACTS[act].done(world)


# Two of us -----------------------------------------------------------------------------------------------------------

TOGETHER = 20


@contextmanager
def second(world: World) -> Iterator[Callable[[], Report]]:
    """Another postbot for the same site, with a memory of its own."""
    folder = world.folder / "second"
    folder.mkdir()
    (folder / "postbot.yaml").write_text((world.folder / "postbot.yaml").read_text())
    bot = build(load(folder / "postbot.yaml"), write=lambda _: None, now=lambda: world.now)
    bot.observe()
    yield lambda: bot.tick(world.now)
    bot.ledger.close()


def beside(world: World, tick: Callable[[], object], other: Callable[[], object]) -> None:
    """Have `tick` run in a thread of its own while `other` happens."""
    thread = Thread(target=lambda: _quietly(tick))
    thread.start()
    other()
    thread.join(60)
    assert not thread.is_alive()


def _quietly(tick: Callable[[], object]) -> None:
    with suppress(HostError):
        tick()


def done_by_us(world: World) -> Counter[tuple[str, str]]:
    """What the two have done, each thing once whoever did it; a comment that was taken away at once is none."""
    kinds = ("ref-created", "ref-deleted", "pull-opened", "pull-closed", "merged", "comment")
    return Counter((each["kind"], each.get("branch") or str(each.get("number"))) for each in ours(world, *kinds))


def check_once(world: World) -> None:
    """Whatever two of us have done, each branch, pull request, comment, merge and deletion was done once."""
    happened = done_by_us(world)
    gone = Counter(("comment", str(each["number"])) for each in ours(world, "comment-deleted"))
    assert max((happened - gone).values(), default=0) <= 1, happened
    in_order(world)


TWO = [(act, nth) for act in ACTS for nth in range(1, ACTS[act].requests + 1)]


@pytest.mark.parametrize(("act", "nth"), TWO)
def test_another_of_us_comes_first(tmp_path: Path, act: str, nth: int) -> None:
    """One of two stops before one of its requests, the other does the whole, then the first goes on."""
    world = before(tmp_path, act)
    with second(world) as tick:
        world.now = at(ACTS[act].when)
        twin_of(world).set_clock(world.now)
        twin_of(world).hold(nth=nth)

        def other() -> None:
            twin_of(world).held()
            _quietly(tick)
            twin_of(world).release()

        beside(world, lambda: world.bot.tick(world.now), other)
        world.catch_up()
        for _ in range(TICKS):
            _quietly(lambda: world.advance(minutes=10))
            _quietly(tick)
        check_once(world)
        assert ACTS[act].done(world)


@pytest.mark.parametrize("act", ACTS)
def test_two_of_us_at_the_same_time_do_everything_once(tmp_path: Path, act: str) -> None:
    for number in range(TOGETHER // len(ACTS)):
        world = before(tmp_path / str(number), act)
        with second(world) as tick:
            world.now = at(ACTS[act].when)
            twin_of(world).set_clock(world.now)
            beside(world, lambda: world.bot.tick(world.now), lambda: _quietly(tick))
            world.catch_up()
            for _ in range(TICKS):
                _quietly(lambda: world.advance(minutes=10))
                _quietly(tick)
            check_once(world)
            assert ACTS[act].done(world)
