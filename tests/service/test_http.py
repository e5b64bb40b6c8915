"""What the service's pages say, to whom, and that nobody can keep others from them. Asked over real HTTP."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests
from prometheus_client import CollectorRegistry

from postbot.censor import HIDDEN, keep
from postbot.doors.service import http
from postbot.doors.service.health import Outcome
from tests.service.served import SECRET, TOKEN, WELL, Served, Site, payload, served, settings

BEARER = {"Authorization": f"Bearer {TOKEN}"}
PAGES = ("/", "/healthz", "/readyz", "/metrics")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture(scope="module")
def running() -> Iterator[Served]:
    with served() as server:
        yield server


@pytest.fixture
def server(running: Served, site: Site) -> Served:
    running.sites[:] = [site]
    return running


def raw(server: Served, text: str) -> bytes:
    """Send exactly these bytes and read until the server closes the line."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall(text.encode("latin-1"))
        return rest(line)


# What they say -------------------------------------------------------------------------------------------------------


def test_healthz_says_whether_the_process_works_and_nothing_of_how_a_site_fares() -> None:
    works = [True]
    ill = Site(stands=replace(WELL, hangs=True, overdue=True, outcome=Outcome.FAILED))
    with served(ill, works=lambda: works[0]) as server:
        assert (server.ask("/healthz").status_code, server.ask("/readyz").status_code) == (200, 503)
        works[0] = False
        answer = server.ask("/healthz")
        assert (answer.status_code, answer.text) == (503, "not ok\n")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"outcome": Outcome.HELD, "detail": "Many moves."}, 200),
        ({"outcome": Outcome.PAUSED, "detail": "robin has paused it."}, 200),
        ({"outcome": Outcome.BUSY}, 200),
        ({"outcome": Outcome.NONE, "ended_at": None}, 503),
        ({"outcome": Outcome.FAILED, "detail": "GitHub is away."}, 503),
        ({"hangs": True}, 503),
        ({"overdue": True}, 503),
    ],
)
def test_readyz_waits_until_every_site_has_ended_a_tick_well(change: dict[str, object], status: int) -> None:
    with served(Site("first"), Site("second", stands=replace(WELL, **change))) as server:  # type: ignore[arg-type]
        answer = server.ask("/readyz")
    told = answer.json()
    assert (answer.status_code, told["ready"]) == (status, status == 200)
    assert [each["name"] for each in told["sites"]] == ["first", "second"]
    assert told["sites"][1]["outcome"] == change.get("outcome", "fine")
    assert told["sites"][1]["detail"] == change.get("detail", "")


def test_a_service_without_sites_is_not_ready() -> None:
    with served() as server:
        assert server.ask("/readyz").status_code == 503
        assert server.ask("/healthz").status_code == 200


def test_readyz_tells_how_long_ago_and_how_soon(server: Served, site: Site) -> None:
    site.stands = replace(WELL, ended_at=datetime.now(UTC), running=1.25, at="plan", rejected="No such profile.")
    [told] = server.ask("/readyz").json()["sites"]
    assert 0 <= told.pop("last_ended_ago") <= 60
    assert told == {
        "name": "agency",
        "outcome": "fine",
        "detail": "",
        "wakes_in": None,
        "running_for": 1.25,
        "at": "plan",
        "hangs": False,
        "overdue": False,
        "rejected": "No such profile.",
    }


def test_a_secret_in_a_reason_is_not_shown(server: Served, site: Site) -> None:
    secret = keep("canary-in-a-reason")
    site.stands = replace(WELL, detail=f"It said {secret}.", rejected=f"It said {secret}.")
    text = server.ask("/readyz").text
    assert secret not in text
    assert text.count(HIDDEN) == 2


