"""A ledger that is lost, in whole or in part: nothing is told again, and the pull requests are found again by name."""

import os
import shutil
from pathlib import Path

import pytest

from tests.world import CONFIG, World

AUTO = CONFIG.replace("merge: when-due", "merge: auto")
LEDGER = ".postbot/ledger.db"


def a_site_with_pull_requests(folder: Path) -> World:
    """One position is to open and one to close, and the pull requests are there; a third has been told of."""
    world = World(folder, config=AUTO)
    world.write("pilot", opens="March 9, 2026, 8:00 am EDT", closes="April 20, 2026, 11:59 pm EDT")
    world.write("baker", state="open", opens="March 1, 2026", closes="March 9, 2026, 8:00 am EDT")
    world.tick("2026-03-05T09:00")
    world.write("clerk", state="open", opens="March 1, 2026", closes="April 20, 2026, 11:59 pm EDT")
    world.tick("2026-03-06T09:00")
    world.tick("2026-03-07T09:00")
    assert (len(world.pulls()), world.said()) == (2, ["Clerk: now open"])
    world.bot.ledger.close()
    return world


LOSSES = ["deleted", "emptied", "without what was written last"]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_ledger_that_was_lost_tells_nothing_again_and_proposes_nothing_again(tmp_path: Path, loss: str) -> None:
    world = a_site_with_pull_requests(tmp_path)
    lose(world, loss)
    before, heard = [pull.branch for pull in world.pulls(None)], world.said()
    world.restart()
    for when in ("2026-03-07T10:00", "2026-03-07T10:05"):
        world.tick(when)
    assert world.said() == heard
    assert [pull.branch for pull in world.pulls(None)] == before


def lose(world: World, loss: str) -> None:
    """Lose the ledger, or the part of it that lies in the file beside it while somebody works on it."""
    path = world.folder / LEDGER
    if loss == "emptied":
        os.truncate(path, 0)
    elif loss == "deleted":
        for file in path.parent.glob("ledger.db*"):
            file.unlink()
    else:
        world.restart()
        world.write("cook", state="open", opens="March 1, 2026", closes="April 20, 2026, 11:59 pm EDT")
        world.tick("2026-03-07T09:30")
        assert world.said() == ["Clerk: now open", "Cook: now open"]
        kept = path.read_bytes()
        world.bot.ledger.close()
        assert kept != path.read_bytes(), "something lay beside it"
        path.write_bytes(kept)


def test_forty_open_positions_without_a_ledger_are_no_news_and_keep_their_pull_requests(tmp_path: Path) -> None:
    world = World(tmp_path, config=AUTO)
    for number in range(40):
        closes = "March 20, 2026" if number < 8 else "April 20, 2026"
        world.write(f"job-{number}", state="open", opens="March 1, 2026", closes=f"{closes}, 11:59 pm EDT")
    world.tick()
    world.tick("2026-03-19T09:00")
    before = [pull.branch for pull in world.pulls(None)]
    assert (len(before), world.mail()) == (8, [])
    world.bot.ledger.close()
    shutil.rmtree(tmp_path / ".postbot")
    world.restart()
    for when in ("2026-03-19T10:00", "2026-03-19T11:00"):
        world.tick(when)
    assert [pull.branch for pull in world.pulls(None)] == before
    assert world.said() == []
