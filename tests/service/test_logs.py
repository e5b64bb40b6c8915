"""What the service writes about itself: real ticks, real lines on standard error, read as a machine would."""

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from postbot.censor import keep
from postbot.doors.service import logs
from postbot.doors.service.logs import Kind
from tests.stories.test_announcements import AUTO, MARCH, PILOT_OPENS
from tests.stories.test_opening import lacking, merging
from tests.world import World, git

TITLE = "Canary Title of Tomorrow"


class Told:
    """What has been written since it was last read."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def text(self) -> str:
        found = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return found

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Told]:
    """The logs of this process, set up as the service does, and put back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions, logging.getLogger("postbot").level)
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    written = Told()
    monkeypatch.setattr(sys, "stderr", written.stream)
    logs.set_up(getattr(request, "param", "json"))
    yield written
    root.handlers[:], level, logging.raiseExceptions, ours = before
    root.setLevel(level)
    logging.getLogger("postbot").setLevel(ours)
    logging.captureWarnings(capture=False)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    structlog.reset_defaults()
    logs.forget("agency")


def tick(world: World, when: str | None = None) -> None:
    report = world.tick(when)
    logs.told("agency", report, is_paused=world.bot.ledger.paused() is not None)


def events(lines: list[dict[str, Any]], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(line.get(name) for name in ("event", *fields)) for line in lines]


# One line for each decision ------------------------------------------------------------------------------------------


def test_the_life_of_a_posting_can_be_read_in_the_log(tmp_path: Path, told: Told) -> None:
    world = World(tmp_path, config=AUTO)
    world.write("pilot", **MARCH)
    tick(world)
    [line] = told.lines()
    assert (line["event"], line["path"], line["state"]) == ("witnessed", "positions/pilot.md", "upcoming")
    assert (line["level"], line["site"], line["at"][-1], line["at"][10]) == ("info", "agency", "Z", "T")
    tick(world, "2026-03-07T09:00")
    [line] = told.lines()
    assert events([line], "path", "transition", "by", "why") == [
        ("proposed", "positions/pilot.md", "open", "the clock", "It is due.")
    ]
    assert line["due"].startswith("2026-03-09 12:00")
    tick(world, PILOT_OPENS)
    lines = told.lines()
    assert events(lines)[:2] == [("merged",), ("witnessed",)]
    assert lines[0]["number"] == 1
    assert lines[1]["news"] == ["opened"]
    [sent] = [line for line in lines if line["event"] == "sent"]
    assert (sent["news"], sent["channel"], sent["to"]) == ("opened", "folder", "openings@list.example")
    assert {line["level"] for line in lines} == {"info"}


def test_a_tick_that_has_nothing_to_do_writes_nothing(tmp_path: Path, told: Told) -> None:
    world = World(tmp_path, config=AUTO)
    world.write("pilot", **MARCH)
    world.write("broken", "---\ntitle: [\n---\n")
    tick(world)
    assert told.lines()
    for _ in range(3):
        world.advance(minutes=1)
        logs.told("agency", world.bot.tick(world.now), is_paused=False)
        assert told.text() == ""


def test_what_a_person_asked_for_is_logged_with_the_person(tmp_path: Path, told: Told) -> None:
    world = World(tmp_path, config=AUTO)
    world.write("pilot", **MARCH)
    world.tick(PILOT_OPENS)
    world.ask("pilot", "close", by="robin", reason="filled")
    tick(world, "2026-03-10T09:00")
    lines = told.lines()
    assert ("merged", "robin", "robin asked for it.") in events(lines, "by", "why")
    assert ("granted", "robin", "close") in events(lines, "by", "transition")


def test_a_problem_is_told_when_it_appears_and_when_it_has_gone(tmp_path: Path, told: Told) -> None:
    world = World(tmp_path, config=AUTO)
    world.write("pilot", **MARCH)
    tick(world)
    told.lines()
    world.write("broken", "---\ntitle: [\n---\n")
    for _ in range(3):
        tick(world)
    [line] = [line for line in told.lines() if line["event"] == "problem"]
    assert (line["level"], line["path"], line["line"]) == ("warning", "positions/broken.md", 2)
    world.remove("broken")
    tick(world)
    assert "no problem any more" in {line["event"] for line in told.lines()}


