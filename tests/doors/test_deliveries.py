"""What a person reads of messages on their way and of the audit, from a real ledger."""

import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from postbot.core.announce import Event, Message, Outcome, Page, Receipt
from postbot.doors import deliveries as door
from postbot.doors.options import DeliveryAction
from postbot.ledger import Ledger, LedgerError
from tests.test_ledger import BAKER, NOON, OPEN

EASTERN = ZoneInfo("America/New_York")
LIST = Message(
    key="baker|opened|mail|list@sea.example",
    event=Event.OPENED,
    slug="baker",
    channel="mail",
    recipient="list@sea.example",
    subject="Baker: open",
    body="It is open.\n",
    thread="public:1",
    why="route 1",
    page=Page("https://sea.example/baker", "Open"),
    expires=NOON + timedelta(days=9),
)
HR = replace(LIST, key="baker|opened|slack|C1", channel="slack", recipient="C1")
PUT, LOST = Receipt(Outcome.SENT, "Sent.", place="17"), Receipt(Outcome.UNKNOWN, "No answer came.")
BUSY = Receipt(Outcome.NOT_SENT, "The line is busy.")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger.db")
    opened.tell([LIST, HR], [], NOON)
    yield opened
    opened.close()


def send(ledger: Ledger, receipt: Receipt) -> None:
    taken = ledger.claim(ledger.due(NOON)[0], NOON)
    assert taken is not None
    ledger.settle(taken, receipt, NOON)


def printed(show: Callable[..., None], *values: object) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        show(*values)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def table(ledger: Ledger) -> str:
    return printed(door.print_rows, ledger.deliveries(), EASTERN)


def test_each_delivery_says_how_it_stands_to_whom_it_goes_and_when_it_is_tried(ledger: Ledger):
    send(ledger, BUSY)
    second, first = table(ledger).splitlines()[1:]
    assert second.split("  ")[0] == "2"
    assert [cell.strip() for cell in second.split("  ") if cell] == [
        *("2", "due", "opened", "slack:C1", "Baker: open", "0", "at the next tick")
    ]
    assert [cell.strip() for cell in first.split("  ") if cell.strip()] == [
        *("1", "due", "opened", "mail:list@sea.example", "Baker: open", "1", "2026-03-02 07:01 EST"),
        "The line is busy.",
    ]


def test_a_held_delivery_says_the_two_commands_that_help(ledger: Ledger):
    assert "Held" not in table(ledger)
    send(ledger, LOST)
    assert table(ledger).splitlines()[-1] == (
        "Held for a person: 1. To send it again: postbot deliveries resend 1. To give it up: postbot deliveries drop 1."
    )
    send(ledger, LOST)
    assert table(ledger).splitlines()[-1].startswith("Held for a person: 2, 1. To send one again: ")


def test_an_empty_outbox_is_a_sentence(tmp_path: Path):
    assert printed(door.print_rows, [], EASTERN) == "Nothing is on its way."


def test_deliveries_are_plain_values_without_the_words_of_the_message(ledger: Ledger):
    send(ledger, PUT)
    row = json.loads(json.dumps(door.rows(ledger.deliveries())))[1]
    assert row == {
        "number": 1,
        "key": LIST.key,
        "status": "sent",
        "event": "opened",
        "slug": "baker",
        "channel": "mail",
        "recipient": "list@sea.example",
        "why": "route 1",
        "subject": "Baker: open",
        "attempts": 1,
        "next_at": None,
        "detail": "Sent.",
        "thread": "public:1",
        "under": None,
        "place": "17",
        "queued_at": "2026-03-02T12:00:00+00:00",
        "changed_at": "2026-03-02T12:00:00+00:00",
        "expires_at": "2026-03-11T12:00:00+00:00",
    }


def test_a_reply_names_the_message_that_it_goes_under(ledger: Ledger):
    send(ledger, PUT)
    ledger.tell([replace(LIST, key="closing", event=Event.CLOSING_SOON)], [], NOON)
    assert door.rows(ledger.deliveries())[0]["under"] == LIST.key


def test_a_decision_is_carried_out_and_said(ledger: Ledger):
    send(ledger, LOST)
    said = door.settle(ledger, DeliveryAction.RESEND, 1, "ann", NOON)
    assert said == "The next tick sends it: Baker: open (number 1, to mail:list@sea.example).\n"
    said = door.settle(ledger, DeliveryAction.DROP, 1, "ann", NOON)
    assert said == "Dropped: Baker: open (number 1, to mail:list@sea.example).\n"
    with pytest.raises(LedgerError, match="Delivery 1 is dropped"):
        door.settle(ledger, DeliveryAction.RESEND, 1, "ann", NOON)


def test_nothing_in_a_message_can_steer_the_terminal(ledger: Ledger):
    ledger.tell([replace(LIST, key="k", subject="Baker\x1b[2J\nforged\u202e", recipient="[bold]x[/]\x07")], [], NOON)
    shown = table(ledger)
    assert not set(shown) & set("\x1b\x07\u202e")
    assert "Baker [2J forged" in shown
    assert "mail:[bold]x[/]" in shown


def test_the_audit_is_a_table_in_the_zone_of_the_site(ledger: Ledger):
    assert printed(door.print_audit, ledger.audit(), EASTERN) == "Nothing has been done yet."
    ledger.record(replace(OPEN, thread="t1"), None, [], [], NOON)
    ledger.release("d1", "ann", NOON)
    head, seen, released = printed(door.print_audit, ledger.audit(), EASTERN).splitlines()
    assert head.split() == ["#", "at", "by", "what", "about", "before", "after", "detail"]
    assert [cell.strip() for cell in seen.split("  ") if cell.strip()][:6] == [
        *("1", "2026-03-02 07:00 EST", "postbot", "seen", BAKER, "open b10b")
    ]
    assert [cell.strip() for cell in released.split("  ") if cell.strip()][2:5] == ["ann", "released", "d1"]


def test_the_audit_is_plain_values(ledger: Ledger):
    ledger.release("d1", "ann", NOON)
    (row,) = door.audit_rows(ledger.audit())
    assert json.loads(json.dumps(row)) == {
        "number": 1,
        "at": "2026-03-02T12:00:00.000000+00:00",
        "by": "ann",
        "what": "released",
        "path": None,
        "key": "d1",
        "before": "held",
        "after": "released",
        "detail": "ann released plan d1.",
        "hash": ledger.verify().head,
    }


def test_an_audit_that_was_touched_is_still_shown_and_its_verdict_is_a_sentence(ledger: Ledger, tmp_path: Path):
    ledger.release("d1", "ann", NOON)
    assert door.verdict_text(ledger.verify()).startswith("The one row of the audit is as it was written. The head is ")
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.execute("UPDATE events SET at = 'last week'")
    connection.commit()
    connection.close()
    assert "last week" in printed(door.print_audit, ledger.audit(), EASTERN)
    verdict = ledger.verify()
    assert door.verdict_text(verdict) == f"{verdict.sentence}\n"
    assert door.verdict_json(verdict) == {
        "whole": False,
        "rows": 0,
        "head": "",
        "wrong": 1,
        "sentence": "Row 1 (last week, released) was altered, or stands where another one stood. It is the first one.",
    }
