"""What a deployment needs of the place it goes to: node types, schedules, and its packages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from awaitstep.app.errors import Detail, Invalid, Unavailable
from awaitstep.app.language import Compiled
from awaitstep.providers.port import Module, PackagesRefused, PackagesUnavailable, Provider
from awaitstep.requirements import MOST, NotARequirement, normalised

_NOT_STARTED: Final[Detail] = {
    "code": "trigger.schedule_not_run",
    "message": "Nothing starts it on its schedule here yet.",
    "severity": "warning",
    "path": "trigger",
    "hint": "Start it by its URL, by API or command line; Cloudflare keeps schedules.",
}


@dataclass(frozen=True, slots=True)
class Ready:
    """The packages are there; `environment` names them."""

    environment: str | None


def nodes_not_for(place: str, provider: Provider, compiled: Compiled) -> list[Detail]:
    """One error per node that can't run there."""
    return [
        {"code": "deploy.node_target", "message": f"It can't run on {place}.", "nodeId": node}
        for node in compiled.unsupported.get(provider.type, ())
    ]


def must_run_on(place: str, provider: Provider, compiled: Compiled) -> None:
    """Raises Invalid with one detail per node that can't run there."""
    details = nodes_not_for(place, provider, compiled)
    if not details:
        return
    names = ", ".join(str(detail["nodeId"]) for detail in details)
    raise Invalid(f"On {place} these nodes can't run: {names}.", "deploy.node_target", details)


def differences(
    provider: Provider, module: Module, *, live: bool, plan: str | None
) -> list[Detail]:
    """What of the module is otherwise there, errors first."""
    found: list[Detail] = [
        {"code": one.code, "message": one.message, "severity": one.severity}
        for one in provider.differences(module, live=live, plan=plan)
    ]
    if module.schedules and not provider.capabilities.schedules:
        found.append(dict(_NOT_STARTED))
    return found


def must_work_on(
    place: str, provider: Provider, module: Module, *, live: bool, plan: str | None
) -> list[Detail]:
    """What is otherwise there, as warnings. Raises Invalid with one detail per thing that fails."""
    details = differences(provider, module, live=live, plan=plan)
    errors = [detail for detail in details if detail["severity"] == "error"]
    if errors:
        raise Invalid(f"It can't run on {place}. {errors[0]['message']}", "deploy.target", errors)
    return details


def schedules_of(ir: Mapping[str, Any]) -> tuple[str, ...]:
    """When a workflow is to start by itself, as cron expressions."""
    trigger = ir.get("trigger") or {}
    return (str(trigger["cron"]),) if trigger.get("type") == "schedule" else ()


def requirements_of(dependencies: Sequence[str], compiled: Compiled) -> tuple[str, ...]:
    """The workflow's own packages and those of its nodes, in one form. Raises Invalid."""
    try:
        wanted = normalised([*dependencies, *compiled.packages])
    except NotARequirement as error:
        raise Invalid(str(error), "deploy.packages") from None
    if len(wanted) > MOST:
        raise Invalid(f"{len(wanted)} packages; at most {MOST} can be had.", "deploy.packages")
    return wanted


async def prepared(provider: Provider, module: Module) -> AsyncIterator[str | Ready]:
    """What is done about the module's packages, line by line; the last item says they are there.

    Who stops listening stops it. Raises Invalid, Unavailable.
    """
    told: asyncio.Queue[str | None] = asyncio.Queue()
    work = asyncio.create_task(provider.prepare(module, told.put_nowait))
    work.add_done_callback(lambda _: told.put_nowait(None))
    try:
        while (line := await told.get()) is not None:
            yield line
        yield Ready(await work)
    except PackagesRefused as error:
        raise Invalid(str(error), "deploy.packages") from None
    except PackagesUnavailable as error:
        raise Unavailable(str(error), "deploy.packages_unavailable") from None
    finally:
        work.cancel()
