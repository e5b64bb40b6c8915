"""The documents: what they show runs, what they name exists, and what exists is in them."""

import inspect
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from ruamel.yaml import YAML

from postbot.config import Config, load
from postbot.core.announce import Audience, Event
from postbot.core.announce.routes import events_of
from postbot.core.lifecycle import TABLE, Transition
from postbot.doors.cli import app
from postbot.settings import CHANNELS
from tests.doors.command import REAL, postbot, really
from tests.examples import DATES, ROOT, configuration
from tests.service.kit import Service, Site, ahead
from tests.world import World, git

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SHOWN = [
    shlex.split(line.removeprefix("$ "), comments=True)
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]

# What is shown runs --------------------------------------------------------------------------------------------------


def dates_site(folder: Path) -> World:
    world = World(folder, profile="jekyll-state")
    world.bot.ledger.close()
    world.write("data-engineer", opens="March 12, 2026, 9:00 am EST", closes="March 20, 2026, 11:59 pm EDT")
    for number in range(4):
        world.write(f"other-{number}")
    (folder / "postbot.yaml").unlink()
    return world


def shown(name: str) -> list[str]:
    """The one way in which a command is shown; a second word tells two ways apart (`release public`)."""
    first, _, second = name.partition(" ")
    ways = [words[1:] for words in SHOWN if words[0] == "postbot" and words[1] == first]
    (found,) = [way for way in ways if len(ways) == 1 or (second in way if second else "public" not in way)]
    return found


def test_every_command_shown_in_the_readme_does_what_its_comment_says(tmp_path: Path):
    """One site is led through all of them, in an order in which each has something to do."""
    world = dates_site(tmp_path)
    config, now = ["--config", "../postbot.yaml"], ["--at", "2026-03-10T09:00"]
    done = {}

    def run(name: str, *extra: str) -> str:
        ran = postbot(*shown(name), *extra, *config, cwd=world.repo)
        done[name] = ran.code
        return ran.out + ran.err

    assert "Wrote ../postbot.yaml" in run("init")
    assert "files checked: " in run("check", *now)
    assert "pull request" in run("plan", *now)
    assert "open pull request postbot/open/data-engineer-" in run("tick", *now) + run("tick", *now)
    assert "data-engineer" in run("list", *now)
    assert "`series` is commented out, offering 0301" in run("show", *now)
    assert "Open: Data Engineer" in run("pulls")
    assert "Approved #1." in run("approve")
    assert "Pull request #2 waits for a person: postbot approve 2" in run("open", *now)
    assert "Merged #2" in run("merge")
    assert "#3 waits for a person" in run("extend", "--at", "2026-03-13")
    assert "Rejected #3" in run("reject")
    assert "#4 waits for a person" in run("extend", "--at", "2026-03-13")
    assert postbot("merge", "4", *config, cwd=world.repo).code == 0
    assert "#5 waits for a person" in run("postpone", "--at", "2026-03-13")
    assert "postpone opens=2026-04-01" in run("requests")
    assert "Cancelled request 4: postpone positions/data-engineer.md." in run("cancel")
    assert "Done: Pull request #6 is merged." in run("close", "--at", "2026-03-13")
    assert "Refused: Since this was asked, pull request #4" in run("undo", "--at", "2026-03-13")  # by the true clock
    assert "#7 waits for a person" in run("reopen", "--at", "2026-03-13")
    assert postbot("reject", "7", *config, cwd=world.repo).code == 0
    assert "Refused: " in run("withdraw", "--at", "2026-03-13")
    assert "Released 1f0c9a77d2" in run("release")
    assert "postbot speaks to everybody on the routes" in run("release public")
    assert "Data Engineer: more time to apply" in run("announce")
    assert "Nothing is held." in run("deliveries")
    assert "rows of the audit are as they were written" in run("audit")
    assert "Nothing is wrong." in run("doctor")
    assert "robin" not in run("pause", "--by", "sam")
    assert "PAUSED by sam since" in postbot("plan", *config, cwd=world.repo).out
    run("resume")
    assert "Nothing is wrong" in run("config")
    assert "saved.db" in run("ledger")
    assert {name for name, code in done.items() if code} <= {"check", "undo", "withdraw"}
    world.write("data-engineer", opens="March 12, 2026, 9:00 am EST", closes="tbd")
    assert "+closes: March 20, 2026, 11:59 pm EDT\n" in run("transition")
    assert {words[1] for words in SHOWN if words[0] == "postbot"} == {name.split()[0] for name in done} | {"run"}


