"""Closed postings go to the archive in their turn: a few at a time, found again, and nobody hears of it."""

from pathlib import Path

import pytest

from postbot.core.plan.steps import Record
from tests.examples import ROOT
from tests.world import CONFIG, World, at, git, text_of

ARCHIVE = """\
archive:
  folder: {folder}
  after_days: 90
  permalink: permalink
  redirect: redirect_from
  addresses: {{"": "/{{folder}}/{{name}}.html"}}
"""
PAST = {"state": "closed", "opens": "March 1, 2025, 9:00 am EST"}
CLOSED = "---\ntitle: {title}\nstate: closed\nopens: 2025-03-01\ncloses: {closes}\n---\nJoin us.\n"


def archiving(
    folder: Path, merge: str = "review", archive: str = "positions/archive", kind: str = "jekyll-state"
) -> World:
    folder.mkdir(exist_ok=True)
    profile = (ROOT / f"config/profiles/{kind}.yaml").read_text() + ARCHIVE.format(folder=archive)
    (folder / "mine.yaml").write_text(profile.replace(f"name: {kind}", "name: mine"))
    config = CONFIG.replace("routes:", f"  archive: {{{{merge: {merge}}}}}\nroutes:", 1)
    return World(folder, profile="mine.yaml", config=config)


def files(world: World) -> list[str]:
    return git(world.people.bare, "ls-tree", "-r", "--name-only", "main", "--", "positions", "past").splitlines()


def test_ninety_days_after_its_closing_a_posting_is_moved_and_nobody_hears_of_it(tmp_path: Path) -> None:
    world = archiving(tmp_path)
    world.write("pilot", closes="March 20, 2026, 11:59 pm EDT", state="open", opens="March 1, 2026, 9:00 am EST")
    world.tick()
    world.tick("2026-03-20T23:59")
    text = world.text("pilot")
    assert world.said() == ["Pilot: closed"]
    world.tick("2026-06-18T23:58")
    assert world.pulls() == []
    world.tick("2026-06-18T23:59")
    [pull] = world.pulls()
    assert pull.title == "Archive: Pilot"
    assert sorted(pull.labels) == ["archive", "postbot"]
    assert "--- positions/pilot.md\n+++ positions/archive/pilot.md\n" in pull.body
    assert (
        git(world.people.bare, "log", "-1", "--format=%(trailers:key=Postbot-Transition,valueonly)", pull.branch)
        == "archive"
    )
    world.merge(pull.number)
    world.advance(hours=1)
    assert files(world) == ["positions/archive/pilot.md"]
    assert world.text("archive/pilot") == text
    world.tick("2027-06-18T23:59")
    assert (world.pulls(), world.said(), world.branches()) == ([], ["Pilot: closed"], [])
    assert [mail for mail in world.asked() if "waiting" not in mail.lower()] == []


def test_a_page_without_a_permalink_leaves_a_redirect_at_its_old_address(tmp_path: Path) -> None:
    world = archiving(tmp_path, "auto")
    world.write("pilot", CLOSED.format(title="Pilot", closes="2025-04-01"))
    world.tick()
    assert files(world) == ["positions/archive/pilot.md"]
    redirect = "redirect_from:\n  - /positions/pilot.html\n"
    assert world.text("archive/pilot") == CLOSED.format(title=f"Pilot\n{redirect}".strip(), closes="2025-04-01")
    assert (world.said(), world.asked()) == ([], [])


def test_years_of_closed_postings_go_a_few_at_a_time_the_oldest_first(tmp_path: Path) -> None:
    world = archiving(tmp_path)
    for number in range(20):
        world.write(f"job-{number:02}", closes=f"April {number + 1}, 2025, 11:59 pm EDT", **PAST)
    report = world.tick()
    assert report.plan.held is None
    assert [pull.title for pull in world.pulls()] == [f"Archive: Job {number:02}" for number in range(5)]
    world.reject(world.pulls()[0].number)
    world.merge(world.pulls()[0].number)
    world.advance(hours=1)
    assert [pull.title[-2:] for pull in world.pulls()] == ["02", "03", "04", "05", "06"]
    while waiting := world.pulls():
        for pull in waiting:
            world.merge(pull.number)
        assert world.advance(hours=1).plan.held is None
    assert files(world) == [
        *(f"positions/archive/job-{number:02}.md" for number in range(1, 20)),
        "positions/job-00.md",
    ]
    assert world.said() == []


