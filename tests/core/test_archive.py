"""When a closed posting goes to the archive, to which file, and how its old address goes on working."""

from datetime import UTC, datetime, timedelta

import pytest

from postbot.core.lifecycle import Actor, Due, Moved, Transition, Wish, carry_out, due, upcoming
from postbot.core.lint import check_site
from postbot.core.posting import Posting, read_posting
from postbot.core.problem import Problem
from postbot.core.site import Path
from tests.examples import EASTERN, profile

ARCHIVE = {
    "folder": "jobs/archive",
    "after_days": 90,
    "permalink": "permalink",
    "redirect": "redirect_from",
    "addresses": {"": "/{folder}/{name}.html"},
}
STATE = "---\ntitle: Pilot\n{more}state: {state}\nopens: {opens}\ncloses: {closes}\n---\nJoin us.\n"
CLOSED = {"state": "closed", "opens": "March 4, 2030, 9:00 am EST", "closes": "December 10, 2030, 11:59 pm EST"}
DUE = datetime(2031, 3, 11, 3, 59, tzinfo=UTC)
"""Ninety days of New York later, over the start of summer time: still one minute to midnight."""
SECOND = timedelta(seconds=1)


def read(text: str, path: str = "jobs/pilot.md", kind: str = "jekyll-state", **archive: object) -> Posting:
    found = read_posting(Path(path), text.encode(), profile(kind, archive=ARCHIVE | archive), EASTERN)
    assert isinstance(found, Posting), found
    return found


def stated(path: str = "jobs/pilot.md", more: str = "", **words: str) -> Posting:
    return read(STATE.format(more=more, **(CLOSED | words)), path)


# When --------------------------------------------------------------------------------------------------------------

WHEN = {
    "closed": (stated(), DUE),
    "closed by a date alone": (stated(closes="2030-12-10"), DUE + timedelta(minutes=1)),
    "in a folder of a like name": (stated("jobs/archive-of-old/pilot.md"), DUE),
    "in the archive": (stated("jobs/archive/pilot.md"), None),
    "in a folder of the archive": (stated("jobs/archive/2030/pilot.md"), None),
    "closed nobody knows when": (stated(closes="TBD"), None),
    "closed on a day that does not exist": (stated(closes="2030-02-30"), None),
    "closed before it opens": (stated(opens="2031-01-04"), None),
    "closed at the end of the calendar": (stated(closes="9999-12-30"), None),
    "open": (stated(state="open"), None),
    "upcoming": (stated(state="upcoming", opens="TBD"), None),
    "a draft": (stated(state="draft"), None),
    "a template": (stated("jobs/_template.md"), None),
}


@pytest.mark.parametrize(("found", "at"), WHEN.values(), ids=WHEN)
def test_what_has_been_closed_for_long_enough_is_archived(found: Posting, at: datetime | None):
    archived = Due(Transition.ARCHIVE, at) if at else None
    for now in (DUE - timedelta(days=60), DUE - SECOND, DUE, DUE + timedelta(minutes=1), DUE + timedelta(days=999)):
        asked = due(found, now)
        ahead = [step for step in upcoming(found, now) if step.transition is Transition.ARCHIVE]
        assert (asked if asked and asked.transition is Transition.ARCHIVE else None) == (
            archived if at and at <= now else None
        )
        assert ahead == ([archived] if at and at > now else [])


def test_without_an_archive_nothing_is_archived():
    found = read_posting(
        Path("jobs/pilot.md"), STATE.format(more="", **CLOSED).encode(), profile("jekyll-state"), EASTERN
    )
    assert isinstance(found, Posting)
    assert (due(found, DUE), upcoming(found, DUE - SECOND)) == (None, ())
    refusal = carry_out(found, Wish(Transition.ARCHIVE), DUE)
    assert isinstance(refusal, Problem)
    assert "The profile jekyll-state has no archive" in refusal.message
    other = carry_out(found, Wish(Transition.OPEN), DUE)
    assert isinstance(other, Problem)
    assert other.message == "pilot is closed; from there you can extend or reopen, not open."