def test_the_service_that_the_readme_shows_runs_until_it_is_told_to_end(tmp_path: Path):
    site = Site(tmp_path)
    site.write("pilot", opens=ahead(-3600), closes=ahead(3600))
    with Service.start(tmp_path, *shown("run")[1:]) as service:
        service.wait_for(lambda: site.state("pilot") == "open")
        service.signal(signal.SIGTERM)
        assert service.ended() == 0


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", README + CONTRIBUTING)) - {"the"}
    named = {name for name in named if f"`make {name}`" in README + CONTRIBUTING or f"$ make {name}" in README}
    assert named
    assert named <= targets


# What exists is described --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_in_the_readme_and_each_of_its_options_says_what_it_is(name: str, tmp_path: Path):
    assert re.search(rf"postbot {name}\b|`{name}`|/ ?{name}\b", README), f"README says nothing of {name}"
    command = COMMANDS[name]
    assert command.help
    assert command.help.split("\n")[0].endswith(".")
    silent = [each.name for each in command.params if not getattr(each, "help", None)]
    assert silent == []
    assert postbot(name, "--help", cwd=tmp_path).code == 0


def test_every_setting_is_in_the_example_with_a_word_on_it():
    text = configuration()
    given = yaml.safe_load(text)
    assert set(given) == set(Config.model_fields) - {"root", "heard"}
    for section, settings in given.items():
        assert re.search(rf"^{section}:", text, re.MULTILINE)
        for name in settings if section in ("site", "safety", "soon") else ():
            assert re.search(rf"#[^\n]*\n  {name}:", text), f"{section}.{name} has no comment above it"


def test_every_profile_is_in_the_readmes_table():
    files = {path.stem for path in (ROOT / "config" / "profiles").glob("*.yaml")}
    assert set(re.findall(r"^\| `([a-z-]+)` \|.*config/profiles", README, re.MULTILINE)) == files


def test_the_readmes_table_of_transitions_is_the_real_one():
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \| ([\w, ]+) \|", README, re.MULTILINE)
    told = {
        name: (set(start.split(", ")), set(end.split(", "))) for name, start, end in rows if name in list(Transition)
    }
    real = {
        str(each): (
            {str(state) for state, name in TABLE if name is each},
            {str(found[0]) for (_, name), found in TABLE.items() if name is each},
        )
        for each in Transition
    }
    assert told == real


def test_every_message_has_its_event_and_every_event_its_message():
    folders = {path.name: path for path in (ROOT / "postbot" / "messages").iterdir() if path.is_dir()}
    assert set(folders) == set(Event)
    for folder in folders.values():
        assert {path.name for path in folder.iterdir()} == {"subject.txt", "body.txt", "body.html", "blocks.json"}


