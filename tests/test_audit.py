"""The audit, in a real file and in a real PostgreSQL: what each row says, and that no hand can touch it without being seen."""

import json
import subprocess
import sys
from dataclasses import astuple, replace
from hashlib import sha256
from pathlib import Path as FilePath

import pytest
import sqlalchemy as sa

from postbot.core.site import Path
from postbot.ledger import Ledger, Verdict
from tests.ledgers import (
    BAKER,
    CLOSED,
    DONE,
    LATER,
    NOON,
    NOT_SENT,
    OPEN,
    OPENED,
    ROOT,
    SENT,
    UNKNOWN,
    WISH,
    Place,
    by_hand,
    change,
    released,
)

EVENTS = sa.table(
    "events", *map(sa.column, ("number", "at", "path", "what", "detail", "by", "key", "before", "after", "hash"))
)


def acts(ledger: Ledger, count: int) -> None:
    for number in range(1, count + 1):
        ledger.acted("merge", key=f"postbot/open/{number}", at=NOON)


# What is in it


def test_each_row_says_who_did_what_under_which_key_and_what_it_changed(ledger: Ledger):
    opened = replace(OPEN, thread="t1")
    ledger.record(opened, None, [OPENED], [], NOON)
    request = ledger.file(BAKER, WISH, "ann", NOON)
    ledger.answer(request, DONE, "Extended.", [], [], NOON)
    ledger.release("d1935", "ben", NOON)
    ledger.record(replace(CLOSED, blob="c105", thread="t1"), None, [], [], LATER)
    ledger.forget(BAKER, [], [], LATER)
    ledger.acted("merge", key="postbot/open/baker", path=BAKER, before="ab12", after="cd34", detail="#4", at=LATER)
    told = [(row.what, row.by, row.key, row.before, row.after) for row in ledger.audit()]
    assert told == [
        ("seen", "postbot", "t1", "", "open b10b"),
        ("asked", "ann", "request 1", "", "asked"),
        ("answered", "postbot", "request 1", "asked", "answered"),
        ("released", "ben", "d1935", "held", "released"),
        ("seen", "postbot", "t1", "open b10b", "closed c105"),
        ("gone", "postbot", "t1", "closed c105", ""),
        ("merge", "postbot", "postbot/open/baker", "ab12", "cd34"),
    ]
    assert ledger.audit()[-1].detail == "#4"
    assert ledger.history(BAKER)[-1].what == "merge"


def test_a_renaming_says_what_the_posting_was_called(ledger: Ledger):
    ledger.record(OPEN, None, [], [], NOON)
    ledger.record(replace(OPEN, path=Path("jobs/miller.md"), blob="m111"), BAKER, [], [], LATER)
    told = [(row.what, row.path, row.before, row.after) for row in ledger.audit(after=1)]
    assert told == [
        ("renamed", "jobs/miller.md", "jobs/baker.md", "jobs/miller.md"),
        ("seen", "jobs/miller.md", "open b10b", "open m111"),
    ]


def test_every_attempt_has_a_row_under_the_key_of_its_message(ledger: Ledger):
    ledger.tell([OPENED], [], NOON)
    for at, receipt in ((NOON, NOT_SENT), (LATER, SENT)):
        (delivery,) = ledger.due(at)
        ledger.claim(delivery, at)
        ledger.settle(delivery, receipt, at)
    told = [(row.what, row.key, row.before, row.after) for row in ledger.audit()]
    assert told == [("tried", OPENED.key, "claimed", "due"), ("sent", OPENED.key, "claimed", "sent")]


def test_who_took_a_request_back_is_told(ledger: Ledger):
    request = ledger.file(BAKER, WISH, "ann", NOON)
    ledger.answer(request, done=False, words="ben cancelled it.", messages=[], told=[], at=NOON, by="ben")
    assert ledger.audit()[-1].by == "ben"


def test_what_changes_nothing_leaves_no_row(ledger: Ledger):
    ledger.record(OPEN, None, [], [], NOON)
    ledger.record(OPEN, None, [], [], LATER)
    ledger.release("d1", "ann", NOON)
    ledger.release("d1", "ben", NOON)
    assert [row.number for row in ledger.audit()] == [1, 2]


def test_the_audit_can_be_read_in_parts(ledger: Ledger):
    acts(ledger, 5)
    assert [row.number for row in ledger.audit(after=2, limit=2)] == [3, 4]


