"""Who works with a ledger: one at a time, whoever is killed or stopped, and nothing is lost or written twice.

Real processes that are really killed, stopped and woken. A lease that would run out by itself in a quarter of a minute
is made to run out by hand (`run_out`), so that no test waits for it.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path as FilePath

import pytest
import sqlalchemy as sa

from postbot.core.site import Path
from postbot.ledger import DeliveryStatus, Ledger, LedgerBusy, LedgerError
from postbot.ledger.tables import told
from tests.ledgers import (
    LATER,
    NOON,
    NOT_SENT,
    OPEN,
    OPENED,
    Place,
    await_word,
    change,
    finish,
    go_on,
    python,
    zombie,
)
from tests.postgres import Postgres

PATIENCE = 60  # seconds until a test gives up waiting for what must happen


def eventually(happens: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)


def run_out(place: Place) -> None:
    """Let the time of a lease pass."""
    if isinstance(place, str):
        change(place, "UPDATE lease SET until = '2026-01-01T00:00:00.000000+00:00'")


# Kept out


def test_a_second_process_is_told_that_another_is_at_work(ledger: Ledger, place: Place):
    code = """
        try:
            with module.Ledger.open(sys.argv[1]).working():
                print("in")
        except module.LedgerBusy as busy:
            print(busy)
    """
    with ledger.working():
        assert "is at work on" in finish(python(code, place))[1]
    assert finish(python(code, place))[1] == "in"


def test_two_threads_do_not_work_at_once(ledger: Ledger):
    with ledger.working(), pytest.raises(LedgerBusy), ledger.working():
        pass


def test_work_that_fails_lets_go(ledger: Ledger):
    with pytest.raises(ZeroDivisionError), ledger.working():
        _ = 1 / 0
    with ledger.working():
        pass


def test_a_process_killed_at_work_lets_go(ledger: Ledger, place: Place):
    code = """
        with module.Ledger.open(sys.argv[1]).working():
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert finish(python(code, place))[0] == -signal.SIGKILL
    run_out(place)
    with ledger.working():
        pass


@pytest.mark.parametrize("kinds", ["second service", "tick of a person"])
def test_a_service_on_a_file_keeps_a_second_one_out_and_no_tick(path: FilePath, kinds: str):
    one, other = Ledger.open(path), Ledger.open(path)
    with one.serving():
        if kinds == "second service":
            with pytest.raises(LedgerBusy, match=r"with SQLite there can be only one.*`ledger: postgresql://"):
                other.serving().__enter__()
        else:
            with other.working():
                pass
    with other.serving():
        pass
    one.close()
    other.close()


