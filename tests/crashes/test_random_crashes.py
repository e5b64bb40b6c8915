"""postbot is killed at random, and what it speaks with fails at random: nothing is lost, and nothing is done twice."""

from collections import Counter

import pytest

from tests import depth
from tests.crashes.kit import CONTACT, LIST, path_of
from tests.crashes.schedules import Lives, life_of

EXTENDED = "Birch: more time to apply"
HEARD = ("Ash: now open", EXTENDED, "Ash: closed", "Birch: closed", "Cedar: closed")
SEEDS = range(depth.at(15, soak=1000))


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.xdist_group(f"life {life_of(seed)}")) for seed in SEEDS[::5]]
)
def test_without_harm_a_life_ends_as_it_must(crashes: Lives, seed: int) -> None:
    end = crashes.life(seed).end
    assert [b"\nstate: closed" in end.files[path_of(slug)] for slug in ("ash", "birch", "cedar")] == [True] * 3
    assert Counter(mail.subject for mail in end.mails if mail.to == LIST) == Counter(HEARD)
    assert end.posts.total() == end.archive.total() == len(HEARD)
    assert sorted(mail.subject for mail in end.mails if mail.to == CONTACT) == sorted({*HEARD} - {EXTENDED})
    assert (end.held.total(), end.left) == (0, ())


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.xdist_group(f"life {life_of(seed)}")) for seed in SEEDS]
)
def test_killed_at_random_postbot_loses_nothing_and_does_nothing_twice(crashes: Lives, seed: int) -> None:
    wrong = crashes.verdict(seed).wrong
    replay = f"Again: python -m tests.crashes --seed {seed}"
    assert not wrong, "\n".join([*wrong, replay])
