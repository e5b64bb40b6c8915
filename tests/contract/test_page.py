"""Whether the public page shows the news: a real server on loopback, judged by what it was asked."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from postbot.core.announce import Page
from postbot.page import PublicSite, Showing
from tests.contract.pages import HTML, OPEN, Server, answer, look, page, serving, without_surroundings


@pytest.fixture(name="site")
def _site() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    without_surroundings(monkeypatch)


# What counts as shown


def test_a_page_is_not_shown_until_the_site_shows_it(site: Server):
    site.answers = [answer(404), page("<p>Open soon"), page(f"<p>{OPEN}")]
    seen = [look(site) for _ in range(3)]
    assert [showing.shown for showing in seen] == [False, False, True]
    assert [showing.detail for showing in seen] == [
        "The public page cannot be read: the site answers 404.",
        'The public page does not show "Open until Friday" yet.',
        'The public page shows "Open until Friday".',
    ]


SHOWN = {
    "in another element for each word": "<p>Open <b>until</b>\n\n <i>Friday</i>",
    "in cells": "<table><tr><td>Open</td><td>until</td><td>Friday</td></tr></table>",
    "with a word in two elements": "<p>Op<b>en</b> until Friday",
    "with hard blanks": "<p>Open&nbsp;until&#160;Friday",
    "with entities": "<p>&#79;pen until &#x46;riday",
    "in the title": "<title>Open until Friday - Jobs</title>",
    "hidden": "<p hidden>Open until Friday</p>",
    "in a meta element": '<meta name="posting" content="Open  until\nFriday">',
    "in a meta element that is closed": '<META CONTENT="&#79;pen until Friday" />',
    "after a script": "<script>a < b</script><style>p > q {}</style><p>Open until Friday",
    "after a comment": "<!-- no --><p>Open until Friday",
    "after a conditional comment": "<!--[if IE]><p>old<![endif]--><p>Open until Friday",
    "after a template": "<template><p>no</p></template><p>Open until Friday",
    "after the end of a template that never began": "</template><p>Open until Friday",
    "after a lonely sign": "<p>1 < 2 & 3 <p>Open until Friday",
    "at the very end": "Open until Friday",
    "before a lonely sign at the very end": "<p>Open until Friday: R&D",
}
NOT_SHOWN = {
    "in a comment": "<!-- Open until Friday --><p>Closed",
    "in a comment that never ends": "<p>Closed<!-- Open until Friday",
    "in a script": "<script>var a = 'Open until Friday'</script>",
    "in a script that never ends": "<script>'Open until Friday'",
    "in a script in capitals": "<SCRIPT>Open until Friday</SCRIPT>",
    "in a style": "<style>p:after { content: 'Open until Friday' }</style>",
    "in a template": "<template><p>Open until Friday</p></template>",
    "in a template in a template": "<template><template></template>Open until Friday</template>",
    "in a meta element in a template": '<template><meta content="Open until Friday"></template>',
    "in another attribute": '<p title="Open until Friday" data-state="Open until Friday">Closed',
    "in a tag that never ends": '<p title="Open until Friday',
    "in another case": "<p>open until friday",
    "as the beginning of something else": "<p>Open until Fridays",
    "as the end of something else": "<p>ReOpen until Friday",
    "in a part of a meta element": '<meta name="posting" content="Open until Friday, noon">',
    "across two paragraphs' words": "<p>Open unt</p><p>il Friday",
    "after what no parser takes": "<![odd[ Open until Friday ]]>",
    "after a number too large": f"<p>Closed &#{'1' * 5000}; Open until Friday",
}


@pytest.mark.parametrize("html", SHOWN.values(), ids=SHOWN)
def test_what_a_reader_or_a_template_s_mark_says_counts(site: Server, html: str):
    site.answers = [page(html)]
    assert look(site).shown


@pytest.mark.parametrize("html", NOT_SHOWN.values(), ids=NOT_SHOWN)
def test_what_no_reader_sees_does_not_count(site: Server, html: str):
    site.answers = [page(html)]
    assert look(site) == Showing(shown=False, detail='The public page does not show "Open until Friday" yet.')


def test_the_text_that_is_waited_for_may_be_set_in_blanks_of_any_kind(site: Server):
    assert look(site, "  Open\n until\tFriday ").shown


def test_a_text_of_nothing_can_be_shown_by_no_page(site: Server):
    assert look(site, " ") == Showing(shown=False, detail=look(site, "").detail)
    assert look(site, "").detail.startswith("Nobody can tell what the public page should show")


def test_plain_text_is_a_page_too_and_is_taken_as_it_is(site: Server):
    site.answers = [page(f"<!-- {OPEN} -->", "text/plain")]
    assert look(site).shown


GERMAN, POLISH = "Bäcker gesucht", "Piekarz w Łodzi"
CHARSETS = {
    "told by the server": ("text/html; charset=ISO-8859-2", "iso-8859-2", "", POLISH),
    "told by the page": ("text/html", "iso-8859-2", "<meta charset=iso-8859-2>", POLISH),
    "told by the page in the old way": (
        "text/html",
        "iso-8859-2",
        '<META http-equiv="Content-Type" content="text/html; charset=ISO-8859-2">',
        POLISH,
    ),
    "told otherwise by server and page": (
        "text/html; charset=iso-8859-2",
        "iso-8859-2",
        "<meta charset=utf-8>",
        POLISH,
    ),
    "Latin 1": ("text/html; charset=iso-8859-1", "iso-8859-1", "", GERMAN),
    "UTF-8": ("text/html; charset=utf-8", "utf-8", "", POLISH),
    "UTF-8 with a mark": ("text/html", "utf-8-sig", "", POLISH),
    "UTF-16": ("text/html; charset=utf-16", "utf-16", "", POLISH),
    "not told, UTF-8": ("text/html", "utf-8", "", POLISH),
    "not told, Windows": ("text/html", "windows-1252", "", GERMAN),
    "told wrongly": ("text/html; charset=utf-8", "iso-8859-1", "", GERMAN),
    "unknown": ("text/html; charset=klingon", "utf-8", "", POLISH),
    "no character set at all": ("text/html; charset=base64", "utf-8", "", POLISH),
}


@pytest.mark.parametrize(("kind", "charset", "head", "words"), CHARSETS.values(), ids=CHARSETS)
def test_letters_are_read_in_the_character_set_of_the_page(
    site: Server, kind: str, charset: str, head: str, words: str
) -> None:
    site.answers = [page(f"{head}<p>{words}", kind, charset)]
    assert look(site, words).shown


@pytest.mark.parametrize(("status", "gone"), [(404, True), (410, True), (200, False), (403, False), (500, False)])
def test_a_page_that_must_go_is_waited_for_until_the_site_says_that_it_is_gone(site: Server, status: int, gone: bool):
    site.answers = [answer(status, b"not found", Content_Type=HTML)]
    assert look(site, "not found").shown is gone


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 403, 404, 410, 429, 500, 503])
def test_words_on_a_page_of_another_status_than_200_do_not_count(site: Server, status: int):
    site.answers = [answer(status, OPEN.encode(), Content_Type=HTML)]
    assert look(site) == Showing(shown=False, detail=f"The public page cannot be read: the site answers {status}.")


@pytest.mark.parametrize("kind", ["application/pdf", "image/svg+xml", "application/json", "text/css", "nonsense", ""])
def test_what_is_no_page_for_readers_is_not_shown(site: Server, kind: str):
    site.answers = [page(OPEN, kind)]
    showing = look(site)
    assert not showing.shown
    assert "its type is" in showing.detail


def test_a_posting_whose_address_nobody_knows_is_not_shown(site: Server):
    showing = PublicSite(site.url).shows(Page("", OPEN))
    assert not showing.shown
    assert showing.detail.startswith("Nobody can tell the page's address")
    assert site.connections == 0


# How it asks


def test_a_look_asks_once_for_a_fresh_copy_and_says_who_asks(site: Server):
    look(site, path="/jobs/baker/?a=b")
    (asked,) = site.asked
    assert asked.path == "/jobs/baker/?a=b"
    assert (asked.headers["user-agent"], asked.headers["cache-control"]) == ("postbot", "no-cache")
    assert site.connections == 1


def test_nobody_s_password_and_no_cookie_goes_with_it(
    site: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password secret\ndefault login ann password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    site.answers = [answer(302, b"", Location="/b", Set_Cookie="a=b; Path=/"), page(OPEN)]
    assert look(site).shown
    assert [asked.path for asked in site.asked] == ["/jobs/baker/", "/b"]
    for asked in site.asked:
        assert asked.headers.keys().isdisjoint({"cookie", "authorization"})


def test_a_site_behind_a_proxy_is_read_through_it(site: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", site.url)
    assert PublicSite("http://jobs.invalid").shows(Page("http://jobs.invalid/baker", OPEN)).shown
    assert [asked.path for asked in site.asked] == ["http://jobs.invalid/baker"]


# A real site


LAYOUT = '<html><head><meta name="posting" content="{{ page.state }} {{ page.closes }}"></head>{{ content }}</html>'
POSTING = (
    "---\ntitle: Baker\nlayout: posting\nstate: {state}\ncloses: 2030-03-15\npermalink: /jobs/baker/\n---\nBread.\n"
)


def build(site: Path) -> None:
    command = ["jekyll", "build", "--disable-disk-cache", "-q"]
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    built = subprocess.run(command, cwd=site, env=env, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr


def test_a_page_built_by_jekyll_shows_the_state_that_its_template_marks(tmp_path: Path):
    if not shutil.which("jekyll"):
        pytest.skip("jekyll is not installed; on Debian: apt-get install jekyll")
    (tmp_path / "_layouts").mkdir()
    (tmp_path / "_layouts" / "posting.html").write_text(LAYOUT)
    (tmp_path / "_config.yml").write_text("timezone: UTC\n")
    (tmp_path / "baker.md").write_text(POSTING.format(state="upcoming"))
    build(tmp_path)

    class Files(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(tmp_path / "_site"))) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02))
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        awaited = Page(f"{url}/jobs/baker/", "open 2030-03-15")
        assert PublicSite(url).shows(awaited).detail == 'The public page does not show "open 2030-03-15" yet.'
        (tmp_path / "baker.md").write_text(POSTING.format(state="open"))
        build(tmp_path)
        assert PublicSite(url).shows(awaited).shown
        (tmp_path / "baker.md").unlink()
        build(tmp_path)
        assert PublicSite(url).shows(Page(awaited.url, "not found")).shown
        server.shutdown()
        thread.join()
