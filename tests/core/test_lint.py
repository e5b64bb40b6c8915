"""What `postbot check` says: each finding at its place, nothing about a posting that is fine, and never a crash."""

import ast
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path as FilePath
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postbot.config import shipped_profiles
from postbot.core.lifecycle import set_value
from postbot.core.lint import CODES, check_file, check_posting, check_site, legend_of
from postbot.core.posting import Posting, as_posting, read_posting
from postbot.core.problem import Problem
from postbot.core.site import Path
from postbot.core.text.document import Document, read
from postbot.core.text.editing import Edited, Set, edit

NOW = datetime(2024, 6, 10, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
REPOSITORY = FilePath(__file__).resolve().parents[2]
SHARED = REPOSITORY / "../shared"
PATH = Path("pages/positions/data-analyst.md")

STATE, DATES, HUGO = (shipped_profiles()[name] for name in ("jekyll-state", "jekyll-dates", "hugo"))
PROFILES = {"state": STATE, "dates": DATES, "hugo": HUGO}

# Clean as they stand. Each example below is one of them with a line or two changed.
OPEN = """\
---
title: Data Analyst
permalink: join/data-analyst/
state: open
opens: June 4, 2024, 8:00 am EDT
closes: June 28, 2024, 8:00 pm EDT
contact_email: 'jobs@agency.gov'
apply_url: 'https://jobs.agency.gov/apply/1234'
# NOTE: be sure to tell the team
---
Body
"""
UPCOMING = (
    OPEN.replace("state: open", "state: upcoming")
    .replace("June 4, 2024", "September 4, 2024")
    .replace("June 28, 2024", "September 28, 2024")
)
CLOSED = OPEN.replace("state: open", "state: closed").replace("June", "May")
BY_DATES = """\
---
title: "Office: Data Analyst"
opens: 2024-06-04
closes: 2024-06-28
max applications: 50
application link: https://jobs.agency.gov/apply/1234
---
"""
PAGE = """\
---
slug: service-toolkit
date: 2023-02-07 9:00:00 -0500
title: Service Toolkit
topics:
  - service

# Page weight: where this page shows
# 0 -- nowhere
# 1 -- in lists
weight: 1
---
"""


def check(text: str, profile: str = "state") -> tuple[Problem, ...]:
    return check_file(PATH, text.encode(), PROFILES[profile], ZONE, NOW)


def posting(text: str, profile: str = "state", path: str = PATH) -> Posting:
    found = read_posting(Path(path), text.encode(), PROFILES[profile], ZONE)
    assert isinstance(found, Posting), found
    return found


@dataclass(frozen=True)
class Example:
    """A base, a replacement in it, and the one finding that it must bring."""

    code: str
    severity: str
    place: tuple[int, int]
    text: str
    fix: str | None = None
    repair: tuple[tuple[str, str], ...] = ()
    profile: str = "state"


def line(base: str, old: str, new: str) -> str:
    assert old in base, old
    return base.replace(old, new)


EIGHT_PM = "June 28, 2024, 8:00 pm EDT"
EXAMPLES = [
    Example(
        "state-unknown", "error", (4, 8), line(OPEN, "open\n", "opem\n"), "Write `state: open`.", (("state", "open"),)
    ),
    Example("date-weekday", "error", (5, 8), line(OPEN, "June 4", "Monday, June 4"), None),
    Example("field-missing", "error", (1, 1), re.sub("opens:.*\n", "", OPEN), "Add a line `opens:` with its value."),
    Example(
        "field-commented",
        "error",
        (8, 1),
        re.sub("apply_url:.*", "# apply_url: APPLICATION URL", OPEN),
        "Remove the # and write the value of `apply_url`.",
    ),
    Example(
        "field-placeholder",
        "error",
        (8, 12),
        re.sub("apply_url:.*", "apply_url: APPLICATION URL", OPEN),
        "Write the real value of `apply_url`.",
    ),
    Example(
        "field-placeholder",
        "warning",
        (9, 6),
        line(OPEN, "# NOTE: be sure to tell the team", "org: ENTER ROLE TITLE"),
        "Write the real value.",
    ),
    Example("field-not-known", "error", (6, 9), line(OPEN, EIGHT_PM, "TBD"), "Write the real value of `closes`."),
    Example(
        "open-not-ready",
        "note",
        (5, 1),
        re.sub("apply_url:.*", "# apply_url: APPLICATION URL", UPCOMING),
    ),
    Example(
        "open-not-ready",
        "note",
        (5, 1),
        line(UPCOMING, "# NOTE: be sure to tell the team", "# INSTRUCTIONS UPCOMING: required\nlocation: TBD"),
    ),
    Example("key-misspelt", "warning", (7, 1), line(OPEN, "contact_email", "contact_emial"), "Write `contact_email:`."),
    Example("key-misspelt", "warning", (2, 1), line(OPEN, "title", "Title"), None),
    Example(
        "key-misspelt",
        "note",
        (9, 3),
        line(OPEN, "NOTE: be sure to tell the team", "ohrm_comtact_email: 'A'"),
        "Write `ohrm_contact_email:`.",
    ),
    Example(
        "date-zone-season",
        "warning",
        (6, 9),
        line(OPEN, EIGHT_PM, "June 28, 2024, 8:00 pm EST"),
        "Write EDT.",
        (("closes", EIGHT_PM),),
    ),
    Example("date-noon", "warning", (6, 9), line(OPEN, EIGHT_PM, "June 28, 2024, 11:59 am EDT"), None),
    Example("date-midnight", "warning", (6, 9), line(OPEN, EIGHT_PM, "June 28, 2024, 12:00 am EDT"), None),
    Example(
        "window-reversed",
        "error",
        (6, 9),
        line(OPEN, EIGHT_PM, "June 2, 2024, 8:00 pm EDT"),
        "Correct one of the two dates.",
    ),
    Example("window-reversed", "error", (6, 9), line(OPEN, EIGHT_PM, "June 4, 2024, 8:00 am EDT"), None),
    Example("field-placeholder", "note", (8, 12), re.sub("apply_url:.*", "apply_url: APPLICATION URL", CLOSED), None),
    Example("link-fake", "error", (8, 13), line(OPEN, "apply/1234", "..."), None),
    Example("date-far", "note", (6, 9), line(OPEN, "June 28, 2024", "June 28, 2034"), "Check the year."),
    Example(
        "date-utc",
        "warning",
        (5, 8),
        line(OPEN, "June 4, 2024, 8:00 am EDT", "2024-06-04 08:00:00"),
        "Write '2024-06-04 08:00:00' in quotes, or with its offset: 2024-06-04 08:00:00-04:00.",
    ),
    Example(
        "date-not-plain",
        "error",
        (3, 8),
        line(BY_DATES, "2024-06-04", "'2024-06-04'"),
        "Write 2024-06-04 without quotes.",
        (("opens", "2024-06-04"),),
        "dates",
    ),
    Example(
        "date-not-plain",
        "error",
        (4, 9),
        line(BY_DATES, "2024-06-28", "June 28, 2024"),
        "Write 2024-06-28 without quotes.",
        (("closes", "2024-06-28"),),
        "dates",
    ),
    Example(
        "date-not-plain",
        "error",
        (4, 9),
        line(BY_DATES, "2024-06-28", "June 28, 2024, 8 pm"),
        "Write 2024-06-28 without quotes.",
        (),
        "dates",
    ),
    Example(
        "yaml-versions",
        "warning",
        (9, 13),
        line(OPEN, "# NOTE: be sure to tell the team", "salary_min: 105,123"),
        "Write '105,123' in quotes to keep it as text.",
    ),
    Example("yaml-versions", "note", (10, 5), line(OPEN, "# NOTE: be sure to tell the team", "subnav:\n  - on"), None),
    Example(
        "text-lost-after-hash",
        "warning",
        (2, 21),
        line(OPEN, "Data Analyst\n", "Data Analyst #2\n"),
        "Put quotes around the whole value; if it is a remark, put a space after the #.",
    ),
    Example("text-invisible", "warning", (2, 12), line(OPEN, "Data A", "Data\u200b A"), "Delete it."),
    Example("text-invisible", "note", (2, 12), line(OPEN, "Data A", "Data\u00a0A"), "Type an ordinary space instead."),
    Example("text-invisible", "note", (2, 10), line(OPEN, "Data A", "Da\u00adta A"), "Delete it."),
    Example("text-lookalike", "warning", (2, 9), line(OPEN, "Data", "D\u0430ta"), "Type the word again."),
    Example(
        "email-invalid",
        "error",
        (7, 16),
        line(OPEN, "'jobs@agency.gov'", "jobs at agency.gov"),
        "Write one address, as in name@agency.gov.",
    ),
    Example(
        "url-invalid",
        "error",
        (8, 12),
        line(OPEN, "'https://jobs.", "'jobs."),
        "Write https://jobs.agency.gov/apply/1234.",
    ),
    Example(
        "link-fake",
        "error",
        (10, 11),
        line(OPEN, "# NOTE: be sure to tell the team", "info_sessions:\n  - link: https://www.eventbrite.com/..."),
        "Write the real link, or take the entry out.",
    ),
    Example("link-fake", "error", (8, 13), line(OPEN, "jobs.agency.gov/apply/1234", "www.example.com/x"), None),
    Example(
        "legend-value",
        "error",
        (11, 9),
        line(PAGE, "weight: 1", "weight: 3"),
        "Write one of 0, 1, or add 3 to the comment.",
        (),
        "hugo",
    ),
    Example(
        "key-unknown",
        "note",
        (9, 1),
        line(OPEN, "# NOTE: be sure to tell the team", "own_field: x"),
        "Check its name; if the site uses it, list it under `known` in the profile.",
    ),
    Example("key-unknown", "note", (9, 1), line(OPEN, "# NOTE: be sure to tell the team", "contact_emial: x"), None),
    Example("key-unknown", "note", (3, 1), line(BY_DATES, "opens:", "own_field: x\nopens:"), None, (), "dates"),
    Example(
        "state-missing",
        "error",
        (4, 1),
        line(OPEN, "state: open", "# state: open"),
        "Uncomment it: take the # away, and write upcoming, open or closed.",
    ),
    Example("yaml-missing-space", "error", (3, 11), line(OPEN, "permalink: ", "permalink:"), None),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.code}-{e.place[0]}-{e.place[1]}-{e.severity}")
def test_each_finding_stands_at_its_place_and_alone(example):
    found = check(example.text, example.profile)
    told = [(p.code, str(p.severity), (p.line, p.column)) for p in found]
    assert told == [(example.code, example.severity, example.place)]
    assert example.fix in (None, found[0].fix)
    assert found[0].repair == example.repair
    assert found[0].message.endswith(".")


CLEAN = {
    "open": ("state", OPEN),
    "upcoming": ("state", UPCOMING),
    "closed, with the template's words left": ("state", re.sub("apply_url:.*", "# apply_url: APPLICATION URL", CLOSED)),
    "by dates": ("dates", BY_DATES),
    "by dates, not known yet": (
        "dates",
        BY_DATES.replace("2024-06-04", "2024-09-04").replace("2024-06-28", "2024-09-28"),
    ),
    "a page with a legend": ("hugo", PAGE),
    "a page with keys in any case": ("hugo", PAGE.replace("title:", "expirydate: 2025-01-01\ntitle:")),
    "a legend of another field": ("hugo", PAGE.replace("weight: 1", "rank: 7")),
    "a legend with a range": (
        "hugo",
        PAGE.replace("# 1 -- in lists", "# 1-10 -- in lists").replace("weight: 1", "weight: 7"),
    ),
    "a page about a person": ("hugo", "---\nslug: a-person\ndisplay_name: A Person\n---\n"),
    "windows line endings": ("state", OPEN.replace("\n", "\r\n")),
    "a byte order mark": ("state", "\ufeff" + OPEN),
    "a template": ("state", OPEN.replace("open\n", "draft\n").replace("June 28, 2024", "MONTH DAY, YEAR")),
    "a draft with a template's link": (
        "state",
        OPEN.replace("open\n", "draft\n").replace("jobs.agency.gov", "example.com"),
    ),
    "an opening just before noon": ("state", OPEN.replace("8:00 am", "11:59 am")),
    "a template whose state asks": (
        "state",
        OPEN.replace("open\n", "ENTER STATE HERE\n").replace("June 28, 2024", "MONTH DAY, YEAR"),
    ),
    "a field of its own on a page of any kind": ("hugo", PAGE.replace("title:", "own_field: x\ntitle:")),
    "closed, with a parked date": ("state", CLOSED.replace("May 28, 2024", "May 28, 2034")),
    "a page with a bare time": ("hugo", PAGE.replace("9:00:00 -0500", "09:00:00")),
    "a remark behind a state": ("state", OPEN.replace("open\n", "open #until the cap\n")),
    "an emoji that is joined": ("state", OPEN.replace("Data", "\U0001f469\u200d\U0001f4bb Data")),
    "an apply link to a mailbox": (
        "state",
        OPEN.replace("https://jobs.agency.gov/apply/1234", "mailto:jobs@agency.gov"),
    ),
    "an address of the site's own": ("state", OPEN.replace("https://jobs.agency.gov/apply/1234", "/apply/")),
    "a word in capitals": ("state", OPEN.replace("Data Analyst", "GIS Analyst")),
}


@pytest.mark.parametrize(("profile", "text"), CLEAN.values(), ids=CLEAN.keys())
def test_nothing_is_said_about_a_posting_that_is_fine(profile, text):
    assert check(text, profile) == ()


def test_an_upcoming_posting_is_asked_for_everything_once_it_opens_within_days():
    far = re.sub("apply_url:.*", "# apply_url: APPLICATION URL", UPCOMING)
    near = far.replace("September 4", "June 13")
    assert [(p.code, str(p.severity)) for p in check(near)] == [("field-commented", "warning")]
    assert "Thursday, June 13" in check(near)[0].message


@pytest.mark.parametrize(("base", "severity"), [(OPEN, "error"), (UPCOMING, "warning"), (CLOSED, "note")])
def test_the_same_slip_weighs_by_what_the_public_sees(base, severity):
    (found,) = check(base.replace("jobs.agency.gov/apply/1234", "example.com/apply"))
    assert (found.code, str(found.severity)) == ("link-fake", severity)


def test_a_template_need_not_say_a_state_but_a_posting_must():
    text = OPEN.replace("state: open\n", "").encode()
    words = OPEN.replace("state: open", "state: upcoming or open").encode()
    assert check_file(Path("pages/positions/_template.md"), text, STATE, ZONE, NOW) == ()
    assert check_file(Path("pages/positions/_template.md"), words, STATE, ZONE, NOW) == ()
    assert [p.code for p in check_file(PATH, text, STATE, ZONE, NOW)] == ["state-missing"]


def test_a_misspelt_key_that_the_body_uses_is_told_with_the_body():
    (found,) = check(OPEN.replace("contact_email", "contact_emial").replace("Body", "{{ page.contact_emial }}"))
    assert found.fix == "Write `contact_email:`, and rename `contact_emial` in the text below, which uses it."


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.repair], ids=lambda e: f"{e.code}-{e.place[0]}")
def test_a_repair_takes_its_finding_away(example):
    before = posting(example.text, example.profile)
    (found,) = check_posting(before, NOW)
    changes = [set_value(before, key, text) for key, text in found.repair]
    edited = edit(before.document, [change for change in changes if isinstance(change, Set)])
    assert isinstance(edited, Edited), edited
    assert check_posting(as_posting(edited.document, before.profile, ZONE), NOW) == ()


