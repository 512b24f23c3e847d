"""The control database as one value, opened and brought up to date."""

from __future__ import annotations

import contextlib
import sqlite3

from awaitstep import damage
from awaitstep.storage.port import StoreDamaged, StoreUnavailable
from awaitstep.storage.sql.connections import SqlConnections
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.deployments import SqlDeployments
from awaitstep.storage.sql.drafts import SqlDrafts
from awaitstep.storage.sql.keys import SqlKeys
from awaitstep.storage.sql.migrate import migrate, must_be_current
from awaitstep.storage.sql.sessions import SqlSessions
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
        self.drafts = SqlDrafts(database)
        self.deployments = SqlDeployments(database)
        self.connections = SqlConnections(database)
        self.variables = SqlVariables(database)
        self.keys = SqlKeys(database)
        self.sessions = SqlSessions(database)

    def close(self) -> None:
        self._database.close()


def open_store(url: str) -> SqlStore:
    """Open the database at an SQLAlchemy URL (`sqlite:///DIR/control.db`) and migrate it.

    Raises StoreUnavailable, StoreDamaged, or NewerDatabase when a later AwaitStep has changed its
    tables.
    """
    database = Database(url)
    try:
        _refuse_damage(database)
        migrate(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def open_beside(url: str) -> SqlStore:
    """Open the database of a server that may run, and leave its tables as they are.

    Raises StoreUnavailable, StoreDamaged, or OlderDatabase or NewerDatabase when its tables are not
    this AwaitStep's.
    """
    database = Database(url)
    try:
        _refuse_damage(database)
        must_be_current(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def _refuse_damage(database: Database) -> None:
    path = database.file
    if path is None or not path.exists():
        return
    try:
        what = damage.of_log(path)
        if what is None:
            with contextlib.closing(sqlite3.connect(path)) as db:
                what = damage.of_pages(db, path)
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    except sqlite3.DatabaseError as error:
        what = str(error)
    if what is not None:
        raise StoreDamaged(str(path), what)
