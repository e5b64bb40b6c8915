"""Several services with one ledger on PostgreSQL: one works at a time, and another takes over when it dies."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from postbot.doors.service.clock import WallClock
from postbot.doors.service.health import Outcome
from postbot.doors.service.site import WATCH, Rhythm
from postbot.doors.service.site import Site as Running
from postbot.doors.service.timetable import Timetable
from postbot.ledger import Ledger
from tests.postgres import PASSWORD, USER, Postgres
from tests.service.kit import RARELY, Service, Site, ahead, configure, wait_for
from tests.world import git

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


OURS = ".postbot-settings.yaml"


def hearing(who: str) -> str:
    """Settings by which somebody hears what is public."""
    to = '{{to: "folder:{}@{}.example", hear: {}}}'
    return f"routes:\n  - {to.format(who, 'list', 'public')}\n  - {to.format('hr', 'agency', 'staff')}\n"


def test_who_takes_over_goes_by_the_settings_as_they_are_now_and_not_as_they_were_when_it_began_to_wait(
    tmp_path: Path, site: Site
) -> None:
    site.configure(settings=OURS)
    without = "\n".join(line for line in site.config.read_text().splitlines() if "folder:" not in line)
    site.config.write_text(without.replace("routes:\n", "") + "\n")
    site.commit(**{OURS: hearing("before")})
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as first, Service.start(tmp_path) as second:
        for each in (first, second):
            each.wait_for(lambda each=each: each.site("agency")["outcome"] == "fine")
        site.commit(**{OURS: hearing("now")})
        first.signal(signal.SIGHUP)
        first.line("configuration taken", "agency")
        site.write("pilot", opens=ahead(4), closes=ahead(3600))
        first.signal(signal.SIGHUP)
        first.wait_for(lambda: first.lines("witnessed"))
        first.signal(signal.SIGKILL)
        second.wait_for(lambda: site.said("now@list.example") or site.said("before@list.example"))
        assert (site.said("now@list.example"), site.said("before@list.example")) == (["Pilot: now open"], [])


def test_a_ledger_that_is_away_for_a_moment_costs_no_heartbeat(tmp_path: Path, site: Site, postgres: Postgres) -> None:
    configure(tmp_path, site, heartbeat=RARELY)
    with Service.start(tmp_path) as service:
        service.wait_for(lambda: service.ticks("agency") >= 1)
        with site.ledger() as ledger:
            schema = ledger.name.rpartition("schema=")[2]
        postgres.execute(f"ALTER TABLE {schema}.lease RENAME TO lost")
        service.signal(signal.SIGHUP)
        service.wait_for(lambda: service.site("agency")["outcome"] == "failed")
        postgres.execute(f"ALTER TABLE {schema}.lost RENAME TO lease")
        service.wait_for(lambda: service.site("agency")["outcome"] == "fine")


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


@pytest.fixture
def ticked() -> list[datetime]:
    """When each tick of the one that is `alone` has ended."""
    return []


@pytest.fixture
def alone(site: Site, ticked: list[datetime]) -> Iterator[Running]:
    """One replica without a process around it, after its first tick; its heartbeat is an hour."""
    table, rhythm = Timetable(), Rhythm(timedelta(hours=1), timedelta(minutes=10))
    table.start()

    def told(*_: object) -> None:
        ticked.append(datetime.now(UTC))

    running = Running("agency", site.config, rhythm, table, WallClock(), told=told, speak=str)
    running.begin(1.0)
    wait_for(lambda: ticked and running.rests)
    yield running
    running.leave()
    table.stop()


def test_after_a_poke_of_its_own_the_next_look_is_due_a_heartbeat_later_although_a_beat_is_left_out(
    alone: Running, ticked: list[datetime]
) -> None:
    """The beat that comes soon after the poke is none too many; the next one would be far too late."""
    alone._beat()
    due = alone._timetable._scheduler.get_job("next agency").next_run_time
    assert abs(due - ticked[0] - timedelta(hours=1)) < timedelta(minutes=1)
    assert len(ticked) == 1


def test_where_the_databases_clock_was_set_back_no_beat_is_taken_for_one_that_was_done(
    site: Site, alone: Running, ticked: list[datetime], postgres: Postgres
) -> None:
    with site.ledger() as ledger:
        schema = ledger.name.rpartition("schema=")[2]
    later = (datetime.now(UTC) + timedelta(hours=5)).isoformat(timespec="microseconds")
    postgres.execute(f"UPDATE {schema}.lease SET ticked_at = '{later}'")  # noqa: S608 - an instant of ours
    alone._beat()
    assert len(ticked) == 2


def test_many_ledgers_on_one_server_that_rest_share_two_connections_and_leave_none(postgres: Postgres) -> None:
    # A role whose connections are told from those of other tests.
    postgres.execute(f"CREATE ROLE resting SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
    mine = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'resting'"
    ledgers = [Ledger.open(postgres.url().replace(f"//{USER}:", "//resting:")) for _ in range(5)]
    try:
        with ExitStack() as stack:
            for ledger in ledgers:
                connection = stack.enter_context(ledger._store.reading())  # as five sites that look at once
                connection.execute(sa.text("SELECT 1"))
            assert postgres.execute(mine) == [(5,)]
        wait_for(lambda: postgres.execute(mine) == [(2,)])
    finally:
        for ledger in ledgers:
            ledger.close()
    wait_for(lambda: postgres.execute(mine) == [(0,)])


def test_a_site_that_fails_is_not_tried_by_every_watch_of_a_shared_ledger(
    site: Site,
) -> None:
    """The instant of the opening has passed by, so each watch finds something left to do."""
    table = Timetable()
    table.start()
    outcomes: list[Outcome] = []
    rhythm = Rhythm(timedelta(hours=1), timedelta(minutes=10))
    running = Running(
        "agency",
        site.config,
        rhythm,
        table,
        WallClock(),
        told=lambda *told: outcomes.append(told[3].outcome),
        speak=str,
    )
    try:
        site.write("pilot", opens=ahead(6), closes=ahead(3600))
        running.begin(1.0)
        wait_for(lambda: outcomes == [Outcome.FINE])
        git(site.repo, "update-ref", "-d", "refs/heads/main")
        wait_for(lambda: outcomes == [Outcome.FINE, Outcome.FAILED])
        watched: list[bool] = []
        table.once("later", lambda: watched.append(True), datetime.now(UTC) + 1.2 * WATCH)
        wait_for(lambda: watched)
        assert outcomes == [Outcome.FINE, Outcome.FAILED]
    finally:
        running.leave()
        table.stop()
