"""One verb on many runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field

from awaitstep.api import sse
from awaitstep.api.access import App, Deployer
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Body, Id, Moment
from awaitstep.api.runshapes import StatusName, TriggerName
from awaitstep.app.bulk import Outcome, Progress, Verb
from awaitstep.engine.port import RunQuery
from awaitstep.engine.states import RunStatus

router = APIRouter(prefix="/api", tags=["runs"], route_class=ApiRoute)

# Between two progress events (seconds).
_PAUSE: Final = 0.25


class FilterBody(Body):
    """Which runs; all of the workflow when it is empty."""

    status: list[StatusName] | None = Field(default=None, min_length=1, description="Any of these.")
    trigger: list[TriggerName] | None = Field(
        default=None, min_length=1, description="Any of these."
    )
    version_id: Id | None = None
    deployment_id: Id | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    text: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    def query(self) -> RunQuery:
        after, before = self.created_after, self.created_before
        return RunQuery(
            workflows=[],
            status=None if self.status is None else [RunStatus(name) for name in self.status],
            trigger=None if self.trigger is None else list(self.trigger),
            version=self.version_id,
            deployment=self.deployment_id,
            created_after=None if after is None else after.timestamp(),
            created_before=None if before is None else before.timestamp(),
            text=self.text,
        )


class BulkBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"verb": "restart", "filter": {"status": ["errored"]}}]}
    )

    verb: Verb
    filter: FilterBody
    rollback: bool = Field(
        default=False, description="With `terminate`: undo the steps of each run before it ends."
    )
    dry_run: bool = Field(default=False, description="Only tell how many runs it would change.")


class FailureJson(msgspec.Struct, rename="camel"):
    instance_id: str
    code: str
    message: str


class OutcomeJson(msgspec.Struct, rename="camel"):
    done: int
    failed: int
    skipped: int
    errors: list[FailureJson]
    dry_run: bool


@router.post("/workflows/{id}/runs/bulk", responses=sse.EVENTS)
async def change_runs(
    id: str, body: BulkBody, request: Request, app: App, who: Deployer
) -> Response:
    """A verb on every run that the filter finds, as server-sent events.

    `progress` events hold `{done, failed, skipped, total}`; the last event is `result`,
    `{done, failed, skipped, errors, dryRun}` with the first 20 errors, or `error`. When the client
    goes away, it stops after the runs that are being changed just then.
    """
    steps = app.bulk.steps(
        who.project,
        id,
        body.verb,
        body.filter.query(),
        rollback=body.rollback,
        dry_run=body.dry_run,
    )
    first = await anext(steps)  # a workflow that is not there is a plain 404
    return sse.stream(request, _told(first, steps))


async def _told(
    first: Progress | Outcome, rest: AsyncIterator[Progress | Outcome]
) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    yield _event(first)
    told = clock()
    async for step in rest:
        if isinstance(step, Outcome) or clock() - told >= _PAUSE:
            yield _event(step)
            told = clock()


def _event(step: Progress | Outcome) -> bytes:
    if isinstance(step, Progress):
        return sse.event("progress", msgspec.json.encode(step))
    errors = [FailureJson(found.instance, found.code, found.message) for found in step.errors]
    outcome = OutcomeJson(step.done, step.failed, step.skipped, errors, step.dry_run)
    return sse.event("result", msgspec.json.encode(outcome))
