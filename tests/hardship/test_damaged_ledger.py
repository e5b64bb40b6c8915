"""A ledger that is damaged, or none at all: the person is told what to do, and nothing is told or proposed twice."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from postbot.ledger import LedgerError
from tests import depth
from tests.doors.command import postbot
from tests.hardship.test_lost_ledger import LEDGER, a_site_with_pull_requests

KEPT = ("plain git",)  # it is the ledger that suffers
PAGE, PAGES = 4096, 20
STEP = depth.at(9, soak=1)
"""One page in so many is damaged in each way."""

OPENING = "2026-03-09T08:00"


def noise(path: Path, at: int, size: int) -> None:
    """Write over a part of a file, the same way each time."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(Random(at).randbytes(size))  # noqa: S311 - noise


DAMAGE: dict[str, tuple[int, int]] = {"whole": (0, PAGE), "head": (0, 16), "middle": (PAGE // 2, 200)}
"""Which part of a page is written over: from where, and how much."""
CASES = [(part, page) for part in DAMAGE for page in range(PAGES) if (page + len(part)) % STEP == 0 or page in (0, 1)]


@pytest.mark.parametrize(("part", "page"), CASES, ids=str)
def test_a_damaged_page_is_noticed_or_does_no_harm(tmp_path: Path, part: str, page: int) -> None:
    world = a_site_with_pull_requests(tmp_path)
    assert page < (tmp_path / LEDGER).stat().st_size // PAGE
    start, size = DAMAGE[part]
    noise(tmp_path / LEDGER, page * PAGE + start, size)
    if part == "whole":  # also where nobody looks for long
        with pytest.raises(LedgerError, match="postbot then adopts what stands"):
            world.restart()
    try:
        world.restart()
        world.tick("2026-03-07T10:00")
    except LedgerError as error:
        assert "postbot then adopts what stands" in str(error) or "no ledger of postbot" in str(error)  # noqa: PT017
        world.bot.ledger.close()
        for file in (tmp_path / ".postbot").glob("ledger.db*"):
            file.unlink()  # as it is told
        world.restart()
        world.tick("2026-03-07T10:00")
    assert world.said() == ["Clerk: now open"]
    assert len(world.pulls(None)) == 2


def test_the_command_says_how_to_begin_anew_and_ends_with_1(tmp_path: Path) -> None:
    a_site_with_pull_requests(tmp_path)
    noise(tmp_path / LEDGER, PAGE, 20 * PAGE)
    done = postbot("tick", "--at", OPENING, cwd=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "is damaged" in done.err
    assert "To start afresh delete it, with ledger.db-wal and ledger.db-shm" in done.err
    assert "forgets open requests, unsent messages, and that somebody had paused it" in done.err


def cut_to(size: int) -> Callable[[Path], object]:
    return lambda path: os.truncate(path, size)


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _another_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()


def _a_text(path: Path) -> None:
    path.write_text("This is where postbot keeps what it remembers.\n" * 200)


def _a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


NO_LEDGERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut to a half": (
        lambda path: os.truncate(path, path.stat().st_size // PAGE // 2 * PAGE),
        "To start afresh delete",
    ),
    "cut within a page": (cut_to(5 * PAGE + 77), "To start afresh delete"),
    "cut within the head": (cut_to(50), "To start afresh delete"),
    "a folder": (_a_folder, "Cannot open the ledger"),
    "another database": (_another_database, "but no ledger of postbot. Name another"),
    "a text": (_a_text, "To start afresh delete"),
    "a link to itself": (_a_loop, "Cannot open the ledger"),
}


@pytest.mark.parametrize("name", NO_LEDGERS)
def test_what_is_no_ledger_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    a_site_with_pull_requests(tmp_path)
    spoil, words = NO_LEDGERS[name]
    spoil(tmp_path / LEDGER)
    done = postbot("tick", "--at", OPENING, cwd=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
