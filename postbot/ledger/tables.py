"""The tables of the ledger, as its last schema has them, and how instants are stored.

Nothing here reads or writes. The steps under `postbot/migrations` lead to exactly these tables.
"""

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

Row: TypeAlias = sa.Row[Any]
"""A row's columns are typed by its table, which Python's types cannot see."""

METADATA: Final = sa.MetaData()


def stored(at: datetime) -> str:
    """An aware instant as ISO text in UTC, always to the microsecond, so that text order is time order."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone; the ledger takes aware instants only.")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware datetime, stored as text."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> str | None:
        """What is stored of an instant."""
        return None if value is None else stored(value)

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> datetime | None:
        """The instant that a text stands for."""
        return None if value is None else datetime.fromisoformat(value)


witnesses = sa.Table(
    "witnesses",
    METADATA,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("blob", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("opens", Instant),
    sa.Column("closes", Instant),
    sa.Column("reason", sa.String),
    sa.Column("thread", sa.String, nullable=False),
    sa.Column("news", sa.Integer, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False),  # its file is, and may come back
)
requests = sa.Table(
    "requests",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("transition", sa.String, nullable=False),
    sa.Column("wanted", sa.JSON, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("filed_at", Instant, nullable=False),
    sa.Column("answered_at", Instant),
    sa.Column("done", sa.Boolean),
    sa.Column("words", sa.String),
    sa.Index("requests_by_answer", "answered_at"),
)
told = sa.Table(
    "told",
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("at", Instant, nullable=False),
)
released = sa.Table(
    "released",
    METADATA,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
pulse = sa.Table(
    "pulse",  # one row: the counter of changes, the last tick, and the audit's end
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("last_tick", Instant),
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("head", sa.String, nullable=False),
    sa.Column("paused_by", sa.String),
    sa.Column("paused_at", Instant),
    sa.Column("paused_why", sa.String, nullable=False),
    sa.Column("copied", sa.Boolean, nullable=False),  # older than the world that it remembers, until the next look
)
lease = sa.Table(
    "lease",  # one row: which of several replicas works on this site, and what the last tick left to wait for
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("holder", sa.String, nullable=False),  # empty: nobody
    sa.Column("until", Instant),
    sa.Column("ticked_at", Instant),
    sa.Column("wakes_at", Instant),
)
heard = sa.Table(
    "heard",  # what came in from outside and must have one effect, by its own key, for as long as it may come again
    METADATA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("at", Instant, nullable=False),
)
outbox = sa.Table(
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
    sa.Column("queued_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("next_at", Instant),
    sa.Column("detail", sa.String),
    sa.Column("html", sa.String, nullable=False),
    sa.Column("blocks", sa.String, nullable=False),
    sa.Column("calendar", sa.String, nullable=False),
    sa.Column("thread", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("page_url", sa.String),
    sa.Column("page_shows", sa.String),
    sa.Column("expires_at", Instant),
    sa.Column("place", sa.String, nullable=False),
    sa.Column("root", sa.Integer),  # the number of the row under which it went, from its last claim on
    sa.Column("claimed_at", Instant),
    sa.Column("audience", sa.String, nullable=False),
    sa.Column("named_by_posting", sa.Boolean, nullable=False),
    sa.Index("outbox_by_status", "status"),
    sa.Index("outbox_by_thread", "thread", "channel", "recipient"),
    sa.Index("outbox_by_path", "path", "audience", "channel", "recipient"),
)
events = sa.Table(
    "events",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("path", sa.String),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("before", sa.String, nullable=False),
    sa.Column("after", sa.String, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
    sa.Index("events_by_path", "path"),
)
