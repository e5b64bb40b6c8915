"""The kill matrix: every step that postbot takes, before and after it, in every scenario.

336 points, each killed where a scenario first comes to it and, if that is elsewhere, where it last does.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

from postbot.progress import Edge, Step
from tests.crashes.kit import Lab
from tests.crashes.scenarios import BEYOND, SCENARIOS, Unharmed, killed, unharmed


class Case(NamedTuple):
    """A point of the matrix."""

    scenario: str
    step: Step
    edge: Edge

    def __str__(self) -> str:
        return f"{self.scenario}, {self.edge} `{self.step}`"


EVERY: Sequence[Case] = tuple(Case(*each) for each in product(SCENARIOS, Step, Edge))


def sample(part: int) -> list[Case]:
    """One case in `part`, so that every point and every scenario is in."""
    points = list(product(Step, Edge))
    order = {name: number for number, name in enumerate(SCENARIOS)}
    chosen = [each for each in EVERY if (points.index(each[1:]) + order[each.scenario]) % part == 0]
    return [each for each in chosen if each.step not in BEYOND.get(each.scenario, ())]


@dataclass(frozen=True)
class Outcome:
    """What came of one case: how many kills struck, what was wrong, and how long it took in seconds."""

    case: Case
    kills: int
    wrong: tuple[str, ...]
    seconds: float


class Matrix:
    """The scenarios, each lived once without harm when it is first needed."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab, self._folder, self._lives = lab, folder, dict[str, Unharmed]()

    def life(self, name: str) -> Unharmed:
        if name not in self._lives:
            folder = self._folder / name.replace(" ", "-")
            self._lives[name] = unharmed(self._lab, folder, SCENARIOS[name])
        return self._lives[name]

    def tried(self, case: Case, *, last: bool) -> Outcome:
        """Kill at this point, where it is first come to and with `last` also where it last is."""
        life, began = self.life(case.scenario), time.monotonic()
        strikes = life.strikes((case.step, case.edge))[: 2 if last else 1]
        found: list[str] = []
        for strike, kill in strikes:
            found += [f"{kill} at moment {strike}: {each}" for each in killed(life, strike, kill)]
        if not strikes and case.step not in BEYOND.get(case.scenario, ()):
            found.append("no process comes to it")
        return Outcome(case, len(strikes), tuple(found), time.monotonic() - began)


@contextmanager
def matrix() -> Iterator[Matrix]:
    """The matrix with twins of its own."""
    with tempfile.TemporaryDirectory(prefix="crashes-") as folder, Lab.start(Path(folder)) as lab:
        yield Matrix(lab, Path(folder))


def outcomes(scenario: str) -> list[Outcome]:
    """Try every point of one scenario."""
    with matrix() as made:
        return [made.tried(case, last=True) for case in EVERY if case.scenario == scenario]


def summary(found: Sequence[Outcome]) -> str:
    """The figures in words."""
    well = sum(not each.wrong for each in found)
    kills = sum(each.kills for each in found)
    reached = sum(each.kills > 0 for each in found)
    each_took = sum(each.seconds for each in found) / max(kills, 1)
    figures = f"{well} of {len(found)} converge; {reached} of them were really reached, by {kills} kills"
    beyond = "".join(f"\n  cannot be reached: {each.case}" for each in found if not each.kills)
    return f"{figures} that took {each_took:.1f} s each.{beyond}"
