"""The whole life, as sentences."""

from pathlib import Path

from tests.world import World


def test_a_position_opens_on_time_once_a_person_has_approved_and_the_list_hears_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("data-engineer", opens="March 9, 2026, 8:00 am EDT", closes="March 20, 2026, 11:59 pm EDT")
    world.tick()
    assert world.pulls() == []

    world.tick("2026-03-06T08:00")
    [pull] = world.pulls()
    assert pull.title == "Open: Data Engineer"
    world.approve(pull.number)
    world.tick("2026-03-09T07:59")
    assert world.said() == []

    world.tick("2026-03-09T08:00")
    assert "state: open\n" in world.text("data-engineer")
    assert "series: '0301'\n" in world.text("data-engineer")
    assert world.said() == ["Data Engineer: now open"]
    assert world.branches() == []

    world.tick("2026-03-09T08:05")
    assert world.said() == ["Data Engineer: now open"]


def test_the_closing_day_passes_and_the_list_hears_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("data-engineer", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    world.tick()
    world.tick("2026-03-20T23:58")
    assert "state: open" in world.text("data-engineer")
    world.tick("2026-03-20T23:59")
    assert "state: closed" in world.text("data-engineer")
    assert world.said() == ["Data Engineer: closed"]


def test_after_a_long_pause_a_posting_goes_straight_to_closed_without_an_open_notice(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("data-engineer", opens="March 9, 2026", closes="March 20, 2026")
    world.tick()
    world.tick("2026-06-01T09:00")
    assert "state: closed" in world.text("data-engineer")
    assert world.said() == []


def test_a_second_tick_of_an_unchanged_world_does_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("data-engineer", state="open", opens="March 1, 2026", closes="March 3, 2026")
    world.tick()
    world.tick("2026-03-05T00:00")
    assert world.tick().done == []
    world.restart()
    assert world.tick().done == []
