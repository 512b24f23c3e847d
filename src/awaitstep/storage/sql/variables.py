"""Variables of projects and workflows. Secrets arrive here sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from awaitstep.storage.port import Missing, Taken
from awaitstep.storage.records import Page, Variable
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.rows import first, newest_first, record
from awaitstep.storage.sql.schema import variables


class SqlVariables:
    """By id, only a project's own are found; a workflow's belong to the workflow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, variable: Variable) -> None:
        with self._database.write() as db:
            try:
                db.execute(variables.insert(), asdict(variable))
            except IntegrityError:
                raise Taken("env_var", "name") from None

    def get(self, project: str, id: str) -> Variable:
        with self._database.read() as db:
            row = first(db, sa.select(variables).where(variables.c.id == id, *_own(project)))
        if row is None:
            raise Missing("env_var", id)
        return record(Variable, row)

    def page(self, project: str, limit: int, cursor: str | None) -> Page[Variable]:
        with self._database.read() as db:
            return newest_first(
                db,
                sa.select(variables).where(*_own(project)),
                variables,
                lambda row: record(Variable, row),
                limit,
                cursor,
            )

    def of(self, project: str, workflow: str | None) -> Sequence[Variable]:
        query = sa.select(variables).where(
            variables.c.project == project, variables.c.workflow.is_not_distinct_from(workflow)
        )
        with self._database.read() as db:
            rows = db.execute(query.order_by(variables.c.name)).mappings()
            return [record(Variable, dict(row)) for row in rows]

    def update(self, variable: Variable) -> None:
        with self._database.write() as db:
            try:
                changed = db.execute(
                    sa.update(variables)
                    .where(variables.c.id == variable.id, *_own(variable.project))
                    .values(
                        name=variable.name,
                        value=variable.value,
                        sealed=variable.sealed,
                        updated_at=variable.updated_at,
                    )
                )
            except IntegrityError:
                raise Taken("env_var", "name") from None
            if changed.rowcount == 0:
                raise Missing("env_var", variable.id)

    def delete(self, project: str, id: str) -> None:
        with self._database.write() as db:
            gone = db.execute(sa.delete(variables).where(variables.c.id == id, *_own(project)))
            if gone.rowcount == 0:
                raise Missing("env_var", id)


def _own(project: str) -> tuple[sa.ColumnElement[bool], ...]:
    return variables.c.project == project, variables.c.workflow.is_(None)
