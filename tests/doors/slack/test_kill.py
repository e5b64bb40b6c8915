"""A crash after the acknowledgement loses nothing; the long form is `python -m tests.doors.slack.kill`."""

from pathlib import Path

from tests.doors.slack.kill import killed
from tests.twins.slack.client import SlackTwin

TIMES = 3


def test_what_was_acknowledged_is_carried_out_after_a_kill(tmp_path: Path, twin: SlackTwin):
    assert list(killed(tmp_path, twin, TIMES)) == [""] * TIMES
