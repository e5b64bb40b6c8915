"""The command line from outside: what each command answers, refuses and calls wrong use, and what it leaves alone."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbot.ledger import Ledger
from tests.doors.command import REAL, as_anybody, footprint, postbot, really
from tests.world import World, git, text_of

NOW = "2026-03-03T09:00"

BROKEN_CONFIG = """\
site:
  repo: site
  profil: jekyll-state
  timezone: Mars/Olympus
transitions:
  open: {lead: soon, merg: auto}
  reopne: {}
safety:
  most_share: 7
routes:
  - {to: nobody, hear: publc}
"""
FILES = {
    "broken.yaml": BROKEN_CONFIG,
    "empty.yaml": "",
    "list.yaml": "- a\n",
    "syntax.yaml": "site: {repo: [\n",
    "nowhere.yaml": "site: {repo: nosuch, profile: jekyll-state, timezone: UTC}\n",
    "nogit.yaml": "site: {repo: plain, profile: jekyll-state, timezone: UTC}\n",
    "nobase.yaml": "site: {repo: site, base: nosuch, profile: jekyll-state, timezone: UTC}\n",
    "noprofile.yaml": "site: {repo: site, profile: nosuch, timezone: UTC}\n",
    "nochannel.yaml": "site: {repo: site, profile: hugo, timezone: UTC}\nroutes: [{to: 'pigeon:Ada', hear: staff}]\n",
    "textledger.yaml": "site: {repo: site, profile: jekyll-state, timezone: UTC}\nledger: text.db\n",
    "folderledger.yaml": "site: {repo: site, profile: jekyll-state, timezone: UTC}\nledger: plain\n",
    "underfile.yaml": "site: {repo: site, profile: jekyll-state, timezone: UTC}\nledger: text.db/ledger.db\n",
    "elsewhere.yaml": "site: {repo: site, folders: [position], profile: jekyll-state, timezone: UTC}\n",
    "outside.yaml": "site: {repo: site, folders: [../up], profile: jekyll-state, timezone: UTC}\n",
    "text.db": "This is no ledger.\n",
    "plain/note.txt": "A folder that is no repository.\n",
}


def make_site(folder: Path) -> World:
    """A site in its second day under postbot: every state, one pull request, one broken file, two of one name."""
    world = World(folder)
    world.write("data-engineer", opens="2026-03-05", closes="2026-03-20")
    world.write("designer", state="open", opens="2026-02-09", closes="2026-03-27")
    world.write("analyst", state="closed", opens="2026-01-09", closes="2026-02-13")
    for number in range(3):
        world.write(f"later-{number}")
    world.write("broken", text="---\ntitle: 'Broken\nstate: open\n---\n")
    world.write("twin")
    (world.repo / "positions" / "old").mkdir()
    (world.repo / "positions" / "old" / "twin.md").write_text(world.text("twin").replace("/twin", "/old-twin"))
    world.commit("A twin")
    world.tick()
    world.tick(NOW)
    world.bot.ledger.close()
    return world


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site for commands that change nothing, and files to stumble over."""
    folder = make_site(tmp_path_factory.mktemp("still")).folder
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    before = footprint(folder)
    yield folder
    assert footprint(folder) == before, "a command that refuses has written something"


@pytest.fixture
def site(tmp_path: Path) -> World:
    return make_site(tmp_path)


POSTING = "site/positions/designer.md"

