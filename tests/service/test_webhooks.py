"""GitHub's hints over real HTTP: what is signed has its site look again, once; anything else is refused and pokes nobody."""

import random
import socket
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice
from urllib.parse import quote_plus
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from postbot.doors.service.bodies import LARGEST
from postbot.doors.service.webhooks import AT_ONCE, Webhooks
from tests.service.served import SECRET, Served, Site, headers, payload, served, signed


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture(scope="module")
def running() -> Iterator[Served]:
    with served(secret=SECRET) as server:
        yield server


@pytest.fixture
def server(running: Served, site: Site) -> Served:
    running.sites[:] = [site]
    return running


def test_a_push_has_the_site_look_again(server: Served, site: Site) -> None:
    body = payload()
    assert server.deliver(body, headers(body)).status_code == 202
    assert site.pokes == 1


@pytest.mark.parametrize("event", ["push", "pull_request", "issue_comment", "check_suite", "something_new"])
def test_any_event_is_a_hint_and_its_content_is_not_used(server: Served, site: Site, event: str) -> None:
    body = payload(ref="refs/heads/`rm -rf`", commits=[{"message": "merge everything"}])
    assert server.deliver(body, headers(body, X_GitHub_Event=event)).status_code == 202
    assert site.pokes == 1


def test_a_ping_is_answered_and_pokes_nobody(server: Served, site: Site) -> None:
    body = payload(zen="Keep it logically awesome.")
    assert server.deliver(body, headers(body, X_GitHub_Event="ping")).status_code == 200
    assert site.pokes == 0


def test_the_other_content_type_of_github_is_read_too(server: Served, site: Site) -> None:
    body = f"payload={quote_plus(payload())}".encode()
    form = headers(body, Content_Type="application/x-www-form-urlencoded")
    assert server.deliver(body, form).status_code == 202
    assert site.pokes == 1


def test_every_site_of_the_repository_hears_of_it_in_any_case_and_no_other() -> None:
    first, second = Site("first", "Agency/Site"), Site("second", "AGENCY/SITE")
    other, plain = Site("other", "agency/other"), Site("plain", "")
    with served(first, second, other, plain, secret=SECRET) as server:
        body = payload("agency/sITE")
        assert server.deliver(body, headers(body)).status_code == 202
    assert [each.pokes for each in (first, second, other, plain)] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    "body",
    [
        payload("agency/somebody-elses"),
        payload(""),
        b"{}",
        b'{"repository": null}',
        b'{"repository": {"full_name": 7}}',
    ],
)
def test_what_concerns_nobody_is_taken_and_pokes_nobody(body: bytes) -> None:
    sites = Site(), Site("plain", "")
    with served(*sites, secret=SECRET) as server:
        assert server.deliver(body, headers(body)).status_code == 202
    assert [each.pokes for each in sites] == [0, 0]


# What is refused -----------------------------------------------------------------------------------------------------

