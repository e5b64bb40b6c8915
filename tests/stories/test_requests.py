"""What people ask for: done by a pull request, answered, and heard by the list only once it is on the base branch."""

from dataclasses import replace
from pathlib import Path

import pytest

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.wants import ahead_of, why_not
from postbot.core.posting import Posting
from tests.world import CONFIG, READY, World, at, text_of

REVIEWED = CONFIG.replace("merge: auto", "merge: review")
OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}


def asked(folder: Path, transition: str, start: dict[str, str] = OPEN, **words: str) -> World:
    """A site on which a person has asked for something and a person has merged it."""
    world = World(folder, config=REVIEWED)
    world.write("pilot", **start)
    world.tick()
    request = world.ask("pilot", transition, **words)
    world.tick()
    before = world.said()
    [pull] = world.pulls()
    world.merge(pull.number)
    world.advance(minutes=5)
    assert before == []
    assert world.answer(request) == (True, f"Pull request #{pull.number} is merged.")
    assert world.branches() == []
    return world


def test_an_extension_is_told_with_both_dates_and_the_old_date_passes_quietly(tmp_path: Path) -> None:
    world = asked(tmp_path, "extend", closes="2026-03-27T23:59")
    assert "\ncloses: March 27, 2026, 11:59 pm EDT\n" in world.text("pilot")
    assert world.said() == ["Pilot: more time to apply"]
    told = world.read("Pilot: more time to apply")
    assert "New closing date: Friday, March 27, 2026, 11:59 pm EDT" in told
    assert "Before:           Friday, March 20, 2026, 11:59 pm EDT" in told
    world.tick("2026-03-21T09:00")
    assert "state: open" in world.text("pilot")
    world.tick("2026-03-27T23:59")
    world.merge(world.pulls()[0].number)
    world.tick()
    assert world.said() == ["Pilot: more time to apply", "Pilot: closed"]


def test_a_closing_with_a_reason_is_told_as_early_and_with_its_reason(tmp_path: Path) -> None:
    world = asked(tmp_path, "close", reason="cap reached")
    assert "state: closed" in world.text("pilot")
    assert world.said() == ["Pilot: closed early"]
    assert "Reason:         cap reached" in world.read("Pilot: closed early")
    world.tick("2026-03-25T09:00")
    assert world.said() == ["Pilot: closed early"]


def test_a_closing_of_a_position_without_a_date_is_not_called_early(tmp_path: Path) -> None:
    world = asked(tmp_path, "close", OPEN | {"closes": "TBD"}, reason="filled")
    assert world.said() == ["Pilot: closed"]
    assert "Reason: filled" in world.read("Pilot: closed")
    assert "not known yet" not in world.read("Pilot: closed")


def test_a_postponed_open_position_goes_back_to_upcoming_and_opens_again_later(tmp_path: Path) -> None:
    world = asked(tmp_path, "postpone", opens="2026-03-16", closes="2026-03-27")
    assert "state: upcoming" in world.text("pilot")
    assert world.said() == ["Pilot: postponed"]
    world.tick("2026-03-14T09:00")
    world.approve(world.pulls()[0].number)
    world.tick("2026-03-16T00:00")
    assert world.said() == ["Pilot: postponed", "Pilot: open again"]


def test_a_withdrawn_position_has_no_dates_and_stays_upcoming(tmp_path: Path) -> None:
    world = asked(tmp_path, "withdraw")
    assert "state: upcoming" in world.text("pilot")
    assert "\nopens: tbd\ncloses: tbd\n" in world.text("pilot")
    world.tick("2026-06-01T09:00")
    assert world.said() == ["Pilot: postponed"]
    assert world.pulls() == []


def test_a_reopened_position_is_upcoming_without_its_old_link_and_the_list_hears_nothing_yet(tmp_path: Path) -> None:
    world = asked(tmp_path, "reopen", OPEN | {"state": "closed"})
    assert "state: upcoming" in world.text("pilot")
    assert "\n# apply_url: " in world.text("pilot")
    assert "\nopens: tbd\n" in world.text("pilot")
    assert world.said() == []


