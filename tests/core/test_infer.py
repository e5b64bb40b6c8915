"""What a site's files tell: its kind, its folders, its clock, its way of writing dates."""

import json
from collections.abc import Callable
from pathlib import Path as Folder

import pytest

from postbot.config import shipped_profiles
from postbot.core.infer import Sighting, infer_zone, readers_of, sight
from postbot.core.site import Path

PROFILES = tuple(shipped_profiles().values())
CORPUS = Folder(__file__).resolve().parents[2] / ".." / "shared" / "corpus"


def page(**fields: str) -> bytes:
    return ("---\n" + "".join(f"{key}: {value}\n" for key, value in fields.items()) + "---\nText.\n").encode()


JOB = page(title="Baker", state="open", opens="May 1, 2026, 9:00 am EDT", closes="May 9, 2026, 11:59 pm EDT")
DATED = page(title="Baker", opens="2026-05-01", closes="2026-05-09")
BLOG = page(title="News", date="2026-05-01", author="Ann")


def look(files: dict[str, bytes]) -> Sighting:
    seen = sight({Path(path): data for path, data in files.items()}, PROFILES)
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    ("texts", "zone"),
    [
        pytest.param(["May 1, 2026, 9:00 am EDT"], "America/New_York", id="a summer name"),
        pytest.param(["January 9, 2026 at 9 am EST"], "America/New_York", id="a winter name"),
        pytest.param(["July 9, 2026 at 9 am EST"], "America/New_York", id="the wrong season's name"),
        pytest.param(["May 1, 2026, 9:00 am ET"], "America/New_York", id="a name for all seasons"),
        pytest.param(["May 1, 2026, 9:00 am Eastern Time"], "America/New_York", id="a name in words"),
        pytest.param(["9:00 am, CT, on May 1, 2026"], "America/Chicago", id="the time first"),
        pytest.param(["2026-05-01 09:00 Mountain Standard Time"], "America/Denver", id="an ISO day"),
        pytest.param(["May 1, 2026, 9:00 am, PT"], "America/Los_Angeles", id="a comma before the name"),
        pytest.param(["May 1, 2026, 9:00 am HST"], "Pacific/Honolulu", id="no summer time"),
        pytest.param(["2026-05-01T09:00:00Z"], "UTC", id="Z"),
        pytest.param(["May 1, 2026, 9:00 am UTC"], "UTC", id="UTC"),
        pytest.param(["MONTH DAY, YEAR, TIME EDT"], "America/New_York", id="a template's words"),
        pytest.param(["2026-01-05 09:00 -0500", "2026-07-05 09:00 -04:00"], "America/New_York", id="offsets all year"),
        pytest.param(["2026-01-05 09:00 -0500", "2026-07-05 09:00 -0500"], None, id="one offset in both seasons"),
        pytest.param(["2026-01-05 09:00 -0500"], None, id="an offset of one season"),
        pytest.param(
            ["2026-01-05 09:00 -0500", "2026-07-05 09:00 -0400", "2026-01-06 09:00 -0500", "2026-07-06 09:00 -05:00"],
            "America/New_York",
            id="a slip of the season",
        ),
        pytest.param(
            ["2026-01-05 09:00 -0800", "2026-07-05 09:00 -0700", "2026-07-06 09:00 +0100"], None, id="a third offset"
        ),
        pytest.param(
            ["May 1, 2026, 9:00 am ET"] * 2 + ["May 1, 2026, 9:00 am PT"], "America/New_York", id="a majority"
        ),
        pytest.param(["May 1, 2026, 9:00 am ET", "May 1, 2026, 9:00 am PT"], None, id="a draw"),
        pytest.param(["May 1, 2026, 9:00 am ET", "May 1, 2026, 9:00 am CET"], None, id="a name we do not know"),
        pytest.param(["2026-05-01", "May 1, 2026, 9:00 am", "TBD", "", "soon"], None, id="no zone at all"),
        pytest.param(
            ["2026-05-01"] * 9 + ["May 1, 2026, 9:00 am PT"], "America/Los_Angeles", id="the silent do not vote"
        ),
        pytest.param([], None, id="nothing"),
    ],
)
def test_the_words_of_the_dates_name_the_clock(texts: list[str], zone: str | None):
    assert infer_zone(texts) == zone


