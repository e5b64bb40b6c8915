"""Every HTML mail in a real browser: narrow and wide, light and dark, it can be read by everybody and loads nothing.

Chromium draws it, and axe looks at it as those do who test web pages for people who cannot see, or not well.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from postbot.core.announce import Event
from tests.announcements import FACTS, LEAST, NEWS, QUIET, VOICE, said

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NARROW, WIDE = 320, 800
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TEAM = replace(VOICE, routes=[replace(each, hears=frozenset(Event)) for each in VOICE.routes[1:]])
MAILS = {
    **{name: said(*found).html for name, found in FACTS.items()},
    "opened-with-little": said(*LEAST["opened"], QUIET).html,
    "for-the-team": said(Event.OPENED, NEWS, TEAM, released=False).html,
    "long-words": said(Event.OPENED, {name: value and "Donaudampfschiff" * 9 for name, value in NEWS.items()}).html,
    "long-lines": said(Event.NOT_READY, FACTS["not-ready"][1] | {"missing": ("`a_b`-" * 60, "x " * 300)}).html,
}
MORE = ("opened", "closed-early", "not-ready", "waiting", "for-the-team")
LOOKS = [
    *((name, NARROW if at % 2 else WIDE, "dark" if at // 2 % 2 else "light") for at, name in enumerate(MAILS)),
    *((name, width, scheme) for name in MORE for width, scheme in ((NARROW, "dark"), (WIDE, "light"))),
    *((name, width, scheme) for name in MORE[:1] for width, scheme in ((NARROW, "light"), (WIDE, "dark"))),
]
"""Each mail in one way, and those that hold all there is to see in more: a look takes half a second."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    chromium = which("chromium")
    if chromium is None:
        pytest.skip("There is no Chromium here; install it with: apt-get install chromium")
    profile = tmp_path_factory.mktemp("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=ARGUMENTS, headless=True
        )
        yield browser.new_page()
        browser.close()


@pytest.fixture(scope="module")
def axe() -> Axe:
    return Axe()


def show(page: Page, html: str, file: Path, width: int = WIDE, scheme: str = "light") -> list[str]:
    """Open a mail in a window of that width, and list what it asked for besides itself."""
    asked: list[str] = []
    listener = lambda request: asked.append(request.url)  # noqa: E731 - the same one is taken off again
    file.write_text(html, encoding="utf-8")
    page.set_viewport_size({"width": width, "height": 640})
    page.emulate_media(color_scheme=scheme)
    page.on("request", listener)
    page.goto(file.as_uri(), wait_until="load")
    page.remove_listener("request", listener)
    return [url for url in asked if url != file.as_uri()]


@pytest.mark.parametrize(("name", "width", "scheme"), dict.fromkeys(LOOKS))
def test_a_mail_is_for_everybody(name: str, width: int, scheme: str, page: Page, axe: Axe, tmp_path: Path):
    assert show(page, MAILS[name], tmp_path / "mail.html", width, scheme) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.run(page, options=RULES).response
    assert [(each["id"], each["help"]) for each in found["violations"]] == []
    assert [each["id"] for each in found["incomplete"]] == []
    assert "color-contrast" in [each["id"] for each in found["passes"]]


@pytest.mark.parametrize("name", ["opened", "not-ready", "waiting", "for-the-team"])
def test_a_mail_is_dark_where_its_reader_wants_it_dark(name: str, page: Page, tmp_path: Path):
    shades = []
    for scheme in ("light", "dark"):
        show(page, MAILS[name], tmp_path / "mail.html", scheme=scheme)
        shades.append(page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor"))
    assert shades == ["rgb(255, 255, 255)", "rgb(32, 35, 39)"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_links_to_the_posting_looks_like_a_button(scheme: str, page: Page, tmp_path: Path):
    show(page, MAILS["opened"], tmp_path / "mail.html", NARROW, scheme)
    box = page.get_by_role("link", name="Read the posting and apply").bounding_box()
    assert box
    assert box["height"] >= 44  # what a finger can hit
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW


def test_it_is_read_aloud_in_order(page: Page, tmp_path: Path):
    show(page, MAILS["opened"], tmp_path / "mail.html")
    assert page.locator("body").aria_snapshot().splitlines() == [
        "- main:",
        '  - heading "Harbour Pilot" [level=1]',
        "  - paragraph: Open for applications",
        "  - term: Apply by",
        "  - definition: Friday, March 15, 2030, 11:59 pm EDT",
        "  - paragraph:",
        '    - link "Read the posting and apply":',
        "      - /url: https://agency.example/jobs/harbour-pilot/",
        "  - paragraph:",
        "    - text: Questions? Write to",
        '    - link "ana@agency.example":',
        "      - /url: mailto:ana@agency.example",
        "    - text: .",
        "- contentinfo: Openings at the agency",
    ]


NASTY = [
    "<img src='https://evil.example/x.png' onerror=\"document.title='x'\">",
    "\"><script>document.title='x'</script>",
    "</title><style>@import 'https://evil.example/x.css';</style>",
    "' style='background:url(https://evil.example/x)' x='",
    "&lt;iframe src=https://evil.example&gt; &#60;b&#62;",
]


@pytest.mark.parametrize("text", NASTY)
def test_a_title_is_a_title_to_a_browser(text: str, page: Page, tmp_path: Path):
    elements = "[...document.querySelectorAll('*')].map(each => each.tagName)"
    show(page, MAILS["opened"], tmp_path / "mail.html")
    plain = page.evaluate(elements)
    facts = NEWS | {"title": text, "closes": text}
    assert show(page, said(Event.OPENED, facts).html, tmp_path / "mail.html") == []
    assert page.evaluate(elements) == plain
    assert page.title() == f"{text}: now open"
    assert page.get_by_role("heading").inner_text() == text
