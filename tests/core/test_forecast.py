"""What is foreseen is what happens: the same span lived through by a real site, with everybody doing their part on time."""

from datetime import timedelta
from pathlib import Path

from postbot.core.announce import Audience
from postbot.core.plan.forecast import Foreseen
from postbot.core.plan.steps import Answer, Forget, Merge, Propose, Record, Tell
from postbot.core.site import PullStatus
from tests.world import World, at, git

END = at("2026-04-15T00:00")


def site(folder: Path) -> World:
    world = World(folder)
    world.write("ash", opens="March 9, 2026, 8:00 am EDT", closes="March 20, 2026, 11:59 pm EDT")
    world.write("birch", state="open", opens="March 1, 2026", closes="March 8, 2026")
    world.write("cedar", opens="2026-03-11", closes="TBD")
    world.write("dogwood", state="open", opens="March 1, 2026", closes="some day")
    world.write("elm", state="open", opens="March 1, 2026", closes="February 20, 2026")
    world.write("fir", opens="March 30, 2026")
    world.change("fir", "apply_url:", "# apply_url:")
    return world


def heard(found: list[Foreseen], audience: Audience) -> list[tuple[object, str]]:
    said = []
    for each in found:
        step = each.step
        if isinstance(step, Record | Forget | Answer):
            said += [(each.at, a.key) for a in step.announcements if a.event.audience is audience]
        elif isinstance(step, Tell) and step.announcement.event.audience is audience:
            said.append((each.at, step.announcement.key))
    return said


def live(world: World) -> list[Foreseen]:
    """Look whenever the last plan says so; approve what is open, and merge by hand nothing."""
    found: list[Foreseen] = []
    while world.now <= END:
        report = world.tick()
        found += [Foreseen(world.now, step) for step in report.done]
        for pull in world.pulls():
            if not pull.approved_by:
                world.approve(pull.number)
        if world.tick().done:
            continue
        wakes_at = world.bot.tick(world.now).plan.wakes_at
        if wakes_at is None:
            break
        world.now = wakes_at
    return found


def test_a_forecast_comes_true(tmp_path: Path) -> None:
    world = site(tmp_path)
    foreseen, _ = world.bot.forecast(world.now, END)
    happened = live(world)
    assert heard(list(foreseen), Audience.PUBLIC) == heard(happened, Audience.PUBLIC)
    for kind in (Propose, Merge):
        told, seen = ([(f.at, f.step.path) for f in each if isinstance(f.step, kind)] for each in (foreseen, happened))
        assert told == seen
    assert {pull.status for pull in world.pulls(None) if not pull.draft} == {PullStatus.MERGED}
    assert [pull.title for pull in world.pulls() if pull.draft] == ["Open: Cedar", "Open: Fir"]


def test_a_forecast_changes_nothing(tmp_path: Path) -> None:
    world = site(tmp_path)
    before = git(world.repo, "for-each-ref"), world.bot.ledger.memory()
    first, _ = world.bot.forecast(world.now, END)
    second, _ = world.bot.forecast(world.now, END)
    assert first == second
    assert (git(world.repo, "for-each-ref"), world.bot.ledger.memory()) == before
    assert world.mail() == []


def test_what_a_person_has_to_do_is_marked_as_assumed(tmp_path: Path) -> None:
    world = site(tmp_path)
    foreseen, _ = world.bot.forecast(world.now, END)
    assumed = {(each.step.path, each.assumed) for each in foreseen if isinstance(each.step, Merge)}
    assert assumed == {
        ("positions/ash.md", True),
        ("positions/ash.md", False),
        ("positions/birch.md", False),
        ("positions/elm.md", False),
    }


def test_a_forecast_ends_where_it_is_told_to(tmp_path: Path) -> None:
    world = site(tmp_path)
    foreseen, _ = world.bot.forecast(world.now, world.now + timedelta(days=6))
    assert max(each.at for each in foreseen) <= world.now + timedelta(days=6)
