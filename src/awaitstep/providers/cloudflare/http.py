"""HTTP as the client of Cloudflare's API uses it.

It is got ready by the first call: most servers never make one, and loading httpx and the machine's
certificates would be a tenth of each start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import httpx

# Name, and what `httpx` takes for a file: its name, its content, its Content-Type.
File = tuple[str, tuple[str | None, bytes, str]]


class Http(Protocol):
    """What is used of `httpx.AsyncClient`."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None,
        json: Any,
        files: Sequence[File] | None,
        headers: Mapping[str, str],
    ) -> httpx.Response: ...


class LateHttp:
    """An `httpx.AsyncClient` from the first request on."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def request(self, method: str, url: str, **rest: Any) -> httpx.Response:
        """Raises httpx.HTTPError."""
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(timeout=httpx.Timeout(30.0, write=120.0))
        return await self._client.request(method, url, **rest)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