# Legends -----------------------------------------------------------------------------------------------------------

TWO = {"0": "off", "1": "on"}
LEGENDS = {
    "dashes": ("# Rank\n# 0 -- off\n# 1 -- on\n", TWO),
    "one dash": ("# Rank\n# 0 - off\n# 1 - on\n", TWO),
    "a long dash": ("# Rank\n# 0 \u2014 off\n# 1 \u2014 on\n", TWO),
    "colons": ("# Rank\n# 0: off\n# 1: on\n", TWO),
    "equals": ("# Rank\n# 0 = off\n# 1 == on\n", TWO),
    "brackets": ("# Rank\n# 0) off\n# 1) on\n", TWO),
    "quotes": ("# Rank\n# '0' -- off\n# '1' -- on\n", TWO),
    "a blank line below": ("# Rank\n# 0 -- off\n# 1 -- on\n\n", TWO),
    "windows line endings": ("# Rank\r\n# 0 -- off\r\n# 1 -- on\r\n", TWO),
    "no heading": ("# 0 -- off\n# 1 -- on\n", TWO),
    "no heading, and another remark below": ("# 0 -- off\n# 1 -- on\n# Rank is below.\n", {}),
    "words": ("# Rank\n# low -- last\n# high -- first\n", {"low": "last", "high": "first"}),
    "a heading about something else": ("# Colour\n# 0 -- off\n# 1 -- on\n", {}),
    "a single line": ("# Rank\n# 0 -- off\n", {}),
    "fields that are commented out": ("# Rank\n# low: last\n# high: first\n", {}),
    "prose": ("# Rank says where.\n# It is a number.\n", {}),
    "an open end": ("# Rank\n# 0 -- off\n# 1 -- on\n# 2 and more -- first\n", {}),
    "none": ("", {}),
}