WRONG_USE = [
    (["nosuch"], "No such command"),
    (["--nosuch"], "No such option"),
    (["list", "--nosuch"], "No such option"),
    (["list", "extra"], "unexpected extra argument"),
    (["list", "--config", "nosuch.yaml"], "There is no nosuch.yaml. Make one with: postbot init"),
    (["check", "--config", "nosuch.yaml"], "There is no nosuch.yaml"),
    (["tick", "--config", "nosuch.yaml"], "There is no nosuch.yaml"),
    (["list", "--at", "soon"], "--at soon is no time; write 2026-03-01 or 2026-03-01T09:30."),
    (["list", "--at", ""], "is no time"),
    (["plan", "--at", "2026-02-30"], "--at 2026-02-30 is no time"),
    (["tick", "--at", "03/04/2026"], "is no time"),
    (["show", "designer", "--at", "25:00"], "is no time"),
    (["check", "--at", "never"], "is no time"),
    (["transition", POSTING, "--to", "open", "--at", "x"], "is no time"),
    (["plan", "--days", "-1"], "--days"),
    (["plan", "--days", "many"], "--days"),
    (["plan", "--days", "100000000"], "further ahead than calendars go"),
    (["plan", "--at", "9999-12-31", "--days", "1"], "The year 9999 is outside 1990 to 2100."),
    (["plan", "--at", "2026-03-08T02:30"], "--at 2026-03-08T02:30:"),
    (["plan", "--format", "xml"], "--format"),
    (["check", "--format", "xml"], "--format"),
    (["show"], "SLUG"),
    (["show", "a", "b"], "unexpected extra argument"),
    (["show", "designr"], "There is no posting designr. Did you mean designer?"),
    (["show", "zzzzzz"], "There is no posting zzzzzz."),
    (["show", ""], "There is no posting"),
    (["show", "../designer"], "There is no posting"),
    (
        ["show", "twin"],
        "There are several postings twin; name one by its path: positions/old/twin.md, positions/twin.md.",
    ),
    (["open", "data-engneer"], "Did you mean data-engineer"),
    (["open", "twin"], "There are several postings twin"),
    (["open", "data-engineer", "--set", "series"], "--set series is not KEY=VALUE."),
    (["open", "data-engineer", "--set", "=1"], "--set =1 is not KEY=VALUE."),
    (["open", "data-engineer", "--set", " =1"], "is not KEY=VALUE."),
    (["open", "data-engineer", "--set", "a=\udcff"], "not UTF-8"),
    (["open", "data-engineer", "--by", "\udcff"], "not UTF-8"),
    (["extend", "designer", "\udcff"], "not UTF-8"),
    (["open"], "SLUG"),
    (["close", "designer", "--reason", "boredom"], "--reason"),
    (["close", "nosuch"], "There is no posting nosuch."),
    (["extend", "designer"], "DATE"),
    (["postpone"], "SLUG"),
    (["reopen", "analyst", "--set", "x"], "is not KEY=VALUE."),
    (["withdraw", "analyzt"], "Did you mean analyst?"),
    (["pulls", "--show", "99"], "There is no pull request #99."),
    (["pulls", "--show", "one"], "--show"),
    (["merge"], "NUMBER"),
    (["merge", "one"], "NUMBER"),
    (["merge", "-1"], "No such option"),
    (["reject", "1", "--reason", "\udcff"], "not UTF-8"),
    (["release"], "DIGEST"),
    (["release", "nosuch"], "nosuch is no digest"),
    (["transition"], "Name at least one FILE"),
    (["transition", POSTING], "--to STATE or --set KEY=VALUE"),
    (["transition", "--to", "open"], "Name at least one FILE"),
    (["transition", POSTING, "--to", "never"], "--to"),
    (["transition", POSTING, "--set", "title"], "is not KEY=VALUE."),
    (["transition", POSTING, "--to", "closed", "--diff", "--write"], "Choose one of --diff, --stdout and --write."),
    (["transition", POSTING, "--to", "closed", "--stdout", "--write"], "Choose one of"),
    (["transition", "--batch", POSTING], "--batch reads its orders from standard input"),
    (["transition", "--batch", "--to", "open"], "--batch reads its orders"),
    (["transition", "--batch", "--write"], "--batch reads its orders"),
    (["init", "a", "b"], "unexpected extra argument"),
    (["demo", "x"], "unexpected extra argument"),
]

