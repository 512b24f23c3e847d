"""Cloudflare's API v4 for one account: one call, one answer, and why there was none.

Owns the envelope, the token's place (a header and nowhere else) and how often a call is tried
again. Knows nothing of workers or runs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from awaitstep.providers.cloudflare.http import File, Http

if TYPE_CHECKING:
    import httpx

ADDRESS: Final = "https://api.cloudflare.com/client/v4"
# A page of any list.
PAGE: Final = 100
_TRIES: Final = 4
_LONGEST_WAIT: Final = 30.0
_LONGEST_MESSAGE: Final = 500
_AGAIN: Final = frozenset({"GET", "PUT", "DELETE"})
# A part of an upload: its content and its Content-Type.
Part = tuple[bytes, str]


class CloudflareError(Exception):
    """Cloudflare did not do what it was asked. The message is one line for a person."""


class Refused(CloudflareError):
    """It answered that it won't. `code` is its own number, 0 when it gave none."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"Cloudflare refused: {message}" + (f" (code {code})" if code else ""))
        self.status = status
        self.code = code


class Away(CloudflareError):
    """It gave no usable answer; the same call may work later. `after` is in seconds."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True, slots=True)
class Client:
    """Calls with one token. `pause` waits so many seconds; tests give one that does not. `tries`
    and `longest_wait` (seconds) say how patient it is."""

    http: Http
    token: str = field(repr=False)
    address: str = ADDRESS
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    tries: int = _TRIES
    longest_wait: float = _LONGEST_WAIT

    async def get(self, path: str, **params: str | int) -> Any:
        """The `result` of the answer. Raises Refused, Away."""
        return (await self.answer("GET", path, params=params))["result"]

    async def find(self, path: str, **params: str | int) -> Any:
        """As `get`, None when there is no such thing."""
        try:
            return await self.get(path, **params)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def put(self, path: str, body: Any) -> Any:
        """Raises Refused, Away."""
        return (await self.answer("PUT", path, body=body))["result"]

    async def patch(self, path: str, body: Any) -> Any:
        """Raises Refused, Away."""
        return (await self.answer("PATCH", path, body=body))["result"]

    async def post(self, path: str, body: Any) -> Any:
        """Raises Refused, Away."""
        return (await self.answer("POST", path, body=body))["result"]

    async def delete(self, path: str, **params: str | int) -> None:
        """Also when it is gone already. Raises Refused, Away."""
        try:
            await self.answer("DELETE", path, params=params)
        except Refused as error:
            if error.status != 404:
                raise

    async def upload(self, method: str, path: str, metadata: Any, parts: Mapping[str, Part]) -> Any:
        """Send modules, each as a part whose name is its path. Raises Refused, Away."""
        files: list[File] = [
            ("metadata", (None, json.dumps(metadata).encode(), "application/json"))
        ]
        files += [(name, (name, content, kind)) for name, (content, kind) in parts.items()]
        return (await self.answer(method, path, files=files))["result"]

    async def pages(self, path: str, **params: str | int) -> AsyncIterator[Any]:
        """Each item of a list that is told page by page. Raises Refused, Away."""
        number = 1
        while True:
            found = await self.answer(
                "GET", path, params={**params, "page": number, "per_page": PAGE}
            )
            items = found["result"] or []
            for item in items:
                yield item
            total = (found.get("result_info") or {}).get("total_pages", number)
            if number >= total or not items:
                return
            number += 1

    async def answer(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        files: Sequence[File] | None = None,
    ) -> dict[str, Any]:
        """The whole envelope of a call that succeeded.

        What asks for nothing new is tried again while Cloudflare is away; what is limited is
        always tried again, once it said so. Raises Refused, Away.
        """
        tried = 0
        while True:
            tried += 1
            try:
                return await self._once(method, path, params, body, files)
            except Away as error:
                again = error.after is not None or method in _AGAIN
                wait = error.after if error.after is not None else 0.5 * 2.0**tried
                if not again or tried == self.tries or wait > self.longest_wait:
                    raise
                await self.pause(wait)

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Any,
        files: Sequence[File] | None,
    ) -> dict[str, Any]:
        import httpx  # not at each start: see `http.py`

        try:
            response = await self.http.request(
                method,
                self.address + path,
                params=params or None,
                json=body,
                files=files,
                headers={"Authorization": f"Bearer {self.token}"},
            )
        except httpx.HTTPError as error:
            raise Away(f"Cloudflare can't be reached: {type(error).__name__}.") from None
        if response.status_code == 429:
            raise Away("Cloudflare limits how often it is asked.", _after(response))
        try:
            envelope = response.json()
        except ValueError:
            envelope = None
        if response.status_code >= 500 or not isinstance(envelope, dict):
            raise Away(f"Cloudflare answered {response.status_code}.{_said(envelope)}")
        if response.is_error or not envelope.get("success"):
            raise _refusal(response.status_code, envelope)
        envelope.setdefault("result", None)
        return envelope


def _after(response: httpx.Response) -> float:
    """Seconds; a date or nonsense counts as a second."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 1.0


def _refusal(status: int, envelope: Mapping[str, Any]) -> Refused:
    code, message = _first(envelope)
    return Refused(status, code, message or f"it answered {status}")


def _said(envelope: object) -> str:
    if not isinstance(envelope, dict):
        return ""
    code, message = _first(envelope)
    return f" It says: {message} (code {code})." if message else ""


def _first(envelope: Mapping[str, Any]) -> tuple[int, str]:
    errors = envelope.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    if not isinstance(first, dict):
        return 0, ""
    code, message = first.get("code"), first.get("message")
    text = "".join(sign for sign in str(message or "") if sign.isprintable())
    return code if isinstance(code, int) else 0, text[:_LONGEST_MESSAGE]
