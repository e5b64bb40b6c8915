"""Somebody takes back what was done last: the very bytes come back, and exactly those who were told hear of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.undoing import Undo, undoable
from postbot.core.posting import Posting
from tests.stories.test_archive import CLOSED, archiving
from tests.world import CONFIG, READY, World

UNDO = CONFIG.replace("  close: ", "  undo: {{lead: 0 days, merge: auto}}\n  close: ")
ASKED = UNDO.replace("transitions:\n", "transitions:\n  extend: {{merge: auto}}\n")
PRESTAGED = UNDO.replace("lead: 2 days", "lead: from opening")
OPENING = {"opens": "March 5, 2026, 8:00 am EST", "closes": "March 20, 2026, 11:59 pm EDT"}
CLOSING = OPENING | {"state": "open", "opens": "March 1, 2026"}
UNTIL = "open for applications until Friday, March 20, 2026, 11:59 pm EDT"


def bytes_of(world: World) -> bytes:
    """The posting as it stands on the base branch."""
    return world.text("pilot").encode()


def closed(folder: Path, config: str = UNDO, text: str | None = None) -> tuple[World, bytes]:
    """A position that somebody had closed early an hour ago, and its bytes before that."""
    world = World(folder, config=config)
    world.write("pilot", text, **CLOSING)
    world.tick()
    before = bytes_of(world)
    world.ask("pilot", "close", reason="filled")
    world.tick()
    assert bytes_of(world) != before
    world.advance(hours=1)
    return world, before


def opened(folder: Path, config: str = UNDO) -> tuple[World, bytes]:
    """A position that the clock has opened on its date, and its bytes before that."""
    world = World(folder, config=config)
    world.write("pilot", **OPENING)
    world.tick()
    before = bytes_of(world)
    world.approve(world.pulls()[0].number)
    world.tick("2026-03-05T08:00")
    assert world.said() == ["Pilot: now open"]
    return world, before


def undo(world: World) -> tuple[bool, str] | None:
    """Ask for it and look; what whoever asked is told."""
    request = world.ask("pilot", "undo")
    world.tick()
    return world.answer(request)


def lose_the_ledger(world: World) -> None:
    world.bot.ledger.close()
    for file in (world.folder / ".postbot").glob("ledger.db*"):
        file.unlink()
    world.restart()


def possible(world: World, at: datetime | None = None) -> Undo | str:
    """What can be taken back by whoever asks at that instant, or asked at it."""
    seen = world.bot.observe()
    posting = seen.postings[world.path("pilot")]
    assert isinstance(posting, Posting)
    return undoable(seen, posting, at or world.now, world.bot.policy)


# To the byte, and to those who were told -----------------------------------------------------------------------------


def test_a_closing_is_taken_back_and_those_who_were_told_hear_that_it_was_a_mistake(tmp_path: Path) -> None:
    world, before = closed(tmp_path)
    answer = undo(world)
    assert answer
    assert answer[0]
    assert bytes_of(world) == before
    assert world.said() == ["Pilot: closed early", "Pilot: a correction"]
    told = f"We told you that Pilot is closed. That was a mistake; it is {UNTIL}."
    assert told in world.read("Pilot: a correction")
    first, second = world.mail()
    assert second["In-Reply-To"] == first["Message-ID"]
    assert world.asked() == []
    assert world.tick().done == []
    assert world.branches() == []


def test_an_opening_is_taken_back_and_its_deadline_leaves_the_calendars(tmp_path: Path) -> None:
    world, before = opened(tmp_path)
    undo(world)
    assert bytes_of(world) == before
    assert world.said() == ["Pilot: now open", "Pilot: a correction"]
    told = world.read("Pilot: a correction")
    assert f"We told you that Pilot is {UNTIL}. That was a mistake; it is not open yet." in told
    assert "METHOD:CANCEL" in world.mail()[-1].as_string()


def test_an_extension_is_taken_back_and_both_dates_are_said(tmp_path: Path) -> None:
    world = World(tmp_path, config=ASKED)
    world.write("pilot", **CLOSING)
    world.tick()
    before = bytes_of(world)
    world.ask("pilot", "extend", closes="2026-03-27T23:59")
    world.tick()
    world.advance(hours=1)
    undo(world)
    assert bytes_of(world) == before
    wrong = UNTIL.replace("March 20", "March 27")
    assert f"We told you that Pilot is {wrong}. That was a mistake; it is {UNTIL}." in world.read("Pilot: a correction")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("state: open", "state:   open   # as of today"),
    ],
    ids=["CRLF", "BOM", "no final newline", "comment"],
)
def test_the_bytes_come_back_however_the_file_is_written(tmp_path: Path, change: Callable[[str], str]) -> None:
    text = READY.format(slug="pilot", title="Pilot", **CLOSING)
    world, before = closed(tmp_path, text=change(text))
    assert before == change(text).encode()
    undo(world)
    assert bytes_of(world) == before


def test_exactly_those_who_were_told_hear_it_whatever_the_routes_say_by_then(tmp_path: Path) -> None:
    world, _ = closed(tmp_path)
    settings = world.folder / "postbot.yaml"
    settings.write_text(settings.read_text().replace("openings@list.example", "design@list.example"))
    world.restart()
    undo(world)
    assert world.said() == ["Pilot: closed early", "Pilot: a correction"]
    assert world.said("design@list.example") == []


def test_what_had_not_gone_out_yet_is_not_said_at_all_and_there_is_nothing_to_correct(tmp_path: Path) -> None:
    world = World(tmp_path, config=UNDO)
    world.write("pilot", **CLOSING)
    world.tick()
    away = world.folder / ".postbot" / "announcements"
    away.write_text("No folder: nothing can be said.")
    world.ask("pilot", "close", reason="filled")
    world.tick()
    undo(world)
    away.unlink()
    for hours in (1, 5, 30):
        world.advance(hours=hours)
    assert "state: open" in world.text("pilot")
    assert world.mail() == []


def test_before_it_is_released_only_the_team_hears_of_it(tmp_path: Path) -> None:
    world = World(tmp_path, config=UNDO, released=False)
    world.write("pilot", **CLOSING)
    world.tick()
    world.ask("pilot", "close", reason="filled")
    world.tick()
    world.advance(hours=1)
    undo(world)
    assert world.said() == []
    assert world.asked() == ["Pilot: closed early", "Pilot: a correction"]


def test_an_undo_waits_for_a_review_where_nothing_else_is_said_and_its_page_tells_what_it_does(tmp_path: Path) -> None:
    world, before = closed(tmp_path, CONFIG)
    assert undo(world) is None
    [pull] = world.pulls()
    assert (pull.title, pull.labels) == ("Undo: Pilot", ("postbot", "undo"))
    assert "the file will be what it was before, to the byte" in pull.body
    assert "-state: closed" in pull.body
    assert "+state: open" in pull.body
    assert "folder:openings@list.example" in pull.body
    assert "design@list.example" not in pull.body
    world.merge(pull.number)
    world.advance(hours=1)
    assert bytes_of(world) == before
    assert world.said() == ["Pilot: closed early", "Pilot: a correction"]


# When it cannot be ---------------------------------------------------------------------------------------------------


def test_what_cannot_be_taken_back_is_refused_in_a_sentence(tmp_path: Path) -> None:
    world = World(tmp_path, config=UNDO)
    world.write("pilot", **CLOSING)
    world.tick()
    assert undo(world) == (False, "Postbot has changed nothing about pilot that could be taken back.")
    world.change("pilot", "state: open", "state: closed")
    world.tick()
    assert undo(world) == (False, "Postbot has changed nothing about pilot that could be taken back.")
    assert world.pulls(None) == []


def test_it_is_too_late_once_the_window_has_passed_but_whoever_asked_in_time_may_wait(tmp_path: Path) -> None:
    world, before = closed(tmp_path, CONFIG)
    world.now += timedelta(hours=22, minutes=59)
    asked = possible(world)
    assert isinstance(asked, Undo)
    undo(world)
    world.advance(days=3)
    world.merge(world.pulls()[0].number)
    world.advance(minutes=5)
    assert bytes_of(world) == before

    late, _ = closed(tmp_path / "late", UNDO)
    late.now += timedelta(hours=23)
    answer = undo(late)
    assert answer
    assert answer[1].startswith(
        "It is too late: pull request #1 (Close: Pilot) could be taken back until Tuesday, March 3"
    )


def test_what_somebody_has_changed_since_is_not_lost(tmp_path: Path) -> None:
    world, _ = closed(tmp_path)
    world.change("pilot", "Denver", "Boulder")
    answer = undo(world)
    assert answer
    assert "somebody has changed it, and that would be lost" in answer[1]
    assert "Boulder" in world.text("pilot")


def test_a_file_that_was_moved_to_the_archive_is_moved_back_by_hand(tmp_path: Path) -> None:
    world = archiving(tmp_path, "auto")
    world.write("pilot", CLOSED.format(title="Pilot", closes="2025-04-01"))
    world.tick()
    seen = world.bot.observe()
    [posting] = seen.postings.values()
    assert isinstance(posting, Posting)
    found = undoable(seen, posting, world.now, world.bot.policy)
    assert isinstance(found, str)
    assert found.endswith("its file was moved; that is taken back by moving the file back by hand.")


def test_what_was_taken_back_is_not_taken_back_once_more(tmp_path: Path) -> None:
    world, before = closed(tmp_path)
    undo(world)
    world.advance(minutes=5)
    answer = undo(world)
    assert answer
    assert answer[1].startswith("What was done last to pilot was taken back already.")
    assert bytes_of(world) == before


def test_what_is_done_after_it_was_asked_is_not_taken_back_in_its_place(tmp_path: Path) -> None:
    world, _ = closed(tmp_path, CONFIG)
    asked_at = world.now
    world.advance(hours=1)
    world.ask("pilot", "reopen", by="lee")
    world.tick()
    world.merge(world.pulls()[0].number)
    world.advance(minutes=5)
    found = possible(world, asked_at)
    assert isinstance(found, str)
    assert found.startswith("Since this was asked, pull request #2 (Reopen: Pilot) was merged.")


def test_what_was_merged_unseen_before_it_was_asked_is_not_taken_back_in_the_place_of_what_was_seen(
    tmp_path: Path,
) -> None:
    world, _ = closed(tmp_path, ASKED)
    seen = possible(world)
    assert isinstance(seen, Undo)
    world.ask("pilot", "reopen", by="lee")
    world.tick()
    world.merge(world.pulls()[0].number)
    before = bytes_of(world)
    wish = Wish(Transition.UNDO, undoes=seen.pull.number)
    request = world.bot.ledger.file(world.path("pilot"), wish, "robin", world.now + timedelta(seconds=90))
    world.advance(minutes=2)
    done, why = world.answer(request) or (True, "")
    assert not done
    assert why.startswith("Since this was asked, pull request #2 (Reopen: Pilot) was merged.")
    assert bytes_of(world) == before


# What the clock does then --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [False, True], ids=["", "ledger lost"])
def test_an_undone_opening_waits_for_a_person_however_long(tmp_path: Path, lost: bool) -> None:
    world, before = opened(tmp_path)
    undo(world)
    if lost:
        lose_the_ledger(world)
        world.bot.ledger.release("public", "robin", world.now)
    for days in (1, 3, 5):
        world.advance(days=days)
        assert world.pulls() == []
    assert bytes_of(world) == before
    world.ask("pilot", "open")
    world.tick()
    world.merge(world.pulls()[0].number)
    world.advance(minutes=5)
    assert world.said()[-1] == "Pilot: now open"


def test_an_opening_that_was_asked_for_and_is_undone_waits_like_the_clocks_own(tmp_path: Path) -> None:
    world = World(tmp_path, config=UNDO)
    world.write("pilot", **OPENING)
    world.tick()
    world.ask("pilot", "open")
    world.tick("2026-03-05T07:00")
    world.approve(max(pull.number for pull in world.pulls()))
    world.tick("2026-03-05T08:00")
    assert world.said() == ["Pilot: now open"]
    undo(world)
    for days in (1, 3):
        world.advance(days=days)
        assert world.pulls() == []
    assert "state: upcoming" in world.text("pilot")
    assert world.said() == ["Pilot: now open", "Pilot: a correction"]


def test_a_date_that_somebody_changes_after_an_undo_counts_even_where_it_is_past(tmp_path: Path) -> None:
    world, _ = opened(tmp_path)
    undo(world)
    world.advance(hours=1)
    world.change("pilot", "opens: March 5, 2026, 8:00 am EST", "opens: March 5, 2026")
    world.advance(hours=1)
    [pull] = world.pulls()
    assert pull.title == "Open: Pilot"


def test_an_undone_closing_after_its_date_waits_for_a_person(tmp_path: Path) -> None:
    world = World(tmp_path, config=UNDO)
    world.write("pilot", **CLOSING)
    world.tick("2026-03-20T09:00")
    world.tick("2026-03-20T23:59")
    assert world.said() == ["Pilot: closed"]
    undo(world)
    world.advance(days=2)
    assert "state: open" in world.text("pilot")
    assert world.pulls() == []
    world.ask("pilot", "close")
    world.tick()
    assert "state: closed" in world.text("pilot")


def test_an_early_closing_that_is_undone_still_comes_on_its_date(tmp_path: Path) -> None:
    world, before = closed(tmp_path, PRESTAGED)
    assert "close" in world.pulls(None)[0].branch
    undo(world)
    assert bytes_of(world) == before
    [fresh] = world.pulls()
    assert fresh.title == "Close: Pilot"
    world.tick("2026-03-20T23:59")
    assert "state: closed" in world.text("pilot")
    assert world.said() == ["Pilot: closed early", "Pilot: a correction", "Pilot: closed"]


def test_a_second_early_closing_after_an_undo_uses_what_is_prepared_and_ends_well(tmp_path: Path) -> None:
    world, _ = closed(tmp_path, PRESTAGED)
    undo(world)
    world.advance(hours=1)
    request = world.ask("pilot", "close", reason="filled")
    world.tick()
    answer = world.answer(request)
    assert answer
    assert answer[0]
    assert "state: closed" in world.text("pilot")


def test_after_an_undone_opening_an_extension_has_its_turn(tmp_path: Path) -> None:
    world, _ = opened(tmp_path, ASKED)
    undo(world)
    world.advance(hours=1)
    request = world.ask("pilot", "extend", closes="2026-03-27T23:59")
    world.tick()
    assert world.answer(request)
    assert "closes: March 27" in world.text("pilot")


def test_after_an_opening_that_somebody_reverted_by_hand_an_extension_has_its_turn(tmp_path: Path) -> None:
    world, _ = opened(tmp_path, ASKED)
    world.revert()
    world.advance(minutes=5)
    request = world.ask("pilot", "extend", closes="2026-03-27T23:59")
    world.tick()
    assert world.answer(request)
    assert "closes: March 27" in world.text("pilot")


def test_an_undone_opening_waits_for_a_person_also_under_another_name_of_its_file(tmp_path: Path) -> None:
    world, before = opened(tmp_path)
    undo(world)
    world.advance(hours=1)
    world.rename("pilot", "leader")
    for days in (1, 3):
        world.advance(days=days)
        assert world.pulls() == []
    assert world.text("leader").encode() == before
    assert world.said() == ["Pilot: now open", "Pilot: a correction"]


# What else has happened on the base branch ---------------------------------------------------------------------------


def test_what_somebody_changed_between_the_proposal_and_its_merge_is_there_after_an_undo(tmp_path: Path) -> None:
    world = World(tmp_path, config=UNDO.replace("when-due", "auto"))
    world.write("pilot", **OPENING)
    world.tick()
    world.tick("2026-03-04T09:00")
    assert len(world.pulls()) == 1
    world.write("pilot", world.text("pilot") + "\nOne more paragraph.\n")
    before = bytes_of(world)
    world.tick("2026-03-05T08:00")
    assert "state: open" in world.text("pilot")
    undo(world)
    assert bytes_of(world) == before


def test_what_was_merged_after_the_ledger_was_lost_can_be_taken_back(tmp_path: Path) -> None:
    world = World(tmp_path, config=UNDO)
    world.write("pilot", **OPENING)
    world.tick()
    world.tick("2026-03-04T09:00")
    before = bytes_of(world)
    lose_the_ledger(world)
    world.advance(hours=1)
    world.approve(world.pulls()[0].number)
    world.tick("2026-03-05T08:00")
    assert "state: open" in world.text("pilot")
    undo(world)
    assert bytes_of(world) == before
