"""Looks at several sites at once: those that hang cost a moment, whoever else is there, and are not waited for again."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from postbot import steady
from postbot.doors.slack.looks import Looks

SOON = 0.5


class Desk:
    """A site that answers, or hangs until it is let go."""

    def __init__(self, name: str, gate: threading.Event | None = None) -> None:
        self.name, self.gate, self.asked = name, gate, 0


def ask(desk: Any) -> str:
    desk.asked += 1
    if desk.gate:
        desk.gate.wait()
    return str(desk.name)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


def within(looks: Looks, desks: list[Any], look: Callable[[Any], str] = ask, seconds: float = SOON) -> list[str | None]:
    return looks.at(desks, look, steady.seconds() + seconds)


def test_every_site_is_looked_at_and_told_of_in_its_order():
    names = [str(number) for number in range(200)]
    assert within(Looks(), [Desk(name) for name in names], seconds=30) == names


def test_sites_that_hang_keep_nobody_from_those_behind_them(gate: threading.Event):
    desks = [*(Desk("stuck", gate) for _ in range(12)), Desk("well")]
    assert within(Looks(), desks, seconds=2) == [None] * 12 + ["well"]


def test_a_site_that_hangs_is_asked_once_until_it_answers(gate: threading.Event):
    looks, stuck = Looks(), Desk("stuck", gate)
    assert [within(looks, [stuck]) for _ in range(3)] == [[None]] * 3
    assert stuck.asked == 1
    gate.set()
    ends = steady.seconds() + 30
    while within(looks, [stuck]) != ["stuck"]:
        assert steady.seconds() < ends
    assert stuck.asked == 2


def test_what_a_look_raises_is_raised_to_whoever_looks():
    def fail(_desk: Any) -> str:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        within(Looks(), [Desk("one"), Desk("two")], fail)