GOOD = payload()
SHA1 = "sha1=" + "0" * 40
DEEP = b'{"repository":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
REFUSED: list[tuple[str, bytes, dict[str, str | None], int]] = [
    ("no signature", GOOD, {"X_Hub_Signature_256": None}, 401),
    ("an empty signature", GOOD, {"X_Hub_Signature_256": ""}, 401),
    ("a signature without its kind", GOOD, {"X_Hub_Signature_256": signed(GOOD).removeprefix("sha256=")}, 401),
    ("another kind of signature", GOOD, {"X_Hub_Signature_256": signed(GOOD).replace("sha256", "sha512")}, 401),
    ("a signature in capitals", GOOD, {"X_Hub_Signature_256": signed(GOOD).upper()}, 401),
    ("a signature cut short", GOOD, {"X_Hub_Signature_256": signed(GOOD)[:-1]}, 401),
    ("a signature and more", GOOD, {"X_Hub_Signature_256": f"{signed(GOOD)}0"}, 401),
    ("two signatures in one", GOOD, {"X_Hub_Signature_256": f"{signed(GOOD)}, {signed(GOOD)}"}, 401),
    ("no hexadecimal signature", GOOD, {"X_Hub_Signature_256": "sha256=" + "z" * 64}, 401),
    ("a signature that is not ASCII", GOOD, {"X_Hub_Signature_256": "sha256=" + "é" * 64}, 401),
    ("a signature of another secret", GOOD, {"X_Hub_Signature_256": signed(GOOD, "another")}, 401),
    ("a signature of the empty secret", GOOD, {"X_Hub_Signature_256": signed(GOOD, "")}, 401),
    ("a signature of another body", GOOD, {"X_Hub_Signature_256": signed(b"{}")}, 401),
    ("only the old signature", GOOD, {"X_Hub_Signature_256": None, "X_Hub_Signature": SHA1}, 401),
    ("the old signature in the new place", GOOD, {"X_Hub_Signature_256": SHA1}, 401),
    ("no delivery id", GOOD, {"X_GitHub_Delivery": None}, 400),
    ("an empty delivery id", GOOD, {"X_GitHub_Delivery": ""}, 400),
    ("an odd delivery id", GOOD, {"X_GitHub_Delivery": "../../etc/passwd"}, 400),
    ("a long delivery id", GOOD, {"X_GitHub_Delivery": str(uuid4()) * 9}, 400),
    ("no event", GOOD, {"X_GitHub_Event": None}, 400),
    ("an empty event", GOOD, {"X_GitHub_Event": ""}, 400),
    ("an odd event", GOOD, {"X_GitHub_Event": "push; rm"}, 400),
    ("no content type", GOOD, {"Content_Type": None}, 415),
    ("text", GOOD, {"Content_Type": "text/plain"}, 415),
    ("a form with parts", GOOD, {"Content_Type": "multipart/form-data; boundary=x"}, 415),
    ("almost JSON", GOOD, {"Content_Type": "application/jsonp"}, 415),
    ("a form without a payload", b"other=1", {"Content_Type": "application/x-www-form-urlencoded"}, 400),
    ("a form that is JSON", GOOD, {"Content_Type": "application/x-www-form-urlencoded"}, 400),
    ("a form of many fields", b"payload={}&a=1", {"Content_Type": "application/x-www-form-urlencoded"}, 400),
    ("a form that is not ASCII", b"payload=\xff", {"Content_Type": "application/x-www-form-urlencoded"}, 400),
    ("nothing", b"", {}, 400),
    ("JSON cut short", GOOD[:-1], {}, 400),
    ("no text", b"\xff\xfe\xfd", {}, 400),
    ("a list", b"[]", {}, 400),
    ("a text", b'"agency/site"', {}, 400),
    ("JSON a hundred thousand deep", DEEP, {}, 400),
    ("a number of a million digits", b'{"a": ' + b"9" * 1_000_000 + b"}", {}, 400),
    ("one byte too many", b" " * (LARGEST + 1), {}, 413),
]


