"""People and postbot act at the same moment: between any two requests of ours somebody pushes, closes, merges, edits.

Judged by git and by what the twin saw happen: what a person wrote is never lost or overwritten, what they decided
stands, nothing is done twice, and within a few looks everything has come to rest.
"""

import os
import subprocess
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from postbot.app import build
from postbot.config import load
from postbot.hosts import HostError
from postbot.reconcile import Report
from tests import depth
from tests.stories.test_faults import twin_of
from tests.twins.github.client import TwinRefused
from tests.world import CONFIG, World, at, git

KEPT = ("GitHub",)
SAMPLE = int(os.environ.get("RACES", depth.at("60", soak="1")))
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
    "propose": Act("2026-03-19T09:00", 9, lambda _: None, lambda w: states(w) == ["open"]),
    "refresh": Act("2026-03-19T10:00", 11, reworded, lambda w: b"Do join" in held(w, "pilot")),
    "merge": Act("2026-03-20T23:59", 7, proposed, lambda w: "state: closed" in w.text("pilot")),
    "withdraw": Act("2026-03-19T10:00", 11, postponed, lambda w: states(w) == ["closed"]),
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
    assert ACTS[act].done(world)
    assert asked == ACTS[act].requests


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
    twin.release()
    if not came:  # the act took fewer requests than that
        try:
            came = f"done: {twin.act(verb, **told)}"
        except TwinRefused as refusal:
            came = f"refused: {refusal}"
    settle(world)
    return came


def settle(world: World) -> None:
    for _ in range(TICKS):
        with suppress(HostError):
            world.advance(minutes=30)
    report = world.advance(minutes=30)
    refused = [why for _, why in report.refused if not why.endswith("it was left as it is.")]
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


def in_order(world: World, others: Sequence[int] = ()) -> None:
    """Each commit of ours on the published branch changes one state and nothing else; nothing was done twice."""
    for commit in landed(world):
        shown = git(world.people.bare, "show", "--format=", "--unified=0", "--raw", "--no-abbrev", commit).splitlines()
        changed = [line for line in shown if line[:1] in {"+", "-"} and line[:3] not in ("+++", "---")]
        modes = [line.split()[:2] for line in shown if line[:1] == ":"]
        assert [line[:7] for line in changed] == ["-state:", "+state:"], changed
        assert {len({mode.lstrip(":") for mode in pair}) for pair in modes} == {1}, modes
    opened = Counter(each["branch"] for each in ours(world, "pull-opened") if each["number"] not in others)
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
    elif deed == "asks for changes" and not by_us:
        assert "state: open" in world.text("pilot")
    elif verb in {"review", "dismiss", "chatter", "edit"}:
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


TWO = [(act, nth) for act in ACTS for nth in range(1, ACTS[act].requests + 1)]


