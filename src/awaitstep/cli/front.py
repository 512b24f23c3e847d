"""What stands at the dashboard's address outside of `/api`: one page that says where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_PAGE: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>AwaitStep</title>
<h1>AwaitStep is running</h1>
<p>Its REST API is described at <a href="/api/docs">/api/docs</a>
(<a href="/api/openapi.json">OpenAPI</a>). <a href="/api/health">/api/health</a> says how it is.</p>
</html>
"""
_HEADERS: Final = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-length", b"%d" % len(_PAGE)),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class Front:
    """The page at `/`; everything else is the API's."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        at_page = scope["type"] == "http" and scope["path"] == "/"
        if not at_page or scope["method"] not in ("GET", "HEAD"):
            await self._api(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": _PAGE})