@pytest.mark.parametrize(
    ("transition", "words", "answer"),
    [
        ("extend", {}, "Extending needs the new closing date: closes=YYYY-MM-DD."),
        ("extend", {"closes": "2026-03-10"}, "The new closing date 2026-03-10 is not later than the present one."),
        ("reopen", {}, "pilot is open; from there you can close or extend or postpone or withdraw, not reopen."),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    tmp_path: Path, transition: str, words: dict[str, str], answer: str
) -> None:
    world = World(tmp_path)
    world.write("pilot", **OPEN)
    world.tick()
    request = world.ask("pilot", transition, **words)
    world.tick()
    assert world.answer(request) == (False, answer)
    assert answer in text_of(world.mail()[0])
    assert world.pulls(None) == []


def test_a_request_for_a_page_that_is_not_there_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("baker")
    request = world.ask("pilot", "close")
    world.tick()
    assert world.answer(request) == (False, "The posting is gone.")


def test_two_requests_of_the_same_second_are_carried_out_one_after_the_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **OPEN)
    world.tick()
    first = world.ask("pilot", "extend", by="lee", closes="2026-03-27T23:59")
    second = world.ask("pilot", "extend", by="kim", closes="2026-03-31T23:59")
    world.tick()
    [pull] = world.pulls()
    world.merge(pull.number)
    world.tick()
    assert world.answer(first) == (True, f"Pull request #{pull.number} is merged.")
    assert world.answer(second) is None
    [other] = world.pulls()
    world.merge(other.number)
    world.advance(minutes=5)
    assert world.answer(second) == (True, f"Pull request #{other.number} is merged.")
    assert "closes: March 31, 2026" in world.text("pilot")


def test_the_second_of_two_equal_requests_hears_that_it_is_done_already(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **OPEN)
    world.tick()
    requests = [world.ask("pilot", "extend", by=by, closes="2026-03-27T23:59") for by in ("lee", "kim")]
    world.tick()
    assert len(world.pulls()) == 1
    world.merge(world.pulls()[0].number)
    world.tick()
    done, words = world.answer(requests[1]) or (None, "")
    assert (done, words) == (False, "The new closing date 2026-03-27T23:59 is not later than the present one.")
    assert len(world.pulls(None)) == 1


def test_a_request_takes_the_place_of_what_the_clock_had_prepared(tmp_path: Path) -> None:
    world = World(tmp_path, config=REVIEWED)
    world.write("pilot", **OPEN)
    world.tick()
    world.tick("2026-03-19T00:00")
    assert len(world.branches()) == 1
    world.ask("pilot", "close", reason="filled")
    world.tick("2026-03-19T01:00")
    [pull] = world.pulls()
    assert "Reason: `filled`." in pull.body
    world.merge(pull.number)
    world.tick("2026-03-22T09:00")
    assert len(world.said()) == 1
    assert world.pulls() == []


def test_a_request_goes_with_its_posting_when_that_is_renamed(tmp_path: Path) -> None:
    world = World(tmp_path, config=REVIEWED)
    world.write("pilot", **OPEN)
    world.tick()
    request = world.ask("pilot", "close", reason="filled")
    world.tick()
    world.rename("pilot", "harbour-pilot")
    world.advance(hours=1)
    [pull] = world.pulls()
    world.merge(pull.number)
    world.tick()
    assert world.answer(request) == (True, f"Pull request #{pull.number} is merged.")
    assert world.said() == ["Pilot: closed early"]


# Who goes first


SOON = {"opens": "March 9, 2026, 8:00 am EDT", "closes": "March 20, 2026, 11:59 pm EDT"}
LATER = "2026-03-27T23:59"
ALL = OPEN | {"slug": "pilot", "title": "Pilot"}


def test_an_extension_leaves_an_approved_opening_alone_and_follows_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **SOON)
    world.tick("2026-03-07T09:00")
    [opening] = world.pulls()
    world.approve(opening.number)
    request = world.ask("pilot", "extend", closes=LATER)
    world.tick("2026-03-07T10:00")
    assert [(pull.number, pull.approved_by) for pull in world.pulls()] == [(opening.number, ("robin",))]
    assert world.answer(request) is None
    world.tick("2026-03-09T08:00")
    assert "state: open" in world.text("pilot")
    [extension] = world.pulls()
    world.merge(extension.number)
    world.tick()
    assert world.answer(request) == (True, f"Pull request #{extension.number} is merged.")
    assert world.said() == ["Pilot: now open", "Pilot: more time to apply"]


def test_an_extension_long_before_the_opening_does_not_wait_for_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **SOON)
    world.tick()
    world.ask("pilot", "extend", closes=LATER)
    world.tick()
    assert [pull.title for pull in world.pulls()] == ["Extend: Pilot"]


def test_an_extension_does_not_wait_for_an_opening_that_was_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **SOON)
    world.tick("2026-03-07T09:00")
    world.reject(world.pulls()[0].number)
    world.ask("pilot", "extend", closes=LATER)
    world.tick()
    assert [pull.title for pull in world.pulls()] == ["Extend: Pilot"]