@pytest.mark.parametrize(("act", "nth"), TWO)
def test_another_of_us_comes_first(tmp_path: Path, act: str, nth: int) -> None:
    """One of two stops before one of its requests, the other does the whole, then the first goes on."""
    world = before(tmp_path, act)
    with second(world) as tick:
        world.now = at(ACTS[act].when)
        twin_of(world).set_clock(world.now)
        twin_of(world).hold(nth=nth)

        met: list[bool] = []

        def other() -> None:
            met.append(twin_of(world).held())
            _quietly(tick)
            twin_of(world).release()

        beside(world, lambda: world.bot.tick(world.now), other)
        assert met == [True]
        world.catch_up()
        for _ in range(TICKS):
            _quietly(lambda: world.advance(minutes=10))
            _quietly(tick)
        check_once(world)
        in_order(world)
        assert ACTS[act].done(world)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("time", range(TOGETHER // len(ACTS)))
def test_two_of_us_at_the_same_time_do_everything_once(tmp_path: Path, act: str, time: int) -> None:
    world = before(tmp_path / str(time), act)
    with second(world) as tick:
        world.now = at(ACTS[act].when)
        twin_of(world).set_clock(world.now)
        beside(world, lambda: world.bot.tick(world.now), lambda: _quietly(tick))
        world.catch_up()
        for _ in range(TICKS):
            _quietly(lambda: world.advance(minutes=10))
            _quietly(tick)
        check_once(world)
        in_order(world)
        assert ACTS[act].done(world)


# Reads that are late, or empty ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_reads_that_show_an_old_world_double_nothing(tmp_path: Path, act: str, seconds: int) -> None:
    world = before(tmp_path, act)
    twin_of(world).lag(seconds)
    for _ in range(8):
        _quietly(lambda: world.advance(seconds=7))
    check_once(world)
    twin_of(world).heal()
    settle(world)
    check_once(world)
    in_order(world)
    assert ACTS[act].done(world)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("new", [False, True], ids=["the same process", "a new process"])
def test_lists_that_come_back_empty_take_nothing_for_gone(tmp_path: Path, act: str, new: bool) -> None:
    world = before(tmp_path, act)
    if new:
        world.restart()
    twin_of(world).empty_lists()
    said = []
    for _ in range(24):
        try:
            said += [why for _, why in world.advance(minutes=1).refused]
        except HostError as error:
            said.append(str(error))
    check_once(world)
    assert "state: open" in world.text("pilot")
    assert said or (new and act == "withdraw"), "nobody was told"  # nothing was to be done, as far as it shows
    assert all(why.endswith((".", "doctor")) for why in said), said
    twin_of(world).heal()
    settle(world)
    check_once(world)
    in_order(world)
    assert ACTS[act].done(world)


# Strangers -----------------------------------------------------------------------------------------------------------


def from_a_fork(world: World) -> list[int]:
    return [flooded(world, 1)[0]]


def from_a_fork_of_our_own(world: World) -> list[int]:
    text = world.text("pilot").replace("state: open", "state: closed\nevil: yes")
    return [twin_of(world).fork_pull(the_branch(world), {PATH: text}, by=BOT)]


def from_many_forks(world: World) -> list[int]:
    return flooded(world, 12)


def flooded(world: World, forks: int) -> list[int]:
    text = world.text("pilot").replace("state: open", "state: closed\nevil: yes")
    told = {"title": "Close: Pilot", "body": "<!-- postbot -->\nPostbot-Transition: close"}
    branch = the_branch(world)
    return [twin_of(world).fork_pull(branch, {PATH: text}, **told, by=f"eve{at}") for at in range(forks)]


def from_a_branch_like_ours(world: World) -> list[int]:
    branch = "postbot/close/pilot-0123456789"
    twin_of(world).push(branch, {PATH: world.text("pilot") + "Mine.\n"})
    return [twin_of(world).open_pull(branch)]


def from_our_branch_to_another(world: World) -> list[int]:
    git(world.people.bare, "branch", "old", "main~1")
    twin_of(world).act("now")
    return [twin_of(world).open_pull(world.branches()[0], base="old")] if world.branches() else []


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "stranger",
    [from_a_fork, from_a_fork_of_our_own, from_many_forks, from_a_branch_like_ours, from_our_branch_to_another],
)
def test_a_strangers_pull_request_is_not_touched(
    tmp_path: Path, act: str, stranger: Callable[[World], list[int]]
) -> None:
    world = before(tmp_path, act)
    theirs = stranger(world)
    tips = {pull["sha"] for pull in twin_of(world).pulls() if pull["number"] in theirs}
    already = len(ours(world))
    _quietly(world.tick)
    settle(world)
    in_order(world, theirs)
    found = [pull for pull in twin_of(world).pulls() if pull["number"] in theirs]
    assert {pull["sha"] for pull in found} == tips or stranger is from_our_branch_to_another
    touched = [each for each in ours(world)[already:] if each.get("number") in theirs and each["kind"] != "pull-closed"]
    assert touched == []
    mine = [pull["state"] for pull in twin_of(world).pulls() if pull["number"] not in theirs]
    assert mine == {"merge": ["merged"], "withdraw": ["closed"]}.get(act, ["open"])


# What became of a merge ----------------------------------------------------------------------------------------------


def closed(folder: Path, **settings: Any) -> World:
    world = before(folder, "merge")
    twin_of(world).repository(**settings)
    world.tick()
    assert ("state: closed" in world.text("pilot"), world.branches()) == (True, [])
    return world


@pytest.mark.parametrize("deletes", [True, False], ids=["GitHub deletes the branch", "we delete the branch"])
@pytest.mark.parametrize("undo", [World.revert, lambda world: world.rewind(1)], ids=["reverted", "rewound"])
def test_a_merge_that_people_undo_is_not_done_again(
    tmp_path: Path, deletes: bool, undo: Callable[[World], object]
) -> None:
    world = closed(tmp_path, delete_branch_on_merge=deletes)
    undo(world)
    settle(world)
    in_order(world)
    assert (states(world), "state: open" in world.text("pilot"), world.branches()) == (["merged"], True, [])


def test_a_merge_method_that_is_not_allowed_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    world = before(tmp_path, "merge")
    twin_of(world).repository(methods=["merge", "rebase"])
    [(_, why), *_] = world.tick().refused
    assert "Squash merges are not allowed" in why
    assert (states(world), "state: open" in world.text("pilot")) == (["open"], True)
    twin_of(world).repository(methods=["squash"])
    world.advance(minutes=5)
    assert "state: closed" in world.text("pilot")


# The rules of the branch ---------------------------------------------------------------------------------------------


def tip(world: World) -> str:
    return str(twin_of(world).pull(1)["sha"])


RULES: Mapping[str, tuple[dict[str, Any], Callable[[World], object], str, Callable[[World], object]]] = {
    "an approval is missing": (
        {"approvals": 1},
        lambda _: None,
        "A rule of the branch is not met",
        lambda w: w.approve(1),
    ),
    "a check is missing": (
        {"statuses": ["build"]},
        lambda _: None,
        "A rule of the branch is not met",
        lambda w: twin_of(w).check(tip(w), "build", "success"),
    ),
    "a check is running": (
        {"statuses": ["build"]},
        lambda w: twin_of(w).check(tip(w), "build"),
        "A rule of the branch is not met",
        lambda w: twin_of(w).check(tip(w), "build", "success"),
    ),
    "a check has failed": (
        {},
        lambda w: twin_of(w).check(tip(w), "build", "failure"),
        "A check has not passed",
        lambda w: twin_of(w).check(tip(w), "build", "success"),
    ),
    "the branch is behind and its check is to come": (
        {"statuses": ["build"], "strict": True},
        lambda w: (twin_of(w).check(tip(w), "build", "success"), w.change("baker", "Denver", "Boulder")),
        "A rule of the branch is not met",
        lambda w: twin_of(w).check(tip(w), "build", "success"),
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_what_a_rule_keeps_from_merging_is_told_and_merged_once_it_is_met(tmp_path: Path, case: str) -> None:
    rule, happens, why, mends = RULES[case]
    world = before(tmp_path, "merge")
    twin_of(world).rules(**rule)
    happens(world)
    for _ in range(2):
        world.advance(minutes=1)
        assert "state: open" in world.text("pilot")
    said = world.beside(1)
    assert why in said[0]
    assert said[1] == "Until it is merged, the public sees Pilot as open."
    assert world.asked() == ["Pilot: pull request #1 waits for a person"]
    mends(world)
    world.advance(minutes=5)
    assert "state: closed" in world.text("pilot")
    assert world.said() == ["Pilot: closed"]
    settle(world)
    in_order(world)


def test_a_branch_that_is_behind_is_brought_on_top_and_merged(tmp_path: Path) -> None:
    world = before(tmp_path, "merge")
    twin_of(world).rules(strict=True)
    world.change("baker", "Denver", "Boulder")
    world.tick()
    world.advance(minutes=1)
    assert ("state: closed" in world.text("pilot"), "Boulder" in world.text("baker")) == (True, True)
    check_once(world)


@pytest.mark.parametrize("first", ["approved", "green"])
def test_what_is_due_is_merged_at_its_instant_when_it_is_approved_and_green(tmp_path: Path, first: str) -> None:
    config = CONFIG.replace("close: {{lead: 2 days, merge: auto}}", "close: {{lead: 2 days, merge: when-due}}")
    world = World(tmp_path, config=config)
    world.write("pilot", **OPEN)
    world.tick()
    world.tick("2026-03-19T09:00")
    twin_of(world).rules(statuses=["build"])
    deeds = [lambda: world.approve(1), lambda: twin_of(world).check(tip(world), "build", "success")]
    one, other = deeds if first == "approved" else reversed(deeds)
    one()
    world.tick("2026-03-20T12:00")
    other()
    world.tick("2026-03-20T23:58")
    assert "state: open" in world.text("pilot")
    world.tick("2026-03-20T23:59")
    assert "state: closed" in world.text("pilot")
    if first == "approved":
        return
    assert world.asked() == []


# A person with a reason, and two people ------------------------------------------------------------------------------

PREPARED = CONFIG.replace("lead: 2 days, merge: auto", "lead: from opening, merge: auto")
TWO_PEOPLE = CONFIG.replace("merge: auto", "merge: when-due") + "approval: {{two_people: true}}\n"


@pytest.mark.parametrize("nth", range(1, 8))
def test_who_closes_early_merges_what_was_prepared_in_the_same_tick_whatever_people_write_meanwhile(
    tmp_path: Path, nth: int
) -> None:
    world = World(tmp_path, config=PREPARED)
    world.write("pilot", **OPEN)
    world.tick()
    assert states(world) == ["open"]
    request = world.ask("pilot", "close", reason="cap reached")
    twin_of(world).interject(None, "chatter", nth=nth, number=1, many=1)
    world.tick("2026-03-10T09:00")
    assert (states(world), "state: closed" in world.text("pilot")) == (["merged"], True)
    assert world.answer(request) == (True, "Pull request #1 is merged.")
    assert world.said() == ["Pilot: closed early"]
    in_order(world)


def test_the_status_that_a_rule_asks_for_waits_for_somebody_other_than_who_asked(tmp_path: Path) -> None:
    world = World(tmp_path, config=TWO_PEOPLE)
    world.write("pilot", **OPEN)
    world.tick()
    twin_of(world).rules(statuses=["postbot/approval"])
    world.ask("pilot", "close", by="ann", reason="filled")
    world.tick()
    for by in ("ann", None):
        if by:
            world.approve(1, by)
        world.advance(minutes=5)
        assert "state: open" in world.text("pilot")
        with pytest.raises(TwinRefused, match="postbot/approval"):
            twin_of(world).merge(1, by="bo")
    world.approve(1, "bo")
    world.advance(minutes=5)
    assert "state: closed" in world.text("pilot")
    verdicts = [each["state"] for each in twin_of(world).effects("status")]
    assert verdicts == ["pending", "success"]
