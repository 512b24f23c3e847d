"""Who asks, and whether they may. Every route names the scope it needs; `gate.py` denies the rest.

`authenticate` is the one place that turns a request into an `Identity`.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from awaitstep.api.problems import Refusal
from awaitstep.app import AwaitStep
from awaitstep.auth.identity import Identity, Scope

REQUIRED_SCOPE: Final = "x-required-scope"
PUBLIC: Final = frozenset({"/api/health", "/api/openapi.json", "/api/docs"})


async def authenticate(app: AwaitStep, headers: Headers) -> Identity | None:
    """Whose request it is, None when nobody's. Exactly one `Authorization: Bearer` counts."""
    given = headers.getlist("authorization")
    if len(given) != 1:
        return None
    scheme, _, key = given[0].partition(" ")
    if scheme.lower() != "bearer":
        return None
    return await app.keys.authenticate(key.strip())


def application(request: Request) -> AwaitStep:
    app: AwaitStep = request.app.state.awaitstep
    return app


async def _application(request: Request) -> AwaitStep:
    return application(request)


class Needs:
    """The dependency that lets an identity with `scope` through."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Identity:
        return must_have(request, self.scope)


def who_asks(request: Request) -> Identity:
    """Whom the gate let in."""
    identity: Identity = request.scope["state"]["identity"]
    return identity


def must_have(request: Request, scope: Scope) -> Identity:
    """Raises Refusal."""
    identity = who_asks(request)
    if not identity.may(scope):
        raise Refusal(403, "scope.missing", f"This needs a key with the scope {scope}.")
    return identity


App = Annotated[AwaitStep, Depends(_application)]
Reader = Annotated[Identity, Depends(Needs("read"))]
Writer = Annotated[Identity, Depends(Needs("write"))]
Deployer = Annotated[Identity, Depends(Needs("deploy"))]


def scope_of(route: APIRoute) -> Scope | None:
    """The scope a route needs, None when it names none."""
    if REQUIRED_SCOPE in (route.openapi_extra or {}):
        scope: Scope = (route.openapi_extra or {})[REQUIRED_SCOPE]
        return scope
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Needs):
            return dependency.call.scope
    return None
