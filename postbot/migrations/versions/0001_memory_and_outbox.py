"""What was witnessed, asked and said; the messages on their way; what happened to whom."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables, and the one row that counts changes."""
    _memory()
    _outbox()
    op.create_table(
        "events",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("path", sa.String),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
    )
    op.create_index("events_by_path", "events", ["path"])


def _memory() -> None:
    op.create_table(
        "witnesses",
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("blob", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("opens", sa.String),
        sa.Column("closes", sa.String),
        sa.Column("reason", sa.String),
    )
    op.create_table(
        "requests",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("transition", sa.String, nullable=False),
        sa.Column("wanted", sa.JSON, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("filed_at", sa.String, nullable=False),
        sa.Column("answered_at", sa.String),
        sa.Column("done", sa.Boolean),
        sa.Column("words", sa.String),
    )
    op.create_index("requests_by_answer", "requests", ["answered_at"])
    op.create_table(
        "told",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
    )
    op.create_table(
        "released",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
    )
    pulse = op.create_table(
        "pulse",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("last_tick", sa.String),
    )
    op.bulk_insert(pulse, [{"number": 1, "revision": 0, "last_tick": None}])


def _outbox() -> None:
    op.create_table(
        "outbox",
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
        sa.Column("queued_at", sa.String, nullable=False),
        sa.Column("changed_at", sa.String, nullable=False),
        sa.Column("next_at", sa.String),
        sa.Column("detail", sa.String),
    )
    op.create_index("outbox_by_status", "outbox", ["status"])
