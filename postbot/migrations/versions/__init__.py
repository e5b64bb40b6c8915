"""The steps. Alembic reads them as files; nothing imports them."""
