"""The ledger on real files, in real processes that are really killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath
from zoneinfo import ZoneInfo

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from postbot import ledger as module
from postbot.core.announce import Event, Message, Outcome, Receipt
from postbot.core.announce.words import RELEASE
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Memory, Request, Witness
from postbot.core.profile import State
from postbot.core.site import Path
from postbot.ledger import ATTEMPTS, HEAD, METADATA, DeliveryStatus, Ledger, LedgerBusy, LedgerError

ROOT = FilePath(__file__).parents[1]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
BAKER, MILLER = Path("jobs/baker.md"), Path("jobs/miller.md")
OPEN = Witness(BAKER, "b10b", "Baker", State.OPEN, 1, NOON, NOON + timedelta(days=9))
CLOSED = replace(OPEN, state=State.CLOSED, reason="cap reached")
WISH = Wish(Transition.EXTEND, {"closes": "2026-04-01"}, "few applicants")
OPENED = Message("baker|1|opened|ann", Event.OPENED, "baker", "console", "ann", "Baker: open", "It is open.\n")
OF_BAKER = replace(OPENED, path=BAKER)
SHUT = replace(OPENED, key="baker|1|closed|ann", event=Event.CLOSED)
SENT, NOT_SENT = Receipt(Outcome.SENT, "printed"), Receipt(Outcome.NOT_SENT, "The line is down.")
DONE, REFUSED = True, False
UNKNOWN = Receipt(Outcome.UNKNOWN, "No reply came.")


@pytest.fixture
def path(tmp_path: FilePath) -> FilePath:
    return tmp_path / "postbot" / "ledger.db"


@pytest.fixture
def ledger(path: FilePath) -> Iterator[Ledger]:
    opened = Ledger.open(path)
    yield opened
    opened.close()


def python(code: str, *args: object) -> subprocess.Popen[str]:
    """Another process that has the ledger module and this one at hand, as `module` and `kit`."""
    head = (
        "import os, signal, sys\nfrom pathlib import Path\nimport postbot.ledger as module, tests.test_ledger as kit\n"
    )
    command = [sys.executable, "-c", head + textwrap.dedent(code), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=ROOT)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate()
    return process.returncode, said.strip()


def refusal(path: FilePath) -> str:
    with pytest.raises(LedgerError) as refused:
        Ledger.open(path)
    return str(refused.value)


# What is remembered


def test_a_new_ledger_remembers_nothing(ledger: Ledger):
    assert ledger.memory() == Memory()


def test_a_new_folder_keeps_itself_out_of_git(ledger: Ledger, path: FilePath):
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_is_left_as_it_was(tmp_path: FilePath):
    Ledger.open(tmp_path / "ledger.db").close()
    assert not (tmp_path / ".gitignore").exists()


def test_everything_is_remembered_by_the_next_process(ledger: Ledger, path: FilePath):
    ledger.record(OPEN, None, [OPENED], ["baker|1|opened"], NOON)
    request = ledger.file(BAKER, WISH, "ann", NOON)
    ledger.release("d1935", "ben", NOON)
    ledger.ticked(NOON)
    ledger.close()
    again = Ledger.open(path)
    assert again.memory() == Memory(
        {BAKER: OPEN}, (request,), frozenset({"baker|1|opened"}), frozenset({"d1935"}), NOON
    )
    assert request == Request(1, BAKER, WISH, "ann", NOON)
    assert [delivery.message for delivery in again.due(NOON)] == [OF_BAKER]
    again.close()


def test_instants_of_any_zone_come_back_as_the_same_instant_in_utc(ledger: Ledger):
    there = datetime(2026, 3, 2, 23, 59, tzinfo=ZoneInfo("America/New_York"))
    ledger.record(replace(OPEN, opens=None, closes=there), None, [], [], NOON)
    closes = ledger.memory().witnesses[BAKER].closes
    assert (closes, closes and closes.tzinfo) == (there, UTC)


def test_an_instant_without_a_zone_is_a_bug(ledger: Ledger):
    with pytest.raises(Exception, match="no time zone"):
        ledger.ticked(datetime(2026, 3, 2))  # noqa: DTZ001 - that is the bug


def test_a_renamed_posting_takes_along_what_is_open(ledger: Ledger):
    ledger.record(OPEN, None, [OPENED], [], NOON)
    asked = ledger.file(BAKER, WISH, "ann", NOON)
    answered = ledger.file(BAKER, WISH, "ben", NOON)
    ledger.answer(answered, REFUSED, "No.", [], [], NOON)
    ledger.record(replace(OPEN, path=MILLER), BAKER, [], [], LATER)
    memory = ledger.memory()
    assert memory.witnesses == {MILLER: replace(OPEN, path=MILLER)}
    assert memory.requests == (replace(asked, path=MILLER),)


def test_a_posting_that_is_gone_is_forgotten_with_words(ledger: Ledger):
    ledger.record(OPEN, None, [], [], NOON)
    ledger.forget(BAKER, [OPENED], ["gone"], LATER)
    assert ledger.memory() == Memory(told=frozenset({"gone"}), gone={BAKER: replace(OPEN, news=1)})
    assert [delivery.message for delivery in ledger.due(LATER)] == [OF_BAKER]


def test_an_answer_closes_a_request_once(ledger: Ledger):
    request = ledger.file(BAKER, WISH, "ann", NOON)
    assert ledger.answered(request.number) is None
    ledger.answer(request, DONE, "Extended.", [OPENED], ["told"], LATER)
    ledger.answer(request, REFUSED, "Refused.", [SHUT], ["too late"], LATER)
    assert ledger.answered(request.number) == (DONE, "Extended.")
    assert ledger.memory() == Memory(told=frozenset({"told"}))
    assert [delivery.message for delivery in ledger.deliveries()] == [OF_BAKER]


def test_nobody_has_answered_a_request_that_never_was(ledger: Ledger):
    assert ledger.answered(7) is None


def test_the_last_tick_may_go_back(ledger: Ledger):
    ledger.ticked(LATER)
    ledger.ticked(NOON)
    assert ledger.memory().last_tick == NOON


def test_a_history_is_told_in_order_across_a_renaming(ledger: Ledger):
    ledger.record(replace(OPEN, path=MILLER), None, [], [], NOON)  # was there before, and moves away
    ledger.record(replace(OPEN, path=Path("jobs/old.md")), MILLER, [], [], NOON)
    ledger.record(OPEN, None, [OPENED], [], NOON)
    ledger.record(replace(CLOSED, path=MILLER), BAKER, [], [], LATER)
    request = ledger.file(MILLER, WISH, "ann", LATER)
    ledger.answer(request, REFUSED, "It is closed.", [], [], LATER)
    (delivery,) = ledger.due(LATER)
    ledger.claim(delivery, LATER)
    ledger.settle(delivery, SENT, LATER)
    told = [(entry.path, entry.what) for entry in ledger.history(MILLER)]
    assert told == [(BAKER, "seen")] + [(MILLER, what) for what in ("renamed", "seen", "asked", "refused", "sent")]
    assert ledger.history(MILLER)[3].detail == ("ann asked to extend with closes=2026-04-01, because: few applicants.")


# Revision


class Remembering(RuleBasedStateMachine):
    """Random writes: the revision moves exactly when the memory does, but for a tick that moves on."""

    paths = st.sampled_from([BAKER, MILLER, Path("jobs/cook.md")])
    keys = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2)
    instants = st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours))

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = Ledger.open(FilePath(self.folder.name) / "ledger.db")
        self.before = (self.ledger.revision(), self.ledger.memory())

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    @rule(path=paths, was=st.none() | paths, state=st.sampled_from(State), told=keys)
    def record(self, path: Path, was: Path | None, state: State, told: list[str]) -> None:
        self.ledger.record(replace(OPEN, path=path, state=state), was, [OPENED], told, NOON)

    @rule(path=paths, told=keys)
    def forget(self, path: Path, told: list[str]) -> None:
        self.ledger.forget(path, [], told, NOON)

    @rule(told=keys)
    def tell(self, told: list[str]) -> None:
        self.ledger.tell([SHUT], told, NOON)

    @rule(path=paths)
    def file(self, path: Path) -> None:
        self.ledger.file(path, WISH, "ann", NOON)

    @rule(number=st.integers(1, 3), told=keys)
    def answer(self, number: int, told: list[str]) -> None:
        self.ledger.answer(Request(number, BAKER, WISH, "ann", NOON), DONE, "Done.", [], told, NOON)

    @rule(digest=st.sampled_from(["d1", "d2"]))
    def release(self, digest: str) -> None:
        self.ledger.release(digest, "ann", NOON)

    @rule(at=instants)
    def ticked(self, at: datetime) -> None:
        self.ledger.ticked(at)

    @rule(receipt=st.sampled_from([SENT, NOT_SENT, UNKNOWN]))
    def send(self, receipt: Receipt) -> None:
        for delivery in self.ledger.due(LATER):
            assert self.ledger.claim(delivery, NOON)
            self.ledger.settle(delivery, receipt, NOON)

    @rule(number=st.integers(1, 2), what=st.sampled_from(["hold", "resend", "drop"]))
    def decide(self, number: int, what: str) -> None:
        delivery = self.ledger.delivery(number)
        if delivery is not None and what == "hold":
            self.ledger.hold(delivery, "Its page shows nothing of it.", NOON)
        elif what != "hold":
            with suppress(LedgerError):
                getattr(self.ledger, what)(number, "ann", NOON)

    @invariant()
    def the_revision_moves_with_the_memory(self) -> None:
        revision, memory = self.ledger.revision(), self.ledger.memory()
        was_revision, was = self.before
        moved_on = was.last_tick is not None and memory.last_tick is not None and memory.last_tick >= was.last_tick
        same = memory == (replace(was, last_tick=memory.last_tick) if moved_on else was)
        assert (revision == was_revision) == same
        assert revision >= was_revision
        self.before = (revision, memory)


def test_the_revision_changes_exactly_when_the_memory_does():
    run_state_machine_as_test(Remembering, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))


# On its way


def queued(ledger: Ledger) -> module.Delivery:
    ledger.tell([OPENED], [], NOON)
    (delivery,) = ledger.due(NOON)
    return delivery


def test_a_message_key_is_queued_once_for_all_time(ledger: Ledger):
    ledger.record(OPEN, None, [OPENED, OPENED], [], NOON)
    ledger.tell([replace(OPENED, body="Other words.\n")], [], LATER)
    assert [delivery.message for delivery in ledger.deliveries()] == [OF_BAKER]


def test_a_sent_message_is_not_due_again(ledger: Ledger):
    delivery = queued(ledger)
    ledger.claim(delivery, NOON)
    assert ledger.due(LATER) == []
    ledger.settle(delivery, SENT, NOON)
    assert ledger.due(LATER) == ledger.in_doubt() == []
    assert ledger.deliveries() == [
        replace(delivery, status=DeliveryStatus.SENT, attempts=1, detail="printed", claimed_at=NOON)
    ]


def test_what_may_have_gone_out_is_held_for_a_person(ledger: Ledger):
    delivery = queued(ledger)
    ledger.claim(delivery, NOON)
    ledger.settle(delivery, UNKNOWN, NOON)
    ledger.tell([SHUT], [], NOON)
    (held,) = ledger.deliveries(held_only=True)
    assert (held.message, held.status, held.detail) == (OPENED, DeliveryStatus.HELD, UNKNOWN.detail)


def test_what_was_not_sent_is_tried_twelve_times_with_growing_patience(ledger: Ledger):
    queued(ledger)
    at, waits = NOON, []
    while due := ledger.due(at):
        ledger.claim(due[0], at)
        ledger.settle(due[0], NOT_SENT, at)
        (now,) = ledger.deliveries()
        if now.next_at is None:
            break
        waits.append(int((now.next_at - at) / timedelta(minutes=1)))
        assert ledger.due(now.next_at - timedelta(seconds=1)) == []
        at = now.next_at
    assert waits == [1, 5, 15, 60, 180, 360, 360, 360, 360, 360, 360]
    (held,) = ledger.deliveries()
    assert (held.status, held.attempts, held.detail) == (DeliveryStatus.HELD, ATTEMPTS, NOT_SENT.detail)


def test_an_old_claim_takes_nothing(ledger: Ledger):
    first = queued(ledger)
    ledger.claim(first, NOON)
    ledger.settle(first, NOT_SENT, NOON)
    assert ledger.claim(first, LATER) is None
    (second,) = ledger.due(LATER)
    ledger.claim(second, LATER)
    ledger.settle(first, SENT, LATER)
    assert [delivery.status for delivery in ledger.deliveries()] == [DeliveryStatus.CLAIMED]


def test_a_settlement_without_a_claim_changes_nothing(ledger: Ledger):
    delivery = queued(ledger)
    ledger.settle(delivery, SENT, NOON)
    assert ledger.due(NOON) == [delivery]


def test_deliveries_are_listed_newest_first_and_due_ones_oldest_first(ledger: Ledger):
    ledger.tell([OPENED, SHUT], [], NOON)
    assert [delivery.message for delivery in ledger.due(NOON)] == [OPENED, SHUT]
    assert [delivery.message for delivery in ledger.deliveries(limit=1)] == [SHUT]


def test_one_of_many_threads_wins_a_claim(ledger: Ledger):
    delivery, ready, won = queued(ledger), threading.Barrier(8), []

    def claim() -> None:
        ready.wait()
        won.append(ledger.claim(delivery, NOON) is not None)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_one_of_two_processes_wins_each_claim(ledger: Ledger, path: FilePath):
    ledger.tell([replace(OPENED, key=str(number)) for number in range(40)], [], NOON)
    code = """
        ledger = module.Ledger.open(Path(sys.argv[1]))
        due = ledger.due(kit.NOON)
        print("ready", flush=True), sys.stdin.readline()
        print(*[delivery.number for delivery in due if ledger.claim(delivery, kit.NOON)])
    """
    racers = [python(code, path) for _ in range(2)]
    for racer in racers:
        assert racer.stdout and racer.stdout.readline() == "ready\n"  # noqa: PT018 - the first only types it
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [int(number) for racer in racers for number in finish(racer)[1].split()]
    assert sorted(won) == [delivery.number for delivery in ledger.in_doubt()]
    assert len(won) == 40


# Killed and kept out


def test_a_second_process_is_told_that_another_is_at_work(ledger: Ledger, path: FilePath):
    code = """
        try:
            with module.Ledger.open(Path(sys.argv[1])).working():
                print("in")
        except module.LedgerBusy as busy:
            print(busy)
    """
    with ledger.working():
        assert finish(python(code, path))[1].startswith("Another postbot is at work on")
    assert finish(python(code, path))[1] == "in"


def test_two_threads_do_not_work_at_once(ledger: Ledger):
    with ledger.working(), pytest.raises(LedgerBusy), ledger.working():
        pass


def test_work_that_fails_lets_go(ledger: Ledger):
    with pytest.raises(ZeroDivisionError), ledger.working():
        _ = 1 / 0
    with ledger.working():
        pass


def test_a_process_killed_at_work_lets_go(ledger: Ledger, path: FilePath):
    code = """
        with module.Ledger.open(Path(sys.argv[1])).working():
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert finish(python(code, path))[0] == -signal.SIGKILL
    with ledger.working():
        pass


