"""How soon people in Slack have their acknowledgement while GitHub hangs, over the floor of the same run.

The service is the real one, its GitHub a twin that answers nothing any more once the site was seen. The floor is what
the same service takes for a request that it refuses at the door: HTTP, this machine and nothing of ours but a signature.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from tests.contract.test_hosts import make_bare
from tests.doors.slack.kit import ADA, Office, office, site
from tests.twins.github.client import Twin
from tests.twins.slack.client import SlackTwin
from tests.twins.slack.people import Person, signed

COMMANDS = 500
POSTINGS = 400
MOST = 0.5
"""Seconds at the 99th percentile. Slack gives up after three."""


@dataclass(frozen=True)
class Acknowledged:
    """Seconds at the median and the 99th percentile, of so many commands, and of refusals at the door."""

    commands: int
    median: float
    late: float
    floor: float

    @property
    def met(self) -> bool:
        """Whether nobody waits for GitHub."""
        return self.late <= MOST


def acknowledged(folder: Path, commands: int = COMMANDS, postings: int = POSTINGS) -> Acknowledged:
    """Measure it. `folder` is empty; some seconds pass until the service has seen its site."""
    make_bare(folder / "nothing.git")
    with Twin.start(folder / "nothing.git") as github, SlackTwin.start() as twin:
        os.environ["POSTBOT_GITHUB_TOKEN"] = github.token
        jobs = site(folder / "agency", twin, twin=github)
        jobs.write(*(f"job-{number:03}" for number in range(postings)), state="open")
        with office(folder, twin, jobs, heartbeat="1 second") as there:
            github.hold()
            if not github.held(30):
                raise RuntimeError("The service does not ask its GitHub, so that cannot hang.")
            try:
                return _measured(there, there.person(ADA), commands)
            finally:
                github.release()


def _measured(there: Office, ada: Person, commands: int) -> Acknowledged:
    typed = ("close job-007", "", "extend job-123", "show job-399", "open job-2", "help", "history job-042")
    ada.command("/posting", "help")
    taken = [ada.command("/posting", typed[number % len(typed)]).seconds for number in range(commands)]
    refused = [_seconds(lambda: ada.send(b"x=1", signed(b"x=1", "wrong"))) for _ in range(50)]
    return Acknowledged(commands, quantiles(taken, n=2)[0], quantiles(taken, n=100)[98], quantiles(refused, n=2)[0])


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(acknowledged(Path(name)))  # noqa: T201 - that is what it is for
