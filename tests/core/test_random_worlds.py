"""Properties of the plan in random worlds: it comes to rest, it wakes in time, and it never does the same thing twice."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from postbot.core.lifecycle import Transition
from postbot.core.plan.steps import Answer, Forget, Merge, Record, Tell
from postbot.core.site import PullStatus
from tests.values import KINDS, POLICIES, SPANS, WISHES, Values, texts

NOS = (None, "not now", "ask me on 2026-03-08", "Ask me on March 1, 2026, 8:00 am EST.")
HANDS = ({"untouched": False, "head": "theirs"}, {"blocked": "The check has failed."}, {"draft": True})


@st.composite
def worlds(draw: st.DrawFn) -> Values:
    """A world that has been looked at once, and in which people and time have then been at work."""
    kind = draw(st.sampled_from(KINDS))
    world = Values(draw(POLICIES), kind)
    names = [f"jobs/{name}.md" for name in ("ash", "birch", "cedar")[: draw(st.integers(1, 3))]]
    for name in names:
        world.write(name, draw(texts(kind, name)))
    if draw(st.booleans()):
        world.settle()
    for name in draw(st.lists(st.sampled_from(names), max_size=3)):
        _happen(draw, world, name)
    return world


def _happen(draw: st.DrawFn, world: Values, name: str) -> None:
    """Let one thing happen: an edit, a request, a deletion, a yes or a no to all, a hand on all, or time."""
    match draw(st.integers(0, 6)):
        case 0:
            world.write(name, draw(texts(world.kind, name)))
        case 1:
            world.request(name, draw(WISHES))
        case 2 if len(world.seen.postings) > 1 and name in world.seen.postings:
            world.remove(name)
        case 3:
            who = draw(st.sampled_from(["robin", "bo"]))
            for pull in world.pulls():
                world.change(pull, approved_by=(who,))
        case 4:
            words = {"closed_by": "robin", "closed_at": world.now, "reason": draw(st.sampled_from(NOS))}
            for pull in world.pulls():
                world.change(pull, status=PullStatus.REJECTED, head="", **words)
        case 5:
            hand: dict[str, object] = draw(st.sampled_from(HANDS))
            for pull in world.pulls():
                world.change(pull, **hand)
        case _:
            world.now += draw(SPANS)
            world.settle()


@given(worlds())
def test_the_plan_of_an_unchanged_world_is_empty(world: Values) -> None:
    world.settle()
    assert world.plan().steps == ()


@given(worlds(), st.floats(0, 1, exclude_max=True))
def test_until_it_wakes_an_unchanged_world_needs_no_plan(world: Values, part: float) -> None:
    world.settle()
    plan = world.plan()
    assert plan.wakes_at is None or plan.wakes_at > world.now
    until = plan.wakes_at or world.now + timedelta(days=400)
    world.now = min(world.now + part * (until - world.now), until - timedelta(microseconds=1))
    assert world.plan().steps == ()


@given(worlds(), st.lists(SPANS, max_size=4))
def test_no_announcement_is_made_twice(world: Values, spans: list[timedelta]) -> None:
    told: Counter[str] = Counter()
    for span in (timedelta(0), *spans):
        world.now += span
        before = world.seen.memory.told
        said = [said for plan in world.settle() for step in plan.steps for said in _said(step)]
        told.update({announcement.key for announcement in said} - before)
    assert not [key for key, times in told.items() if times > 1]


@given(worlds())
def test_a_posting_has_at_most_one_open_pull_request_of_ours(world: Values) -> None:
    """But for one that a person has made theirs, and for a closing that is kept ready beside a request."""
    world.settle()
    ready = world.policy.of(Transition.CLOSE).prestage and world.seen.memory.requests
    ours = [pull for pull in world.pulls() if pull.untouched]
    paths = Counter(path for pull in ours if not (ready and "close" in pull.labels) for path in pull.files)
    assert all(times == 1 for times in paths.values())


@given(worlds(), st.lists(SPANS, max_size=3))
def test_nothing_is_merged_that_a_person_has_drafted_or_changed_or_the_host_blocks(
    world: Values, spans: list[timedelta]
) -> None:
    for span in (timedelta(0), *spans):
        world.now += span
        merges = [step for plan in world.settle() for step in plan.steps if isinstance(step, Merge)]
        assert all(step.pull.untouched and not step.pull.draft and not step.pull.blocked for step in merges)


@given(worlds(), st.data())
def test_one_bad_file_never_affects_another(world: Values, data: st.DataObject) -> None:
    """The same world, with and without a file that cannot be read, asks the same of every other posting."""
    sane, spoilt = world, Values(world.policy, world.kind, world.now, world.seen)
    spoilt.write(
        "jobs/zelkova.md", data.draw(st.sampled_from(["", "---\n", "---\ntitle: 'x\n---\n", "no front matter"]))
    )
    assert [step for step in spoilt.plan().steps if not _is_about(step, "jobs/zelkova.md")] == list(sane.plan().steps)


def _is_about(step: object, path: str) -> bool:
    return isinstance(step, Tell) and step.announcement.slug == path


def _said(step: object) -> list[object]:
    match step:
        case Record(announcements=said) | Forget(announcements=said) | Answer(announcements=said):
            return list(said)
        case Tell(announcement=one):
            return [one]
        case _:
            return []
