"""The outermost layer: request ids, key or session, size and pace of bodies. Raw ASGI.

Deny by default: a path that is not public, letter for letter, needs a key or a session, whether there is a route
behind it or not, if it is below /api/ or /metrics. Only `scope["path"]` is looked at, as the router does.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Set
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from awaitstep.api.access import PUBLIC, authenticate, is_public
from awaitstep.api.origins import Origins
from awaitstep.api.problems import Refusal, describe, render
from awaitstep.app import AwaitStep
from awaitstep.app.errors import AppError
from awaitstep.app.sessions import LASTS
from awaitstep.auth.identity import Identity

LARGEST: Final = 1024 * 1024
LARGEST_GRAPH: Final = 16 * 1024 * 1024
GUARDED: Final = ("/api/", "/metrics")
SLOWEST: Final = 30.0  # seconds for a whole body
_GRAPHS: Final = re.compile(
    r"/api/(validate|compile|workflows/import|workflows/[^/]+/(versions|draft|changes))"
)
_ALWAYS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Gate:
    def __init__(
        self,
        app: ASGIApp,
        awaitstep: AwaitStep,
        origins: Origins,
        public: Set[tuple[str, str]] = PUBLIC,
    ) -> None:
        self._app = app
        self._awaitstep = awaitstep
        self._origins = origins
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = (b"x-request-id", request_id.encode())
                renewed = state.get("set_cookie", ())
                message["headers"] = [*renewed, *message.get("headers", ()), named, *_ALWAYS]
            await send(message)

        try:
            refusal = await self._admit(scope, headers)
        except (Refusal, AppError) as error:
            refusal = _refusal(error)
        if refusal is not None:
            response = render(
                request_id,
                refusal.status_code,
                refusal.code,
                refusal.detail,
                headers=refusal.headers,
            )
            await response(scope, receive, answer)
            return
        await self._app(scope, _counted(receive, _largest(scope["path"])), answer)

    async def _admit(self, scope: Scope, headers: Headers) -> Refusal | None:
        """Raises Refusal, AppError."""
        path, method = scope["path"], scope["method"]
        if path.startswith(GUARDED) and not is_public(self._public, method, path):
            identity = await authenticate(self._awaitstep, self._origins, method, headers)
            if identity is None:
                return Refusal(
                    401,
                    "auth.required",
                    _shown_but_unknown(headers)
                    or "Sign in, or send an API key: Authorization: Bearer ask_….",
                    {"WWW-Authenticate": "Bearer"},
                )
            scope["state"]["identity"] = identity
            if identity.session is not None:
                await self._renew(scope, headers, identity)
        if "\0" in path:
            return Refusal(404, "route.not_found", "There is nothing at this address.")
        length = headers.get("content-length", "")
        if length.isdigit() and (len(length) > 12 or int(length) > _largest(path)):
            return _too_large(_largest(path))
        return None

    async def _renew(self, scope: Scope, headers: Headers, identity: Identity) -> None:
        """Have the browser keep its cookie as long as we keep the session."""
        token = self._origins.token(headers)
        if token is not None and await self._awaitstep.sessions.renew(identity):
            cookie = self._origins.set_cookie(token, LASTS).encode()
            scope["state"]["set_cookie"] = ((b"set-cookie", cookie),)


def _refusal(error: Refusal | AppError) -> Refusal:
    if isinstance(error, Refusal):
        return error
    described = describe(error)
    assert described is not None
    status, code, message, _ = described
    return Refusal(status, code, message)


def _shown_but_unknown(headers: Headers) -> str | None:
    """Says what nobody was known by, None when nothing was shown."""
    if "authorization" in headers:
        return "This API key is not known: it was deleted, or is not whole."
    return None


def _largest(path: str) -> int:
    return LARGEST_GRAPH if _GRAPHS.fullmatch(path) else LARGEST


def _counted(receive: Receive, largest: int) -> Receive:
    """`receive` that stops at the limit, whatever length was announced, and at the deadline."""
    size, more = 0, True
    deadline = asyncio.get_running_loop().time() + SLOWEST

    async def counting() -> Message:
        nonlocal size, more
        if not more:  # from here on only the end of the connection is awaited
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise Refusal(408, "body.too_slow", "The body did not arrive in time.") from None
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
            if size > largest:
                raise _too_large(largest)
        return message

    return counting


def _too_large(largest: int) -> Refusal:
    return Refusal(413, "body.too_large", f"The body is over {largest:,} bytes.")


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(given):
        return given
    return f"req_{secrets.token_urlsafe(16)}"
