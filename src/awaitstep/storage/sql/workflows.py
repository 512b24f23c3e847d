"""Workflows and what of them triggers need to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from awaitstep.storage.port import Missing, Stale, Taken
from awaitstep.storage.records import (
    Deployment,
    Draft,
    Entry,
    FullWorkflow,
    Numbers,
    Page,
    Variable,
    Version,
    Workflow,
    WorkflowPatch,
)
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.rows import first, newest_first, record
from awaitstep.storage.sql.schema import (
    connections,
    deployments,
    drafts,
    projects,
    variables,
    versions,
    workflows,
)

_LOCAL = "local"


def draft_of(db: sa.Connection, workflow: str) -> Draft | None:
    """The graph that is being drawn, None when everything is saved."""
    row = first(db, sa.select(drafts).where(drafts.c.workflow == workflow))
    return None if row is None else record(Draft, row)


def find(db: sa.Connection, project: str, id: str) -> Workflow:
    """Raises Missing."""
    row = first(
        db, sa.select(workflows).where(workflows.c.id == id, workflows.c.project == project)
    )
    if row is None:
        raise Missing("workflow", id)
    return record(Workflow, row)


class SqlWorkflows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, workflow: Workflow, version: Version | None, own: Sequence[Variable]) -> None:
        with self._database.write() as db:
            try:
                db.execute(workflows.insert(), asdict(workflow))
            except IntegrityError:
                raise Taken("workflow", "route") from None
            if version is not None:
                db.execute(versions.insert(), asdict(version))
            if own:
                db.execute(variables.insert(), [asdict(variable) for variable in own])

    def get(self, project: str, id: str) -> Workflow:
        with self._database.read() as db:
            return find(db, project, id)

    def full(self, project: str, id: str) -> FullWorkflow:
        with self._database.read() as db:
            workflow = find(db, project, id)
            version = first(
                db,
                sa.select(versions)
                .where(versions.c.workflow == id)
                .order_by(versions.c.number.desc())
                .limit(1),
            )
            deployment = first(
                db, sa.select(deployments).where(deployments.c.id == workflow.active_deployment)
            )
            own = db.execute(
                sa.select(variables).where(variables.c.workflow == id).order_by(variables.c.name)
            ).mappings()
            return FullWorkflow(
                workflow,
                None if version is None else record(Version, version),
                None if deployment is None else record(Deployment, deployment),
                [record(Variable, dict(row)) for row in own],
                draft_of(db, id),
            )

    def page(
        self, project: str, limit: int, cursor: str | None, name: str | None = None
    ) -> Page[Workflow]:
        query = sa.select(workflows).where(workflows.c.project == project)
        if name is not None:
            query = query.where(workflows.c.name == name)
        with self._database.read() as db:
            return newest_first(
                db, query, workflows, lambda row: record(Workflow, row), limit, cursor
            )

    def ids(self, project: str) -> Sequence[str]:
        with self._database.read() as db:
            return db.scalars(sa.select(workflows.c.id).where(workflows.c.project == project)).all()

    def numbers(self, project: str, ids: Sequence[str]) -> Mapping[str, Numbers]:
        last = (
            sa.select(sa.func.max(versions.c.number))
            .where(versions.c.workflow == workflows.c.id)
            .scalar_subquery()
        )
        live = versions.alias("live")
        query = (
            sa.select(workflows.c.id, last, live.c.number)
            .select_from(
                workflows.outerjoin(
                    deployments, deployments.c.id == workflows.c.active_deployment
                ).outerjoin(live, live.c.id == deployments.c.version)
            )
            .where(workflows.c.project == project, workflows.c.id.in_(ids))
        )
        with self._database.read() as db:
            return {id: Numbers(newest, active) for id, newest, active in db.execute(query)}

    def update(
        self,
        project: str,
        id: str,
        patch: WorkflowPatch,
        own: Sequence[Variable] | None,
        entry_revision: int | None = None,
    ) -> Workflow:
        mine = sa.and_(workflows.c.id == id, workflows.c.project == project)
        with self._database.write() as db:
            if "entry_code" in patch:
                # before anything is read: where writers do not queue, the row's lock makes them
                raised = {"entry_revision": workflows.c.entry_revision + 1}
                db.execute(sa.update(workflows).where(mine).values(raised))
            before = find(db, project, id).entry_revision - 1
            if "entry_code" in patch and entry_revision not in (None, before):
                raise Stale("entry", before, "entryRevision")
            if patch:
                try:
                    db.execute(sa.update(workflows).where(mine).values(cast(dict[str, Any], patch)))
                except IntegrityError:
                    raise Taken("workflow", "route") from None
            if own is not None:
                db.execute(sa.delete(variables).where(variables.c.workflow == id))
                if own:
                    db.execute(variables.insert(), [asdict(variable) for variable in own])
            return find(db, project, id)

    def move(
        self, project: str, id: str, target: str, own: Sequence[Variable], now: float
    ) -> Workflow:
        with self._database.write() as db:
            find(db, project, id)
            if first(db, sa.select(projects.c.id).where(projects.c.id == target)) is None:
                raise Missing("project", target)
            there = sa.select(connections.c.id).where(
                connections.c.project == target, connections.c.builtin
            )
            db.execute(
                sa.update(deployments)
                .where(deployments.c.workflow == id)
                .values(project=target, connection=there.scalar_subquery())
            )
            db.execute(sa.delete(variables).where(variables.c.workflow == id))
            if own:
                db.execute(variables.insert(), [asdict(variable) for variable in own])
            db.execute(
                sa.update(workflows)
                .where(workflows.c.id == id, workflows.c.project == project)
                .values(project=target, updated_at=now)
            )
            return find(db, target, id)

    def delete(self, project: str, id: str) -> None:
        with self._database.write() as db:
            find(db, project, id)
            db.execute(sa.delete(deployments).where(deployments.c.workflow == id))
            db.execute(
                sa.delete(workflows).where(workflows.c.id == id, workflows.c.project == project)
            )

    def entries(self) -> Sequence[Entry]:
        with self._database.read() as db:
            return [_entry(dict(row)) for row in db.execute(_ENTRIES).mappings()]

    def entry(self, id: str) -> Entry | None:
        with self._database.read() as db:
            row = first(db, _ENTRIES.where(workflows.c.id == id))
        return None if row is None else _entry(row)


_ENTRIES = sa.select(
    workflows.c.id,
    workflows.c.project,
    workflows.c.kind,
    workflows.c.worker_name,
    workflows.c.route,
    workflows.c.active_deployment,
    workflows.c.limits,
    workflows.c.name,
    workflows.c.payload_schema,
    deployments.c.version,
    deployments.c.connection,
    deployments.c.url,
    connections.c.type,
).select_from(
    workflows.outerjoin(deployments, deployments.c.id == workflows.c.active_deployment).outerjoin(
        connections, connections.c.id == deployments.c.connection
    )
)


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        workflow=row["id"],
        project=row["project"],
        engine=row["type"] or _LOCAL,
        url=row["url"],
        kind=row["kind"],
        worker_name=row["worker_name"],
        route=row["route"],
        deployment=row["active_deployment"],
        version=row["version"] or "",
        connection=row["connection"],
        limits=row["limits"],
        name=row["name"],
        payload_schema=row["payload_schema"],
    )
