"""Deployments: what was put live, and which of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from awaitstep.storage.port import Missing, Taken
from awaitstep.storage.records import Deployment, Page
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.rows import first, newest_first, record
from awaitstep.storage.sql.schema import deployments, workflows
from awaitstep.storage.sql.workflows import find as find_workflow


class SqlDeployments:
    def __init__(self, database: Database) -> None:
        self._database = database

    def name_worker(self, project: str, workflow: str, names: Sequence[str]) -> str:
        with self._database.write() as db:
            found = find_workflow(db, project, workflow)
            if found.worker_name is not None:
                return found.worker_name
        for name in names:
            try:
                with self._database.write() as db:
                    db.execute(
                        sa.update(workflows)
                        .where(workflows.c.id == workflow)
                        .values(worker_name=name)
                    )
                return name
            except IntegrityError:
                continue
        raise Taken("workflow", "worker_name")

    def activate(self, deployment: Deployment) -> None:
        with self._database.write() as db:
            workflow = find_workflow(db, deployment.project, deployment.workflow)
            if workflow.worker_name not in (None, deployment.worker_name):
                raise Taken("workflow", "worker_name")
            try:
                db.execute(
                    sa.update(workflows)
                    .where(workflows.c.id == workflow.id)
                    .values(worker_name=deployment.worker_name, active_deployment=deployment.id)
                )
            except IntegrityError:
                raise Taken("workflow", "worker_name") from None
            if workflow.active_deployment is not None:
                _mark(db, workflow.active_deployment, "superseded")
            db.execute(deployments.insert(), asdict(deployment))

    def stop(self, project: str, workflow: str) -> Deployment | None:
        with self._database.write() as db:
            found = find_workflow(db, project, workflow)
            if found.active_deployment is None:
                return None
            _mark(db, found.active_deployment, "stopped")
            db.execute(
                sa.update(workflows)
                .where(workflows.c.id == workflow)
                .values(active_deployment=None)
            )
            row = first(
                db, sa.select(deployments).where(deployments.c.id == found.active_deployment)
            )
        return None if row is None else record(Deployment, row)

    def page(
        self, project: str, workflow: str | None, limit: int, cursor: str | None
    ) -> Page[Deployment]:
        query = sa.select(deployments).where(deployments.c.project == project)
        with self._database.read() as db:
            if workflow is not None:
                find_workflow(db, project, workflow)
                query = query.where(deployments.c.workflow == workflow)
            return newest_first(
                db, query, deployments, lambda row: record(Deployment, row), limit, cursor
            )

    def load(self, id: str) -> Deployment:
        with self._database.read() as db:
            row = first(db, sa.select(deployments).where(deployments.c.id == id))
        if row is None:
            raise Missing("deployment", id)
        return record(Deployment, row)

    def environments(self) -> set[str]:
        column = deployments.c.environment
        with self._database.read() as db:
            found = db.execute(sa.select(column).where(column.is_not(None)).distinct())
            return set(found.scalars())


def _mark(db: sa.Connection, id: str, status: str) -> None:
    db.execute(sa.update(deployments).where(deployments.c.id == id).values(status=status))
