"""What people do in Slack, told as stories: a real service, the workspace's twin, and what came of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbot.config import load
from postbot.core.lifecycle import Transition, Wish
from postbot.core.site import Path as SitePath
from postbot.doors.slack.acts import MOST_EFFECTS
from tests.doors.slack.kit import ADA, BEN, Office, office, site, words
from tests.service.kit import Site, posting
from tests.twins.slack.client import SlackTwin

WHY = {"reason": {"value": "0"}}


@pytest.fixture
def there(tmp_path: Path, twin: SlackTwin) -> Iterator[Office]:
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", "miller", "data-engineer", "payload-specialist", state="open")
    with office(tmp_path, twin, jobs) as there:
        yield there


def paused(there: Office, why: str = "wrong week") -> None:
    with there.sites[0].ledger() as ledger:
        ledger.pause("robin", why, datetime.now(UTC))


def test_a_posting_is_closed_by_a_command_a_form_and_a_confirmation(there: Office):
    ada = there.person(ADA, real_name="Ada Lovelace")
    said = ada.command("/posting", "close baker")
    assert (said.status, said.body) == (200, "")
    ada.submit(there.view(ada, "form"), WHY)
    assert there.filed() == []
    assert "state: closed" in words(there.view(ada, "summary"))
    done = ada.submit(there.view(ada, "summary"))
    assert "Filed." in words(done.json())
    [row] = there.filed()
    assert (row["path"], row["by"]) == ("jobs/baker.md", f"Ada Lovelace ({ADA})")
    there.service.wait_for(lambda: there.sites[0].state("baker") == "closed")
    assert there.sites[0].state("miller") == "open"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Postings"),
        ("help", "NAME is any part of the title"),
        ("show baker", "Baker"),
        ("history baker", "Baker: its past"),
        ("clsoe baker", "Did you mean /posting close"),
        ("close bkaer", "One of these?"),
        ("close nothing-at-all", "There is no posting of that name"),
        ("show payload", "Payload-Specialist"),
        ("show “baker”", "Baker"),
    ],
)
def test_what_is_only_to_be_read_is_said_at_once_and_to_nobody_else(there: Office, typed: str, says: str):
    answer = there.person(ADA).command("/posting", typed)
    assert says in words(answer.json())
    assert answer.json()["response_type"] == "ephemeral"
    assert there.asked() == []


def test_a_button_of_the_board_opens_the_form_and_the_home_does_the_same(there: Office):
    ada = there.person(ADA)
    ada.opens_home()
    home = there.service.wait_for(ada.home)
    assert "There are 4 (4 open)" in words(home)
    ada.shortcut("posting")
    board = there.view(ada, "plain")
    assert "Baker" in words(board)
    ada.close(board)
    ada.command("/posting", "show baker")
    ada.click(ada.heard()[-1], "do:close")
    there.confirm(ada, WHY)
    there.service.wait_for(lambda: there.sites[0].state("baker") == "closed")


def test_a_form_filled_from_an_older_text_is_refused_with_the_difference(there: Office):
    ada, jobs = there.person(ADA), there.sites[0]
    ada.command("/posting", "extend baker")
    view = there.view(ada, "form")
    text = posting("baker", state="open", closes="2098-01-01").replace("Denver", "Boulder")
    jobs.commit(**{"jobs/baker.md": text})
    with jobs.ledger() as ledger:  # something to poke it by
        ledger.acted("looked", at=datetime.now(UTC))
    there.person(BEN).command("/posting", "close miller")
    there.confirm(there.person(BEN), WHY)
    there.service.wait_for(lambda: jobs.state("miller") == "closed")
    answer = ada.submit(view, {"field:closes": {"value": "2099-03-02"}})
    assert "Somebody has changed this posting" in words(answer.json())
    assert [row["path"] for row in there.filed()] == ["jobs/miller.md"]


def test_who_comes_second_hears_who_is_at_it_and_can_go_on(there: Office):
    paused(there)
    ada, ben = there.person(ADA, real_name="Ada Lovelace"), there.person(BEN, real_name="Ben Baker")
    for person in (ada, ben):
        person.command("/posting", "close baker")
        person.submit(there.view(person, "form"), WHY)
    ada.submit(there.view(ada, "summary"))
    second = ben.submit(there.view(ben, "summary"))
    assert "Ada Lovelace has asked to close" in words(second.json())
    assert "yours takes its place. Confirm once more" in words(second.json())
    assert len(there.filed()) == 1
    assert "Filed." in words(ben.submit(there.view(ben, "summary")).json())
    assert [row["by"] for row in there.filed()] == [f"Ada Lovelace ({ADA})", f"Ben Baker ({BEN})"]
    ada.command("/posting", "extend baker")
    told = words(there.view(ada, "form"))
    assert "Ben Baker has asked to close" in told
    assert "that comes first." in told


def test_who_was_told_of_all_that_others_have_asked_for_confirms_once(there: Office):
    paused(there)
    with there.sites[0].ledger() as ledger:
        for name in ("robin", "sam", "kim"):
            ledger.file(SitePath("jobs/baker.md"), Wish(Transition.POSTPONE), name, datetime.now(UTC))
    ada = there.person(ADA)
    ada.command("/posting", "close baker")
    told = words(there.view(ada, "form"))
    assert [f"{name} has asked to postpone" in told for name in ("robin", "sam", "kim")] == [True] * 3
    assert "Filed." in words(there.confirm(ada, WHY).json())


def test_a_site_that_somebody_has_paused_takes_wishes_and_says_that_they_wait(there: Office):
    paused(there, "the director is away")
    ada = there.person(ADA)
    ada.command("/posting", "close baker")
    assert "robin has paused it: the director is away" in words(there.view(ada, "form"))
    assert "It waits, though: robin has paused it" in words(there.confirm(ada, WHY).json())
    assert len(there.requests()) == 1


def test_a_site_that_was_never_looked_at_says_so(tmp_path: Path, twin: SlackTwin):
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open")
    jobs.repo.rename(tmp_path / "gone")
    with office(tmp_path, twin, jobs, seen=False) as there:
        assert "postbot has not looked at the site yet" in words(there.person(ADA).command("/posting", "").json())


def test_a_site_without_roles_lets_nobody_in(tmp_path: Path, twin: SlackTwin):
    jobs = site(tmp_path / "agency", twin, roles="")
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        assert "can allow it" in words(there.person(ADA).command("/posting", "close baker").json())


def test_forty_closes_in_a_minute_are_stopped_at_the_limit(tmp_path: Path, twin: SlackTwin):
    jobs = site(tmp_path / "agency", twin)
    slugs = [f"job-{number:02}" for number in range(MOST_EFFECTS + 3)]
    jobs.write(*slugs, state="open")
    with office(tmp_path, twin, jobs) as there:
        paused(there)
        ada, said = there.person(ADA), []
        for slug in slugs:
            ada.command("/posting", f"close {slug}")
            said.append(words(there.confirm(ada, WHY).json()))
        assert [("Filed." in text) for text in said] == [True] * MOST_EFFECTS + [False] * 3
        assert f"You have asked for {MOST_EFFECTS} things" in said[-1]
        assert len(there.filed()) == MOST_EFFECTS
        ben = there.person(BEN)
        ben.command("/posting", f"close {slugs[-1]}")
        assert "Filed." in words(there.confirm(ben, WHY).json())


def test_a_slack_that_does_not_open_the_form_costs_a_sentence_and_nothing_else(there: Office):
    ada = there.person(ADA)
    ada.command("/posting", "help")
    there.twin.fault("500", "views.open")
    ada.command("/posting", "close baker")
    there.service.wait_for(lambda: any("Slack did not take" in words(each) for each in ada.heard()))
    there.twin.heal()
    ada.command("/posting", "close baker")
    assert "Filed." in words(there.confirm(ada, WHY).json())


def test_a_ledger_that_does_not_take_it_is_said_and_can_be_tried_again(there: Office):
    ada, jobs = there.person(ADA), there.sites[0]
    ada.command("/posting", "close baker")
    ada.submit(there.view(ada, "form"), WHY)
    with closing(sqlite3.connect(load(jobs.config).ledger_at)) as ledger:
        ledger.execute(
            "CREATE TRIGGER full BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        summary = there.view(ada, "summary")
        answer = ada.submit(summary)
        assert "Press the button again in a minute" in words(answer.json())
        ledger.execute("DROP TRIGGER full")
    assert there.filed() == []
    assert there.service.line("slack request failed")["level"] == "error"
    assert "Filed." in words(ada.submit(there.view(ada, "summary")).json())
    assert "Filed." in words(ada.again(answer).json())
    assert len(there.filed()) == 1


def test_two_sites_are_asked_about_by_one_command(tmp_path: Path, twin: SlackTwin):
    first, second = (site(tmp_path / name, twin) for name in ("agency", "bureau"))
    first.write("baker", state="open")
    second.write("baker", "miller", state="open")
    with office(tmp_path, twin, first, second) as there:
        ada = there.person(ADA)
        several = ada.command("/posting", "close baker")
        assert "Which one?" in words(several.json())
        ada.command("/posting", "close miller")
        there.confirm(ada, WHY)
        there.service.wait_for(lambda: second.state("miller") == "closed")
        assert (there.filed(0), len(there.filed(1))) == ([], 1)


def test_a_request_by_another_door_is_seen_at_once(there: Office):
    paused(there)
    with there.sites[0].ledger() as ledger:
        ledger.file(SitePath("jobs/baker.md"), Wish(Transition.CLOSE), "robin", datetime.now(UTC))
    ada = there.person(ADA)
    ada.command("/posting", "close baker")
    assert "robin has asked to close" in words(there.view(ada, "form"))


def test_no_secret_and_nothing_that_people_type_is_in_the_log(there: Office):
    ada = there.person(ADA)
    ada.command("/posting", "show canary-that-was-typed")
    ada.command("/posting", "close baker")
    there.confirm(ada, WHY)
    there.service.wait_for(lambda: there.sites[0].state("baker") == "closed")
    written = there.service.written()
    assert not [part for part in ("canary", "xoxb-", "xapp-", there.twin.secret, "hooks") if part in written]


def reviewed(folder: Path, twin: SlackTwin) -> Site:
    """A site where a closing waits for somebody's approval."""
    jobs = site(folder, twin)
    jobs.config.write_text(jobs.config.read_text().replace("close: {merge: auto}", "close: {merge: when-due}"))
    jobs.write("baker", state="open")
    return jobs


