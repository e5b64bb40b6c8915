"""The ledger's file: how it is made, reached and brought up to date, and what SQLite says, in sentences.

A transaction is on the disk, or it never was. Nothing here knows what is in the tables. Alembic is imported only
where there is something to migrate, because it takes longer to import than a tick takes to run.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import filelock
import sqlalchemy as sa
from sqlalchemy import event as hooks
from sqlalchemy.pool import ConnectionPoolEntry

from postbot.ledger.audit import Writer
from postbot.ledger.values import LedgerBusy, LedgerError

HEAD: Final = "0003"
"""The schema that this postbot writes. Schemas are numbered, so that a newer one is a greater text."""

_PATIENCE: Final = 10  # seconds that a statement waits for another process's transaction
_LOCK_PATIENCE: Final = 0.5  # seconds that a tick waits for another one's last breath


def make_folder(folder: Path) -> None:
    """Make the folder of the file, if there is none."""
    if folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The folder often stands inside a site's checkout, and what is in it is nobody's to commit.
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise LedgerError(f"Cannot make the folder {folder} for the ledger: {error.strerror}.") from error


def engine_of(path: Path) -> sa.Engine:
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


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keep every other postbot out; the system lets go of it even when this process is killed."""
    # Never a lock that is a mere file: it would outlive a killed process.
    held = filelock.FileLock(f"{path}.lock", timeout=_LOCK_PATIENCE, fallback_to_soft=False)
    try:
        held.acquire()
    except filelock.Timeout:
        raise LedgerBusy(f"Another postbot is at work on {path}. Wait until it is done, or stop it first.") from None
    except OSError as error:
        raise LedgerError(f"Cannot lock {path}: {error.strerror or error}.") from error
    try:
        yield
    finally:
        held.release()


@contextmanager
def reading(engine: sa.Engine, path: Path) -> Iterator[sa.Connection]:
    """One look at the file, as of one moment."""
    with sentences(path), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine, path: Path) -> Iterator[Writer]:
    """One transaction: all of it is on the disk when this ends, or nothing."""
    with _transaction(engine, path) as connection:
        writer = Writer(connection)
        yield writer
        writer.finish()


@contextmanager
def _transaction(engine: sa.Engine, path: Path) -> Iterator[sa.Connection]:
    # A transaction that reads first and writes later may find that it may not: take the right to write at once.
    with sentences(path), engine.connect() as connection:
        taken = connection.execution_options(begin="BEGIN IMMEDIATE")
        with taken.begin():
            yield taken


def check(engine: sa.Engine, path: Path, *, made: bool) -> None:
    """See that the file is whole and of our schema; bring it there where it is older."""
    with reading(engine, path) as connection:
        found = "ok" if made else connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        schema = _schema(connection, path) if found == "ok" else None
    if found != "ok":
        raise LedgerError(_damaged(path, found))
    if schema == HEAD:
        return
    if schema is not None and schema > HEAD:
        raise LedgerError(
            f"The ledger {path} was made by a newer postbot (its schema is {schema}, this one knows {HEAD}). "
            "Install that postbot again; nothing was changed."
        )
    with _transaction(engine, path) as connection:
        _migrate(connection)


def _schema(connection: sa.Connection, path: Path) -> str | None:
    """The number of the file's schema, or None for an empty file."""
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" not in tables or "outbox" not in tables:
        raise LedgerError(f"{path} is an SQLite file, but no ledger of postbot. Name another file for the ledger.")
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())


def _migrate(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, and most starts have nothing to migrate
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", "postbot:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """What SQLite and the system say, as sentences; what only a bug can cause stays what it is."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        sentence = _sentence(path, cause) if isinstance(cause, sqlite3.Error) else None
        if sentence is None:
            raise
        raise LedgerError(sentence) from error


def _sentence(path: Path, cause: sqlite3.Error) -> str | None:
    match getattr(cause, "sqlite_errorcode", 0) & 0xFF:  # the low byte is the kind, the rest tells it more finely
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
        "forgets open requests and unsent messages."
    )