def test_every_path_that_the_documents_name_exists():
    named = set(re.findall(r"\]\(([^)#:]+)\)", README))
    spoken = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.py)`", README + CONTRIBUTING)
    examples = {"positions/data-engineer.md", "path/to/mine.yaml", ".venv/bin"}
    examples |= {".github/workflows", ".github/postbot.yaml"}  # of the reader's own repository
    examples |= {"postbot/approval"}  # a commit status
    for name in {*named, *spoken} - examples:
        places = (ROOT / name, ROOT / ".github" / name, ROOT / "postbot" / name, ROOT / "docs" / name)
        assert any(place.exists() for place in places), f"{name} is named and is not there"


def test_the_tree_in_the_readme_is_there():
    tree = README.partition("## Where to look")[2].partition("```\n")[2].partition("```")[0]
    above = {0: ROOT}
    for line in tree.splitlines():
        depth, name = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        above[depth + 1] = above[depth] / name
        assert above[depth + 1].exists(), f"{above[depth + 1]} is drawn and is not there"


def test_the_changelog_has_a_place_for_what_is_new():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[Unreleased\]$", text, re.MULTILINE)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


def test_the_picture_of_the_demo_is_fresh(tmp_path: Path):
    done = really("demo", "--svg", "demo.svg", cwd=tmp_path)
    assert done.code == 0, done.err
    same = (tmp_path / "demo.svg").read_bytes() == (ROOT / "docs" / "demo.svg").read_bytes()
    assert same, "the demo has changed; draw its picture again: make picture"


def test_the_batchs_and_checks_keys_are_the_documented_ones(tmp_path: Path):
    (tmp_path / "a.md").write_text("---\ntitle: 'x\n---\n")
    answer = postbot("transition", "--batch", cwd=tmp_path, stdin=b'{"path": "a.md"}').json()
    (problem,) = postbot("check", "--format", "json", cwd=tmp_path).json()
    for keys in (answer, problem):
        assert "{" + ", ".join(f'"{key}"' for key in keys) + "}" in README.replace("\n", " ")


def test_the_modules_of_the_doors_say_what_they_are():
    assert inspect.getdoc(sys.modules["postbot.doors.cli"])


# The workflows -------------------------------------------------------------------------------------------------------

FLOWS = sorted((ROOT / "config" / "workflows").glob("*.yml"))
NAMES = [path.name for path in FLOWS]
SITE = "site: {repo: .., folders: [pages/positions], profile: jekyll-state, timezone: America/New_York}\n"


def flow(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A shipped workflow, and the steps of its one job."""
    read = YAML(typ="safe", pure=True).load(ROOT / "config" / "workflows" / name)  # of 1.2, where `on` is a word
    (job,) = read["jobs"].values()
    return {**read, "job": job}, job["steps"]


def script(name: str, step: str) -> str:
    """The text that one step gives to bash."""
    (found,) = [each["run"] for each in flow(name)[1] if each.get("name") == step]
    return str(found)


def run_step(name: str, step: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run one step as the runner does, with this very postbot as the one that was installed."""
    assert flow(name)[0]["job"]["defaults"] == {"run": {"shell": "bash"}}
    tools = folder.parent / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "postbot").write_text(f'#!/bin/sh\nexec {shlex.join(REAL)} "$@"\n')
    (tools / "postbot").chmod(0o755)
    (tools / "step.sh").write_text(script(name, step))
    path = f"{tools}:{os.environ['PATH']}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(tools / "step.sh")]
    given = {**os.environ, "PATH": path, **env}
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)


def pull_request(folder: Path, **changed: str | None) -> Path:
    """A site as actions/checkout leaves it for a pull request: the merge, with the base branch just below it."""
    world = World(folder, postings="pages/positions")
    world.bot.ledger.close()
    (world.repo / ".github").mkdir()
    (world.repo / ".github" / "postbot.yaml").write_text(SITE)
    (world.repo / "pages" / "positions").mkdir(parents=True)
    for slug in ("good", "gone"):
        world.write(slug)
    world.write("old-fault", state="Open")
    git(world.repo, "switch", "-q", "-c", "change")
    for slug, state in changed.items():
        world.write(slug, state=state) if state else world.remove(slug)
    world.commit("Nothing more")
    git(world.repo, "switch", "-q", "main")
    world.write("meanwhile", state="nonsense")
    git(world.repo, "merge", "-q", "--no-ff", "-m", "Merge", "change")
    return world.repo


YAML_SHOWN = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


def test_the_settings_for_github_that_the_readme_shows_load(tmp_path: Path):
    [shown] = [each for each in YAML_SHOWN if each.startswith("# postbot.yaml")]
    (tmp_path / "postbot.yaml").write_text("site: {profile: hugo, timezone: Europe/Paris}\n" + shown)
    github = load(tmp_path / "postbot.yaml").github
    assert github
    assert (github.repository, github.app and github.app.installation) == ("agency/site", 7890123)


def test_the_routes_that_the_readme_shows_load(tmp_path: Path):
    [shown] = [each for each in YAML_SHOWN if each.startswith("- to: ")]
    (tmp_path / "routes.yaml").write_text(shown)
    mail = "email: {server: localhost, sender: jobs@agency.example}\n"
    (tmp_path / "postbot.yaml").write_text(f"site: {{profile: hugo, timezone: UTC}}\n{mail}routes: routes.yaml\n")
    assert len(load(tmp_path / "postbot.yaml").heard) == 5


def test_the_readmes_tables_of_events_and_channels_are_the_real_ones():
    for audience in Audience:
        [row] = re.findall(rf"^\| the {audience} \| (.*) \|$", README, re.MULTILINE)
        assert set(row.split(", ")) == set(events_of(audience))
    table = README.partition("| channel | reaches |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(email|slack|apprise|folder|console)`", table)) == set(CHANNELS)