REFUSED = [
    (["list", "--config", "empty.yaml"], "`site` is needed and not given. [config-missing-key]"),
    (["list", "--config", "list.yaml"], "list.yaml:1:1: error:"),
    (["list", "--config", "syntax.yaml"], "This is not valid YAML"),
    (["list", "--config", "plain"], "plain cannot be read: Is a directory."),
    (["list", "--config", "nowhere.yaml"], "nosuch"),
    (["pulls", "--config", "nowhere.yaml"], "nosuch"),
    (["list", "--config", "nogit.yaml"], "plain is not a git repository."),
    (["tick", "--config", "nogit.yaml"], "plain is not a git repository."),
    (["plan", "--config", "nobase.yaml"], "nosuch"),
    (["list", "--config", "noprofile.yaml"], "nosuch"),
    (["list", "--config", "nochannel.yaml"], "there is no channel pigeon; there are email, slack"),
    (["list", "--config", "textledger.yaml"], "text.db is damaged"),
    (["tick", "--config", "textledger.yaml"], "text.db is damaged"),
    (["open", "designer", "--config", "textledger.yaml"], "text.db is damaged"),
    (["list", "--config", "folderledger.yaml"], "plain"),
    (["tick", "--config", "underfile.yaml"], "text.db"),
    (["list", "--config", "outside.yaml"], "'../up' is no folder inside the repository."),
    (["show", "broken"], "positions/broken.md:2:"),
    (["close", "broken"], "positions/broken.md:2:"),
    (["merge", "99"], "There is no pull request #99"),
    (["approve", "0"], "There is no pull request #0"),
    (["reject", "99999999999999999999"], "There is no pull request #99999999999999999999"),
    (["transition", "nosuch.md", "--to", "open"], "nosuch.md:1:1: error: The file cannot be read: No such file"),
    (["transition", "plain", "--to", "open"], "Is a directory"),
    (["transition", "x" * 300, "--to", "open"], "File name too long"),
    (["transition", "/dev/zero", "--to", "open"], "larger than 1 MiB"),
    (["transition", "/dev/null", "--to", "open"], "error:"),
    (["transition", POSTING, "--to", "open", "--profile", "nope"], "There is no profile `nope`; there are hugo,"),
    (["transition", POSTING, "--set", "title=a\nb"], "a value is one line of text"),
    (["transition", "text.db", "--to", "closed"], "no front matter"),
    (["transition", "site/positions/broken.md", "--to", "closed", "--write"], "broken.md:2:"),
    (["init", "nosuch", "--config", "new.yaml"], "nosuch"),
    (["init", "plain", "--config", "new.yaml"], "plain is not a git repository."),
]


@pytest.mark.parametrize(
    ("args", "says"), WRONG_USE, ids=[" ".join(args)[:70].encode("ascii", "replace").decode() for args, _ in WRONG_USE]
)
def test_wrong_use_exits_2_with_a_sentence(still: Path, args: list[str], says: str):
    done = postbot(*args, cwd=still)
    assert (done.code, done.out) == (2, "")
    assert says in " ".join(done.err.replace("│", " ").split())


@pytest.mark.parametrize(("args", "says"), REFUSED, ids=[" ".join(args)[:70] for args, _ in REFUSED])
def test_what_cannot_be_done_exits_1_with_a_sentence(still: Path, args: list[str], says: str):
    done = postbot(*args, cwd=still)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert "Traceback" not in done.err
    assert done.err.rstrip().endswith((".", "]", "`")), "an error is a sentence"


def test_every_mistake_of_a_configuration_is_told_at_once_with_line_and_nearest_key(still: Path):
    done = postbot("list", "--config", "broken.yaml", cwd=still)
    assert done.code == 1
    told = [line.split(" ", 1)[0] for line in done.err.splitlines() if line.startswith("broken.yaml:")]
    assert told == [f"broken.yaml:{line}:1:" for line in (1, 3, 4, 6, 6, 7, 9, 11, 11)]
    assert "`site.profil` is not a setting." in done.err
    for near in ("profile", "merge", "reopen"):
        assert f"Did you mean `{near}`?" in done.err


def test_no_posting_is_asked_about_where_there_is_no_configuration(tmp_path: Path):
    done = postbot("list", cwd=tmp_path)
    assert (done.code, done.err) == (2, "There is no postbot.yaml. Make one with: postbot init\n")


# What it answers ----------------------------------------------------------------------------------------------------

