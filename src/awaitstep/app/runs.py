"""Runs: started, watched and steered.

Starting and watching ask the directory who owns a workflow, never the control database. A run is
addressed by its instance id or, when its caller chose that, by `run_` and it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from awaitstep.app.errors import Conflict, Invalid, invalid, not_deployed
from awaitstep.app.feed import Ear, listening
from awaitstep.app.payloads import must_fit
from awaitstep.app.ports import Ports
from awaitstep.app.runpages import page_of
from awaitstep.engine import values
from awaitstep.engine.errors import EngineError, InstanceTaken, RunNotFound
from awaitstep.engine.port import LogEntry, Onto, RunPage, RunQuery, Runs, RunView, StepView
from awaitstep.triggers import api, manual
from awaitstep.triggers.target import Target

T = TypeVar("T")

_PREFIX: Final = "run_"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
# What a step adds to its node's name: a further step, and its iteration.
_ADDED: Final = re.compile(r"( · (winner|result))?( \[\d+(\.\d+)*\])?( · rollback)?$")
_MOST_MAPS: Final = 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks to start. `params` is in journal form.

    Where runs stand in line, a higher `priority` goes first. `traceparent` is the caller's span.
    """

    params: bytes | None = None
    connection: str | None = None
    instance: str | None = None
    idempotency_key: str | None = None
    priority: int = 0
    by_hand: bool = False
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """`existed` when this very request was answered before."""

    run: RunView
    existed: bool


@dataclass(frozen=True, slots=True)
class NodeStep:
    """A step and the node it came from."""

    step: StepView
    node: str | None


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """An entry of a run's event log and the node of its step."""

    entry: LogEntry
    node: str | None


def public_id(run: RunView) -> str:
    """A run's `id`: its instance id when the engine made that, else `run_` and it."""
    return run.instance if run.generated_id else _PREFIX + run.instance


