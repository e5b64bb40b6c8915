"""The Slack door while something fails, and with several people at once: nobody waits, loses a form, or is misled."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postbot.config import load
from tests.doors.slack.kit import ADA, BEN, CAL, Office, office, site, words
from tests.postgres import PASSWORD, Postgres
from tests.twins.slack.client import SlackTwin
from tests.twins.slack.people import Person

WHY = {"reason": {"value": "0"}}
SILENT = "Slack does not say who you are at the moment"


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What comes of several acts that begin together."""
    gate = threading.Barrier(len(acts))

    def act(each: Callable[[], Any]) -> Any:
        gate.wait()
        return each()

    with ThreadPoolExecutor(len(acts)) as people:
        return list(people.map(act, acts))


def filled(there: Office, person: Person, slug: str) -> dict[str, Any]:
    """The summary that somebody has before them who wants to close a posting."""
    person.command("/posting", f"close {slug}")
    person.submit(there.view(person, "form"), WHY)
    return there.view(person, "summary")


def test_of_those_who_confirm_at_the_same_moment_one_is_filed_and_the_others_hear_who(tmp_path: Path, twin: SlackTwin):
    jobs, slugs = site(tmp_path / "agency", twin), [f"baker-{number}" for number in range(6)]
    jobs.write(*slugs, state="open")
    with office(tmp_path, twin, jobs) as there:
        with jobs.ledger() as ledger:
            ledger.pause("robin", "a test", datetime.now(UTC))
        people = [there.person(member) for member in (ADA, BEN, CAL)]
        for number, slug in enumerate(slugs, 1):
            views = [filled(there, person, slug) for person in people]
            acts = [lambda who=who, view=view: who.submit(view) for who, view in zip(people, views, strict=True)]
            said = [words(answer.json()) for answer in at_once(acts)]
            assert len(there.filed()) == number
            first = there.filed()[-1]["by"]
            assert sorted("Filed." in each for each in said) == [False, False, True]
            assert [("has asked to close" in each) for each in said] == [("Filed." not in each) for each in said]
            assert sum(f"{first.partition(' ')[0]} " in each for each in said if "Filed." not in each) == 2


def test_while_slack_hangs_everybody_hears_so_in_time(tmp_path: Path, twin: SlackTwin):
    """The twin takes an answer for none that comes after Slack's three seconds."""
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        crowd = [there.person(f"U0CROWD{number:02}") for number in range(24)]
        twin.fault("hang", "users.info", times=1000, seconds=20)
        answers = at_once([lambda who=who: who.command("/posting", "close baker") for who in crowd])
        assert {answer.status for answer in answers} == {200}
        assert all(SILENT in words(answer.json()) for answer in answers)
        twin.heal()
        there.service.wait_for(lambda: crowd[0].command("/posting", "close baker").body == "")


def test_a_form_is_kept_while_slack_does_not_say_who_sends_it(tmp_path: Path, twin: SlackTwin):
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open", closes="2098-01-01")
    with office(tmp_path, twin, jobs) as there:
        ada = there.person(ADA)
        ada.command("/posting", "extend baker")
        form = there.view(ada, "form")
    date = {"field:closes": {"value": "2099-03-02"}}
    with office(tmp_path, twin, jobs) as there:  # a service that has just started knows nobody yet
        twin.fault("500", "users.info", times=1000)
        ada.submit(form, date)
        assert SILENT in "".join(ada.errors().values())
        twin.heal()
        there.service.wait_for(lambda: "Who is told" in words(ada.submit(form, date).json()))
    with office(tmp_path, twin, jobs) as there:
        twin.fault("500", "users.info", times=1000)
        kept = words(ada.submit(there.view(ada, "summary")).json())
        assert SILENT in kept
        assert "Who is told" in kept
        assert there.filed() == []
        twin.heal()
        there.service.wait_for(lambda: "Filed." in words(ada.submit(there.view(ada)).json()))
        assert len(there.filed()) == 1