def test_a_held_plan_and_a_pause_are_told_once_with_what_frees_them(tmp_path: Path, told: Told) -> None:
    world = World(tmp_path, config=AUTO)
    for number in range(8):
        world.write(f"pilot-{number}", **MARCH)
    world.tick()
    for when in (PILOT_OPENS, "2026-03-09T08:05", "2026-03-09T08:10"):
        tick(world, when)
    [held] = [line for line in told.lines() if line["event"] == "held"]
    assert held["level"] == "warning"
    assert "8 postings would move" in held["why"]
    world.bot.ledger.pause("robin", "the site moves", world.now)
    world.bot.ledger.release(held["digest"], "robin", world.now)
    for minute in (15, 20):
        tick(world, f"2026-03-09T08:{minute}")
    lines = told.lines()
    assert ("no longer held", held["digest"]) in events(lines, "digest")
    assert [line["why"] for line in lines if line["event"] == "halted"] == ["robin has paused it: the site moves"]
    assert "no longer halted" not in {line["event"] for line in lines}
    world.bot.ledger.resume("robin", world.now)
    for minute in (25, 30):
        tick(world, f"2026-03-09T08:{minute}")
    lines = told.lines()
    assert [line["was"] for line in lines if line["event"] == "no longer halted"] == [
        "robin has paused it: the site moves"
    ]


def test_a_pause_that_stands_has_not_ended_only_because_nothing_is_due_any_more(tmp_path: Path, told: Told) -> None:
    world = World(tmp_path, config=AUTO)
    world.write("pilot", **MARCH)
    world.tick()
    world.bot.ledger.pause("robin", "", world.now)
    tick(world, PILOT_OPENS)
    assert "halted" in {line["event"] for line in told.lines()}
    world.change("pilot", "opens: March 9", "opens: March 19")
    report = world.tick("2026-03-09T08:05")
    assert report.halted == "", "nothing is kept from being done"
    logs.told("agency", report, is_paused=True)
    assert not {"halted", "no longer halted"} & {line["event"] for line in told.lines()}
    world.bot.ledger.resume("robin", world.now)
    tick(world, "2026-03-09T08:15")
    assert "no longer halted" in {line["event"] for line in told.lines()}


def test_what_the_host_refuses_is_told_with_its_reason(tmp_path: Path, told: Told) -> None:
    world = World(tmp_path, config=AUTO)
    world.write("pilot", **MARCH)
    world.tick()
    git(world.repo, "branch", "postbot")  # where that is a branch, no other can lie below it
    tick(world, "2026-03-07T09:00")
    [line] = [line for line in told.lines() if line["event"] == "not proposed"]
    assert (line["level"], line["path"]) == ("warning", "positions/pilot.md")
    assert line["why"]


# What is not said ----------------------------------------------------------------------------------------------------


def test_whom_only_a_posting_names_is_not_named_in_the_log(tmp_path: Path, told: Told) -> None:
    route = '  - {{to: "folder:{{contact_email}}", hear: opened}}\n'
    world = World(tmp_path, config=AUTO.replace("routes:\n", f"routes:\n{route}"))
    world.write("pilot", **MARCH)
    tick(world)
    tick(world, PILOT_OPENS)
    assert "jobs@agency.example" in {mail["To"] for mail in world.mail()}
    text = told.text()
    assert "jobs@agency.example" not in text
    to = {line["to"] for line in map(json.loads, text.splitlines()) if line["event"] == "sent"}
    assert to == {"named by the posting", "openings@list.example"}


def test_no_title_is_in_the_log_whatever_happens_to_the_posting(tmp_path: Path, told: Told) -> None:
    world = World(tmp_path, config=merging("when-due"))
    for slug, text in (
        ("ready", None),
        ("lacking", lacking("lacking").replace("Pilot", TITLE)),
        ("colon", f"---\ntitle: {TITLE}: more\nstate: upcoming\n---\n"),
        ("bracket", f"---\ntitle: [{TITLE}\nstate: upcoming\n---\n"),
        ("quote", f'---\ntitle: "{TITLE}\nstate: upcoming\n---\n'),
        ("twice", f"---\ntitle: {TITLE}\ntitle: {TITLE}\nstate: upcoming\n---\n"),
        ("date", f"---\ntitle: {TITLE}\nstate: {TITLE}\nopens: {TITLE}\n---\n"),
    ):
        world.write(slug, text, **(MARCH | {"title": TITLE}))
    tick(world)
    tick(world, "2026-03-07T09:00")
    world.change("ready", "opens: March 9", "opens: March 10")
    tick(world, "2026-03-07T10:00")
    world.ask("lacking", "close", by="robin")
    world.write("lacking", f"---\ntitle: {TITLE}: more\n---\n")
    tick(world, "2026-03-07T11:00")
    world.write("ready", f"---\ntitle: {TITLE}: more\n---\n")
    tick(world, "2026-03-08T11:00")
    text = told.text()
    assert "withdrawn" in text
    assert "declined" in text
    assert '"problem"' in text
    assert TITLE not in text


