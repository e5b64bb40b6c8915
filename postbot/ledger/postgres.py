"""The ledger as a schema of PostgreSQL, which several replicas share, and what PostgreSQL says, in sentences.

Everything is a short transaction that brings its own settings, and nothing is left to a session: no advisory lock, no
prepared statement, no path that stays set. So a pooler in transaction mode may stand between. Who writes begins by
locking the one row of `pulse`, which lets one write at a time.

One replica works at a time, by a lease: a row with an end by the database's clock, and an epoch that grows whenever it
is taken. Who holds it renews it; whoever was stopped and wakes up later finds another epoch, and every write of its
work fails in the transaction that was to make it. Leases without such a fence protect nothing:
https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
"""

import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from postbot import steady
from postbot.ledger import schema
from postbot.ledger.audit import Writer
from postbot.ledger.tables import METADATA, lease, pulse
from postbot.ledger.values import LEASE, RENEWAL, Lease, LedgerBusy, LedgerError
from postbot.settings import LEDGER_SCHEMA

SCHEME: Final = "postgresql://"

_LONGEST_WORK: Final = timedelta(minutes=15)
"""Longer than any tick takes. What hangs for longer keeps the lease no more; the epoch keeps it from writing then."""
_ON_ITS_WAY: Final = timedelta(seconds=2)
"""How long before the end of a lease nothing is sent any more, for it is to be there before another one looks."""
_CLOSING: Final = timedelta(seconds=2)  # how long a renewal that is under way is waited for

