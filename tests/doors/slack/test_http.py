"""The door over HTTP: who is not Slack starts nothing, and what Slack sends twice counts once."""

import random
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.doors.slack.kit import ADA, Office, office, site, words
from tests.twins.slack.client import SECRET, SlackTwin
from tests.twins.slack.people import signed

MUTANTS = 1000
FORM = "application/x-www-form-urlencoded"
STAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, workspace: SlackTwin) -> Iterator[Office]:
    """One service for all that must not get in."""
    folder = tmp_path_factory.mktemp("office")
    jobs = site(folder / "agency", workspace)
    jobs.write("baker", "miller", state="open")
    with office(folder, workspace, jobs) as there:
        with jobs.ledger() as ledger:  # whatever comes in, nothing more happens
            ledger.pause("robin", "a test", datetime.now(UTC))
        yield there


def post(there: Office, body: bytes, *headers: tuple[str, str]) -> tuple[int, str]:
    """Send bytes with these headers exactly, some of them twice if need be."""
    address = urlsplit(there.url)
    line = HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        line.putrequest("POST", address.path, skip_accept_encoding=True)
        for name, value in (("Content-Length", str(len(body))), *headers):
            line.putheader(name, value.encode("latin-1"))
        line.endheaders()
        line.send(body)
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


def handled(there: Office) -> dict[str, float]:
    """How many requests got as far as an act, by kind and outcome."""
    found = re.findall(
        r'postbot_slack_requests_total{kind="(\w+)",outcome="(\w+)"} (\S+)', there.service.get("/metrics")[1]
    )
    return {f"{kind} {outcome}": float(count) for kind, outcome, count in found if kind != "http"}


def traces(there: Office) -> tuple[object, ...]:
    """Whatever an act would leave behind: at Slack, in the figures, on record."""
    return len(there.twin.requests()), handled(there), there.asked()


def captured(there: Office) -> list[tuple[bytes, dict[str, str]]]:
    """What Slack really sent, of which each has done what it does: a command, and a confirmation."""
    ada = there.person(ADA)
    command = ada.command("/posting", "close baker")
    there.confirm(ada, {"reason": {"value": "0"}})
    there.service.wait_for(there.filed)
    again = ada.command("/posting", "close miller")
    form = ada.submit(there.view(ada, "form"), {"reason": {"value": "1"}})
    return [(each.sent.body, each.sent.headers) for each in (command, again, form)]


def mutant(body: bytes, headers: dict[str, str], chance: random.Random) -> tuple[bytes, dict[str, str]]:
    """The same, but for one thing."""
    stamp, signature = headers[STAMP], headers[SIGNATURE]
    match chance.randrange(8):
        case 0 | 1:
            at = chance.randrange(len(body))
            body = body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :]
        case 2:
            body = body[: chance.randrange(len(body))]
        case 3:
            body += body[chance.randrange(len(body)) :]
        case 4:
            body = body * 2 if chance.random() < 0.5 else body + b"&text=close+miller"
        case 5:
            at = chance.randrange(len(stamp))
            stamp = stamp[:at] + chance.choice([d for d in "0123456789" if d != stamp[at]]) + stamp[at + 1 :]
        case 6:
            at = chance.randrange(3, len(signature))
            other = chance.choice([d for d in "0123456789abcdefABCDEFé~" if d != signature[at]])
            signature = signature[:at] + other + signature[at + 1 :]
        case _:
            stamp, signature = chance.choice(
                [(signature, stamp), (stamp[::-1], signature), (stamp, signature[3:]), (stamp, signature + "0")]
            )
    return body, {"Content-Type": headers["Content-Type"], STAMP: stamp, SIGNATURE: signature}


def test_of_a_thousand_mutants_of_signed_requests_every_one_is_refused_and_none_is_handled(there: Office):
    there.twin.app(there.url)
    genuine, chance = captured(there), random.Random(6)  # noqa: S311 - the same mutants each time
    before = traces(there)
    made = [mutant(*chance.choice(genuine), chance) for _ in range(MUTANTS)]
    assert all((body, headers[STAMP], headers[SIGNATURE]) not in
               [(b, h[STAMP], h[SIGNATURE]) for b, h in genuine] for body, headers in made)  # fmt: skip
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda each: post(there, each[0], *each[1].items()), made))
    assert {status for status, _ in answers} == {401}
    assert len({text for _, text in answers}) == 1
    assert traces(there) == before


BODY = urlencode({"team_id": "T0TEAM", "user_id": ADA, "command": "/posting", "text": "help", "trigger_id": "1.2.3"})


@pytest.mark.parametrize("stamp", ["abc", "", "nan", "inf", "-1", "+1", "1e9", "0", "١٢٣", "9" * 40, "1795835802.0"])
def test_a_time_that_is_none_is_refused_and_no_fault(there: Office, stamp: str):
    headers = signed(BODY) | {STAMP: stamp.encode().decode("latin-1")}
    before = traces(there)
    assert post(there, BODY.encode(), *headers.items())[0] == 401
    assert traces(there) == before
    assert there.service.lines("slack request failed") == []


@pytest.mark.parametrize(
    "signature", ["", "v0=", "v0", "ünsigned", "v0=" + "é" * 64, "v1=" + "0" * 64, "v0=" + "0" * 64]
)
def test_a_signature_that_is_none_is_refused_and_no_fault(there: Office, signature: str):
    headers = signed(BODY) | {SIGNATURE: signature}
    assert post(there, BODY.encode(), *headers.items())[0] == 401