# To whom -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
@pytest.mark.parametrize(
    ("given", "status"),
    [
        (BEARER, 200),
        ({"Authorization": f"bearer {TOKEN}"}, 200),
        ({}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": f"Bearer {TOKEN[:-1]}"}, 401),
        ({"Authorization": b"Bearer \xff\xfe"}, 401),
        ({"Authorization": TOKEN}, 401),
    ],
)
def test_where_a_token_is_set_only_who_brings_it_reads_on(path: str, given: dict[str, str], status: int) -> None:
    with served(Site(), token=TOKEN) as server:
        answer = server.ask(path, headers=given)
        assert answer.status_code == status
        assert TOKEN not in answer.text
        assert (answer.headers.get("WWW-Authenticate") == "Bearer") is (status == 401)
        assert server.ask("/healthz").text == "ok\n", "a container's own check brings none"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8087", 200),
        ("127.9.9.9", 200),
        ("localhost:1", 200),
        ("LOCALHOST", 200),
        ("localhost.", 200),
        ("[::1]:8087", 200),
        ("postbot.internal", 200),
        ("PostBot.Internal:80", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("postbot.internal.evil.example", 421),
        ("evil.example#@localhost", 421),
        ("169.254.169.254", 421),
        ("[::ffff:8.8.8.8]", 421),
        ("2130706433", 421),
        ("", 421),
    ],
)
def test_it_answers_under_its_own_names_only_and_repeats_none(site: Site, host: str, status: int) -> None:
    with served(site, names=("postbot.internal",), secret=SECRET) as server:
        for path, method in (("/healthz", "GET"), ("/readyz", "GET"), ("/github", "POST"), ("/nothing/", "GET")):
            answer = raw(server, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").decode()
            is_misdirected = answer.startswith("HTTP/1.1 421 ")
            assert is_misdirected is (status == 421)
            assert "evil" not in answer
            assert "location:" not in answer.lower()


def test_a_request_without_a_host_is_misdirected(server: Served) -> None:
    assert raw(server, "GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_pages_can_only_be_read(server: Served, path: str, method: str) -> None:
    answer = server.ask(path, method)
    assert (answer.status_code, sorted(answer.headers["Allow"].split(", "))) == (405, ["GET", "HEAD"])


@pytest.mark.parametrize("path", PAGES)
def test_head_says_the_same_without_a_body(server: Served, path: str) -> None:
    answer = server.ask(path, "HEAD")
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/healthz/", "/%3Cscript%3E", "/github"])
def test_every_answer_is_kept_nowhere_and_can_do_nothing_in_a_browser(server: Served, path: str) -> None:
    answer = server.ask(path)
    assert answer.status_code == (200 if path in PAGES else 404)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert not {"Server", "Location", "Set-Cookie", "Access-Control-Allow-Origin"} & set(answer.headers)
    assert "script" not in answer.text


def test_a_fault_of_ours_is_not_shown_and_wears_the_same_headers() -> None:
    class Broken(Site):
        def health(self):  # type: ignore[no-untyped-def]
            raise RuntimeError("canary in a traceback")

    with served(Broken()) as server:
        answer = server.ask("/readyz")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (500, "no-store")
    assert "canary" not in answer.text


# How many, and how slow ----------------------------------------------------------------------------------------------

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"G", HEAD, BODY], ids=["nothing", "a letter", "half a head", "half a body"])
def test_a_hundred_slow_clients_keep_nobody_from_an_answer_and_are_cut_off(said: bytes) -> None:
    with ExitStack() as stack, served(Site(), secret=SECRET, patience=2) as server:
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(100)]
        for line in lines:
            line.sendall(said)
        for _ in range(10):
            assert server.ask("/healthz").text == "ok\n"
        for line in lines:
            line.settimeout(20)
            assert rest(line)[:13] in (b"", b"HTTP/1.1 503 "), "nothing, or that there are too many"


def rest(line: socket.socket) -> bytes:
    """What still comes until the far end closes the line, or cuts it."""
    got = b""
    with suppress(ConnectionResetError):
        while part := line.recv(65536):
            got += part
    return got


def test_a_client_that_drips_for_ever_is_cut_off_too() -> None:
    with served(Site(), patience=0.5) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(HEAD)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            drip(line)


def drip(line: socket.socket) -> None:
    for _ in range(1000):
        line.sendall(b"x")
        time.sleep(0.02)


def test_more_connections_than_it_has_room_for_are_closed_and_the_next_is_served() -> None:
    with ExitStack() as stack, served(Site(), patience=1) as server:
        for _ in range(600):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        for _ in range(100):  # until those before have been cut off
            try:
                answer = server.ask("/healthz")
            except requests.ConnectionError:
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                break
            assert answer.status_code == 503
            time.sleep(0.1)
        assert server.ask("/healthz").text == "ok\n"


def test_headers_without_end_are_refused(server: Served) -> None:
    answer = raw(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + "x" * 200_000)
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_what_is_no_http_at_all_gets_an_answer_and_the_server_goes_on(server: Served) -> None:
    for said in ("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "HELO there\r\n\r\n", "GET / HTTP/9\r\n\r\n", "\0" * 100_000):
        assert b" 400 " in raw(server, said)
    assert server.ask("/healthz").text == "ok\n"


# Beginning and end ---------------------------------------------------------------------------------------------------


def test_an_address_that_is_taken_is_told_in_a_sentence(server: Served) -> None:
    with pytest.raises(http.HttpError, match=f"cannot listen on 127.0.0.1 port {server.port}: .*`listen`"):
        http.serve(
            http.application(list, settings(), CollectorRegistry(), works=lambda: True), "127.0.0.1", server.port
        )


def test_a_name_that_leads_nowhere_is_told_in_a_sentence() -> None:
    with pytest.raises(http.HttpError, match="cannot listen on nowhere port 99999"):
        http.serve(http.application(list, settings(), CollectorRegistry(), works=lambda: True), "nowhere", 99999)


def test_a_server_that_was_stopped_takes_nothing_more_even_with_a_client_in_mid_request() -> None:
    with served(Site()) as server:
        line = socket.create_connection(("127.0.0.1", server.port))
        line.sendall(HEAD)
    with line, pytest.raises(requests.ConnectionError):
        server.ask("/healthz")


def test_the_list_of_paths_and_the_webhook_without_a_secret(server: Served, site: Site) -> None:
    assert server.ask("/").text.split() == ["postbot", *PAGES[1:]]
    answer = server.ask("/github", "POST", data=payload())
    assert (answer.status_code, site.pokes) == (404, 0)
    assert json.loads(payload())["repository"]["full_name"] not in answer.text
