"""Several services with one ledger on PostgreSQL: one works at a time, and another takes over when it dies."""

import signal
import time
from pathlib import Path

import pytest

from tests.postgres import PASSWORD, Postgres
from tests.service.kit import RARELY, Service, Site, ahead, configure

HEARTBEAT = 2


@pytest.fixture
def site(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("POSTBOT_LEDGER_PASSWORD", PASSWORD)
    user, _, rest = postgres.url().partition("@")
    return Site(tmp_path / "agency", more=f"ledger: '{user.rpartition(':')[0]}@{rest}'\n")


def test_what_a_killed_replica_waited_for_another_one_does_without_a_heartbeat(tmp_path: Path, site: Site) -> None:
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as first, Service.start(tmp_path) as second:
        for each in (first, second):
            each.wait_for(lambda each=each: each.ticks("agency") >= 1)
        site.write("pilot", opens=ahead(4), closes=ahead(3600))
        first.signal(signal.SIGHUP)  # which has a tick at once, and so is the one that waits for the opening
        first.wait_for(lambda: first.lines("witnessed"))
        first.signal(signal.SIGKILL)
        second.wait_for(lambda: site.said() == ["Pilot: now open"])
        second.wait_for(lambda: second.site("agency")["outcome"] == "fine")
        assert site.state("pilot") == "open"


def test_in_one_heartbeat_one_replica_looks_and_none_is_overdue(tmp_path: Path, site: Site) -> None:
    configure(tmp_path, site, heartbeat=f"{HEARTBEAT} seconds")
    with Service.start(tmp_path) as first, Service.start(tmp_path) as second:
        for each in (first, second):
            each.wait_for(lambda each=each: each.ticks("agency") >= 1)
        began, before = time.monotonic(), first.ticks("agency") + second.ticks("agency")
        first.wait_for(lambda: first.ticks("agency") + second.ticks("agency") >= before + 5)
        beats = (time.monotonic() - began) / HEARTBEAT
        assert 5 <= first.ticks("agency") + second.ticks("agency") - before <= 1.3 * beats + 1
        assert not first.site("agency")["overdue"]