PROBLEM = {"path", "line", "column", "code", "severity", "message", "fix"}
ROW = {"slug", "path", "title", "state", "opens", "closes", "problems"}
PULL = {
    "number", "branch", "title", "status", "labels", "opened_at", "approved_by", "closed_by", "reason", "untouched",
    "body", "draft", "blocked", "said", "url",
}  # fmt: skip
REPORT = {"at", "held", "done", "refused", "sent", "problems", "wakes_at", "halted", "paused"}
PLAN = {"at", "held", "wakes_at", "steps", "waiting", "to_come", "problems", "paused"}
RESULT = {"path", "ok", "problem", "problems", "changed_lines", "text"}
STEPS = {
    "propose": {"does", "branch", "title", "path", "transition", "due"},
    "refresh": {"does", "branch", "title", "path", "transition", "due"},
    "merge": {"does", "number", "branch", "path", "transition"},
    "withdraw": {"does", "number", "branch", "reason"},
    "delete-branch": {"does", "number", "branch"},
    "comment": {"does", "number", "branch", "path", "words", "approved", "verdict"},
    "record": {"does", "path", "state", "tells"},
    "forget": {"does", "path", "tells"},
    "tell": {"does", "tells"},
    "answer": {"does", "request", "done", "words", "tells"},
}


def keys(rows: list[dict[str, Any]]) -> set[frozenset[str]]:
    return {frozenset(row) for row in rows}


def test_the_list_has_the_documented_shape(still: Path):
    rows = postbot("list", "--json", "--at", NOW, cwd=still).json()
    assert keys(rows) == {frozenset(ROW)}
    assert [row["slug"] for row in rows] == [
        "analyst", "broken", "data-engineer", "designer", "later-0", "later-1", "later-2", "twin", "twin",
    ]  # fmt: skip
    by_slug = {row["slug"]: row for row in rows}
    assert {slug: row["state"] for slug, row in by_slug.items()} | {"twin": None} == {
        "analyst": "closed", "broken": None, "data-engineer": "upcoming", "designer": "open",
        "later-0": "upcoming", "later-1": "upcoming", "later-2": "upcoming", "twin": None,
    }  # fmt: skip
    assert by_slug["designer"]["closes"] == "2026-03-28T04:00:00+00:00"
    assert keys(by_slug["broken"]["problems"]) == {frozenset(PROBLEM)}


def test_one_posting_has_the_documented_shape(still: Path):
    shown = postbot("show", "data-engineer", "--json", "--at", NOW, cwd=still).json()
    assert set(shown) == ROW | {"profile", "lacks", "pulls", "undo", "waits", "history"}
    assert keys(shown["lacks"]) == {frozenset({"key", "kind", "line", "says"})}
    assert keys(shown["pulls"]) == {frozenset(PULL)}
    assert keys(shown["history"]) == {frozenset({"at", "what", "detail"})}


def test_pull_requests_have_the_documented_shape(still: Path):
    pulls = postbot("pulls", "--json", cwd=still).json()
    assert keys(pulls) == {frozenset(PULL)}
    assert postbot("pulls", "--show", "1", "--json", cwd=still).json() == pulls
    assert postbot("pulls", "--all", "--json", cwd=still).json() == pulls


def test_a_plan_has_the_documented_shape_and_looks_ahead(still: Path):
    plan = postbot("plan", "--json", "--at", NOW, "--days", "30", cwd=still).json()
    assert set(plan) == PLAN
    for step in plan["to_come"]:
        assert set(step) == {"at", "assumed"} | STEPS[step["does"]]
    told = [(tell["event"], tell["slug"]) for step in plan["to_come"] for tell in step.get("tells", ())]
    assert ("opened", "data-engineer") in told
    assert ("closed", "designer") in told
    assert plan == postbot("plan", "--format", "json", "--at", NOW, "--days", "30", cwd=still).json()


def test_a_plan_says_so_where_there_are_no_postings_at_all(still: Path):
    none = "There are no postings in position on main. If there should be, name their folders in `folders`.\n"
    assert postbot("plan", "--at", NOW, "--config", "elsewhere.yaml", cwd=still).err == none
    assert postbot("plan", "--at", NOW, cwd=still).err == ""