@pytest.mark.parametrize(("comment", "legend"), LEGENDS.values(), ids=LEGENDS.keys())
def test_a_legend_is_read_by_its_form(comment, legend):
    document = read(PATH, f"---\ntitle: A\n{comment}rank: 1\n---\n".encode())
    assert isinstance(document, Document)
    assert legend_of(document, document.fields["rank"]) == legend


# Across files ------------------------------------------------------------------------------------------------------


def site(*texts: str, paths: tuple[str, ...] = ("pages/positions/a.md", "pages/positions/b.md")) -> list[Problem]:
    read_all = {Path(path): posting(text, path=path) for path, text in zip(paths, texts, strict=True)}
    return list(check_site(read_all, ("pages/positions",), NOW))


OTHER = OPEN.replace("join/data-analyst/", "join/other/").replace("apply/1234", "apply/5678")


def test_two_different_postings_share_nothing():
    assert site(OPEN, OTHER) == []


def test_an_apply_link_in_two_postings_is_told_in_both():
    found = site(OPEN, OTHER.replace("apply/5678", "apply/1234/#top"))
    assert [(p.path, p.line, p.column, p.code) for p in found] == [
        ("pages/positions/a.md", 8, 12, "link-shared"),
        ("pages/positions/b.md", 8, 12, "link-shared"),
    ]
    assert "pages/positions/b.md:8" in found[0].message


