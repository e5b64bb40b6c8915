"""Who may do what to which posting: every role, every verb and every posting, at the command and at the submit."""

import json
from collections.abc import Iterator
from itertools import product
from urllib.parse import parse_qs, urlencode

import pytest

from postbot.core.lifecycle import Wish
from postbot.doors.slack.views import Carried, Verb
from tests.doors.slack.kit import ADA, BEN, CAL, Office, office, site, words
from tests.twins.slack.client import SlackTwin
from tests.twins.slack.people import signed

DAN, GUS, BOB, EVE, SAM = "U0DANGRANT", "U0GUSTAVO", "U0BOBTHEBOT", "U0EVERETT", "U0SAMSTRANGE"
ROLES = f"""\
roles:
  - {{who: S0HRTEAM, may: everything, where: {{path: jobs/*}}}}
  - {{who: {BEN}, may: [close, extend], where: {{path: "jobs/m*"}}}}
  - {{who: {CAL}, may: see, where: {{title: [Baker, Miller]}}}}
  - {{who: [{GUS}, {BOB}, {EVE}, {SAM}], may: everything}}
"""
POSTINGS = ("baker", "miller", "tailor")
MOVES = tuple(verb for verb in Verb if verb.transition)
SEES = {ADA: set(POSTINGS), BEN: {"miller"}, CAL: {"baker", "miller"}}
"""Whom the roles let see what. Dan is in no role; the others are in one, and nobody to listen to all the same."""
MAY = {(ADA, verb, slug) for verb in MOVES for slug in POSTINGS} | {
    (BEN, Verb.CLOSE, "miller"),
    (BEN, Verb.EXTEND, "miller"),
}
NOBODY = {GUS: "guests", BOB: "bots", EVE: "deactivated", SAM: "other workspaces"}
PEOPLE = (ADA, BEN, CAL, DAN, *NOBODY)
CASES = list(product(PEOPLE, MOVES, POSTINGS))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, workspace: SlackTwin) -> Iterator[Office]:
    """A service whose site is paused, so that whatever is asked for stays asked for."""
    folder = tmp_path_factory.mktemp("office")
    workspace.forget()
    jobs = site(folder / "agency", workspace, ROLES)
    jobs.write(*POSTINGS, state="open")
    with office(folder, workspace, jobs) as there:
        with jobs.ledger() as ledger:
            last = ledger.memory().last_tick
            assert last is not None
            ledger.pause("robin", "a test", last)
        workspace.group("S0HRTEAM", ADA)
        for member in (ADA, BEN, CAL, DAN):
            there.person(member)
        there.person(GUS, guest=True)
        there.person(BOB, bot=True)
        there.person(EVE, disabled=True)
        there.person(SAM, stranger=True, team="T0OTHER")
        yield there


def test_the_matrix_is_whole():
    assert len(CASES) == len(PEOPLE) * len(MOVES) * len(POSTINGS) == 8 * len(MOVES) * 3
    assert {case for case in CASES if case in MAY} == MAY


def test_at_the_command_everybody_gets_exactly_what_their_roles_grant(there: Office):
    wrong = []
    for member, verb, slug in CASES:
        person = there.twin.person(member)
        answer = person.command("/posting", f"{verb} {slug}")
        said = words(answer.json())
        if (member, verb, slug) in MAY:
            expected = said == "" or (verb is Verb.UNDO and "could be taken back" in said)
        elif member in NOBODY:
            expected = NOBODY[member] in said
        elif slug in SEES.get(member, ()):
            expected = said.startswith("You may not") and slug.title() in said
        else:
            expected = "There is no posting of that name" in said and slug.title() not in said
        wrong += [] if expected else [(member, verb, slug, said)]
    assert wrong == []
    assert there.filed() == []


def shown_to_ada(there: Office, slug: str) -> Carried:
    """What a form carries that somebody was shown who may."""
    ada = there.twin.person(ADA)
    ada.command("/posting", f"extend {slug}")
    there.service.wait_for(lambda: slug.title() in words(ada.view()))
    carried = Carried.read(ada.view()["private_metadata"])
    assert carried is not None
    return carried


