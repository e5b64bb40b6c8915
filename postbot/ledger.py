"""The one memory that postbot owns, on SQLite: what it witnessed, what people asked for, what was said to whom.

The promise: each method that writes is one transaction on the disk, or nothing. What is to be said is written down
together with what was witnessed, so that a crash between the two is impossible, and a message key exists once for
all time. Delivery is claim, send, settle: one claimer wins, and a claim without a settlement is found again.

It decides nothing and sends nothing; what a posting says is never remembered as truth, for git stays the only
record of that. A ledger may be deleted: postbot then adopts what stands and says nothing. Instants are aware, UTC
inside, stored as ISO text of one length so that text order is time order. Alembic is imported only where there is
something to migrate, because it takes longer to import than a tick takes to run.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Any, Final, TypeAlias

import filelock
import sqlalchemy as sa
from sqlalchemy import event as hooks
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import ConnectionPoolEntry

from postbot.core.announce import Event, Message, Outcome, Receipt
from postbot.core.lifecycle import Transition, Wish
from postbot.core.plan.memory import Memory, Request, Witness
from postbot.core.problem import PostbotError
from postbot.core.profile import State
from postbot.core.site import Path

HEAD: Final = "0001"
"""The schema that this postbot writes. Schemas are numbered, so that a newer one is a greater text."""

ATTEMPTS: Final = 12
"""How often a message is tried before it is held for a person."""

BACK_OFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360))
"""How long to wait after each attempt that did not send; the last one stands for all that follow."""

_PATIENCE: Final = 10  # seconds that a statement waits for another process's transaction
_LOCK_PATIENCE: Final = 0.5  # seconds that a tick waits for another one's last breath
_RENAMED: Final = "renamed"  # the entry whose detail is the path before, by which a history is followed back

_Row: TypeAlias = sa.Row[Any]  # a row's columns are typed by the table, which Python's types cannot see


class LedgerError(PostbotError):
    """The ledger could not be read or written, and nothing was changed. The sentence says what to do."""


class LedgerBusy(LedgerError):  # noqa: N818 - an answer of the world, not a fault
    """Another postbot is at work on this ledger."""


class DeliveryStatus(StrEnum):
    """Where a message stands on its way: to be sent, being sent, sent, held for a person, dropped by one."""

    DUE = "due"
    CLAIMED = "claimed"
    SENT = "sent"
    HELD = "held"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way. `attempts` counts the finished ones; `next_at` (UTC) is None for a first attempt."""

    number: int
    message: Message
    status: DeliveryStatus
    attempts: int
    next_at: datetime | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a posting, at an instant (UTC). `path` is what it was called then."""

    at: datetime
    path: Path
    what: str
    detail: str


# The tables --------------------------------------------------------------------------------------------------------


class _Instant(sa.types.TypeDecorator[datetime]):
    """An aware datetime as ISO text in UTC, always to the microsecond."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; the ledger takes aware instants only.")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


METADATA: Final = sa.MetaData()

