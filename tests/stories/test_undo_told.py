"""Who hears that it was a mistake, where a mail server or Slack fail, and where postbot is killed in between."""

import os
import shutil
import signal
import time
from datetime import timedelta
from pathlib import Path

from postbot.core.site import PullStatus
from tests import depth
from tests.stories.test_announcements import AUTO
from tests.stories.test_crashes import MOMENTS, ended, look, run, wrapped  # noqa: F401 - a fixture
from tests.stories.test_killed_while_speaking import MOST_SECONDS
from tests.stories.test_mail_and_slack import JOBS, LIST, begun, subjects
from tests.twins.slack.client import SlackTwin
from tests.twins.smtp.client import SmtpTwin
from tests.world import World, at

KEPT = ("plain git",)
OPENS = "2026-03-09T08:00"
OPEN, CORRECTED = "Pilot: now open", "Pilot: a correction"
UNDO = AUTO.replace("routes:", "  undo: {{merge: auto}}\nroutes:")


def undoing(folder: Path, post: SmtpTwin, slack: SlackTwin) -> World:
    """A site whose position opens by the clock, on which an undo merges itself."""
    world = begun(folder, post, slack)
    settings = world.folder / "postbot.yaml"
    settings.write_text(settings.read_text().replace("  extend: ", "  undo: {merge: auto}\n  extend: "))
    world.restart()
    return world


def test_the_correction_goes_where_the_mistake_went_and_into_its_thread(
    tmp_path: Path, post: SmtpTwin, slack: SlackTwin
) -> None:
    world = undoing(tmp_path, post, slack)
    world.tick(OPENS)
    world.ask("pilot", "undo")
    world.tick("2026-03-09T09:00")
    assert subjects(post) == subjects(post, "jobs@agency.example") == [OPEN, CORRECTED]
    first, second = (taken.mail for taken in post.accepted() if LIST in taken.recipients)
    assert second["In-Reply-To"] == first["Message-ID"]
    card, reply = slack.messages(JOBS)
    assert (reply["thread_ts"], reply["text"], card["text"]) == (card["ts"], CORRECTED, CORRECTED)
    assert world.asked() == []


def test_whom_the_mistake_did_not_reach_hears_nothing_of_it(tmp_path: Path, post: SmtpTwin, slack: SlackTwin) -> None:
    """The first mail, to the list, is not taken; it would be tried again an hour later."""
    world = undoing(tmp_path, post, slack)
    post.fault("rcpt", "451")
    world.tick(OPENS)
    assert (subjects(post), subjects(post, "jobs@agency.example")) == ([], [OPEN])
    world.ask("pilot", "undo")
    world.tick("2026-03-09T08:01")
    for hours in (1, 6, 24):
        world.advance(hours=hours)
    assert (subjects(post), subjects(post, "jobs@agency.example")) == ([], [OPEN, CORRECTED])
    assert [message["text"] for message in slack.messages(JOBS)] == [CORRECTED, CORRECTED]
    assert {str(each.status) for each in world.bot.ledger.deliveries()} == {"sent", "expired"}


def test_of_whom_it_turns_out_later_that_they_were_told_hears_the_correction_then(
    tmp_path: Path, post: SmtpTwin, slack: SlackTwin
) -> None:
    """Killed after Slack has taken the message and before that is known; taken back before anybody looks again."""
    world = undoing(tmp_path, post, slack)
    slack.fault("hang", when="after", seconds=MOST_SECONDS)
    world.bot.ledger.close()
    child = look(world, OPENS)
    patience = time.monotonic() + MOST_SECONDS
    while not slack.fired() and time.monotonic() < patience:
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    slack.heal()
    world.restart()
    world.now = at(OPENS)
    world.ask("pilot", "undo")
    for minutes in (1, 11, 90):
        world.advance(minutes=minutes)
    card, reply = slack.messages(JOBS)
    assert (reply["text"], reply["thread_ts"]) == (CORRECTED, card["ts"])
    assert "state: upcoming" in world.text("pilot")
    assert subjects(post) in ([], [OPEN, CORRECTED])
    assert world.tick().done == []


def test_killed_at_any_call_of_git_an_undo_ends_where_it_would_have_ended(
    tmp_path: Path,
    wrapped: dict[str, str],  # noqa: F811 - the fixture
) -> None:
    start = World(tmp_path / "start", config=UNDO)
    start.write("pilot", state="open", opens="March 1, 2026", closes="March 20, 2026, 11:59 pm EDT")
    start.tick()
    before = start.text("pilot")
    start.ask("pilot", "close", reason="filled")
    start.tick()
    assert start.said() == ["Pilot: closed early"]
    start.now += timedelta(hours=1)
    start.ask("pilot", "undo")
    start.bot.ledger.close()
    when = "2026-03-02T10:00"
    calls, ends = run(start.copy(tmp_path / "unharmed"), [when], wrapped)
    assert (set(ends), calls > 10) == ({0}, True)
    for call in range(1, calls + 1, depth.at(5, soak=1)):
        moment = MOMENTS[call // 2 % 2]
        world = start.copy(tmp_path / f"{call}-{moment}")
        _, ends = run(world, [when], wrapped, **{moment: str(call)})
        assert -signal.SIGKILL in ends, (call, moment)
        for later in ("2026-03-02T10:00", "2026-03-02T10:10"):
            assert ended(look(world, later)) == 0
        world.restart()
        assert world.text("pilot") == before
        assert world.said() == ["Pilot: closed early", CORRECTED]
        assert {pull.status for pull in world.pulls(None)} == {PullStatus.MERGED}
        assert world.branches() == []
        world.bot.ledger.close()
        shutil.rmtree(world.folder)