def proposed(there: Office) -> None:
    there.service.wait_for(lambda: there.service.lines("proposed"))
    there.service.wait_for(lambda: there.service.site("agency")["running_for"] is None)


def test_somebody_approves_what_another_has_asked_for_and_it_is_done(tmp_path: Path, twin: SlackTwin):
    jobs = reviewed(tmp_path / "agency", twin)
    with office(tmp_path, twin, jobs) as there:
        ada, ben = there.person(ADA), there.person(BEN, real_name="Ben Baker")
        ada.command("/posting", "close baker")
        there.confirm(ada, WHY)
        proposed(there)
        assert jobs.state("baker") == "open"
        ben.command("/posting", "approve baker")
        form = there.view(ben, "form")
        assert "#1" in words(form)
        answer = ben.submit(form)
        assert "Your approval is noted." in words(answer.json())
        there.service.wait_for(lambda: jobs.state("baker") == "closed")
        assert ben.again(answer).body == answer.body
        said = [row for row in there.audit() if row["what"] == "said"]
        assert [row["by"] for row in said] == [f"Ben Baker ({BEN})"]


def test_nobody_is_offered_to_approve_what_they_have_asked_for_themselves(tmp_path: Path, twin: SlackTwin):
    jobs = site(
        tmp_path / "agency", twin, more=f"approval: {{two_people: true, people: {{{ADA}: ada-l, {BEN}: ben-b}}}}\n"
    )
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        ada, ben = there.person(ADA), there.person(BEN)
        ada.command("/posting", "close baker")
        there.confirm(ada, WHY)
        proposed(there)
        shown = {who.id: str(who.command("/posting", "").json()["blocks"]) for who in (ada, ben)}
        assert ["do:approve" in shown[who.id] for who in (ada, ben)] == [False, True]
        assert all("waits for approval" in each for each in shown.values())