def test_a_pull_request_that_is_open_does_not_give_up_its_turn(tmp_path: Path) -> None:
    world = archiving(tmp_path)
    for number in range(6):
        world.write(f"job-{number}", closes=f"April {number + 2}, 2025, 11:59 pm EDT", **PAST)
    world.tick()
    before = world.pulls()
    world.write("older", closes="April 1, 2025", **PAST)
    world.advance(hours=1)
    assert [pull.title for pull in world.pulls()] == [pull.title for pull in before]
    assert len(world.pulls(None)) == 5


def test_an_archive_that_merges_itself_empties_the_shelf_without_being_held(tmp_path: Path) -> None:
    world = archiving(tmp_path, "auto")
    for number in range(12):
        world.write(f"job-{number:02}", closes=f"April {number + 1}, 2025, 11:59 pm EDT", **PAST)
    for _ in range(3):
        assert world.advance(hours=1).plan.held is None
    assert all(path.startswith("positions/archive/") for path in files(world))
    assert world.mail() == []


def test_the_archive_keeps_no_closing_waiting(tmp_path: Path) -> None:
    world = archiving(tmp_path, "auto")
    for number in range(6):
        world.write(f"old-{number}", closes="April 1, 2025, 11:59 pm EDT", **PAST)
    for number in range(5):
        world.write(f"new-{number}", state="open", opens="March 1, 2026", closes="March 3, 2026, 9:00 am EST")
    world.tick()
    world.tick("2026-03-03T09:00")
    assert sorted(world.said()) == [f"New {number}: closed" for number in range(5)]


def test_one_that_cannot_be_archived_takes_no_turn(tmp_path: Path) -> None:
    world = archiving(tmp_path)
    for number in range(7):
        world.write(f"Job {number}", CLOSED.format(title=f"Job {number}", closes="2025-04-01"))
    world.write("pilot", closes="April 2, 2025", **PAST)
    problems = world.tick().plan.problems
    assert [pull.title for pull in world.pulls()] == ["Archive: Pilot"]
    assert sum("Nobody can tell for sure" in problem.message for problem in problems) == 7
    world.ask("Job 1", "archive")
    world.tick()
    assert any(
        "Nobody can tell for sure which address the page has now." in str(text_of(mail)) for mail in world.mail()
    )


def test_a_request_to_archive_is_carried_out_and_answered(tmp_path: Path) -> None:
    world = archiving(tmp_path, "auto")
    world.write("pilot", state="closed")
    world.tick("2027-03-02T09:00")
    assert files(world) == ["positions/pilot.md"]
    request = world.ask("pilot", "archive")
    world.tick()
    assert files(world) == ["positions/archive/pilot.md"]
    assert world.answer(request) == (True, "The posting is in the archive.")
    again = world.ask("archive/pilot", "archive")
    world.tick()
    assert world.answer(again) == (True, "The posting is in the archive.")


@pytest.mark.parametrize("how", ["clock", "request"])
def test_a_file_is_never_moved_over_another(tmp_path: Path, how: str) -> None:
    world = archiving(tmp_path, "auto")
    world.write("archive/pilot", state="closed")
    world.write("pilot", closes="April 2, 2025", **PAST)
    request = world.ask("pilot", "archive") if how == "request" else None
    for _ in range(2):
        world.advance(hours=1)
    assert files(world) == ["positions/archive/pilot.md", "positions/pilot.md"]
    assert world.pulls(None) == []
    if request:
        said = "There is a file positions/archive/pilot.md already, so positions/pilot.md cannot be moved there."
        assert world.answer(request) == (False, said)