def test_looking_less_far_ahead_shows_less(still: Path):
    near = postbot("plan", "--json", "--at", NOW, "--days", "3", cwd=still).json()["to_come"]
    far = postbot("plan", "--json", "--at", NOW, "--days", "30", cwd=still).json()["to_come"]
    assert [step for step in far if step in near] == near
    assert len(near) < len(far)


def test_a_plan_can_be_read_as_text_and_as_markdown(still: Path):
    text = postbot("plan", "--at", NOW, "--days", "30", cwd=still).out
    assert "Plan at Tue 2026-03-03 09:00 EST" in text
    assert "tell public: closed Designer" in text
    markdown = postbot("plan", "--format", "markdown", "--at", NOW, "--days", "30", cwd=still).out
    assert markdown.startswith("## Plan at Tue 2026-03-03 09:00 EST\n")
    assert "```diff" in markdown


def test_a_tick_and_a_request_answer_with_the_same_report(site: World):
    ticked = postbot("tick", "--json", "--at", NOW, cwd=site.folder).json()
    asked = postbot("close", "designer", "--reason", "filled", "--by", "Ada", "--at", NOW, "--json", cwd=site.folder)
    assert asked.code == 0
    report = asked.json()
    assert set(ticked) == set(report) == REPORT
    for step in report["done"]:
        assert set(step) == STEPS[step["does"]]
    assert keys(report["sent"]) == {frozenset({"key", "recipient", "subject", "outcome", "detail"})}
    assert [each["subject"] for each in report["sent"]] == ["Designer: closed early"]


def test_transition_and_check_have_the_documented_shape(still: Path):
    edited = postbot("transition", POSTING, "--to", "closed", "--json", cwd=still)
    assert (edited.code, keys(edited.json())) == (0, {frozenset(RESULT)})
    found = postbot("check", "--format", "json", "--at", NOW, cwd=still)
    assert (found.code, keys(found.json())) == (1, {frozenset(PROBLEM)})


def test_a_pull_request_goes_its_way_by_commands_alone(site: World):
    assert "Approved #1." in postbot("approve", "1", "--by", "Grace", cwd=site.folder).out
    assert "Grace" in postbot("pulls", cwd=site.folder).out
    merged = postbot("merge", "1", "--by", "Grace", cwd=site.folder)
    assert (merged.code, merged.out) == (0, "Merged #1. The next tick announces what that means.\n")
    assert "is behind main; before the next commit there, run: git -C" in merged.err
    again = postbot("merge", "1", cwd=site.folder)
    assert (again.code, again.err) == (1, "Pull request #1 is already merged.\n")
    assert "state: open" in site.text("data-engineer")
    ticked = postbot("tick", "--at", "2026-03-05T09:00", cwd=site.folder)
    assert "told openings@list.example: Data Engineer: now open" in ticked.out


def test_a_rejected_pull_request_stays_away_until_somebody_asks(site: World):
    assert "Rejected #1." in postbot("reject", "1", "--reason", "wrong week", cwd=site.folder).out
    assert "pull request" not in postbot("tick", "--at", NOW, cwd=site.folder).out
    assert postbot("pulls", cwd=site.folder).out == "No pull requests.\n"
    assert "wrong week" in postbot("pulls", "--show", "1", cwd=site.folder).out


REQUESTS: list[tuple[list[str], int, str]] = [
    (["open", "later-0", "--set", "series=2210", "--closes", "2026-04-01"], 0, "Pull request #2 waits for a person: postbot approve 2"),
    (["close", "designer", "--reason", "cap reached"], 0, "Done: Pull request #2 is merged."),
    (["extend", "designer", "2026-04-03"], 0, "Pull request #2 waits for a person"),
    (["postpone", "data-engineer", "2026-04-01", "--closes", "2026-05-01"], 0, "waits for a person"),
    (["reopen", "analyst", "--opens", "2026-04-01", "--closes", "2026-05-01"], 0, "waits for a person"),
    (["withdraw", "data-engineer"], 0, "waits for a person"),
    (["show", "positions/old/twin.md"], 0, "positions/old/twin.md"),
    (["extend", "designer", "soon"], 1, "Refused: The new closing date soon cannot be read"),
    (["extend", "designer", "2026-03-01"], 1, "Refused: "),
    (["open", "designer"], 1, "Refused: designer is open"),
    (["reopen", "designer"], 1, "Refused: designer is open"),
    (["withdraw", "analyst"], 1, "Refused: analyst is closed"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "code", "says"), REQUESTS, ids=[" ".join(args) for args, _, _ in REQUESTS])