def test_many_rows_of_one_transaction_are_chained_in_their_order(ledger: Ledger):
    ledger.adopt([replace(OPEN, path=Path(f"jobs/{number:04}.md")) for number in range(2500)], NOON)
    assert [row.path for row in ledger.audit()] == [f"jobs/{number:04}.md" for number in range(2500)]
    assert ledger.verify().rows == 2500


# That it is whole


def test_the_chain_can_be_checked_with_nothing_but_a_hash_and_json(ledger: Ledger):
    acts(ledger, 3)
    ledger.release("d\u2028\U0001f9c1é", "ann", NOON)
    head = ""
    for row in ledger.audit():
        *columns, own = astuple(row)
        head = sha256(f"{head}{json.dumps(columns, separators=(',', ':'))}".encode()).hexdigest()
        assert head == own
    assert ledger.verify() == Verdict(
        4, head, None, f"All 4 rows of the audit are as they were written. The head is {head}."
    )


def test_an_empty_audit_is_whole(ledger: Ledger):
    assert ledger.verify() == Verdict(0, "", None, "Nothing has been written to the audit yet.")


@pytest.mark.parametrize("column", ["at", "path", "what", "detail", "by", "key", "before", "after", "hash"])
def test_a_row_that_was_altered_is_named(ledger: Ledger, place: Place, column: str):
    acts(ledger, 5)
    change(place, "UPDATE events SET column = 'x' WHERE number = 3".replace("column", f'"{column}"'))
    verdict = ledger.verify()
    assert (verdict.whole, verdict.wrong, verdict.rows) == (False, 3, 2)
    assert verdict.sentence.startswith("Row 3 (")
    assert "was altered" in verdict.sentence


def test_a_row_of_bytes_or_numbers_does_not_stop_the_check(path: FilePath):
    """SQLite keeps whatever it is given."""
    ledger = Ledger.open(path)
    acts(ledger, 3)
    change(path, "UPDATE events SET at = 7, detail = x'00ff', hash = x'01' WHERE number = 2")
    assert ledger.verify().wrong == 2
    ledger.close()


def test_a_row_that_was_taken_out_is_named(ledger: Ledger, place: Place):
    acts(ledger, 5)
    change(place, "DELETE FROM events WHERE number = 3")
    assert ledger.verify().sentence.startswith("Row 3 is missing: row 4 comes in its place.")


def test_a_row_that_was_taken_out_is_named_when_the_others_close_ranks(ledger: Ledger, place: Place):
    acts(ledger, 5)
    change(place, "DELETE FROM events WHERE number = 3", "UPDATE events SET number = number - 1 WHERE number > 3")
    assert ledger.verify().wrong == 3


@pytest.mark.parametrize(("first_gone", "left"), [(5, 4), (2, 1), (1, 0)])
def test_an_end_that_was_cut_off_is_named(ledger: Ledger, place: Place, first_gone: int, left: int):
    acts(ledger, 5)
    change(place, "DELETE FROM events WHERE number >= :first", first=first_gone)
    verdict = ledger.verify()
    assert (verdict.wrong, verdict.rows) == (first_gone, left)
    assert f"Row {first_gone} is missing, and all behind it: 5 were written." in verdict.sentence


def test_rows_that_changed_places_are_named(ledger: Ledger, place: Place):
    acts(ledger, 5)
    move = "UPDATE events SET number = {} WHERE number = {}"
    change(place, move.format(99, 3), move.format(3, 4), move.format(4, 99))
    verdict = ledger.verify()
    assert verdict.wrong == 3
    assert "stands where another one stood" in verdict.sentence


def forge(place: Place, number: int) -> None:
    """Put a row behind the one before that number, hash and all."""
    with by_hand(place).begin() as connection:
        before = connection.scalar(sa.select(EVENTS.c.hash).where(EVENTS.c.number == number - 1))
        row = (number, "2026-03-02T12:00:00.000000+00:00", None, "merge", "", "mallory", "", "", "")
        own = sha256(f"{before}{json.dumps(row, separators=(',', ':'))}".encode()).hexdigest()
        connection.execute(sa.delete(EVENTS).where(EVENTS.c.number == number))
        connection.execute(sa.insert(EVENTS), dict(zip(EVENTS.c.keys(), (*row, own), strict=True)))