@pytest.mark.parametrize("merge", ["auto", "review"])
def test_of_two_files_of_one_name_the_one_that_closed_first_is_moved(tmp_path: Path, merge: str) -> None:
    world = archiving(tmp_path, merge)
    for year in ("2024", "2025"):
        world.write(f"{year}/pilot", title=f"Pilot {year}", closes=f"April 2, {year}", **PAST | {"opens": "tbd"})
    world.tick()
    for pull in world.pulls():
        world.merge(pull.number)
    world.advance(hours=1)
    assert len(world.pulls(None)) == 1
    assert files(world) == ["positions/2025/pilot.md", "positions/archive/pilot.md"]
    assert "Pilot 2024" in world.text("archive/pilot")


def test_two_of_one_title_that_move_at_once_are_not_taken_for_each_other(tmp_path: Path) -> None:
    world = archiving(tmp_path)
    for name in ("1/b", "2/a"):
        world.write(name, CLOSED.format(title="Pilot", closes=f"2025-04-0{name[0]}"))
    world.tick()
    for pull in world.pulls():
        world.merge(pull.number)
    report = world.advance(hours=1)
    assert {step.witness.path: step.was for step in report.done if isinstance(step, Record)} == {
        "positions/archive/a.md": "positions/2/a.md",
        "positions/archive/b.md": "positions/1/b.md",
    }
    assert world.said() == []


def test_a_file_with_the_same_bytes_is_found_again_before_one_with_the_same_title(tmp_path: Path) -> None:
    world = World(tmp_path)
    for name in ("a", "b"):
        world.write(name, title="Pilot", state="open", closes="April 2, 2027")
    world.tick()
    world.change("b", "Join us", "Join us all")
    world.rename("b", "y")
    world.rename("a", "z")
    report = world.advance(hours=1)
    assert {step.witness.path: step.was for step in report.done if isinstance(step, Record)} == {
        "positions/y.md": "positions/b.md",
        "positions/z.md": "positions/a.md",
    }


def test_an_archive_outside_the_sites_folders_ends_the_story(tmp_path: Path) -> None:
    world = archiving(tmp_path, "auto", archive="past")
    world.write("pilot", closes="April 2, 2025", **PAST)
    world.write("other")
    request = world.ask("pilot", "archive")
    for _ in range(3):
        world.advance(hours=1)
    assert files(world) == ["past/pilot.md", "positions/other.md"]
    assert world.answer(request) == (True, "Pull request #1 is merged.")
    assert world.mail() == []


def test_a_person_who_puts_a_posting_back_has_the_last_word(tmp_path: Path) -> None:
    world = archiving(tmp_path, "auto")
    world.write("pilot", closes="April 2, 2025", **PAST)
    world.tick()
    world.rename("archive/pilot", "pilot")
    for _ in range(2):
        world.advance(hours=1)
    assert files(world) == ["positions/pilot.md"]


def test_a_lost_ledger_changes_nothing_for_the_archive(tmp_path: Path) -> None:
    world = archiving(tmp_path)
    world.write("pilot", closes="April 2, 2025", **PAST)
    world.write("other", closes="April 2, 2025", **PAST)
    world.tick()
    world.merge(world.pulls()[0].number)
    world.bot.ledger.close()
    for file in (tmp_path / ".postbot").glob("ledger.db*"):
        file.unlink()
    world.restart()
    world.advance(hours=1)
    assert len(world.pulls()) == 1
    assert len(world.pulls(None)) == 2


def test_what_is_to_come_shows_the_move_and_what_follows_from_it(tmp_path: Path) -> None:
    world = archiving(tmp_path)
    world.write("pilot", closes="March 20, 2026, 11:59 pm EDT", **PAST)
    world.tick()
    to_come, _ = world.bot.forecast(world.now, at("2026-08-01T00:00"))
    steps = [(found.at, type(found.step).__name__) for found in to_come]
    assert {when for when, _ in steps} == {at("2026-06-18T23:59")}
    assert [name for _, name in steps if name != "Note"] == ["Propose", "Merge", "Record"]
