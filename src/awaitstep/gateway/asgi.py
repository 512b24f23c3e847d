"""The gateway's ASGI application: one request in, one worker's answer out.

It is on the hot path of every Worker URL: nothing is logged for a request that is answered, and
a request id exists only for one that is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote

import structlog

from awaitstep.engine.errors import EngineError, WorkerFailed
from awaitstep.engine.workers import WorkerRequest, WorkerResponse, Workers
from awaitstep.gateway import body as bodies
from awaitstep.gateway import headers as headers_
from awaitstep.gateway.address import Addresses, Form
from awaitstep.gateway.directory import Directory
from awaitstep.gateway.refusals import Refusal, new_request_id, not_found, refusal, rendered

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_USUALLY_BODYLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BODYLESS: Final = frozenset({204, 205, 304})
_log = structlog.get_logger("awaitstep.gateway")


class Gateway:
    """Answers Worker URLs.

    `body_limit` is in bytes, `body_seconds` the time a whole body may take. `suffixes` and
    `scheme` are described at `Addresses`.
    """

    def __init__(
        self,
        workers: Workers,
        directory: Directory,
        *,
        suffixes: tuple[str, ...] = (".localhost",),
        scheme: str = "http",
        body_limit: int = bodies.LARGEST,
        body_seconds: float = 30.0,
    ) -> None:
        self._fetch = workers.fetch
        self._addresses = Addresses(directory, suffixes=suffixes, scheme=scheme)
        self._bodies = bodies.Bodies(limit=body_limit, seconds=body_seconds)

    async def __call__(self, scope: Scope, receive: bodies.Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            try:
                await self._answer(scope, receive, send)
            except Refusal as refused:
                await _refuse(refused, send)
            except EngineError as error:
                await _refuse(refusal(error), send, error)
            except bodies.ClientGone:
                pass
            except Exception:
                _log.exception("the gateway failed")
                await _refuse(Refusal(500, "internal", "The request could not be answered."), send)
        elif kind == "lifespan":
            await _lifespan(receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "not supported"})

    async def _answer(self, scope: Scope, receive: bodies.Receive, send: Send) -> None:
        headers, hosts, length, chunked, cookies = headers_.receive(scope["headers"])
        host = self._addresses.host(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            raise Refusal(400, "request.invalid_host", "The Host header is missing or invalid.")
        path = scope["path"]
        raw_path = scope.get("raw_path") or quote(path).encode("ascii")
        target = self._addresses.target(host, path, raw_path, scope["query_string"])
        if target is None:
            raise not_found()
        deployment, url, form = target
        apart = form is not Form.path
        if apart and cookies:
            headers_.add_cookies(headers, cookies)
        method = scope["method"]
        content = b""
        if length is not None or chunked or method not in _USUALLY_BODYLESS:
            content = await self._bodies.read(receive, length)
        response = await self._fetch(deployment, WorkerRequest(method, url, headers, content))
        await _reply(response, method, send, cookies=apart)


async def _reply(response: WorkerResponse, method: str, send: Send, *, cookies: bool) -> None:
    status = response.status
    if type(status) is not int or not 200 <= status <= 599:
        raise WorkerFailed(f"the worker answered with status {status!r}")
    content = response.body
    headers, length = headers_.to_client(response.headers, cookies=cookies)
    if status in _BODYLESS:
        content = b""
    elif method == "HEAD" and not content and length is not None and length.isdecimal():
        headers.append((b"content-length", length.encode()))
    else:
        headers.append((b"content-length", b"%d" % len(content)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _refuse(refused: Refusal, send: Send, error: EngineError | None = None) -> None:
    request_id = new_request_id()
    if error is not None and refused.status >= 500:
        detail = error.detail if isinstance(error, WorkerFailed) else str(error)
        _log.warning("worker did not answer", code=refused.code, id=request_id, detail=detail)
    headers, content = rendered(refused, request_id)
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _lifespan(receive: bodies.Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
