"""`postbot check`: its forms, its exit codes, what `--fix` repairs, and files that are none."""

import json
import os
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from postbot.core.inert import shown
from postbot.core.problem import Problem, Severity
from postbot.core.text.editing import LineChange
from postbot.doors.annotations import LARGEST_SUMMARY, LONGEST, Finding, commands, summary
from tests.doors.command import Done, as_anybody, footprint, postbot, really
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


def test_text_names_place_sentence_code_and_fix(tmp_path: Path):
    write(tmp_path, a=GOOD.replace("state: open", "state: opne"))
    out = postbot("check", "a.md", *AT, cwd=tmp_path).out
    assert re.search(r"^a\.md:4:\d+: error: .+ \[state-unknown\]$", out, re.MULTILINE), out
    assert out.splitlines()[-1] == "1 file checked: 1 error."


# GitHub -------------------------------------------------------------------------------------------------------------

MARKDOWN = MarkdownIt().enable("table")
HOSTILE = {
    "command": "::set-output name=x::y",
    "old command": "##[add-mask]x",
    "line feed": "x\n::error::pwned",
    "carriage return": "x\r::error::pwned",
    "both": "x\r\n::stop-commands::x",
    "escaped already": "x%0A::error::pwned",
    "property": "x,line=1,title=pwned::pwned",
    "mention": "@everybody fixes #1",
    "markup": "</code></td></tr></table>\n\n# <img src=x onerror=y> <!--",
    "fence": "```` ``` `\n\n```suggestion",
    "cell": "a | b \\| c",
    "turned around": "\u202eevas",
    "no UTF-8": "a\udcffb",
}


def found_in(folder: Path, *args: str, **env: str) -> tuple[Done, list[tuple[str, dict[str, str], str]]]:
    """The check as a workflow runs it, and its commands as the runner reads them."""
    clean = {"GITHUB_STEP_SUMMARY": None, **env}
    done = really("check", "--format", "github", *AT, *args, cwd=folder, env=clean)
    return done, [as_the_runner_reads(line) for line in re.split("\r\n|\r|\n", done.out) if line]


def as_the_runner_reads(line: str) -> tuple[str, dict[str, str], str]:
    """`TryParseV2` of https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs."""
    assert line.startswith("::"), line
    info, _, data = line[2:].partition("::")
    name, _, properties = info.partition(" ")
    pairs = (each.split("=", 1) for each in properties.split(","))
    escapes = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}

    def plain(text: str, names: tuple[str, ...]) -> str:
        for escape in names:
            text = text.replace(escape, escapes[escape])
        return text

    return name, {key: plain(value, tuple(escapes)) for key, value in pairs}, plain(data, ("%0D", "%0A", "%25"))


def made_of(text: str, severity: Severity = Severity.ERROR) -> Finding:
    change = LineChange(3, f"state: {text.splitlines()[0]}", f"state: open # {text.splitlines()[0]}")
    return Finding(Problem(text, 3, 7, "some-code", f"`{text}` is wrong.", severity, text), text, (change,))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_command_says_what_was_found_and_nothing_else_whatever_people_write(text: str):
    line = commands([made_of(text)]).removesuffix("\n")
    assert not re.search("[\r\n]", line)
    name, properties, data = as_the_runner_reads(line)
    assert (name, properties) == ("error", {"file": text, "line": "3", "col": "7", "title": "some-code"})
    suggested = f"Line 3 should read:\nstate: open # {text.splitlines()[0]}"
    assert data == f"`{text}` is wrong. {text}\n\n{suggested}"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_summary_stays_text_whatever_people_write(text: str):
    tokens, plain = (MARKDOWN.parse(summary([made_of(each), made_of("b")], 2, LARGEST_SUMMARY)) for each in (text, "a"))
    assert [token.type for token in tokens] == [token.type for token in plain], "it opens and closes nothing"
    for token, ours in zip(tokens, plain, strict=True):
        outside = [[each.content for each in one.children or () if each.type != "code_inline"] for one in (token, ours)]
        assert outside[0] == outside[1], "outside of code stands nothing of theirs"
        assert {each.type for each in token.children or ()} <= {"text", "code_inline"}
    blocks = [token.content for token in tokens if token.type == "fence"]
    assert f"+state: open # {shown(text.splitlines()[0])}\n" in blocks[0]


def test_errors_are_warnings_are_notices_and_the_worst_come_first(tmp_path: Path):
    write(tmp_path, a=GOOD.replace("2030", "2039"), b=GOOD.replace("state: open", "state: nonsense"))
    _, told = found_in(tmp_path)
    assert [name for name, _, _ in told] == sorted(
        (name for name, _, _ in told), key=["error", "warning", "notice"].index
    )
    levels = [commands([made_of("a", severity)]).split(" ")[0] for severity in Severity]
    assert levels == ["::error", "::warning", "::notice"]


def test_an_annotation_carries_the_line_as_fix_would_write_it(tmp_path: Path):
    write(tmp_path, a=REPAIRABLE.replace("state: Open", "state: Open   # now: 100%"))
    done, told = found_in(tmp_path)
    postbot("check", "--fix", *AT, cwd=tmp_path)
    line = (tmp_path / "a.md").read_text().split("\n")[3]
    (only,) = told
    assert only[2].endswith(f"\n\nLine 4 should read:\n{line}")
    assert "# now: 100%" in line
    assert (done.code, done.err) == (1, "1 file checked: 1 error.\n")


