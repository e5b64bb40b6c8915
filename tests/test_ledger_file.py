"""The ledger as a file: what the disk and the system may do to it, and what is said then."""

import os
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath

import pytest

from postbot.core.plan.memory import Memory
from postbot.ledger import Ledger, LedgerError
from tests.ledgers import BAKER, NOON, OPEN, OPENED, WISH, finish, python


@pytest.fixture
def place(path: FilePath) -> FilePath:
    return path


def refusal(path: FilePath) -> str:
    with pytest.raises(LedgerError) as refused:
        Ledger.open(path)
    return str(refused.value)


def test_a_new_folder_keeps_itself_out_of_git(ledger: Ledger, path: FilePath):
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_is_left_as_it_was(tmp_path: FilePath):
    Ledger.open(tmp_path / "ledger.db").close()
    assert not (tmp_path / ".gitignore").exists()


# What the disk may do


def test_a_full_disk_is_a_sentence_and_changes_nothing(ledger: Ledger, path: FilePath):
    before = ledger.memory()
    with ledger._store.engine.connect() as connection:  # the pool hands the same connection to the write below
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="is full"):
        ledger.record(OPEN, None, [replace(OPENED, body="x" * 100_000)], ["k"], NOON)
    assert (ledger.memory(), ledger.due(NOON)) == (before, [])


def test_a_file_that_may_not_grow_is_a_sentence_and_changes_nothing(ledger: Ledger, path: FilePath):
    code = """
        import resource
        ledger = module.Ledger.open(sys.argv[1])
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


def test_a_folder_that_nobody_may_enter_is_a_sentence(as_nobody: FilePath):
    inner = as_nobody / "closed"
    inner.mkdir()
    inner.chmod(0)
    give_up_rights(as_nobody)
    try:
        assert refusal(inner / "ledger.db") == f"Cannot look for the ledger {inner / 'ledger.db'}: Permission denied."
    finally:
        os.seteuid(os.getuid())
        as_nobody.chmod(0o755)
        inner.chmod(0o700)


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


# A file that was put back by hand


def worked(ledger: Ledger) -> None:
    """Some work, such as a tick does."""
    with ledger.working():
        ledger.acted("merge", at=NOON)
        ledger.ticked(NOON)


def put_back(path: FilePath, data: bytes) -> Ledger:
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    path.write_bytes(data)
    return Ledger.open(path)


def copied(ledger: Ledger) -> bool:
    with ledger.working():
        return ledger.memory().copied


def kept(ledger: Ledger, path: FilePath) -> bytes:
    ledger.close()
    return path.read_bytes()


def test_an_older_file_in_its_place_is_known_for_what_it_is(ledger: Ledger, path: FilePath):
    worked(ledger)
    old = kept(ledger, path)
    again = Ledger.open(path)
    assert not copied(again)
    worked(again)
    again.close()
    back = put_back(path, old)
    assert copied(back)
    back.close()


def test_an_older_file_that_has_gone_on_by_itself_is_known_all_the_same(ledger: Ledger, path: FilePath):
    worked(ledger)
    old = kept(ledger, path)
    again = Ledger.open(path)
    worked(again)
    again.close()
    back = put_back(path, old)
    for number in range(5):
        back.file(BAKER, WISH, f"ann{number}", NOON)
    assert copied(back)
    back.close()


def test_a_file_that_went_on_since_it_was_marked_is_no_copy(ledger: Ledger, path: FilePath):
    worked(ledger)
    ledger.file(BAKER, WISH, "ann", NOON)
    code = """
        ledger = module.Ledger.open(sys.argv[1])
        with ledger.working():
            ledger.acted("merge", at=kit.NOON)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    finish(python(code, path))
    assert not copied(ledger)


def test_a_new_file_in_the_place_of_one_that_was_deleted_is_no_copy_of_it(ledger: Ledger, path: FilePath):
    worked(ledger)
    ledger.close()
    path.unlink()
    again = Ledger.open(path)
    again.file(BAKER, WISH, "ann", NOON)
    assert not copied(again)
    again.close()


@pytest.mark.parametrize("words", ["", "nonsense", "7", "x y", "1 2 3"])
def test_a_mark_that_cannot_be_read_says_nothing(ledger: Ledger, path: FilePath, words: str):
    worked(ledger)
    path.with_name("ledger.db.mark").write_text(words)
    assert not copied(ledger)


def test_a_ledger_deleted_starts_afresh(ledger: Ledger, path: FilePath):
    ledger.record(OPEN, None, [], [], NOON)
    ledger.close()
    path.unlink()
    again = Ledger.open(path)
    assert again.memory() == Memory()
    again.close()
