"""The door of several replicas that share a ledger: whichever is asked knows the site, and what comes to both is one."""

from pathlib import Path

import pytest

from tests.doors.slack.kit import ADA, office, site, words
from tests.postgres import PASSWORD, Postgres
from tests.service.kit import Site
from tests.twins.slack.client import SlackTwin
from tests.twins.slack.people import signed

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def shared(folder: Path, twin: SlackTwin, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose ledger is on PostgreSQL."""
    monkeypatch.setenv("POSTBOT_LEDGER_PASSWORD", PASSWORD)
    user, _, rest = postgres.url().partition("@")
    return site(folder / "agency", twin, more=f"ledger: '{user.rpartition(':')[0]}@{rest}'\n")


def test_who_asks_the_replica_that_stands_by_sees_what_the_other_works_on(
    tmp_path: Path, twin: SlackTwin, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    jobs = shared(tmp_path, twin, postgres, monkeypatch)
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs, heartbeat="1 second") as first, office(tmp_path, twin, jobs, heartbeat="1 second") as second:  # fmt: skip
        ada = first.person(ADA)
        jobs.write("miller", "tailor", state="open")
        for each in (first, second):
            twin.app(each.url)
            each.service.wait_for(lambda: "Tailor" in words(ada.command("/posting", "show tailor").json()))
        ada.command("/posting", "close miller")
        answer = second.confirm(ada, {"reason": {"value": "0"}})
        twin.app(first.url)
        again = ada.send(answer.sent.body, signed(answer.sent.body, **FORM))
        assert (again.status, len(first.filed())) == (200, 1)
        first.service.wait_for(lambda: jobs.state("miller") == "closed")
        assert len(first.filed()) == 1


def test_what_one_replica_has_done_is_soon_seen_at_the_other_however_slow_their_hearts_beat(
    tmp_path: Path, twin: SlackTwin, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    jobs = shared(tmp_path, twin, postgres, monkeypatch)
    jobs.write("baker", "miller", state="open")
    with office(tmp_path, twin, jobs) as first, office(tmp_path, twin, jobs) as second:
        ada = first.person(ADA)
        second.service.wait_for(lambda: "Close" in words(ada.command("/posting", "show miller").json()))
        twin.app(first.url)
        ada.command("/posting", "close miller")
        first.confirm(ada, {"reason": {"value": "0"}})
        first.service.wait_for(lambda: jobs.state("miller") == "closed")
        for each in (first, second):
            twin.app(each.url)
            each.service.wait_for(lambda: "Reopen" in words(ada.command("/posting", "show miller").json()))