def test_an_extension_that_nobody_merges_does_not_keep_a_position_open(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", READY.replace("# series: '0301' ENTER", "series: '0301' # ENTER").format(**ALL))
    world.tick()
    request = world.ask("pilot", "extend", closes=LATER)
    world.tick()
    assert [pull.title for pull in world.pulls()] == ["Extend: Pilot"]
    world.tick("2026-03-20T23:59")
    assert "state: closed" in world.text("pilot")
    assert world.said() == ["Pilot: closed"]
    assert world.answer(request) is None
    assert [pull.title for pull in world.pulls()] == ["Extend: Pilot"]


def test_an_extension_asked_for_in_time_that_needs_nobody_comes_before_the_closing_that_an_outage_made_due(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, config=CONFIG.replace("routes:", "  extend: {{lead: 0 days, merge: auto}}\nroutes:"))
    world.write("pilot", **OPEN)
    world.tick()
    world.now = at("2026-03-20T23:00")
    request = world.ask("pilot", "extend", closes=LATER)
    world.tick("2026-03-21T08:00")
    assert world.answer(request) == (True, "Pull request #1 is merged.")
    assert "state: open" in world.text("pilot")
    assert world.said() == ["Pilot: more time to apply"]


def test_the_latest_closing_goes_first_and_replaces_what_was_asked_before(tmp_path: Path) -> None:
    world = World(tmp_path, config=REVIEWED)
    world.write("pilot", **OPEN)
    world.tick()
    early = [world.ask("pilot", "extend", closes=LATER), world.ask("pilot", "close", by="kim", reason="filled")]
    world.tick()
    last = world.ask("pilot", "close", by="lee", reason="cancelled")
    after = world.ask("pilot", "reopen")
    world.tick()
    assert [world.answer(each) for each in early] == [
        (False, "kim's close, asked later, replaces it."),
        (False, "lee's close, asked later, replaces it."),
    ]
    assert world.asked() == []
    [pull] = world.pulls()
    assert "Reason: `cancelled`." in pull.body
    assert (world.answer(last), world.answer(after)) == (None, None)
    world.merge(pull.number)
    world.advance(minutes=5)
    assert world.answer(last) == (True, f"Pull request #{pull.number} is merged.")
    assert [other.title for other in world.pulls()] == ["Reopen: Pilot"]


def test_what_was_merged_before_it_was_overtaken_is_answered_as_done(tmp_path: Path) -> None:
    world = World(tmp_path, config=REVIEWED)
    world.write("pilot", **OPEN)
    world.tick()
    first = world.ask("pilot", "extend", closes=LATER)
    world.tick()
    world.merge(1)
    world.ask("pilot", "withdraw")
    world.tick()
    assert world.answer(first) == (True, "Pull request #1 is merged.")


def test_a_request_that_is_cancelled_takes_its_pull_request_with_it(tmp_path: Path) -> None:
    world = World(tmp_path, config=REVIEWED)
    world.write("pilot", **OPEN)
    world.tick()
    request = world.ask("pilot", "close", reason="filled")
    world.tick()
    assert len(world.branches()) == 1
    world.bot.ledger.answer(request, done=False, words="robin took it back.", messages=[], told=[], at=world.now)
    world.advance(minutes=5)
    assert (world.pulls(), world.branches()) == ([], [])
    assert world.answer(request) == (False, "robin took it back.")
    assert "state: open" in world.text("pilot")


def test_a_door_can_ask_what_speaks_against_a_wish_and_what_goes_before_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **OPEN)
    world.tick()
    first = world.ask("pilot", "extend", closes=LATER)
    second = world.ask("pilot", "postpone", opens="2026-04-01")
    seen = world.bot.observe()
    posting = seen.postings[world.path("pilot")]
    assert isinstance(posting, Posting)
    rules = world.now, world.bot.policy
    assert ahead_of(seen, first, *rules) is None
    assert ahead_of(seen, second, *rules) == first
    assert ahead_of(seen, replace(second, wish=Wish(Transition.CLOSE)), *rules) is None
    assert why_not(seen, posting, Wish(Transition.EXTEND, {"closes": LATER}), *rules) is None
    assert why_not(seen, posting, Wish(Transition.EXTEND), *rules) == (
        "Extending needs the new closing date: closes=YYYY-MM-DD."
    )
    assert "not reopen" in (why_not(seen, posting, Wish(Transition.REOPEN), *rules) or "")


# Reminders


def test_nobody_is_reminded_of_what_was_asked_for_a_second_ago_and_the_state_is_told_only_where_it_changes(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, config=REVIEWED)
    world.write("pilot", **OPEN)
    world.write("clerk", **OPEN)
    world.tick()
    world.ask("pilot", "extend", closes=LATER)
    world.ask("clerk", "close", reason="filled")
    world.tick()
    assert world.asked() == []
    world.advance(hours=4)
    assert sorted(world.asked()) == [
        "Clerk: pull request #1 waits for a person",
        "Pilot: pull request #2 waits for a person",
    ]
    assert "the public sees Clerk as open" in world.read("Clerk: pull request #1 waits for a person")
    assert "the public sees" not in world.read("Pilot: pull request #2 waits for a person")
