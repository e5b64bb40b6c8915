"""The soak in short: three days and ten postings at the desk, more with CI, all thirty days where SOAK is set."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from tests import depth
from tests.hardship.lives import BEGIN, KINDS, subjects
from tests.hardship.reference import Act, Life, reference
from tests.hardship.soak import WORDS, Result, judge, run

KEPT = ("plain git",)  # it has a GitHub of its own
SPAN = timedelta(days=30)
DAYS, POSTINGS = depth.at((3, 10), soak=(30, 40))


def test_every_posting_ends_as_the_reference_says_and_everybody_hears_everything_once() -> None:
    result = run(seed=1, days=DAYS, postings=POSTINGS)
    assert result.wrong == []
    assert result.right, result.table()
    assert result.heard["once"] > POSTINGS
    assert result.faults > POSTINGS


# The judge, and what he goes by ---------------------------------------------------------------------------------------

LIVING, _ = subjects(len(KINDS), SPAN, Random(1))  # noqa: S311 - it has to be the same again
STATES = {each.slug: reference(each.life, BEGIN + SPAN)[0] for each in LIVING}
HEARD = [f"{each.title}: {WORDS[event]}" for each in LIVING for event in reference(each.life, BEGIN + SPAN)[1]]
FORGED = {
    "nothing": (STATES, HEARD, Counter(once=len(HEARD))),
    "a mail that came twice": (STATES, [*HEARD, HEARD[0]], Counter(once=len(HEARD) - 1, twice=1)),
    "a mail that never came": (STATES, HEARD[1:], Counter(once=len(HEARD) - 1, lost=1)),
    "a mail about nothing": (STATES, [*HEARD, f"{LIVING[-1].title}: now open"], Counter(once=len(HEARD), false=1)),
    "a posting left open": (STATES | {LIVING[0].slug: "open"}, HEARD, Counter(once=len(HEARD), otherwise=1)),
}


@pytest.mark.parametrize("what", FORGED)
def test_the_judge_finds(what: str) -> None:
    states, heard, found = FORGED[what]
    result = Result("forged", len(LIVING), 0, 0, 0, 0.0)
    judge(result, LIVING, BEGIN + SPAN, states, {"the list": heard})
    assert result.heard == found
    assert len(result.wrong) == found.total() - found["once"]
    assert result.right == (what == "nothing")


def test_every_kind_of_life_is_among_them() -> None:
    assert {each.kind for each in LIVING} == set(KINDS)


HOUR = timedelta(hours=1)
OPENS, CLOSES = BEGIN + 10 * HOUR, BEGIN + 20 * HOUR
YES = Act(BEGIN, "approve")
LIVES = [
    (Life("upcoming", OPENS, CLOSES), 30, "closed", []),
    (Life("upcoming", OPENS, CLOSES, (YES,)), 9, "upcoming", []),
    (Life("upcoming", OPENS, CLOSES, (YES,)), 10, "open", ["opened"]),
    (Life("upcoming", OPENS, CLOSES, (YES,)), 30, "closed", ["opened", "closed"]),
    (Life("upcoming", OPENS, CLOSES, (Act(BEGIN + 15 * HOUR, "approve"),)), 14, "upcoming", []),
    (Life("open", BEGIN, CLOSES, (Act(OPENS, "reject"),)), 30, "open", []),
    (Life("open", BEGIN, CLOSES, (Act(OPENS, "reject"), Act(OPENS, "edit closes", CLOSES - HOUR))), 30, "closed", None),
    (Life("closed", BEGIN, BEGIN, (Act(OPENS, "edit state", "open"),)), 30, "closed", ["opened", "closed"]),
]


@pytest.mark.parametrize(("life", "hours", "state", "told"), LIVES)
def test_the_reference_says_what_the_readme_says(life: Life, hours: int, state: str, told: list[str] | None) -> None:
    found = reference(life, BEGIN + hours * HOUR)
    assert found == (state, ["corrected", "closed"] if told is None else told)