_witnesses = sa.Table(
    "witnesses",
    METADATA,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("blob", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("opens", _Instant),
    sa.Column("closes", _Instant),
    sa.Column("reason", sa.String),
)
_requests = sa.Table(
    "requests",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("transition", sa.String, nullable=False),
    sa.Column("wanted", sa.JSON, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("filed_at", _Instant, nullable=False),
    sa.Column("answered_at", _Instant),
    sa.Column("done", sa.Boolean),
    sa.Column("words", sa.String),
    sa.Index("requests_by_answer", "answered_at"),
)
_told = sa.Table(
    "told",
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("at", _Instant, nullable=False),
)
_released = sa.Table(
    "released",
    METADATA,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("at", _Instant, nullable=False),
)
_pulse = sa.Table(
    "pulse",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("last_tick", _Instant),
)
_outbox = sa.Table(
    "outbox",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("key", sa.String, nullable=False, unique=True),
    sa.Column("path", sa.String),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("slug", sa.String, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("recipient", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("body", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("queued_at", _Instant, nullable=False),
    sa.Column("changed_at", _Instant, nullable=False),
    sa.Column("next_at", _Instant),
    sa.Column("detail", sa.String),
    sa.Index("outbox_by_status", "status"),
)
_events = sa.Table(
    "events",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", _Instant, nullable=False),
    sa.Column("path", sa.String),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Index("events_by_path", "path"),
)


# The ledger --------------------------------------------------------------------------------------------------------


class Ledger:
    """One ledger file. Safe to share between threads; every method may raise `LedgerError`.

    Methods that write take the present instant, for nothing here reads a clock.
    """

    def __init__(self, path: FilePath, engine: sa.Engine) -> None:
        self._path = path
        self._engine = engine

    @classmethod
    def open(cls, path: FilePath) -> "Ledger":
        """Open the ledger at `path`, or make it with its folders; bring an older schema up to date."""
        _make_folder(path.parent)
        made = not path.exists()
        ledger = cls(path, _engine(path))
        try:
            ledger._check(made=made)
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep every other postbot from this ledger; the system lets go of it even when this process is killed.

        Raises `LedgerBusy` when another one is at work, in this process or elsewhere.
        """
        # Never a lock that is a mere file: it would outlive a killed process.
        lock = filelock.FileLock(f"{self._path}.lock", timeout=_LOCK_PATIENCE, fallback_to_soft=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise LedgerBusy(
                f"Another postbot is at work on {self._path}. Wait until it is done, or stop it first."
            ) from None
        except OSError as error:
            raise LedgerError(f"Cannot lock {self._path}: {error.strerror or error}.") from error
        try:
            yield
        finally:
            lock.release()

    # What is remembered

    def memory(self) -> Memory:
        """Everything remembered, as of one moment."""
        with self._reading() as connection:
            return Memory(
                witnesses={
                    witness.path: witness for witness in map(_witness, connection.execute(sa.select(_witnesses)))
                },
                requests=tuple(map(_request, connection.execute(_open_requests()))),
                told=frozenset(connection.scalars(sa.select(_told.c.key))),
                released=frozenset(connection.scalars(sa.select(_released.c.digest))),
                last_tick=connection.scalar(sa.select(_pulse.c.last_tick)),
            )

    def revision(self) -> int:
        """Return a number that grows whenever `memory` changes, but for a last tick that merely moves on."""
        with self._reading() as connection:
            return int(connection.execute(sa.select(_pulse.c.revision)).scalar_one())

    def record(
        self,
        witness: Witness,
        was: Path | None,
        messages: Sequence[Message],
        told: Sequence[str],
        at: datetime,
    ) -> None:
        """Remember a posting as last seen, and what is to be said about it. `was` is its path before a renaming."""
        with self._writing() as connection:
            changed = _see(connection, witness, was, at)
            _say(connection, witness.path, messages, told, at, changed=changed)

    def adopt(self, witnesses: Sequence[Witness], at: datetime) -> None:
        """Remember many postings as they stand, all at once or not at all, with nothing to be said about them."""
        with self._writing() as connection:
            for witness in witnesses:
                _see(connection, witness, None, at)

    def forget(self, path: Path, messages: Sequence[Message], told: Sequence[str], at: datetime) -> None:
        """Remember a posting no longer, for its file is gone."""
        with self._writing() as connection:
            gone = connection.execute(sa.delete(_witnesses).where(_witnesses.c.path == path)).rowcount > 0
            if gone:
                _note(connection, at, path, "gone", "The file is no longer on the base branch.")
            _say(connection, path, messages, told, at, changed=gone)

    def tell(self, messages: Sequence[Message], told: Sequence[str], at: datetime) -> None:
        """Queue what is to be said without anything witnessed."""
        with self._writing() as connection:
            _say(connection, None, messages, told, at)

    def file(self, path: Path, wish: Wish, by: str, at: datetime) -> Request:
        """File a person's wish. It stands, whatever happens to this process, once this returns."""
        row = {
            "path": path,
            "transition": wish.transition.value,
            "wanted": dict(wish.values),
            "reason": wish.reason,
            "by": by,
            "filed_at": at,
        }
        with self._writing() as connection:
            made = connection.execute(sa.insert(_requests).values(row).returning(*_requests.c)).one()
            _note(connection, at, path, "asked", f"{by} asked to {_wish_in_words(wish)}.")
            _turn(connection)
        return _request(made)

    def answer(
        self,
        request: Request,
        done: bool,
        words: str,
        messages: Sequence[Message],
        told: Sequence[str],
        at: datetime,
    ) -> None:
        """Answer a request, in words for the person who asked. The first answer counts; a later one does nothing."""
        answer = {"answered_at": at, "done": done, "words": words}
        mine = sa.and_(_requests.c.number == request.number, _requests.c.answered_at.is_(None))
        with self._writing() as connection:
            where = connection.scalar(sa.update(_requests).where(mine).values(answer).returning(_requests.c.path))
            if where is None:
                return
            _note(connection, at, where, "answered" if done else "refused", words)
            _say(connection, where, messages, told, at, changed=True)

    def answered(self, number: int) -> tuple[bool, str] | None:
        """Whether a request was carried out, and the words of its answer; None while it is open."""
        answer = sa.select(_requests.c.done, _requests.c.words).where(
            _requests.c.number == number, _requests.c.answered_at.is_not(None)
        )
        with self._reading() as connection:
            row = connection.execute(answer).one_or_none()
        return None if row is None else (row.done, row.words)

    def release(self, digest: str, by: str, at: datetime) -> None:
        """Free the held plan of this digest, once and for all."""
        row = {"digest": digest, "by": by, "at": at}
        with self._writing() as connection:
            if connection.execute(insert(_released).values(row).on_conflict_do_nothing()).rowcount:
                _note(connection, at, None, "released", f"{by} released plan {digest}.")
                _turn(connection)

    def ticked(self, at: datetime) -> None:
        """Remember the last tick. It may go back, for that is what releasing a plan held for its clock means."""
        # Only a first tick and one that goes back can change what an unchanged world asks for.
        turns = sa.or_(_pulse.c.last_tick.is_(None), _pulse.c.last_tick > at)
        revision = _pulse.c.revision + sa.case((turns, 1), else_=0)
        with self._writing() as connection:
            connection.execute(sa.update(_pulse).values(last_tick=at, revision=revision))

    # What is on its way

    def due(self, at: datetime) -> list[Delivery]:
        """List what is to be sent at `at`, oldest first."""
        ripe = sa.or_(_outbox.c.next_at.is_(None), _outbox.c.next_at <= at)
        return self._deliveries(
            sa.select(_outbox).where(_outbox.c.status == DeliveryStatus.DUE.value, ripe).order_by(_outbox.c.number)
        )

    def claim(self, delivery: Delivery, at: datetime) -> bool:
        """Take a due delivery for oneself: true for exactly one caller, who must send and then settle it."""
        claimed = self._move(delivery, DeliveryStatus.DUE).values(status=DeliveryStatus.CLAIMED.value, changed_at=at)
        with self._writing() as connection:
            return connection.execute(claimed).rowcount == 1

    def settle(self, delivery: Delivery, receipt: Receipt, at: datetime) -> None:
        """Write down what became of a claimed delivery. Without a standing claim it changes nothing.

        What was not sent is tried again after a while (`BACK_OFF`, `ATTEMPTS`); what may have been sent is held.
        """
        attempts = delivery.attempts + 1
        status, next_at = _fate(receipt.outcome, attempts, at)
        settled = self._move(delivery, DeliveryStatus.CLAIMED).values(
            status=status.value, attempts=attempts, next_at=next_at, detail=receipt.detail, changed_at=at
        )
        with self._writing() as connection:
            row = connection.execute(settled.returning(_outbox.c.path)).one_or_none()
            if row is not None:
                what = "tried" if status is DeliveryStatus.DUE else status.value
                _note(connection, at, row.path, what, _delivery_in_words(delivery, receipt))

    def left_claimed(self) -> list[Delivery]:
        """List what was claimed and never settled: after a start, the trace of a crash in mid-send."""
        claimed = _outbox.c.status == DeliveryStatus.CLAIMED.value
        return self._deliveries(sa.select(_outbox).where(claimed).order_by(_outbox.c.number))

    def deliveries(self, *, held_only: bool = False, limit: int = 200) -> list[Delivery]:
        """List the latest deliveries, newest first."""
        wanted = sa.select(_outbox).order_by(_outbox.c.number.desc()).limit(limit)
        return self._deliveries(wanted.where(_outbox.c.status == DeliveryStatus.HELD.value) if held_only else wanted)

    def history(self, path: Path) -> list[Entry]:
        """List what happened to a posting, oldest first, also under the names it had before."""
        trail: list[_Row] = []
        name: str | None = path
        before: int | None = None
        with self._reading() as connection:
            while name is not None:
                part = connection.execute(_events_of(name, before)).all()
                renamed = next((row for row in part if row.what == _RENAMED), None)
                trail += [row for row in part if renamed is None or row.number >= renamed.number]
                name, before = (renamed.detail, renamed.number) if renamed else (None, None)
        return [Entry(row.at, Path(row.path), row.what, row.detail) for row in reversed(trail)]

    # How the file is reached

    def _deliveries(self, wanted: sa.Select[tuple[Any, ...]]) -> list[Delivery]:
        with self._reading() as connection:
            return [_delivery(row) for row in connection.execute(wanted)]

    def _move(self, delivery: Delivery, status: DeliveryStatus) -> sa.Update:
        """One step of a delivery, made only where it still stands as the caller knows it."""
        return sa.update(_outbox).where(
            _outbox.c.number == delivery.number,
            _outbox.c.status == status.value,
            _outbox.c.attempts == delivery.attempts,
        )

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _sentences(self._path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        # A transaction that reads first and writes later may find that it may not: take the right to write at once.
        with _sentences(self._path), self._engine.connect() as connection:
            writer = connection.execution_options(begin="BEGIN IMMEDIATE")
            with writer.begin():
                yield writer

    def _check(self, *, made: bool) -> None:
        """See that the file is whole and of our schema; bring it there where it is older."""
        with self._reading() as connection:
            found = "ok" if made else connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            schema = _schema(connection, self._path) if found == "ok" else None
        if found != "ok":
            raise LedgerError(_damaged(self._path, found))
        if schema == HEAD:
            return
        if schema is not None and schema > HEAD:
            raise LedgerError(
                f"The ledger {self._path} was made by a newer postbot (its schema is {schema}, this one knows "
                f"{HEAD}). Install that postbot again; nothing was changed."
            )
        with self._writing() as connection:
            _migrate(connection)


def _make_folder(folder: FilePath) -> None:
    if folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The folder often stands inside a site's checkout, and what is in it is nobody's to commit.
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise LedgerError(f"Cannot make the folder {folder} for the ledger: {error.strerror}.") from error


def _engine(path: FilePath) -> sa.Engine:
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


def _schema(connection: sa.Connection, path: FilePath) -> str | None:
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
def _sentences(path: FilePath) -> Iterator[None]:
    """What SQLite and the system say, as sentences; what only a bug can cause stays what it is."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        sentence = _sentence(path, cause) if isinstance(cause, sqlite3.Error) else None
        if sentence is None:
            raise
        raise LedgerError(sentence) from error


def _sentence(path: FilePath, cause: sqlite3.Error) -> str | None:
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


def _damaged(path: FilePath, why: str) -> str:
    return (
        f"The ledger {path} is damaged ({' '.join(why.split())}). To start afresh delete it, with {path.name}-wal and "
        f"{path.name}-shm beside it: postbot then adopts what stands on the site and says nothing about it, but "
        "forgets open requests and unsent messages."
    )


# Steps of a transaction --------------------------------------------------------------------------------------------


def _see(connection: sa.Connection, witness: Witness, was: Path | None, at: datetime) -> bool:
    """Remember a witness, under its new path where it has been renamed; whether that changed anything."""
    names = _witnesses.c.path.in_({witness.path, was or witness.path})
    known = {seen.path: seen for seen in map(_witness, connection.execute(sa.select(_witnesses).where(names)))}
    if known == {witness.path: witness}:
        return False
    connection.execute(sa.delete(_witnesses).where(names))
    connection.execute(sa.insert(_witnesses).values(asdict(witness)))
    if was in known and was != witness.path:
        _rename(connection, was, witness.path, at)
    _note(connection, at, witness.path, "seen", _witness_in_words(witness))
    return True


def _rename(connection: sa.Connection, was: Path, path: Path, at: datetime) -> None:
    """What is still open about a posting goes where the posting went; what has happened stays as it was."""
    waiting = sa.and_(_requests.c.path == was, _requests.c.answered_at.is_(None))
    connection.execute(sa.update(_requests).where(waiting).values(path=path))
    connection.execute(sa.update(_outbox).where(_outbox.c.path == was).values(path=path))
    _note(connection, at, path, _RENAMED, was)


def _say(
    connection: sa.Connection,
    path: Path | None,
    messages: Sequence[Message],
    told: Sequence[str],
    at: datetime,
    *,
    changed: bool = False,
) -> None:
    """Write down what is told and queue its messages, each key once for all time; turn where memory has changed."""
    for message in messages:
        row = asdict(message) | {"path": path, "status": DeliveryStatus.DUE.value, "attempts": 0}
        made = insert(_outbox).values(row | {"queued_at": at, "changed_at": at})
        connection.execute(made.on_conflict_do_nothing(index_elements=["key"]))
    for key in told:
        made = insert(_told).values(key=key, at=at).on_conflict_do_nothing()
        changed = connection.execute(made).rowcount > 0 or changed
    if changed:
        _turn(connection)


def _turn(connection: sa.Connection) -> None:
    connection.execute(sa.update(_pulse).values(revision=_pulse.c.revision + 1))


def _note(connection: sa.Connection, at: datetime, path: Path | None, what: str, detail: str) -> None:
    connection.execute(sa.insert(_events).values(at=at, path=path, what=what, detail=detail))


def _fate(outcome: Outcome, attempts: int, at: datetime) -> tuple[DeliveryStatus, datetime | None]:
    """Where a delivery stands after so many attempts, and when it is tried again."""
    if outcome is Outcome.SENT:
        return DeliveryStatus.SENT, None
    if outcome is Outcome.NOT_SENT and attempts < ATTEMPTS:
        return DeliveryStatus.DUE, at + BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    return DeliveryStatus.HELD, None


# Rows and values ---------------------------------------------------------------------------------------------------


def _open_requests() -> sa.Select[tuple[Any, ...]]:
    return sa.select(_requests).where(_requests.c.answered_at.is_(None)).order_by(_requests.c.number)


def _events_of(name: str, before: int | None) -> sa.Select[tuple[Any, ...]]:
    wanted = sa.select(_events).where(_events.c.path == name).order_by(_events.c.number.desc())
    return wanted if before is None else wanted.where(_events.c.number < before)


def _witness(row: _Row) -> Witness:
    return Witness(
        path=Path(row.path),
        blob=row.blob,
        title=row.title,
        state=State(row.state),
        generation=row.generation,
        opens=row.opens,
        closes=row.closes,
        reason=row.reason,
    )


def _request(row: _Row) -> Request:
    wish = Wish(Transition(row.transition), row.wanted, row.reason)
    return Request(row.number, Path(row.path), wish, row.by, row.filed_at)


def _delivery(row: _Row) -> Delivery:
    message = Message(
        key=row.key,
        event=Event(row.event),
        slug=row.slug,
        channel=row.channel,
        recipient=row.recipient,
        subject=row.subject,
        body=row.body,
    )
    return Delivery(row.number, message, DeliveryStatus(row.status), row.attempts, row.next_at, row.detail)


def _witness_in_words(witness: Witness) -> str:
    window = [at.isoformat(timespec="minutes") if at else "not known" for at in (witness.opens, witness.closes)]
    reason = f", {witness.reason}" if witness.reason else ""
    return f"{witness.state}{reason}; opens {window[0]}, closes {window[1]}."


def _wish_in_words(wish: Wish) -> str:
    values = ", ".join(f"{key}={value}" for key, value in wish.values.items())
    reason = f", because: {wish.reason}" if wish.reason else ""
    return f"{wish.transition}{' with ' if values else ''}{values}{reason}"


def _delivery_in_words(delivery: Delivery, receipt: Receipt) -> str:
    message = delivery.message
    return f"{message.event} to {message.recipient} by {message.channel}: {receipt.detail}"
