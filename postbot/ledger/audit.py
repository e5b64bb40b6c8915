"""The audit: what was done and seen, by whom, each row chained to all before it by a hash.

A row's hash is SHA-256 over the hash before it and its own columns as canonical JSON, so that no row can be altered,
taken out, put in or moved without every later one giving it away. The number of rows and the last hash are kept
beside, so that cutting off the end shows, too. There is no secret in it: whoever may write the file can make up a new
chain as a whole. Against that helps a head that was noted elsewhere, for it must be found in the chain for ever after.
Rows are only ever added.
"""

import json
from collections.abc import Generator
from contextlib import closing
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from postbot.ledger.tables import Text, events, pulse, stored
from postbot.ledger.values import CLOCK, AuditRow, Verdict

_AT_ONCE: Final = 1000  # rows in memory while the chain is followed


def link(before: str, *columns: object) -> str:
    """The hash of a row that has these columns and follows the row of that hash."""
    return sha256(f"{before}{_canonical(columns)}".encode()).hexdigest()


# What a stranger's hand wrote may be anything that a database can hold, and must not stop the check.
_canonical: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=repr).encode


class Writer:
    """One transaction that writes: its statements, the rows that it adds to the audit, and whether memory changed.

    Audit and counter are written at its end, in one go, so that a whole site can be adopted at once.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.scalar = connection.scalar
        self._notes: list[tuple[str, str | None, str, str, str, str, str, str]] = []
        self._turned = False

    def turn(self) -> None:
        """Say that memory is another one now."""
        self._turned = True

    def note(
        self,
        at: datetime,
        what: str,
        detail: str,
        *,
        path: str | None = None,
        by: str = CLOCK,
        key: str = "",
        before: str = "",
        after: str = "",
    ) -> None:
        """Add one row to the audit."""
        self._notes.append((stored(at), path, what, detail, by, key, before, after))

    def finish(self) -> None:
        """Write what has gathered. The last step before the transaction is committed."""
        end = self._chain() if self._notes else {}
        if end or self._turned:
            self.execute(_TURN if self._turned else _STAY, end)

    def _chain(self) -> dict[str, Any]:
        head, *numbers = self.execute(_END).one()
        number, rows = max(numbers), []
        for note in self._notes:
            number += 1
            head = link(head, number, *note)
            rows.append(dict(zip(_COLUMNS, (number, *note, head), strict=True)))
        self.execute(_ADD, rows)
        return {"events": number, "head": head}


_COLUMNS: Final = ("number", "at", "path", "what", "detail", "by", "key", "before", "after", "hash")
_TEXTS: Final = tuple(sa.type_coerce(events.c[name], Text).label(name) for name in _COLUMNS[1:])
_ADD: Final = sa.insert(sa.table("events", sa.column("number"), *(sa.column(name, Text) for name in _COLUMNS[1:])))
# A row that a stranger's hand put at the end must not keep ours from being written.
_LAST: Final = sa.select(sa.func.coalesce(sa.func.max(events.c.number), 0)).scalar_subquery()
_END: Final = sa.select(pulse.c.head, pulse.c.events, _LAST)
_STAY: Final = sa.update(pulse)
_TURN: Final = _STAY.values(revision=pulse.c.revision + 1)


def rows(connection: sa.Connection, after: int, limit: int | None) -> Generator[AuditRow]:
    """The rows behind that number, oldest first, a thousand in memory at a time. To be read to the end, or closed."""
    wanted = sa.select(events.c.number, *_TEXTS).where(events.c.number > after).order_by(events.c.number).limit(limit)
    with connection.execute(wanted.execution_options(yield_per=_AT_ONCE)) as found:
        for row in found:
            yield AuditRow(*row)


def verify(connection: sa.Connection, noted: str) -> Verdict:
    """Follow the chain from its beginning to its end. `noted` is a head that somebody has kept elsewhere."""
    count, head = connection.execute(sa.select(pulse.c.events, pulse.c.head)).one()
    number, at_end, met = 0, "", not noted
    with closing(rows(connection, 0, None)) as chain:
        for row in chain:
            if wrong := _wrong(row, number, at_end):
                return Verdict(number, at_end, number + 1, f"{wrong} {_before(number)}")
            number, at_end = row.number, row.hash
            met = met or at_end == noted
    if wrong := _wrong_end(number, at_end, count, head):
        return Verdict(min(number, count), at_end, min(number, count) + (number != count), wrong)
    if not met:
        other = f"No row has the hash {noted}. If that was the head once, the whole audit was written anew since."
        return Verdict(0, head, 1, other)
    return Verdict(number, head, None, _whole(number, head))


def _whole(number: int, head: str) -> str:
    match number:
        case 0:
            return "Nothing has been written to the audit yet."
        case 1:
            return f"The one row of the audit is as it was written. The head is {head}."
        case _:
            return f"All {number:,} rows of the audit are as they were written. The head is {head}."


def _wrong(row: AuditRow, before: int, hash_before: str) -> str:
    """What is wrong with a row that follows the one of that number and hash; empty where nothing is."""
    if row.number != before + 1:
        return f"Row {before + 1} is missing: row {row.number} comes in its place."
    if link(hash_before, *(getattr(row, name) for name in _COLUMNS[:-1])) != row.hash:
        return f"Row {row.number} ({row.at}, {row.what}) was altered, or stands where another one stood."
    return ""


def _wrong_end(number: int, at_end: str, count: int, head: str) -> str:
    if number < count:
        return f"Row {number + 1} is missing, and all behind it: {count:,} were written. {_before(number)}"
    if number > count:
        return f"Row {count + 1} was put in by another hand, for {count:,} were written. {_before(count)}"
    return "" if at_end == head else f"Row {number} is not the one that was written last."


def _before(number: int) -> str:
    match number:
        case 0:
            return "It is the first one."
        case 1:
            return "The one before it is as it was written."
        case _:
            return f"The {number:,} before it are as they were written."
