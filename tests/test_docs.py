"""The documents: what they show runs, what they name exists, and what exists is in them."""

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from postbot.config import Config
from postbot.core.announce import Event
from postbot.core.lifecycle import TABLE, Transition
from postbot.doors.cli import app
from tests.doors.command import postbot, really
from tests.examples import DATES, ROOT
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
    (found,) = [words[1:] for words in SHOWN if words[0] == "postbot" and words[1] == name]
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
    assert "Pull request #2 waits for a person: postbot merge 2" in run("open", *now)
    assert "Merged #2" in run("merge")
    assert "#3 waits for a person" in run("extend", "--at", "2026-03-13")
    assert "Rejected #3" in run("reject")
    assert "#4 waits for a person" in run("extend", "--at", "2026-03-13")
    assert postbot("merge", "4", *config, cwd=world.repo).code == 0
    assert "#5 waits for a person" in run("postpone", "--at", "2026-03-13")
    assert "postpone opens=2026-04-01" in run("requests")
    assert "Cancelled request 4: postpone positions/data-engineer.md." in run("cancel")
    assert "Done: Pull request #6 is merged." in run("close", "--at", "2026-03-13")
    assert "#7 waits for a person" in run("reopen", "--at", "2026-03-13")
    assert postbot("reject", "7", *config, cwd=world.repo).code == 0
    assert "Refused: " in run("withdraw", "--at", "2026-03-13")
    assert "Released 1f0c9a77d2" in run("release")
    assert {name for name, code in done.items() if code} <= {"check", "withdraw"}
    world.write("data-engineer", opens="March 12, 2026, 9:00 am EST", closes="tbd")
    assert "+closes: March 20, 2026, 11:59 pm EDT\n" in run("transition")
    assert {words[1] for words in SHOWN if words[0] == "postbot"} == set(done)


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
    text = (ROOT / "config" / "postbot.yaml").read_text(encoding="utf-8")
    given = yaml.safe_load(text)
    assert set(given) == set(Config.model_fields) - {"root"}
    for section, settings in given.items():
        assert re.search(rf"^{section}:", text, re.MULTILINE)
        for name in settings if section in ("site", "safety", "announce") else ():
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
        assert {path.name for path in folder.iterdir()} == {"subject.txt", "body.txt"}


def test_every_path_that_the_documents_name_exists():
    named = set(re.findall(r"\]\(([^)#:]+)\)", README))
    spoken = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.py)`", README + CONTRIBUTING)
    examples = {"positions/data-engineer.md", "path/to/mine.yaml", ".venv/bin"}
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