def test_the_readme_shows_the_shipped_workflows_and_no_others():
    shown = [each for each in YAML_SHOWN if "\njobs:\n" in each]
    assert shown == [path.read_text(encoding="utf-8") for path in FLOWS]


def test_every_step_that_calls_postbot_is_run_here():
    calling = {
        (name, step["name"])
        for name in NAMES
        for step in flow(name)[1]
        if re.search(r"postbot \w", step.get("run", ""))
    }
    assert calling == {("check.yml", "Check the changed postings"), ("tick.yml", "Tick")}
    installing = {script(name, "Install postbot") for name in NAMES}
    assert len(installing) == 1, "both install it in the same way"


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_do_no_more_than_it_needs(name: str):
    whole, steps = flow(name)
    assert whole["permissions"] == {"contents": "read"}
    assert "permissions" not in whole["job"]
    assert "pull_request_target" not in whole["on"]
    checkouts = [step["with"] for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert [each["persist-credentials"] for each in checkouts] == [False]
    assert all(step["uses"].startswith("actions/") for step in steps if "uses" in step), "GitHub's own actions only"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_pasted_into_a_script_and_secrets_reach_only_the_tick(name: str):
    whole, steps = flow(name)
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
    holding = [step.get("name") for step in steps if "secrets." in str(step)]
    assert holding == (["Tick"] if name == "tick.yml" else [])
    assert "env" not in whole
    assert "env" not in whole["job"]
    text = "".join(str(step) for step in steps)
    assert set(re.findall(r"\$\{\{ ?(.*?) ?\}\}", text)) <= {
        "secrets.POSTBOT_GITHUB_KEY",
        "inputs.release",
        "github.run_number",
        "github.run_attempt",
    }


def test_two_ticks_never_run_at_once_and_none_on_the_hour():
    whole, steps = flow("tick.yml")
    assert whole["concurrency"] == {"group": "postbot-tick", "cancel-in-progress": False}
    assert set(whole["on"]) == {"schedule", "workflow_dispatch"}
    minutes, *rest = whole["on"]["schedule"][0]["cron"].split()
    first, last, every = map(int, re.fullmatch(r"(\d+)-(\d+)/(\d+)", minutes).groups())  # type: ignore[union-attr]
    assert (first > 0, last, every, rest) == (True, 59, 10, ["*"] * 4)
    (restore,), (save,) = (
        [step for step in steps if f"cache/{what}@" in step.get("uses", "")] for what in ("restore", "save")
    )
    assert restore["with"]["path"] == save["with"]["path"]
    assert restore["with"]["key"] == save["with"]["key"]
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"])
    assert (save["if"], steps.index(restore) < steps.index(save)) == ("always()", True)


def test_the_check_tells_what_the_pull_request_changes_and_nothing_else(tmp_path: Path):
    site = pull_request(tmp_path, good="closed", broken="Open", gone=None)
    done = run_step("check.yml", "Check the changed postings", site, GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    assert done.returncode != 0
    (told,) = done.stdout.splitlines()
    assert told.startswith(
        "::error file=pages/positions/broken.md,line=4,col=8,title=state-unknown::`Open` is no state;"
    )
    assert told.endswith("Write `state: open`.%0A%0ALine 4 should read:%0Astate: open")
    assert done.stderr == "2 files checked: 1 error. All of it is in the summary of this run.\n"
    assert "```diff\n--- pages/positions/broken.md" in (tmp_path / "summary").read_text()


@pytest.mark.parametrize("changed", [{"good": "closed"}, {"gone": None}, {}], ids=["good", "removed", "nothing"])
def test_a_pull_request_without_fault_is_green(tmp_path: Path, changed: dict[str, str | None]):
    done = run_step("check.yml", "Check the changed postings", pull_request(tmp_path, **changed))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_check_fails_where_nobody_can_tell_what_has_changed(tmp_path: Path):
    site = pull_request(tmp_path, broken="Open")
    shutil.rmtree(site / ".git")
    assert run_step("check.yml", "Check the changed postings", site).returncode != 0


def test_names_of_postings_are_no_options_and_no_shell_text(tmp_path: Path):
    names = ["a b", "$(touch pwned)", "--fix", "'", "x\n::error::pwned"]
    site = pull_request(tmp_path, **dict.fromkeys(names, "Open"))
    done = run_step("check.yml", "Check the changed postings", site)
    assert len(set(re.findall("file=(.*?),line=", done.stdout))) == len(names)
    assert all(re.match("::(error|warning) file=pages/positions/", line) for line in done.stdout.splitlines())
    assert git(site, "status", "--porcelain") == ""


def test_the_tick_does_what_is_due_and_keeps_its_memory_where_the_cache_looks(tmp_path: Path):
    site = pull_request(tmp_path)
    done = run_step("tick.yml", "Tick", site)
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    (stop,) = re.findall("^::stop-commands::([0-9a-f]{64})$", first)
    assert last == f"::{stop}::"
    (cached,) = {step["with"]["path"] for step in flow("tick.yml")[1] if "cache/" in step.get("uses", "")}
    assert (site / cached / "ledger.db").exists()


def test_a_tick_that_fails_fails_its_run(tmp_path: Path):
    site = pull_request(tmp_path)
    (site / ".github" / "postbot.yaml").write_text("nonsense: 1\n")
    done = run_step("tick.yml", "Tick", site)
    assert done.returncode == 1
    assert re.search("^::[0-9a-f]{64}::$", done.stdout.splitlines()[-1]), "the runner listens again"


# The lines for the template ------------------------------------------------------------------------------------------

DAYS = {
    "upcoming": "opens: 2031-01-01\ncloses: 2031-02-01",
    "open": "opens: 2020-01-01\ncloses: 2031-02-01",
    "closed-by-date": "opens: 2020-01-01\ncloses: 2020-02-01",
    "closed-on": "opens: 2020-01-01\ncloses: 2031-02-01\nclosed_on: 2020-01-20",
    "last-day": "opens: 2020-01-01\ncloses: 2030-03-08",
    "first-day": "opens: 2030-03-08\ncloses: 2031-02-01",
    "not-known": "opens: TBD\ncloses: TBD",
    "no-closing": "opens: 2020-01-01",
    "no-opening": "closes: 2031-02-01",
    "no-dates": "other: 1",
}
STATES = {
    "upcoming": "upcoming", "open": "open", "closed-by-date": "closed", "closed-on": "closed", "last-day": "open",
    "first-day": "open", "not-known": "upcoming", "no-closing": "open", "no-opening": "upcoming", "no-dates": "upcoming",
}  # fmt: skip


def snippet() -> str:
    (found,) = re.findall(r"```liquid\n(.*?)```", README, re.DOTALL)
    return str(found)


def test_the_lines_for_the_template_show_what_postbot_says(tmp_path: Path):
    if not shutil.which("jekyll"):
        pytest.skip("jekyll is not installed; on Debian: apt-get install jekyll")
    site = tmp_path / "site"
    (site / "_layouts").mkdir(parents=True)
    (site / "_config.yml").write_text("timezone: UTC\ntime: 2030-03-08 12:00:00\nfuture: true\n")
    (site / "_layouts" / "job.html").write_text(snippet())
    for name, days in DAYS.items():
        (site / f"{name}.md").write_text(f"---\ntitle: {name}\nlayout: job\n{days}\n---\n")
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    built = subprocess.run(
        ["jekyll", "build", "--disable-disk-cache", "-q"],
        cwd=site,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert {name: (site / "_site" / f"{name}.html").read_text().strip() for name in DAYS} == STATES
    (tmp_path / "postbot.yaml").write_text("site: {repo: site, profile: jekyll-dates, timezone: UTC}\n")
    shutil.rmtree(site / "_site")
    git(site, "init", "-q", "-b", "main")
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "A site")
    rows = postbot("list", "--json", "--at", "2030-03-08T12:00", cwd=tmp_path).json()
    assert {row["slug"]: row["state"] for row in rows} == STATES


def test_the_snippet_is_there_for_a_dates_site():
    assert "page.closed_on" in snippet()
    assert "closes: 2030-03-15" in DATES
