"""What a held plan says of a wrong clock: how far it is from what, and for what its release stands."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postbot.core.plan.steps import Held, Skew
from tests.values import Values, policy

KEPT = ("plain git",)  # no site at all

SENTENCES = [
    (Skew(timedelta(minutes=63), to_host=True), "is 1 hour and 3 minutes ahead of that of the site's host."),
    (Skew(-timedelta(minutes=2), to_host=True), "is 2 minutes behind that of the site's host."),
    (Skew(timedelta(days=2, hours=1, minutes=9)), "was set forward by 2 days and 1 hour while postbot ran."),
    (Skew(-timedelta(seconds=61)), "was set back by 1 minute while postbot ran."),
]


def held(skew: Skew) -> Held | None:
    world = Values(policy())
    world.seen = replace(world.seen, skew=skew)
    return world.plan().held


@pytest.mark.parametrize(("skew", "words"), SENTENCES, ids=[words for _, words in SENTENCES])
def test_the_sentence_says_how_far_it_is_and_from_what(skew: Skew, words: str) -> None:
    found = held(skew)
    assert found is not None
    assert found.reason.startswith(f"This machine's clock {words}")


@pytest.mark.parametrize("minutes", [-60, -45, -30, -2, 2, 30, 45, 60, 330, 345, 570, 845])
def test_measured_again_a_difference_of_zones_has_the_same_digest(minutes: int) -> None:
    """Whole hours, halves and quarters, as zones have them, whatever the seconds on the way."""
    found = {held(Skew(timedelta(minutes=minutes, seconds=s), to_host=True)) for s in range(-59, 60, 7)}
    assert len({each.digest for each in found if each}) == 1


def test_ahead_and_behind_and_each_hour_and_each_clock_have_a_digest_of_their_own() -> None:
    skews = [Skew(timedelta(hours=hours), to_host=host) for hours in range(-30, 31) if hours for host in (True, False)]
    found = {each.digest for skew in skews if (each := held(skew))}
    assert len(found) == len(skews) == 120
