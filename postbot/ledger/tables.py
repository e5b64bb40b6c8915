"""The tables of the ledger, as its last schema has them, and how instants and texts are stored.

Nothing here reads or writes. The steps under `postbot/migrations` lead to exactly these tables.
"""

import re
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


class Text(sa.types.TypeDecorator[str]):
    """Any text at all. What no database keeps, and a file of a site may hold all the same, is stored as an escape.

    PostgreSQL knows no NUL, and half a surrogate pair has no UTF-8; neither may keep the rest of a site from its tick.
    """

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        """What is stored of a text."""
        if value is None or (value.isascii() and "\0" not in value) or not _UNKEPT.search(value):
            return None if value is None else str(value)  # a driver may take an enum for its name
        return _UNKEPT.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", value)

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        """The text that was stored."""
        if not isinstance(value, str) or _ESCAPE not in value:  # a stranger's hand may have left anything
            return value
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)


_ESCAPE: Final = "\ufdd0"  # a character that is none, and is in no text: Unicode keeps it for such uses
_UNKEPT: Final = re.compile(f"[\0\ud800-\udfff{_ESCAPE}]")
_ESCAPED: Final = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")


witnesses = sa.Table(
    "witnesses",
    METADATA,
    sa.Column("path", Text, primary_key=True),
    sa.Column("blob", Text, nullable=False),
    sa.Column("title", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("opens", Instant),
    sa.Column("closes", Instant),
    sa.Column("reason", Text),
    sa.Column("thread", Text, nullable=False),
    sa.Column("news", sa.Integer, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False),  # its file is, and may come back
)
requests = sa.Table(
    "requests",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("path", Text, nullable=False),
    sa.Column("transition", Text, nullable=False),
    sa.Column("wanted", sa.JSON, nullable=False),
    sa.Column("reason", Text),
    sa.Column("by", Text, nullable=False),
    sa.Column("filed_at", Instant, nullable=False),
    sa.Column("answered_at", Instant),
    sa.Column("done", sa.Boolean),
    sa.Column("words", Text),
    sa.Column("asker", Text, nullable=False),
    sa.Column("key", Text),  # of what it came in with, so that the same wish is filed once
    sa.Column("undoes", sa.Integer),  # the number of the pull request that an undo is meant for
    sa.Index("requests_by_answer", "answered_at"),
    sa.Index("requests_by_key", "key", unique=True),
)
opinions = sa.Table(
    "opinions",  # what people have said of pull requests otherwise than on their pages
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("branch", Text, nullable=False),
    sa.Column("about", Text, nullable=False),
    sa.Column("said", Text, nullable=False),
    sa.Column("by", Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("words", Text, nullable=False),
    sa.Column("until", Instant),
    sa.Column("key", Text),
    sa.Column("asker", Text, nullable=False),
    sa.Index("opinions_by_key", "key", unique=True),
)
changes = sa.Table(
    "changes",  # what each pull request of ours makes of its posting, so that it can be taken back exactly
    METADATA,
    sa.Column("branch", Text, primary_key=True),
    sa.Column("path", Text, nullable=False),
    sa.Column("before", sa.LargeBinary, nullable=False),
    sa.Column("after", sa.LargeBinary, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
told = sa.Table(
    "told",
    METADATA,
    sa.Column("key", Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
)
released = sa.Table(
    "released",
    METADATA,
    sa.Column("digest", Text, primary_key=True),
    sa.Column("by", Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
pulse = sa.Table(
    "pulse",  # one row: the counter of changes, the last tick, and the audit's end
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("last_tick", Instant),
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("head", Text, nullable=False),
    sa.Column("paused_by", Text),
    sa.Column("paused_at", Instant),
    sa.Column("paused_why", Text, nullable=False),
    sa.Column("copied", sa.Boolean, nullable=False),  # older than the world that it remembers, until the next look
)
lease = sa.Table(
    "lease",  # one row: which of several replicas works on this site, and what the last tick left to wait for
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("holder", Text, nullable=False),  # empty: nobody
    sa.Column("until", Instant),
    sa.Column("ticked_at", Instant),
    sa.Column("wakes_at", Instant),
)
heard = sa.Table(
    "heard",  # what came in from outside and must have one effect, by its own key, for as long as it may come again
    METADATA,
    sa.Column("key", Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
)
outbox = sa.Table(
    "outbox",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("key", Text, nullable=False, unique=True),
    sa.Column("path", Text),
    sa.Column("event", Text, nullable=False),
    sa.Column("slug", Text, nullable=False),
    sa.Column("channel", Text, nullable=False),
    sa.Column("recipient", Text, nullable=False),
    sa.Column("subject", Text, nullable=False),
    sa.Column("body", Text, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("queued_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("next_at", Instant),
    sa.Column("detail", Text),
    sa.Column("html", Text, nullable=False),
    sa.Column("blocks", Text, nullable=False),
    sa.Column("calendar", Text, nullable=False),
    sa.Column("thread", Text, nullable=False),
    sa.Column("why", Text, nullable=False),
    sa.Column("page_url", Text),
    sa.Column("page_shows", Text),
    sa.Column("expires_at", Instant),
    sa.Column("place", Text, nullable=False),
    sa.Column("root", sa.Integer),  # the number of the row under which it went, from its last claim on
    sa.Column("claimed_at", Instant),
    sa.Column("audience", Text, nullable=False),
    sa.Column("named_by_posting", sa.Boolean, nullable=False),
    sa.Column("card", Text, nullable=False),
    sa.Index("outbox_by_status", "status"),
    sa.Index("outbox_by_thread", "thread", "channel", "recipient"),
    sa.Index("outbox_by_path", "path", "audience", "channel", "recipient"),
)
events = sa.Table(
    "events",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("path", Text),
    sa.Column("what", Text, nullable=False),
    sa.Column("detail", Text, nullable=False),
    sa.Column("by", Text, nullable=False),
    sa.Column("key", Text, nullable=False),
    sa.Column("before", Text, nullable=False),
    sa.Column("after", Text, nullable=False),
    sa.Column("hash", Text, nullable=False),
    sa.Index("events_by_path", "path"),
)