def test_what_many_postings_share_is_told_with_two_places_and_a_number():
    paths = tuple(f"pages/positions/{name}.md" for name in "abcde")
    found = site(OPEN, *[OPEN] * 4, paths=paths)
    assert [p.message for p in found if p.path == paths[1]] == [
        f"`permalink` claims the address join/data-analyst/, and so does {paths[0]}:3, {paths[2]}:3 and 2 more.",
        f"`apply_url` is the same link as in {paths[0]}:8, {paths[2]}:8 and 2 more.",
    ]
    assert len(found) == 2 * len(paths)


def test_what_three_postings_share_is_told_with_both_other_places():
    paths = tuple(f"pages/positions/{name}.md" for name in "abc")
    found = site(OPEN, OPEN, OPEN, paths=paths)
    assert found[0].message.endswith("and so does pages/positions/b.md:3 and pages/positions/c.md:3.")


def test_a_closed_posting_is_not_accused_of_the_link_that_an_open_one_took_from_it():
    found = site(CLOSED, OTHER.replace("apply/5678", "apply/1234"))
    assert [(p.path, p.code) for p in found] == [("pages/positions/b.md", "link-shared")]


def test_a_front_page_may_be_everybodys_apply_link():
    front = "https://jobs.agency.gov/"
    assert (
        site(
            *(
                text.replace(link, front)
                for text, link in zip(
                    (OPEN, OTHER),
                    ("https://jobs.agency.gov/apply/1234", "https://jobs.agency.gov/apply/5678"),
                    strict=True,
                )
            )
        )
        == []
    )


