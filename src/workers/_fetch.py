"""Outgoing requests. The HTTP library is loaded at the first one."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Unpack

from workers.request import Request
from workers.response import NULL_BODY_STATUSES, REDIRECT_STATUSES, Response
from workers.types import FetchKwargs
from workers.urls import origin

if TYPE_CHECKING:
    import asyncio

    import httpx

MAX_REDIRECTS = 20
CONNECT_TIMEOUT = 30.0
"""Seconds. Nothing else is timed here: the timeout of the step rules."""

_CONNECTION_FIELDS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Fields that belong to a connection, not to the message: the HTTP library sets its own."""

_clients: dict[asyncio.AbstractEventLoop, asyncio.Future[httpx.AsyncClient]] = {}


async def fetch(resource: Request | str | object, **options: Unpack[FetchKwargs]) -> Response:
    """Sends a request and returns the response as soon as its headers are there.

    `resource` is a Request, a URL as text, or an object that stands for one. Redirects are
    followed, at most 20; with `redirect="manual"` they are returned, with "error" refused.
    OSError when no response comes (ConnectionError when the server cannot be reached,
    TimeoutError when it does not accept within 30 s); a status of 400 or 500 is no error.
    """
    request = Request(resource, **options)
    client = await _client()
    with _failures_of(request):
        outgoing = client.build_request(
            str(request.method),
            request.url,
            headers=_sendable(request),
            content=await request.bytes(),
        )
        answer = await client.send(
            outgoing, stream=True, follow_redirects=request.redirect == "follow"
        )
        content = _Streamed(answer, request)
        if request.redirect == "error" and answer.status_code in REDIRECT_STATUSES:
            raise OSError(f"{request.method} {origin(request.url)}: the response is a redirect")
        has_body = request.method != "HEAD" and answer.status_code not in NULL_BODY_STATUSES
        if not has_body:
            await content.read()
        return Response._received(
            str(answer.url),
            answer.status_code,
            answer.reason_phrase,
            _readable(answer, client),
            content if has_body else None,
            bool(answer.history),
        )


async def aclose() -> None:
    """Closes the connections of the running event loop. For the runtime, before the loop ends."""
    import asyncio

    opened = _clients.pop(asyncio.get_running_loop(), None)
    if opened is not None:
        await (await opened).aclose()


class _Streamed:
    """The body of a fetched response, read when someone asks for it.

    Nobody may ever ask: then the connection is given up when the response is forgotten.
    """

    def __init__(self, answer: httpx.Response, request: Request) -> None:
        import asyncio

        self._answer = answer
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()

    async def read(self) -> bytes:
        async with self._lock:
            with _failures_of(self._request):
                return await self._answer.aread()

    def __del__(self) -> None:
        if not self._answer.is_closed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_close_soon, self._loop, self._answer)


def _close_soon(loop: asyncio.AbstractEventLoop, answer: httpx.Response) -> None:
    loop.create_task(answer.aclose())


def _client() -> Awaitable[httpx.AsyncClient]:
    """The client of the running event loop.

    Loading the library and the certificates takes a while, so a thread does it: the other
    work of the loop goes on.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    opened = _clients.get(loop)
    if opened is None or (opened.done() and opened.exception() is not None):
        opened = _clients[loop] = loop.run_in_executor(None, _open)
    return asyncio.shield(opened)


def _open() -> httpx.AsyncClient:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx

    return httpx.AsyncClient(
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
        max_redirects=MAX_REDIRECTS,
        # The client is shared by all that runs here; a cookie of one must never reach another.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"user-agent": "AwaitStep"},
    )


def _sendable(request: Request) -> list[tuple[bytes, bytes]]:
    return [
        (name.encode("ascii"), value.encode("latin-1"))
        for name, value in request.headers.items()
        if name not in _CONNECTION_FIELDS
    ]


def _readable(answer: httpx.Response, client: httpx.AsyncClient) -> Iterator[tuple[str, str]]:
    """The fields of an answer, without those that describe the body as it travelled."""
    understood = {coding.strip() for coding in client.headers["accept-encoding"].split(",")}
    codings = answer.headers.get("content-encoding", "").lower().split(",")
    decoded = all(coding.strip() in understood | {"", "identity"} for coding in codings)
    for name, value in answer.headers.multi_items():
        if name.lower() in ("connection", "keep-alive", "transfer-encoding"):
            continue
        if decoded and codings != [""] and name.lower() in ("content-encoding", "content-length"):
            continue
        yield name, value


@contextmanager
def _failures_of(request: Request) -> Iterator[None]:
    """Turns the HTTP library's errors into OSErrors that name the server, never the whole URL."""
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        reason = str(error) or type(error).__name__
        message = f"{request.method} {origin(request.url)}: {reason}"
        if isinstance(error, httpx.TimeoutException):
            raise TimeoutError(message) from error
        if isinstance(error, httpx.NetworkError):
            raise ConnectionError(message) from error
        raise OSError(message) from error
