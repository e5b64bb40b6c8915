"""Taking back as a property: whatever was done to whichever file, the very bytes come back and stay."""

from datetime import timedelta

from hypothesis import event, given
from hypothesis import strategies as st

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.undoing import Undo, undoable
from postbot.core.posting import Posting
from postbot.core.site import Path
from tests.values import KINDS, Values, policy, texts

PILOT = Path("jobs/pilot.md")
DONE = st.sampled_from(
    [
        Wish(Transition.OPEN, {"closes": "2026-03-25"}),
        Wish(Transition.CLOSE, reason="filled"),
        Wish(Transition.EXTEND, {"closes": "2026-04-20"}),
        Wish(Transition.POSTPONE, {"opens": "2026-04-01", "closes": "2026-04-20"}),
        Wish(Transition.REOPEN),
        Wish(Transition.WITHDRAW),
        None,
    ]
)


@given(st.data(), DONE, st.integers(1, 20))
def test_whatever_was_done_last_the_very_bytes_come_back_and_nothing_is_done_again(
    data: st.DataObject, done: Wish | None, hours: int
) -> None:
    """Asked for, or (None) done by the clock in the course of three weeks."""
    kind = data.draw(st.sampled_from(KINDS))
    world = Values(policy(), kind)
    world.write(PILOT, data.draw(texts(kind, PILOT)))
    world.settle()
    world.now += timedelta(days=data.draw(st.integers(0, 20)))
    if done:
        world.request(PILOT, done)
    world.settle()
    posting = world.seen.postings[PILOT]
    found = undoable(world.seen, posting, world.now, world.policy) if isinstance(posting, Posting) else ""
    if not isinstance(found, Undo):
        return
    world.now = min(world.now + timedelta(hours=hours), found.until - timedelta(seconds=1))
    world.request(PILOT, Wish(Transition.UNDO))
    event(f"{found.pull.branch.split('/')[1]} undone on {kind}")
    world.settle()
    [undone, *then] = [each for each in world.seen.changes.values() if each.at == world.now]
    assert (undone.before, undone.after) == (found.change.after, found.change.before)
    assert [each.branch.split("/")[1] for each in then] in ([], ["open"], ["close"]), "another date may have passed"
    assert then or world.seen.snapshot.files[PILOT].data == found.change.before
    assert world.settle() == []
