"""The plan as people and programs read it, and when it is held."""

import json
from datetime import timedelta

import pytest

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.forecast import forecast
from postbot.core.plan.render import plan_json, plan_markdown, plan_text
from postbot.core.plan.steps import Merge, MergeWhen, Propose, Record, Tell, Withdraw
from postbot.core.site import PullStatus
from tests.examples import EASTERN
from tests.golden import Golden
from tests.values import BEGIN, Values, policy

READY = """\
---
title: {title}
state: {state}
opens: {opens}
closes: {closes}
contact_email: 'jobs@agency.example'
apply_url: https://apply.example.gov/{title}
---
Join us.
"""


def ready(title: str, state: str = "open", opens: str = "2026-03-01", closes: str = "2026-03-20") -> str:
    return READY.format(title=title, state=state, opens=opens, closes=closes)


def rich() -> Values:
    """A site on which nearly everything happens that a plan can hold."""
    world = Values(policy(MergeWhen.WHEN_DUE))
    world.write("jobs/ash.md", ready("Ash", "upcoming", "March 4, 2026, 8:00 am EST"))
    world.write("jobs/birch.md", ready("Birch"))
    world.write("jobs/cedar.md", ready("Cedar", closes="2026-03-03"))
    world.write("jobs/elm.md", ready("Elm"))
    world.settle()
    world.write("jobs/ash.md", ready("Ash `quoted`", "upcoming", "March 5, 2026, 8:00 am EST"))
    world.write("jobs/birch.md", ready("Birch", closes="2026-03-27"))
    world.change(world.pulls()[1], approved_by=("robin",))
    world.write("jobs/dogwood.md", READY.format(title="'Dogwood", state="open", opens="TBD", closes="TBD"))
    world.request("jobs/birch.md", Wish(Transition.EXTEND, {"closes": "2026-04-03"}))
    world.request("jobs/cedar.md", Wish(Transition.REOPEN))
    world.remove("jobs/elm.md")
    return world


def test_a_rich_plan_as_text_json_and_markdown(golden: Golden) -> None:
    world = rich()
    to_come, plan = forecast(world.seen, world.now, world.now + timedelta(days=14), world.policy)
    assert {Propose, Record, Withdraw} <= {type(step) for step in plan.steps}
    golden("plan.txt", plan_text(plan, to_come, EASTERN))
    golden("plan.json", json.dumps(plan_json(plan, to_come), indent=2) + "\n")
    golden("plan.md", plan_markdown(plan, to_come, EASTERN))


def test_a_held_plan_as_text_names_its_digest_and_what_waits() -> None:
    world = crowd(6)
    plan = world.plan()
    assert plan.held is not None
    text = plan_text(plan, (), EASTERN)
    assert f"HELD ({plan.held.digest}): Many moves: 6 postings would move at once, and at most 5 may." in text
    assert text.count(" to closed\n") == 6


# Holding


def crowd(moving: int, still: int = 0) -> Values:
    """A known site of which so many postings have just reached their closing date."""
    world = Values(policy(most_moves=5))
    for number in range(moving + still):
        world.write(
            f"jobs/{number}.md", ready(f"Job {number}", closes="2026-03-20" if number < moving else "2026-12-01")
        )
    world.settle()
    world.now += timedelta(days=20)
    return world


@pytest.mark.parametrize(
    ("moving", "still", "held"),
    [(5, 0, False), (6, 0, True), (6, 23, True), (6, 24, False), (8, 32, False), (9, 31, True)],
)
def test_more_than_five_moves_and_more_than_a_fifth_of_the_site_are_held(moving: int, still: int, held: bool) -> None:
    assert (crowd(moving, still).plan().held is not None) == held


@pytest.mark.parametrize(("back", "held"), [(0, False), (60, False), (61, True), (86400, True)])
def test_a_clock_more_than_a_minute_back_is_held(back: int, held: bool) -> None:
    world = Values(policy())
    world.write("jobs/a.md", ready("A"))
    world.settle()
    world.now -= timedelta(seconds=back)
    plan = world.plan()
    assert (plan.held is not None) == held
    assert not held or plan.wakes_at == BEGIN - timedelta(minutes=1)


def test_a_held_plan_only_tells_and_tells_once() -> None:
    world = crowd(6)
    assert [type(step) for step in world.plan().steps] == [Tell]
    world.take(world.plan().steps)
    assert world.plan().steps == ()
    held = world.plan().held
    assert held is not None
    assert len(held.moves) == 6


def test_a_release_covers_these_moves_from_proposal_to_witness_and_no_others() -> None:
    world = crowd(6)
    held = world.plan().held
    assert held is not None
    release(world, held.digest)
    assert [type(step) for plan in world.settle() for step in plan.steps] == [Propose] * 6 + [Merge] * 6 + [Record] * 6

    other = crowd(7)
    release(other, held.digest)
    assert other.plan().held is not None


def release(world: Values, digest: str) -> None:
    memory = world.seen.memory
    world.seen = type(world.seen)(
        world.seen.snapshot,
        world.seen.postings,
        type(memory)(memory.witnesses, (), memory.told, frozenset({digest}), memory.last_tick),
    )


# Who merges


@pytest.mark.parametrize(
    ("merge", "approved", "due", "merged"),
    [
        (MergeWhen.AUTO, False, True, True),
        (MergeWhen.AUTO, True, False, False),
        (MergeWhen.WHEN_DUE, False, True, False),
        (MergeWhen.WHEN_DUE, True, False, False),
        (MergeWhen.WHEN_DUE, True, True, True),
        (MergeWhen.REVIEW, True, True, False),
    ],
)
def test_who_merges_and_when(merge: MergeWhen, approved: bool, due: bool, merged: bool) -> None:
    world = Values(policy(merge))
    world.write("jobs/a.md", ready("A", closes="March 4, 2026, 9:00 am EST"))
    world.settle()
    [pull] = world.pulls()
    world.change(pull, approved_by=("robin",) if approved else ())
    world.now += timedelta(days=2) - timedelta(seconds=0 if due else 1)
    assert any(isinstance(step, Merge) for step in world.plan().steps) == merged


def test_a_touched_pull_request_is_neither_merged_nor_refreshed_nor_withdrawn() -> None:
    world = Values(policy())
    world.write("jobs/a.md", ready("A", closes="2026-03-03"))
    world.settle()
    [pull] = world.pulls()
    world.change(pull, untouched=False, head="theirs")
    world.write("jobs/a.md", ready("A", closes="2026-03-04"))
    world.now += timedelta(days=5)
    world.settle()
    theirs = next(found for found in world.seen.snapshot.pulls if found.branch == pull.branch)
    assert (theirs.status, theirs.head) == (PullStatus.OPEN, "theirs")
