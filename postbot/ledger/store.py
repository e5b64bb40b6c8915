"""What a place that keeps a ledger must be able to do. There are two: a file of SQLite, and a schema of PostgreSQL.

The tables, and every step that reads or writes them, are the same for both. A store only knows how to reach them, what
the database says in sentences, and how it keeps two postbots from working at once.
"""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from postbot.ledger.audit import Writer
from postbot.ledger.values import Lease


class Store(Protocol):
    """Where a ledger is kept. Every method may raise `LedgerError`."""

    @property
    def name(self) -> str:
        """What the place is called where people read of it; without any secret."""

    @property
    def was(self) -> str | None:
        """The schema that stood there when it was opened; None where there was nothing."""

    def reading(self, *, is_long: bool = False) -> AbstractContextManager[sa.Connection]:
        """One look, as of one moment. A long one may be idle for a while between two statements."""

    def writing(self, *, is_long: bool = False) -> AbstractContextManager[Writer]:
        """One transaction: all of it is kept when this ends, or nothing. Only one at a time writes.

        Within `working`, and by its thread, it fails once another one has taken over. A long one as with `reading`.
        """

    def working(self) -> AbstractContextManager[None]:
        """Keep every other postbot from working. Raises `LedgerBusy`."""

    def demand_held(self) -> None:
        """Raise `LedgerError` where another one may work by now, within `working` and for its thread."""

    def serving(self) -> AbstractContextManager[None]:
        """Keep every other service out where the store cannot be shared. Raises `LedgerBusy`."""

    def rested(self, wakes_at: datetime | None) -> None:
        """Tell other replicas that a tick has ended well, and what it left to wait for."""

    def lease(self) -> Lease | None:
        """Who works; None where there are no other replicas to know."""

    def count_on(self, connection: sa.Connection) -> None:
        """Have new rows numbered behind those that were put in with their numbers."""

    def close(self) -> None:
        """Let go of every connection."""
