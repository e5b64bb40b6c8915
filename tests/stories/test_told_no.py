"""Whoever asked hears of a no once, also where it came at the command line, or with an older copy of the ledger."""

import shutil
from pathlib import Path

import pytest

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Request
from tests.doors.command import postbot
from tests.world import World

ADA = "ada@agency.example"
NOT_DONE = "Pilot: you asked to extend, not done"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    world.tick("2026-03-05T10:00")
    return world


def ask(world: World) -> Request:
    wish = Wish(Transition.EXTEND, {"closes": "2026-03-27"})
    return world.bot.ledger.file(world.path("pilot"), wish, "Ada", world.now, asker=f"folder:{ADA}")


def test_whose_request_is_cancelled_at_the_command_line_hears_by_whom_once(world: World) -> None:
    request = ask(world)
    world.tick("2026-03-05T10:05")
    assert world.said(ADA) == []
    done = postbot("cancel", str(request.number), "--by", "ben", cwd=world.folder)
    assert (done.code, done.err) == (0, "")
    for minute in (10, 15):
        world.tick(f"2026-03-05T10:{minute}")
        assert world.said(ADA) == [NOT_DONE]
    assert "ben cancelled it." in world.read(NOT_DONE)
    assert "on Thursday, March 5, 2026, 10:00 am EST" in world.read(NOT_DONE)
    assert postbot("cancel", str(request.number), cwd=world.folder).code == 2


def test_whose_request_is_given_up_with_an_older_copy_of_the_ledger_hears_of_it_once(world: World) -> None:
    request = ask(world)
    world.bot.ledger.close()
    ledger = world.folder / ".postbot" / "ledger.db"
    shutil.copy(ledger, world.folder / "saved.db")
    world.restart()
    world.tick("2026-03-05T10:05")
    world.bot.ledger.close()
    assert postbot("ledger", "restore", "saved.db", "--replace", cwd=world.folder).code == 0
    world.restart()
    for minute in (10, 15):
        world.tick(f"2026-03-05T10:{minute}")
        assert world.said(ADA) == [NOT_DONE]
    words = "The ledger was put back from an older copy; look at the posting, and ask again if need be."
    assert " ".join(words.split()) in " ".join(world.read(NOT_DONE).split())
    assert world.answer(request) == (False, words)


def test_who_sees_it_anyway_is_told_nothing(world: World) -> None:
    request = world.ask("pilot", "extend", closes="2026-03-27")
    assert postbot("cancel", str(request.number), cwd=world.folder).code == 0
    world.tick("2026-03-05T10:10")
    assert not [mail for mail in world.mail() if "you asked" in str(mail["Subject"])]
