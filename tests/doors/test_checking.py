"""`postbot check`: its three forms, its exit codes, what `--fix` repairs, and files that are none."""

import json
import os
import re
from pathlib import Path

import pytest

from postbot.core.problem import Problem, Severity
from postbot.doors.checking import render
from tests.doors.command import as_anybody, footprint, postbot, really
from tests.examples import STATE
from tests.world import World

KEYS = ["path", "line", "column", "code", "severity", "message", "fix"]
AT = ("--at", "2030-03-08T12:00")
GOOD = """\
---
title: Harbour Pilot
permalink: join/harbour-pilot/
state: open
opens: March 4, 2030, 9:00 am EST
closes: March 15, 2030, 11:59 pm EDT
contact_email: 'ana@example.org'
apply_url: https://apply.agency.gov/pilot
---
Ships & tides.
"""


def write(folder: Path, **files: str | bytes) -> None:
    for name, text in files.items():
        (folder / f"{name}.md").write_bytes(text if isinstance(text, bytes) else text.encode())


def codes(folder: Path, *args: str) -> list[tuple[str, int, str]]:
    found = postbot("check", *args, "--format", "json", *AT, cwd=folder).json()
    return [(problem["path"], problem["line"], problem["code"]) for problem in found]


# Forms --------------------------------------------------------------------------------------------------------------


def test_json_is_a_list_of_exactly_the_documented_keys(tmp_path: Path):
    write(tmp_path, a=STATE.replace("state: upcoming", "state: opne"), b="---\ntitle: 'x\n---\n", c="no front matter\n")
    done = postbot("check", "--format", "json", *AT, cwd=tmp_path)
    found = done.json()
    assert done.code == 1
    assert isinstance(found, list)
    assert {problem["path"] for problem in found} == {"a.md", "b.md", "c.md"}
    for problem in found:
        assert list(problem) == KEYS
        assert problem["severity"] in ("error", "warning", "note")
        assert (type(problem["line"]), type(problem["column"])) == (int, int)
        assert problem["line"] >= 1 <= problem["column"]
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", problem["code"])
        assert problem["fix"] is None or isinstance(problem["fix"], str)


def test_nothing_found_is_an_empty_list_and_exit_0(tmp_path: Path):
    done = postbot("check", "--format", "json", *AT, cwd=tmp_path)
    assert (done.code, done.out) == (0, "[]\n")
    assert postbot("check", *AT, cwd=tmp_path).out == "No Markdown files here, so nothing was checked.\n"
    assert postbot("check", "--format", "github", *AT, cwd=tmp_path).out == ""


@pytest.mark.parametrize(("severity", "code"), [("error", 1), ("warning", 1), ("note", 0)])
def test_a_note_alone_is_fine(tmp_path: Path, severity: str, code: int):
    texts = {
        "error": GOOD.replace("state: open", "state: opne"),
        "warning": GOOD.replace("title: Harbour Pilot\n", "title: Harbour Pilot\nsupervisory_status: yes\n"),
        "note": GOOD.replace("2030", "2039"),
    }
    write(tmp_path, a=texts[severity])
    done = postbot("check", *AT, "--format", "json", cwd=tmp_path)
    worst = {problem["severity"] for problem in done.json()}
    assert severity in worst
    assert done.code == code, done.json()


def test_github_commands_are_escaped_as_github_documents(tmp_path: Path):
    name = "a,b:c%d\r\ne.md"
    problem = Problem(name, 3, 7, "some-code", "100% sure:\r\nno, yes", Severity.WARNING, "Do\nit.")
    assert render([problem], "github", 1) == (
        "::warning file=a%2Cb%3Ac%25d%0D%0Ae.md,line=3,col=7,title=some-code::100%25 sure:%0D%0Ano, yes Do%0Ait.\n"
    )
    levels = [render([Problem("a", 1, 1, "c", "m.", severity)], "github", 1).split(" ")[0] for severity in Severity]
    assert levels == ["::error", "::warning", "::notice"]