def forged(there: Office, member: str, verb: Verb, known: Carried, number: int) -> tuple[int, str]:
    """A confirmation that Slack never showed to this person: what a client that is tampered with could send at most."""
    values = {"closes": "2099-03-02"} if verb is Verb.EXTEND else {}
    assert verb.transition is not None
    carried = Carried(verb, known.ref, known.blob, wish=Wish(verb.transition, values))
    view = {
        "id": f"V0FORGED{number}",
        "hash": "1.x",
        "type": "modal",
        "callback_id": "summary",
        "private_metadata": carried.write(),
        "state": {"values": {}},
    }
    user = {"id": member, "team_id": "T0TEAM"}
    payload = {
        "type": "view_submission",
        "team": {"id": "T0TEAM"},
        "user": user,
        "view": view,
        "trigger_id": f"{number}",
    }
    body = urlencode({"payload": json.dumps(payload)})
    answer = there.twin.person(ADA).send(body, signed(body))
    return answer.status, answer.body


def test_at_the_submit_everybody_gets_exactly_what_their_roles_grant(there: Office):
    wrong, known = [], {slug: shown_to_ada(there, slug) for slug in POSTINGS}
    for number, (member, verb, slug) in enumerate(CASES):
        before = len(there.filed())
        status, body = forged(there, member, verb, known[slug], number)
        filed = len(there.filed()) - before
        if (member, verb, slug) in MAY:
            expected = "You may not" not in body and "not there any more" not in body
            expected = expected and (filed == 1 or "cannot be done" in body or "Confirm once more" in body)
        else:
            expected = filed == 0 and ("You may not" in body or "not there any more" in body or member in NOBODY)
        wrong += [] if status == 200 and expected else [(member, verb, slug, filed, body)]
    assert wrong == []
    allowed = {(row["by"], row["path"]) for row in there.filed()}
    assert {path for _, path in allowed} == {f"jobs/{slug}.md" for slug in POSTINGS}
    assert all(ADA in by or BEN in by for by, _ in allowed)


def test_what_was_refused_is_on_record_with_who_asked_and_why(there: Office):
    there.twin.person(CAL).command("/posting", "close baker")
    refused = [row for row in there.audit() if row["what"] == "refused" and CAL in row["by"]]
    assert [row["path"] for row in refused if "You may not close Baker" in row["detail"]][:1] == ["jobs/baker.md"]


def test_who_asks_again_and_again_for_what_they_may_not_is_on_record_once(there: Office):
    def on_record() -> list[str]:
        return [row["detail"] for row in there.audit() if row["what"] == "refused" and CAL in row["by"]]

    before = len(on_record())
    for _ in range(5):
        assert "You may not" in words(there.twin.person(CAL).command("/posting", "withdraw miller").json())
    assert len([each for each in on_record()[before:] if "asked to withdraw" in each]) <= 2  # the hour may turn


@pytest.mark.parametrize("kind", ["500", "429", "drop", "html", "garbage"])
def test_nobody_may_anything_where_slack_does_not_say_who_they_are(there: Office, kind: str):
    fay = there.person(f"U0FAY{kind.upper()}")
    there.twin.fault(kind, "users.info", times=10)
    try:
        assert "Slack does not say who you are" in words(fay.command("/posting", "close baker").json())
    finally:
        there.twin.heal()


def test_the_parts_of_a_real_command_are_what_is_forged_here(there: Office):
    """Else the matrix at the submit would test a shape that Slack never sends."""
    ada = there.twin.person(ADA)
    ada.command("/posting", "extend tailor")
    view = there.view(ada, "form")
    sent = ada.submit(view, {"field:closes": {"value": "2099-03-02"}}).sent
    payload = json.loads(parse_qs(sent.body.decode())["payload"][0])
    assert {"type", "team", "user", "view", "trigger_id"} <= payload.keys()
    assert {"id", "hash", "type", "callback_id", "private_metadata", "state"} <= payload["view"].keys()
