"""The ledger's schema: which one stands in a database, and the way from there to ours.

The same steps under `postbot/migrations` lead there on SQLite and on PostgreSQL, each whole or not at all. Nothing here
knows how a database is reached. Alembic is imported only where there is something to migrate, because it takes longer
to import than a tick takes to run.
"""

import threading
from contextlib import AbstractContextManager
from typing import Final

import sqlalchemy as sa

from postbot.ledger.values import LedgerError, LedgerUnready

HEAD: Final = "0005"
"""The schema that this postbot writes. Schemas are numbered, so that a newer one is a greater text."""


_TURN: Final = threading.Lock()
"""Alembic keeps what it is at in variables of its module, so that two of its runs in one process confuse each other."""


def found(connection: sa.Connection, name: str) -> str | None:
    """The number of the schema that stands there; None where there is nothing at all.

    `name` is what the place is called. Raises `LedgerError` where somebody else's tables stand, or a newer postbot's.
    """
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" not in tables or "outbox" not in tables:
        raise LedgerError(f"{name} holds tables, but no ledger of postbot. Name another place for the ledger.")
    number = str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one())
    if number > HEAD:
        raise LedgerError(
            f"The ledger {name} was made by a newer postbot (its schema is {number}, this one knows {HEAD}). "
            "Install that postbot again; nothing was changed."
        )
    return number


def demand_ready(number: str | None, name: str) -> None:
    """Refuse to go on with a ledger that has to be made or migrated first. Raises `LedgerUnready`."""
    if number is None:
        raise LedgerUnready(f"There is no ledger in {name} yet. The first tick makes it, or: postbot ledger migrate")
    if number < HEAD:
        raise LedgerUnready(
            f"The ledger {name} is of an older schema ({number}; this postbot writes {HEAD}). "
            "The next tick brings it up to date, or: postbot ledger migrate",
            is_there=True,
        )


def migrate(transaction: AbstractContextManager[sa.Connection]) -> None:
    """Take every step that is left, within this transaction, which begins once it is this thread's turn."""
    from alembic import command  # noqa: PLC0415 - slow to import, and most starts have nothing to migrate
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", "postbot:migrations")
    with _TURN, transaction as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