@pytest.mark.parametrize(("body", "change", "status"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_github_would_not_send_is_refused_and_pokes_nobody(
    server: Served, site: Site, body: bytes, change: dict[str, str | None], status: int
) -> None:
    given = {name: value.encode("latin-1") for name, value in headers(body, **change).items()}
    answer = server.deliver(body, given)  # type: ignore[arg-type]
    assert (answer.status_code, site.pokes, site.known) == (status, 0, set())
    assert "agency" not in answer.text
    assert "passwd" not in answer.text
    assert SECRET not in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_post_delivers(server: Served, site: Site, method: str) -> None:
    body = payload()
    answer = server.ask("/github", method, data=body, headers=headers(body))
    assert (answer.status_code, site.pokes) == (405, 0)


def test_a_header_given_twice_is_refused(server: Served, site: Site) -> None:
    body = payload()
    for name in ("X-Hub-Signature-256", "X-GitHub-Delivery", "X-GitHub-Event"):
        lines = [f"{header}: {value}" for header, value in headers(body, Host="localhost", Connection="close").items()]
        twice = [line for line in lines if line.startswith(name)]
        head = "\r\n".join(["POST /github HTTP/1.1", *lines, *twice, f"Content-Length: {len(body)}", "", ""])
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(head.encode() + body)
            assert line.recv(12) in (b"HTTP/1.1 401", b"HTTP/1.1 400")
    assert site.pokes == 0


def test_a_body_that_says_it_is_huge_is_refused_before_it_comes(server: Served) -> None:
    head = f"POST /github HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**12}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall(head.encode())
        assert line.recv(12) == b"HTTP/1.1 413"


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off(server: Served, site: Site) -> None:
    answer = server.ask("/github", "POST", data=iter([b" " * 65536] * 17), headers=headers(b""))  # chunked
    assert (answer.status_code, site.pokes) == (413, 0)


def test_the_largest_body_is_read(server: Served, site: Site) -> None:
    body = payload().ljust(LARGEST)
    assert (server.deliver(body, headers(body)).status_code, site.pokes) == (202, 1)


def test_without_a_secret_nobody_can_deliver(site: Site) -> None:
    body = payload()
    with served(site) as server:
        assert server.deliver(body, headers(body, X_Hub_Signature_256=signed(body, ""))).status_code == 404
    assert site.pokes == 0
    with pytest.raises(ValueError, match="everybody could sign"):
        Webhooks(list, "", CollectorRegistry())


def test_a_thousand_mutants_of_a_signed_delivery_are_all_refused(server: Served, site: Site) -> None:
    dice = random.Random(20)  # noqa: S311 - the same each time
    body = payload()
    letters = string.printable.strip().encode()
    refused = 0
    for _ in range(1000):
        given = headers(body)
        part = dice.choice(("body", "X-Hub-Signature-256", "both"))
        sent, signature = bytearray(body), bytearray(given["X-Hub-Signature-256"].encode())
        if part != "X-Hub-Signature-256":
            sent[dice.randrange(len(sent))] ^= 1 << dice.randrange(8)
        if part != "body":
            at = dice.randrange(len(signature))
            signature[at] = dice.choice([each for each in letters if each != signature[at]])
        given["X-Hub-Signature-256"] = signature.decode()
        refused += server.deliver(bytes(sent), given).status_code == 401
    assert (refused, site.pokes, site.known) == (1000, 0, set())


# Once ----------------------------------------------------------------------------------------------------------------


def test_a_delivery_that_comes_again_counts_no_more(server: Served, site: Site) -> None:
    body = payload()
    given = headers(body)
    again = given | {"X-GitHub-Delivery": given["X-GitHub-Delivery"].upper()}
    assert [server.deliver(body, each).status_code for each in (given, given, again)] == [202] * 3
    assert site.pokes == 1
    server.deliver(body, headers(body))
    assert site.pokes == 2


def test_fifty_of_the_same_delivery_at_once_are_one_poke(server: Served, site: Site) -> None:
    body = payload()
    given = headers(body)
    with ThreadPoolExecutor(50) as people:
        answers = list(people.map(lambda _: server.deliver(body, given).status_code, range(50)))
    assert site.pokes == 1
    assert set(answers) <= {202, 503}
    assert server.deliver(body, given).status_code == 202
    assert site.pokes == 1


def test_what_cannot_be_written_down_can_be_delivered_again() -> None:
    full, well = Site("full", writable=False), Site("well")
    with served(full, well, secret=SECRET) as server:
        body = payload()
        given = headers(body)
        assert server.deliver(body, given).status_code == 503
        assert (full.pokes, well.pokes) == (0, 1)
        full.writable = True
        assert server.deliver(body, given).status_code == 202
        assert (full.pokes, well.pokes) == (1, 1)


def test_while_ledgers_are_slow_pages_are_served_and_too_many_deliveries_are_sent_away() -> None:
    site = Site()
    body = payload()
    with served(site, secret=SECRET) as server, ThreadPoolExecutor(AT_ONCE + 8) as people:
        with site.lock:  # nothing can be written down meanwhile
            waiting = [people.submit(server.deliver, body, headers(body)) for _ in range(AT_ONCE + 8)]
            early = [each.result().status_code for each in islice(as_completed(waiting, timeout=20), 8)]
            assert server.ask("/healthz").text == "ok\n"
            assert server.ask("/metrics").status_code == 200
        answers = [each.result(20).status_code for each in waiting]
    assert early == [503] * 8
    assert sorted(answers) == [202] * AT_ONCE + [503] * 8
    assert site.pokes == AT_ONCE


def test_unsigned_clients_that_are_slow_keep_no_signed_delivery_out(server: Served, site: Site) -> None:
    head = f"POST /github HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LARGEST}\r\n\r\nsome of it"
    body = payload()
    with ExitStack() as lines:
        for _ in range(2 * AT_ONCE):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            line.sendall(head.encode())
        assert server.deliver(body, headers(body)).status_code == 202
    assert site.pokes == 1
