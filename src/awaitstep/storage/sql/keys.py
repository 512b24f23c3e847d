"""API keys as they are kept: never the key itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from awaitstep.storage.port import Missing
from awaitstep.storage.records import ApiKey, Page
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.rows import first, newest_first, record
from awaitstep.storage.sql.schema import api_keys


class SqlKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, key: ApiKey) -> None:
        with self._database.write() as db:
            db.execute(api_keys.insert(), asdict(key))

    def page(self, project: str, limit: int, cursor: str | None) -> Page[ApiKey]:
        query = sa.select(api_keys).where(api_keys.c.project == project)
        with self._database.read() as db:
            return newest_first(db, query, api_keys, lambda row: record(ApiKey, row), limit, cursor)

    def named(self, project: str, name: str) -> Sequence[ApiKey]:
        query = sa.select(api_keys).where(api_keys.c.project == project, api_keys.c.name == name)
        with self._database.read() as db:
            return [record(ApiKey, dict(row)) for row in db.execute(query).mappings()]

    def find(self, prefix: str) -> ApiKey | None:
        with self._database.read() as db:
            row = first(db, sa.select(api_keys).where(api_keys.c.prefix == prefix))
        return None if row is None else record(ApiKey, row)

    def delete(self, project: str, id: str) -> ApiKey:
        mine = sa.and_(api_keys.c.id == id, api_keys.c.project == project)
        with self._database.write() as db:
            row = first(db, sa.select(api_keys).where(mine))
            if row is None:
                raise Missing("api_key", id)
            db.execute(sa.delete(api_keys).where(mine))
        return record(ApiKey, row)
