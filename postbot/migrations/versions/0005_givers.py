"""Who has said something of a pull request, whatever they are called by now; and what an undo is meant for."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SIGNED = re.compile(r"\(([UW][A-Z0-9]{2,20})\)$")


def upgrade() -> None:
    """Add the columns. An undo asked for before is for the last.

    Of what was said before, the name is known, and mostly ends with the id in Slack; then it is that person's, who has
    to have the right still. Who was named as on the host goes on to be known by that name only.
    """
    op.add_column("opinions", sa.Column("asker", sa.String, nullable=False, server_default=""))
    op.add_column("requests", sa.Column("undoes", sa.Integer))
    opinions = sa.table("opinions", sa.column("number"), sa.column("by"), sa.column("asker"))
    connection = op.get_bind()
    for number, by in connection.execute(sa.select(opinions.c.number, opinions.c.by)).all():
        if found := _SIGNED.search(by):
            told = sa.update(opinions).where(opinions.c.number == number).values(asker=f"slack:{found[1]}")
            connection.execute(told)
