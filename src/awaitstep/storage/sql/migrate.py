"""Brings the tables up to date. Alembic is only loaded when there is something to do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from awaitstep.storage.sql.database import Database

HEAD: Final = "0007"
SCRIPTS: Final = Path(__file__).parent.parent / "migrations"


class NewerDatabase(Exception):
    """The database was made by a later AwaitStep."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The control database is at revision {revision}, which this AwaitStep does not know. "
            "Use the version that wrote it, or a later one."
        )


class OlderDatabase(Exception):
    """The database was not brought up to date yet."""

    def __init__(self) -> None:
        super().__init__("An earlier AwaitStep used this data folder last; start the server first.")


def must_be_current(database: Database) -> None:
    """Raises OlderDatabase, NewerDatabase."""
    found = _revision(database)
    if found == HEAD:
        return
    if found is None or found < HEAD:
        raise OlderDatabase
    raise NewerDatabase(found)


def migrate(database: Database) -> None:
    """Raises NewerDatabase."""
    if _revision(database) == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.write() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, HEAD)
        except CommandError:
            raise NewerDatabase(_revision(database) or "?") from None


def _revision(database: Database) -> str | None:
    with database.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return revision
