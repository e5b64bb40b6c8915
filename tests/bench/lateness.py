"""How late the service is: `python -m tests.bench.lateness`. Positions that open a second apart, on a twin of GitHub.

Judged by the far ends alone: the twin's effect log says in which second each pull request was merged (GitHub knows
whole seconds only), and the file of each message when the public heard of it, to the millisecond. The heartbeat is an
hour, so that whatever is on time is so by a poke at its instant.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from statistics import median

from tests.contract.test_hosts import make_bare
from tests.service.kit import Service, Site, configure, posting, wait_for
from tests.twins.github.client import Twin

POSTINGS = 20
START = 30
"""Seconds until the first opening: the pull requests are made before, as they are in life."""

MOST = 2.0
"""Seconds after its instant in which a position must be open."""


@dataclass(frozen=True)
class Lateness:
    """Seconds from each promised instant to its merge (whole ones) and to the news of it."""

    merged: Sequence[float]
    told: Sequence[float]

    @property
    def met(self) -> bool:
        """Whether all of them came, none before its instant and none too late."""
        return len(self.merged) == len(self.told) == POSTINGS and min(self.told) >= 0 and max(self.told) <= MOST

    def __str__(self) -> str:
        return (
            f"{len(self.told)} of {POSTINGS} opened; told {_spread(self.told)} s after the instant, "
            f"merged {_spread(self.merged)} whole s"
        )


def _spread(seconds: Sequence[float]) -> str:
    return f"min {min(seconds):.2f}, median {median(seconds):.2f}, max {max(seconds):.2f}"


def openings(folder: Path) -> Lateness:
    """Let a service open all of them."""
    make_bare(folder / "nothing.git")
    with Twin.start(folder / "nothing.git") as twin:
        os.environ["POSTBOT_GITHUB_TOKEN"] = twin.token
        site = Site(folder / "agency", twin, lead="1 hour")
        first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=START)
        due = {f"pilot-{number:02}": first + timedelta(seconds=number) for number in range(POSTINGS)}
        opens = {slug: f"{at:%Y-%m-%dT%H:%M:%SZ}" for slug, at in due.items()}
        closes = f"{first + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        site.commit(**{f"jobs/{slug}.md": posting(slug, opens=at, closes=closes) for slug, at in opens.items()})
        configure(folder, site, heartbeat="1 hour")
        with Service.start(folder):
            ends = time.monotonic() + START + POSTINGS + 30
            wait_for(lambda: len(site.said()) == POSTINGS or time.monotonic() > ends, START + POSTINGS + 60)
        branches = {row["branch"]: datetime.fromisoformat(row["at"]) for row in twin.effects("merged")}
        merged = [(at - due[_slug(branch)]).total_seconds() for branch, at in branches.items()]
    return Lateness(merged, [seconds - due[slug].timestamp() for slug, seconds in _told(site).items()])


def _slug(branch: str) -> str:
    return branch.rpartition("/")[2].rpartition("-")[0]


def _told(site: Site) -> dict[str, float]:
    """When the public heard of each posting, in seconds since 1970."""
    found = {}
    for path in (site.folder / ".postbot/announcements").glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        if mail["To"] == "openings@list.example":
            found[str(mail["Subject"]).partition(":")[0].lower()] = path.stat().st_mtime
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="postbot-lateness-") as name:
        found = openings(Path(name))
    sys.stdout.write(f"{found}\n")
    sys.exit(0 if found.met else 1)
