"""How a position comes to open: what is asked for, who has to agree, who is reminded, and what a no means."""

from pathlib import Path

import pytest

from postbot.core.site import PullStatus
from tests.world import CONFIG, READY, World, git, text_of

LACKING = READY.replace("apply_url: https", "# apply_url: APPLICATION URL\n# https")
MARCH = {"opens": "March 9, 2026, 8:00 am EDT", "closes": "March 20, 2026, 11:59 pm EDT"}


def lacking(slug: str = "pilot", **words: str) -> str:
    """A posting that still lacks its apply link."""
    return LACKING.format(slug=slug, title="Pilot", state="upcoming", **(MARCH | words))


def merging(opening: str) -> str:
    return CONFIG.replace("merge: when-due", f"merge: {opening}")


# What is missing is asked for


def test_what_is_missing_is_asked_for_five_two_and_one_days_before_and_at_the_opening(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", lacking())
    heard = {}
    for when in (
        "03-04T06:59",
        "03-04T07:00",
        "03-06T12:00",
        "03-07T08:00",
        "03-08T08:00",
        "03-09T08:00",
        "03-12T08:00",
    ):
        world.tick(f"2026-{when}")
        heard[when] = len(world.asked())
    assert list(heard.values()) == [0, 1, 1, 2, 3, 4, 4]
    assert world.asked() == ["Pilot: not ready to open"] * 3 + ["Pilot: cannot open"]
    assert [(pull.title, pull.draft) for pull in world.pulls(None)] == [("Open: Pilot", True)]
    assert world.said() == []


def test_after_a_pause_only_the_latest_question_is_asked(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", lacking())
    world.tick()
    world.tick("2026-03-08T20:00")
    world.tick("2026-03-08T20:05")
    assert world.asked() == ["Pilot: not ready to open"]


def test_the_question_names_the_field_and_how_to_fill_it_in(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", lacking())
    world.tick("2026-03-04T08:00")
    [mail] = world.mail()
    assert "`apply_url` is commented out, waiting for APPLICATION URL." in text_of(mail)
    assert "postbot open pilot --set FIELD=VALUE" in text_of(mail)


def test_a_request_fills_in_what_is_missing_and_the_position_opens_on_its_day(tmp_path: Path) -> None:
    world = World(tmp_path, config=merging("auto"))
    world.write("pilot", lacking())
    world.tick("2026-03-05T10:00")
    request = world.ask("pilot", "open", apply_url="https://apply.example.gov/7")
    world.tick()
    [pull] = world.pulls()
    assert "state: upcoming" in world.text("pilot")
    assert world.answer(request) is None

    world.tick("2026-03-09T07:59")
    assert [p.number for p in world.pulls()] == [pull.number]
    world.tick("2026-03-09T08:00")
    assert "state: open\n" in world.text("pilot")
    assert "\napply_url: https://apply.example.gov/7\n" in world.text("pilot")
    assert world.answer(request) == (True, f"Pull request #{pull.number} is merged.")
    assert world.said() == ["Pilot: now open"]


def test_a_field_that_the_file_misspells_is_filled_in_under_the_name_that_it_has(tmp_path: Path) -> None:
    world = World(tmp_path)
    text = lacking().replace("---\nJoin", "# ohrm_comtact_email: 'ENTER OHRM CONTACT EMAIL'\n---\nJoin")
    world.write("pilot", text)
    world.tick()
    values = {"apply_url": "https://apply.example.gov/1", "ohrm_contact_email": "hr@agency.example"}
    request = world.ask("pilot", "open", **values)
    world.tick()
    assert world.answer(request) is None
    [pull] = world.pulls()
    after = pull.files[world.path("pilot")] or b""
    assert b"\nohrm_comtact_email: 'hr@agency.example'\n" in after


def test_a_request_that_still_lacks_something_is_refused_in_words(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", lacking())
    world.tick()
    request = world.ask("pilot", "open")
    world.tick()
    assert world.answer(request) == (False, "`apply_url` is commented out, waiting for APPLICATION URL.")
    assert world.asked() == ["positions/pilot.md: asked to open, not done"]
    assert world.pulls(None) == []


# Who merges


def test_under_review_a_position_waits_for_a_person_however_many_have_approved(tmp_path: Path) -> None:
    world = World(tmp_path, config=merging("review"))
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    [pull] = world.pulls()
    world.approve(pull.number)
    world.tick("2026-03-10T08:00")
    assert "state: upcoming" in world.text("pilot")
    world.merge(pull.number)
    world.tick()
    assert "state: open" in world.text("pilot")
    assert world.said() == ["Pilot: now open"]


def test_when_due_an_approval_after_the_date_opens_the_position_at_the_next_look(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.tick("2026-03-09T08:00")
    assert "state: upcoming" in world.text("pilot")
    world.approve(world.pulls()[0].number)
    world.tick("2026-03-09T11:00")
    assert world.said() == ["Pilot: now open"]
    assert "This notice is 3 hours late; the closing date stands." in text_of(world.mail()[-1])


def test_auto_opens_without_anybody(tmp_path: Path) -> None:
    world = World(tmp_path, config=merging("auto"))
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.tick("2026-03-09T08:00")
    assert world.said() == ["Pilot: now open"]


def test_reminders_come_at_once_after_four_hours_after_a_day_and_never_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.tick("2026-03-09T07:00")
    heard = []
    for _ in range(96):
        world.advance(hours=1)
        heard.append(len(world.asked()))
    assert [hour for hour, (a, b) in enumerate(zip([0, *heard], heard, strict=False)) if b > a] == [0, 4, 24]
    assert heard[-1] == 3
    assert set(world.asked()) == {"Pilot: pull request #1 waits for a person"}
    assert world.said() == []


# A no


def test_a_rejected_opening_stays_rejected_until_its_date_changes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.reject(world.pulls()[0].number)
    for _ in range(50):
        world.advance(hours=3)
    assert [pull.status for pull in world.pulls(None)] == [PullStatus.REJECTED]
    assert world.said() == []

    world.change("pilot", "March 9, 2026, 8:00", "March 16, 2026, 9:00")
    world.tick("2026-03-14T09:00")
    [pull] = world.pulls()
    world.approve(pull.number)
    world.tick("2026-03-16T09:00")
    assert world.said() == ["Pilot: now open"]


def test_a_deleted_branch_is_a_no(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    git(world.people.bare, "branch", "-D", world.branches()[0])
    world.advance(hours=1)
    world.advance(days=4)
    assert world.branches() == []
    assert "state: upcoming" in world.text("pilot")


def test_after_a_no_a_person_may_ask_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.reject(world.pulls()[0].number)
    world.tick()
    request = world.ask("pilot", "open")
    world.tick("2026-03-06T09:00")
    [pull] = world.pulls()
    world.approve(pull.number)
    world.tick("2026-03-09T08:00")
    assert world.said() == ["Pilot: now open"]
    assert world.answer(request) == (True, f"Pull request #{pull.number} is merged.")


def test_the_no_to_a_request_is_told_with_its_reason(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick()
    request = world.ask("pilot", "open", by="lee")
    world.tick()
    world.reject(world.pulls()[0].number, reason="the budget is gone")
    world.tick()
    assert world.answer(request) == (False, "robin closed pull request #1: the budget is gone.")
    assert world.asked() == ["positions/pilot.md: asked to open, not done"]
    assert "lee asked to open" in text_of(world.mail()[0])


# People at work on the same thing


def test_a_persons_commit_on_our_branch_makes_it_theirs(tmp_path: Path) -> None:
    world = World(tmp_path, config=merging("auto"))
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    [branch] = world.branches()
    world.touch(1, "pilot", "By hand.\n")
    theirs = git(world.people.bare, "rev-parse", branch)

    for when in ("2026-03-07T08:00", "2026-03-09T08:00", "2026-03-10T08:00"):
        world.tick(when)
    assert git(world.people.bare, "rev-parse", branch) == theirs
    assert "state: upcoming" in world.text("pilot")
    assert "Somebody has changed its branch" in text_of(world.mail()[0])

    world.merge(world.pulls()[0].number)
    world.tick()
    assert world.text("pilot").endswith("By hand.\n")
    assert world.said() == ["Pilot: now open"]


def test_a_persons_new_line_on_main_is_in_what_we_merge(tmp_path: Path) -> None:
    world = World(tmp_path, config=merging("auto"))
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.change("pilot", "Denver, CO", "Boulder, CO")
    world.tick("2026-03-09T08:00")
    assert "state: open" in world.text("pilot")
    assert "location: 'Boulder, CO'" in world.text("pilot")
    assert len(world.pulls(None)) == 1


def test_the_same_line_changed_by_a_person_wins(tmp_path: Path) -> None:
    world = World(tmp_path, config=merging("auto"))
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.change("pilot", "# series: '0301' ENTER SERIES IF DIFFERENT", "series: '2210'")
    world.tick("2026-03-09T08:00")
    assert "\nseries: '2210'\n" in world.text("pilot")
    assert "state: open" in world.text("pilot")
    assert world.said() == ["Pilot: now open"]


def test_a_position_that_a_person_opens_by_hand_needs_no_pull_request_any_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.change("pilot", "state: upcoming", "state: open")
    world.tick()
    assert world.branches() == []
    assert [pull.status for pull in world.pulls(None)] == [PullStatus.WITHDRAWN]
    assert world.said() == ["Pilot: now open"]


@pytest.mark.parametrize(
    ("date", "opening"), [("March 16, 2026, 8:00 am EDT", "2026-03-16T08:00"), ("March 7, 2026", "2026-03-07T00:00")]
)
def test_a_moved_date_takes_the_old_pull_request_back_and_opens_at_the_new_time(
    tmp_path: Path, date: str, opening: str
) -> None:
    world = World(tmp_path, config=merging("auto"))
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    [old] = world.branches()
    world.change("pilot", MARCH["opens"], date)
    world.tick("2026-03-06T09:00")
    assert old not in world.branches()
    for when in ("2026-03-06T23:59", "2026-03-07T00:00", "2026-03-09T08:00", "2026-03-16T07:59", "2026-03-16T08:00"):
        world.tick(when)
        assert ("state: open" in world.text("pilot")) == (when >= opening)
    assert world.said() == ["Pilot: now open"]


def test_a_posting_made_incomplete_again_makes_its_pull_request_a_draft(tmp_path: Path) -> None:
    world = World(tmp_path, config=merging("auto"))
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.change("pilot", "apply_url: https", "# apply_url: APPLICATION URL\n# https")
    world.tick("2026-03-09T08:00")
    assert [pull.draft for pull in world.pulls(None)] == [True]
    assert "state: upcoming" in world.text("pilot")
    assert world.asked() == ["Pilot: cannot open"]


def test_a_squash_merged_by_hand_is_seen_by_its_content(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick("2026-03-06T08:00")
    world.people.fetch(world.branches()[0])
    git(world.repo, "merge", "-q", "--squash", world.branches()[0])
    world.commit("Open the pilot")
    world.tick("2026-03-06T12:00")
    assert [pull.status for pull in world.pulls(None)] == [PullStatus.MERGED]
    assert world.said() == ["Pilot: now open"]
    world.tick("2026-03-09T08:00")
    assert world.said() == ["Pilot: now open"]


# Never open


def test_a_position_that_never_got_ready_closes_with_a_word_to_the_staff_and_none_to_the_list(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", lacking())
    world.tick()
    world.tick("2026-03-12T08:00")
    world.tick("2026-03-20T23:59")
    assert "state: closed" in world.text("pilot")
    assert world.asked()[-1] == "Pilot: never opened"
    told = world.read("Pilot: never opened")
    assert "from Monday, March 9, 2026, 8:00 am EDT to Friday, March 20, 2026, 11:59 pm EDT, never was" in told
    assert world.said() == []


def test_a_position_that_is_cancelled_before_its_opening_was_not_missed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("pilot", **MARCH)
    world.tick()
    world.change("pilot", "state: upcoming", "state: closed")
    world.advance(minutes=5)
    assert world.mail() == []
