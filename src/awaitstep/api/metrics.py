"""`GET /metrics`: what the engines count, for Prometheus.

Everything is read when it is asked for; nothing here is told of what happens.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from awaitstep.api.access import application, who_asks
from awaitstep.api.direct import DirectRoute, described

PATH: Final = "/metrics"
router = APIRouter(tags=["metrics"], route_class=DirectRoute)
# for servers whose metrics need no key
open_router = APIRouter(tags=["metrics"])


@router.get(PATH, include_in_schema=False, openapi_extra=described("read", []))
async def metrics(request: Request) -> Response:
    """The server's own figures, and those of the workflows in the key's project."""
    return await _answer(request, who_asks(request).project)


@open_router.get(PATH, include_in_schema=False)
async def open_metrics(request: Request) -> Response:
    """The figures of all workflows, for everybody."""
    return await _answer(request, None)


async def _answer(request: Request, project: str | None) -> Response:
    # most servers are never asked, and a start is quicker without Prometheus' client
    from awaitstep.api.exposition import exposition

    observation = application(request).observation
    found = await observation.figures(project)
    accept = request.headers.get("accept", "")
    body, media_type = exposition(found, observation.workers(project), accept)
    return Response(body, headers={"content-type": media_type})
