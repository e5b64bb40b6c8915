"""The public page and whoever means ill: no other site is read, no server keeps or floods us. Judged by what was asked."""

import gzip
import socket
import ssl
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postbot.core.announce import About, Announcement, Event, Page
from postbot.core.announce.words import Voice, Words, page_of
from postbot.core.profile import State
from postbot.core.site import Path as SitePath
from postbot.page import PageError, PublicSite
from tests.contract.pages import (
    HTML,
    OPEN,
    Answer,
    Handler,
    Server,
    answer,
    certificate,
    look,
    page,
    raw,
    redirect,
    serving,
    without_surroundings,
)

QUICK = timedelta(seconds=0.5)


@pytest.fixture(name="site")
def _site() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(name="canary")
def _canary() -> Iterator[Server]:
    """Another site, to which nobody must come."""
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    without_surroundings(monkeypatch)


# Redirects


def test_a_redirect_within_the_site_is_followed(site: Server):
    site.answers = [redirect("/b", 301), redirect("c?d=e#f", 307), redirect(f"{site.url}/g", 308), page(OPEN)]
    assert look(site).shown
    assert [asked.path for asked in site.asked] == ["/jobs/baker/", "/b", "/c?d=e", "/g"]


def test_a_redirect_in_a_circle_ends(site: Server):
    site.answers = [redirect("/jobs/baker/")]
    assert look(site).detail == "The public page sends its readers on more than 3 times."
    assert len(site.asked) == 4


