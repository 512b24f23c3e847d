"""Putting a version live: validate, compile, write the files, store the row, make it active.

Until the last step nothing of it can be seen; that step is one transaction.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from awaitstep.app.errors import Conflict, Detail, Invalid, Unavailable
from awaitstep.app.graphs import Graphs
from awaitstep.app.ids import new_id
from awaitstep.app.language import Compiled, VariableUse
from awaitstep.app.names import worker_names
from awaitstep.app.packages import (
    Ready,
    must_run_on,
    must_work_on,
    prepared,
    requirements_of,
    schedules_of,
)
from awaitstep.app.ports import Ports, worker_url
from awaitstep.app.releases import calls_of, going_live, made_before
from awaitstep.app.retirement import Retirement
from awaitstep.app.underway import Underway
from awaitstep.app.variables import must_be_free, snapshot
from awaitstep.auth import places
from awaitstep.auth.vault import Unreadable
from awaitstep.engine.workers import HandlerFailure
from awaitstep.providers.port import BundleRefused, FilesUnavailable, Live, Module, Release
from awaitstep.storage.records import Connection, Deployment, Page, Version, Workflow


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a deploy is; `progress` goes from 0 to 100."""

    stage: str
    message: str
    progress: int


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is live now."""

    deployment: str
    version: str
    connection: str
    worker_name: str
    url: str
    warnings: Sequence[Detail] = ()


@dataclass(frozen=True, slots=True)
class TakenDown:
    """`live_runs` go on; `terminated_runs` were ended."""

    deployment: str | None
    live_runs: int
    terminated_runs: int


class Deployments:
    def __init__(self, ports: Ports, graphs: Graphs, retirement: Retirement) -> None:
        self._ports = ports
        self._graphs = graphs
        self._retirement = retirement
        self._underway = Underway[Progress | Deployed]()

    async def deploy(
        self,
        project: str,
        workflow: str,
        *,
        connection: str | None = None,
        version: str | None = None,
        unless_live: bool = False,
    ) -> Deployed:
        """The newest version, or the one named, on the default connection, or the one named.

        With `unless_live` nothing is done, and the active deployment answered, when that is this
        version there, with the variables of now. Raises NotFound, Conflict, Invalid; then the old
        deployment is still active.
        """
        deployed = None
        steps = self.steps(
            project, workflow, connection=connection, version=version, unless_live=unless_live
        )
        async for step in steps:
            if isinstance(step, Deployed):
                deployed = step
        assert deployed is not None
        return deployed

    async def steps(
        self,
        project: str,
        workflow: str,
        *,
        connection: str | None = None,
        version: str | None = None,
        unless_live: bool = False,
    ) -> AsyncIterator[Progress | Deployed]:
        """`deploy` told step by step; the last item is the result."""
        owner = await self._ports.read(self._ports.store.workflows.get, project, workflow)
        place = await self._place(project, connection)
        provider = self._ports.providers[place.type]
        chosen = await self._version(owner, version)

        yield Progress("validate", f"Checking version {chosen.number}", 5)
        warnings = await self._graphs.must_be_valid(chosen.ir, owner.kind)

        yield Progress("compile", "Writing the Python module", 25)
        compiled = await self._graphs.compile(chosen.ir, owner.entry_code)
        must_run_on(place.name, provider, compiled)
        values, secret = await self._values(owner, compiled)
        calls = await calls_of(self._ports, project, place, provider, compiled)
        before = await made_before(self._ports, owner, place)
        for warning in await self._unset(compiled, values):
            yield Progress("compile", str(warning["message"]), 30)
            warnings.append(warning)
        if unless_live and (live := await self._live(owner, chosen, place, values)) is not None:
            url = self.url(live)
            yield Deployed(live.id, chosen.id, place.id, live.worker_name, url, warnings)
            return
        names = [owner.worker_name] if owner.worker_name else _names(owner)
        wanted = requirements_of(owner.dependencies, compiled)
        schedules = schedules_of(chosen.ir)
        module = Module(names[0], compiled.source, wanted, schedules)
        try:
            provider.validate(module)
        except BundleRefused as error:
            raise Invalid(str(error), "deploy.refused") from None
        for warning in must_work_on(
            place.name, provider, module, live=before is not None, plan=place.plan
        ):
            yield Progress("compile", str(warning["message"]), 30)
            warnings.append(warning)

        environment = None
        if wanted:
            progress = 35.0
            async for told in prepared(provider, module):
                if isinstance(told, Ready):
                    environment = told.environment
                else:
                    yield Progress("packages", told, round(progress))
                    progress += (60 - progress) / 5  # how many steps it takes is not known

        yield Progress("bundle", "Storing the module", 65)
        try:
            bundle = await provider.bundle(module)
        except FilesUnavailable as error:
            raise Unavailable(str(error), "deploy.not_stored") from None

        name = await self._ports.change(
            owner.id, self._ports.store.deployments.name_worker, project, owner.id, names
        )
        id = new_id("dep")
        release = Release(
            deployment=id,
            workflow=owner.id,
            connection=place.id,
            worker_name=name,
            bundle=bundle,
            class_name=compiled.class_name,
            binding=compiled.binding,
            variables={key: text for key, text in values.items() if key not in secret},
            secrets={key: text for key, text in values.items() if key in secret},
            workflows=calls.workflows,
            functions=calls.functions,
            route=owner.route,
            schedules=schedules if provider.capabilities.schedules else (),
            environment=environment,
            before=before,
        )
        yield Progress("activate", f"Going live on {place.name}", 70)
        known = Deployment(
            id=id,
            project=project,
            workflow=owner.id,
            version=chosen.id,
            connection=place.id,
            worker_name=name,
            module=bundle,
            class_name=compiled.class_name,
            binding=compiled.binding,
            step_nodes=dict(compiled.step_nodes),
            variables=self._ports.vault.seal(
                json.dumps(values).encode(), places.deployment(id, owner.id)
            ),
            workflows=dict(compiled.workflows),
            functions=dict(compiled.functions),
            status="active",
            created_at=self._ports.clock.now(),
            environment=environment,
        )

        async def store(live: Live) -> None:
            url = None if provider.url(name) == live.url else live.url
            made = replace(known, url=url, made=dict(live.made))
            await self._ports.change(owner.id, self._ports.store.deployments.activate, made)

        url = ""
        progress = 70.0
        async for done in going_live(self._ports, provider, release, store):
            if isinstance(done, Live):
                url = done.url
            else:
                progress += (95 - progress) / 5
                yield Progress("activate", done, round(progress))
        yield Deployed(id, chosen.id, place.id, name, url, warnings)

    async def begin(
        self,
        project: str,
        workflow: str,
        *,
        connection: str | None = None,
        version: str | None = None,
        unless_live: bool = False,
    ) -> AsyncIterator[Progress | Deployed]:
        """`steps` that go on when the caller goes away. Raises what comes before the first."""
        steps = self.steps(
            project, workflow, connection=connection, version=version, unless_live=unless_live
        )
        first = await anext(steps)
        return self._underway.begin(workflow, _with_first(first, steps))

    def watch(self, project: str, workflow: str) -> AsyncIterator[Progress | Deployed]:
        """All steps of what was begun, and is under way or has just ended. Raises NotFound."""
        self._ports.directory.find(project, workflow)
        return self._underway.watch(workflow)

    async def takedown(
        self, project: str, workflow: str, *, terminate_runs: bool = False
    ) -> TakenDown:
        """Stop intake; runs go on unless told. Raises NotFound."""
        entry = self._ports.directory.find(project, workflow)
        ended = await self._retirement.stop(entry)
        ended += await self._retirement.terminate_all(entry) if terminate_runs else 0
        return TakenDown(entry.deployment, await self._retirement.live(entry), ended)

    async def page(
        self, project: str, workflow: str | None, limit: int, cursor: str | None
    ) -> Page[Deployment]:
        return await self._ports.read(
            self._ports.store.deployments.page, project, workflow, limit, cursor
        )

    async def live_url(self, workflow: Workflow) -> str | None:
        """The Worker URL of what is live, None when nothing is."""
        if workflow.active_deployment is None:
            return None
        load = self._ports.store.deployments.load
        return self.url(await self._ports.read(load, workflow.active_deployment))

    def url(self, deployment: Deployment) -> str:
        return deployment.url or worker_url(self._ports, deployment.worker_name)

    def crashed(self, deployment: str) -> str | None:
        """Whichever provider holds it: ids are never the same."""
        told = (provider.crashed(deployment) for provider in self._ports.providers.values())
        return next(filter(None, told), None)

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        """As `crashed`."""
        told = (known.handler_failure(deployment) for known in self._ports.providers.values())
        return next(filter(None, told), None)

    async def _place(self, project: str, id: str | None) -> Connection:
        store = self._ports.store.connections
        if id is None:
            return await self._ports.read(store.default, project)
        return await self._ports.read(store.get, project, id)

    async def _version(self, workflow: Workflow, ref: str | None) -> Version:
        store = self._ports.store.versions
        if ref is not None:
            return await self._ports.read(store.get, workflow.project, workflow.id, ref)
        page = await self._ports.read(store.page, workflow.project, workflow.id, 1, None)
        if not page.items:
            raise Conflict("Save a version first; there is nothing to deploy.", "workflow.empty")
        return page.items[0]

    async def _values(
        self, workflow: Workflow, compiled: Compiled
    ) -> tuple[dict[str, str], set[str]]:
        """All variables, and the names of those that are secrets. Raises Invalid, Conflict."""
        store = self._ports.store.variables
        shared = await self._ports.read(store.of, workflow.project, None)
        own = await self._ports.read(store.of, workflow.project, workflow.id)
        must_be_free((compiled.binding, *compiled.workflows, *compiled.functions), shared, own)
        secret = {variable.name: variable.secret for variable in [*shared, *own]}
        values = snapshot(self._ports.vault, shared, own)
        return values, {name for name, is_secret in secret.items() if is_secret}

    async def _unset(self, compiled: Compiled, values: Mapping[str, str]) -> list[Detail]:
        """A warning for each variable that the module reads and nobody has set."""
        read = await self._graphs.variables(compiled)
        return [_unset(name, use) for name, use in read.items() if name not in values]

    async def _live(
        self, owner: Workflow, version: Version, place: Connection, values: Mapping[str, str]
    ) -> Deployment | None:
        """The active deployment, when another one would be like it."""
        if owner.active_deployment is None:
            return None
        live = await self._ports.read(self._ports.store.deployments.load, owner.active_deployment)
        same = (live.version, live.connection) == (version.id, place.id)
        if not same or owner.updated_at > live.created_at or self.crashed(live.id) is not None:
            return None
        try:
            opened = self._ports.vault.open(live.variables, places.deployment(live.id, owner.id))
        except Unreadable:
            return None
        return live if json.loads(opened) == values else None


async def _with_first(
    first: Progress | Deployed, rest: AsyncIterator[Progress | Deployed]
) -> AsyncIterator[Progress | Deployed]:
    yield first
    async for step in rest:
        yield step


def _unset(name: str, use: VariableUse) -> Detail:
    found = {
        "code": "env_var.missing",
        "message": f"The variable {name} is read but not set.",
        "severity": "warning",
        "path": "envVars",
        "hint": "Set it and deploy again: what reads it fails until then.",
    }
    return found | ({"line": use.line} if use.node is None else {"nodeId": use.node})


def _names(workflow: Workflow) -> list[str]:
    return worker_names(workflow.name, workflow.kind, workflow.id)