def test_a_command_cannot_be_smuggled_into_githubs_log(tmp_path: Path):
    write(tmp_path, a='---\ntitle: x\nstate: "open\\n::error::pwned"\n---\n')
    (tmp_path / "x\n::error::pwned.md").write_text("---\ntitle: 'x\n---\n")
    out = postbot("check", "--format", "github", *AT, cwd=tmp_path).out
    assert out
    assert all(re.match("::(error|warning|notice) file=", line) for line in out.splitlines())


def test_text_names_place_sentence_code_and_fix(tmp_path: Path):
    write(tmp_path, a=GOOD.replace("state: open", "state: opne"))
    out = postbot("check", "a.md", *AT, cwd=tmp_path).out
    assert re.search(r"^a\.md:4:\d+: error: .+ \[state-unknown\]$", out, re.MULTILINE), out
    assert out.splitlines()[-1] == "1 file checked: 1 error."


# Repairs ------------------------------------------------------------------------------------------------------------

REPAIRABLE = GOOD.replace("state: open", "state: Open")


def test_fix_makes_safe_repairs_and_a_second_run_finds_nothing_more_to_do(tmp_path: Path):
    write(tmp_path, a=REPAIRABLE)
    before = codes(tmp_path)
    postbot("check", "--fix", *AT, cwd=tmp_path)
    once = (tmp_path / "a.md").read_text()
    assert once != REPAIRABLE
    assert "state: open\n" in once
    assert (before, codes(tmp_path)) == ([("a.md", 4, "state-unknown")], [])
    postbot("check", "--fix", *AT, cwd=tmp_path)
    assert (tmp_path / "a.md").read_text() == once


def test_fix_changes_only_the_lines_it_repairs(tmp_path: Path):
    write(tmp_path, a=REPAIRABLE.replace("\n", "\r\n"))
    postbot("check", "--fix", *AT, cwd=tmp_path)
    old, new = REPAIRABLE.split("\n"), (tmp_path / "a.md").read_bytes().decode().split("\r\n")
    assert len(old) == len(new)
    assert {line.split(":")[0] for line, now in zip(old, new, strict=True) if line != now} == {"state"}


def test_check_alone_never_writes(tmp_path: Path):
    write(tmp_path, a=REPAIRABLE)
    before = footprint(tmp_path)
    postbot("check", *AT, cwd=tmp_path)
    assert footprint(tmp_path) == before


