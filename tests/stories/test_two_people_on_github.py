"""Who may let what be merged on GitHub, and what must not stop a tick: told against people who do their worst."""

from datetime import timedelta
from pathlib import Path

from postbot.core.plan.memory import Said
from postbot.core.site import Standing
from tests.stories.test_opinions import say
from tests.twins.github.client import Twin
from tests.world import CONFIG, Clone, World, git

KEPT = ("GitHub",)
TWO = "approval: {{two_people: true}}\n"
MARCH = {"opens": "March 9, 2026", "closes": "March 20, 2026, 11:59 PM EDT"}


def twin_of(world: World) -> Twin:
    assert isinstance(world.people, Clone)
    return world.people.twin


def begun(folder: Path, config: str = CONFIG + TWO) -> World:
    world = World(folder, config=config)
    world.write("pilot", state="open", **MARCH)
    world.tick("2026-03-10T09:00")
    return world


def test_what_the_clock_does_by_itself_is_no_pass_for_what_somebody_else_has_pushed(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.tick("2026-03-19T09:00")
    assert world.pulls()[0].standing.approved is True
    twin_of(world).push(world.branches()[0], {"index.html": "EVIL"}, by="mallory")
    world.advance(minutes=5)
    assert (world.pulls()[0].standing.approved, world.pulls()[0].untouched) == (False, False)


def test_an_approval_is_not_carried_over_to_an_amended_commit(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.ask("pilot", "extend", by="ann", closes="2026-04-20")
    world.tick()
    [pull] = world.pulls()
    world.approve(pull.number, by="bo")
    assert world.pulls()[0].approved_by == ("bo",)
    twin_of(world).amend(pull.branch, {"positions/pilot.md": "EVIL"}, by="ann")
    world.advance(minutes=5)
    assert (world.pulls()[0].approved_by, world.pulls()[0].standing.approved) == ((), False)


def test_a_verdict_that_somebody_sets_for_themselves_is_written_over(tmp_path: Path) -> None:
    world = begun(tmp_path)
    world.ask("pilot", "extend", by="ann", closes="2026-04-20")
    world.tick()
    [pull] = world.pulls()
    waits = Standing("", approved=False, verdict="Waits for somebody other than ann.")
    assert pull.standing == waits
    twin_of(world).status(pull.head, "postbot/approval", "success", "Fine.", by="ann")
    assert world.pulls()[0].standing.approved is None
    world.advance(minutes=5)
    assert world.pulls()[0].standing == waits


def test_an_approval_by_a_stranger_or_a_robot_merges_nothing(tmp_path: Path) -> None:
    world = begun(
        tmp_path, CONFIG.replace("close: {{lead: 2 days, merge: auto}}", "close: {{lead: 2 days, merge: when-due}}")
    )
    world.tick("2026-03-19T09:00")
    [pull] = world.pulls()
    twin_of(world).people("mallory", collaborator=False)
    twin_of(world).review(pull.number, by="mallory")
    world.tick("2026-03-20T23:59")
    assert "state: open" in world.text("pilot")


def test_labels_that_are_known_in_another_case_keep_nothing_from_being_merged(tmp_path: Path) -> None:
    world = begun(tmp_path, CONFIG)
    for name in ("Postbot", "CLOSE"):
        twin_of(world).make_label(name)
    world.tick("2026-03-19T09:00")
    twin_of(world).reset_requests()
    world.tick("2026-03-19T10:00")
    assert twin_of(world).routes()["PATCH issue"] == 0
    world.tick("2026-03-20T23:59")
    assert world.said() == ["Pilot: closed"]


def test_what_github_forbids_for_one_pull_request_stops_no_other(tmp_path: Path) -> None:
    world = begun(tmp_path, CONFIG)
    world.write("baker", state="open", **MARCH)
    world.tick("2026-03-19T09:00")
    twin_of(world).fault("403-forbidden", "PUT merge")
    report = world.tick("2026-03-20T23:59")
    assert [why for _, why in report.refused if "forbids" in why]
    world.advance(minutes=5)
    assert sorted(world.said()) == ["Baker: closed", "Baker: now open", "Pilot: closed"]


def test_nothing_is_merged_before_github_knows_that_it_can_be(tmp_path: Path) -> None:
    world = begun(tmp_path, CONFIG)
    world.tick("2026-03-19T09:00")
    [pull] = world.pulls()
    twin_of(world).check(pull.head, "build", "failure")
    world.tick("2026-03-20T23:59")
    assert "state: open" in world.text("pilot")
    assert world.pulls()[0].blocked == "A check has not passed."
    twin_of(world).check(pull.head, "build", "success")
    world.advance(minutes=5)
    assert world.said() == ["Pilot: closed"]


def test_a_path_can_say_nothing_in_a_commit_message(tmp_path: Path) -> None:
    world = World(tmp_path, config=CONFIG)
    slug = "closes #12 @agency [skip ci]"
    world.write(slug, state="open", **MARCH)
    world.tick("2026-03-19T09:00")
    world.tick("2026-03-20T23:59")
    message = git(world.people.bare, "log", "-1", "--format=%B", "main")
    assert "Postbot-File: " in message
    assert not [word for word in ("[skip ci]", " #12", "@agency") if word in message.partition("\n")[2]]


# Said in Slack, and closed and opened again on GitHub


def test_a_yes_from_just_before_somebody_closed_it_and_opened_it_again_is_none(tmp_path: Path) -> None:
    world = begun(tmp_path, CONFIG.replace("auto", "when-due"))
    world.tick("2026-03-19T09:00")
    world.now += timedelta(minutes=5)
    world.people.set_clock()
    say(world, Said.APPROVE)
    [pull] = world.pulls()
    twin_of(world).advance(10)
    twin_of(world).close(pull.number, by="bo")
    twin_of(world).advance(20)
    twin_of(world).reopen(pull.number, by="bo")
    world.tick("2026-03-20T23:59")
    assert "state: open" in world.text("pilot")
    say(world, Said.APPROVE)
    world.advance(minutes=1)
    assert "state: closed" in world.text("pilot")