class RunControl:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._step_nodes: dict[str, dict[str, str]] = {}

    async def trigger(self, project: str, workflow: str, request: Request) -> Started:
        """Start a run of the active deployment, or find the one the same request started.

        Raises NotFound, Conflict (not deployed, id or key used otherwise), Invalid (also params that
        do not fit the workflow's payload schema), EngineError.
        """
        entry = self._ports.directory.find(project, workflow)
        if request.connection is not None and request.connection != entry.connection:
            await self._ports.read(self._ports.store.connections.get, project, request.connection)
            raise not_deployed(" there")
        if entry.kind == "script":
            raise Conflict(
                "This is a function: it has no runs, and answers at its Worker URL.",
                "workflow.is_function",
            )
        if entry.deployment is None:
            raise not_deployed()
        instance = _instance(workflow, request)
        target = Target(workflow, entry.deployment, entry.version)
        runs = self._ports.providers[entry.engine].runs
        try:
            must_fit(entry.payload_schema, request.params)
        except Invalid:
            # what is there is answered again, whatever the schema became meanwhile
            if instance is None or not await _there(runs, workflow, instance):
                raise
        start = manual.start if request.by_hand else api.start
        try:
            created = await runs.create(
                start(target, request.params, instance, request.priority, request.traceparent)
            )
        except InstanceTaken:
            if instance is None:
                raise
            run = await runs.get(workflow, instance)
            if not _same_params(run.params, request.params):
                if request.idempotency_key is None:
                    raise
                raise Conflict(
                    "This Idempotency-Key was used with other params.", "idempotency.conflict"
                ) from None
            if request.idempotency_key is None and run.deployment != entry.deployment:
                raise
            return Started(run, existed=True)
        return Started(created.run, created.existed)

    async def page(self, project: str, workflow: str | None, query: RunQuery) -> RunPage:
        """Runs of one workflow, or of all in the project; `query.workflows` is filled in here."""
        if workflow is not None:
            entries = [self._ports.directory.find(project, workflow)]
        else:
            entries = self._ports.directory.of_project(project)
        if not entries:
            return RunPage([], None)
        engines: dict[str, tuple[Runs, list[str]]] = {}
        for entry in entries:
            runs = self._ports.providers[entry.engine].runs
            engines.setdefault(entry.engine, (runs, []))[1].append(entry.workflow)
        return await page_of(engines, query)

    def name_of(self, workflow: str) -> str:
        """A workflow's name, for whoever may see its runs; empty once it is gone."""
        entry = self._ports.directory.get(workflow)
        return "" if entry is None else entry.name

    async def get(self, project: str, workflow: str, ref: str) -> RunView:
        return await self._at(project, workflow, ref, lambda runs, id: runs.get(workflow, id))

    @contextmanager
    def listening(self, project: str, workflow: str, ref: str) -> Iterator[Ear]:
        """An ear for changes of one run. Raises NotFound."""
        entry = self._ports.directory.find(project, workflow)
        runs = self._ports.providers[entry.engine].runs
        names = (ref, ref.removeprefix(_PREFIX))
        with listening([runs], lambda changed, id: changed == workflow and id in names) as ear:
            yield ear

    async def wait(self, project: str, workflow: str, ref: str, seconds: float) -> RunView:
        """The run once it has ended, or as it is after `seconds`."""
        return await self._at(
            project, workflow, ref, lambda runs, id: runs.wait(workflow, id, seconds)
        )

    async def steps(self, project: str, workflow: str, ref: str) -> list[NodeStep]:
        run = await self.get(project, workflow, ref)
        history = await self._at(
            project, workflow, ref, lambda runs, id: runs.history(workflow, id)
        )
        nodes = await self._nodes(run.deployment)
        return [NodeStep(step, node_of(step.name, nodes)) for step in history]

    async def event_log(self, project: str, workflow: str, ref: str) -> list[NodeEntry]:
        """What happened to the run so far, oldest first."""
        run = await self.get(project, workflow, ref)
        log = await self._at(project, workflow, ref, lambda runs, id: runs.event_log(workflow, id))
        nodes = await self._nodes(run.deployment)
        return [
            NodeEntry(entry, None if entry.step is None else node_of(entry.step, nodes))
            for entry in log
        ]

    async def pause(self, project: str, workflow: str, ref: str) -> RunView:
        return await self._at(project, workflow, ref, lambda runs, id: runs.pause(workflow, id))

    async def resume(self, project: str, workflow: str, ref: str) -> RunView:
        return await self._at(project, workflow, ref, lambda runs, id: runs.resume(workflow, id))

    async def terminate(
        self, project: str, workflow: str, ref: str, *, rollback: bool = False
    ) -> RunView:
        return await self._at(
            project, workflow, ref, lambda runs, id: runs.terminate(workflow, id, rollback=rollback)
        )

    async def restart(
        self,
        project: str,
        workflow: str,
        ref: str,
        *,
        step: str | None,
        count: int,
        on_newest: bool = False,
    ) -> RunView:
        """From the start or from a step; `on_newest` with the deployment that is active now.

        Raises NotFound, Conflict (nothing is active), EngineError.
        """
        onto = None
        if on_newest:
            entry = self._ports.directory.find(project, workflow)
            if entry.deployment is None:
                raise not_deployed()
            onto = Onto(entry.deployment, entry.version)
        return await self._at(
            project,
            workflow,
            ref,
            lambda runs, id: runs.restart(workflow, id, step=step, count=count, onto=onto),
        )

    async def delete(self, project: str, workflow: str, ref: str) -> None:
        """Forget an ended run. Raises NotFound, EngineError (it is still live)."""
        await self._at(project, workflow, ref, lambda runs, id: runs.delete(workflow, id))

    async def send_event(
        self, project: str, workflow: str, ref: str, type: str, payload: bytes
    ) -> None:
        await self._at(
            project, workflow, ref, lambda runs, id: runs.send_event(workflow, id, type, payload)
        )

    async def _at(
        self, project: str, workflow: str, ref: str, ask: Callable[[Runs, str], Awaitable[T]]
    ) -> T:
        entry = self._ports.directory.find(project, workflow)
        runs = self._ports.providers[entry.engine].runs
        try:
            return await ask(runs, ref)
        except RunNotFound:
            if not ref.startswith(_PREFIX):
                raise
            return await ask(runs, ref.removeprefix(_PREFIX))

    async def _nodes(self, deployment: str) -> dict[str, str]:
        nodes = self._step_nodes.get(deployment)
        if nodes is None:
            row = await self._ports.read(self._ports.store.deployments.load, deployment)
            nodes = row.step_nodes
            if len(self._step_nodes) >= _MOST_MAPS:
                self._step_nodes.clear()
            self._step_nodes[deployment] = nodes
        return nodes


def node_of(step: str, nodes: dict[str, str]) -> str | None:
    """The node of a step, whose name may end in ` · winner`, ` · result`, ` [2.0]` or ` · rollback`."""
    return nodes.get(step) or nodes.get(_ADDED.sub("", step))


def _instance(workflow: str, request: Request) -> str | None:
    key = request.idempotency_key
    if key is None:
        return request.instance
    if request.instance is not None:
        raise invalid(
            "idempotency.ambiguous", "Give an Idempotency-Key or an instanceId.", "instanceId"
        )
    if _KEY.fullmatch(key) is None:
        raise Invalid(
            "An Idempotency-Key is 1 to 255 visible ASCII characters.", "idempotency.invalid_key"
        )
    return api.keyed_instance(workflow, key)


async def _there(runs: Runs, workflow: str, instance: str) -> bool:
    try:
        await runs.get(workflow, instance)
    except EngineError:
        return False
    return True


def _same_params(stored: bytes | None, asked: bytes | None) -> bool:
    """Equal as JSON: whatever the order of keys, but 1 is neither 1.0 nor true."""
    if stored == asked:
        return True
    if stored is None or asked is None:
        return False
    return _sorted(values.decode(stored)) == _sorted(values.decode(asked))


def _sorted(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
