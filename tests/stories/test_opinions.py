"""What people say of a pull request elsewhere than on its page, as from Slack: it counts there as it would here."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbot.core.plan.memory import Opinion, Said
from postbot.core.plan.people import digest
from postbot.core.site import Pull, PullStatus
from tests.world import CONFIG, World

OPENS = "March 9, 2026, 8:00 am EDT"
DUE = "2026-03-09T08:00"


def prepared(folder: Path, config: str = CONFIG) -> World:
    """A site whose opening is prepared and waits for a yes."""
    world = World(folder, config=config)
    world.write("pilot", opens=OPENS, closes="March 20, 2026, 11:59 pm EDT")
    world.tick()
    world.tick("2026-03-07T09:00")
    assert len(world.pulls()) == 1
    return world


def say(world: World, said: Said, by: str = "ann", words: str = "", until: datetime | None = None) -> Pull:
    [pull] = world.pulls()
    about = digest(pull, world.bot.observe().snapshot.files)
    world.bot.ledger.opine(Opinion(pull.branch, about, said, by, world.now, words, until), world.path("pilot"))
    return pull


def test_a_yes_from_elsewhere_lets_it_be_merged_when_it_is_due(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    say(world, Said.APPROVE)
    world.advance(minutes=1)
    assert "state: upcoming" in world.text("pilot")
    world.tick(DUE)
    assert "state: open" in world.text("pilot")


def test_a_yes_to_other_lines_is_none(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    said_to = say(world, Said.APPROVE)
    world.change("pilot", "# series: '0301'", "# series: '0401'")
    world.tick("2026-03-08T09:00")
    [pull] = world.pulls()
    assert (pull.number, b"\nseries: '0401'" in pull.files[world.path("pilot")]) == (said_to.number, True)
    world.tick(DUE)
    assert "state: upcoming" in world.text("pilot")


def test_a_yes_holds_while_the_rest_of_the_file_moves_on(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    say(world, Said.APPROVE)
    world.write("pilot", world.text("pilot") + "\nOne more paragraph.\n")
    world.tick("2026-03-08T09:00")
    world.tick(DUE)
    assert "state: open" in world.text("pilot")
    assert "One more paragraph." in world.text("pilot")


@pytest.mark.parametrize("merge", ["when-due", "auto"])
def test_who_asks_for_changes_keeps_it_from_being_merged_until_they_say_yes(tmp_path: Path, merge: str) -> None:
    world = prepared(tmp_path, CONFIG.replace("when-due", merge))
    say(world, Said.APPROVE, "bo")
    say(world, Said.CHANGES, "ann", "The salary is wrong")
    world.tick(DUE)
    assert "state: upcoming" in world.text("pilot")
    world.advance(hours=5)
    assert "ann asks for changes: The salary is wrong." in "\n".join(world.beside(1))
    say(world, Said.APPROVE, "ann")
    world.advance(minutes=1)
    assert "state: open" in world.text("pilot")


def test_somebody_elses_later_yes_lifts_a_no_whose_giver_may_be_away(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    say(world, Said.APPROVE, "bo")
    world.advance(minutes=1)
    say(world, Said.CHANGES, "ann", "The salary is wrong")
    world.tick(DUE)
    assert "state: upcoming" in world.text("pilot")
    say(world, Said.APPROVE, "bo")
    world.advance(minutes=1)
    assert "state: open" in world.text("pilot")


def test_who_asked_does_not_lift_a_no_where_their_yes_does_not_count(tmp_path: Path) -> None:
    world = World(tmp_path, config=f"{CONFIG}approval: {{{{two_people: true}}}}\n")
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    world.tick()
    world.ask("pilot", "close", by="ann")
    world.advance(minutes=1)
    for said, by in ((Said.APPROVE, "bo"), (Said.CHANGES, "cid"), (Said.APPROVE, "ann")):
        say(world, said, by)
    world.advance(minutes=1)
    assert "state: open" in world.text("pilot")
    say(world, Said.APPROVE, "bo")
    world.advance(minutes=1)
    assert "state: closed" in world.text("pilot")


def test_a_yes_of_the_first_seconds_counts_though_the_hosts_clock_is_a_little_ahead(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    world.now -= timedelta(seconds=30)
    say(world, Said.APPROVE)
    world.tick(DUE)
    assert "state: open" in world.text("pilot")


def test_what_is_put_off_is_closed_and_comes_back_on_its_date_and_then_waits_for_a_yes(tmp_path: Path) -> None:
    world = prepared(tmp_path, CONFIG.replace("when-due", "auto"))
    say(world, Said.APPROVE, "bo")  # for another day
    say(world, Said.SNOOZE, until=world.now + timedelta(days=4))
    world.advance(minutes=1)
    [pull] = world.pulls(None)
    assert pull.status is PullStatus.WITHDRAWN
    world.tick(DUE)
    assert world.pulls() == []
    world.tick("2026-03-11T10:00")
    assert [each.status for each in world.pulls(None)] == [PullStatus.OPEN]
    assert "state: upcoming" in world.text("pilot")
    say(world, Said.APPROVE, "bo")
    world.advance(minutes=1)
    assert "state: open" in world.text("pilot")
    assert len(world.pulls(None)) == 1


def test_a_yes_from_before_it_was_put_off_on_its_page_is_none_for_what_comes_again(tmp_path: Path) -> None:
    world = prepared(tmp_path, CONFIG.replace("when-due", "auto"))
    say(world, Said.APPROVE, "bo")
    world.advance(hours=1)
    world.reject(1, reason="ask me on March 9, 2026")
    world.tick(DUE)
    assert [pull.again for pull in world.pulls()] == [True]
    assert "state: upcoming" in world.text("pilot")


def test_who_says_yes_after_all_ends_the_putting_off(tmp_path: Path) -> None:
    world = prepared(tmp_path)
    pull = say(world, Said.SNOOZE, until=world.now + timedelta(days=4))
    world.advance(minutes=1)
    world.bot.ledger.opine(Opinion(pull.branch, "", Said.APPROVE, "ann", world.now), world.path("pilot"))
    world.advance(minutes=1)
    assert [each.status for each in world.pulls(None)] == [PullStatus.OPEN]


def test_the_rule_of_two_people_counts_a_yes_from_elsewhere(tmp_path: Path) -> None:
    people = "approval: {{two_people: true}}\n"
    world = World(tmp_path, config=CONFIG + people)
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    world.tick()
    world.ask("pilot", "close", by="ann")
    world.tick("2026-03-02T10:00")
    say(world, Said.APPROVE, "ann")
    world.advance(minutes=1)
    assert "state: open" in world.text("pilot")
    say(world, Said.APPROVE, "bo")
    world.advance(minutes=1)
    assert "state: closed" in world.text("pilot")


def test_a_closing_that_comes_late_does_not_go_before_what_was_asked_in_time_and_whose_no_is_lifted(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, config=CONFIG)
    world.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    world.tick()
    request = world.ask("pilot", "extend", closes="2026-03-27")
    world.tick()  # a person merges it
    say(world, Said.CHANGES, "ben", "Too long")
    say(world, Said.APPROVE, "cid")
    settings = world.folder / "postbot.yaml"
    by_itself = "transitions:\n  extend: {lead: 0 days, merge: auto}\n"
    settings.write_text(settings.read_text().replace("transitions:\n", by_itself))
    world.restart()
    world.tick("2026-03-21T00:10")  # it was away since
    world.advance(minutes=1)
    assert world.answer(request) == (True, "Pull request #1 is merged.")
    assert "state: open" in world.text("pilot")
    assert len(world.pulls(None)) == 1
