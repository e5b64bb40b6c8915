"""Who asked, with which key, what people say of pull requests, what each of those changes, and cards of threads."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and tables. SQLite takes a unique column by an index only."""
    op.add_column("requests", sa.Column("asker", sa.String, nullable=False, server_default=""))
    op.add_column("requests", sa.Column("key", sa.String))
    op.create_index("requests_by_key", "requests", ["key"], unique=True)
    op.add_column("outbox", sa.Column("card", sa.String, nullable=False, server_default=""))
    op.create_table(
        "opinions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("branch", sa.String, nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("said", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("words", sa.String, nullable=False),
        sa.Column("until", sa.String),
        sa.Column("key", sa.String),
    )
    op.create_index("opinions_by_key", "opinions", ["key"], unique=True)
    op.create_table(
        "changes",
        sa.Column("branch", sa.String, primary_key=True),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("before", sa.LargeBinary, nullable=False),
        sa.Column("after", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.String, nullable=False),
    )