def test_an_address_that_another_page_redirects_from_is_claimed_twice():
    found = site(OPEN, OTHER.replace("state:", "redirect_from:\n  - /join/data-analyst\nstate:"))
    assert [(p.path, p.line, p.column, p.code, str(p.severity)) for p in found] == [
        ("pages/positions/a.md", 3, 12, "permalink-shared", "error"),
        ("pages/positions/b.md", 5, 5, "permalink-shared", "error"),
    ]


def test_a_posting_outside_the_folder_is_told_where_it_belongs():
    found = site(OPEN, OTHER, paths=("pages/positions/a.md", "position/b.md"))
    assert [(p.path, p.code, p.fix) for p in found] == [
        ("position/b.md", "posting-misplaced", "Move it to pages/positions/b.md.")
    ]


def test_a_page_without_a_state_may_stand_anywhere():
    assert site(OPEN, "---\ntitle: About us\n---\n", paths=("pages/positions/a.md", "about.md")) == []


def test_a_file_that_does_not_read_keeps_no_other_from_being_compared():
    broken = check_file(Path("c.md"), b"---\n", STATE, ZONE, NOW)[0]
    postings = {Path("c.md"): broken, PATH: posting(OPEN)}
    assert check_site(postings, ("pages/positions",), NOW) == ()