def test_what_was_filed_though_its_answer_was_lost_is_not_filed_twice(tmp_path: Path, twin: SlackTwin):
    """The ledger takes it, and postbot hears of a failure: as when a database goes away right after its commit."""
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        ada = there.person(ADA)
        summary = filled(there, ada, "baker")
        with closing(sqlite3.connect(load(jobs.config).ledger_at)) as ledger:
            ledger.execute(
                "CREATE TRIGGER full BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
            )
            lost = ada.submit(summary)
            assert "may have been filed all the same" in words(lost.json())
            ledger.execute("DROP TRIGGER full")
        first = ada.again(lost)  # as if this were the one of which nobody has heard
        assert "Filed." in words(first.json())
        there.service.wait_for(lambda: jobs.state("baker") == "closed")
    with office(tmp_path, twin, jobs) as there:
        assert "Filed." in words(ada.retry(first).json())
        assert len(there.filed()) == 1


def test_a_site_that_does_not_answer_is_named_and_the_others_go_on(
    tmp_path: Path, twin: SlackTwin, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("POSTBOT_LEDGER_PASSWORD", PASSWORD)
    user, _, rest = postgres.url().partition("@")
    jobs = site(tmp_path / "agency", twin)
    other = site(tmp_path / "bureau", twin, more=f"ledger: '{user.rpartition(':')[0]}@{rest}'\n")
    jobs.write("baker", state="open")
    other.write("miller", state="open")
    with office(tmp_path, twin, jobs, other) as there:
        ada = there.person(ADA)
        assert "Miller" in words(ada.command("/posting", "").json())
        ada.command("/posting", "close miller")
        form = there.view(ada, "form")
        postgres.stop()
        try:
            board = words(ada.command("/posting", "").json())
            assert "Site bureau does not answer at the moment" in board
            assert "Baker" in board
            assert "Site bureau does not answer" in words(ada.command("/posting", "close miller").json())
            ada.submit(form, WHY)
            assert "Site bureau does not answer" in "".join(ada.errors().values())
            ada.close(there.view(ada))
            ada.command("/posting", "close baker")
            assert "Filed." in words(there.confirm(ada, WHY).json())
        finally:
            postgres.start()
        assert there.service.line("site does not answer")["site"] == "bureau"


def test_a_site_whose_ledger_hangs_keeps_nobody_from_the_others(
    tmp_path: Path, twin: SlackTwin, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    """The twin takes an answer for none that comes after Slack's three seconds; a stopped server answers nothing."""
    monkeypatch.setenv("POSTBOT_LEDGER_PASSWORD", PASSWORD)
    addresses = [postgres.url().partition("@") for _ in range(2)]
    ledgers = [f"ledger: '{user.rpartition(':')[0]}@{rest}'\n" for user, _, rest in addresses]
    hangs = [site(tmp_path / f"bureau-{at}", twin, more=more) for at, more in enumerate(ledgers, 1)]
    jobs = site(tmp_path / "agency", twin)
    for each in (jobs, *hangs):
        each.write("baker", state="open")
    with office(tmp_path, twin, *hangs, jobs) as there:
        ada = there.person(ADA)
        assert "There are 3" in words(ada.command("/posting", "").json())
        with postgres.stopped():
            for _ in range(2):
                answer = ada.command("/posting", "")
                assert answer.status == 200
                board = words(answer.json())
                assert "Sites bureau-1, bureau-2 do not answer at the moment" in board
                assert "There are 1" in board
            ada.command("/posting", "close baker")
            assert "Filed." in words(there.confirm(ada, WHY).json())
        there.service.wait_for(lambda: "There are 3" in words(ada.command("/posting", "").json()))


def test_somebody_to_whom_postbot_does_not_listen_is_on_record_once_however_often_they_come(
    tmp_path: Path, twin: SlackTwin
):
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        guest, left = there.person("U0GUSTAVO", guest=True), there.person("U0EVERETT", disabled=True)
        for _ in range(5):
            assert "guests" in words(guest.command("/posting", "close baker").json())
            guest.opens_home()
        left.command("/posting", "")
        found = [row for row in there.audit() if row["what"] == "refused"]
        by = {row["by"] for row in found}
        assert by == {"U0GUSTAVO", "U0EVERETT"}
        assert len(found) <= 2 * len(by)  # the hour may have turned meanwhile
        assert "turned away: postbot takes nothing from guests." in found[0]["detail"]
