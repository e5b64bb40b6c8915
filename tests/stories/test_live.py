"""News that wait for the public page: a real web server on loopback shows what the site's last build has made."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.stories.test_announcements import AUTO, MARCH, PILOT_CLOSES, PILOT_OPENS, UNDELIVERED
from tests.world import World

PAGE = '<!doctype html><title>{title}</title><meta name="posting" content="{state} {closes}"><h1>{title}</h1>'


class Site(ThreadingHTTPServer):
    """The published site: what was built last, by address; `asked` are the addresses that somebody has asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def build(self, world: World, slug: str) -> None:
        """Build the page of one posting from the base branch, as Jekyll would."""
        fields = dict(re.findall(r"(?m)^(title|state|closes): (.*)$", world.text(slug)))
        self.pages[f"/jobs/{slug}/"] = PAGE.format(**fields)


class Answers(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((page or "Not found").encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Site]:
    with Site() as site:
        thread = Thread(target=site.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


def live(folder: Path, site: Site) -> World:
    settings = (
        f"announce: live\npublic:\n  url: {site.url}\n  within: 30 minutes\n  shows:\n"
        "    upcoming: 'upcoming {{closes}}'\n    open: 'open {{closes}}'\n    closed: 'closed {{closes}}'\nroutes:"
    )
    world = World(folder, config=AUTO.replace("routes:", settings))
    world.write("pilot", **MARCH)
    world.write("baker")
    world.tick()
    site.build(world, "pilot")
    return world


def test_news_go_out_once_the_public_page_shows_them(tmp_path: Path, site: Site) -> None:
    world = live(tmp_path, site)
    report = world.tick(PILOT_OPENS)
    assert world.said() == []
    assert [why for _, why in report.unseen]
    world.advance(minutes=2)
    assert world.said() == []
    site.build(world, "pilot")
    world.advance(minutes=2)
    assert world.said() == ["Pilot: now open"]
    assert f"{site.url}/jobs/pilot/" in world.read("Pilot: now open")
    assert set(site.asked) == {"/jobs/pilot/"}


def test_an_extension_waits_for_the_new_date_on_the_page(tmp_path: Path, site: Site) -> None:
    world = live(tmp_path, site)
    world.tick(PILOT_OPENS)
    site.build(world, "pilot")
    world.advance(minutes=2)
    world.ask("pilot", "extend", closes="2026-03-27")
    world.tick("2026-03-10T09:00")
    assert world.said() == ["Pilot: now open"], "the page says open, and the old date"
    site.build(world, "pilot")
    world.advance(minutes=2)
    assert world.said() == ["Pilot: now open", "Pilot: more time to apply"]


def test_what_the_page_does_not_show_in_time_is_held_and_the_staff_are_told(tmp_path: Path, site: Site) -> None:
    world = live(tmp_path, site)
    world.tick(PILOT_OPENS)
    world.advance(minutes=29)
    assert world.asked() == []
    world.advance(minutes=2)
    world.advance(minutes=1)
    assert (world.said(), world.asked()) == ([], [UNDELIVERED])
    assert 'The public page does not show "open' in world.read(UNDELIVERED)
    assert f"Looked for at {site.url}/jobs/pilot/." in world.read(UNDELIVERED)

    [held] = world.bot.ledger.deliveries(held_only=True)
    world.bot.ledger.resend(held.number, "robin", world.now)
    world.advance(minutes=1)
    assert world.said() == ["Pilot: now open"], "a person has decided, whatever the page shows"


def test_a_site_that_is_down_holds_nothing_else_up(tmp_path: Path, site: Site) -> None:
    world = live(tmp_path, site)
    world.write("cook", opens="March 10, 2026", closes="March 20, 2026")
    world.change("cook", "apply_url: https", "# apply_url: APPLICATION URL https")
    site.pages.clear()
    world.tick(PILOT_OPENS)
    assert world.said() == []
    assert world.asked() == ["Cook: not ready to open"], "what is for the staff waits for no page"


def test_news_that_have_passed_are_not_told_when_the_page_is_there_at_last(tmp_path: Path, site: Site) -> None:
    world = live(tmp_path, site)
    world.tick(PILOT_OPENS)
    world.ask("pilot", "close", reason="filled")
    world.advance(minutes=10)
    site.build(world, "pilot")
    world.advance(minutes=2)
    assert world.said() == ["Pilot: closed early"]


def test_an_opening_and_its_extension_before_the_site_is_built_both_wait_for_what_it_shows_then(
    tmp_path: Path, site: Site
) -> None:
    world = live(tmp_path, site)
    world.tick(PILOT_OPENS)
    world.ask("pilot", "extend", closes="2026-03-27")
    world.advance(minutes=3)
    site.build(world, "pilot")
    world.advance(minutes=2)
    assert world.said() == ["Pilot: now open", "Pilot: more time to apply"]
    assert world.asked() == []


def test_a_posting_without_a_closing_date_is_announced_too(tmp_path: Path, site: Site) -> None:
    world = live(tmp_path, site)
    world.tick(PILOT_OPENS)
    site.build(world, "pilot")
    world.advance(minutes=2)
    world.change("pilot", f"closes: {MARCH['closes']}\n", "")
    world.advance(minutes=2)
    site.pages["/jobs/pilot/"] = PAGE.format(title="Pilot", state="open", closes="")
    world.advance(minutes=2)
    assert world.said() == ["Pilot: now open", "Pilot: closing date corrected"]


def test_a_date_that_is_the_beginning_of_another_is_not_taken_for_it(tmp_path: Path, site: Site) -> None:
    world = live(tmp_path, site)
    world.tick(PILOT_OPENS)
    site.build(world, "pilot")
    world.advance(minutes=2)
    world.change("pilot", MARCH["closes"], "March 20, 2026, 11:59 pm EDT".removesuffix(", 11:59 pm EDT"))
    world.advance(minutes=2)
    assert world.said() == ["Pilot: now open"], "the page still shows the longer date"


def test_a_posting_without_a_known_address_is_not_announced_behind_peoples_backs(tmp_path: Path, site: Site) -> None:
    world = live(tmp_path, site)
    world.change("pilot", "permalink: /jobs/pilot/\n", "")
    world.tick(PILOT_OPENS)
    world.advance(minutes=31)
    world.advance(minutes=1)
    assert (world.said(), world.asked()) == ([], [UNDELIVERED])
    assert site.asked == []


def test_a_hostile_address_leads_nowhere_but_to_the_site(tmp_path: Path, site: Site) -> None:
    with serving() as elsewhere:
        world = live(tmp_path, site)
        for address in (
            f"//127.0.0.1:{elsewhere.server_port}/x",
            f"http://127.0.0.1:{elsewhere.server_port}/",
            "\\\\e",
            "@e",
        ):
            world.change("pilot", re.findall("permalink: .*\n", world.text("pilot"))[0], f"permalink: '{address}'\n")
            world.tick(PILOT_CLOSES if address == "@e" else PILOT_OPENS)
        assert elsewhere.asked == []
