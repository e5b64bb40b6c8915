"""A lease for several replicas, a pause by a person, a mark for copies, and keys of what came in from outside."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables, and the one row of the lease, which nobody holds yet."""
    op.add_column("pulse", sa.Column("paused_by", sa.String))
    op.add_column("pulse", sa.Column("paused_at", sa.String))
    op.add_column("pulse", sa.Column("paused_why", sa.String, nullable=False, server_default=""))
    op.add_column("pulse", sa.Column("copied", sa.Boolean, nullable=False, server_default=sa.false()))
    lease = op.create_table(
        "lease",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("until", sa.String),
        sa.Column("ticked_at", sa.String),
        sa.Column("wakes_at", sa.String),
    )
    op.bulk_insert(lease, [{"number": 1, "epoch": 0, "holder": ""}])
    op.create_table(
        "heard",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
    )