@pytest.mark.parametrize(
    "step",
    ["DELETE FROM witnesses", "INSERT INTO outbox", "INSERT INTO told", "INSERT INTO events", "UPDATE pulse", "COMMIT"],
)
def test_a_kill_inside_a_transaction_leaves_nothing_of_it(ledger: Ledger, path: FilePath, step: str):
    ledger.record(OPEN, None, [], [], NOON)
    before, revision, audit = ledger.memory(), ledger.revision(), ledger.audit()
    code = """
        ledger = module.Ledger.open(Path(sys.argv[1]))
        def look(sql):  # the process dies just before SQLite carries out this statement
            if sql.startswith(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
        with ledger._engine.connect() as connection:
            connection.connection.driver_connection.set_trace_callback(look)
        ledger.record(kit.CLOSED, None, [kit.OPENED], ["closed"], kit.NOON)
    """
    assert finish(python(code, path, step))[0] == -signal.SIGKILL
    ledger.close()
    again = Ledger.open(path)
    assert (again.memory(), again.revision(), again.due(LATER)) == (before, revision, [])
    assert again.audit() == audit
    assert again.verify().whole
    again.close()


def test_a_crash_between_claim_and_settlement_is_found_again(ledger: Ledger, path: FilePath):
    delivery = queued(ledger)
    code = """
        ledger = module.Ledger.open(Path(sys.argv[1]))
        assert ledger.claim(ledger.due(kit.NOON)[0], kit.NOON)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert finish(python(code, path))[0] == -signal.SIGKILL
    (left,) = ledger.in_doubt()
    ledger.settle(left, NOT_SENT, NOON)
    assert left == replace(delivery, status=DeliveryStatus.CLAIMED, claimed_at=NOON)
    assert [due.attempts for due in ledger.due(LATER)] == [1]


def test_many_processes_may_make_the_same_ledger(path: FilePath):
    code = """
        ledger = module.Ledger.open(Path(sys.argv[1]))
        ledger.tell([], [sys.argv[2]], kit.NOON)
    """
    makers = [python(code, path, number) for number in range(4)]
    assert [finish(maker)[0] for maker in makers] == [0] * 4
    ledger = Ledger.open(path)
    assert ledger.memory().told == frozenset("0123")
    ledger.close()


# What the disk may do


def test_a_full_disk_is_a_sentence_and_changes_nothing(ledger: Ledger, path: FilePath):
    before = ledger.memory()
    with ledger._engine.connect() as connection:  # the pool hands the same connection to the write below
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="is full"):
        ledger.record(OPEN, None, [replace(OPENED, body="x" * 100_000)], ["k"], NOON)
    assert (ledger.memory(), ledger.due(NOON)) == (before, [])


def test_a_file_that_may_not_grow_is_a_sentence_and_changes_nothing(ledger: Ledger, path: FilePath):
    code = """
        import resource
        ledger = module.Ledger.open(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
        try:
            ledger.tell([kit.replace(kit.OPENED, body="x" * 200_000)], ["k"], kit.NOON)
        except module.LedgerError as error:
            print(error)
    """
    assert finish(python(code, path))[1].startswith(f"The ledger {path} could not be read or written")
    assert (ledger.memory(), ledger.due(NOON)) == (Memory(), [])


@pytest.fixture
def as_nobody(tmp_path: FilePath) -> Iterator[FilePath]:
    """A folder where permissions count, for root may write anywhere."""
    with tempfile.TemporaryDirectory() as name:
        yield FilePath(name)
        if os.geteuid() != os.getuid():
            os.seteuid(os.getuid())
        FilePath(name).chmod(0o755)


def give_up_rights(folder: FilePath, *files: FilePath) -> None:
    for file in files:
        file.chmod(0o444)
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(65534)


def test_a_read_only_ledger_is_a_sentence_at_the_door(as_nobody: FilePath):
    path = as_nobody / "ledger.db"
    Ledger.open(path).close()
    give_up_rights(as_nobody, path)
    assert "is read-only for this user" in refusal(path)


def test_a_ledger_that_another_user_has_open_can_be_read_but_not_written(as_nobody: FilePath):
    path = as_nobody / "ledger.db"
    theirs = Ledger.open(path)
    theirs.record(OPEN, None, [], [], NOON)
    give_up_rights(as_nobody, *as_nobody.iterdir())
    ours = Ledger.open(path)
    assert ours.memory().witnesses == {BAKER: OPEN}
    with pytest.raises(LedgerError, match="is read-only for this user"):
        ours.ticked(NOON)
    with pytest.raises(LedgerError, match="Cannot lock"), ours.working():
        pass
    ours.close()
    os.seteuid(os.getuid())
    theirs.close()


def test_a_folder_that_cannot_be_made_is_a_sentence(as_nobody: FilePath):
    give_up_rights(as_nobody)
    assert refusal(as_nobody / "postbot" / "ledger.db").startswith("Cannot make the folder")


def test_a_folder_in_the_place_of_the_file_is_a_sentence(tmp_path: FilePath):
    assert refusal(tmp_path).startswith("Cannot open the ledger")


def full(path: FilePath) -> None:
    ledger = Ledger.open(path)
    ledger.tell([replace(OPENED, key=str(n), body="x" * 900) for n in range(200)], [str(n) for n in range(200)], NOON)
    ledger.close()


@pytest.mark.parametrize("where", [0, 0.25, 0.5, 0.75], ids=["head", "quarter", "middle", "three quarters"])
def test_a_damaged_page_is_found_at_the_door(path: FilePath, where: float):
    full(path)
    data = bytearray(path.read_bytes())
    start = int(len(data) * where) // 4096 * 4096
    data[start : start + 4096] = random.Random(1).randbytes(4096)  # noqa: S311 - noise, no secret
    path.write_bytes(data)
    sentence = refusal(path)
    assert "is damaged" in sentence
    assert f"delete it, with {path.name}-wal" in sentence


def test_a_ledger_cut_short_is_found_at_the_door(path: FilePath):
    full(path)
    os.truncate(path, path.stat().st_size // 2)
    assert "is damaged" in refusal(path)


def test_some_other_file_is_not_taken_for_a_ledger(tmp_path: FilePath):
    notes, other = tmp_path / "notes.txt", tmp_path / "other.db"
    notes.write_text("buy flour\n" * 200)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.close()
    assert "is damaged (file is not a database)" in refusal(notes)
    assert "no ledger of postbot" in refusal(other)
    assert notes.read_text() == "buy flour\n" * 200


def test_a_ledger_deleted_starts_afresh(ledger: Ledger, path: FilePath):
    ledger.record(OPEN, None, [], [], NOON)
    ledger.close()
    path.unlink()
    again = Ledger.open(path)
    assert again.memory() == Memory()
    again.close()


# Schemas

RELEASED = {
    "0001": """
        CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
        CREATE TABLE witnesses (path VARCHAR NOT NULL PRIMARY KEY, blob VARCHAR NOT NULL, title VARCHAR NOT NULL,
            state VARCHAR NOT NULL, generation INTEGER NOT NULL, opens VARCHAR, closes VARCHAR, reason VARCHAR);
        CREATE TABLE requests (number INTEGER NOT NULL PRIMARY KEY, path VARCHAR NOT NULL,
            transition VARCHAR NOT NULL, wanted JSON NOT NULL, reason VARCHAR, "by" VARCHAR NOT NULL,
            filed_at VARCHAR NOT NULL, answered_at VARCHAR, done BOOLEAN, words VARCHAR);
        CREATE INDEX requests_by_answer ON requests (answered_at);
        CREATE TABLE told ("key" VARCHAR NOT NULL PRIMARY KEY, at VARCHAR NOT NULL);
        CREATE TABLE released (digest VARCHAR NOT NULL PRIMARY KEY, "by" VARCHAR NOT NULL, at VARCHAR NOT NULL);
        CREATE TABLE pulse (number INTEGER NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, last_tick VARCHAR);
        CREATE TABLE outbox (number INTEGER NOT NULL PRIMARY KEY, "key" VARCHAR NOT NULL UNIQUE, path VARCHAR,
            event VARCHAR NOT NULL, slug VARCHAR NOT NULL, channel VARCHAR NOT NULL, recipient VARCHAR NOT NULL,
            subject VARCHAR NOT NULL, body VARCHAR NOT NULL, status VARCHAR NOT NULL, attempts INTEGER NOT NULL,
            queued_at VARCHAR NOT NULL, changed_at VARCHAR NOT NULL, next_at VARCHAR, detail VARCHAR);
        CREATE INDEX outbox_by_status ON outbox (status);
        CREATE TABLE events (number INTEGER NOT NULL PRIMARY KEY, at VARCHAR NOT NULL, path VARCHAR,
            what VARCHAR NOT NULL, detail VARCHAR NOT NULL);
        CREATE INDEX events_by_path ON events (path);
        INSERT INTO alembic_version VALUES ('0001');
        INSERT INTO witnesses VALUES ('jobs/baker.md', 'b10b', 'Baker', 'open', 1,
            '2026-03-02T12:00:00.000000+00:00', '2026-03-11T12:00:00.000000+00:00', NULL);
        INSERT INTO requests VALUES (4, 'jobs/baker.md', 'extend', '{"closes": "2026-04-01"}', 'few applicants',
            'ann', '2026-03-02T12:00:00.000000+00:00', NULL, NULL, NULL);
        INSERT INTO told VALUES ('baker|1|opened', '2026-03-02T12:00:00.000000+00:00');
        INSERT INTO pulse VALUES (1, 3, '2026-03-02T12:00:00.000000+00:00');
        INSERT INTO outbox VALUES (9, 'baker|1|opened|ann', 'jobs/baker.md', 'opened', 'baker', 'console', 'ann',
            'Baker: open', 'It is open.' || char(10), 'due', 1, '2026-03-02T12:00:00.000000+00:00',
            '2026-03-02T12:00:00.000000+00:00', '2026-03-02T12:01:00.000000+00:00', 'The line is down.');
    """,
    "0002": """
        CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
        CREATE TABLE witnesses (path VARCHAR NOT NULL PRIMARY KEY, blob VARCHAR NOT NULL, title VARCHAR NOT NULL,
            state VARCHAR NOT NULL, generation INTEGER NOT NULL, opens VARCHAR, closes VARCHAR, reason VARCHAR,
            thread VARCHAR DEFAULT '' NOT NULL, news INTEGER DEFAULT '0' NOT NULL, gone BOOLEAN DEFAULT '0' NOT NULL);
        CREATE TABLE requests (number INTEGER NOT NULL PRIMARY KEY, path VARCHAR NOT NULL,
            transition VARCHAR NOT NULL, wanted JSON NOT NULL, reason VARCHAR, "by" VARCHAR NOT NULL,
            filed_at VARCHAR NOT NULL, answered_at VARCHAR, done BOOLEAN, words VARCHAR);
        CREATE INDEX requests_by_answer ON requests (answered_at);
        CREATE TABLE told ("key" VARCHAR NOT NULL PRIMARY KEY, at VARCHAR NOT NULL);
        CREATE TABLE released (digest VARCHAR NOT NULL PRIMARY KEY, "by" VARCHAR NOT NULL, at VARCHAR NOT NULL);
        CREATE TABLE pulse (number INTEGER NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, last_tick VARCHAR,
            events INTEGER DEFAULT '0' NOT NULL, head VARCHAR DEFAULT '' NOT NULL);
        CREATE TABLE outbox (number INTEGER NOT NULL PRIMARY KEY, "key" VARCHAR NOT NULL UNIQUE, path VARCHAR,
            event VARCHAR NOT NULL, slug VARCHAR NOT NULL, channel VARCHAR NOT NULL, recipient VARCHAR NOT NULL,
            subject VARCHAR NOT NULL, body VARCHAR NOT NULL, status VARCHAR NOT NULL, attempts INTEGER NOT NULL,
            queued_at VARCHAR NOT NULL, changed_at VARCHAR NOT NULL, next_at VARCHAR, detail VARCHAR,
            html VARCHAR DEFAULT '' NOT NULL, blocks VARCHAR DEFAULT '' NOT NULL,
            calendar VARCHAR DEFAULT '' NOT NULL, thread VARCHAR DEFAULT '' NOT NULL, why VARCHAR DEFAULT '' NOT NULL,
            place VARCHAR DEFAULT '' NOT NULL, page_url VARCHAR, page_shows VARCHAR, expires_at VARCHAR,
            claimed_at VARCHAR, root INTEGER, audience VARCHAR DEFAULT '' NOT NULL,
            named_by_posting BOOLEAN DEFAULT '0' NOT NULL);
        CREATE INDEX outbox_by_status ON outbox (status);
        CREATE INDEX outbox_by_thread ON outbox (thread, channel, recipient);
        CREATE INDEX outbox_by_path ON outbox (path, audience, channel, recipient);
        CREATE TABLE events (number INTEGER NOT NULL PRIMARY KEY, at VARCHAR NOT NULL, path VARCHAR,
            what VARCHAR NOT NULL, detail VARCHAR NOT NULL, "by" VARCHAR DEFAULT 'postbot' NOT NULL,
            "key" VARCHAR DEFAULT '' NOT NULL, "before" VARCHAR DEFAULT '' NOT NULL,
            "after" VARCHAR DEFAULT '' NOT NULL, hash VARCHAR DEFAULT '' NOT NULL);
        CREATE INDEX events_by_path ON events (path);
        INSERT INTO alembic_version VALUES ('0002');
        INSERT INTO witnesses VALUES ('jobs/baker.md', 'b10b', 'Baker', 'open', 1,
            '2026-03-02T12:00:00.000000+00:00', '2026-03-11T12:00:00.000000+00:00', NULL, '8e96fd1403c47f1f', 0, 0);
        INSERT INTO requests VALUES (4, 'jobs/baker.md', 'extend', '{"closes": "2026-04-01"}', 'few applicants',
            'ann', '2026-03-02T12:00:00.000000+00:00', NULL, NULL, NULL);
        INSERT INTO told VALUES ('baker|1|opened', '2026-03-02T12:00:00.000000+00:00');
        INSERT INTO released VALUES ('public', 'ann', '2026-03-02T12:00:00.000000+00:00');
        INSERT INTO pulse VALUES (1, 3, '2026-03-02T12:00:00.000000+00:00', 2,
            '92a5a96f32413334b49399cb8ca8a8921375e7ad938573938dc8fca236e14729');
        INSERT INTO outbox VALUES (9, 'baker|1|opened|ann', 'jobs/baker.md', 'opened', 'baker', 'console', 'ann',
            'Baker: open', 'It is open.' || char(10), 'due', 1, '2026-03-02T12:00:00.000000+00:00',
            '2026-03-02T12:00:00.000000+00:00', '2026-03-02T12:01:00.000000+00:00', 'The line is down.',
            '', '', '', 'public:8e96fd1403c47f1f', '', '', NULL, NULL,
            '2026-03-11T12:00:00.000000+00:00', NULL, NULL, 'public', 0);
        INSERT INTO events VALUES (1, '2026-03-02T12:00:00.000000+00:00', 'jobs/baker.md', 'seen',
            'open; opens 2026-03-02T12:00+00:00, closes 2026-03-11T12:00+00:00.',
            'postbot', '8e96fd1403c47f1f', '', 'open b10b',
            '516be05964c1d28710766988aebaa380b2847942e8d1db825b878d531d89f626');
        INSERT INTO events VALUES (2, '2026-03-02T12:00:00.000000+00:00', 'jobs/baker.md', 'asked',
            'ann asked to extend with closes=2026-04-01, because: few applicants.',
            'ann', 'request 4', '', 'asked',
            '92a5a96f32413334b49399cb8ca8a8921375e7ad938573938dc8fca236e14729');
    """,
}
"""Every schema ever released, with data, as its postbot left it. Never edited: a new schema is a new entry."""


def released(path: FilePath, schema: str) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript(RELEASED[schema])
    connection.close()


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "postbot:migrations")
    return ScriptDirectory.from_config(config)


def test_every_schema_is_kept_as_an_example_and_the_last_one_is_ours():
    steps = [step.revision for step in scripts().walk_revisions()]
    assert steps == sorted(RELEASED, reverse=True)
    assert steps[0] == HEAD
    assert all(len(step) == len(HEAD) and step.isdigit() for step in steps)


@pytest.mark.parametrize("schema", RELEASED)
def test_a_ledger_of_every_released_schema_opens_with_its_data(path: FilePath, schema: str):
    released(path, schema)
    ledger = Ledger.open(path)
    request = Request(4, BAKER, WISH, "ann", NOON)
    baker = replace(OPEN, thread="8e96fd1403c47f1f")
    spoken, free = frozenset({"baker|1|opened"}), frozenset({RELEASE})
    assert ledger.memory() == Memory({BAKER: baker}, (request,), spoken, free, NOON)
    (delivery,) = ledger.due(LATER)
    ends = replace(OF_BAKER, thread=f"public:{baker.thread}", expires=OPEN.closes)
    assert (delivery.message, delivery.attempts, delivery.detail) == (ends, 1, NOT_SENT.detail)
    assert ledger.file(BAKER, WISH, "ben", NOON).number == 5
    assert ledger.verify().whole
    ledger.close()


@pytest.mark.parametrize("schema", [None, *RELEASED])
def test_the_migrations_lead_to_the_tables_that_the_code_uses(path: FilePath, schema: str | None):
    if schema:
        released(path, schema)
    ledger = Ledger.open(path)
    with ledger._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    ledger.close()


def test_a_ledger_of_a_newer_postbot_is_refused_and_left_alone(ledger: Ledger, path: FilePath):
    ledger.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = path.read_bytes()
    assert "newer postbot" in refusal(path)
    assert path.read_bytes() == before


def test_a_migration_that_is_killed_never_was(path: FilePath):
    code = """
        import sqlite3
        from alembic.runtime import migration
        def last(*args, **kwargs):  # the process dies where the version is written, with all tables made
            os.kill(os.getpid(), signal.SIGKILL)
        migration.HeadMaintainer.update_to_step = last
        module.Ledger.open(Path(sys.argv[1]))
    """
    assert finish(python(code, path))[0] == -signal.SIGKILL
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    Ledger.open(path).close()


def test_opening_a_ledger_of_our_schema_does_not_import_alembic(ledger: Ledger, path: FilePath):
    code = "import sys, pathlib, postbot.ledger as m; m.Ledger.open(pathlib.Path(sys.argv[1])); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
