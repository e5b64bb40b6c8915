"""What looks strange is held, and a lost memory is silent: nothing outward happens twice, nothing happens by surprise."""

import shutil
from pathlib import Path

import pytest

from postbot.core.announce.words import RELEASE
from postbot.core.site import PullStatus
from tests.world import CONFIG, World, git, text_of

AUTO = CONFIG.replace("merge: when-due", "merge: auto")
OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}
LEDGER = ".postbot/ledger.db"


def many(world: World, count: int, **words: str) -> None:
    for number in range(count):
        world.write(f"job-{number}", **(OPEN | words))


def test_the_first_run_adopts_forty_open_positions_without_a_word(tmp_path: Path) -> None:
    world = World(tmp_path)
    many(world, 40)
    report = world.tick()
    assert report.plan.held is None
    assert (world.mail(), world.pulls(None)) == ([], [])
    world.write("late-comer", **OPEN)
    world.tick()
    assert world.said() == ["Late Comer: now open"]


def test_what_closes_in_the_very_first_look_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **(OPEN | {"closes": "March 1, 2026"}))
    world.tick()
    assert world.said() == ["Pilot: closed"]


def test_a_lost_ledger_says_nothing_and_finds_its_pull_requests_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", opens="March 9, 2026", closes="March 20, 2026")
    world.write("baker", **OPEN)
    world.write("clerk", **(OPEN | {"state": "closed", "closes": "March 1, 2026"}))
    world.tick("2026-03-07T09:00")
    branches, said = world.branches(), world.said()
    world.bot.ledger.close()
    (tmp_path / LEDGER).unlink()
    world.restart()
    world.tick("2026-03-07T10:00")
    assert (world.branches(), world.said()) == (branches, said)
    assert len(world.pulls(None)) == 1
    world.bot.ledger.release(RELEASE, "robin", world.now)  # which a lost ledger has forgotten, too
    world.approve(1)
    world.tick("2026-03-09T00:00")
    assert world.said() == ["Pilot: now open"]


def test_a_no_outlives_the_ledger_and_any_number_of_openings(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **OPEN)
    world.tick()
    world.change("pilot", "state: open", "state: closed")
    world.tick()
    world.change("pilot", "state: closed", "state: open")
    world.tick("2026-03-19T09:00")
    world.reject(world.pulls()[0].number)
    world.tick()
    world.bot.ledger.close()
    (tmp_path / LEDGER).unlink()
    world.restart()
    world.tick("2026-03-21T09:00")
    assert [pull.status for pull in world.pulls(None)] == [PullStatus.REJECTED]
    assert "state: open" in world.text("pilot")


def test_a_ledger_from_an_older_copy_repeats_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, config=AUTO)
    world.write("pilot", opens="March 9, 2026", closes="March 20, 2026")
    world.write("baker", **OPEN)
    world.tick("2026-03-05T09:00")
    world.bot.ledger.close()
    shutil.copy(tmp_path / LEDGER, tmp_path / "old.db")
    world.restart()
    world.tick("2026-03-09T00:00")
    world.tick("2026-03-19T00:00")
    before = [(mail["X-Postbot-Key"], mail["Date"]) for mail in world.mail()]
    pulls = [pull.branch for pull in world.pulls(None)]
    assert world.said() == ["Pilot: now open"]

    world.bot.ledger.close()
    for leftover in (tmp_path / ".postbot").glob("ledger.db*"):
        leftover.unlink()
    shutil.copy(tmp_path / "old.db", tmp_path / LEDGER)
    world.restart()
    world.tick("2026-03-19T00:10")
    assert [(mail["X-Postbot-Key"], mail["Date"]) for mail in world.mail()] == before
    assert [pull.branch for pull in world.pulls(None)] == pulls


def test_many_moves_at_once_are_held_until_their_digest_is_released_and_then_go_through_to_the_end(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    many(world, 8)
    world.tick()
    held = world.tick("2026-03-19T00:00").plan.held
    assert held is not None
    world.tick("2026-03-19T00:05")
    assert (world.branches(), world.said()) == ([], [])
    assert world.asked() == ["Held: postbot does nothing until somebody looks"]
    assert f"postbot release {held.digest}" in text_of(world.mail()[0])

    world.bot.ledger.release("0123456789", "robin", world.now)
    world.tick("2026-03-19T00:10")
    assert world.branches() == []
    world.bot.ledger.release(held.digest, "robin", world.now)
    world.tick("2026-03-19T00:15")
    assert len(world.branches()) == 8
    world.tick("2026-03-20T23:59")
    assert sorted(world.said()) == [f"Job {number}: closed" for number in range(8)]
    assert all("state: closed" in world.text(f"job-{number}") for number in range(8))
    assert len(world.asked()) == 1


def test_a_mass_edit_by_hand_is_not_told_to_the_list_before_somebody_has_looked(tmp_path: Path) -> None:
    world = World(tmp_path)
    many(world, 8)
    world.tick()
    for number in range(8):
        world.change(f"job-{number}", "state: open", "state: closed")
    held = world.advance(minutes=5).plan.held
    assert held is not None
    assert world.said() == []
    world.bot.ledger.release(held.digest, "robin", world.now)
    world.advance(minutes=5)
    assert len(world.said()) == 8


def test_a_held_plan_changes_nothing_but_our_own_memory(tmp_path: Path) -> None:
    world = World(tmp_path)
    many(world, 8)
    world.tick()
    before = git(world.people.bare, "for-each-ref")
    world.tick("2026-06-01T09:00")
    assert git(world.people.bare, "for-each-ref") == before


def test_a_wrong_folder_beside_a_lost_memory_takes_nothing_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 3, 2026, 9:00 am EST")
    world.tick()
    assert len(world.pulls()) == 1
    (world.folder / ".postbot/ledger.db").unlink()
    settings = world.folder / "postbot.yaml"
    settings.write_text(settings.read_text().replace("[positions]", "[elsewhere]"))
    world.restart()
    held = world.tick().plan.held
    assert held
    assert held.reason == "No postings: there were 1, and now the site shows none."
    assert len(world.pulls()) == 1


def test_a_site_that_shows_no_postings_any_more_is_held(tmp_path: Path) -> None:
    world = World(tmp_path)
    many(world, 2)
    world.tick()
    for number in range(2):
        world.remove(f"job-{number}")
    for _ in range(3):
        assert world.advance(minutes=5).plan.held is not None
    assert world.asked() == ["Held: postbot does nothing until somebody looks"]
    world.rewind(2)
    assert world.advance(minutes=5).plan.held is None
    assert len(world.mail()) == 1


@pytest.mark.parametrize("count", [5, 6])
def test_five_moves_are_no_surprise_on_a_small_site_and_six_are(tmp_path: Path, count: int) -> None:
    world = World(tmp_path)
    many(world, count)
    world.tick()
    held = world.tick("2026-03-19T00:00").plan.held
    assert (held is not None) == (count == 6)
