"""Saved graphs. Every query reaches a version through its workflow and project."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from awaitstep.storage.port import BadCursor, InUse, Missing
from awaitstep.storage.records import Page, Version
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.drafts import drop_saved
from awaitstep.storage.sql.rows import first, record
from awaitstep.storage.sql.schema import versions, workflows
from awaitstep.storage.sql.workflows import find as find_workflow

_LARGEST_NUMBER = 2**31 - 1


def _is(ref: str) -> sa.ColumnElement[bool]:
    if ref.isascii() and ref.isdigit() and len(ref) <= 10 and int(ref) <= _LARGEST_NUMBER:
        return versions.c.number == int(ref)
    return versions.c.id == ref


def _within(project: str, workflow: str) -> sa.Select[Any]:
    return (
        sa.select(versions)
        .join(workflows, workflows.c.id == versions.c.workflow)
        .where(versions.c.workflow == workflow, workflows.c.project == project)
    )


def _find(db: sa.Connection, project: str, workflow: str, ref: str) -> Version:
    row = first(db, _within(project, workflow).where(_is(ref)))
    if row is None:
        raise Missing("version", ref)
    return record(Version, row)


class SqlVersions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, project: str, version: Version) -> Version:
        with self._database.write() as db:
            workflow = find_workflow(db, project, version.workflow)
            last = db.scalar(
                sa.select(sa.func.max(versions.c.number)).where(
                    versions.c.workflow == version.workflow
                )
            )
            stored = replace(version, number=(last or 0) + 1)
            db.execute(versions.insert(), asdict(stored))
            db.execute(
                sa.update(workflows)
                .where(workflows.c.id == version.workflow)
                .values(updated_at=version.created_at)
            )
            drop_saved(db, workflow, stored)
        return stored

    def get(self, project: str, workflow: str, ref: str) -> Version:
        with self._database.read() as db:
            return _find(db, project, workflow, ref)

    def latest(self, project: str, workflow: str) -> Version:
        with self._database.read() as db:
            row = first(db, _within(project, workflow).order_by(versions.c.number.desc()).limit(1))
        if row is None:
            raise Missing("version", "latest")
        return record(Version, row)

    def page(self, project: str, workflow: str, limit: int, cursor: str | None) -> Page[Version]:
        query = _within(project, workflow).order_by(versions.c.number.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(versions.c.number < _number(cursor))
        with self._database.read() as db:
            find_workflow(db, project, workflow)
            found = [record(Version, dict(row)) for row in db.execute(query).mappings()]
        more = len(found) > limit
        return Page(found[:limit], _cursor(found[limit - 1].number) if more else None)

    def update(
        self, project: str, workflow: str, ref: str, *, locked: bool | None, note: str | None
    ) -> Version:
        with self._database.write() as db:
            version = _find(db, project, workflow, ref)
            changed = replace(
                version,
                locked=version.locked if locked is None else locked,
                note=version.note if note is None else note or None,
            )
            db.execute(
                sa.update(versions)
                .where(versions.c.id == version.id)
                .values(locked=changed.locked, note=changed.note)
            )
        return changed

    def delete(self, project: str, workflow: str, ref: str) -> None:
        with self._database.write() as db:
            version = _find(db, project, workflow, ref)
            try:
                db.execute(sa.delete(versions).where(versions.c.id == version.id))
            except IntegrityError:
                raise InUse("version", "a deployment") from None


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def _number(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if not text.isdigit() or len(text) > 10:
        raise BadCursor
    return int(text)