def test_a_row_that_was_put_in_at_the_end_is_named_and_keeps_nothing_from_being_written(ledger: Ledger, place: Place):
    acts(ledger, 2)
    forge(place, 3)
    assert ledger.verify().sentence.startswith("Row 3 was put in by another hand, for 2 were written.")
    acts(ledger, 1)
    assert [row.by for row in ledger.audit()] == ["postbot", "postbot", "mallory", "postbot"]
    assert ledger.verify().wrong == 4


def test_a_last_row_that_was_written_anew_is_named(ledger: Ledger, place: Place):
    acts(ledger, 3)
    forge(place, 3)
    assert ledger.verify().sentence == "Row 3 is not the one that was written last."


def test_an_end_that_was_cut_off_shows_although_more_was_written_since(ledger: Ledger, place: Place):
    acts(ledger, 3)
    change(place, "DELETE FROM events WHERE number = 3")
    acts(ledger, 1)
    assert ledger.verify().sentence.startswith("Row 3 is missing")


def test_a_head_that_was_noted_shows_that_a_whole_chain_was_made_up(ledger: Ledger, place: Place):
    acts(ledger, 3)
    noted = ledger.verify().head
    acts(ledger, 2)
    assert ledger.verify(noted).whole
    forge(place, 3)
    change(place, "DELETE FROM events WHERE number > 3", "UPDATE pulse SET events = 3")
    change(place, "UPDATE pulse SET head = (SELECT hash FROM events WHERE number = 3)")
    assert ledger.verify().whole
    assert f"No row has the hash {noted}" in ledger.verify(noted).sentence


# Older ledgers, and long ones


def test_the_rows_of_an_older_ledger_are_chained_in_the_order_that_they_have(place: Place):
    released(place, "0001")
    row = "INSERT INTO events VALUES ({}, '2026-03-02T12:00:00.000000+00:00', 'jobs/baker.md', '{}', 'words')"
    change(place, *(row.format(2 * number, "seen") for number in range(1, 1201)), row.format(2500, "asked"))
    ledger = Ledger.open(place)
    assert (ledger.verify().rows, ledger.verify().whole) == (1201, True)
    seen, asked = ledger.audit(after=1199)
    assert (seen.by, asked.by) == ("postbot", "")  # nobody wrote down who asked
    acts(ledger, 1)
    assert ledger.verify().rows == 1202
    assert len(ledger.history(BAKER)) == 1201
    ledger.close()


def test_a_hundred_thousand_rows_are_checked_in_little_memory(ledger: Ledger, place: Place):
    ledger.adopt([replace(OPEN, path=Path(f"jobs/{number}.md")) for number in range(100)], NOON)
    with by_hand(place).begin() as connection:
        head, rows = connection.exec_driver_sql("SELECT head FROM pulse").scalar_one(), []
        for number in range(101, 100_001):
            row = (number, "2026-03-02T12:00:00.000000+00:00", None, "merge", "x" * 200, "postbot", "", "", "")
            head = sha256(f"{head}{json.dumps(row, separators=(',', ':'))}".encode()).hexdigest()
            rows.append(dict(zip(EVENTS.c.keys(), (*row, head), strict=True)))
        connection.execute(sa.insert(EVENTS), rows)
        connection.execute(sa.text("UPDATE pulse SET events = 100000, head = :head"), {"head": head})
    code = """
import pathlib, re, sys, postbot.ledger as module
def peak():  # of this process alone, which a parent's size does not count for
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
ledger = module.Ledger.open(sys.argv[1])
ledger.audit(limit=2000)
before = peak()
verdict = ledger.verify()
print(verdict.whole, verdict.rows, peak() - before)
"""
    said = subprocess.run(
        [sys.executable, "-c", code, str(place)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    whole, count, more = said.stdout.split()
    assert (whole, count) == ("True", "100000")
    assert int(more) < 20_000  # KiB beyond what 2,000 rows take; all of them take more than 60,000


def test_what_nobody_could_send_is_in_the_audit_too(ledger: Ledger):
    ledger.tell([OPENED], [], NOON)
    (delivery,) = ledger.due(NOON)
    ledger.claim(delivery, NOON)
    ledger.settle(delivery, UNKNOWN, NOON)
    (row,) = ledger.audit()
    assert (row.what, row.detail) == ("held", f"opened to ann by console: {UNKNOWN.detail}")