def test_a_request_says_what_came_of_it(site: World, args: list[str], code: int, says: str):
    done = postbot(*args, "--at", NOW, cwd=site.folder)
    assert (done.code, says in done.out) == (code, True), done


def test_a_clock_that_went_back_holds_the_plan_and_a_release_frees_it(site: World):
    held = postbot("tick", "--at", "2026-01-01", cwd=site.folder)
    assert (held.code, "The clock went back" in held.out) == (1, True)
    digest = held.out.partition("HELD (")[2][:10]
    assert postbot("plan", "--at", "2026-01-01", cwd=site.folder).code == 1
    filed = postbot("close", "designer", "--at", "2026-01-01", cwd=site.folder)
    assert (filed.code, f"waits for the held plan: postbot release {digest}" in filed.out) == (1, True)
    assert postbot("release", digest, "--by", "Grace", cwd=site.folder).code == 0
    assert postbot("tick", "--at", "2026-01-01", cwd=site.folder).code == 0


def test_a_request_made_while_another_postbot_works_is_filed_and_says_so(site: World):
    ledger = Ledger.open(site.folder / ".postbot" / "ledger.db")
    with ledger.working():
        ticked = postbot("tick", "--at", NOW, cwd=site.folder)
        asked = postbot("close", "designer", "--at", NOW, cwd=site.folder)
    ledger.close()
    assert (ticked.code, "Another postbot is at work" in ticked.err) == (1, True)
    assert (asked.code, asked.err) == (
        1,
        "Request 1 is filed; another postbot is at work just now, the next tick takes it up.\n",
    )
    assert "state: open" in site.text("designer")
    assert "Designer: closed early" in postbot("tick", "--at", NOW, cwd=site.folder).out


def test_the_plain_day_of_at_means_its_start_in_the_sites_zone(still: Path):
    assert postbot("plan", "--json", "--at", "2026-03-04", cwd=still).json()["at"] == "2026-03-04T05:00:00+00:00"
    assert postbot("plan", "--json", "--at", "2026-03-04T08:30", cwd=still).json()["at"] == "2026-03-04T13:30:00+00:00"


def test_who_asks_is_one_line_of_text(site: World):
    done = postbot("open", "designer", "--by", "Ada\nReason: none\x1b[2J", "--at", NOW, cwd=site.folder)
    mail = text_of(site.mail()[-1])
    assert mail.startswith("Ada Reason: none [2J asked to open positions/designer.md."), (mail, done.out)


# What it leaves alone -----------------------------------------------------------------------------------------------

READERS: list[list[str]] = [
    ["list", "--at", NOW],
    ["list", "--json", "--at", NOW],
    ["show", "designer", "--at", NOW],
    ["plan", "--at", NOW, "--days", "400"],
    ["plan", "--at", "2027-01-01"],
    ["pulls"],
    ["pulls", "--all", "--json"],
    ["pulls", "--show", "1"],
    ["check"],
    ["check", "site", "--format", "github"],
    ["transition", POSTING, "--to", "closed"],
    ["transition", POSTING, "--to", "closed", "--stdout"],
    ["transition", POSTING, "--to", "closed", "--json"],
    ["init", "site"],
    ["--help"],
    ["tick", "--help"],
]


@pytest.mark.parametrize("args", READERS, ids=[" ".join(args) for args in READERS])
def test_a_command_that_only_looks_writes_nothing(still: Path, args: list[str]):
    before = footprint(still)
    done = postbot(*args, cwd=still)
    assert done.code in (0, 1)
    assert done.out or done.err
    assert footprint(still) == before


def _checkout(world: World) -> dict[str, str]:
    return {
        name: print_
        for name, print_ in footprint(world.repo).items()
        if not name.startswith(".git/") or name in (".git/index", ".git/HEAD", ".git/config")
    }


