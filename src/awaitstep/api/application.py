"""The REST API as one ASGI application."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

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
    projects,
    reference,
    runs,
    sessions,
    templates,
    trigger,
    versions,
    workflows,
)
from awaitstep.api.access import PUBLIC, is_public, scope_of
from awaitstep.api.gate import Gate
from awaitstep.api.guesses import Guesses
from awaitstep.api.openapi import document
from awaitstep.api.origins import Origins
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
    sessions.router,
    projects.router,
    nodes.router,
    templates.router,
)


def create_api(app: AwaitStep, origins: Origins, *, open_metrics: bool = False) -> FastAPI:
    """Everything under `/api`, and `/metrics`, which needs no key when these are `open_metrics`.

    `origins` are those whose pages may use a session.

    Call `app.bootstrap()` before the first request.
    """
    api = _routes(origins, open_metrics)
    api.state.awaitstep = app
    api.state.guesses = Guesses()
    public = PUBLIC | {("GET", metrics.PATH)} if open_metrics else PUBLIC
    api.add_middleware(Gate, awaitstep=app, origins=origins, public=public)
    problems.install(api)
    _must_deny_by_default(api, public)
    return api


def openapi(origins: Origins) -> dict[str, Any]:
    """The OpenAPI document, without a server."""
    return document(_routes(origins, open_metrics=False))


def _routes(origins: Origins, open_metrics: bool) -> FastAPI:
    api = FastAPI(
        title="AwaitStep API",
        version=awaitstep.__version__,
        description="Workflows, their deployments and their runs.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.origins = origins
    for router in (*_ROUTERS, metrics.open_router if open_metrics else metrics.router):
        # not `include_router`, which would match every path twice
        api.router.routes.extend(router.routes)
    api.add_route("/api/docs", reference.page, methods=["GET"], include_in_schema=False)
    api.openapi = lambda: document(api)  # type: ignore[method-assign]
    return api


def _must_deny_by_default(api: FastAPI, public: Set[tuple[str, str]]) -> None:
    for route in api.routes:
        assert isinstance(route, Route)
        named = isinstance(route, APIRoute) and scope_of(route) is not None
        for method in route.methods or ():
            if not named and not is_public(public, method, route.path):
                raise AssertionError(
                    f"{method} {route.path} names no scope and is not on the list of public routes"
                )
