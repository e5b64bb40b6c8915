"""What Prometheus is told: read by its own parser, of sites that really tick."""

import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from postbot.doors.service.health import Health, Outcome
from postbot.doors.service.metrics import Metrics, Standing
from postbot.hosts import HostError
from postbot.ledger import LedgerError
from postbot.reconcile import Report
from tests.contract.test_hosts import make_bare
from tests.service.served import WELL, Site
from tests.stories.test_announcements import AUTO, MARCH, PILOT_OPENS
from tests.stories.test_opening import lacking, merging
from tests.twins.github.client import Twin
from tests.world import CONFIG, Clone, World, at

TITLE = "Canary Title of Tomorrow"


class Watched:
    """A world whose ticks are counted, and what the figures say of it."""

    def __init__(self, world: World, name: str = "agency") -> None:
        self.world, self.name = world, name
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)

    def tick(self, when: str | None = None, health: Health = WELL) -> Report | None:
        report = None
        try:
            report = self.world.tick(when)
        except (HostError, LedgerError):
            health = replace(health, outcome=Outcome.FAILED)
        self.metrics.ticked(self.name, self.world.bot, report, health, 0.2)
        return report

    def text(self) -> str:
        return generate_latest(self.registry).decode()

    def of(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"postbot_{name}", {"site": self.name, **labels})


def opening(folder: Path, **words: str) -> Watched:
    watched = Watched(World(folder, config=AUTO))
    watched.world.write("pilot", **(MARCH | words))
    return watched


def test_ticks_are_counted_by_what_came_of_them(tmp_path: Path) -> None:
    watched = opening(tmp_path)
    watched.tick()
    watched.tick()
    watched.metrics.ticked("agency", watched.world.bot, None, replace(WELL, outcome=Outcome.FAILED), 3)
    assert watched.of("ticks_total", outcome="fine") == 2
    assert watched.of("ticks_total", outcome="failed") == 1
    assert watched.of("ticks_total", outcome="held") == 0, "there before it happens, so that the first one is seen"
    assert watched.of("tick_duration_seconds_count") == 3
    assert watched.of("tick_duration_seconds_bucket", le="1.0") == 2


@pytest.mark.parametrize(
    ("late", "bucket"), [("2026-03-09T08:00:00", "1.0"), ("2026-03-09T08:01:30", "300.0"), ("2026-03-19T08:00", "+Inf")]
)
def test_lateness_runs_from_the_promised_instant_to_the_look_that_saw_it_done(
    tmp_path: Path, late: str, bucket: str
) -> None:
    watched = opening(tmp_path)
    watched.tick()
    watched.tick(late)
    seconds = (at(late) - at(PILOT_OPENS)).total_seconds()
    assert watched.of("lateness_seconds_sum", transition="open") == seconds
    assert watched.of("lateness_seconds_bucket", transition="open", le=bucket) == 1
    assert watched.of("lateness_seconds_count", transition="close") is None
    watched.tick("2026-03-21T00:00:07")
    assert watched.of("lateness_seconds_sum", transition="close") == pytest.approx(60 + 7)


def test_what_came_early_or_stood_before_is_not_late(tmp_path: Path) -> None:
    watched = opening(tmp_path)
    watched.world.write("standing", state="open", opens="January 5, 2026", closes="TBD")
    watched.tick()
    watched.world.change("pilot", "state: upcoming", "state: open")
    watched.tick("2026-03-03T09:00")
    assert "Pilot: now open" in watched.world.said()
    watched.world.ask("pilot", "close", reason="filled")
    watched.tick("2026-03-10T09:00")
    watched.tick("2026-03-10T09:05")
    assert "state: closed" in watched.world.text("pilot")
    assert watched.of("lateness_seconds_count", transition="close") is None
    assert watched.of("lateness_seconds_count", transition="open") is None


