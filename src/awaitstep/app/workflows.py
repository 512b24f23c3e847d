"""Workflows: made, changed, moved and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from awaitstep.app import limits
from awaitstep.app.errors import Conflict, Detail, NotFound, invalid
from awaitstep.app.graphs import Graphs
from awaitstep.app.ids import new_id
from awaitstep.app.names import route_pattern
from awaitstep.app.payloads import schema_problems
from awaitstep.app.ports import Ports
from awaitstep.app.retirement import Retirement
from awaitstep.app.variables import VariableSpec, moved, refuse, replaced
from awaitstep.engine.port import RunView
from awaitstep.engine.workers import HandlerFailure
from awaitstep.requirements import MOST, NotARequirement, normalised
from awaitstep.storage.records import (
    Entry,
    FullWorkflow,
    Kind,
    Numbers,
    Page,
    Variable,
    Version,
    Workflow,
    WorkflowPatch,
)


@dataclass(frozen=True, slots=True)
class Edit:
    """What to change about a workflow; `given` names the fields that are meant.

    `entry_revision` is that of the entry code that was read last; None replaces whatever is there.
    """

    given: frozenset[str]
    name: str | None = None
    description: str | None = None
    entry_code: str | None = None
    entry_revision: int | None = None
    dependencies: Sequence[str] = ()
    payload_schema: dict[str, Any] | None = None
    route: str | None = None
    limits: Mapping[str, Any] | None = None
    variables: Sequence[VariableSpec] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a workflow stands, as far as a list shows it.

    `url` is its Worker URL while something is live, `crashed` why that takes no runs,
    `last_run` the run that was created last, `handler_failure` the last request that what is live failed
    to answer.
    """

    numbers: Numbers
    url: str | None = None
    crashed: str | None = None
    last_run: RunView | None = None
    handler_failure: HandlerFailure | None = None