def test_no_command_touches_a_persons_working_tree_or_index(site: World):
    posting = site.repo / "positions" / "designer.md"
    posting.write_text(posting.read_text() + "Not committed yet.\n")
    (site.repo / "notes.txt").write_text("Not even added.\n")
    staged = site.repo / "positions" / "analyst.md"
    staged.write_text(staged.read_text() + "Staged.\n")
    git(site.repo, "add", "positions/analyst.md")
    before = _checkout(site)
    for args in (
        ["tick", "--at", NOW], ["approve", "1"], ["tick", "--at", "2026-03-06"], ["extend", "designer", "2026-04-20", "--at", "2026-03-06"],
        ["merge", "2"], ["withdraw", "later-1", "--at", "2026-03-06"], ["reject", "3"], ["close", "designer", "--at", "2026-03-06"],
    ):  # fmt: skip
        done = postbot(*args, cwd=site.folder)
        assert done.code == 0, (args, done)
        assert _checkout(site) == before, args
    assert "state: closed" in site.text("designer")


def test_a_bare_repository_does_as_well(site: World):
    git(site.folder, "clone", "-q", "--bare", str(site.repo), "bare.git")
    (site.folder / "bare.yaml").write_text(
        "site: {repo: bare.git, profile: jekyll-state, timezone: America/New_York, folders: [positions]}\n"
        "transitions: {close: {merge: auto}}\nledger: bare.db\n"
    )
    done = postbot("close", "designer", "-c", "bare.yaml", "--at", NOW, cwd=site.folder)
    assert (done.code, done.err) == (0, "")
    assert "state: closed" in git(site.folder / "bare.git", "show", "main:positions/designer.md")
    assert "state: open" in site.text("designer")


# The process ---------------------------------------------------------------------------------------------------------


