"""The control database as one value, opened and brought up to date."""

from __future__ import annotations

from awaitstep.storage.sql.connections import SqlConnections
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.deployments import SqlDeployments
from awaitstep.storage.sql.keys import SqlKeys
from awaitstep.storage.sql.migrate import migrate
from awaitstep.storage.sql.tenancy import SqlTenancy
from awaitstep.storage.sql.variables import SqlVariables
from awaitstep.storage.sql.versions import SqlVersions
from awaitstep.storage.sql.workflows import SqlWorkflows


class SqlStore:
    """`awaitstep.storage.port.Store` on an SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.tenancy = SqlTenancy(database)
        self.workflows = SqlWorkflows(database)
        self.versions = SqlVersions(database)
        self.deployments = SqlDeployments(database)
        self.connections = SqlConnections(database)
        self.variables = SqlVariables(database)
        self.keys = SqlKeys(database)

    def close(self) -> None:
        self._database.close()


def open_store(url: str) -> SqlStore:
    """Open the database at an SQLAlchemy URL (`sqlite:///DIR/control.db`) and migrate it.

    Raises StoreUnavailable, or NewerDatabase when a later AwaitStep has changed its tables.
    """
    database = Database(url)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)
