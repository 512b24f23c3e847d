"""Putting workflows live and taking them down."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from fastapi import APIRouter, Request, Response

from awaitstep.api import sse
from awaitstep.api.access import App, Deployer, Reader
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.deploymentshapes import (
    ChangesBody,
    ChangesShape,
    DeployBody,
    DeployedShape,
    DeploymentShape,
    TakedownBody,
    TakedownShape,
    changes_shape,
    deployed_shape,
    deployment_shape,
)
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.app.deployments import Deployed, Progress

router = APIRouter(prefix="/api", tags=["deploy"], route_class=ApiRoute)


@router.post("/workflows/{id}/changes", responses={409: {}})
async def changes(id: str, body: ChangesBody, app: App, who: Reader) -> ChangesShape:
    """What a deploy of this graph would change of what is live. Nothing is stored."""
    return changes_shape(await app.changes.of(who.project, id, body.ir))


@router.post("/workflows/{id}/deploy", responses={409: {}}, response_model_exclude_unset=True)
async def deploy(id: str, app: App, who: Deployer, body: DeployBody | None = None) -> DeployedShape:
    """Check, compile and put a version live. What was live before stays so until this succeeds."""
    asked = body or DeployBody()
    deployed = await app.deployments.deploy(
        who.project,
        id,
        connection=asked.connection_id,
        version=asked.version_id,
        unless_live=asked.unless_live,
    )
    return deployed_shape(deployed)


@router.post("/workflows/{id}/deploy-stream", responses={409: {}, **sse.EVENTS})
async def deploy_stream(
    id: str, request: Request, app: App, who: Deployer, body: DeployBody | None = None
) -> Response:
    """`deploy` as server-sent events. It goes on when the stream is left.

    `progress` events hold `{stage, message, progress}`; the last event is `result`, with what
    deploy answers, or `error`.
    """
    asked = body or DeployBody()
    steps = await app.deployments.begin(
        who.project,
        id,
        connection=asked.connection_id,
        version=asked.version_id,
        unless_live=asked.unless_live,
    )
    return sse.stream(request, _told(steps))


@router.get("/workflows/{id}/deploy-stream", response_class=Response, responses=sse.EVENTS)
async def watch_deploy(id: str, request: Request, app: App, who: Reader) -> Response:
    """The events of the deploy that `POST …/deploy-stream` began last, from its start on.

    None when it ended over a minute ago, or none was begun since the server started.
    """
    steps = app.deployments.watch(who.project, id)
    return sse.stream(request, _told(steps))


@router.post("/workflows/{id}/takedown")
async def takedown(
    id: str, app: App, who: Deployer, body: TakedownBody | None = None
) -> TakedownShape:
    """Stop intake. Runs go on unless told."""
    asked = body or TakedownBody()
    done = await app.deployments.takedown(who.project, id, terminate_runs=asked.terminate_runs)
    return TakedownShape(
        success=True,
        deployment_id=done.deployment,
        live_runs=done.live_runs,
        terminated_runs=done.terminated_runs,
    )


@router.get("/workflows/{id}/deployments")
async def list_workflow_deployments(
    id: str, app: App, who: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Listing[DeploymentShape]:
    """Newest first."""
    page = await app.deployments.page(who.project, id, limit, cursor)
    return Listing[DeploymentShape](
        data=[deployment_shape(deployment, app) for deployment in page.items],
        next_cursor=page.next_cursor,
    )


@router.get("/deployments")
async def list_deployments(
    app: App, who: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Listing[DeploymentShape]:
    """Of all workflows, newest first."""
    page = await app.deployments.page(who.project, None, limit, cursor)
    return Listing[DeploymentShape](
        data=[deployment_shape(deployment, app) for deployment in page.items],
        next_cursor=page.next_cursor,
    )


async def _told(steps: AsyncIterator[Progress | Deployed]) -> AsyncIterator[bytes]:
    async for step in steps:
        yield _event(step)


def _event(step: Progress | Deployed) -> bytes:
    if isinstance(step, Progress):
        return sse.event("progress", msgspec.json.encode(step))
    return sse.event("result", deployed_shape(step).model_dump_json(exclude_unset=True).encode())