# Every code is explained -------------------------------------------------------------------------------------------

_FAMILIES = ("archive", "config", "date", "edit", "email", "field", "file", "front-matter", "key", "legend", "link", "open", "order",
             "permalink", "please", "posting", "profile", "state", "text", "transition", "url", "value", "window",
             "yaml", "zone")  # fmt: skip


def codes_in(source: str) -> set[str]:
    texts = {n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return {text for text in texts if re.fullmatch(rf"(?:{'|'.join(_FAMILIES)})(?:-[a-z0-9]+)+", text)}


def test_every_code_in_the_source_is_explained_and_every_explanation_is_used():
    sources = (REPOSITORY / "postbot").rglob("*.py")
    table = REPOSITORY / "postbot/core/lint/codes.py"
    used = {code for path in sources if path != table for code in codes_in(path.read_text("utf-8"))}
    assert used - CODES.keys() == set()
    assert CODES.keys() - used - {"encoding"} == set()


# Anything at all ---------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), profile=st.sampled_from(sorted(PROFILES)))
def test_no_bytes_make_it_raise(data, profile):
    for framed in (data, b"---\n" + data + b"\n---\n"):
        assert {p.code for p in check_file(PATH, framed, PROFILES[profile], ZONE, NOW)} <= CODES.keys()


_PIECES = st.sampled_from(
    ["", "\n", ":", ": ", "#", " #", "'", '"', "- ", "[", "{", "\t", "\u200b", "\u00a0", "\u0430", "TBD", "...", "https://",
     "example.com", "0 -- x", "\n# 1 - y\n", "EST", "2024-06-04", "YES", "010", "|", "state: open\n", "\r", "\u2028"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_mutation_of_a_posting_makes_it_raise_or_point_outside_the_file(data):
    profile, text = data.draw(st.sampled_from([*CLEAN.values(), *((e.profile, e.text) for e in EXAMPLES)]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(_PIECES) + text[end:]
    found = check(text, profile)
    rows = re.split("\r\n|\r|\n", text.removeprefix("\ufeff"))
    for problem in found:
        assert problem.code in CODES
        assert 1 <= problem.line <= len(rows)
        assert 1 <= problem.column <= len(rows[problem.line - 1]) + 2, problem
    assert list(found) == sorted(found, key=lambda p: (p.path, p.line, p.column))


# The real thing ----------------------------------------------------------------------------------------------------


def checked(path: FilePath, name: str, fallback: str, now: datetime) -> tuple[Problem, ...]:
    data = path.read_bytes()
    profile = PROFILES[fallback]
    document = read(Path(name), data)
    if isinstance(document, Document) and fallback != "hugo" and "state" not in document.fields:
        profile = DATES
    return check_file(Path(name), data, profile, ZONE, now)


@pytest.mark.skipif(not SHARED.is_dir(), reason="The real postings are not beside this repository.")
def test_every_real_version_is_answered():
    files = sorted((SHARED / "corpus/versions").glob("*/*.md"))
    assert files
    for path in files:
        now = datetime.fromisoformat(path.name[:10]).replace(hour=12, tzinfo=UTC)
        found = checked(path, f"positions/{path.parent.name}.md", "state", now)
        assert {p.code for p in found} <= CODES.keys()


@pytest.mark.skipif(not SHARED.is_dir(), reason="The real pages are not beside this repository.")
def test_most_pages_of_a_real_hugo_site_are_clean():
    files = sorted((SHARED / "corpus-hugo/content").rglob("*.md"))
    assert files
    results = [checked(path, path.name, "hugo", NOW) for path in files]
    assert sum(not found for found in results) / len(files) > 0.9
    assert sum(any(p.severity == "error" for p in found) for found in results) / len(files) < 0.05
