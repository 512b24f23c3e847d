"""Graphs that are being drawn, one for each workflow."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from awaitstep.storage.port import Missing, Stale
from awaitstep.storage.records import Draft, Version, Workflow
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.rows import first
from awaitstep.storage.sql.schema import drafts, versions, workflows
from awaitstep.storage.sql.workflows import draft_of
from awaitstep.storage.sql.workflows import find as find_workflow


class SqlDrafts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, project: str, workflow: str) -> Draft:
        with self._database.read() as db:
            find_workflow(db, project, workflow)
            draft = draft_of(db, workflow)
        if draft is None:
            raise Missing("draft", workflow)
        return draft

    def put(self, project: str, draft: Draft) -> Draft:
        with self._database.write() as db:
            # before anything is read: where writers do not queue, the row's lock makes them
            db.execute(
                sa.update(workflows)
                .where(workflows.c.id == draft.workflow, workflows.c.project == project)
                .values(draft_revision=workflows.c.draft_revision + 1)
            )
            find_workflow(db, project, draft.workflow)
            known = draft_of(db, draft.workflow)
            current = 0 if known is None else known.revision
            if draft.revision != current:
                raise Stale("draft", current)
            if draft.base_version is not None:
                _must_be_of(db, draft.workflow, draft.base_version)
            (raised,) = db.execute(
                sa.select(workflows.c.draft_revision).where(workflows.c.id == draft.workflow)
            ).one()
            stored = replace(draft, revision=raised)
            if known is None:
                db.execute(drafts.insert(), asdict(stored))
            else:
                db.execute(
                    sa.update(drafts)
                    .where(drafts.c.workflow == draft.workflow)
                    .values(asdict(stored))
                )
        return stored

    def delete(self, project: str, workflow: str) -> None:
        with self._database.write() as db:
            find_workflow(db, project, workflow)
            if not db.execute(sa.delete(drafts).where(drafts.c.workflow == workflow)).rowcount:
                raise Missing("draft", workflow)


def drop_saved(db: sa.Connection, workflow: Workflow, version: Version) -> None:
    """Forget the draft when everything in it is saved by now."""
    draft = draft_of(db, workflow.id)
    if draft is None or draft.entry_code not in (None, workflow.entry_code):
        return
    if _text(draft.ir) == _text(version.ir):
        db.execute(sa.delete(drafts).where(drafts.c.workflow == workflow.id))


def _must_be_of(db: sa.Connection, workflow: str, version: str) -> None:
    found = sa.select(versions.c.id).where(
        versions.c.id == version, versions.c.workflow == workflow
    )
    if first(db, found) is None:
        raise Missing("version", version)


def _text(ir: dict[str, Any]) -> str:
    """Equal for equal JSON, in which 1 is neither 1.0 nor true."""
    return json.dumps(ir, sort_keys=True)