@pytest.mark.parametrize("missing", [{STAMP}, {SIGNATURE}, {STAMP, SIGNATURE}])
def test_a_header_that_is_missing_or_stands_there_twice_is_no_signature(there: Office, missing: set[str]):
    headers = signed(BODY)
    kept = [(name, value) for name, value in headers.items() if name not in missing]
    assert post(there, BODY.encode(), *kept)[0] == 401
    doubled = [*headers.items(), *((name, value) for name, value in headers.items() if name in missing)]
    assert post(there, BODY.encode(), *doubled)[0] == 401


@pytest.mark.parametrize("off", [-3600, -301, 301, 3600])
def test_what_was_signed_more_than_five_minutes_ago_or_ahead_is_refused(there: Office, off: int):
    late = 2 if off > 0 else 0  # a moment passes until it is judged
    assert post(there, BODY.encode(), *signed(BODY, ts=time.time() + off + late).items())[0] == 401
    assert post(there, BODY.encode(), *signed(BODY).items())[0] == 200


def test_another_secret_and_an_empty_one_sign_nothing(there: Office):
    for secret in ("canary", "", f"{SECRET}\n", SECRET.upper()):
        assert post(there, BODY.encode(), *signed(BODY, secret).items())[0] == 401


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("payload=%7B", FORM, 400),
        ("payload=[]", FORM, 400),
        ("payload=" + "%5B" * 20_000, FORM, 400),
        ("payload=%7B%7D&payload=%7B%7D", FORM, 400),
        (f"{BODY}&command=%2Fposting", FORM, 400),
        ("no form at all", FORM, 400),
        ("{", "application/json", 400),
        ("[1]", "application/json", 400),
        ("{}", "application/json", 200),
        ("payload=%7B%7D", FORM, 200),
        ('{"type": "event_callback", "team_id": "T0TEAM", "event": 7}', "application/json", 200),
        ('{"type": "block_actions", "team": {"id": "T0TEAM"}, "actions": [7]}', "application/json", 200),
    ],
)
def test_what_is_signed_and_makes_no_sense_is_told_apart_and_starts_nothing(
    there: Office, body: str, kind: str, status: int
):
    before = len(there.twin.requests()), there.asked()
    assert post(there, body.encode(), *signed(body, **{"Content-Type": kind}).items())[0] == status
    assert (len(there.twin.requests()), there.asked()) == before


def test_a_body_of_ten_megabytes_is_not_read(there: Office):
    body = BODY + "&text=" + "x" * 10_000_000
    status = 413
    with suppress(OSError):  # it may hang up while we are still sending
        status, _ = post(there, body.encode(), *signed(body).items())
    assert status == 413
    assert post(there, BODY.encode(), *signed(BODY).items())[0] == 200


def test_another_workspace_is_told_so_and_gets_nothing(there: Office):
    there.twin.app(there.url)
    ada = there.person(ADA)
    ada.workspace = "T0EVIL"
    before = there.asked(), ada.view(), ada.home()  # what other tests have left on her screen
    assert "does not listen to this workspace" in words(ada.command("/posting", "close baker").json())
    ada.opens_home()
    ada.shortcut("posting")
    assert (there.asked(), ada.view(), ada.home()) == before
    body = BODY.replace("team_id=T0TEAM&", "")
    assert "does not listen" in post(there, body.encode(), *signed(body).items())[1]


def test_the_endpoint_is_verified_as_slack_does_it_when_the_app_is_made(there: Office):
    body = '{"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"}'
    kind = {"Content-Type": "application/json"}
    status, text = post(there, body.encode(), *(signed(body) | kind).items())
    assert (status, "3eZbrw1a" in text) == (200, True)
    assert post(there, body.encode(), *(signed(body, "canary") | kind).items())[0] == 401


# Once ----------------------------------------------------------------------------------------------------------------


def test_the_same_confirmation_fifty_times_at_once_is_one_request(tmp_path: Path, twin: SlackTwin):
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        ada = there.person(ADA)
        ada.command("/posting", "close baker")
        answer = there.confirm(ada, {"reason": {"value": "0"}})
        with ThreadPoolExecutor(50) as crowd:
            again = list(crowd.map(lambda _: ada.again(answer), range(50)))
        assert {(each.status, each.body) for each in again} == {(200, answer.body)}
        assert len(there.filed()) == 1
        there.service.wait_for(lambda: jobs.state("baker") == "closed")
        assert ada.again(answer).body == answer.body
        assert len(there.filed()) == 1


def test_a_delivery_that_slack_tries_again_is_answered_like_the_first_and_counts_once(tmp_path: Path, twin: SlackTwin):
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        ada = there.person(ADA)
        board = ada.command("/posting", "show baker")
        assert ada.retry(board).body == board.body
        ada.command("/posting", "close baker")
        answer = there.confirm(ada, {"reason": {"value": "0"}})
        assert [ada.retry(answer).body for _ in range(3)] == [answer.body] * 3
        assert len(there.filed()) == 1


def test_a_confirmation_that_comes_again_after_a_restart_has_no_second_effect(tmp_path: Path, twin: SlackTwin):
    """What was answered is forgotten then; what was filed is not."""
    jobs = site(tmp_path / "agency", twin)
    jobs.write("baker", state="open")
    with office(tmp_path, twin, jobs) as there:
        with jobs.ledger() as ledger:
            ledger.pause("robin", "", ledger.memory().last_tick)  # so that the request stays open
        ada = there.person(ADA)
        ada.command("/posting", "close baker")
        answer = there.confirm(ada, {"reason": {"value": "0"}})
        [first] = there.requests()
    with office(tmp_path, twin, jobs, seen=False) as there:
        there.service.wait_for(lambda: there.service.ticks("agency"))
        again = ada.send(answer.sent.body, signed(answer.sent.body, **{"Content-Type": FORM}))
        assert again.status == 200
        assert there.requests() == (first,)
        assert len(there.filed()) == 1
