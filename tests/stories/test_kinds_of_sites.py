"""The same life on sites where the dates decide, and how an early closing is written there."""

from pathlib import Path

from tests.world import CONFIG, World, git

AUTO = CONFIG.replace("merge: when-due", "merge: auto")
DATES = """\
---
title: "Pilot"

# The opening and closing dates, as YYYY-MM-DD.
opens: 2026-03-09
closes: 2026-03-20  # end of day

application link: https://apply.example.gov/pilot
---
Join us.
"""
HUGO = """\
---
title: Pilot
publishDate: 2026-03-09T08:00:00-04:00
expiryDate: 2026-03-20T23:59:00-04:00
# 0 -- hidden
# 1 -- visible
weight: 0
---
Join us.
"""
LIFE = ["2026-03-02T09:00", "2026-03-08T23:59", "2026-03-09T08:00", "2026-03-12T15:00"]


def lived(folder: Path, profile: str, text: str, config: str = AUTO) -> World:
    world = World(folder, profile=profile, postings="content" if profile == "hugo" else "positions", config=config)
    world.write("pilot", text)
    for when in LIFE:
        world.tick(when)
    assert world.said() == ["Pilot: now open"]
    return world


def test_where_the_dates_decide_nothing_is_edited_and_everything_is_told(tmp_path: Path) -> None:
    world = lived(tmp_path, "jekyll-dates", DATES)
    world.tick("2026-03-21T00:00")
    assert world.said() == ["Pilot: now open", "Pilot: closed"]
    assert "late" not in world.read("Pilot: now open")
    assert "Apply by: Friday, March 20, 2026, 11:59 pm EDT" in world.read("Pilot: now open")
    assert world.text("pilot") == DATES
    assert world.pulls(None) == []


def test_an_opening_by_date_without_its_link_is_asked_for(tmp_path: Path) -> None:
    world = World(tmp_path, profile="jekyll-dates")
    world.write("pilot", DATES.replace("application link", "# application link"))
    world.tick("2026-03-04T09:00")
    assert world.asked() == ["Pilot: not ready to open"]


def test_closing_early_by_a_field_of_its_own_keeps_the_announced_date_readable(tmp_path: Path) -> None:
    world = lived(tmp_path, "jekyll-dates", DATES)
    world.ask("pilot", "close", reason="filled")
    world.tick()
    assert world.text("pilot") == DATES.replace("end of day\n", "end of day\nclosed_on: 2026-03-12\n")
    assert world.said() == ["Pilot: now open", "Pilot: closed early"]
    assert "Announced date: Friday, March 20, 2026, 11:59 pm EDT" in world.read("Pilot: closed early")
    world.tick("2026-03-21T00:00")
    assert len(world.said()) == 2


def test_closing_early_by_a_back_date_says_so_to_the_reviewer_and_is_told_as_early(tmp_path: Path) -> None:
    config = AUTO.replace("  timezone:", "  early_close: back-date\n  timezone:").replace(
        "close: {{lead: 2 days, merge: auto}}", "close: {{lead: 2 days, merge: review}}"
    )
    world = lived(tmp_path, "jekyll-dates", DATES, config)
    world.ask("pilot", "close", reason="filled")
    world.tick()
    [pull] = world.pulls()
    assert "`closes` is set to yesterday, 2026-03-11, which is not the day it closes" in pull.body
    assert "(2026-03-20)" in pull.body
    world.merge(pull.number)
    world.tick()
    assert world.text("pilot") == DATES.replace("2026-03-20", "2026-03-11")
    assert world.said() == ["Pilot: now open", "Pilot: closed early"]
    assert "Announced date: Friday, March 20, 2026, 11:59 pm EDT" in world.read("Pilot: closed early")


def test_a_hugo_page_opens_and_closes_and_its_weight_follows(tmp_path: Path) -> None:
    world = lived(tmp_path, "hugo", HUGO)
    assert world.text("pilot") == HUGO.replace("weight: 0", "weight: 1")
    world.tick("2026-03-20T23:59")
    assert world.text("pilot") == HUGO
    assert world.said() == ["Pilot: now open", "Pilot: closed"]


def test_a_weight_that_waits_for_its_reviewer_is_not_forgotten_once_the_date_has_passed(tmp_path: Path) -> None:
    world = World(tmp_path, profile="hugo", postings="content")
    world.write("pilot", HUGO)
    world.tick("2026-03-08T09:00")
    world.tick("2026-03-10T09:00")
    [pull] = world.pulls()
    world.approve(pull.number)
    world.advance(hours=1)
    assert "weight: 1" in world.text("pilot")


def test_closing_a_hugo_page_early_sets_its_expiry_to_the_present_moment(tmp_path: Path) -> None:
    world = lived(tmp_path, "hugo", HUGO)
    world.ask("pilot", "close", reason="filled")
    world.tick()
    world.advance(minutes=1)
    assert "2026-03-12T15:00:00-04:00" in world.text("pilot")
    assert world.said() == ["Pilot: now open", "Pilot: closed early"]
    changed = git(world.repo, "diff", "--numstat", "HEAD~1", "HEAD", "--", "content")
    assert changed.split()[:2] == ["2", "2"]


def test_a_hugo_draft_is_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path, profile="hugo", postings="content")
    world.write("pilot", HUGO.replace("weight: 0", "draft: true\nweight: 0"))
    world.tick()
    world.tick("2026-03-10T09:00")
    world.tick("2026-04-10T09:00")
    assert (world.pulls(None), world.mail()) == ([], [])
