"""Connections: places to deploy to. A project always has exactly one default."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from awaitstep.storage.port import InUse, Missing, Taken
from awaitstep.storage.records import Connection, Page
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.rows import first, newest_first, record
from awaitstep.storage.sql.schema import connections


def _find(db: sa.Connection, project: str, id: str) -> Connection:
    row = first(
        db, sa.select(connections).where(connections.c.id == id, connections.c.project == project)
    )
    if row is None:
        raise Missing("connection", id)
    return record(Connection, row)


class SqlConnections:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, connection: Connection) -> None:
        with self._database.write() as db:
            if connection.is_default:
                _undefault(db, connection.project)
            try:
                db.execute(connections.insert(), asdict(connection))
            except IntegrityError:
                raise Taken("connection", "name") from None

    def get(self, project: str, id: str) -> Connection:
        with self._database.read() as db:
            return _find(db, project, id)

    def default(self, project: str) -> Connection:
        with self._database.read() as db:
            row = first(
                db,
                sa.select(connections).where(
                    connections.c.project == project, connections.c.is_default
                ),
            )
        if row is None:
            raise Missing("connection", "default")
        return record(Connection, row)

    def page(self, project: str, limit: int, cursor: str | None) -> Page[Connection]:
        query = sa.select(connections).where(connections.c.project == project)
        with self._database.read() as db:
            return newest_first(
                db, query, connections, lambda row: record(Connection, row), limit, cursor
            )

    def load(self, id: str) -> Connection:
        with self._database.read() as db:
            row = first(db, sa.select(connections).where(connections.c.id == id))
        if row is None:
            raise Missing("connection", id)
        return record(Connection, row)

    def update(
        self,
        project: str,
        id: str,
        *,
        name: str | None,
        is_default: bool | None,
        plan: str | None = None,
        token: bytes | None = None,
    ) -> Connection:
        with self._database.write() as db:
            connection = _find(db, project, id)
            if is_default:
                _undefault(db, project)
            try:
                db.execute(
                    sa.update(connections)
                    .where(connections.c.id == id, connections.c.project == project)
                    .values(
                        name=name or connection.name,
                        is_default=connection.is_default if is_default is None else is_default,
                        plan=plan or connection.plan,
                        token=token or connection.token,
                    )
                )
            except IntegrityError:
                raise Taken("connection", "name") from None
            return _find(db, project, id)

    def delete(self, project: str, id: str) -> None:
        with self._database.write() as db:
            connection = _find(db, project, id)
            try:
                db.execute(
                    sa.delete(connections).where(
                        connections.c.id == id, connections.c.project == project
                    )
                )
            except IntegrityError:
                raise InUse("connection", "a deployment") from None
            if connection.is_default:
                db.execute(
                    sa.update(connections)
                    .where(connections.c.project == project, connections.c.builtin)
                    .values(is_default=True)
                )


def _undefault(db: sa.Connection, project: str) -> None:
    db.execute(
        sa.update(connections).where(connections.c.project == project).values(is_default=False)
    )
