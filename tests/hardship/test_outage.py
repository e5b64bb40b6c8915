"""GitHub is away over a closing, or postbot is: when they are back, what is true by then happens and is told, once."""

from datetime import timedelta
from pathlib import Path

import pytest

from postbot.hosts import HostError
from tests.contract.test_email import USER
from tests.twins.smtp.client import SmtpTwin
from tests.world import CONFIG, Clone, World, at, text_of

KEPT = ("GitHub",)
AUTO = CONFIG.replace("merge: when-due", "merge: auto")
SOON = AUTO.replace("soon: {{closing: []}}", "soon: {{closing: [1 day]}}")
CLOSES = at("2026-03-20T17:00")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("hours", "said"), [(2, ["Baker: closing soon", "Baker: closed"]), (26, ["Baker: closed"])])
def test_after_an_outage_over_its_closing_a_position_closes_at_the_first_look_and_says_how_late(
    tmp_path: Path, hours: int, said: list[str]
) -> None:
    """GitHub answers nothing from some time before the closing until an hour after it."""
    world = World(tmp_path, config=SOON)
    world.write("baker", state="open", opens="March 1, 2026", closes="March 20, 2026, 5:00 pm EDT")
    back = CLOSES + HOUR
    away = back - hours * HOUR
    for when in (CLOSES - timedelta(days=3), min(away, CLOSES - timedelta(hours=25)), away - timedelta(minutes=1)):
        world.tick(when)
    assert isinstance(world.people, Clone)
    world.people.twin.fault("503", times=10_000)
    while world.now < back - HOUR / 2:
        with pytest.raises(HostError):
            world.advance(minutes=30)
    assert "state: open" in world.text("baker")

    world.people.twin.heal()
    world.tick(back)
    assert "state: closed" in world.text("baker")
    assert world.said() == said
    assert " late" in text_of(world.mail()[-1])
    world.advance(minutes=5)
    assert world.said() == said


def test_a_message_that_comes_to_be_held_during_an_outage_is_told_in_the_same_look(
    tmp_path: Path, post: SmtpTwin
) -> None:
    server = f"server: 127.0.0.1, port: {post.port}, security: none, username: {USER}"
    mail = f"email: {{{{{server}, sender: jobs@agency.example}}}}\n"
    world = World(tmp_path, config=AUTO.replace("folder:openings@list", "email:openings@list") + mail)
    world.write("baker", state="open", opens="March 1, 2026", closes="March 20, 2026, 5:00 pm EDT")
    world.tick(CLOSES - timedelta(days=3))
    post.fault("mail", "451 4.3.0 Not now")
    world.tick(CLOSES)
    assert world.asked() == []
    assert isinstance(world.people, Clone)
    world.people.twin.fault("503", times=10_000)
    post.fault("dot", "drop")
    with pytest.raises(HostError):
        world.advance(minutes=5)
    assert world.asked() == ["1 message held for a person"]
    assert post.fired() == ["451 4.3.0 Not now at mail", "drop at dot"]


SPANS = [
    *(timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=59), timedelta(hours=6), timedelta(hours=26)),
    *(timedelta(days=days) for days in (2, 3, 4, 5, 7, 10, 14, 21, 30, 40, 46, 47, 60, 75, 90)),
]


@pytest.mark.parametrize("span", SPANS, ids=str)
def test_a_process_that_slept_finds_the_world_as_the_clock_says(tmp_path: Path, span: timedelta) -> None:
    """The same process goes on, with all that it remembers of before, as on a machine that was suspended."""
    world = World(tmp_path, config=AUTO)
    world.write("pilot", opens="March 9, 2026, 8:00 am EDT", closes="April 20, 2026, 11:59 pm EDT")
    world.write("baker", state="open", opens="March 1, 2026", closes="March 14, 2026, 5:00 pm EDT")
    for minutes in (0, 1, 2):  # until it is at rest
        world.tick(at("2026-03-05T12:00") + timedelta(minutes=minutes))
    for minutes in (0, 5):
        world.tick(at("2026-03-05T12:02") + span + timedelta(minutes=minutes))
    now = world.now - timedelta(minutes=5)
    opened, over = now >= at("2026-03-09T08:00"), now >= at("2026-04-20T23:59")
    assert f"state: {'closed' if over else 'open' if opened else 'upcoming'}" in world.text("pilot")
    said = ["Pilot: now open"] if opened and not over else []
    said += ["Baker: closed"] if now >= at("2026-03-14T17:00") else []
    assert sorted(world.said()) == sorted(said)
    assert world.asked() == (["Pilot: never opened"] if over else [])


def test_forty_positions_that_are_due_at_once_are_one_alert_and_no_pull_request(tmp_path: Path) -> None:
    world = World(tmp_path, config=AUTO)
    for number in range(40):
        world.write(f"job-{number}", opens="March 20, 2026, 9:00 am EDT", closes="April 20, 2026")
    world.tick("2026-03-02T09:00")
    for hour in range(9, 14):
        assert world.tick(f"2026-03-20T{hour:02}:00").plan.held is not None
    assert (world.branches(), world.pulls(None), world.said()) == ([], [], [])
    assert world.asked() == ["Held: postbot does nothing until somebody looks"]
