"""The ledger as a file of SQLite: how it is made, reached and kept whole, and what SQLite says, in sentences.

A transaction is on the disk, or it never was. One postbot works at a time, by a lock that the system lets go of even
when the process is killed. Beside the file lies a mark of how far its audit had come when somebody last worked on it: a
file that has not come so far was put back by hand from an older copy, and says so to whoever works on it next.
"""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import filelock
import sqlalchemy as sa
from sqlalchemy import event as hooks
from sqlalchemy.pool import ConnectionPoolEntry

from postbot.ledger import copying, schema
from postbot.ledger.audit import Writer
from postbot.ledger.tables import events, pulse
from postbot.ledger.values import Lease, LedgerBusy, LedgerDamaged, LedgerError

_PATIENCE: Final = 10  # seconds that a statement waits for another process's transaction
_LOCK_PATIENCE: Final = 0.5  # seconds that a tick waits for another one's last breath


class File:
    """One file. Keeps the promises of `postbot.ledger.store.Store`."""

    def __init__(self, path: Path, *, migrate: bool) -> None:
        self.name = str(path)
        made = not _is_there(path)
        if made and not migrate:
            schema.demand_ready(None, self.name)
        _make_folder(path.parent)
        self._path = path
        self._mark = path.with_name(f"{path.name}.mark")
        self.engine = _engine_of(path)
        try:
            self.was = self._prepare(made=made, migrate=migrate)
        except BaseException:
            self.close()
            raise

    def _prepare(self, *, made: bool, migrate: bool) -> str | None:
        """See that the file is whole and of our schema; bring it there where it is older."""
        with self.reading() as connection:
            whole = "ok" if made else connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            number = schema.found(connection, self.name) if whole == "ok" else None
        if whole != "ok":
            raise LedgerDamaged(_damaged(self._path, whole))
        if not migrate:
            schema.demand_ready(number, self.name)
        elif number is None:
            self._mark.unlink(missing_ok=True)  # what was marked is lost, and this is no copy of it
            schema.migrate(self._transaction())
        elif number < schema.HEAD:
            with _working(self._path):
                schema.migrate(self._transaction())
        return number

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    @contextmanager
    def reading(self, *, is_long: bool = False) -> Iterator[sa.Connection]:  # noqa: ARG002 - SQLite does not mind
        """One look at the file, as of one moment."""
        with self._sentences(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, is_long: bool = False) -> Iterator[Writer]:  # noqa: ARG002 - the same
        """One transaction: all of it is on the disk when this ends, or nothing."""
        with self._transaction() as connection:
            writer = Writer(connection)
            yield writer
            writer.finish()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        # A transaction that reads first and writes later may find that it may not: take the right to write at once.
        with self._sentences(), self.engine.connect() as connection:
            taken = connection.execution_options(begin="BEGIN IMMEDIATE")
            with taken.begin():
                yield taken

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep every other postbot out, and see whether the file is the one that was last worked on."""
        with _working(self._path):
            if self._is_older_copy():
                with self.writing() as writer:
                    copying.mark(writer)
            yield
            self._leave_mark()

    def demand_held(self) -> None:
        """Nobody else works: the lock is held for as long as this process lives, also while it is stopped."""

    def serving(self) -> AbstractContextManager[None]:
        """Keep every other service out, for as long as this one lives."""
        return _serving(self._path)

    # What one file alone has no use for

    def rested(self, wakes_at: datetime | None) -> None:
        """There is nobody to tell: no other postbot can work on this file while this one lives."""

    def lease(self) -> Lease | None:
        """There is none: the lock tells who works."""
        return None

    def count_on(self, connection: sa.Connection) -> None:
        """SQLite numbers a new row behind the last one by itself."""

    # The mark

    def _is_older_copy(self) -> bool:
        """Whether the audit has not come as far as the mark, or got there by another way."""
        with suppress(OSError, ValueError):
            count, head = self._mark.read_text(encoding="ascii").split()
            with self.reading() as connection:
                there = connection.scalar(sa.select(events.c.hash).where(events.c.number == int(count)))
            return bool(there != head)
        return False

    def _leave_mark(self) -> None:
        with self.reading() as connection:
            count, head = connection.execute(sa.select(pulse.c.events, pulse.c.head)).one()
        new, words = self._mark.with_name(f"{self._mark.name}.new"), f"{count} {head}\n"
        with suppress(OSError):  # an older mark says less, and nothing that is not so
            if count and (not self._mark.exists() or self._mark.read_text(encoding="ascii") != words):
                new.write_text(words, encoding="ascii")
                new.replace(self._mark)

    # What SQLite says

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """What SQLite and the system say, as sentences; what only a bug can cause stays what it is."""
        try:
            yield
        except sa.exc.TimeoutError as error:
            raise LedgerError(f"Too many at once use the ledger {self._path}. Try again later.") from error
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            sentence = _sentence(self._path, cause) if isinstance(cause, sqlite3.Error) else None
            if sentence is None:
                raise
            is_damage = _kind(cause) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
            raise (LedgerDamaged if is_damage else LedgerError)(sentence) from error
        except UnicodeDecodeError as error:  # of SQLite's own words about a damage, where they quote it
            raise LedgerDamaged(_damaged(self._path, "what it says is no text")) from error


def _working(path: Path) -> AbstractContextManager[None]:
    return _locked(path, ".lock", f"Another postbot is at work on {path}. Wait until it is done, or stop it first.")


def _serving(path: Path) -> AbstractContextManager[None]:
    busy = (
        f"Another postbot service runs on {path}. Stop it first; with SQLite there can be only one. "
        "For several, use `ledger: postgresql://...`"
    )
    return _locked(path, ".service.lock", busy)


@contextmanager
def _locked(path: Path, ending: str, busy: str) -> Iterator[None]:
    # Never a lock that is a mere file: it would outlive a killed process.
    held = filelock.FileLock(f"{path}{ending}", timeout=_LOCK_PATIENCE, fallback_to_soft=False)
    try:
        held.acquire()
    except filelock.Timeout:
        raise LedgerBusy(busy) from None
    except OSError as error:
        raise LedgerError(f"Cannot lock {path}: {error.strerror or error}.") from error
    try:
        yield
    finally:
        held.release()


def set_aside(path: Path) -> Path:
    """Move a file out of the way, and what SQLite keeps beside it, while nobody works on it; where it is then."""
    numbered = (path.with_name(f"{path.name}.damaged-{number}") for number in itertools.count(1))
    with _serving(path), _working(path):
        aside = next(each for each in numbered if not each.exists())
        try:
            for ending in ("-wal", "-shm", ""):  # last the file itself, lest a new one meet the log of another
                if (part := path.with_name(path.name + ending)).exists():
                    part.rename(aside.with_name(aside.name + ending))
        except OSError as error:
            raise LedgerError(f"Cannot move {path} to {aside}: {error.strerror or error}.") from error
    return aside


def _is_there(path: Path) -> bool:
    """Whether the file is there, as far as this user may know."""
    try:
        return path.exists()
    except OSError as error:
        raise LedgerError(f"Cannot look for the ledger {path}: {error.strerror}.") from error


def _make_folder(folder: Path) -> None:
    """Make the folder of the file, if there is none."""
    if folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The folder often stands inside a site's checkout, and what is in it is nobody's to commit.
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise LedgerError(f"Cannot make the folder {folder} for the ledger: {error.strerror}.") from error


def _engine_of(path: Path) -> sa.Engine:
    """What connects to the file."""
    # Without an isolation level Python's driver begins nothing by itself: each transaction is begun below.
    url = sa.URL.create("sqlite", database=str(path))
    engine = sa.create_engine(url, connect_args={"timeout": _PATIENCE, "isolation_level": None})
    hooks.listen(engine, "connect", _set_up)
    hooks.listen(engine, "begin", _begin)
    return engine


def _set_up(raw: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    # FULL: what a caller was told is written survives the loss of power, not only of the process.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        raw.execute(f"PRAGMA {pragma}").close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _kind(cause: BaseException | None) -> int:
    """What kind of trouble it is: the low byte of SQLite's code, for the rest tells it more finely."""
    return int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF


def _sentence(path: Path, cause: sqlite3.Error) -> str | None:
    match _kind(cause):
        case sqlite3.SQLITE_FULL:
            return f"The disk that holds the ledger {path} is full. Make room; nothing was changed."
        case sqlite3.SQLITE_IOERR:
            return f"The ledger {path} could not be read or written ({cause}). Look at the disk; nothing was changed."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return f"The ledger {path} is read-only for this user. Make the file and its folder writable."
        case sqlite3.SQLITE_CANTOPEN:
            return f"Cannot open the ledger {path}. See that its folder exists and that this user may write there."
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _damaged(path, str(cause))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"Another process has been writing the ledger {path} for {_PATIENCE} seconds. Try again later."
        case _:
            return None


def _damaged(path: Path, why: str) -> str:
    return (
        f"The ledger {path} is damaged ({' '.join(why.split())}). To start afresh delete it, with {path.name}-wal and "
        f"{path.name}-shm beside it: postbot then adopts what stands on the site and says nothing about it, but "
        "forgets open requests, unsent messages, and that somebody had paused it. If you have a backup: "
        "`postbot ledger restore FILE`"
    )
