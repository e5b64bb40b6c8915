"""The ledger's schema through time: every one that was released leads to ours, in a file and in PostgreSQL."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path as FilePath

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from postbot.core.announce import Event
from postbot.core.announce.words import RELEASE
from postbot.core.plan.memory import Memory, Request, Spoken
from postbot.ledger import HEAD, METADATA, Ledger, LedgerBusy, LedgerError, LedgerUnready
from tests.ledgers import (
    BAKER,
    KINDS,
    LATER,
    NOON,
    NOT_SENT,
    OF_BAKER,
    OPEN,
    RELEASED,
    WISH,
    Place,
    by_hand,
    change,
    finish,
    python,
    released,
)


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
def test_a_ledger_of_every_released_schema_opens_with_its_data(place: Place, schema: str):
    released(place, schema)
    ledger = Ledger.open(place)
    request = Request(4, BAKER, WISH, "ann", NOON)
    baker = replace(OPEN, thread="8e96fd1403c47f1f")
    spoken, free = frozenset({"baker|1|opened"}), frozenset({RELEASE})
    opened = Spoken(BAKER, Event.OPENED, "baker|1|opened|ann", "console", "ann", "due", NOON)
    assert ledger.memory() == Memory({BAKER: baker}, (request,), spoken, free, NOON, spoken=(opened,))
    (delivery,) = ledger.due(LATER)
    ends = replace(OF_BAKER, thread=f"public:{baker.thread}", expires=OPEN.closes)
    assert (delivery.message, delivery.attempts, delivery.detail) == (ends, 1, NOT_SENT.detail)
    assert ledger.file(BAKER, WISH, "ben", NOON).number == (5 if isinstance(place, FilePath) else 10)
    assert ledger.verify().whole
    assert ledger.was == schema
    ledger.close()


def test_who_had_an_opinion_before_ids_were_kept_is_known_by_the_one_in_their_name(place: Place):
    released(place, "0004")
    row = "INSERT INTO opinions VALUES (:number, 'postbot/open/x', 'l1nes', 'approve', :by, :at, '', NULL, NULL)"
    names = ("Ada (U0ADA1)", "ada-gov", "Ben (U0BEN1) Baker", "Cal (W0CAL1)")
    for number, by in enumerate(names, 1):
        change(place, row, number=number, by=by, at=NOON.isoformat())
    ledger = Ledger.open(place)
    askers = [(each.by, each.asker) for each in ledger.memory().opinions]
    ledger.close()
    assert askers == list(zip(names, ("slack:U0ADA1", "", "", "slack:W0CAL1"), strict=True))


@pytest.mark.parametrize("schema", [None, *RELEASED])
def test_the_migrations_lead_to_the_tables_that_the_code_uses(place: Place, schema: str | None):
    if schema:
        released(place, schema)
    Ledger.open(place).close()
    with by_hand(place).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_ledger_of_a_newer_postbot_is_refused_and_left_alone(ledger: Ledger, place: Place):
    ledger.close()
    change(place, "UPDATE alembic_version SET version_num = '9999'")
    before = place.read_bytes() if isinstance(place, FilePath) else b""
    with pytest.raises(LedgerError, match="newer postbot"):
        Ledger.open(place)
    assert before == (place.read_bytes() if isinstance(place, FilePath) else b"")


def test_a_migration_that_is_killed_never_was(place: Place):
    code = """
        import sqlite3
        from alembic.runtime import migration
        def last(*args, **kwargs):  # the process dies where the version is written, with all tables made
            os.kill(os.getpid(), signal.SIGKILL)
        migration.HeadMaintainer.update_to_step = last
        module.Ledger.open(sys.argv[1])
    """
    assert finish(python(code, place))[0] == -signal.SIGKILL
    with by_hand(place).connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    Ledger.open(place).close()


def test_many_processes_may_make_the_same_ledger(place: Place):
    code = """
        ledger = module.Ledger.open(sys.argv[1])
        ledger.tell([], [sys.argv[2]], kit.NOON)
    """
    makers = [python(code, place, number) for number in range(4)]
    assert [finish(maker)[0] for maker in makers] == [0] * 4
    ledger = Ledger.open(place)
    assert ledger.memory().told == frozenset("0123")
    ledger.close()


@pytest.mark.parametrize("kind", KINDS)
def test_one_process_may_make_many_ledgers_at_once(kind: str, tmp_path: FilePath, request: pytest.FixtureRequest):
    """A service opens all its sites; Alembic by itself can do one thing at a time only."""

    def fresh(number: int) -> Place:
        return tmp_path / f"{number}.db" if kind == "SQLite" else request.getfixturevalue("postgres").url()

    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(Ledger.open, [fresh(number) for number in range(12)]))
    for ledger in made:
        ledger.ticked(NOON)
        ledger.close()


def test_opening_a_ledger_of_our_schema_does_not_import_alembic(ledger: Ledger, place: Place):
    code = "import sys, postbot.ledger as m; m.Ledger.open(sys.argv[1]).close(); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(place)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Who only looks


def test_who_only_looks_makes_no_ledger(place: Place, tmp_path: FilePath):
    with pytest.raises(LedgerUnready, match=r"There is no ledger in .* yet.*postbot ledger migrate$"):
        Ledger.open(place, migrate=False)
    assert list(tmp_path.iterdir()) == []
    made = Ledger.open(place)
    assert made.was is None
    made.close()


def test_who_only_looks_changes_no_older_schema(place: Place):
    released(place, "0002")
    with pytest.raises(LedgerUnready, match=r"older schema \(0002; .*postbot ledger migrate$"):
        Ledger.open(place, migrate=False)
    with by_hand(place).connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "0002"


def test_who_only_looks_sees_all_that_is_there(ledger: Ledger, place: Place):
    ledger.record(OPEN, None, [], [], NOON)
    looker = Ledger.open(place, migrate=False)
    assert looker.memory() == ledger.memory()
    looker.close()


def test_a_file_is_not_migrated_under_the_hands_of_an_older_postbot_at_work(path: FilePath):
    Ledger.open(path).close()
    code = """
        with module.Ledger.open(sys.argv[1]).working():
            print("working", flush=True), sys.stdin.readline()
    """
    worker = python(code, path)
    assert worker.stdout
    assert worker.stdout.readline() == "working\n"
    change(path, "UPDATE alembic_version SET version_num = '0002'")
    with pytest.raises(LedgerBusy):
        Ledger.open(path)
    finish(worker)