_DRIVER: Final[Mapping[str, Any]] = {
    "application_name": "postbot",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    # A pooler hands each transaction to another session, which knows nothing of what was prepared in this one.
    "prepare_threshold": None,
    # Half a minute without an answer from the network, and the connection is taken to be lost (tcp(7)).
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
_SETTINGS: Final = {"statement_timeout": "30s", "lock_timeout": "10s"}
# Shorter than what others wait for a lock: a process that was stopped in mid-transaction must not stop them all.
_IDLE, _SHORT, _LONG = "idle_in_transaction_session_timeout", "5s", "10min"
_TRIES: Final = 5
_MADE_MEANWHILE: Final = {"23505", "42701", "42710", "42P06", "42P07"}
"""What PostgreSQL says to all but one of those who make the same schema, table or column at once."""

_NOW: Final = sa.select(sa.func.clock_timestamp())
_TURN: Final = sa.select(pulse.c.number).with_for_update()
_MINE: Final = sa.select(lease.c.epoch, lease.c.holder).with_for_update(read=True)
_TAKEN: Final = sa.select(lease).with_for_update()
_SEEN: Final = sa.select(lease, sa.func.clock_timestamp().label("now"))


@dataclass
class _Held:
    """A lease that a thread holds, and what its work has left to wait for once it has ended well.

    Until `surely_until` (`steady.seconds`) nobody else can have taken it.
    """

    epoch: int
    surely_until: float
    rested: bool = False
    wakes_at: datetime | None = None


class Database:
    """One schema of one database. Keeps the promises of `postbot.ledger.store.Store`."""

    def __init__(self, url: str, *, migrate: bool) -> None:
        self._address, self._schema = _address(url)
        self.name = _told(self._address, self._schema)
        self._user = self._address.username or "the user"
        self._closed = False
        self._mine = threading.local()
        self._taken: int | None = None  # the epoch of the last work here
        self._is_left = False  # that work has ended, and its lease could not be given back
        self.engine = _engine(self._address)
        self._look = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        try:
            self.was = self._prepare() if migrate else self._demand_ready()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of every connection that no other ledger on this server uses."""
        with _SHARING:
            is_closed, self._closed = self._closed, True
        if not is_closed:
            _let_go(self._address)

    # How it is made and brought up to date

    def _demand_ready(self) -> str:
        number = self._found()
        schema.demand_ready(number, self.name)
        assert number is not None
        return number

    def _found(self) -> str | None:
        """The number of the schema that stands there; None where there is none, or it is empty."""
        with self.reading() as connection:
            return schema.found(connection, self.name)

    def _prepare(self) -> str | None:
        """Make the schema, or bring it up to date, unless it is ours already."""
        was = self._found()
        if was == schema.HEAD:
            return was
        for _ in range(_TRIES):
            try:
                schema.migrate(self._making())
            except sa.exc.DBAPIError as error:
                if _state(error) not in _MADE_MEANWHILE:
                    raise
            if self._found() == schema.HEAD:
                return was
        raise LedgerError(f"The ledger {self.name} is being made by others at this moment. Try again.")

    @contextmanager
    def _making(self) -> Iterator[sa.Connection]:
        """A transaction in which nobody else makes or migrates this schema."""
        with self._transaction() as connection:
            if not sa.inspect(connection).has_schema(self._schema):
                connection.execute(sa.schema.CreateSchema(self._schema))
            if sa.inspect(connection).has_table("alembic_version", self._schema):
                connection.execute(sa.text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
            yield connection

    # How it is read and written

    @contextmanager
    def reading(self, *, is_long: bool = False) -> Iterator[sa.Connection]:
        """One look, as of one moment."""
        with self._sentences(), self._look.connect() as connection:
            self._set_up(connection, is_long=is_long)
            yield connection

    @contextmanager
    def writing(self, *, is_long: bool = False) -> Iterator[Writer]:
        """One transaction: all of it is in the database when this ends, or nothing."""
        with self._transaction(is_long=is_long) as connection:
            if connection.scalar(_TURN) is None:
                raise LedgerError(f"The ledger {self.name} was replaced meanwhile. Nothing was written; try again.")
            self._demand_mine(connection)
            writer = Writer(connection)
            yield writer
            writer.finish()

    @contextmanager
    def _transaction(self, *, is_long: bool = False) -> Iterator[sa.Connection]:
        with self._sentences(), self.engine.connect() as connection, connection.begin() as transaction:
            self._set_up(connection, is_long=is_long)
            yield connection
            with self._sentences(is_last=True):
                transaction.commit()

    def _set_up(self, connection: sa.Connection, *, is_long: bool) -> None:
        """Give this transaction its settings; they end with it, and the next one may have another session."""
        idle = {_IDLE: _LONG if is_long else _SHORT}
        connection.execute(_SET, {"search_path": f'"{self._schema}"', **_SETTINGS, **idle})

    # Who works

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the lease, and renew it for as long as this lasts, but not for ever."""
        held = self._take()
        ended = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(held, ended), name="postbot-lease", daemon=True)
        renewal.start()
        self._mine.held = held
        try:
            yield
        finally:
            self._mine.held = None
            ended.set()
            renewal.join(_CLOSING.total_seconds())
            self._is_left = True
            # One that cannot be given back runs out by itself, or is taken again here.
            with suppress(LedgerError):
                self._give_back(held)
                self._is_left = False

    def _take(self) -> _Held:
        with self._transaction() as connection:
            row = connection.execute(_TAKEN).one()
            surely_until = steady.seconds() + LEASE.total_seconds()  # by a look at our clock before that at theirs
            found = self._lease(row, _now(connection))  # the time of now, for that row may have been waited for
            if not (found.free or (found.is_ours and self._is_left)):
                raise LedgerBusy(
                    f"Another postbot ({found.holder}) is at work on {self.name}. Wait until it is done, or stop it "
                    "first.",
                    found.until - found.now if found.until else None,
                )
            taken = {"epoch": found.epoch + 1, "holder": _holder(), "until": found.now + LEASE}
            connection.execute(sa.update(lease).values(taken))
        self._taken, self._is_left = found.epoch + 1, False
        return _Held(found.epoch + 1, surely_until)

    def _renew(self, held: _Held, ended: threading.Event) -> None:
        for _ in range(_LONGEST_WORK // RENEWAL):
            if ended.wait(RENEWAL.total_seconds()):
                return
            # A database that does not answer may do so in time; if not, another one takes over.
            with suppress(LedgerError, sa.exc.SQLAlchemyError):
                with self._transaction() as connection:
                    surely_until = steady.seconds() + LEASE.total_seconds()
                    until = _now(connection) + LEASE
                    if not connection.execute(_of(held).values(until=until)).rowcount:
                        held.surely_until = float("-inf")  # another one has it already
                        return
                held.surely_until = surely_until

    def _give_back(self, held: _Held) -> None:
        with self._transaction() as connection:
            left: dict[str, Any] = {"holder": "", "until": None}
            if held.rested:
                left |= {"ticked_at": _now(connection), "wakes_at": held.wakes_at}
            connection.execute(_of(held).values(left))

    def _demand_mine(self, connection: sa.Connection) -> None:
        """Refuse to write for a work that another one has taken over; until the commit nobody else can."""
        held: _Held | None = getattr(self._mine, "held", None)
        if held is None:
            return
        row = connection.execute(_MINE).one_or_none()
        if row is None or (row.epoch, row.holder) != (held.epoch, _holder()):
            raise LedgerError(
                f"Another postbot has taken over the work on {self.name}, for this one was silent for too long. "
                "Nothing was written; the other one goes on."
            )

    def demand_held(self) -> None:
        """Go no further where the lease may have run out; what is on its way by then is as good as done."""
        held: _Held | None = getattr(self._mine, "held", None)
        if held is not None and steady.seconds() > held.surely_until - _ON_ITS_WAY.total_seconds():
            raise LedgerError(
                f"The lease on {self.name} could not be renewed in time, so another postbot may have taken over. "
                "Nothing more was done; whoever works now goes on."
            )

    def serving(self) -> nullcontext[None]:
        """Any number of services may run."""
        return nullcontext()

    def rested(self, wakes_at: datetime | None) -> None:
        """Remember what is told when the lease is given back."""
        held: _Held | None = getattr(self._mine, "held", None)
        if held is not None:
            held.rested, held.wakes_at = True, wakes_at

    def lease(self) -> Lease:
        """Who works, and when they did last."""
        with self.reading() as connection:
            row = connection.execute(_SEEN).one()
            return self._lease(row, row.now.astimezone(UTC))

    def _lease(self, row: sa.Row[Any], now: datetime) -> Lease:
        is_ours = row.epoch == self._taken and row.holder in ("", _holder())
        return Lease(row.holder, row.epoch, row.until, row.ticked_at, row.wakes_at, now, is_ours)

    def count_on(self, connection: sa.Connection) -> None:
        """Let the sequences go on behind the last number, wherever rows were put in with their own."""
        for table in METADATA.sorted_tables:
            column = table.autoincrement_column
            if column is None or column.autoincrement is False:
                continue
            last = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
            sequence = sa.func.pg_get_serial_sequence(f'"{table.name}"', column.name)
            connection.execute(sa.select(sa.func.setval(sequence, last, sa.false())))

    # What PostgreSQL says

    @contextmanager
    def _sentences(self, *, is_last: bool = False) -> Iterator[None]:
        """What PostgreSQL and the network say, as sentences; what only a bug can cause stays what it is."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            sentence = _sentence(error, self.name, self._user, is_last=is_last)
            if sentence is None:
                raise
            raise LedgerError(sentence) from error


def _address(url: str) -> tuple[sa.URL, str]:
    """Where the database is, for the driver, and the name of the schema in it."""
    try:
        given = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise LedgerError(_NO_ADDRESS) from None  # what the parser says shows the whole text, and so the password
    name = given.query.get("schema", LEDGER_SCHEMA)
    if given.drivername != "postgresql" or not given.database:
        raise LedgerError(_NO_ADDRESS)
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith("pg_"):
        raise LedgerError(f"The ledger cannot be in a schema {name!r}: write up to 63 small letters, digits and `_`.")
    return given.set(drivername="postgresql+psycopg").difference_update_query(["schema"]), name


_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_NO_ADDRESS: Final = (
    "This is no address of a PostgreSQL ledger; write postgresql://USER@HOST:PORT/DATABASE?schema=NAME, and keep the "
    "password in POSTBOT_LEDGER_PASSWORD."
)


def _told(address: sa.URL, name: str) -> str:
    """The address as people read it: without a password."""
    query = {key: value for key, value in address.query.items() if key == "host"}
    shown = sa.URL.create(
        "postgresql", address.username, None, address.host, address.port, address.database, query | {"schema": name}
    )
    return shown.render_as_string()


_POOLED: Final = 2
"""Connections to one server that are kept between two transactions, however many ledgers lie there.

To sign in anew for each costs five times what most transactions do. One for each site that rests would take all that
the server has (`max_connections`).
"""

_SHARED: Final[dict[sa.URL, tuple[sa.Engine, int]]] = {}
_SHARING: Final = threading.Lock()


def _engine(address: sa.URL) -> sa.Engine:
    """The connections to one server, shared by all ledgers of this process that lie there."""
    with _SHARING:
        engine, users = _SHARED.get(address) or (_made(address), 0)
        _SHARED[address] = engine, users + 1
        return engine


def _let_go(address: sa.URL) -> None:
    with _SHARING:
        engine, users = _SHARED.pop(address)
        if users > 1:
            _SHARED[address] = engine, users - 1
        else:
            engine.dispose()


def _made(address: sa.URL) -> sa.Engine:
    settings = {key: value for key, value in _DRIVER.items() if key not in address.query}
    try:
        return sa.create_engine(
            address,
            connect_args=settings,
            pool_size=_POOLED,
            max_overflow=-1,
            pool_use_lifo=True,
            pool_pre_ping=True,  # the server may have been started again since
            pool_recycle=60,  # seconds: what lay idle for long may have been dropped on the way, without a word
            use_native_hstore=False,
        )
    except ModuleNotFoundError as error:
        raise LedgerError(
            "A ledger on PostgreSQL needs the driver psycopg, which is not installed: pip install 'postbot[postgres]'"
        ) from error


_SET: Final = sa.select(
    *(
        sa.func.set_config(name, sa.bindparam(name, type_=sa.String), sa.true())
        for name in ("search_path", *_SETTINGS, _IDLE)
    )
)


def _now(connection: sa.Connection) -> datetime:
    """The database's clock, in UTC: of this very moment, and not of when the transaction began."""
    now: datetime = connection.execute(_NOW).scalar_one()
    return now.astimezone(UTC)


def _of(held: _Held) -> sa.Update:
    """A change of the row of the lease while it is ours: a server that took the place of another may count anew."""
    return sa.update(lease).where(lease.c.epoch == held.epoch, lease.c.holder == _holder())


def _holder() -> str:
    return f"{socket.gethostname()}, process {os.getpid()}"


def _state(error: sa.exc.DBAPIError) -> str:
    """The code of an error, after https://www.postgresql.org/docs/current/errcodes-appendix.html; empty for none."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def _sentence(error: sa.exc.DBAPIError, name: str, user: str, *, is_last: bool) -> str | None:
    says = " ".join(str(error.orig).split()).rstrip(".")
    if not (is_last or error.connection_invalidated or error.statement):
        return _unreachable(says, name, user)
    match _state(error):
        case "42501" | "3F000":
            return f"{user} may not do this in the ledger {name} ({says}). Let that user own the schema."
        case "25006" | "0A000" if "read-" in says:
            return f"The ledger {name} is read-only ({says}). Name the server that may be written to."
        case "55P03" | "57014" | "40001" | "40P01":
            return f"The ledger {name} did not answer in time, for others hold it ({says}). Try again later."
        case "53100":
            return f"The disk that holds the ledger {name} is full. Make room; nothing was changed."
        case "42P01":
            return f"The tables of the ledger {name} are gone ({says}). Put a backup in their place, or start again."
        case "22P05" | "22021":
            return (
                f"The database of the ledger {name} cannot keep every letter ({says}). Make one with the encoding UTF8."
            )
        case "54000":
            return f"The ledger {name} cannot keep so long a name ({says}). Nothing was changed."
        case state if isinstance(error, sa.exc.OperationalError) or state[:2] in ("08", "25", "53", "57", "58"):
            return _lost(says, name, is_last=is_last)
        case _:
            return None


def _unreachable(says: str, name: str, user: str) -> str:
    if "password" in says:
        return (
            f"The ledger {name} refuses the password of {user}. Put the right one into POSTBOT_LEDGER_PASSWORD, or the "
            "name of a file that holds it into POSTBOT_LEDGER_PASSWORD_FILE."
        )
    return f"Cannot reach the ledger {name}: {says}. See that PostgreSQL runs there and lets {user} in."


def _lost(says: str, name: str, *, is_last: bool) -> str:
    if is_last:
        return (
            f"The connection to the ledger {name} was lost at the last moment ({says}). Look whether the change was "
            "kept before you make it again; what postbot does by itself it looks for."
        )
    return f"The connection to the ledger {name} was lost ({says}). Nothing was changed; the next tick tries again."