AWAY = [
    "{canary}/",
    "//{place}/",
    "http://user@{place}/",
    "http://{home}@{place}/",
    "https://{home}/",
    "file:///etc/passwd",
    "ftp://{home}/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:99999/",
    "http://[::1/",
    "http://localhost:{port}/",
    "http://127.0.0.1.:{port}/",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("where", AWAY)
def test_a_redirect_away_from_the_site_is_not_followed(site: Server, canary: Server, where: str):
    home, place = (server.url.removeprefix("http://") for server in (site, canary))
    site.answers = [redirect(where.format(canary=canary.url, place=place, home=home, port=site.server_address[1]))]
    showing = look(site)
    assert not showing.shown
    assert showing.detail == f"The public page sends its readers away from {site.url}, and postbot reads no other site."
    assert (len(site.asked), site.connections, canary.connections) == (1, 1, 0)


@pytest.mark.parametrize(
    "where",
    ["HTTP:\\\\{place}", "\\\\{place}/", "/\\{place}/", "/@{place}/", "/.//{place}/", "////{place}/", "?@{place}"],
)
def test_a_redirect_to_an_odd_path_stays_on_the_site(site: Server, canary: Server, where: str):
    site.answers = [redirect(where.format(place=canary.url.removeprefix("http://"))), page(OPEN)]
    assert look(site).shown is (canary.connections == 0 and len(site.asked) == 2)
    assert canary.connections == 0


# Whose page it is


ELSEWHERE = [
    "{canary}/",
    "{home}@{place}/",
    "http://user:secret@{bare}/",
    "https://{bare}/",
    "http://127.0.0.1/",
    "http://localhost:{port}/",
    "http:\\\\{place}/",
    "http://{bare}\\@{place}/",
    "{home}\\.{place}/",
    "//{bare}/",
    "/jobs/",
    "nonsense",
    "http://[::1/",
    "http://127.0.0.1:http/",
    "file:///etc/passwd",
    "http://\uff11\uff12\uff17.0.0.1:{port}/",
    "http://:{port}/",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_other_site_is_read(site: Server, canary: Server, url: str):
    bare, place = (server.url.removeprefix("http://") for server in (site, canary))
    told = url.format(canary=canary.url, home=site.url, bare=bare, place=place, port=site.server_address[1])
    showing = PublicSite(site.url).shows(Page(told, OPEN))
    assert showing.detail == f"The page's address is not on {site.url}, and postbot reads no other site."
    assert not showing.shown
    assert (site.connections, canary.connections) == (0, 0)


@dataclass
class _Watch:
    """Where this process connects to and which names it asks for, by the interpreter's own word."""

    on: bool = False
    places: set[object] = field(default_factory=set)

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if self.on and event == "socket.connect":
            self.places.add(args[1])
        elif self.on and event == "socket.getaddrinfo":
            self.places.add(args[0:2])


WATCH = _Watch()
sys.addaudithook(WATCH)


@pytest.fixture(name="lasting", scope="module")
def _lasting() -> Iterator[Server]:
    with serving() as server:
        yield server


PIECES = st.sampled_from(
    ["/", "//", "\\", "\\\\", "@", ":", "?", "#", "..", "%2f", "%00", ";", " ", "[", "]", "evil.invalid"]
)
REQUESTS = settings(max_examples=max(100, settings.default.max_examples // 10))
"""Each example is a real request."""
ADDRESSES = st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join)


@given(address=ADDRESSES)
@REQUESTS
@example("//evil.invalid/")
@example("@evil.invalid/")
@example("\\\\evil.invalid")
@example(":80@evil.invalid/")
@example("http://evil.invalid/")
@example(".evil.invalid/")
@example("/../../../")
@example("/\x00\r\nHost: evil.invalid")
def test_no_posting_s_address_leads_elsewhere(lasting: Server, address: str):
    about = About(SitePath("jobs/baker.md"), "Baker", State.OPEN, "t", ZoneInfo("UTC"), address=address)
    url = page_of(Announcement(Event.OPENED, "k", "baker", about=about), Voice(Words({}), url=lasting.url))
    _stays(lasting, url)


@given(rest=ADDRESSES)
@REQUESTS
def test_no_address_at_all_leads_elsewhere(lasting: Server, rest: str):
    _stays(lasting, lasting.url + rest)


@given(where=ADDRESSES)
@REQUESTS
def test_no_redirect_leads_elsewhere(lasting: Server, where: str):
    told = where.encode("utf-8", "replace").decode("latin-1").translate(dict.fromkeys((10, 13)))
    lasting.answers = [redirect(told), page(OPEN)]
    try:
        _stays(lasting, f"{lasting.url}/jobs/")
    finally:
        lasting.answers = [page(OPEN)]


def _stays(site: Server, url: str) -> None:
    before = len(site.asked)
    WATCH.on = True
    try:
        showing = PublicSite(site.url).shows(Page(url, OPEN))
    finally:
        WATCH.on = False
    places, WATCH.places = WATCH.places, set()
    home = site.server_address
    assert places <= {home, home[:2]}
    assert showing.shown <= (len(site.asked) > before)
    assert all(asked.headers["host"] == f"{home[0]}:{home[1]}" for asked in site.asked[before:])


@pytest.mark.parametrize(
    "url",
    ["", "jobs.example", "/jobs", "ftp://jobs.example", "http://", "https://ann:secret@jobs.example", "http://a b/"],
)
def test_what_is_no_site_is_refused_at_once_without_repeating_it(url: str):
    with pytest.raises(PageError, match="https://HOST/PATH") as caught:
        PublicSite(url)
    assert "secret" not in str(caught.value)


# Servers that do harm


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
BOMB = gzip.compress(bytes(50 << 20))
LINE = {
    "nothing": (raw(), "drops the connection"),
    "a reset": (raw(reset=True), "drops the connection"),
    "a reset within the page": (raw(HEAD, b"Content-Length: 99\r\n\r\n<p>", reset=True), "drops the connection"),
    "half a page": (raw(HEAD, b"Content-Length: 99\r\n\r\n" + OPEN.encode()), "drops the connection"),
    "half a chunk": (raw(HEAD, b"Transfer-Encoding: chunked\r\n\r\n99\r\nOpen"), "drops the connection"),
    "no HTTP": (raw(b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n"), "drops the connection"),
    "a huge header": (raw(HEAD, b"X: " + b"a" * (1 << 20), b"\r\n\r\n"), "drops the connection"),
    "many headers": (
        raw(HEAD, b"".join(b"X%d: a\r\n" % each for each in range(1000)), b"\r\n"),
        "drops the connection",
    ),
    "silence": (raw(b"HTTP/1.1 200", pause=1.5), "takes too long"),
    "silence within the page": (raw(HEAD, b"Content-Length: 99\r\n\r\n<p>", pause=1.0), "takes too long"),
    "a page too large": (page("a" * 200_000), "larger than 100000 bytes"),
    "a bomb": (answer(200, BOMB, Content_Type=HTML, Content_Encoding="gzip"), "larger than 100000 bytes"),
    "a bomb in a bomb": (
        answer(200, gzip.compress(BOMB), Content_Type=HTML, Content_Encoding="gzip, gzip"),
        "packed in a way",
    ),
    "packed otherwise": (answer(200, b"x", Content_Type=HTML, Content_Encoding="br"), "packed in a way"),
    "what does not unpack": (answer(200, b"Open", Content_Type=HTML, Content_Encoding="gzip"), "does not unpack"),
}


@pytest.mark.parametrize(("told", "detail"), LINE.values(), ids=LINE)
def test_what_the_line_does_is_told_as_a_sentence(site: Server, told: Answer, detail: str):
    site.answers = [told]
    patience = QUICK if "too long" in detail else timedelta(seconds=5)
    showing = look(site, timeout=patience, most=100_000)
    assert not showing.shown
    assert detail in showing.detail
    assert len(site.asked) == 1


def test_a_page_that_is_packed_unasked_is_unpacked(site: Server):
    for name, data in (("gzip", gzip.compress(OPEN.encode())), ("deflate", zlib.compress(OPEN.encode()))):
        site.answers = [answer(200, data, Content_Type=HTML, Content_Encoding=name)]
        assert look(site).shown


@pytest.mark.parametrize("status", [200, 302, 404])
def test_a_bomb_takes_up_little_memory(site: Server, status: int):
    more = {"Location": "/b"} if status == 302 else {}
    site.answers = [answer(status, BOMB, Content_Type=HTML, Content_Encoding="gzip", **more), page(OPEN)]
    tracemalloc.start()
    showing = look(site)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert showing.shown is (status == 302)
    assert most < 12 << 20


def test_a_site_that_is_down_is_told(site: Server):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        assert "cannot be reached" in PublicSite(url).shows(Page(f"{url}/", OPEN)).detail


DRIPPING = {
    "its first line": [b"HTTP/1.1 200 OK"],
    "its headers": [HEAD],
    "its page": [HEAD, b"Content-Length: 999\r\n\r\n", b"a" * 999],
    "its chunks": [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 200],
}


@pytest.mark.parametrize("pieces", DRIPPING.values(), ids=DRIPPING)
def test_a_server_that_drips_is_left_in_time_and_leaves_nothing_behind(site: Server, pieces: list[bytes]):
    *whole, last = pieces
    site.answers = [raw(*whole, *(last[at : at + 1] for at in range(len(last))), pause=0.1)]
    before = threading.active_count()
    showing = look(site, timeout=QUICK, deadline=QUICK)
    assert showing.detail == "The public page did not come within 0.5 seconds."
    left = [thread for thread in threading.enumerate() if "run" in thread.name]
    assert left == []
    assert threading.active_count() <= before + 1  # the twin's own, which still drips


def test_redirects_share_one_deadline(site: Server):
    def slow(handler: Handler) -> None:
        time.sleep(0.3)
        redirect("/b")(handler)

    site.answers = [slow]
    assert look(site, deadline=QUICK).detail == "The public page did not come within 0.5 seconds."


# TLS


@pytest.fixture(name="encrypted")
def _encrypted(site: Server, tmp_path: Path) -> tuple[str, Path]:
    """The site's encrypted address, and the certificate that it shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = certificate(tmp_path)
    context.load_cert_chain(file)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    return site.url.replace("http:", "https:"), file


def test_a_site_must_prove_who_it_is(site: Server, encrypted: tuple[str, Path], monkeypatch: pytest.MonkeyPatch):
    url, file = encrypted
    showing = PublicSite(url).shows(Page(f"{url}/", OPEN))
    assert showing.detail == "The public page cannot be read: the site's certificate is not accepted."
    assert site.asked == []
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    assert PublicSite(url).shows(Page(f"{url}/", OPEN)).shown


def test_an_encrypted_site_that_drips_is_left_in_time_too(
    site: Server, encrypted: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, file = encrypted
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    site.answers = [raw(*(HEAD[at : at + 1] for at in range(len(HEAD))), pause=0.1)]
    showing = PublicSite(url, timeout=QUICK, deadline=QUICK).shows(Page(f"{url}/", OPEN))
    assert showing.detail == "The public page did not come within 0.5 seconds."
    assert [thread for thread in threading.enumerate() if "run" in thread.name] == []
