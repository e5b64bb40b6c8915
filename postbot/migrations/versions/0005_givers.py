"""Who has said something of a pull request, whatever they are called by now; and what an undo is meant for."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns. Of what was said before, only the name is known; an undo asked for before is for the last."""
    op.add_column("opinions", sa.Column("asker", sa.String, nullable=False, server_default=""))
    op.add_column("requests", sa.Column("undoes", sa.Integer))
