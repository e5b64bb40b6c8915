"""Copies of a ledger: making one that is proven to be the same, and what an older one means for the site.

A copy is made within one transaction at its target, every table counted and the audit followed to the same end, so that
it is there whole or not at all. The row of the lease is no part of it: it tells who works on a place, not what the
ledger knows. A pause is a person's word about the world: what takes the place of a paused ledger is paused by it, too.

Who works with an older copy remembers less than the world has seen. What is on its way there may have gone out, what
was asked may have been done, and what has changed since may have been announced. So none of it is sent, done or
announced: what was on its way is left to people, requests are to be made again, and the next look takes all that stands
for known. What happens after that look is news as ever.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from postbot.core.announce import Message
from postbot.core.plan.memory import Memory, Request
from postbot.ledger import audit, memory, outbox
from postbot.ledger.audit import Writer
from postbot.ledger.store import Store
from postbot.ledger.tables import METADATA, Instant, lease, pulse
from postbot.ledger.values import CLOCK, Copy, LedgerError

_TABLES: Final = tuple(table for table in METADATA.sorted_tables if table is not lease)
_AT_ONCE: Final = 1000  # rows in memory at a time

ToldNo = Callable[[Memory, Request, str], Sequence[Message]]
"""What whoever asked is told of a no in these words: from what was remembered then, and of which request."""

_HELD: Final = "This ledger is an older copy; nobody can tell whether this went out."
_REFUSED: Final = "The ledger was put back from an older copy; look at the posting, and ask again if need be."


# Making one ----------------------------------------------------------------------------------------------------------


def copy(source: Store, target: Store, *, replace: bool, older: bool) -> Copy:
    """Put all that the source holds into the target, and prove that it is the same there.

    Raises `LedgerError` where the target holds anything already, unless that is to be replaced, or where the copy
    turned out to be another than the source. One that is `older` than the world by then is marked as such. A pause of
    the target stands, and is the last row of the audit there.
    """
    with source.reading(is_long=True) as there:
        return _put(there, target, replace=replace, older=older)


def move(source: Store, target: Store, by: str, at: datetime) -> Copy:
    """Put all that the source holds into an empty target, and leave the source as an older copy that `by` has paused.

    Whoever would write into the source meanwhile waits, for some seconds, and is told that it is not the ledger in use:
    so nothing is kept there that the target does not know. Raises `LedgerError` as `copy` does.
    """
    with source.writing(is_long=True) as there:
        made = _put(there.connection, target, replace=False, older=False)
        mark(there)
        memory.pause(there, by, f"{memory.MOVED}{target.name}", at)
    return made


def _put(there: sa.Connection, target: Store, *, replace: bool, older: bool) -> Copy:
    with target.writing(is_long=True) as here:
        if not replace and _holds_anything(here.connection):
            raise LedgerError(
                f"{target.name} is a ledger that holds something already, and nothing was copied. "
                "Name an empty place, or put a backup back with --replace."
            )
        standing = memory.paused(here.connection)
        counts = {table.name: _copy(there, here, table) for table in _TABLES}
        verdict = audit.verify(here.connection, "")
        same = verdict == audit.verify(there, "")
        if not same or counts != {table.name: _count(here.connection, table) for table in _TABLES}:
            raise LedgerError(f"What was copied to {target.name} is not what was there to copy. Nothing was kept.")
        target.count_on(here.connection)
        if older:
            mark(here)
        if standing:
            memory.pause(here, standing.by, standing.why, standing.at)
    return Copy(counts, verdict)


def _holds_anything(connection: sa.Connection) -> bool:
    counted = any(_count(connection, table) for table in _TABLES if table is not pulse)
    return counted or connection.scalar(sa.select(pulse.c.last_tick)) is not None


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _copy(source: sa.Connection, target: Writer, table: sa.Table) -> int:
    """Put the rows of one table in place of those that stand there; how many they are."""
    # Instants go over as they are written, for the audit's hashes are of the text.
    columns = [sa.column(c.name, sa.String if isinstance(c.type, Instant) else c.type) for c in table.c]
    plain = sa.table(table.name, *columns)
    rows = source.execute(sa.select(plain).execution_options(yield_per=_AT_ONCE)).mappings()
    if table is pulse:
        # Who waits to write waits for this very row: a new one in its place would let all of them go on at once.
        row = dict(rows.one())
        # Who knows this place by its revision must see that it is another one now.
        row["revision"] = max(row["revision"], target.scalar(sa.select(pulse.c.revision)) or 0)
        return target.execute(sa.update(plain).values(row)).rowcount
    target.execute(sa.delete(plain))
    count = 0
    for part in rows.partitions():
        target.execute(sa.insert(plain), [dict(row) for row in part])
        count += len(part)
    return count


def mark(writer: Writer) -> None:
    """Have this ledger taken for an older copy, by whoever works with it next."""
    if writer.execute(sa.update(pulse).where(pulse.c.copied.is_(False)).values(copied=True)).rowcount:
        writer.turn()


# Being one -----------------------------------------------------------------------------------------------------------


def come_back(writer: Writer, at: datetime, told: ToldNo) -> None:
    """Stop what an older copy still has under way. Its next look is a first look, until it has `caught_up`.

    Whoever asked for what is given up with it hears what `told` makes of that.
    """
    known = memory.remembered(writer.connection)
    if known.last_tick is None:
        return
    held = outbox.hold_all(writer, _HELD, at)
    for request in known.requests:
        memory.answer(writer, request, done=False, words=_REFUSED, by=CLOCK, at=at)
        outbox.queue(writer, request.path, told(known, request, _REFUSED), at)
    writer.execute(sa.update(pulse).values(last_tick=None))
    words = f"An older copy of the ledger was put back. Messages held: {held}. Requests refused: {len(known.requests)}."
    writer.note(at, "put back", words, after="copied")
    writer.turn()


def caught_up(writer: Writer, at: datetime) -> None:
    """What stands is known again; what happens from now on is news."""
    writer.execute(sa.update(pulse).values(copied=False))
    writer.note(at, "caught up", "All that stands on the site is taken as known.", before="copied")
    writer.turn()
