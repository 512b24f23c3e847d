"""Lists of runs that follow what happens. Its routes come before those of single runs: no run is
addressed as `stream`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import msgspec
from fastapi import APIRouter, Request, Response

from awaitstep.api import sse
from awaitstep.api.access import App, Reader
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.runs import Asked, encoded
from awaitstep.app import AwaitStep
from awaitstep.app.feed import QUIET, News
from awaitstep.auth.identity import Identity
from awaitstep.engine.port import RunQuery

router = APIRouter(prefix="/api", tags=["runs"], route_class=ApiRoute)


@router.get("/runs/stream", response_class=Response, responses=sse.EVENTS)
async def stream_runs(request: Request, app: App, who: Reader, asked: Asked) -> Response:
    """What changes from now on about the runs of all workflows, as server-sent events.

    `run` events hold a run that is new or has changed, `gone` ones
    `{workflowId, instanceId}` of a run that the filter does not find any more; `many`, `{changed}`,
    says that too much changed at once to be told: read the list again.
    """
    return await _feed(request, app, who, None, asked)


@router.get("/workflows/{id}/runs/stream", response_class=Response, responses=sse.EVENTS)
async def stream_workflow_runs(
    id: str, request: Request, app: App, who: Reader, asked: Asked
) -> Response:
    """What changes from now on about the runs of one workflow; see `/runs/stream`."""
    return await _feed(request, app, who, id, asked)


async def _feed(
    request: Request, app: AwaitStep, who: Identity, id: str | None, asked: RunQuery
) -> Response:
    news = app.feed.news(who.project, id, asked)
    await anext(news)  # a workflow that is not there is a plain 404
    return sse.stream(request, _told(app, news))


async def _told(app: AwaitStep, news: AsyncGenerator[News]) -> AsyncIterator[bytes]:
    async with aclosing(news):
        yield sse.ALIVE
        async for some in news:
            if some.many:
                yield sse.event("many", msgspec.json.encode({"changed": some.many}))
            for run in some.runs:
                yield sse.event("run", encoded(app, run))
            for workflow, instance in some.gone:
                gone = {"workflowId": workflow, "instanceId": instance}
                yield sse.event("gone", msgspec.json.encode(gone))
            if some == QUIET:
                yield sse.ALIVE
