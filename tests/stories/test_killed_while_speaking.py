"""Killed in the middle of a sentence: the process dies while a mail server or Slack keeps it waiting at one step."""

import os
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.stories.test_announcements import PILOT_OPENS
from tests.stories.test_crashes import ended, look
from tests.stories.test_mail_and_slack import JOBS, begun, subjects
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin
from tests.world import World

KEPT = ("plain git",)
MOST_SECONDS = 20
NOW_OPEN = "Pilot: now open"


def killed(world: World, twin: SmtpTwin | SlackTwin) -> None:
    """Let a process open the position, and kill it once the far end keeps it waiting."""
    world.bot.ledger.close()
    child = look(world, PILOT_OPENS)
    patience = time.monotonic() + MOST_SECONDS
    while not twin.fired() and time.monotonic() < patience:
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL, "the far end did not keep it waiting"
    twin.heal()
    for minutes in (1, 10, 90):
        later = datetime.fromisoformat(PILOT_OPENS) + timedelta(minutes=minutes)
        assert ended(look(world, later.isoformat(timespec="minutes"))) == 0
    world.restart()


@pytest.mark.parametrize(
    ("step", "kind", "least"),
    [
        *((step, "hang", 0) for step in ("connect", "ehlo", "mail", "rcpt", "data", "body", "dot")),
        ("dot", "hang-kept", 1),
        ("quit", "hang", 2),
    ],
)
def test_killed_while_a_mail_is_on_its_way_postbot_sends_none_twice_and_loses_none_in_silence(
    tmp_path: Path, post: SmtpTwin, slack: SlackTwin, step: str, kind: str, least: int
) -> None:
    world = begun(tmp_path, post, slack)
    post.fault(step, kind)
    killed(world, post)
    got = subjects(post) + subjects(post, "jobs@agency.example")
    held = world.bot.ledger.deliveries(held_only=True)
    assert got.count(NOW_OPEN) <= 2, "one to the list and one to the contact"
    assert len(got) + len(held) - (1 if kind == "hang-kept" else 0) == 2
    assert ["held for a person" in subject for subject in world.asked()] == [True] * len(held)
    assert len(got) >= least
    assert [message["text"] for message in slack.messages(JOBS)] == [NOW_OPEN]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_slack_answers_postbot_looks_and_the_channel_hears_once(
    tmp_path: Path, post: SmtpTwin, slack: SlackTwin, when: str
) -> None:
    world = begun(tmp_path, post, slack)
    slack.fault("hang", when=when, seconds=MOST_SECONDS)
    killed(world, slack)
    assert [message["text"] for message in slack.messages(JOBS)] == [NOW_OPEN]
    assert (subjects(post), world.asked()) == ([NOW_OPEN], [])
