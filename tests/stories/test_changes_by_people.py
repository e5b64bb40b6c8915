"""People change the site while postbot looks after it: what the list hears follows the base branch, and only that."""

from pathlib import Path

import pytest

from postbot.core.site import PullStatus
from tests.world import CONFIG, World, text_of

OPEN = {"state": "open", "opens": "March 1, 2026", "closes": "March 20, 2026, 11:59 pm EDT"}


def begun(folder: Path, **words: str) -> World:
    """A site with an open position and another one that nothing happens to, both known to the bot."""
    world = World(folder)
    world.write("pilot", **(OPEN | words))
    world.write("baker")
    world.tick()
    return world


# Moved, renamed, deleted


def test_a_renamed_posting_is_the_same_posting(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.rename("pilot", "harbour-pilot")
    world.advance(hours=1)
    assert world.mail() == []
    world.tick("2026-03-20T23:59")
    assert world.said() == ["Pilot: closed"]


def test_a_posting_renamed_and_edited_at_once_is_the_same_posting(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.change("pilot", "Denver", "Boulder")
    world.rename("pilot", "harbour-pilot")
    world.advance(hours=1)
    assert world.mail() == []


def test_a_posting_renamed_while_its_closing_waits_closes_under_its_new_name(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-19T00:00")
    assert len(world.branches()) == 1
    world.rename("pilot", "harbour-pilot")
    world.tick("2026-03-19T01:00")
    assert len(world.branches()) == 1
    world.tick("2026-03-21T00:00")
    assert "state: closed" in world.text("harbour-pilot")
    assert world.said() == ["Pilot: closed"]


def test_a_posting_deleted_while_open_is_told_to_the_staff_once_and_to_nobody_else(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.remove("pilot")
    for _ in range(3):
        world.advance(hours=1)
    world.tick("2026-03-25T00:00")
    assert world.asked() == ["Pilot: gone from the site"]
    assert world.said() == []


def test_a_posting_deleted_by_mistake_comes_back_without_a_word_to_the_list(tmp_path: Path) -> None:
    world = begun(tmp_path, state="upcoming", opens="TBD")
    world.change("pilot", "opens: TBD", "opens: March 1, 2026")
    world.change("pilot", "state: upcoming", "state: open")
    world.advance(hours=1)
    text = world.text("pilot")
    world.remove("pilot")
    world.advance(hours=1)
    world.write("pilot", text)
    world.advance(hours=1)
    assert world.said() == ["Pilot: now open"]


def test_a_name_used_again_a_year_later_is_a_new_position_that_the_list_hears_of(tmp_path: Path) -> None:
    world = begun(tmp_path, state="upcoming", opens="March 5, 2026")
    world.tick("2026-03-05T00:00")
    world.merge(1)
    world.tick()
    world.tick("2026-03-25T00:00")
    world.remove("pilot")
    world.advance(days=200)
    world.write("pilot", opens="March 8, 2027", closes="March 19, 2027")
    world.tick("2027-03-08T00:00")
    world.merge(world.pulls()[0].number)
    world.tick()
    world.tick("2027-03-20T00:00")
    assert world.said() == ["Pilot: now open", "Pilot: closed"] * 2


# Broken


def test_a_posting_broken_while_open_is_told_once_for_each_text_and_comes_back_without_a_word(tmp_path: Path) -> None:
    world = begun(tmp_path)
    good = world.text("pilot")
    for bad in ("title: 'Pilot\n", "title: \tx: y\n"):
        world.write("pilot", good.replace("title: Pilot\n", bad))
        world.advance(hours=1)
        world.advance(hours=1)
    assert world.asked() == ["positions/pilot.md: needs a hand"] * 2
    world.write("pilot", good)
    world.advance(hours=1)
    assert world.said() == []
    world.tick("2026-03-20T23:59")
    assert world.said() == ["Pilot: closed"]


def test_a_window_that_ends_before_it_begins_moves_nothing_and_is_told_to_the_staff_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", opens="March 20, 2026", closes="March 10, 2026")
    world.tick()
    for day in ("2026-03-09T09:00", "2026-03-12T09:00", "2026-03-21T09:00"):
        world.tick(day)
    assert "state: upcoming" in world.text("pilot")
    assert (world.pulls(None), world.said()) == ([], [])
    assert world.asked() == ["positions/pilot.md: needs a hand"]


def test_a_broken_posting_keeps_no_other_from_its_date(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.write("clerk", **OPEN)
    world.tick()
    world.change("clerk", "title: Clerk", "title: 'Clerk")
    world.tick("2026-03-20T23:59")
    assert world.said() == ["Clerk: now open", "Pilot: closed"]
    assert "state: open" in world.text("clerk")


# The state, by hand


def test_a_state_changed_by_hand_is_news_like_any_other(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.change("pilot", "state: open", "state: closed")
    world.advance(minutes=5)
    assert world.said() == ["Pilot: closed early"]


def test_flips_between_two_looks_are_no_news(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.change("pilot", "state: open", "state: closed")
    world.change("pilot", "state: closed", "state: open")
    world.advance(minutes=5)
    assert world.mail() == []


def test_flips_seen_by_three_looks_are_told_as_they_were(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.change("pilot", "state: open", "state: closed")
    world.advance(minutes=5)
    world.change("pilot", "state: closed", "state: open")
    world.advance(minutes=5)
    assert world.said() == ["Pilot: closed early", "Pilot: open again"]


def test_a_person_who_reverts_our_closing_is_not_overruled(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-20T23:59")
    world.revert()
    for _ in range(10):
        world.advance(hours=3)
    assert "state: open" in world.text("pilot")
    assert world.said() == ["Pilot: closed", "Pilot: open again"]

    world.change("pilot", "March 20", "March 27")
    world.tick("2026-03-24T09:00")
    world.tick("2026-03-27T23:59")
    assert "state: closed" in world.text("pilot")
    assert world.said() == ["Pilot: closed", "Pilot: open again", "Pilot: more time to apply", "Pilot: closed"]


def test_an_opening_taken_back_by_hand_is_not_opened_again_for_the_same_date(tmp_path: Path) -> None:
    world = World(tmp_path, config=CONFIG.replace("merge: when-due", "merge: auto"))
    world.write("pilot", opens="March 5, 2026, 8:00 am EST", closes="March 20, 2026")
    world.tick()
    world.tick("2026-03-05T08:00")
    world.change("pilot", "state: open", "state: upcoming")
    world.advance(hours=1)
    world.advance(hours=9)
    assert "state: upcoming" in world.text("pilot")
    assert world.said() == ["Pilot: now open", "Pilot: postponed"]


@pytest.mark.parametrize(
    ("date", "subject"),
    [
        ("March 27, 2026, 11:59 pm EDT", "Pilot: more time to apply"),
        ("March 10, 2026", "Pilot: closing date corrected"),
    ],
)
def test_a_closing_date_moved_by_hand_is_told_and_kept(tmp_path: Path, date: str, subject: str) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-09T09:00")
    world.change("pilot", OPEN["closes"], date)
    world.advance(minutes=5)
    assert world.said() == [subject]
    world.tick("2026-03-28T00:00")
    assert world.said() == [subject, "Pilot: closed"]


def test_a_closing_date_moved_later_while_its_pull_request_is_open_keeps_the_position_open(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-19T00:00")
    world.change("pilot", "March 20", "March 27")
    world.tick("2026-03-20T23:59")
    assert "state: open" in world.text("pilot")
    assert [pull.status for pull in world.pulls(None)] == [PullStatus.WITHDRAWN]
    world.tick("2026-03-27T23:59")
    assert world.said() == ["Pilot: more time to apply", "Pilot: closed"]


def test_a_field_uncommented_by_hand_under_an_open_pull_request_has_it_made_anew_and_merged(tmp_path: Path) -> None:
    world = World(tmp_path, config=CONFIG.replace("merge: when-due", "merge: auto"))
    world.write("pilot", opens="March 5, 2026, 8:00 am EST", closes="March 20, 2026")
    world.tick("2026-03-04T09:00")
    (made,) = world.pulls()
    world.change("pilot", "# series: '0301' ENTER SERIES IF DIFFERENT", "series: '0301'")
    world.tick("2026-03-04T10:00")
    (again,) = world.pulls()
    assert (again.number, again.files, again.stale) == (made.number, made.files, False)
    world.tick("2026-03-05T08:00")
    assert world.said() == ["Pilot: now open"]


def test_a_position_reopened_months_later_is_announced_once_as_open_again(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-20T23:59")
    world.tick("2026-09-01T09:00")
    world.change("pilot", "state: closed", "state: upcoming")
    world.change("pilot", "March 1, 2026", "September 8, 2026")
    world.change("pilot", "March 20, 2026", "September 18, 2026")
    world.tick("2026-09-07T09:00")
    world.approve(world.pulls()[0].number)
    world.tick("2026-09-08T00:00")
    world.tick("2026-09-08T00:05")
    world.tick("2026-09-18T23:59")
    assert world.said() == ["Pilot: closed", "Pilot: open again", "Pilot: closed"]


# Pages that are no postings


@pytest.mark.parametrize("slug", ["zz_template_position", "README", "_draft"])
def test_templates_and_hidden_pages_are_left_alone(tmp_path: Path, slug: str) -> None:
    world = World(tmp_path)
    world.write(slug, **OPEN)
    world.write("baker")
    world.tick()
    before = world.text(slug)
    world.tick("2026-06-01T09:00")
    assert world.text(slug) == before
    assert (world.pulls(None), world.mail()) == ([], [])


@pytest.mark.parametrize("state", ["draft", "ENTER STATE HERE", "opem"])
def test_a_page_in_no_known_state_is_left_alone(tmp_path: Path, state: str) -> None:
    world = World(tmp_path)
    world.write("pilot", **(OPEN | {"state": state}))
    world.tick()
    world.tick("2026-06-01T09:00")
    assert f"state: {state}" in world.text("pilot")
    assert (world.pulls(None), world.mail()) == ([], [])


# New and broken


BAD = "---\ntitle: 'Pilot\nstate: open\n---\nJoin us.\n"


def test_a_new_file_that_does_not_load_is_told_once_for_each_text(tmp_path: Path) -> None:
    world = begun(tmp_path)
    for text in (BAD, BAD.replace("Pilot", "Tug Pilot")):
        world.write("tug", text)
        world.advance(minutes=5)
        world.advance(minutes=5)
    assert world.asked() == ["positions/tug.md: needs a hand"] * 2


def test_a_new_posting_whose_state_cannot_be_read_is_told(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.write("tug", state="opne")
    world.advance(minutes=5)
    assert world.asked() == ["positions/tug.md: needs a hand"]
    assert "`opne` is no state" in text_of(world.mail()[0])


@pytest.mark.parametrize(("name", "text"), [("notes", "No posting at all.\n"), ("_template", BAD), ("README", BAD)])
def test_a_new_file_that_is_meant_for_something_else_is_nobodys_business(tmp_path: Path, name: str, text: str) -> None:
    world = begun(tmp_path)
    world.write(name, text)
    world.advance(minutes=5)
    assert world.mail() == []


def test_what_was_broken_before_the_first_run_is_told_only_once_it_changes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("tug", BAD)
    for _ in range(3):
        world.advance(minutes=5)
    assert world.mail() == []
    world.write("tug", BAD.replace("Pilot", "Tug Pilot"))
    world.advance(minutes=5)
    assert world.asked() == ["positions/tug.md: needs a hand"]
