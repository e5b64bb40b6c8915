"""The loop itself: what the world refuses waits, what a crash left is looked up, and rest costs nothing."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbot import progress
from postbot.core.announce import Audience, Event, Outcome, Receipt
from postbot.core.plan.steps import Merge
from postbot.ledger import DeliveryStatus, LedgerBusy
from postbot.progress import Edge, Step
from tests.world import CONFIG, World, git

OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}


def test_a_step_that_the_world_refuses_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    """Somebody has a branch of ours to themselves, with commits that we did not make."""
    world = World(tmp_path)
    world.write("ash", **OPEN)
    world.write("birch", **OPEN)
    world.tick("2026-03-19T09:00")
    mine = next(pull for pull in world.pulls() if pull.title == "Close: Ash")
    world.host.withdraw(mine, "to begin anew", world.now)
    git(world.repo, "branch", mine.branch, "main")
    report = world.tick("2026-03-20T23:59")
    assert [words for _, words in report.refused][:1] != []
    assert "state: closed" in world.text("birch")
    assert "state: open" in world.text("ash")
    assert world.said() == ["Birch: closed"]


def test_a_look_at_an_unchanged_world_reads_nothing_and_does_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("ash", **OPEN)
    world.tick()
    first = world.bot.observe()
    report = world.advance(minutes=5)
    second = world.bot.observe()
    assert (report.done, report.plan.steps) == ([], ())
    assert second.snapshot is first.snapshot
    assert all(second.postings[path] is found for path, found in first.postings.items())


def test_rest_ends_with_a_commit_a_request_and_the_next_instant(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("ash", **OPEN)
    world.tick()
    world.change("ash", "Denver", "Boulder")
    assert world.advance(minutes=1).done
    world.ask("ash", "extend")
    assert world.advance(minutes=1).done
    wakes_at = world.tick().plan.wakes_at
    assert wakes_at is not None
    assert world.tick(wakes_at - timedelta(seconds=1)).done == []
    assert world.tick(wakes_at).done


def test_a_bot_of_many_looks_and_one_started_anew_each_time_do_the_same(tmp_path: Path) -> None:
    said = []
    for folder in ("kept", "restarted"):
        world = World(tmp_path / folder)
        world.write("ash", **OPEN)
        for _ in range(60):
            world.advance(hours=11)
            if folder == "restarted":
                world.restart()
        said.append([(mail["Subject"], mail["Date"]) for mail in world.mail()])
    assert said[0] == said[1]
    assert len(said[0]) == 1


def test_a_message_that_a_crash_left_claimed_is_looked_for_before_it_is_sent_again(tmp_path: Path) -> None:
    """Killed between claiming and sending, and between sending and settling: once each in the end."""
    world = World(tmp_path)
    for slug in ("ash", "birch"):
        world.write(slug, **OPEN)
    world.tick()
    for slug in ("ash", "birch"):
        world.change(slug, "state: open", "state: closed")
    keep, world.bot._speaker._channels = world.bot._speaker._channels, {}
    world.tick()
    world.bot._speaker._channels = keep
    world.now += timedelta(hours=1)
    for held in world.bot.ledger.deliveries(held_only=True):
        world.bot.ledger.resend(held.number, "robin", world.now)
    unsent, sent = world.bot.ledger.due(world.now, audiences=[Audience.PUBLIC])
    for delivery in (unsent, sent):
        assert world.bot.ledger.claim(delivery, world.now)
    assert keep["folder"].send(sent.message, None).outcome is Outcome.SENT
    world.restart()
    world.tick()
    world.advance(hours=1)
    assert sorted(world.said()) == ["Ash: closed early", "Birch: closed early"]


def test_what_may_have_been_sent_is_held_and_never_sent_again(tmp_path: Path) -> None:
    world = World(tmp_path, config=CONFIG.replace('"folder:openings@list.example"', "'console:openings'"))
    world.write("ash", **OPEN)
    world.tick()
    printed: list[str] = []
    world.change("ash", "state: open", "state: closed")

    class Lost:
        """A channel whose last reply was lost."""

        settles = timedelta(0)

        def send(self, message: object, root: object) -> Receipt:
            printed.append("sent")
            return Receipt(Outcome.UNKNOWN, "the line went dead")

        def look(self, message: object, root: object, since: object) -> Receipt:
            return Receipt(Outcome.UNKNOWN, "nobody can tell")

        def rest(self) -> None:
            """Nothing is kept open."""

    world.bot._speaker._channels = {"console": Lost()}
    for _ in range(5):
        world.advance(days=1)
    assert printed == ["sent"]
    held = {each.message.event: each for each in world.bot.ledger.deliveries(held_only=True)}
    assert set(held) == {Event.CLOSED_EARLY, Event.FAILED}, "and whom to tell has no channel any more"


def test_what_a_far_end_does_late_is_not_done_again(tmp_path: Path) -> None:
    """The answer is lost, and the message stands there only a little later: the first look finds nothing."""
    world = World(tmp_path, config=CONFIG.replace('"folder:openings@list.example"', "'console:openings'"))
    world.write("ash", **OPEN)
    world.tick()
    sent: list[datetime] = []
    world.change("ash", "state: open", "state: closed")

    class Late:
        """A channel that shows what it was sent after half a minute."""

        settles = timedelta(minutes=1)

        def send(self, message: object, root: object) -> Receipt:
            sent.append(world.now)
            return Receipt(Outcome.UNKNOWN, "the line went dead")

        def look(self, message: object, root: object, since: object) -> Receipt:
            there = sent and world.now - sent[0] > timedelta(seconds=30)
            return Receipt(Outcome.SENT if there else Outcome.NOT_SENT, "looked")

        def rest(self) -> None:
            """Nothing is kept open."""

    world.bot._speaker._channels = {"console": Late()}
    for _ in range(10):
        world.advance(seconds=20)
    assert len(sent) == 1
    assert [each.status for each in world.bot.ledger.deliveries()] == [DeliveryStatus.SENT]


def test_two_looks_at_once_are_not_possible(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.tick()
    other = world.bot
    with other.ledger.working():
        del world.bot
        world.restart()
        with pytest.raises(LedgerBusy):
            world.tick()
    other.ledger.close()


def test_a_look_ends_with_everything_that_follows_from_a_merge(tmp_path: Path) -> None:
    """Proposed, merged, witnessed and told in one and the same look, when it all is due."""
    world = World(tmp_path)
    world.write("ash", **OPEN)
    world.tick()
    report = world.tick("2026-03-21T12:00")
    assert [type(step).__name__ for step in report.done] == ["Propose", "Merge", "Record"]
    assert isinstance(report.done[1], Merge)
    assert world.said() == ["Ash: closed"]


def test_a_request_that_comes_while_a_plan_is_made_is_taken_up_by_the_next_look(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **OPEN)
    world.tick()
    asked: list[object] = []

    def ask(step: Step, edge: Edge) -> None:
        if (step, edge) == (Step.PLAN, Edge.AFTER) and not asked:
            asked.append(world.ask("pilot", "extend", closes="2026-03-27"))

    world.restart()
    progress.watch(ask)
    world.tick()
    world.tick()
    assert asked
    assert [pull.title for pull in world.pulls()] == ["Extend: Pilot"]
