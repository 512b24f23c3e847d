"""Organizations, projects and the settings of the database itself."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from awaitstep.storage.port import Missing
from awaitstep.storage.records import Connection, Home, Organization, Page, Project
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.rows import first, newest_first, record
from awaitstep.storage.sql.schema import connections, organizations, projects, settings

# Seconds; a double tells these apart for centuries.
_APART: Final = 0.001


class SqlTenancy:
    def __init__(self, database: Database) -> None:
        self._database = database

    def home(self) -> Home | None:
        with self._database.read() as db:
            project = first(db, sa.select(projects).order_by(projects.c.created_at).limit(1))
            if project is None:
                return None
            owner = first(
                db, sa.select(organizations).where(organizations.c.id == project["organization"])
            )
            place = first(
                db,
                sa.select(connections).where(
                    connections.c.project == project["id"], connections.c.builtin
                ),
            )
        if owner is None or place is None:
            return None
        return Home(
            record(Organization, owner), record(Project, project), record(Connection, place)
        )

    def create_home(self, home: Home) -> None:
        with self._database.write() as db:
            db.execute(organizations.insert(), asdict(home.organization))
            _add(db, home.project, home.connection)

    def setting(self, name: str) -> bytes | None:
        with self._database.read() as db:
            value = db.scalar(sa.select(settings.c.value).where(settings.c.name == name))
        return None if value is None else bytes(value)

    def put_setting(self, name: str, value: bytes) -> None:
        try:
            with self._database.write() as db:
                db.execute(settings.insert(), {"name": name, "value": value})
        except IntegrityError:
            return

    def replace_setting(self, name: str, value: bytes) -> None:
        with self._database.write() as db:
            db.execute(sa.delete(settings).where(settings.c.name == name))
            db.execute(settings.insert(), {"name": name, "value": value})

    def project(self, id: str) -> tuple[Project, Organization]:
        with self._database.read() as db:
            project = first(db, sa.select(projects).where(projects.c.id == id))
            if project is None:
                raise Missing("project", id)
            owner = organizations.c.id == project["organization"]
            organization = first(db, sa.select(organizations).where(owner))
        if organization is None:
            raise Missing("project", id)
        return record(Project, project), record(Organization, organization)

    def projects(self, organization: str, limit: int, cursor: str | None) -> Page[Project]:
        query = sa.select(projects).where(projects.c.organization == organization)
        with self._database.read() as db:
            return newest_first(
                db, query, projects, lambda row: record(Project, row), limit, cursor
            )

    def create_project(self, project: Project, connection: Connection) -> Project:
        with self._database.write() as db:
            newest = db.scalar(sa.select(sa.func.max(projects.c.created_at))) or 0.0
            project = replace(project, created_at=max(project.created_at, newest + _APART))
            _add(db, project, connection)
        return project

    def rename_project(self, organization: str, id: str, name: str) -> Project:
        mine = sa.and_(projects.c.id == id, projects.c.organization == organization)
        with self._database.write() as db:
            db.execute(sa.update(projects).where(mine).values(name=name))
            project = first(db, sa.select(projects).where(mine))
        if project is None:
            raise Missing("project", id)
        return record(Project, project)


def _add(db: sa.Connection, project: Project, connection: Connection) -> None:
    db.execute(projects.insert(), asdict(project))
    db.execute(connections.insert(), asdict(connection))
