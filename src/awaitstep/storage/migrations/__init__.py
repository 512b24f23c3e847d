"""Alembic scripts, run by `awaitstep.storage.sql.migrate`."""