def test_pull_requests_that_wait_are_seen_and_for_how_long(tmp_path: Path) -> None:
    watched = Watched(World(tmp_path, config=merging("review")))
    watched.world.write("pilot", **MARCH)
    watched.tick("2026-03-05T09:00")
    assert watched.of("pull_requests_open") == 0
    watched.tick("2026-03-07T08:00")
    assert (watched.of("pull_requests_open"), watched.of("pull_request_oldest_due_seconds")) == (1, 0)
    watched.tick("2026-03-10T08:00")
    assert (watched.of("pull_requests_open"), watched.of("pull_request_oldest_due_seconds")) == (1, 86400)
    watched.world.merge(1)
    watched.tick("2026-03-10T08:05")
    assert (watched.of("pull_requests_open"), watched.of("pull_request_oldest_due_seconds")) == (0, 0)


def test_deliveries_are_counted_by_channel_and_outcome_and_held_ones_stand(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    mail = f"email: {{{{server: 127.0.0.1, port: {port}, security: none, sender: jobs@agency.example}}}}\n"
    route = '  - {{to: "email:list@lists.example", hear: opened}}\n'
    watched = Watched(World(tmp_path, config=AUTO.replace("routes:\n", f"routes:\n{route}") + mail))
    watched.world.write("pilot", **MARCH)
    watched.tick()
    watched.tick(PILOT_OPENS)
    assert watched.of("deliveries_total", channel="folder", outcome="sent") == 1
    assert watched.of("deliveries_total", channel="email", outcome="not-sent") == 1
    assert watched.of("deliveries_held") == 0
    for minutes in (1, 5, 15, 60, 180, *[360] * 7):
        watched.world.now += timedelta(minutes=minutes)
        watched.tick()
    assert watched.of("deliveries_total", channel="email", outcome="not-sent") == 12
    assert watched.of("deliveries_held") == 1


def test_however_many_messages_wait_for_a_person_they_are_counted(tmp_path: Path) -> None:
    watched = opening(tmp_path)
    watched.tick()
    watched.tick(PILOT_OPENS)
    with sqlite3.connect(tmp_path / ".postbot" / "ledger.db") as file:
        own = ("number", "key", "status")
        names = [name for _, name, *_ in file.execute("PRAGMA table_info(outbox)") if name not in own]
        file.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12345) "  # noqa: S608 - our names
            f"INSERT INTO outbox (key, status, {', '.join(names)}) "
            f"SELECT 'copy ' || i, 'held', {', '.join(names)} FROM n, outbox WHERE number = 1"
        )
    watched.tick()
    assert watched.of("deliveries_held") == 12345


def test_what_is_wrong_on_the_site_is_counted(tmp_path: Path) -> None:
    watched = opening(tmp_path)
    watched.world.write("broken", "---\ntitle: [\n---\n")
    watched.tick()
    assert watched.of("problems") == 1
    watched.world.remove("broken")
    watched.tick()
    assert watched.of("problems") == 0


def test_a_ledger_that_cannot_be_read_disturbs_no_figure(tmp_path: Path) -> None:
    watched = opening(tmp_path)
    report = watched.tick()
    watched.world.bot.ledger.close()
    for file in (tmp_path / ".postbot").glob("ledger.db*"):
        file.unlink()
    (tmp_path / ".postbot" / "ledger.db").mkdir()
    watched.metrics.ticked("agency", watched.world.bot, report, WELL, 0.1)
    assert watched.of("ticks_total", outcome="fine") == 2


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twin]:
    make_bare(tmp_path / "nothing.git")
    with Twin.start(tmp_path / "nothing.git") as twin:
        monkeypatch.setattr(Clone, "twin", twin, raising=False)
        monkeypatch.setattr(World, "kept", Clone)
        monkeypatch.setenv("POSTBOT_GITHUB_TOKEN", twin.token)
        yield twin