@pytest.mark.parametrize(
    ("data", "profile"),
    [
        pytest.param(JOB, "jekyll-state", id="a state and dates"),
        pytest.param(page(title="A", state="Upcoming"), "jekyll-state", id="a state in capitals"),
        pytest.param(DATED, "jekyll-dates", id="dates alone"),
        pytest.param(b"---\ntitle: A\nopens: TBD\n# closes: TBD\n---\n", "jekyll-dates", id="a commented closing"),
        pytest.param(page(title="A", date="2026-05-01", expirydate="2026-06-01"), "hugo", id="an expiry in any case"),
        pytest.param(page(title="A", draft="true", weight="1"), "hugo", id="draft and weight"),
        pytest.param(BLOG, None, id="a blog post"),
        pytest.param(page(title="A", date="2026-05-01", draft="false"), None, id="a Hugo blog post"),
        pytest.param(page(title="A", weight="3"), None, id="a page in a menu"),
        pytest.param(page(title="Office", state="Ohio"), None, id="a state of the union"),
        pytest.param(b"Just text.\n", None, id="no front matter"),
    ],
)
def test_a_posting_is_known_by_the_fields_that_move_it(data: bytes, profile: str | None):
    seen = sight({Path("jobs/a.md"): data}, PROFILES)
    assert (seen and seen.profile.name) == profile


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        pytest.param(
            {"README.md": b"# Hi\n", "pages/about.md": BLOG, "pages/jobs/a.md": JOB, "pages/jobs/b.md": JOB},
            ("pages/jobs",),
            id="one folder, as deep as can be",
        ),
        pytest.param(
            {"jobs/2025/a.md": JOB, "jobs/2026/b.md": JOB, "blog/c.md": BLOG}, ("jobs",), id="a folder for each year"
        ),
        pytest.param(
            {"bakery/a.md": JOB, "mill/b.md": JOB, "blog/c.md": BLOG}, ("bakery", "mill"), id="two folders far apart"
        ),
        pytest.param(
            {f"jobs/{n}.md": JOB for n in range(20)} | {"lost.md": JOB, "index.md": BLOG}, ("jobs",), id="a stray one"
        ),
        pytest.param(
            {"content/jobs/a/index.md": JOB, "content/jobs/b/index.md": JOB, "content/blog/c.md": BLOG},
            ("content/jobs",),
            id="a folder for each page",
        ),
        pytest.param(
            {f"{n}/jobs/a.md": JOB for n in range(9)} | {f"{n}/blog/{m}.md": BLOG for n in range(9) for m in range(9)},
            (),
            id="too many places to list",
        ),
        pytest.param(
            {"jobs/a.md": JOB, "team/b.md": JOB, "team/c.md": BLOG, "team/d.md": BLOG}, ("jobs",), id="mostly others"
        ),
        pytest.param(
            {"pages/a/x.md": JOB, "pages/b/y.md": JOB, "pages/help/c.md": BLOG, "pages/help/d.md": BLOG},
            ("pages/a", "pages/b"),
            id="a parent that holds other pages too",
        ),
        pytest.param({"content/jobs/a/index.md": JOB}, ("content/jobs",), id="one page with a folder to itself"),
        pytest.param(
            {f"jobs/{month}/a.md": JOB for month in range(12)} | {"talks/x.md": JOB, "index.md": BLOG},
            ("jobs",),
            id="a stray one beside a folder for each month",
        ),
        pytest.param({"a.md": JOB, "b.md": JOB}, (), id="at the root"),
        pytest.param({"jobs/a.md": JOB, "jobs-old/b.md": BLOG, "jobs-old/c.md": BLOG}, ("jobs",), id="a like name"),
    ],
)
def test_the_folders_are_the_deepest_that_hold_the_postings(files: dict[str, bytes], folders: tuple[str, ...]):
    assert look(files).folders == folders


def test_what_is_no_posting_in_the_folder_is_told_apart():
    seen = look(
        {
            "jobs/a.md": JOB,
            "jobs/b.md": JOB,
            "jobs/how-to.md": BLOG,
            "jobs/new.md": DATED,
            "jobs/bad.md": b"---\na: 'x\n---\n",
        }
        | {"jobs/_template.md": JOB, "jobs/README.md": b"# Jobs\n", "news/bad.md": b"---\na: 'x\n---\n"}
    )
    assert seen.postings == 2
    assert seen.strangers == {"jobs/how-to.md": "", "jobs/new.md": "jekyll-dates"}
    assert seen.templates == ("jobs/README.md", "jobs/_template.md")
    assert [(problem.path, problem.line) for problem in seen.problems] == [("jobs/bad.md", 2)]


