"""Connections and transactions. Owns how the database is opened; knows no table."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from awaitstep.storage.port import StoreUnavailable


class Database:
    """An engine with one way to read and one to write.

    On SQLite a writing transaction takes the write lock when it begins, so that it never has to
    give up half-way; the threads of this process queue for it in memory.
    """

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        options: dict[str, Any] = {"hide_parameters": True}
        self.sqlite = parsed.get_backend_name() == "sqlite"
        # None where the database is in memory or on a server
        self.file: Path | None = None
        if self.sqlite and parsed.database in (None, "", ":memory:"):
            options["poolclass"] = sa.StaticPool
        elif self.sqlite:
            self.file = Path(str(parsed.database))
        self.engine = sa.create_engine(parsed, **options)
        self._turn: Any = threading.RLock() if self.sqlite else nullcontext()
        if self.sqlite:
            sa.event.listen(self.engine, "connect", _prepare)
            sa.event.listen(self.engine, "begin", _begin)
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with _answering(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Committed and on the disk when the block ends; nothing of it stays if it raises."""
        with _answering(), self._turn, self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise StoreUnavailable(_reason(error)) from error
    except DBAPIError as error:
        # a broken file is a plain DatabaseError; its subclasses are about the statement
        if type(error) is DatabaseError or error.connection_invalidated:
            raise StoreUnavailable(_reason(error)) from error
        raise


def _reason(error: DBAPIError) -> str:
    """What SQLite says is about a file; what a server's driver says may name hosts and users."""
    return str(error.orig) if isinstance(error.orig, sqlite3.Error) else ""


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, not by the driver
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout = 5000",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