# How a line is written -----------------------------------------------------------------------------------------------

EVIL = 'x\n{"event": "forged"}\r\u2028\u2029\x1b[31m\x00\x85\u202e y=z "q"'


@pytest.mark.parametrize("told", ["json", "text"], indirect=True)
def test_no_value_can_begin_a_line_or_steer_a_terminal(told: Told) -> None:
    logs.line("info", "agency", "merged", path=EVIL, many=[EVIL], pairs={EVIL: EVIL})
    logs.line("info", EVIL, EVIL)
    logging.getLogger("urllib3").warning("odd: %s", EVIL)
    text = told.text()
    lines = text.split("\n")
    assert (len(lines), lines[-1]) == (4, "")
    assert not any(each in text for each in "\r\u2028\u2029\x1b\x00\x85\u202e")


@pytest.mark.parametrize("told", ["text"], indirect=True)
def test_people_read_a_line_of_text_and_a_traceback_behind_a_bar(told: Told) -> None:
    logs.line("info", "agency", "merged", number=3, path="positions/pilot.md", why="It is due.", none=None)
    try:
        raise ValueError("one\n2026-03-09T08:00:00Z info     agency: forged")  # noqa: TRY301 - to be caught at once
    except ValueError:
        logs.fault("agency", "tick failed")
    first, second, *trace = told.text().splitlines()
    assert first.endswith('Z info     agency: merged number=3 path=positions/pilot.md why="It is due."')
    assert second.endswith("error    agency: tick failed")
    assert all(line.startswith("  | ") for line in trace)


def test_what_libraries_warn_of_comes_the_same_way_and_what_they_chat_about_does_not(told: Told) -> None:
    for name in ("apscheduler.executors.default", "uvicorn.error", "github.Requester", "urllib3", "slack_sdk"):
        logging.getLogger(name).info("chat")
        logging.getLogger(name).warning("told of %s", "something")
    warnings.showwarning("an old way", UserWarning, "x.py", 1)
    lines = told.lines()
    assert events(lines[:-1], "level") == [("told of something", "warning")] * 5
    assert lines[0]["logger"] == "apscheduler.executors.default"
    assert "an old way" in lines[-1]["event"]


def test_a_secret_is_in_no_line_no_traceback_and_no_name_of_a_field(told: Told) -> None:
    secret = keep("canary-in-a-log")
    logs.line("info", "agency", f"said {secret}", why=[secret, {secret: secret}], at_all=Path(secret))
    logging.getLogger("slack_sdk").warning("token %s", secret)

    def fail() -> None:
        held = secret
        raise RuntimeError(f"it was {held}")

    try:
        fail()
    except RuntimeError as error:
        logs.fault("agency", "tick failed", error)
        logging.getLogger("slack_sdk").exception("failed with %s", secret)
    thread = threading.Thread(target=fail, name=secret)
    thread.start()
    thread.join()
    text = told.text()
    assert secret not in text
    assert text.count("it was ***") == 3
    assert len(text.splitlines()) == 5


@pytest.mark.parametrize("kind", ["json", "text"])
def test_an_error_that_nobody_caught_ends_the_process_with_a_censored_line(kind: Kind) -> None:
    program = (
        "from postbot.censor import keep\nfrom postbot.doors.service import logs\n"
        f"logs.set_up({kind!r})\nsecret = keep('canary-' + 'at-the-end')\n"
        "class Odd:\n    def __del__(self):\n        raise ValueError(secret)\n"
        "Odd()\nraise RuntimeError(secret)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "canary" not in done.stderr
    assert "RuntimeError: ***" in done.stderr
    assert "ValueError: ***" in done.stderr


def test_a_log_that_nobody_reads_any_more_ends_nothing() -> None:
    program = (
        "import sys\nfrom postbot.doors.service import logs\nlogs.set_up('json')\nsys.stdin.read()\n"
        "for _ in range(100):\n    logs.line('info', 'agency', 'merged', why='x' * 10000)\nprint('well')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stdin is not None
        process.stderr.close()
        process.stdin.close()
        assert process.stdout.read() == b"well\n"


def test_setting_up_again_writes_each_line_once(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", told.stream)
    logs.set_up("json")
    logs.line("info", "agency", "merged")
    assert len(told.lines()) == 1
