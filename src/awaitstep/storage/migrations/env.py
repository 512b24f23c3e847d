"""Runs the scripts on the connection that the caller opened, inside its transaction."""

from __future__ import annotations

from alembic import context

from awaitstep.storage.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
