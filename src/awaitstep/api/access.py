"""Who asks, and whether they may. Every route names the scope it needs; `gate.py` denies the rest.

`authenticate` is the one place that turns a request into an `Identity`.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from awaitstep.api.origins import Origins
from awaitstep.api.problems import Refusal
from awaitstep.app import AwaitStep
from awaitstep.auth.identity import Identity, Scope

# The project that a session looks at; without it, the one that its link led into.
PROJECT: Final = "awaitstep-project"
REQUIRED_SCOPE: Final = "x-required-scope"
SIGN_IN: Final = "/api/auth/sessions"
PUBLIC: Final = frozenset(
    {
        ("GET", "/api/health"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/docs"),
        ("POST", SIGN_IN),
    }
)


async def authenticate(
    app: AwaitStep, origins: Origins, method: str, headers: Headers
) -> Identity | None:
    """Whose request it is, None when nobody's.

    Exactly one `Authorization: Bearer` counts. Only without one is a session's cookie looked at.
    Raises Refusal for a cookie that comes from elsewhere than the dashboard's own pages, NotFound
    for a project they don't see.
    """
    identity = await _identify(app, origins, method, headers)
    wanted = headers.get(PROJECT)
    if identity is None or wanted is None:
        return identity
    return await app.projects.enter(identity, wanted)


async def _identify(
    app: AwaitStep, origins: Origins, method: str, headers: Headers
) -> Identity | None:
    given = headers.getlist("authorization")
    for header in given:
        scheme, _, key = header.partition(" ")
        if scheme.lower() == "bearer":
            return await app.keys.authenticate(key.strip()) if len(given) == 1 else None
    token = origins.token(headers)
    if token is None:
        return None
    origins.must_be_ours(method, headers)
    return await app.sessions.identify(token)


def application(request: Request) -> AwaitStep:
    app: AwaitStep = request.app.state.awaitstep
    return app


def origins_of(request: Request) -> Origins:
    origins: Origins = request.app.state.origins
    return origins


async def _application(request: Request) -> AwaitStep:
    return application(request)


class Needs:
    """The dependency that lets an identity with `scope` through."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Identity:
        return must_have(request, self.scope)


class HasSession(Needs):
    """The dependency that lets a browser through that is signed in, and no key."""

    def __init__(self, scope: Scope = "read") -> None:
        super().__init__(scope)

    async def __call__(self, request: Request) -> Identity:
        identity = await super().__call__(request)
        if identity.session is None:
            raise Refusal(403, "auth.no_session", "A key has no session.")
        return identity


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


def is_public(public: Set[tuple[str, str]], method: str, path: str) -> bool:
    return ("GET" if method == "HEAD" else method, path) in public


def scope_of(route: APIRoute) -> Scope | None:
    """The scope a route needs, None when it names none."""
    if REQUIRED_SCOPE in (route.openapi_extra or {}):
        scope: Scope = (route.openapi_extra or {})[REQUIRED_SCOPE]
        return scope
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Needs):
            return dependency.call.scope
    return None
