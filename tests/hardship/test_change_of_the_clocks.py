"""Minute by minute through the change of the clocks, in six zones: each posting moves once, at its minute, or not at all."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from postbot.core.announce import Event
from postbot.core.plan.decide import make_plan
from postbot.core.plan.steps import Merge, Plan, Record, Step
from tests import depth
from tests.hardship.around import AUTUMN, MINUTE, MINUTES, SPRING, begins, cases
from tests.values import Values, policy
from tests.world import CONFIG, World

KEPT = ("plain git",)  # what a host is has no part in it
ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # by half an hour
    "America/Phoenix",  # never
    "Australia/Sydney",  # the other way round
    "Pacific/Kiritimati",  # fourteen hours ahead, never
]
SPARING = depth.at(5, soak=1)
"""All minutes are lived through in New York, and elsewhere one in so many."""
EVERY = 50
"""One minute in so many is lived through by the whole loop, on a real repository."""

AUTO = CONFIG.replace("merge: when-due", "merge: auto") + "safety: {{most_moves: 1000}}\n"


def expected(zone: ZoneInfo, near: datetime, every: int = 1) -> dict[str, int]:
    """At which minute each posting that names an instant moves, if only one minute in so many is looked at."""
    begin = begins(zone, near)
    found = {case.slug: (case.at - begin) // MINUTE for case in cases(zone, near) if case.at}
    return {slug: -(-minute // every) * every for slug, minute in found.items()}


def lived(world: Values, begin: datetime, minutes: Iterable[int]) -> Iterator[tuple[int, Step]]:
    """Every step by its minute: in each, plan and carry out until nothing is left to do, as a tick does."""
    plan: Plan | None = None
    for minute in minutes:
        world.now = begin + MINUTE * minute
        while (plan := make_plan(world.seen, world.now, world.policy, plan)).steps:
            yield from ((minute, step) for step in plan.steps)
            world.take(plan.steps)


@pytest.mark.parametrize("near", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("zone", [ZoneInfo(zone) for zone in ZONES], ids=str)
def test_each_of_1500_minutes_moves_what_is_due_in_it_and_nothing_else(zone: ZoneInfo, near: datetime) -> None:
    world = Values(policy(zone=zone), now=begins(zone, near) - MINUTE)
    for case in cases(zone, near):
        world.write(f"jobs/{case.slug}.md", case.text)
    world.settle()
    every = 1 if "New_York" in str(zone) else SPARING
    moved: list[tuple[str, int]] = []
    told: list[tuple[str, Event]] = []
    for minute, step in lived(world, begins(zone, near), range(0, MINUTES, every)):
        if isinstance(step, Merge):
            moved.append((Path(step.path).stem, minute))
        if isinstance(step, Record):
            told += [(Path(said.slug).stem, said.event) for said in step.announcements]
    assert sorted(moved) == sorted(expected(zone, near, every).items())
    news = {"open": Event.OPENED, "closed": Event.CLOSED}
    assert Counter(told) == Counter((case.slug, news[case.becomes]) for case in cases(zone, near) if case.at)


@pytest.mark.parametrize("near", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("zone", depth.at(ZONES[:3], soak=ZONES))
def test_the_whole_loop_moves_and_tells_each_once_at_the_first_look_after_its_minute(
    tmp_path: Path, zone: str, near: datetime
) -> None:
    begin, here = begins(ZoneInfo(zone), near), cases(ZoneInfo(zone), near)
    world = World(tmp_path, config=AUTO.replace("America/New_York", zone), now=begin - MINUTE)
    for case in here:
        (world.repo / "positions").mkdir(exist_ok=True)
        (world.repo / world.path(case.slug)).write_text(case.text)
    world.commit("All of them")
    world.tick()
    heard: dict[str, int] = {}
    for minute in range(0, MINUTES, EVERY):
        world.tick(begin + MINUTE * minute)
        heard |= {subject: minute for subject in world.said() if subject not in heard}
    words = {"open": "now open", "closed": "closed"}
    moves = expected(ZoneInfo(zone), near, EVERY)
    assert heard == {f"{case.slug}: {words[case.becomes]}": moves[case.slug] for case in here if case.at}
    assert len(world.said()) == len(heard)
    states = {
        case.slug: case.becomes if case.at else {"open": "upcoming", "closed": "open"}[case.becomes] for case in here
    }
    assert {slug for slug, state in states.items() if f"\nstate: {state}\n" not in world.text(slug)} == set()


def test_there_are_times_that_do_not_exist_and_times_that_come_twice_among_them() -> None:
    """Where the clocks change, some of these postings name no instant; where they never do, all of them name one."""
    nowhere = {
        (zone, near is SPRING): sum(case.at is None for case in cases(ZoneInfo(zone), near))
        for zone in ZONES
        for near in (SPRING, AUTUMN)
    }
    assert [nowhere[zone, True] for zone in ZONES] == [4, 4, 2, 0, 4, 0]
    assert [nowhere[zone, False] for zone in ZONES] == [4, 4, 2, 0, 4, 0]