def test_an_early_closing_counts_where_a_field_tells_it():
    text = "---\ntitle: x\nopens: 2030-03-04\ncloses: 2030-12-10\nclosed_on: {}\n---\n"
    early = read(text.format("2030-06-01"), kind="jekyll-dates")
    assert due(early, DUE) == Due(Transition.ARCHIVE, datetime(2030, 8, 30, 4, tzinfo=UTC))
    late = read(text.format("2030-12-24"), kind="jekyll-dates")
    assert due(late, DUE + timedelta(days=1)) == Due(Transition.ARCHIVE, DUE + timedelta(minutes=1))


# Where -------------------------------------------------------------------------------------------------------------


def archived(found: Posting) -> Moved:
    moved = carry_out(found, Wish(Transition.ARCHIVE), DUE, by=Actor.CLOCK)
    assert isinstance(moved, Moved), moved
    return moved


def lines_of(moved: Moved) -> list[tuple[str | None, str | None]]:
    return [(change.before, change.after) for change in moved.edited.proof.lines]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("jobs/pilot.md", "jobs/archive/pilot.md"),
        ("jobs/2030/spring/Pilot & Co.markdown", "jobs/archive/Pilot & Co.markdown"),
        ("pilot.md", "jobs/archive/pilot.md"),
    ],
)
def test_a_page_with_an_address_of_its_own_moves_as_it_is(path: str, target: str):
    found = stated(path, "permalink: join/pilot/\n")
    moved = archived(found)
    assert (moved.path, moved.edited.document.data, lines_of(moved)) == (target, found.document.data, [])
    assert moved.remarks == ()


REDIRECTS = {
    "none yet": ("", [(None, "redirect_from:"), (None, "  - /jobs/pilot.html")]),
    "one in a list": ("redirect_from:\n  - /old/  # c\n", [(None, "  - /jobs/pilot.html")]),
    "in brackets": ("redirect_from: [/old/]\n", [("redirect_from: [/old/]", "redirect_from: [/old/, /jobs/pilot.html]")]),
    "listed already": ("redirect_from: [/jobs/pilot.html]\n", []),
}  # fmt: skip


@pytest.mark.parametrize(("more", "lines"), REDIRECTS.values(), ids=REDIRECTS)
def test_any_other_page_gets_its_old_address_as_a_redirect(more: str, lines: list[tuple[str | None, str]]):
    moved = archived(stated(more=more))
    assert (moved.path, lines_of(moved)) == ("jobs/archive/pilot.md", lines)
    [remark] = moved.remarks
    assert "changes from /jobs/pilot.html to /jobs/archive/pilot.html; `redirect_from` leads there" in remark


HUGO = "---\ntitle: x\n{}publishDate: 2030-03-04\nexpiryDate: 2030-12-10\nweight: 0\n---\n"
HUGO_ARCHIVE = {"permalink": "url", "redirect": "aliases", "folder": "content/past"}
ADDRESSES = {
    "by folder and name": ("content/jobs/pilot.md", "", {"content": "/{folder}/{name}/"}, "/jobs/pilot/"),
    "by its slug": ("content/jobs/pilot.md", "slug: our-pilot\n", {"content": "/{folder}/{slug}/"}, "/jobs/our-pilot/"),
    "by a slug that is its name": ("content/jobs/pilot.md", "", {"content": "/{folder}/{slug}/"}, "/jobs/pilot/"),
    "at the top": ("content/pilot.md", "", {"content": "/{folder}/{slug}/"}, "/pilot/"),
    "by the nearest folder": ("_jobs/pilot.md", "", {"": "/{name}/", "_jobs": "/j/{name}/", "content": "/{name}"}, "/j/pilot/"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "more", "addresses", "old"), ADDRESSES.values(), ids=ADDRESSES)
def test_the_old_address_is_as_the_site_makes_it(path: str, more: str, addresses: dict[str, str], old: str):
    moved = archived(read(HUGO.format(more), path, "hugo", **HUGO_ARCHIVE, addresses=addresses))
    assert (None, f"  - {old}") in lines_of(moved)


