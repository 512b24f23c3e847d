"""The REST API as one ASGI application."""

from __future__ import annotations

from collections.abc import Set

from fastapi import FastAPI
from fastapi.routing import APIRoute

import awaitstep
from awaitstep.api import (
    api_keys,
    bulk,
    checks,
    connections,
    deployments,
    drafts,
    env_vars,
    feed,
    health,
    metrics,
    nodes,
    problems,
    reference,
    runs,
    trigger,
    versions,
    workflows,
)
from awaitstep.api.access import PUBLIC, scope_of
from awaitstep.api.gate import Gate
from awaitstep.api.openapi import document
from awaitstep.app import AwaitStep

# the busiest first: routes are tried in order
_ROUTERS = (
    trigger.router,
    feed.router,
    runs.direct,
    runs.router,
    bulk.router,
    health.router,
    workflows.router,
    versions.router,
    drafts.router,
    deployments.router,
    checks.router,
    connections.router,
    env_vars.router,
    api_keys.router,
    nodes.router,
)


def create_api(app: AwaitStep, *, open_metrics: bool = False) -> FastAPI:
    """Everything under `/api`, and `/metrics`, which needs no key when these are `open_metrics`.

    Call `app.bootstrap()` before the first request.
    """
    api = FastAPI(
        title="AwaitStep API",
        version=awaitstep.__version__,
        description="Workflows, their deployments and their runs.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.awaitstep = app
    for router in (*_ROUTERS, metrics.open_router if open_metrics else metrics.router):
        # not `include_router`, which would match every path twice
        api.router.routes.extend(router.routes)
    api.add_route("/api/docs", reference.page, methods=["GET"], include_in_schema=False)
    api.openapi = lambda: document(api)  # type: ignore[method-assign]
    public = PUBLIC | {metrics.PATH} if open_metrics else PUBLIC
    api.add_middleware(Gate, awaitstep=app, public=public)
    problems.install(api)
    _must_deny_by_default(api, public)
    return api


def _must_deny_by_default(api: FastAPI, public: Set[str]) -> None:
    for route in api.routes:
        path = getattr(route, "path", "")
        named = isinstance(route, APIRoute) and scope_of(route) is not None
        if path not in public and not named:
            raise AssertionError(f"{path} names no scope and is not on the list of public routes")
