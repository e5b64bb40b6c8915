"""`postbot transition`: single files and batches of orders, edited exactly or refused."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.doors.command import REAL, Done, footprint, postbot
from tests.examples import DATES, HUGO, OPEN_STATE, SHARED, STATE
from tests.world import World

AT = ("--at", "2030-03-08T12:00")
KEYS = {"path", "ok", "problem", "problems", "changed_lines", "text"}


def file(folder: Path, text: str | bytes, name: str = "pilot.md") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def edit(folder: Path, text: str | bytes, *args: str) -> tuple[str, Done]:
    """One file after one order, whole."""
    path = file(folder, text)
    done = postbot("transition", path.name, *args, *AT, "--write", cwd=folder)
    return path.read_bytes().decode(), done


def changed(old: str, new: str) -> list[str]:
    """The lines of the new text that the old one does not have, in order."""
    return [line for line in new.splitlines() if line not in old.splitlines()]


def batch(folder: Path, *orders: Any) -> list[dict[str, Any]]:
    lines = [order if isinstance(order, bytes) else json.dumps(order).encode() for order in orders]
    done = postbot("transition", "--batch", *AT, cwd=folder, stdin=b"".join(line + b"\n" for line in lines))
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert (done.code, done.err) == (0 if all(answer["ok"] for answer in answers) else 1, "")
    return answers


# One file -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "to", "lines"),
    [
        (OPEN_STATE, "closed", ["state: closed"]),
        (DATES, "closed", ["closed_on: 2030-03-08"]),
        (HUGO, "closed", ["expirydate: 2030-03-08T12:00:00+00:00", "weight: 0"]),
        (STATE, "open", ["state: open"]),
    ],
    ids=["a state", "dates", "hugo", "opening without being ready"],
)
def test_the_kind_of_site_is_told_from_the_file(tmp_path: Path, text: str, to: str, lines: list[str]):
    new, done = edit(tmp_path, text, "--to", to)
    assert (done.code, changed(text, new)) == (0, lines), done


def test_the_new_field_for_an_early_closing_stands_behind_the_closing_date(tmp_path: Path):
    new, _ = edit(tmp_path, DATES, "--to", "closed")
    assert "closes: 2030-03-15\nclosed_on: 2030-03-08\n" in new
    assert new.replace("closed_on: 2030-03-08\n", "") == DATES


def test_back_dating_says_so_in_words_and_in_json(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(
        "site: {profile: jekyll-dates, timezone: America/New_York, early_close: back-date}\n"
    )
    file(tmp_path, DATES)
    args = ("transition", "pilot.md", "--to", "closed", "--config", "mine.yaml", *AT)
    said = postbot(*args, cwd=tmp_path)
    assert "+closes: 2030-03-07\n" in said.out
    assert "please note: This site has no field for an early closing" in said.err
    assert "(2030-03-15) will no longer be in the file" in said.err
    (result,) = postbot(*args, "--json", cwd=tmp_path).json()
    (note,) = [problem for problem in result["problems"] if problem["code"] == "please-note"]
    assert (note["severity"], "2030-03-15" in note["message"]) == ("note", True)


def test_a_date_takes_the_form_of_its_placeholder_with_the_zone_of_that_day(tmp_path: Path):
    new, done = edit(tmp_path, STATE, "--set", "closes=2018-11-30T20:00")
    assert (done.code, changed(STATE, new)) == (0, ["closes: November 30, 2018, 8:00 pm EST"])
    new, _ = edit(tmp_path, STATE, "--set", "closes=2018-06-30T20:00")
    assert changed(STATE, new) == ["closes: June 30, 2018, 8:00 pm EDT"]


def test_a_commented_field_is_uncommented_in_its_place(tmp_path: Path):
    new, _ = edit(tmp_path, STATE, "--set", "apply_url=https://apply.example.gov/7")
    assert new == STATE.replace("# apply_url: APPLICATION URL", "apply_url: https://apply.example.gov/7")


def test_the_files_own_spelling_is_kept_and_told(tmp_path: Path):
    new, done = edit(tmp_path, STATE, "--set", "ohrm_contact_email=hr@agency.example")
    assert changed(STATE, new) == ["ohrm_comtact_email: 'hr@agency.example'"]
    assert "This file spells `ohrm_contact_email` as `ohrm_comtact_email`; its own spelling was kept." in done.err


def test_hugos_expirydate_is_found_in_any_case(tmp_path: Path):
    new, _ = edit(tmp_path, HUGO, "--set", "expiryDate=2030-04-01")
    assert changed(HUGO, new) == ["expirydate: 2030-04-01"]


VALUES = [
    ("a=b", "a=b"),
    ("", ""),
    (" lead", " lead"),
    ("trail ", "trail "),
    ("Żółw 🐢", "Żółw 🐢"),
    ("yes", "yes"),
    ("no", "no"),
    ("null", "null"),
    ("~", "~"),
    ("010", "010"),
    ("0o10", "0o10"),
    ("1:30", "1:30"),
    ("105,123", "105,123"),
    ("1e3", "1e3"),
    ("-", "-"),
    ("- a", "- a"),
    ("a: b", "a: b"),
    ("a #b", "a #b"),
    ("#b", "#b"),
    ("'", "'"),
    ('"', '"'),
    ('it\'s "so"', 'it\'s "so"'),
    ("{a}", "{a}"),
    ("*bold*", "*bold*"),
    ("%x", "%x"),
    ("@x", "@x"),
    ("---", "---"),
    ("<<", "<<"),
    ("=", "="),
]


@pytest.mark.parametrize(("given", "meant"), VALUES, ids=[repr(given) for given, _ in VALUES])
@pytest.mark.parametrize("key", ["title", "brand_new", "org"], ids=["set", "inserted", "uncommented"])
def test_a_value_is_read_back_as_the_very_text(tmp_path: Path, key: str, given: str, meant: str):
    new, done = edit(tmp_path, STATE, "--set", f"{key}={given}")
    assert done.code == 0, done
    front = new.split("---\n", 2)[1] if given != "---" else new[4 : new.index("\n---\n", 4) + 1]
    loaded = yaml.safe_load(front)[key]
    assert str(loaded or "") == meant


def test_a_value_of_two_lines_is_refused_and_nothing_written(tmp_path: Path):
    for value in ("title=a\nb", "title=a\rb", "title=a\u2028b", "title=a\x00b", "title=a\x85b"):
        new, done = edit(tmp_path, STATE, "--set", value)
        assert (new, done.code) == (STATE, 1)
        assert "a value is one line of text" in done.err


def test_the_last_value_given_for_a_key_counts(tmp_path: Path):
    new, _ = edit(tmp_path, STATE, "--set", "title=One", "--set", " title =Two")
    assert changed(STATE, new) == ["title: Two"]


def test_strict_refuses_what_readers_would_mind_and_says_each_once(tmp_path: Path):
    new, done = edit(tmp_path, STATE, "--to", "open", "--strict")
    assert (new, done.code, done.out) == (STATE, 1, "")
    assert "`apply_url` is commented out" in done.err
    assert len(done.err.splitlines()) == len(set(done.err.splitlines()))


def test_strict_does_what_is_well(tmp_path: Path):
    assert edit(tmp_path, OPEN_STATE, "--to", "closed", "--strict")[1].code == 0


BODIES = [
    ("\r\n", OPEN_STATE.replace("\n", "\r\n").encode()),
    ("a byte order mark", b"\xef\xbb\xbf" + OPEN_STATE.encode()),
    ("no final newline", OPEN_STATE.rstrip("\n").encode()),
    ("mixed endings", OPEN_STATE.replace("\n", "\r\n", 3).encode()),
    ("nothing behind the fence", OPEN_STATE[: OPEN_STATE.index("\n---\n") + 4].encode()),
]


@pytest.mark.parametrize("data", [data for _, data in BODIES], ids=[name for name, _ in BODIES])
def test_only_the_state_line_changes_whatever_the_bytes_around(tmp_path: Path, data: bytes):
    path = file(tmp_path, data)
    done = postbot("transition", path.name, "--to", "closed", "--write", *AT, cwd=tmp_path)
    assert done.code == 0, done
    assert path.read_bytes() == data.replace(b"state: open", b"state: closed", 1)


def test_write_keeps_mode_and_links(tmp_path: Path):
    path = file(tmp_path, OPEN_STATE)
    path.chmod(0o751)
    (tmp_path / "link.md").symlink_to("pilot.md")
    assert postbot("transition", "link.md", "--to", "closed", "--write", cwd=tmp_path).code == 0
    assert "state: closed" in path.read_text()
    assert (tmp_path / "link.md").is_symlink()
    assert path.stat().st_mode & 0o777 == 0o751
    assert {each.name for each in tmp_path.iterdir()} == {"pilot.md", "link.md"}


def test_diff_and_stdout_write_nothing(tmp_path: Path):
    file(tmp_path, OPEN_STATE)
    before = footprint(tmp_path)
    whole = postbot("transition", "pilot.md", "--to", "closed", "--stdout", cwd=tmp_path)
    shown = postbot("transition", "pilot.md", "--to", "closed", "--diff", cwd=tmp_path)
    assert whole.out == OPEN_STATE.replace("state: open", "state: closed", 1)
    assert shown.out == "--- pilot.md\n+++ pilot.md\n@@ line 6 @@\n-state: open\n+state: closed\n"
    assert footprint(tmp_path) == before


def test_one_bad_file_stops_no_other(tmp_path: Path):
    file(tmp_path, OPEN_STATE, "good.md")
    file(tmp_path, "---\ntitle: 'x\n---\n", "bad.md")
    done = postbot("transition", "bad.md", "nosuch.md", "good.md", "--to", "closed", "--write", cwd=tmp_path)
    assert done.code == 1
    assert "state: closed" in (tmp_path / "good.md").read_text()
    assert [line.split(":")[0] for line in done.err.splitlines() if "error" in line] == ["bad.md", "nosuch.md"]


def test_a_site_around_gives_its_zone(tmp_path: Path):
    World(tmp_path).bot.ledger.close()
    file(tmp_path, STATE.replace("# closes: MONTH DAY, YEAR, TIME EDT", "# closes: MONTH DAY, YEAR, TIME"))
    here = postbot("transition", "pilot.md", "--set", "closes=2030-03-15T20:00", cwd=tmp_path)
    assert "+closes: March 15, 2030, 8:00 pm" in here.out


# Batches ------------------------------------------------------------------------------------------------------------


def test_every_order_gets_one_answer_in_order_whatever_it_is(tmp_path: Path):
    file(tmp_path, OPEN_STATE, "a.md")
    (tmp_path / "folder.md").mkdir()
    file(tmp_path, b"\xff\xfe\x00", "binary.md")
    file(tmp_path, b"x" * 3_000_000, "huge.md")
    orders: list[Any] = [
        {"path": "a.md", "to": "closed"},
        b"not json",
        b"[" * 100_000,
        b'{"path": "\xff"}',
        b"1" * 5_000,
        [],
        None,
        {},
        {"path": 7},
        {"path": "a.md", "unknown": 1},
        {"path": "a.md", "to": "nowhere"},
        {"path": "a.md", "to": ["open"]},
        {"path": "a.md", "set": []},
        {"path": "a.md", "set": "title=x"},
        {"path": "a.md", "set": {"title": None}},
        {"path": "a.md", "set": {"title": {"a": 1}}},
        {"path": "a.md", "profile": "nope"},
        {"path": "a.md", "profile": 7},
        {"path": "a.md", "profile": ["hugo"]},
        {"path": "a.md", "profile": ""},
        {"path": ""},
        {"path": "nosuch.md", "to": "open"},
        {"path": "folder.md", "to": "open"},
        {"path": "binary.md", "to": "open"},
        {"path": "huge.md", "to": "open"},
        {"path": "a\0.md"},
        {"path": "\ud800.md"},
        {"path": "x" * 5_000},
        {"path": "a.md", "set": {"title": "\ud800"}},
        {"path": "a.md", "set": {"title": "a\nb"}},
        {"path": "a.md", "set": {"": "x"}},
        {"path": "./a.md", "to": "closed", "set": None, "profile": None},
    ]
    answers = batch(tmp_path, *orders)
    assert len(answers) == len(orders)
    assert {frozenset(answer) for answer in answers} == {frozenset(KEYS)}
    assert [answer["path"] for answer in answers if answer["ok"]] == ["a.md", "./a.md"]
    for order, answer in zip(orders, answers, strict=True):
        named = order.get("path") if isinstance(order, dict) else None
        assert answer["path"] == (named if isinstance(named, str) else "")
        if not answer["ok"]:
            assert set(answer["problem"]) == {"path", "line", "column", "code", "severity", "message", "fix"}
            assert (answer["text"], answer["changed_lines"]) == (None, [])
            assert answer["problem"]["message"].endswith((".", "?")), answer


def test_an_empty_line_is_no_order(tmp_path: Path):
    file(tmp_path, OPEN_STATE, "a.md")
    assert len(batch(tmp_path, b"", {"path": "a.md", "to": "closed"}, b"  ", b"")) == 1


def test_a_thousand_orders_are_answered_in_order(tmp_path: Path):
    file(tmp_path, "---\ntitle: x\nstate: open\n---\n", "a.md")
    orders = [{"path": "a.md", "set": {"title": str(number)}} for number in range(1_000)]
    answers = batch(tmp_path, *orders)
    titles = [yaml.safe_load(answer["text"].split("---")[1])["title"] for answer in answers]
    assert [str(title) for title in titles] == [str(number) for number in range(1_000)]


@pytest.mark.parametrize("data", [data for _, data in BODIES], ids=[name for name, _ in BODIES])
def test_the_text_of_an_answer_is_the_file_to_the_byte(tmp_path: Path, data: bytes):
    file(tmp_path, data, "a.md")
    (answer,) = batch(tmp_path, {"path": "a.md", "to": "closed"})
    assert answer["text"].encode() == data.replace(b"state: open", b"state: closed", 1)
    assert (tmp_path / "a.md").read_bytes() == data


def test_changed_lines_are_numbered_as_in_the_new_text(tmp_path: Path):
    file(tmp_path, DATES, "a.md")
    (answer,) = batch(tmp_path, {"path": "a.md", "to": "closed", "set": {"gs": "15", "closes": "2030-04-01"}})
    new = answer["text"].split("\n")
    shown = [new[number - 1] for number in answer["changed_lines"]]
    assert shown == ["closes: 2030-04-01", "closed_on: 2030-03-08", "gs: 15"]
    kept = [line for number, line in enumerate(new, 1) if number not in answer["changed_lines"]]
    assert kept == [line for line in DATES.split("\n") if not line.startswith(("closes: 2030", "gs:"))], shown


def test_numbers_and_truth_values_are_taken_as_text(tmp_path: Path):
    file(tmp_path, STATE, "a.md")
    (answer,) = batch(tmp_path, {"path": "a.md", "set": {"title": True, "gs_level": 15, "salary_min": 1.5}})
    loaded = yaml.safe_load(answer["text"].split("---\n")[1])
    assert [str(loaded[key]).lower() for key in ("title", "gs_level", "salary_min")] == ["true", "15", "1.5"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"title": "ENTER TITLE"}, "placeholder"),
        ({"contact_email": "nobody"}, "email"),
        ({"opens": "2030-05-01", "closes": "2030-04-01"}, "window-reversed"),
        ({"apply_url": "see below"}, "url"),
        ({"closes": "next Tuesday"}, "date"),
    ],
)
def test_what_readers_would_mind_is_a_warning_and_no_refusal(tmp_path: Path, values: dict[str, str], code: str):
    file(tmp_path, OPEN_STATE, "a.md")
    (answer,) = batch(tmp_path, {"path": "a.md", "set": values})
    assert (answer["ok"], answer["problem"]) == (True, None)
    assert {problem["severity"] for problem in answer["problems"]} <= {"warning", "note"}
    assert any(code in problem["code"] for problem in answer["problems"]), answer["problems"]


def test_an_order_without_a_wish_shows_the_file_as_it_is(tmp_path: Path):
    file(tmp_path, OPEN_STATE, "a.md")
    (answer,) = batch(tmp_path, {"path": "a.md"})
    assert (answer["ok"], answer["changed_lines"], answer["text"]) == (True, [], OPEN_STATE)


def test_each_answer_stands_before_the_next_order_is_given(tmp_path: Path):
    file(tmp_path, OPEN_STATE, "a.md")
    with subprocess.Popen(
        [*REAL, "transition", "--batch"],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as talk:
        assert talk.stdin
        assert talk.stdout
        for to in ("closed", "upcoming"):
            talk.stdin.write(json.dumps({"path": "a.md", "to": to}).encode() + b"\n")
            talk.stdin.flush()
            assert f"state: {to}" in json.loads(talk.stdout.readline())["text"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="The real postings (../shared) are not beside the repository.")
def test_every_real_posting_is_answered_in_one_run(tmp_path: Path):
    files = sorted(
        path
        for folder in ("corpus/versions", "corpus-hugo/content")
        for path in (SHARED / folder).rglob("*")
        if path.is_file()
    )
    answers = batch(tmp_path, *[{"path": str(path), "to": "closed"} for path in files])
    assert len(answers) == len(files) > 900
    for path, answer in zip(files, answers, strict=True):
        assert answer["path"] == str(path)
        assert (answer["problem"] is None) == answer["ok"] == (answer["text"] is not None)