def test_a_killed_service_lets_go_of_its_file(path: FilePath):
    code = """
        with module.Ledger.open(sys.argv[1]).serving():
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert finish(python(code, path))[0] == -signal.SIGKILL
    ledger = Ledger.open(path)
    with ledger.serving():
        pass
    ledger.close()


def test_several_services_may_run_on_postgresql(url: str):
    one, other = Ledger.open(url), Ledger.open(url)
    with one.serving(), other.serving():
        pass
    one.close()
    other.close()


# Killed


@pytest.mark.parametrize(
    "step",
    ["DELETE FROM witnesses", "INSERT INTO outbox", "INSERT INTO told", "INSERT INTO events", "UPDATE pulse", "COMMIT"],
)
def test_a_kill_inside_a_transaction_leaves_nothing_of_it(ledger: Ledger, place: Place, step: str):
    ledger.record(OPEN, None, [], [], NOON)
    before, revision, audit = ledger.memory(), ledger.revision(), ledger.audit()
    code = """
        from sqlalchemy import event
        ledger = module.Ledger.open(sys.argv[1])
        def look(connection, cursor=None, sql="COMMIT", *others):  # the process dies just before this is carried out
            if sql.startswith(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
        event.listen(ledger._store.engine, "before_cursor_execute", look)
        event.listen(ledger._store.engine, "commit", look)
        ledger.record(kit.CLOSED, None, [kit.OPENED], ["closed"], kit.NOON)
    """
    assert finish(python(code, place, step))[0] == -signal.SIGKILL
    ledger.close()
    again = Ledger.open(place)
    assert (again.memory(), again.revision(), again.due(LATER)) == (before, revision, [])
    assert again.audit() == audit
    assert again.verify().whole
    again.close()


def test_a_crash_between_claim_and_settlement_is_found_again(ledger: Ledger, place: Place):
    ledger.tell([OPENED], [], NOON)
    (delivery,) = ledger.due(NOON)
    code = """
        ledger = module.Ledger.open(sys.argv[1])
        assert ledger.claim(ledger.due(kit.NOON)[0], kit.NOON)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert finish(python(code, place))[0] == -signal.SIGKILL
    (left,) = ledger.in_doubt()
    ledger.settle(left, NOT_SENT, NOON)
    assert left == replace(delivery, status=DeliveryStatus.CLAIMED, claimed_at=NOON)
    assert [due.attempts for due in ledger.due(LATER)] == [1]


# A lease


def test_a_lease_tells_who_works_and_what_the_last_one_left_to_wait_for(url: str):
    ledger = Ledger.open(url)
    before = ledger.lease()
    assert before is not None
    assert (before.free, before.holder, before.ticked_at, before.wakes_at) == (True, "", None, None)
    with ledger.working():
        during = ledger.lease()
        assert during is not None
        assert during.holder.endswith(f", process {os.getpid()}")
        assert not during.free
        assert during.until is not None
        assert during.until > during.now
        with pytest.raises(LedgerBusy) as busy, ledger.working():
            pass
        assert during.holder in str(busy.value)
        assert busy.value.left is not None
        assert busy.value.left <= during.until - during.now
        ledger.rested(LATER)
    after = ledger.lease()
    assert after is not None
    assert (after.free, after.holder, after.until, after.wakes_at) == (True, "", None, LATER)
    assert after.ticked_at is not None
    assert during.now <= after.ticked_at <= after.now
    assert (before.epoch, during.epoch, after.epoch) == (0, 1, 1)
    ledger.close()


def test_work_that_fails_is_no_tick_that_others_may_rely_on(url: str):
    ledger = Ledger.open(url)
    with pytest.raises(ZeroDivisionError), ledger.working():
        _ = 1 / 0
    after = ledger.lease()
    assert after is not None
    assert (after.free, after.ticked_at) == (True, None)
    ledger.close()


def test_a_file_has_no_lease(path: FilePath):
    ledger = Ledger.open(path)
    with ledger.working():
        ledger.rested(LATER)
        assert ledger.lease() is None
    ledger.close()


def test_a_lease_is_renewed_for_as_long_as_the_work_lasts(url: str):
    ledger = Ledger.open(url)
    with ledger.working():
        first = ledger.lease()
        eventually(lambda: ledger.lease().until > first.until)
    ledger.close()


@pytest.mark.skipif(not os.environ.get("CI"), reason="This waits for a quarter of a minute; with CI it is run.")
def test_the_lease_of_a_killed_holder_runs_out_by_the_clock_of_the_database(url: str):
    code = """
        with module.Ledger.open(sys.argv[1]).working():
            os.kill(os.getpid(), signal.SIGKILL)
    """
    ledger = Ledger.open(url)
    finish(python(code, url))
    with pytest.raises(LedgerBusy) as busy, ledger.working():
        pass
    asked = ledger.lease().now
    eventually(lambda: ledger.lease().free)
    assert busy.value.left is not None
    assert ledger.lease().now >= asked + busy.value.left - timedelta(seconds=1)
    with ledger.working():
        pass
    ledger.close()


def test_a_lease_that_ends_later_than_any_can_is_free_for_the_databases_clock_was_set_back(url: str):
    ledger, other = Ledger.open(url), Ledger.open(url)
    with ledger.working():
        change(url, "UPDATE lease SET until = '2999-01-01T00:00:00.000000+00:00'")
        with other.working():
            pass
        with pytest.raises(LedgerError, match="has taken over"):
            ledger.ticked(NOON)
    ledger.close()
    other.close()


def test_a_lease_whose_holder_works_is_not_free_where_the_databases_clock_was_only_corrected(url: str):
    ledger, other = Ledger.open(url), Ledger.open(url)
    with ledger.working():
        later = (ledger.lease().until + timedelta(seconds=3)).isoformat(timespec="microseconds")
        change(url, f"UPDATE lease SET until = '{later}'")  # noqa: S608 - an instant of ours
        with pytest.raises(LedgerBusy), other.working():
            pass
        ledger.ticked(NOON)
    ledger.close()
    other.close()


def test_a_server_that_took_the_place_of_another_and_counts_anew_gives_no_leave_to_two(url: str):
    ledger = Ledger.open(url)
    with ledger.working():
        change(url, "UPDATE lease SET holder = 'elsewhere, process 1'")  # who got the same number there
        with pytest.raises(LedgerError, match="has taken over"):
            ledger.ticked(NOON)
    assert ledger.lease().holder == "elsewhere, process 1"
    ledger.close()


def test_whoever_finds_its_lease_taken_does_nothing_more_however_long_it_would_have_lasted(url: str):
    ledger = Ledger.open(url)
    with ledger.working():
        ledger._store._mine.held.surely_until = float("inf")
        ledger.demand_held()
        change(url, "UPDATE lease SET epoch = epoch + 1, holder = 'elsewhere, process 1'")
        eventually(lambda: refuses(ledger.demand_held))
    ledger.close()


def refuses(demand: Callable[[], None]) -> bool:
    try:
        demand()
    except LedgerError:
        return True
    return False


ZOMBIE = """
    import threading
    ledger = module.Ledger.open(sys.argv[1])
    def attempt(name, *args):
        try:
            print(name, getattr(ledger, name)(*args))
        except module.LedgerError as error:
            print(name, error)
    with ledger.working():
        (delivery,) = ledger.due(kit.NOON)
        ledger.claim(delivery, kit.NOON)
        print("claimed", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        attempt("settle", delivery, kit.SENT, kit.NOON)
        attempt("record", kit.CLOSED, None, [kit.SHUT], ["closed"], kit.NOON)
        attempt("adopt", [kit.CLOSED], kit.NOON)
        attempt("ticked", kit.LATER)
        attempt("release", "d1", "ann", kit.NOON)
        attempt("claim", delivery, kit.NOON)
        try:
            ledger.acted("merge", at=kit.NOON)
        except module.LedgerError as error:
            print("acted", error)
        ledger.rested(kit.LATER)
        aside = threading.Thread(target=ledger.file, args=(kit.BAKER, kit.WISH, "ann", kit.NOON))
        aside.start(), aside.join()
"""


@pytest.mark.parametrize("is_over", [False, True], ids=["another works", "another has worked"])
def test_a_holder_that_was_stopped_and_wakes_up_too_late_writes_nothing(url: str, is_over: bool):
    ledger = Ledger.open(url)
    ledger.record(OPEN, None, [OPENED], [], NOON)
    with zombie(ZOMBIE, url) as stopped:
        await_word(stopped, "claimed")
        run_out(url)
        with ledger.working():
            (left,) = ledger.in_doubt()
            ledger.settle(left, NOT_SENT, NOON)
            before, audit, lease = ledger.memory(), ledger.audit(), ledger.lease()
            if not is_over:
                os.kill(stopped.pid, signal.SIGCONT)
                code, said = finish(stopped)
        if is_over:
            lease = ledger.lease()
            os.kill(stopped.pid, signal.SIGCONT)
            code, said = finish(stopped)
    names = ["settle", "record", "adopt", "ticked", "release", "claim", "acted"]
    assert [line.split()[0] for line in said.splitlines()] == names
    assert all("Another postbot has taken over" in line for line in said.splitlines())
    assert code == 0
    assert [each.status for each in ledger.deliveries()] == [DeliveryStatus.DUE]
    filed = ledger.audit()[len(audit) :]
    assert [row.what for row in filed] == ["asked"]  # by another thread, which does no work of the tick
    assert replace(ledger.memory(), requests=()) == before
    after = ledger.lease()
    assert after is not None
    assert lease is not None
    assert (after.epoch, after.wakes_at) == (lease.epoch, None)
    ledger.close()


def test_a_process_stopped_in_mid_transaction_does_not_stop_the_others(url: str):
    ledger = Ledger.open(url)
    code = """
        ledger = module.Ledger.open(sys.argv[1])
        try:
            with ledger.working(), ledger._store.writing() as writer:
                print("writing", flush=True)
                os.kill(os.getpid(), signal.SIGSTOP)
                writer.note(kit.NOON, "zombie", "")
        except module.LedgerError as error:
            print(error)
    """

    def is_working() -> bool:
        try:
            with ledger.working():
                ledger.acted("merge", at=NOON)
        except LedgerError:
            return False
        return True

    with zombie(code, url) as stopped:
        await_word(stopped, "writing")
        run_out(url)  # waits until PostgreSQL has ended the session that holds everything
        eventually(is_working)
        os.kill(stopped.pid, signal.SIGCONT)
        assert "was lost" in finish(stopped)[1]
    assert [row.what for row in ledger.audit()] == ["merge"]
    ledger.close()


@pytest.mark.skipif(not os.environ.get("CI"), reason="This waits for a quarter of a minute; with CI it is run.")
def test_who_was_stopped_for_longer_than_a_lease_lasts_knows_it_without_asking_anybody(url: str):
    code = """
        ledger = module.Ledger.open(sys.argv[1])
        with ledger.working():
            ledger.demand_held()
            print("mine", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
            try:
                ledger.demand_held()
            except module.LedgerError as error:
                print(error, flush=True)
    """
    ledger = Ledger.open(url)
    with zombie(code, url) as stopped:
        await_word(stopped, "mine")
        eventually(lambda: ledger.lease().free)
        with ledger.working():
            os.kill(stopped.pid, signal.SIGCONT)
            assert "another postbot may have taken over" in finish(stopped)[1]
            ledger.demand_held()
    ledger.demand_held()  # who works on nothing has nothing to lose
    ledger.close()


# PostgreSQL killed


def write(ledger: Ledger, before: str, kill: Callable[..., None], *after: str) -> None:
    """One transaction, in the middle of which, or at whose end, the database is killed."""
    with ledger._store.writing() as writer:
        writer.execute(sa.insert(told).values(key=before, at=NOON))
        kill(immediate=True)
        for key in after:
            writer.execute(sa.insert(told).values(key=key, at=NOON))


def test_a_database_killed_in_mid_transaction_is_a_sentence_and_nothing_of_it_is_kept(postgres: Postgres, url: str):
    ledger = Ledger.open(url)
    ledger.record(OPEN, None, [OPENED], [], NOON)
    before, audit = ledger.memory(), ledger.audit()
    with ledger.working():
        with pytest.raises(LedgerError, match=r"was lost .*Nothing was changed"):
            write(ledger, "k", postgres.restart, "l")
        assert (ledger.memory(), ledger.audit()) == (before, audit)
        ledger.ticked(NOON)  # the lease outlives the database's processes
    with ledger.working():
        ledger.claim(ledger.due(NOON)[0], NOON)
    assert len(ledger.in_doubt()) == 1
    ledger.close()


def test_a_database_killed_at_the_very_end_leaves_open_whether_it_was_kept(postgres: Postgres, url: str):
    ledger = Ledger.open(url)
    with pytest.raises(LedgerError, match="Look whether the change was kept"):
        write(ledger, "k", postgres.restart)
    assert ledger.memory().told == frozenset()
    ledger.close()


def test_a_tick_that_meets_a_dead_database_says_so_and_the_next_one_goes_on(postgres: Postgres, url: str):
    ledger = Ledger.open(url)
    postgres.stop(immediate=True)
    try:
        with pytest.raises(LedgerError, match="Cannot reach the ledger"), ledger.working():
            pass
    finally:
        postgres.start()
    with ledger.working():
        ledger.ticked(NOON)
    ledger.close()


# Many at once


def test_what_many_people_ask_while_one_works_is_filed_once_each_and_the_audit_is_whole(ledger: Ledger, place: Place):
    code = """
        ledger = module.Ledger.open(sys.argv[1])
        print("ready", flush=True), sys.stdin.readline()
        for number in range(5):
            ledger.file(kit.BAKER, kit.WISH, f"{sys.argv[2]}.{number}", kit.NOON)
    """
    askers = [python(code, place, number) for number in range(8)]
    for asker in askers:
        await_word(asker, "ready")
    with ledger.working():
        for asker in askers:
            go_on(asker)
        done = 0
        while any(asker.poll() is None for asker in askers):
            ledger.record(replace(OPEN, path=Path(f"jobs/{done}.md")), None, [replace(OPENED, key=str(done))], [], NOON)
            ledger.acted("merge", at=NOON)
            done += 1
            time.sleep(0.01)  # a tick has other things to do, too; SQLite is not fair to those who wait
    assert [finish(asker)[0] for asker in askers] == [0] * 8
    requests = ledger.memory().requests
    assert sorted(each.by for each in requests) == [f"{asker}.{number}" for asker in range(8) for number in range(5)]
    assert len({each.number for each in requests}) == 40
    assert (ledger.verify().whole, ledger.verify().rows) == (True, 40 + 2 * done)
    assert len(ledger.deliveries(limit=10_000)) == done


def test_of_many_who_confirm_at_the_same_moment_one_is_filed_and_all_others_hear_who_is_at_it(
    ledger: Ledger, place: Place
):
    code = """
        ledger = module.Ledger.open(sys.argv[1])
        print("ready", flush=True), sys.stdin.readline()
        for number in range(12):
            try:
                path = f"jobs/{number}.md"
                ledger.file(path, kit.WISH, sys.argv[2], kit.NOON, asker=f"slack:{sys.argv[2]}", heard_of=0)
                print("filed", number)
            except module.AskedBefore as before:
                print("heard", number, before.request.by)
    """
    askers = {name: python(code, place, name) for name in ("U0ANN", "U0BEN", "U0CAL")}
    for asker in askers.values():
        await_word(asker, "ready")
    for asker in askers.values():
        go_on(asker)
    said = {name: finish(asker) for name, asker in askers.items()}
    assert {status for status, _ in said.values()} == {0}
    by = {str(each.path): each.by for each in ledger.memory().requests}
    assert len(ledger.memory().requests) == len(by) == 12
    for name, (_, written) in said.items():
        who = [by[f"jobs/{number}.md"] for number in range(12)]
        heard = [f"filed {n}" if other == name else f"heard {n} {other}" for n, other in enumerate(who)]
        assert written.splitlines() == heard
