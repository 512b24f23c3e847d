"""A release on its way to its provider: what it is made of, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from awaitstep.app.errors import AppError, Conflict, Detail, Invalid, NotFound, Unavailable
from awaitstep.app.language import Compiled
from awaitstep.app.ports import Ports
from awaitstep.providers.port import Called, DeployFailed, Live, Made, Provider, Release
from awaitstep.storage.records import Connection, Kind, Workflow


@dataclass(frozen=True, slots=True)
class Calls:
    """What a module calls, by its names in `env`; empty where its provider looks it up itself."""

    workflows: Mapping[str, Called]
    functions: Mapping[str, str]


async def calls_of(
    ports: Ports, project: str, place: Connection, provider: Provider, compiled: Compiled
) -> Calls:
    """Whether all that the module calls is there, and where. Raises Invalid, a detail per problem.

    Whether it is live is asked when it is called, unless the provider needs to know before.
    """
    now = provider.capabilities.calls_must_be_live
    problems: list[Detail] = []
    workflows: dict[str, Called] = {}
    functions: dict[str, str] = {}
    kinds: list[tuple[Mapping[str, str], Kind]] = [
        (compiled.workflows, "workflow"),
        (compiled.functions, "script"),
    ]
    for names, kind in kinds:
        for name, id in names.items():
            try:
                entry = ports.directory.find(project, id)
            except NotFound:
                problems.append(_no_call("call.unknown", f"There is no workflow {id!r}."))
                continue
            if entry.kind != kind:
                what = "a function" if entry.kind == "script" else "a workflow"
                problems.append(_no_call("call.kind", f"{id} is {what}: call it with that node."))
            elif entry.deployment is None or entry.worker_name is None:
                if now:
                    told = f"{id} is not live: deploy it to {place.name} first."
                    problems.append(_no_call("call.not_live", told))
            elif entry.engine != place.type or (now and entry.connection != place.id):
                problems.append(_no_call("call.elsewhere", f"{id} is not on {place.name}."))
            elif now and kind == "script":
                functions[name] = entry.worker_name
            elif now:
                load = ports.store.deployments.load
                called = await ports.read(load, entry.deployment)
                workflows[name] = Called(entry.worker_name, called.class_name or "")
    if problems:
        raise Invalid(str(problems[0]["message"]), str(problems[0]["code"]), problems)
    return Calls(workflows, functions)


async def made_before(ports: Ports, owner: Workflow, place: Connection) -> Made | None:
    """What the live deployment of the workflow made at this place.

    Raises Conflict when it is live at another place, which would keep it there unseen.
    """
    if owner.active_deployment is None:
        return None
    live = await ports.read(ports.store.deployments.load, owner.active_deployment)
    if live.connection == place.id:
        return live.made
    there = await ports.read(ports.store.connections.load, live.connection)
    if not ports.providers[there.type].capabilities.runs_outlive_takedown:
        raise Conflict(
            f"The workflow is live on {there.name}; take it down there first.", "deploy.elsewhere"
        )
    return None


async def going_live(
    ports: Ports, provider: Provider, release: Release, then: Callable[[Live], Awaitable[object]]
) -> AsyncIterator[str | Live]:
    """What is done, line by line; the last item is the result, after `then` made it known here.

    It goes on when who listens stops: half a deploy is worse than one that nobody waits for.
    Raises Invalid, Unavailable.
    """
    told: asyncio.Queue[str | None] = asyncio.Queue()

    async def work() -> Live:
        try:
            live = await provider.deploy(release, told.put_nowait)
            await then(live)
            return live
        finally:
            told.put_nowait(None)

    task = asyncio.ensure_future(ports.to_the_end(work()))
    while (line := await told.get()) is not None:
        yield line
    try:
        yield await task
    except DeployFailed as error:
        raise refusal(error) from None


def refusal(error: DeployFailed) -> AppError:
    """What a caller is told of it."""
    code = "deploy.unavailable" if error.away else "deploy.failed"
    detail: Detail = {"code": code, "message": str(error), "stage": error.stage}
    kind = Unavailable if error.away else Invalid
    return kind(str(error), code, [detail])


def _no_call(code: str, message: str) -> Detail:
    return {"code": code, "message": message, "path": "nodes"}
