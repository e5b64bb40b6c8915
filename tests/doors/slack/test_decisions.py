"""What people who decide on a pull request are shown: which one, its lines, whose no it meets, and whose yes counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Opinion, Request, Said
from postbot.core.plan.people import digest, with_opinions
from postbot.core.plan.steps import Handling, MergeWhen
from postbot.core.plan.wants import ahead_of
from postbot.core.site import Path, Pull
from postbot.doors.slack.views import Scene, Sight, Verb, board, busy, form, pressed, show
from tests.announcements import VOICE
from tests.doors.slack.scenes import NOW, SIGHT, pieces, shown
from tests.examples import OPEN_STATE
from tests.values import Values, policy

PATH = "jobs/pilot.md"
MOVES = tuple(verb for verb in Verb if verb.transition)


def world_with_a_closing(*, standby: bool = False, **rules: object) -> Values:
    """A posting whose closing is prepared; beside an extension that somebody asks for, where it stands by."""
    made = policy(MergeWhen.WHEN_DUE, **rules)
    prepared = Handling(timedelta(days=3), MergeWhen.WHEN_DUE, prestage=True)
    world = Values(replace(made, handling={**made.handling, Transition.CLOSE: prepared}), now=NOW)
    world.write(PATH, OPEN_STATE)
    world.settle()
    if standby:
        world.request(PATH, Wish(Transition.EXTEND, {"closes": "2030-05-01"}))
        world.settle()
    return world


def seen_in(world: Values, *opinions: Opinion) -> Scene:
    """The site as the door shows it, with what people have said there."""
    memory = replace(world.seen.memory, opinions=opinions)
    seen = replace(world.seen, memory=memory, snapshot=with_opinions(world.seen.snapshot, opinions))
    return Scene("", seen, world.plan(), world.policy, VOICE, NOW)


def says(world: Values, said: Said, by: str, minutes: int, words: str = "") -> Opinion:
    [pull] = world.pulls()
    about = digest(pull, world.seen.snapshot.files)
    return Opinion(pull.branch, about, said, by, pull.opened_at + timedelta(minutes=minutes), words)


def approvals(scene: Scene, sight: Sight) -> list[str]:
    """The buttons to approve that the board and the posting itself have, by their values."""
    [posting] = scene.postings
    found = [*pieces(board([scene], sight).blocks, "button"), *pieces(show(scene, posting, sight).blocks, "button")]
    return [value for name, value in map(pressed, found) if Verb.of_action(name) is Verb.APPROVE]


def test_with_a_closing_that_stands_by_each_card_leads_to_its_own_lines_and_a_name_to_what_was_asked_for():
    scene = seen_in(world_with_a_closing(standby=True))
    [posting] = scene.postings
    closing, asked = sorted(scene.seen.snapshot.pulls, key=lambda pull: scene.request_of(pull) is not None)
    assert [scene.pull(posting, each.number) for each in (closing, asked)] == [closing, asked]
    assert scene.pull(posting) == asked
    assert scene.pull(posting, 99) is None
    assert "+state: closed" in shown(form(scene, posting, Verb.APPROVE, pull=closing))
    assert "+closes: May 1, 2030" in shown(form(scene, posting, Verb.APPROVE, pull=asked))


def test_the_form_of_an_approval_says_whose_no_it_meets_and_that_a_yes_lifts_it():
    world = world_with_a_closing()
    no = says(world, Said.CHANGES, "Ben Baker (U0BENBAKER)", 1, "the date is wrong")
    scene = seen_in(world, says(world, Said.APPROVE, "Ada Lovelace (U0ADALOVE)", 0), no)
    [posting] = scene.postings
    view = shown(form(scene, posting, Verb.APPROVE, pull=scene.pull(posting)))
    assert "Ben Baker asks for changes: the date is wrong. If you approve, that does not hold it back any more." in view
    assert "Pull request #1*: once it is approved it is merged when it is due." in view
    assert len(approvals(scene, SIGHT)) == 2
    after = seen_in(world, no, says(world, Said.APPROVE, "Ada Lovelace (U0ADALOVE)", 2))
    assert "asks for changes" not in shown(form(after, posting, Verb.APPROVE, pull=after.pull(posting)))
    assert approvals(after, SIGHT) == []


def test_the_form_of_an_approval_says_that_a_no_on_the_page_is_lifted_only_there():
    world = world_with_a_closing()
    [pull] = world.pulls()
    world.change(pull, blocked="ben-b has asked for changes.")
    scene = seen_in(world)
    [posting] = scene.postings
    view = shown(form(scene, posting, Verb.APPROVE, pull=scene.pull(posting)))
    assert "ben-b has asked for changes. A no on its page is lifted only there." in view


def test_the_form_of_an_approval_speaks_of_no_no_where_something_else_keeps_it_from_being_merged():
    world = world_with_a_closing()
    [pull] = world.pulls()
    world.change(pull, blocked="A check has not passed.")
    scene = seen_in(world)
    [posting] = scene.postings
    view = shown(form(scene, posting, Verb.APPROVE, pull=scene.pull(posting)))
    assert "A check has not passed." in view
    assert "A no on its page" not in view


@pytest.mark.parametrize("counts", [True, False])
def test_an_approval_is_offered_exactly_to_those_whose_approval_would_count(counts: bool):
    def asked_of(pull: Pull, _posting: object) -> bool:
        assert pull.number == 1
        return counts

    scene = seen_in(world_with_a_closing())
    assert len(approvals(scene, Sight(lambda _action, _posting: True, asked_of))) == (2 if counts else 0)


@pytest.mark.parametrize("verb", MOVES)
def test_who_comes_second_is_told_truly_whether_they_wait_or_take_the_place_of_the_first(verb: Verb):
    assert verb.transition is not None
    first = Request(1, Path(PATH), Wish(Transition.POSTPONE), "ada", NOW, asker="slack:U0ADALOVE")
    mine = Request(2, Path(PATH), Wish(verb.transition), "ben", NOW, asker="slack:U0BENBAKER")
    seen = Values(policy()).seen
    before = replace(seen, memory=replace(seen.memory, requests=(first,)))
    waits = ahead_of(before, mine, NOW, policy()) is not None
    said = busy(first, policy().zone, verb)
    assert said.endswith("; that comes first." if waits else "; yours takes its place.")