def test_who_asks_for_changes_or_puts_it_off_says_so_in_the_form(tmp_path: Path, twin: SlackTwin):
    jobs = reviewed(tmp_path / "agency", twin)
    with office(tmp_path, twin, jobs) as there:
        ada, ben = there.person(ADA), there.person(BEN)
        ada.command("/posting", "close baker")
        there.confirm(ada, WHY)
        proposed(there)
        ben.command("/posting", "changes baker")
        ben.submit(there.view(ben, "form"), {"words": {"value": "Not this week"}})
        ben.command("/posting", "snooze baker")
        form = there.view(ben, "form")
        ben.submit(form, {"until": {"value": "2020-01-01"}})
        assert list(ben.errors()) == ["until"]
        ben.submit(form, {"until": {"value": "2098-01-01"}})
        assert ben.errors() == {"until": "Choose a day within the next 90 days."}
        day = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
        assert "Put off" in words(ben.submit(form, {"until": {"value": day}}).json())
        said = [row["detail"] for row in there.audit() if row["what"] == "said"]
        assert ["Not this week" in said[0], day[:7] in said[1], len(said)] == [True, True, 2]
        assert jobs.state("baker") == "open"


def test_a_verdict_on_a_pull_request_that_is_not_there_is_refused(there: Office):
    ada = there.person(ADA)
    assert "no such pull request" in words(ada.command("/posting", "approve baker").json())
    assert there.asked() == []


def test_what_was_done_by_mistake_can_be_asked_back(there: Office):
    ada, jobs = there.person(ADA), there.sites[0]
    ada.command("/posting", "close baker")
    there.confirm(ada, WHY)
    there.service.wait_for(lambda: jobs.state("baker") == "closed")
    there.service.wait_for(lambda: not there.requests())
    there.service.wait_for(lambda: there.service.site("agency")["running_for"] is None)
    ada.command("/posting", "undo baker")
    there.confirm(ada)
    assert ["asked to close" in there.filed()[0]["detail"], "asked to undo" in there.filed()[1]["detail"]] == [
        True,
        True,
    ]