BROKEN = {
    "unclosed quote": b"---\ntitle: 'x\nstate: Open\n---\n",
    "no front matter": b"state: Open\n",
    "unclosed front matter": b"---\nstate: Open\n",
    "duplicate key": b"---\ntitle: x\nstate: Open\nstate: Closed\n---\n",
    "binary": bytes(range(256)),
    "utf-16": "---\nstate: Open\n---\n".encode("utf-16"),
    "empty": b"",
    "tab": b"---\ntitle: x\n\tstate: Open\n---\n",
    "alias": b"---\ntitle: x\nstate: *Open\n---\n",
    "huge": b"---\nstate: Open\n---\n" + b"x" * 2_000_000,
    "deep": b"---\nstate: Open\na: " + b"[" * 5_000 + b"\n---\n",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_file_that_does_not_load_is_told_and_left_alone(tmp_path: Path, data: bytes):
    write(tmp_path, a=data, b=REPAIRABLE)
    done = postbot("check", "--fix", "--format", "json", *AT, cwd=tmp_path)
    assert done.code == 1
    assert any(problem["path"] == "a.md" for problem in done.json())
    assert (tmp_path / "a.md").read_bytes() == data
    assert "state: open\n" in (tmp_path / "b.md").read_text(), "the other file is still repaired"


# Places -------------------------------------------------------------------------------------------------------------


def test_every_markdown_file_below_a_folder_is_checked_once(tmp_path: Path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for place in ("a.md", "deep/b.MD", "deep/er/c.markdown", "deep/d.txt", "deep/e.html"):
        (tmp_path / place).write_text("nothing\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.md").write_text("nothing\n")
    found = [path for path, _, _ in codes(tmp_path, ".", "deep", "a.md", "./a.md")]
    assert sorted(found) == ["a.md", "deep/b.MD", "deep/er/c.markdown"]


def test_one_file_named_in_two_ways_shares_nothing_with_itself(tmp_path: Path):
    write(tmp_path, a=GOOD)
    twice = codes(tmp_path, "a.md", str(tmp_path / "a.md"))
    assert twice == codes(tmp_path, "a.md")


def test_a_file_named_by_itself_is_taken_whatever_its_ending(tmp_path: Path):
    (tmp_path / "a.txt").write_text("nothing\n")
    assert codes(tmp_path, "a.txt") == [("a.txt", 1, "front-matter-missing")]


def test_places_that_are_no_file_are_told_and_stop_nobody(tmp_path: Path):
    write(tmp_path, good=GOOD)
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "dangling.md").symlink_to("nowhere.md")
    (tmp_path / "ring.md").symlink_to("ring.md")
    (tmp_path / "round").symlink_to(".")
    os.mkfifo(tmp_path / "pipe.md")
    found = codes(tmp_path)
    assert {(path, code) for path, _, code in found if path != "good.md"} == {
        ("dangling.md", "file-unreadable"),
        ("ring.md", "file-unreadable"),
    }
    assert codes(tmp_path, "nosuch.md") == [("nosuch.md", 1, "file-unreadable")]
    assert codes(tmp_path, "folder.md") == []


def test_a_file_that_may_not_be_read_or_written_is_told(tmp_path: Path):
    write(tmp_path, a=REPAIRABLE, b=REPAIRABLE)
    (tmp_path / "a.md").chmod(0)
    (tmp_path / "b.md").chmod(0o444)
    done = really("check", "--fix", "--format", "json", cwd=tmp_path, before=as_anybody)
    found = {(problem["path"], problem["code"]) for problem in done.json()}
    assert {("a.md", "file-unreadable"), ("b.md", "file-unwritable")} <= found


def test_three_hundred_files_are_one_run(tmp_path: Path):
    for number in range(300):
        write(
            tmp_path,
            **{f"p{number:03}": GOOD.replace("harbour-pilot", f"pilot-{number}").replace("state: open", "state: opne")},
        )
    found = codes(tmp_path)
    assert len({path for path, _, code in found if code == "state-unknown"}) == 300
    assert [path for path, _, _ in found] == sorted(path for path, _, _ in found)


def test_links_shared_by_two_postings_are_found(tmp_path: Path):
    write(tmp_path, a=GOOD, b=GOOD)
    found = {(path, code) for path, _, code in codes(tmp_path)}
    assert {("a.md", "permalink-shared"), ("b.md", "permalink-shared")} <= found


def test_without_paths_the_sites_folders_are_checked(tmp_path: Path):
    world = World(tmp_path)
    world.bot.ledger.close()
    world.write("inside", state="opne")
    (world.repo / "stray.md").write_text(GOOD)
    assert {path for path, _, _ in codes(tmp_path)} == {"site/positions/inside.md"}


def test_a_posting_outside_the_sites_folders_is_found(tmp_path: Path):
    world = World(tmp_path)
    world.bot.ledger.close()
    world.write("inside")
    (world.repo / "stray.md").write_text(GOOD)
    for paths in (("site",), (str(world.repo),), ("site/stray.md", "site/positions")):
        found = {
            Path(os.path.normpath(path)).name: code
            for path, _, code in codes(tmp_path, *paths)
            if code == "posting-misplaced"
        }
        assert found == {"stray.md": "posting-misplaced"}, paths


def test_json_and_text_say_the_same(tmp_path: Path):
    write(tmp_path, a=REPAIRABLE, b=STATE)
    found = json.loads(postbot("check", "--format", "json", *AT, cwd=tmp_path).out)
    text = postbot("check", *AT, cwd=tmp_path).out
    for problem in found:
        assert (
            f"{problem['path']}:{problem['line']}:{problem['column']}: {problem['severity']}: {problem['message']}"
            in text
        )
