"""How Alembic reaches the ledger: over the connection, and inside the transaction, of whoever asks for a migration.

It opens nothing and commits nothing, so that a migration happens whole or not at all.
"""

from alembic import context

from postbot.ledger import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
context.run_migrations()
