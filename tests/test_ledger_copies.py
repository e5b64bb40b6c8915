"""Copies of a ledger, from each kind of place to each: all of it, proven, or nothing; and what an older copy stops."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path as FilePath

import pytest
import sqlalchemy as sa

from postbot.core.plan.memory import Opinion, Said
from postbot.core.site import Path
from postbot.ledger import DeliveryStatus, Ledger, LedgerError
from tests.ledgers import (
    BAKER,
    CLOSED,
    DONE,
    KINDS,
    LATER,
    MILLER,
    NOON,
    NOT_SENT,
    OPEN,
    OPENED,
    SENT,
    SHUT,
    UNKNOWN,
    WISH,
    Place,
    by_hand,
    change,
)
from tests.postgres import Postgres

FROM_TO = [(one, other) for one in KINDS for other in KINDS]


@pytest.fixture
def new(request: pytest.FixtureRequest, tmp_path: FilePath) -> Iterator[Callable[[str], tuple[Place, Ledger]]]:
    """Make a ledger of one kind or the other."""
    made, numbers = [], count()

    def make(kind: str) -> tuple[Place, Ledger]:
        file = tmp_path / str(next(numbers)) / "ledger.db"
        place: Place = file if kind == "SQLite" else request.getfixturevalue("postgres").url()
        made.append(Ledger.open(place))
        return place, made[-1]

    yield make
    for ledger in made:
        ledger.close()


def lived(ledger: Ledger) -> None:
    """Something in every table and in every column that can be empty."""
    ledger.adopt([replace(OPEN, path=Path(f"jobs/{number}.md"), closes=None) for number in range(1200)], NOON)
    ledger.record(replace(OPEN, title="a\0b\ud800"), None, [OPENED], ["opened"], NOON)
    ledger.record(replace(CLOSED, path=MILLER), None, [SHUT, replace(OPENED, key="d", recipient="dan")], [], NOON)
    ledger.forget(Path("jobs/7.md"), [], ["gone"], NOON)
    ledger.answer(ledger.file(BAKER, WISH, "ann", NOON), DONE, "Extended.", [], [], NOON)
    ledger.file(BAKER, WISH, "ben", NOON, asker="slack:U0BEN", key="view 17")
    for until in (None, LATER):
        ledger.opine(Opinion("postbot/open/baker-0", "a1", Said.SNOOZE, "ben", NOON, "later", until), BAKER)
    ledger.release("public", "ann", NOON)
    ledger.pause("ann", "a look", NOON)
    ledger.once("72d3162e", NOON, timedelta(hours=1))
    for receipt in (SENT, UNKNOWN):
        taken = ledger.claim(ledger.due(NOON)[0], NOON)
        assert taken is not None
        ledger.settle(taken, receipt, NOON)
    ledger.ticked(NOON)


def all_of(ledger: Ledger) -> tuple[object, ...]:
    return ledger.memory(), ledger.deliveries(), ledger.audit(), ledger.paused(), ledger.verify()


@pytest.mark.parametrize(("one", "other"), FROM_TO)
def test_a_copy_is_the_same_in_every_row_and_goes_on_from_there(new: Callable, one: str, other: str):
    (_, source), (_, target) = new(one), new(other)
    lived(source)
    made = source.copy_to(target)
    assert all_of(target) == all_of(source)
    assert made.verdict == source.verify()
    assert {name: rows for name, rows in made.rows.items() if name != "events"} == {
        "changes": 0,
        "heard": 1,
        "opinions": 2,
        "outbox": 3,
        "pulse": 1,
        "released": 1,
        "requests": 2,
        "told": 2,
        "witnesses": 1202,
    }
    assert not target.memory().copied
    assert not target.once("72d3162e", NOON, timedelta(hours=1))
    assert target.file(BAKER, WISH, "cat", LATER).number == 3
    target.tell([replace(OPENED, key="new")], [], LATER)
    assert target.deliveries(limit=1)[0].number == 4
    assert target.verify().whole


@pytest.mark.parametrize(("one", "other"), FROM_TO)
def test_a_copy_replaces_nothing_unless_that_is_wanted(new: Callable, one: str, other: str):
    (_, source), (_, target) = new(one), new(other)
    lived(source)
    target.file(MILLER, WISH, "dan", NOON)
    before = all_of(target)
    with pytest.raises(LedgerError, match="holds something already, and nothing was copied"):
        source.copy_to(target)
    assert all_of(target) == before
    source.copy_to(target, replace=True)
    assert all_of(target) == all_of(source)


def test_an_empty_ledger_is_copied_too(new: Callable):
    (_, source), (_, target) = new("SQLite"), new("PostgreSQL")
    assert source.copy_to(target).verdict.rows == 0
    assert target.file(BAKER, WISH, "ann", NOON).number == 1


def test_who_works_on_the_target_keeps_its_lease(new: Callable):
    (_, source), (_, target) = new("PostgreSQL"), new("PostgreSQL")
    lived(source)
    for _ in range(3):
        with source.working():
            pass
    with target.working():
        source.copy_to(target)
        target.ticked(LATER)
    lease = target.lease()
    assert lease is not None
    assert lease.epoch == 1


def test_who_waits_to_write_while_a_ledger_is_put_back_writes_into_what_was_put_back(new: Callable, postgres: Postgres):
    (_, source), (place, target) = new("SQLite"), new("PostgreSQL")
    lived(source)
    for number in range(40):
        target.release(str(number), "ann", NOON)
    revision = target.revision()
    with ThreadPoolExecutor() as threads:
        with by_hand(place).begin() as hand:
            hand.execute(sa.text("LOCK TABLE witnesses"))  # which are copied last
            copying = threads.submit(source.copy_to, target, replace=True)
            until_waiting(postgres, 1)
            filing = threads.submit(target.file, MILLER, WISH, "cat", LATER)
            until_waiting(postgres, 2)
        assert copying.result().verdict.whole
        assert filing.result().number == 3
    assert target.verify().whole
    assert target.revision() > revision


def test_who_files_while_a_ledger_is_moved_is_told_so_and_nothing_slips_in_between(new: Callable, postgres: Postgres):
    (_, source), (place, target) = new("PostgreSQL"), new("PostgreSQL")
    source.file(BAKER, WISH, "ann", NOON)
    with ThreadPoolExecutor() as threads:
        with by_hand(place).begin() as hand:
            hand.execute(sa.text("LOCK TABLE witnesses"))  # which are copied last
            moving = threads.submit(source.move_to, target, "robin", LATER)
            until_waiting(postgres, 1)
            filing = threads.submit(source.file, MILLER, WISH, "cat", LATER)
            until_waiting(postgres, 2)
        assert moving.result().verdict.whole
        with pytest.raises(LedgerError, match="no longer the ledger in use: the ledger was moved to postgresql"):
            filing.result()
    for ledger in (source, target):
        assert [request.by for request in ledger.memory().requests] == ["ann"]
    with pytest.raises(LedgerError, match="do it there"):
        source.pause("dan", "wrong salary", LATER)
    assert source.resume("robin", LATER)
    source.pause("dan", "wrong salary", LATER)
    assert (source.memory().copied, target.memory().copied, target.paused()) == (True, False, None)


def until_waiting(postgres: Postgres, count: int) -> None:
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'postbot'"
    for _ in range(400):
        if len(postgres.execute(waiting)) == count:
            return
        time.sleep(0.02)
    pytest.fail("Nobody waits for a lock.")


@pytest.mark.parametrize("other", KINDS)
def test_an_audit_that_was_altered_is_copied_as_it_is_and_told(new: Callable, other: str):
    (place, source), (_, target) = new("SQLite"), new(other)
    lived(source)
    change(place, "UPDATE events SET \"by\" = 'mallory' WHERE number = 3")
    made = source.copy_to(target)
    assert (made.verdict.whole, made.verdict.wrong) == (False, 3)
    assert target.verify() == made.verdict


def test_a_copy_that_fails_on_its_way_was_never_there(new: Callable, tmp_path: FilePath):
    """The target has a trigger that takes a row away again, as a faulty disk or a hand might."""
    (_, source), (place, target) = new("PostgreSQL"), new("SQLite")
    lived(source)
    change(place, "CREATE TRIGGER thief AFTER INSERT ON told BEGIN DELETE FROM told WHERE key = 'gone'; END")
    before = all_of(target)
    with pytest.raises(LedgerError, match="is not what was there to copy"):
        source.copy_to(target)
    assert all_of(target) == before


# An older copy


def under_way(ledger: Ledger) -> None:
    ledger.ticked(NOON)
    recipients = {name: replace(OPENED, key=name, recipient=name) for name in ("due", "claimed", "doubted", "late")}
    ledger.tell([*recipients.values(), replace(OPENED, key="over", recipient="over", expires=LATER)], [], NOON)
    due = {each.message.key: each for each in ledger.due(NOON)}
    for name in ("claimed", "doubted"):
        assert ledger.claim(due[name], NOON)
    ledger.doubt(due["doubted"], UNKNOWN, NOON)
    ledger.claim(due["late"], NOON)
    ledger.settle(due["late"], NOT_SENT, NOON)
    ledger.file(BAKER, WISH, "ann", NOON)


def copied(source: Ledger, target: Ledger) -> Ledger:
    source.copy_to(target, older=True)
    return target


def test_what_an_older_copy_has_under_way_is_left_to_people_once(new: Callable, ledger: Ledger):
    under_way(ledger)
    (_, back) = new("SQLite")
    copied(ledger, back)
    assert back.come_back(LATER)
    assert back.due(LATER) == back.in_doubt() == []
    standing = {each.message.key: each.status for each in back.deliveries()}
    held = dict.fromkeys(("due", "claimed", "doubted", "late"), DeliveryStatus.HELD)
    assert standing == held | {"over": DeliveryStatus.EXPIRED}
    assert {each.detail for each in back.memory().held} == {
        "This ledger is an older copy; nobody can tell whether this went out."
    }
    assert back.answered(1) == (
        False,
        "The ledger was put back from an older copy; look at the posting, and ask again if need be.",
    )
    assert (back.memory().requests, back.memory().last_tick, back.memory().copied) == ((), None, True)
    (told,) = [row.detail for row in back.audit() if row.what == "put back"]
    assert told == "An older copy of the ledger was put back. Messages held: 4. Requests refused: 1."

    back.tell([replace(OPENED, key="since")], [], LATER)  # what is said from now on is no part of the copy
    assert back.come_back(LATER)
    assert [each.message.key for each in back.due(LATER)] == ["since"]
    back.caught_up(LATER)
    assert not back.come_back(LATER)
    assert not back.memory().copied
    assert back.verify().whole


def test_a_ledger_that_is_no_copy_goes_on(ledger: Ledger):
    under_way(ledger)
    before = all_of(ledger)
    assert not ledger.come_back(LATER)
    assert all_of(ledger) == before