def test_help_is_quick_for_it_imports_nothing_heavy(tmp_path: Path):
    code = (
        "import sys\nsys.argv = ['postbot', '--help']\nfrom postbot.doors.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'jinja2', 'ruamel', 'pydantic', 'yaml', 'alembic', 'github', 'slack_sdk'}\n"
        "print('HEAVY', sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HEAVY []\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown(tmp_path: Path, shell: str):
    done = really("--show-completion", shell, cwd=tmp_path, env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert done.code == 0, done.err
    assert "_COMPLETE" in done.out


def test_a_reader_that_hangs_up_early_is_no_traceback(still: Path):
    process = subprocess.Popen(
        [*REAL, "plan", "--json", "--at", NOW, "--days", "60"],
        cwd=still,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(30) == 1
    process.stderr.close()
    assert b"Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="This system has no /dev/full.")
@pytest.mark.parametrize("args", [["list"], ["plan"], ["list", "--json"], ["check"]])
def test_a_full_disk_is_a_sentence(still: Path, args: list[str]):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*REAL, *args], cwd=still, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"The output cannot be written: No space left on device.\n")


def test_a_closed_standard_output_is_no_traceback(still: Path):
    command = " ".join(f"'{word}'" for word in REAL)
    done = subprocess.run(["sh", "-c", f"{command} list >&-"], cwd=still, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr


def test_a_picture_that_cannot_be_saved_is_a_sentence(tmp_path: Path):
    done = postbot("demo", "--svg", "nosuch/picture.svg", cwd=tmp_path)
    assert (done.code, done.err) == (1, "nosuch/picture.svg cannot be written: No such file or directory.\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_letters_gets_their_numbers(site: World, encoding: str):
    site.write("żółw", title="Żółw")
    done = really("list", "--at", NOW, cwd=site.folder, env={"PYTHONIOENCODING": encoding})
    assert done.code == 0, done.err
    assert "\\u017c" in done.out


def test_a_file_name_that_is_no_utf8_is_named_and_stops_nobody(site: World):
    name = os.fsdecode(b"caf\xe9.md")
    (site.repo / "positions" / name).write_text(site.text("designer"))
    found = really("check", "--at", NOW, "--format", "json", cwd=site.folder)
    assert any("caf" in problem["path"] for problem in found.json())
    site.commit("A name in Latin-1")
    ticked = really("tick", "--at", NOW, cwd=site.folder)
    assert (ticked.code, "caf\\xe9.md:1:1: error: The name of this file is not UTF-8" in ticked.out) == (0, True)
    assert really("show", os.fsencode("caf\udce9"), cwd=site.folder).code == 2


@pytest.mark.parametrize(
    "args",
    [
        ["tick", "--at", NOW],
        ["close", "designer", "--at", NOW],
        ["merge", "1"],
        ["approve", "1"],
        ["transition", POSTING, "--to", "closed", "--write"],
        ["init", "site", "--force"],
    ],
    ids=" ".join,
)
def test_a_read_only_site_is_a_sentence(site: World, args: list[str]):
    subprocess.run(["chmod", "-R", "a-w", str(site.folder)], check=True)
    before = footprint(site.folder)
    try:
        done = really(*args, cwd=site.folder, before=as_anybody)
        assert footprint(site.folder) == before
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(site.folder)], check=True)
    assert done.code == 1
    assert done.err.rstrip().endswith((".", "]"))


def test_json_is_utf8_and_never_coloured(still: Path):
    raw = subprocess.run(
        [*REAL, "list", "--json", "--at", NOW],
        cwd=still,
        capture_output=True,
        check=True,
        env={**os.environ, "FORCE_COLOR": "1"},
    ).stdout
    assert b"\x1b" not in raw
    assert json.loads(raw.decode("utf-8"))


# What people do is on record -----------------------------------------------------------------------------------------


def test_what_a_person_does_with_a_pull_request_has_its_entry_in_the_audit(site: World):
    [pull, *_] = site.pulls()
    assert postbot("approve", str(pull.number), "--by", "grace", cwd=site.folder).code == 0
    assert postbot("reject", str(pull.number), "--by", "ada", "--reason", "wrong week", cwd=site.folder).code == 0
    rows = [row for row in postbot("audit", "--json", cwd=site.folder).json() if row["by"] in ("grace", "ada")]
    assert [(row["by"], row["what"], row["key"]) for row in rows] == [
        ("grace", "approved", pull.branch),
        ("ada", "rejected", pull.branch),
    ]
    assert "wrong week" in rows[1]["detail"]
    assert postbot("audit", "verify", cwd=site.folder).code == 0


def test_next_due_knows_the_messages_that_wait(site: World):
    (site.folder / ".postbot" / "announcements").write_text("in the way")
    assert postbot("close", "designer", "--reason", "filled", "--at", NOW, cwd=site.folder).code in (0, 1)
    done = postbot("tick", "--at", NOW, "--json", cwd=site.folder).json()
    assert datetime.fromisoformat(done["wakes_at"]) <= datetime.fromisoformat(done["at"]) + timedelta(minutes=1)


def test_what_was_done_last_is_taken_back_by_a_command_and_shown_until_when(site: World):
    before = site.text("designer")
    postbot("close", "designer", "--reason", "filled", "--at", NOW, cwd=site.folder)
    assert site.text("designer") != before
    shown = postbot("show", "designer", "--at", NOW, cwd=site.folder).out
    assert "Close: Designer, until 2026-03-04 09:00 EST: postbot undo designer" in shown
    asked = postbot(
        "undo", "designer", "--reason", "wrong one", "--by", "Ada", "--at", "2026-03-03T10:00", cwd=site.folder
    )
    assert (asked.code, asked.out.splitlines()[-1][:14]) == (0, "Pull request #")
    [undo] = [pull for pull in site.pulls() if pull.title == "Undo: Designer"]
    assert "Reason: `wrong one`" in undo.body
    postbot("merge", str(undo.number), "--by", "Grace", cwd=site.folder)
    assert site.text("designer") == before


def test_what_cannot_be_taken_back_is_refused_before_it_is_filed(site: World):
    done = postbot("undo", "analyst", "--at", NOW, cwd=site.folder)
    assert (done.code, done.out) == (1, "")
    assert "Refused: Postbot has changed nothing about analyst that could be taken back." in done.err
    assert postbot("requests", cwd=site.folder).out == "No open requests.\n"
    assert postbot("show", "analyst", "--json", "--at", NOW, cwd=site.folder).json()["undo"]["until"] is None