def test_half_a_line_is_no_suggestion(tmp_path: Path):
    for spare, fits in ((0, True), (1, False)):
        rest = LONGEST - len("m.\n\nLine 1 should read:\n") + spare
        line = LineChange(1, "a", "x" * (rest % 2) + "\U0001f6a2" * (rest // 2))
        (told,) = [as_the_runner_reads(commands([Finding(Problem("a", 1, 1, "c", "m."), "a", (line,))]).rstrip("\n"))]
        assert ("should read" in told[2]) == fits


def test_what_people_name_and_write_starts_no_command(tmp_path: Path):
    write(tmp_path, a='---\ntitle: x\nstate: "open\\n::error::pwned"\n---\n')
    (tmp_path / "x\n::error::pwned.md").write_text("---\ntitle: 'x\n---\n")
    done, told = found_in(tmp_path)
    assert {properties["file"] for _, properties, _ in told} == {"a.md", "x\n::error::pwned.md"}
    assert "::" not in done.err


def test_annotations_are_placed_from_the_root_of_the_repository(tmp_path: Path):
    world = World(tmp_path)
    world.bot.ledger.close()
    world.write("inside", state="opne")
    for folder, args in ((tmp_path, ()), (world.repo, ("positions",)), (world.repo / "positions", ("inside.md",))):
        _, told = found_in(folder, *args)
        assert {properties["file"] for _, properties, _ in told} == {"positions/inside.md"}


def test_a_site_whose_configuration_lies_below_it_is_named_directly(tmp_path: Path):
    (tmp_path / ".github").mkdir()
    (tmp_path / "jobs").mkdir()
    (tmp_path / ".github" / "postbot.yaml").write_text(
        "site: {repo: .., folders: [jobs], profile: jekyll-state, timezone: UTC}\n"
    )
    write(tmp_path / "jobs", a=REPAIRABLE)
    assert {path for path, _, _ in codes(tmp_path, "--config", ".github/postbot.yaml")} == {"jobs/a.md"}


def test_what_github_leaves_out_is_counted(tmp_path: Path):
    for number in range(13):
        link = {"pilot\n": f"pilot-{number}\n", "harbour-pilot/": f"pilot-{number}/"}
        text = REPAIRABLE.replace("11:59 pm EDT", "11:59 pm EST")
        for old, new in link.items():
            text = text.replace(old, new)
        write(tmp_path, **{f"p{number:02}": text})
    done, told = found_in(tmp_path)
    assert len(told) == 26
    assert done.err == (
        "13 files checked: 13 errors, 13 warnings. "
        "GitHub shows 10 of each kind at their lines, and not 3 errors and 3 warnings more.\n"
    )


def test_the_summary_is_added_to_what_the_step_has_said(tmp_path: Path):
    write(tmp_path, a=REPAIRABLE)
    target = tmp_path / "summary"
    target.write_text("Before.\n")
    done, _ = found_in(tmp_path, GITHUB_STEP_SUMMARY=str(target))
    assert done.err == "1 file checked: 1 error. All of it is in the summary of this run.\n"
    told = target.read_text()
    assert told.startswith("Before.\n## postbot check\n\n1 file checked: 1 error.\n\n| | Where |")
    assert "\n```diff\n--- a.md\n+++ a.md\n@@ line 4 @@\n-state: Open\n+state: open\n```\n" in told
    (tmp_path / "a.md").write_text(GOOD)
    found_in(tmp_path, GITHUB_STEP_SUMMARY=str(target))
    assert target.read_text() == told + "## postbot check\n\n1 file checked: nothing found.\n"


def test_a_summary_that_cannot_be_written_is_told_and_changes_no_answer(tmp_path: Path):
    write(tmp_path, a=REPAIRABLE)
    done, told = found_in(tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path))
    assert (done.code, len(told)) == (1, 1)
    assert done.err == "1 file checked: 1 error. The summary cannot be written: Is a directory.\n"


@pytest.mark.parametrize("room", [0, 900, 2_000, 50_000, LARGEST_SUMMARY])
def test_a_summary_is_never_larger_than_github_takes(room: int):
    many = [made_of(f"{number} \U0001f6a2" + "&" * 2_000) for number in range(1_000)]
    told = summary(many, 1_000, room)
    assert len(told.encode()) <= max(room, 1_024)
    rows, blocks = told.count("\n| error |"), told.count("```diff")
    for count, what in ((1_000 - rows, "problems"), (1_000 - blocks, "suggested changes")):
        assert (f"\nNo room is left here for {count} {what} more.\n" in told) == (count > 0)
    assert told.count("```") == 2 * blocks


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


def test_a_file_is_compared_with_the_rest_of_the_site_and_nothing_is_said_of_the_rest(tmp_path: Path):
    world = World(tmp_path)
    world.bot.ledger.close()
    for name in ("old", "copy", "wrong"):
        world.write(name, GOOD if name != "wrong" else REPAIRABLE.replace("harbour-pilot", "other"))
    found = codes(tmp_path, "site/positions/copy.md")
    assert {path for path, _, _ in found} == {"site/positions/copy.md"}
    assert "permalink-shared" in {code for _, _, code in found}


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