def test_a_posting_that_strayed_is_named():
    seen = look({f"jobs/{n}.md": JOB for n in range(20)} | {"lost.md": JOB, "index.md": BLOG})
    assert (seen.postings, seen.outside) == (20, ("lost.md",))


def test_states_and_shapes_of_dates_are_counted():
    seen = look(
        {
            "jobs/a.md": JOB,
            "jobs/b.md": page(
                state="closed", opens="2026-05-01T09:30:00-04:00", closes="Friday, May 1st, 2026 at 9pm ET"
            ),
            "jobs/c.md": page(state="closed", opens="tbd", closes="2026-05-32"),
            "jobs/d.md": page(state="draft", opens="MONTH DAY, YEAR", closes=""),
            "jobs/e.md": page(state="opne", opens="2026-05-01 20:00", closes="TBD"),
        }
    )
    assert seen.states == {"closed": 2, "open": 1, "draft": 1, "not known": 1}
    assert seen.shapes == {
        "Month D, YYYY, H:MM am ZONE": 2,
        "TBD": 2,
        "YYYY-MM-DDTH:MM:SSOFFSET": 1,
        "Weekday, Month D, YYYY at Ham ZONE": 1,
        "unreadable": 1,
        "a placeholder": 1,
        "empty": 1,
        "YYYY-MM-DD H:MM": 1,
    }
    assert (seen.zone, seen.zoned) == ("America/New_York", 4)


def test_only_dates_of_postings_speak_for_the_zone():
    other = page(title="Talk", opens="May 1, 2026, 9:00 am PT", state="Oregon")
    assert look({"jobs/a.md": JOB, "jobs/b.md": JOB, "jobs/_template.md": other}).zone == "America/New_York"


def test_drafts_are_counted_where_dates_decide():
    draft = page(title="A", draft="true", expiryDate="2026-05-01")
    assert look({"content/jobs/a.md": draft, "content/jobs/b.md": draft}).states == {"draft": 2}


def test_the_kind_of_most_postings_wins():
    seen = look({"jobs/a.md": DATED, "jobs/b.md": DATED, "jobs/c.md": JOB})
    assert (seen.profile.name, seen.postings) == ("jekyll-dates", 3)


def test_a_field_is_read_where_it_stands_as_a_word_of_its_own():
    files = {"a.html": b"{% if job.closed_on %}", "b.rb": b"data['closed_on']", "c.js": b"closed_only disclosed_on"}
    assert readers_of("closed_on", {Path(path): data for path, data in files.items()}) == ("a.html", "b.rb")


def test_no_files_and_no_profiles_are_nothing():
    assert sight({}, PROFILES) is None
    assert sight({Path("jobs/a.md"): JOB}, ()) is None


@pytest.mark.parametrize(
    "pick", [lambda versions: versions[0], lambda versions: versions[-1]], ids=["first versions", "last versions"]
)
def test_a_real_site_is_understood(pick: Callable[[list[Folder]], Folder]):
    if not CORPUS.is_dir():
        pytest.skip("The corpus of real postings is not here.")
    rows = [json.loads(row) for row in (CORPUS / "transitions.jsonl").read_text().splitlines()]
    places = {row["after"].split("/")[1]: row["path"] for row in rows}
    files = {
        places.get(folder.name, f"pages/positions/{folder.name}.md"): pick(sorted(folder.glob("*.md"))).read_bytes()
        for folder in (CORPUS / "versions").iterdir()
    }
    seen = look(files)
    assert (seen.profile.name, seen.folders, seen.zone) == ("jekyll-state", ("pages/positions",), "America/New_York")
    told = seen.postings + sum(map(len, (seen.strangers, seen.templates, seen.problems)))
    assert told == sum(path.startswith("pages/positions/") for path in files), "every file there is told once"
    assert "unreadable" not in seen.shapes
    assert set(seen.strangers.values()) <= {"jekyll-dates", ""}
