"""The one memory that postbot owns, on SQLite or PostgreSQL: what it witnessed, what was asked, what was said to whom.

The promise: each method that writes is one transaction on the disk, or nothing. What is to be said is written down
together with what was witnessed, so that a crash between the two is impossible, and a message key exists once for
all time. Delivery is claim, send, settle: one claimer wins, and a claim without a settlement is found again. Whatever
is written leaves a row in the audit, in the same transaction, chained to all rows before it.

Where it is kept is a `Store`, and nobody outside this package sees which. It decides nothing and sends nothing; what a
posting says is never remembered as truth, for git stays the only record of that. A ledger may be deleted: postbot then
adopts what stands and says nothing. Instants are aware, UTC inside, stored as ISO text of one length so that text order
is time order.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path as FilePath

import sqlalchemy as sa

from postbot.core.announce import Audience, Message, Receipt
from postbot.core.lifecycle import Wish
from postbot.core.plan.memory import Change, Memory, Opinion, Request, Witness
from postbot.core.site import Path
from postbot.ledger import audit, copying, memory, outbox
from postbot.ledger.audit import Writer
from postbot.ledger.postgres import SCHEME, Database
from postbot.ledger.schema import HEAD
from postbot.ledger.sqlite import File, set_aside
from postbot.ledger.store import Store
from postbot.ledger.tables import METADATA, pulse, requests
from postbot.ledger.values import (
    ATTEMPTS,
    BACK_OFF,
    CLOCK,
    LEASE,
    RENEWAL,
    AskedBefore,
    AuditRow,
    Copy,
    Delivery,
    DeliveryStatus,
    Entry,
    Lease,
    LedgerBusy,
    LedgerDamaged,
    LedgerError,
    LedgerUnready,
    Pause,
    Verdict,
)
from postbot.progress import Step, doing

__all__ = [
    "ATTEMPTS",
    "BACK_OFF",
    "CLOCK",
    "HEAD",
    "LEASE",
    "METADATA",
    "RENEWAL",
    "AskedBefore",
    "AuditRow",
    "Copy",
    "Delivery",
    "DeliveryStatus",
    "Entry",
    "Lease",
    "Ledger",
    "LedgerBusy",
    "LedgerDamaged",
    "LedgerError",
    "LedgerUnready",
    "Pause",
    "Verdict",
]


class Ledger:
    """One ledger. Safe to share between threads; every method may raise `LedgerError`.

    Methods that write take the present instant, for nothing here reads a clock but that of the database, by which the
    lease of a replica runs out.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, where: FilePath | str, *, migrate: bool = True) -> "Ledger":
        """Open the ledger, or make it; bring an older schema up to date.

        A path is a file of SQLite, made with its folders; `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME`
        a schema of PostgreSQL, `postbot` where none is named. Who only looks does not `migrate`: then `LedgerUnready`
        is raised where that would have to be done.
        """
        if isinstance(where, str) and where.startswith(SCHEME):
            return cls(Database(where, migrate=migrate))
        return cls(File(FilePath(where), migrate=migrate))

    @classmethod
    def set_aside(cls, where: FilePath) -> FilePath:
        """Move a damaged file out of the way, while nobody works on it, so that a new one can be made; where it went.

        Raises `LedgerBusy` when somebody does.
        """
        return set_aside(where)

    def close(self) -> None:
        """Let go of the file, or of the database."""
        self._store.close()

    @property
    def name(self) -> str:
        """What the place is called: the path, or the URL without its password."""
        return self._store.name

    @property
    def was(self) -> str | None:
        """The schema that stood there when this ledger was opened; None where there was nothing."""
        return self._store.was

    # Who works with it

    def working(self) -> AbstractContextManager[None]:
        """Keep every other postbot from working with this ledger, in this process or elsewhere.

        On SQLite that is a lock, which the system lets go of even when this process is killed; on PostgreSQL a lease,
        which then runs out after `LEASE`. What this thread writes meanwhile is written only while nobody else has taken
        over; what others write, a person's request for one, goes on.

        Raises `LedgerBusy` when another one is at work.
        """
        return self._store.working()

    def demand_held(self) -> None:
        """Refuse to act on the world where another postbot may have taken over this thread's work meanwhile.

        By what this process knows, without asking anybody: whoever was stopped for longer than a lease lasts, or could
        not renew it for as long, goes no further. Raises `LedgerError`.
        """
        self._store.demand_held()

    def serving(self) -> AbstractContextManager[None]:
        """Keep every other service out, where a ledger can have one only. Raises `LedgerBusy`."""
        return self._store.serving()

    def rested(self, wakes_at: datetime | None) -> None:
        """Let other replicas know, once this work ends, that a tick has ended well and what it left to wait for."""
        self._store.rested(wakes_at)

    def lease(self) -> Lease | None:
        """Who works with it, or did last; None where no other replica can."""
        return self._store.lease()

    # What is remembered

    def memory(self) -> Memory:
        """Everything remembered, as of one moment."""
        with self._reading() as connection:
            return memory.remembered(connection)

    def revision(self) -> int:
        """Return a number that grows whenever `memory` changes, but for a last tick that merely moves on."""
        with self._reading() as connection:
            return int(connection.execute(sa.select(pulse.c.revision)).scalar_one())

    def record(
        self,
        witness: Witness,
        was: Path | None,
        messages: Sequence[Message],
        told: Sequence[str],
        at: datetime,
        *,
        takes_back: bool = False,
    ) -> None:
        """Remember a posting as last seen, and what is to be said about it. `was` is its path before a renaming.

        Where it `takes_back` what was news before, what is still to be said of that to the public is none any more.
        """
        with self._writing() as writer:
            memory.see(writer, witness, was, at)
            if takes_back:
                outbox.end(writer, witness.path, Audience.PUBLIC, at)
            if told:
                outbox.settle_reminders(writer, witness.path, at)
            with doing(Step.QUEUE):
                outbox.queue(writer, witness.path, messages, at)
            memory.tell(writer, told, at)

    def adopt(self, witnesses: Sequence[Witness], at: datetime) -> None:
        """Remember many postings as they stand, all at once or not at all, with nothing to be said about them."""
        with self._writing() as writer:
            memory.adopt(writer, witnesses, at)

    def forget(self, path: Path, messages: Sequence[Message], told: Sequence[str], at: datetime) -> None:
        """Remember that a posting's file is gone; what was still to be said of it to the public is no news any more."""
        with self._writing() as writer:
            memory.forget(writer, path, at)
            outbox.end(writer, path, Audience.PUBLIC, at)
            outbox.queue(writer, path, messages, at)
            memory.tell(writer, told, at)

    def tell(self, messages: Sequence[Message], told: Sequence[str], at: datetime) -> None:
        """Queue what is to be said without anything witnessed."""
        with self._writing() as writer:
            outbox.queue(writer, None, messages, at)
            memory.tell(writer, told, at)

    def file(
        self,
        path: Path,
        wish: Wish,
        by: str,
        at: datetime,
        *,
        asker: str = "",
        key: str = "",
        heard_of: int | None = None,
    ) -> Request:
        """File a person's wish. It stands, whatever happens to this process, once this returns.

        `asker` is how they hear of its end, CHANNEL:RECIPIENT. What comes in again with the same `key` is filed once,
        and this returns the request of the first time, which may have been answered since. With `heard_of`, the number
        of the last request that they were told of (0 for none), it raises `AskedBefore` where somebody else has filed
        an open one behind that for the same posting: of two who ask at the same moment one hears of the other.
        In a ledger that was moved away nothing is filed: it raises `LedgerError`.
        """
        with self._writing() as writer:
            memory.demand_in_use(writer)
            return memory.file(writer, path, wish, by, at, asker=asker, key=key, heard_of=heard_of)

    def filed(self, key: str) -> Request | None:
        """The request that came in with this key, if there is one; it may have been answered since."""
        with self._reading() as connection:
            return memory.filed(connection, key)

    def opine(self, opinion: Opinion, path: Path | None = None, *, key: str = "") -> bool:
        """Keep what a person says of a pull request of this posting; false where it came with this key before."""
        with self._writing() as writer:
            memory.demand_in_use(writer)
            return memory.opine(writer, opinion, path, key)

    def answer(
        self,
        request: Request,
        done: bool,
        words: str,
        messages: Sequence[Message],
        told: Sequence[str],
        at: datetime,
        by: str = CLOCK,
    ) -> None:
        """Answer a request, in words for the person who asked. The first answer counts; a later one does nothing."""
        with self._writing() as writer:
            path = memory.answer(writer, request, done, words, by, at)
            if path is not None:
                outbox.queue(writer, path, messages, at)
                memory.tell(writer, told, at)

    def answered(self, number: int) -> tuple[bool, str] | None:
        """Whether a request was carried out, and the words of its answer; None while it is open."""
        answer = sa.select(requests.c.done, requests.c.words).where(
            requests.c.number == number, requests.c.answered_at.is_not(None)
        )
        with self._reading() as connection:
            row = connection.execute(answer).one_or_none()
        return None if row is None else (row.done, row.words)

    def release(self, digest: str, by: str, at: datetime) -> None:
        """Free the held plan of this digest, once and for all."""
        with self._writing() as writer:
            memory.release(writer, digest, by, at)

    def pause(self, by: str, why: str, at: datetime) -> None:
        """Have no tick do or say anything to anybody from now on, whoever runs it, until somebody resumes.

        Raises `LedgerError` where it was moved away and is paused by that: what is to be stopped works elsewhere.
        """
        with self._writing() as writer:
            memory.demand_in_use(writer)
            memory.pause(writer, by, why, at)

    def resume(self, by: str, at: datetime) -> bool:
        """Let ticks act and speak again; false where nobody had paused them."""
        with self._writing() as writer:
            return memory.resume(writer, by, at)

    def paused(self) -> Pause | None:
        """Who has stopped everything, if anybody has."""
        with self._reading() as connection:
            return memory.paused(connection)

    def once(self, key: str, at: datetime, keep: timedelta) -> bool:
        """Whether this key came in from outside for the first time: true for one of all callers.

        Keys older than `keep` are forgotten; so long a delivery may come again.
        """
        with self._writing() as writer:
            return memory.hear(writer, key, at, keep)

    def ticked(self, at: datetime) -> None:
        """Remember the last tick. It may go back, for that is what releasing a plan held for its clock means."""
        # Only a first tick and one that goes back can change what an unchanged world asks for.
        turns = sa.or_(pulse.c.last_tick.is_(None), pulse.c.last_tick > at)
        revision = pulse.c.revision + sa.case((turns, 1), else_=0)
        with self._writing() as writer:
            writer.execute(sa.update(pulse).values(last_tick=at, revision=revision))

    # What is on its way

    def due(self, at: datetime, limit: int = 100, audiences: Collection[Audience] = tuple(Audience)) -> list[Delivery]:
        """List the oldest of what is to be sent at `at`, oldest first. What is no news any more by then expires.

        Of what one recipient is to hear of one posting only the first is listed; the next has its turn after it. What
        is for other `audiences` stays as it is: who may not speak to them cannot tell whether its news is old.
        """
        with self._writing() as writer:
            outbox.expire(writer, at, audiences)
            return outbox.due(writer.connection, at, limit, audiences)

    def next_due(self, at: datetime) -> datetime | None:
        """When the next message that waits has its turn, at the earliest; None where none waits.

        What was put off by a clock that ran far ahead of `at` has its turn at once.
        """
        with self._reading() as connection:
            return outbox.next_due(connection, at)

    def claim(self, delivery: Delivery, at: datetime) -> Delivery | None:
        """Claim a due delivery, and return it as it stands then; None for all callers but one.

        Its root may be another one than when it was listed, for what began its thread may have gone out since.
        """
        with self._writing() as writer:
            return outbox.claim(writer, delivery, at)

    def settle(self, delivery: Delivery, receipt: Receipt, at: datetime) -> None:
        """Write down what became of a claimed delivery, or of one in doubt. Without either it changes nothing.

        What was not sent is tried again after a while (`BACK_OFF`, `ATTEMPTS`, and what the far end asks for); what
        may have been sent is held, and so is what a person must see to.
        """
        with self._writing() as writer:
            outbox.settle(writer, delivery, receipt, at)

    def doubt(self, delivery: Delivery, receipt: Receipt, at: datetime) -> None:
        """Write down that nobody knows yet whether a claimed delivery went out, and that a later look may tell."""
        with self._writing() as writer:
            outbox.doubt(writer, delivery, receipt, at)

    def in_doubt(self) -> list[Delivery]:
        """List what was claimed and never settled: the trace of a crash in mid-send, or an answer that was lost."""
        with self._reading() as connection:
            return outbox.in_doubt(connection)

    def wait(self, delivery: Delivery, until: datetime, why: str, at: datetime) -> None:
        """Put a due delivery off without counting an attempt, for nothing was tried."""
        with self._writing() as writer:
            outbox.wait(writer, delivery, until, why, at)

    def hold(self, delivery: Delivery, why: str, at: datetime) -> None:
        """Leave a due delivery to a person."""
        with self._writing() as writer:
            outbox.hold(writer, delivery, why, at)

    def resend(self, number: int, by: str, at: datetime) -> Delivery:
        """Let a held delivery be sent at the next tick, for a person has decided so, whatever its page shows."""
        with self._writing() as writer:
            return outbox.resend(writer, number, by, at)

    def drop(self, number: int, by: str, at: datetime) -> Delivery:
        """Give up a delivery that is held or due, for a person has decided so."""
        with self._writing() as writer:
            return outbox.drop(writer, number, by, at)

    def deliveries(self, *, held_only: bool = False, limit: int = 200) -> list[Delivery]:
        """List the latest deliveries, newest first."""
        with self._reading() as connection:
            return outbox.latest(connection, limit, held_only=held_only)

    def held_count(self) -> int:
        """How many deliveries wait for a person."""
        with self._reading() as connection:
            return outbox.held_count(connection)

    # What was done

    def acted(
        self,
        what: str,
        *,
        at: datetime,
        key: str = "",
        path: Path | None = None,
        by: str = CLOCK,
        before: str = "",
        after: str = "",
        detail: str = "",
        change: Change | None = None,
    ) -> None:
        """Write down one act on the world: by whom, under which key, and what it changes.

        The `change` that it is about to make to a posting is kept with it, so that it can be taken back exactly.
        """
        with self._writing() as writer:
            if change:
                memory.keep(writer, change)
            writer.note(at, what, detail, path=path or None, by=by, key=key, before=before, after=after)

    def changes(self, branches: Sequence[str]) -> dict[str, Change]:
        """What the pull requests of these branches make of their postings, as far as it is kept."""
        with self._reading() as connection:
            return memory.kept(connection, branches)

    def history(self, path: Path) -> list[Entry]:
        """List what happened to a posting, oldest first, also under the names it had before."""
        with self._reading() as connection:
            return memory.history(connection, path)

    def audit(self, after: int = 0, limit: int | None = None) -> list[AuditRow]:
        """List the rows of the audit behind that number, oldest first."""
        with self._reading() as connection:
            return list(audit.rows(connection, after, limit))

    def verify(self, noted: str = "") -> Verdict:
        """See whether every row of the audit is as it was written.

        `noted` is a head that was noted elsewhere: it must be found, which even a chain that was made up as a whole
        cannot bring about.
        """
        with self._reading() as connection:
            return audit.verify(connection, noted)

    # Copies

    def mark_as_older(self) -> None:
        """Have this ledger taken for an older copy, by whoever works with it next: see `come_back`."""
        with self._writing() as writer:
            copying.mark(writer)

    def copy_to(self, other: "Ledger", *, replace: bool = False, older: bool = False) -> Copy:
        """Copy everything into another ledger, of either kind: all of it, proven to be the same, or nothing.

        The other one must be empty, unless what it holds is to be replaced; if it was paused, it still is. One that is
        `older` than the world by then is marked as such. Keep others from working with both meanwhile.
        """
        return copying.copy(self._store, other._store, replace=replace, older=older)  # noqa: SLF001 - one of us

    def move_to(self, other: "Ledger", by: str, at: datetime) -> Copy:
        """Copy everything into another, empty ledger, and leave this place: an older one from now on, and paused.

        For two that live would say all twice. Who would file something meanwhile waits, and is told that it was moved.
        """
        return copying.move(self._store, other._store, by, at)  # noqa: SLF001 - one of us

    def come_back(self, at: datetime, told: copying.ToldNo = lambda *_: ()) -> bool:
        """Whether this is an older copy that has not caught up with the world; what it has under way is stopped then.

        What is on its way is held, for nobody knows whether it went out; open requests are answered as not done,
        and whoever asked hears what `told` makes of that.
        """
        with self._reading() as connection:
            if not connection.scalar(sa.select(pulse.c.copied)):
                return False
        with self._writing() as writer:
            copying.come_back(writer, at, told)
        return True

    def caught_up(self, at: datetime) -> None:
        """Say that all that stands has been recorded, so that this ledger is as old as the world again."""
        with self._writing() as writer:
            copying.caught_up(writer, at)

    # How it is reached

    def _reading(self) -> AbstractContextManager[sa.Connection]:
        return self._store.reading()

    def _writing(self) -> AbstractContextManager[Writer]:
        return self._store.writing()
