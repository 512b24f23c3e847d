"""Requests: what a worker receives, and what it sends with `fetch`."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPMethod
from typing import Any, Unpack

from workers.body import BodyReader, Content, Stored, encode
from workers.headers import HeaderMap
from workers.types import FetchKwargs
from workers.urls import absolute

_REDIRECT_MODES = ("follow", "manual", "error")
_OPTIONS = frozenset(FetchKwargs.__annotations__)


class Request(BodyReader):
    """An HTTP request.

    Made from an absolute http or https URL, or from another request, whose body it takes
    over; options replace what that request has. TypeError for an unknown option or body
    type, ValueError for a URL, method or header that cannot be one.
    """

    def __init__(self, input: Request | str | object, **options: Unpack[FetchKwargs]) -> None:
        unknown = sorted(options.keys() - _OPTIONS)
        if unknown:
            raise TypeError(f"unknown request option: {', '.join(unknown)}")
        original = input if isinstance(input, Request) else None
        self._url = original.url if original else absolute(input)
        self._method = _checked_method(
            options.get("method") or (original.method if original else HTTPMethod.GET)
        )
        self._redirect = options.get("redirect") or (original.redirect if original else "follow")
        if self._redirect not in _REDIRECT_MODES:
            raise ValueError(f"redirect is one of {', '.join(_REDIRECT_MODES)}")
        headers, body = options.get("headers"), options.get("body")
        self._headers = HeaderMap(original.headers if original and headers is None else headers)
        self._body_used = False
        self._content, content_type = encode(body, "Request")
        if content_type:
            self._headers = self._headers.with_default("content-type", content_type)
        if body is not None:
            _check_allows_body(self._method)
        elif original is not None:
            self._content = original._handed_to(self._method)

    @property
    def url(self) -> str:
        """The absolute URL."""
        return self._url

    @property
    def method(self) -> HTTPMethod:
        """The method; it compares equal to its name in capitals."""
        return self._method

    @property
    def redirect(self) -> str:
        """What `fetch` does with a redirect: "follow", "manual" or "error"."""
        return self._redirect

    @property
    def cf(self) -> None:
        """Cloudflare's properties of an incoming request: there are none here."""
        return None

    async def json(self, **options: Any) -> Any:
        """The value of a JSON body. Options are those of `json.loads`. ValueError when it is not JSON."""
        return await self._read_json(**options)

    def clone(self) -> Request:
        """A copy with a body of its own to read. OSError when the body has been read."""
        content = self._shared()
        copy = object.__new__(Request)
        copy.__dict__.update(self.__dict__, _content=content)
        return copy

    def _handed_to(self, method: HTTPMethod) -> Content | None:
        """The body, for a request with that method. A GET that was received may keep its own."""
        content = self._shared()
        if content is None:
            return None
        if method is not self._method:
            _check_allows_body(method)
        return self._taken()

    def __repr__(self) -> str:
        return f"Request(method={str(self._method)!r}, url={self._url!r})"


def received(
    url: str, method: str, headers: Iterable[tuple[str, str]], body: bytes | None
) -> Request:
    """A request as it came over the network, for the runtime.

    Header fields that are not valid are left out, and a GET may have a body. ValueError for a
    URL or method that cannot be one.
    """
    request = object.__new__(Request)
    request._url = absolute(url)
    request._method = _checked_method(method)
    request._redirect = "follow"
    request._headers = HeaderMap.received(headers)
    request._content = Stored(body) if body else None
    request._body_used = False
    return request


def _checked_method(method: object) -> HTTPMethod:
    if not isinstance(method, str):
        raise TypeError(f"a method is text, not {type(method).__name__}")
    try:
        return HTTPMethod(method.upper())
    except ValueError:
        raise ValueError(f"not a method that workers know: {method[:80]!r}") from None


def _check_allows_body(method: HTTPMethod) -> None:
    if method in (HTTPMethod.GET, HTTPMethod.HEAD):
        raise ValueError(f"a {method} request has no body")