class Workflows:
    def __init__(self, ports: Ports, graphs: Graphs, retirement: Retirement) -> None:
        self._ports = ports
        self._graphs = graphs
        self._retirement = retirement

    async def create(
        self,
        project: str,
        *,
        name: str,
        description: str = "",
        kind: Kind | None = None,
        ir: Mapping[str, Any] | None = None,
    ) -> Workflow:
        """A new workflow, with its first version when a graph is given. Raises Invalid."""
        if ir is not None:
            await self._graphs.must_be_valid(ir, kind)
        workflow = self._new(project, name, description, kind or kind_of(ir))
        version = None if ir is None else self._first_version(workflow, ir)
        await self._ports.change(
            workflow.id, self._ports.store.workflows.create, workflow, version, ()
        )
        return workflow

    async def get(self, project: str, id: str) -> Workflow:
        return await self._ports.read(self._ports.store.workflows.get, project, id)

    async def full(self, project: str, id: str) -> FullWorkflow:
        return await self._ports.read(self._ports.store.workflows.full, project, id)

    async def page(
        self, project: str, limit: int, cursor: str | None, name: str | None = None
    ) -> Page[Workflow]:
        """`name`, when given, is the exact one; several workflows may have it."""
        store = self._ports.store.workflows
        return await self._ports.read(store.page, project, limit, cursor, name)

    async def standings(
        self, project: str, workflows: Sequence[Workflow]
    ) -> Mapping[str, Standing]:
        """By the id of each: one question to the store, and one to each engine that has runs of
        them. Raises EngineError."""
        ids = [workflow.id for workflow in workflows]
        if not ids:
            return {}
        numbers = await self._ports.read(self._ports.store.workflows.numbers, project, ids)
        entries = {entry.workflow: entry for id in ids if (entry := self._ports.directory.get(id))}
        newest: dict[str, RunView] = {}
        for engine in {entry.engine for entry in entries.values()}:
            own = [entry.workflow for entry in entries.values() if entry.engine == engine]
            newest |= await self._ports.providers[engine].runs.newest(own)
        return {
            id: self._standing(numbers.get(id, Numbers()), entries.get(id), newest.get(id))
            for id in ids
        }

    def _standing(
        self, numbers: Numbers, entry: Entry | None, last_run: RunView | None
    ) -> Standing:
        if entry is None or entry.deployment is None or entry.worker_name is None:
            return Standing(numbers, last_run=last_run)
        provider = self._ports.providers[entry.engine]
        url = entry.url or provider.url(entry.worker_name)
        crashed = provider.crashed(entry.deployment)
        failed = provider.handler_failure(entry.deployment)
        return Standing(numbers, url, crashed, last_run, failed)

    async def variables(self, project: str, id: str) -> Sequence[Variable]:
        return await self._ports.read(self._ports.store.variables.of, project, id)

    async def update(self, project: str, id: str, edit: Edit) -> Workflow:
        """Raises NotFound, Invalid with one detail per problem, Conflict (route taken, or entry
        code that was changed since `entry_revision`)."""
        entry = self._ports.directory.find(project, id)
        now = self._ports.clock.now()
        patch: WorkflowPatch = {"updated_at": now}
        if "name" in edit.given and edit.name is not None:
            patch["name"] = edit.name
        if "description" in edit.given:
            patch["description"] = edit.description or ""
        if "payload_schema" in edit.given:
            refuse(schema_problems(edit.payload_schema))
            patch["payload_schema"] = edit.payload_schema
        if "dependencies" in edit.given:
            refuse(dependency_problems(edit.dependencies))
            patch["dependencies"] = list(edit.dependencies)
        if "route" in edit.given:
            patch["route"] = None if edit.route is None else route_pattern(edit.route)
        if "limits" in edit.given:
            if entry.kind == "script" and edit.limits is not None:
                raise invalid("limits.function", "A function has no runs to limit.", "limits")
            patch["limits"], problems = limits.read(edit.limits)
            refuse(problems)
        if "entry_code" in edit.given:
            if edit.entry_code is not None:
                refuse(await self._graphs.entry_problems(edit.entry_code))
            patch["entry_code"] = edit.entry_code
        own = None
        if "variables" in edit.given:
            old = await self.variables(project, id)
            own = replaced(self._ports.vault, project, id, edit.variables, old, now, entry.kind)
        return await self._ports.change(
            id,
            self._ports.store.workflows.update,
            project,
            id,
            patch,
            own,
            edit.entry_revision,
        )

    async def move(self, project: str, id: str, target: str, reachable: Set[str]) -> Workflow:
        """Give it, its history and its variables to another project among `reachable`.

        Raises NotFound, for the project too; Conflict while it is live at a place that the other
        project does not have.
        """
        workflow = await self.get(project, id)
        if target not in reachable:
            raise NotFound(f"There is no project {target!r}.", "project.not_found")
        if target == project:
            return workflow
        entry = self._ports.directory.find(project, id)
        provider = self._ports.providers[entry.engine]
        if entry.deployment is not None and not provider.capabilities.runs_outlive_takedown:
            raise Conflict(
                "It is live on a connection of this project; take it down first.",
                "deploy.elsewhere",
            )
        own = await self.variables(project, id)
        return await self._ports.change(
            id,
            self._ports.store.workflows.move,
            project,
            id,
            target,
            moved(self._ports.vault, own, target),
            self._ports.clock.now(),
        )

    async def delete(self, project: str, id: str, *, force: bool = False) -> None:
        """Delete it with its versions, deployments, variables and runs.

        Raises Conflict naming the number of live runs, unless `force` ends them.
        """
        entry = self._ports.directory.find(project, id)
        if not force:
            await self._must_be_idle(entry)
        await self._retirement.stop(entry)
        if not force:  # a run that was let in meanwhile is not ended unasked
            await self._must_be_idle(entry)
        await self._retirement.forget(entry)
        await self._ports.change(id, self._ports.store.workflows.delete, project, id)

    async def _must_be_idle(self, entry: Entry) -> None:
        live = await self._retirement.live(entry)
        if live:
            runs = "run is" if live == 1 else "runs are"
            raise Conflict(
                f"{live} {runs} still live; end them first, or force it.",
                "workflow.live_runs",
                [{"code": "workflow.live_runs", "message": str(live), "path": "force"}],
            )

    async def adopt(
        self, workflow: Workflow, version: Version, specs: Sequence[VariableSpec]
    ) -> None:
        """Store an imported workflow, checked before, in one go."""
        own = replaced(
            self._ports.vault,
            workflow.project,
            workflow.id,
            specs,
            (),
            workflow.created_at,
            workflow.kind,
        )
        await self._ports.change(
            workflow.id, self._ports.store.workflows.create, workflow, version, own
        )

    def _new(self, project: str, name: str, description: str, kind: Kind) -> Workflow:
        now = self._ports.clock.now()
        return Workflow(
            id=new_id("wf"),
            project=project,
            name=name,
            description=description,
            kind=kind,
            entry_code=None,
            dependencies=[],
            payload_schema=None,
            route=None,
            worker_name=None,
            active_deployment=None,
            created_at=now,
            updated_at=now,
        )

    def _first_version(self, workflow: Workflow, ir: Mapping[str, Any]) -> Version:
        return Version(new_id("ver"), workflow.id, 1, dict(ir), None, False, workflow.created_at)


def kind_of(ir: Mapping[str, Any] | None) -> Kind:
    return "script" if ir is not None and ir.get("kind") == "script" else "workflow"


def dependency_problems(dependencies: Sequence[str]) -> list[Detail]:
    problems: list[Detail] = []
    for index, text in enumerate(dependencies):
        try:
            normalised([text])
        except NotARequirement as error:
            path = f"dependencies.{index}"
            problems.append({"code": "dependency.invalid", "message": str(error), "path": path})
    if len(dependencies) > MOST:
        problems.append(
            {
                "code": "dependency.too_many",
                "message": f"At most {MOST} packages.",
                "path": "dependencies",
            }
        )
    return problems
