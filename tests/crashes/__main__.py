"""Crash postbot by thousands and say what came of it.

    python -m tests.crashes --seeds 1000 --from 0 --workers 2    random schedules; a failing seed is printed
    python -m tests.crashes --seed 17                            one of them again
    python -m tests.crashes --matrix                             every step of every scenario, before and after it

Ends with 1 if anything was wrong.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.pool import Pool

from rich.console import Console
from rich.table import Table

from tests.crashes.matrix import outcomes, summary
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.schedules import LIVES, Verdict, life_of, verdicts

BATCHES = 5
"""Into how many batches the seeds of one life are cut."""


def main() -> int:
    """Do what the arguments say."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seeds", type=int, default=1000, help="how many schedules")
    words.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    words.add_argument("--seed", type=int, help="this one seed only")
    words.add_argument("--matrix", action="store_true", help="the kill matrix instead")
    words.add_argument("--workers", type=int, default=2, help="how many processes")
    given = words.parse_args()
    seeds = [given.seed] if given.seed is not None else range(given.first, given.first + given.seeds)
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        return _matrix(pool) if given.matrix else _schedules(pool, seeds)


def _matrix(pool: Pool) -> int:
    found = []
    for each in pool.imap_unordered(outcomes, SCENARIOS):
        found += each
        for outcome in each:
            for sentence in outcome.wrong:
                _say(f"{outcome.case}: {sentence}")
    _say(summary(found))
    return int(any(outcome.wrong for outcome in found))


def _schedules(pool: Pool, seeds: Sequence[int]) -> int:
    began, found = time.monotonic(), list[Verdict]()
    for batch in pool.imap_unordered(verdicts, _batches(seeds)):
        for verdict in batch:
            found.append(verdict)
            for sentence in verdict.wrong:
                _say(f"seed {verdict.seed}: {sentence}")
            if verdict.wrong:
                _say(f"  again: python -m tests.crashes --seed {verdict.seed}")
    _tell(found, time.monotonic() - began)
    return int(any(verdict.wrong for verdict in found))


def _batches(seeds: Sequence[int]) -> Iterator[list[int]]:
    """Seeds of one life belong together, for it is lived without harm first."""
    for number in range(LIVES):
        mine = [seed for seed in seeds if life_of(seed) == number]
        size = -(-len(mine) // BATCHES) or 1
        yield from (mine[at : at + size] for at in range(0, len(mine), size))


def _tell(found: Sequence[Verdict], seconds: float) -> None:
    table = Table("schedules", "kills that struck", "faults", "mails held and told", "wrong", "seconds", "seconds each")
    sums = [sum(getattr(each, name) for each in found) for name in ("kills", "faults", "held")]
    wrong = sum(bool(each.wrong) for each in found)
    cells = [len(found), *sums, wrong, f"{seconds:.0f}", f"{seconds / len(found):.2f}"]
    table.add_row(*map(str, cells))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