def test_requests_to_github_are_counted_through_a_restart_and_the_budget_is_its_own_word(
    tmp_path: Path, github: Twin
) -> None:
    watched = opening(tmp_path / "world")
    github.reset_requests()
    watched.tick()
    first = watched.of("github_requests_total")
    assert first == len(github.requests()) > 0
    watched.world.restart()
    while len(github.requests()) <= 2 * first:  # the new connection has sent more than the old one ever did
        watched.world.bot.host.look()
    github.rate(core=4321, graphql=4321)
    watched.tick()
    assert watched.of("github_requests_total") == len(github.requests()) > first
    assert 4300 < (watched.of("github_requests_remaining") or 0) <= 4321


# How sites stand -----------------------------------------------------------------------------------------------------


def test_how_a_site_stands_is_read_at_the_moment_of_asking() -> None:
    registry, sites = CollectorRegistry(), [Site("first"), Site("second", stands=Health("second", Outcome.NONE))]
    registry.register(Standing(lambda: sites))

    def of(name: str, site: str = "first") -> float | None:
        return registry.get_sample_value(f"postbot_{name}", {"site": site})

    names = ("plan_held", "paused", "tick_hangs", "tick_overdue", "config_rejected", "tick_running_seconds")
    assert {of(name) for name in names} == {0}
    assert WELL.ended_at is not None
    assert of("last_tick_timestamp_seconds") == WELL.ended_at.timestamp()
    assert of("last_tick_timestamp_seconds", "second") is None
    sites[0].stands = replace(
        WELL, outcome=Outcome.HELD, hangs=True, overdue=True, rejected="No such profile.", running=700.5
    )
    assert [of(name) for name in names] == [1, 0, 1, 1, 1, 700.5]
    sites[0].stands = replace(WELL, outcome=Outcome.PAUSED)
    assert (of("paused"), of("plan_held")) == (1, 0)
    del sites[0]
    assert of("paused") is None


def test_a_site_that_is_served_no_more_is_shown_no_more(tmp_path: Path) -> None:
    watched = opening(tmp_path)
    watched.tick()
    watched.tick(PILOT_OPENS)
    watched.metrics.ticked("other", watched.world.bot, None, WELL, 0.1)
    watched.metrics.forget("agency")
    watched.metrics.forget("never-there")
    assert 'site="agency"' not in watched.text()
    assert 'site="other"' in watched.text()


# What is said and what is not ----------------------------------------------------------------------------------------


def test_every_figure_has_a_help_a_unit_and_no_label_but_ours(tmp_path: Path) -> None:
    watched = opening(tmp_path)
    watched.registry.register(Standing(lambda: [Site()]))
    watched.tick()
    watched.tick(PILOT_OPENS)
    families = list(text_string_to_metric_families(watched.text()))
    assert len(families) > 15
    for family in families:
        assert family.name.startswith("postbot_"), family.name
        assert family.documentation, family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        assert not family.name.endswith(("_ms", "_minutes", "_count", "_total")), family.name
        for sample in family.samples:
            assert set(sample.labels) <= {"site", "outcome", "transition", "channel", "le", "version"}, sample
    [build] = [family for family in families if family.name == "postbot_build_info"]
    assert build.samples[0].labels["version"]


def test_no_title_no_name_of_a_posting_and_no_recipient_is_in_any_figure(tmp_path: Path) -> None:
    world = World(tmp_path, config=CONFIG)
    world.write("canary-slug", **(MARCH | {"title": TITLE}))
    world.write("canary-draft", lacking("canary-draft").replace("Pilot", TITLE))
    world.write("canary-broken", f"---\ntitle: {TITLE}: [\n---\n")
    watched = Watched(world)
    for when in ("2026-03-02T09:00", "2026-03-07T09:00", PILOT_OPENS, "2026-03-10T09:00"):
        watched.tick(when)
    assert any(TITLE in str(mail["Subject"]) for mail in world.mail())
    for canary in (TITLE, "canary-", "list.example", "agency.example"):
        assert canary not in watched.text()