def test_an_address_that_the_folder_has_no_part_in_needs_no_redirect():
    found = read(HUGO.format(""), "content/jobs/pilot.md", "hugo", **HUGO_ARCHIVE, addresses={"content": "/j/{slug}/"})
    assert (archived(found).path, lines_of(archived(found))) == ("content/past/pilot.md", [])


DOUBTS = {
    "no form for its folder": ("---\n", "pages/pilot.md", {"jobs": "/{folder}/{name}/"}),
    "no form for the archive": ("---\n", "pages/pilot.md", {"pages": "/{folder}/{name}/"}),
    "a folder that means something": ("---\n", "_drafts/pilot.md", {"": "/{folder}/{name}/"}),
    "a post": ("---\n", "jobs/2030-03-04-pilot.md", {"": "/{folder}/{name}/"}),
    "capitals": ("---\n", "jobs/Pilot.md", {"": "/{folder}/{name}/"}),
    "a blank": ("---\n", "jobs/our pilot.md", {"": "/{folder}/{name}/"}),
    "a language": ("---\n", "jobs/pilot.es.md", {"": "/{folder}/{name}/"}),
    "a slug that the form leaves out": ("---\nslug: x\n", "jobs/pilot.md", {"": "/{folder}/{name}/"}),
    "a slug of several words": ("---\nslug: Our Pilot\n", "jobs/pilot.md", {"": "/{folder}/{slug}/"}),
    "a slug that is a list": ("---\nslug: [a]\n", "jobs/pilot.md", {"": "/{folder}/{slug}/"}),
    "a permalink to be worked out": ("---\npermalink: /:path/\n", "jobs/pilot.md", {"": "/{folder}/{name}/"}),
    "an empty permalink": ("---\npermalink:\n", "jobs/pilot.md", {"": "/{folder}/{name}/"}),
}


@pytest.mark.parametrize(("front", "path", "addresses"), DOUBTS.values(), ids=DOUBTS)
def test_where_an_address_is_in_doubt_the_page_stays_and_says_what_to_do(
    front: str, path: str, addresses: dict[str, str]
):
    text = STATE.format(more="", **CLOSED).replace("---\n", front, 1)
    refusal = carry_out(read(text, path, addresses=addresses), Wish(Transition.ARCHIVE), DUE)
    assert isinstance(refusal, Problem)
    assert refusal.code == "archive-address"
    assert refusal.fix == "Write its address as `permalink`; it then stays the same in the archive."


REFUSED = {
    "a page of a whole folder": (stated("jobs/pilot/index.md", "permalink: /p/\n"), Wish(Transition.ARCHIVE), "archive-index"),
    "a single redirect": (stated(more="redirect_from: /old/\n"), Wish(Transition.ARCHIVE), "edit-not-a-list"),
    "values": (stated(), Wish(Transition.ARCHIVE, {"title": "x"}), "archive-values"),
    "an open one": (stated(state="open"), Wish(Transition.ARCHIVE), "transition-not-allowed"),
}  # fmt: skip


@pytest.mark.parametrize(("found", "wish", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_archived_says_why(found: Posting, wish: Wish, code: str):
    refusal = carry_out(found, wish, DUE)
    assert isinstance(refusal, Problem)
    assert refusal.code == code


def test_what_is_in_the_archive_stays_there():
    moved = archived(stated("jobs/archive/pilot.md"))
    assert (moved.path, moved.changes_nothing) == (None, True)


def test_a_person_may_archive_what_the_clock_leaves_alone():
    moved = carry_out(stated(closes="TBD"), Wish(Transition.ARCHIVE), DUE)
    assert isinstance(moved, Moved)
    assert moved.path == "jobs/archive/pilot.md"


def test_a_posting_in_the_archive_is_not_misplaced():
    here, elsewhere = stated("site/jobs/archive/pilot.md"), stated("site/jobs/other/pilot.md")
    found = check_site({each.path: each for each in (here, elsewhere)}, ("site/pages",), DUE)
    assert [(problem.path, problem.code) for problem in found] == [(elsewhere.path, "posting-misplaced")]
