"""Responses: what a worker answers, and what `fetch` brings back."""

from __future__ import annotations

import re
from collections.abc import Coroutine, Iterable
from http import HTTPStatus
from typing import Any, Protocol, overload

from workers import jsontext
from workers.body import BodyReader, Content, encode
from workers.headers import HeaderMap
from workers.types import Body, Headers
from workers.urls import absolute

NULL_BODY_STATUSES = frozenset((101, 204, 205, 304))
REDIRECT_STATUSES = frozenset((301, 302, 303, 307, 308))

_NOT_IN_REASON = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")


class _FromJson(Protocol):
    def __call__(
        self,
        data: Any,
        status: HTTPStatus | int = ...,
        status_text: str = ...,
        headers: Headers | None = ...,
    ) -> Response: ...


class _ReadJson(Protocol):
    def __call__(self, **options: Any) -> Coroutine[Any, Any, Any]: ...


class _JsonBothWays:
    """`Response.json(data)` makes a response; `response.json()` reads one."""

    @overload
    def __get__(self, instance: None, owner: type[Response]) -> _FromJson: ...
    @overload
    def __get__(self, instance: Response, owner: type[Response]) -> _ReadJson: ...
    def __get__(self, instance: Response | None, owner: type[Response]) -> _FromJson | _ReadJson:
        return owner.from_json if instance is None else instance._read_json


class Response(BodyReader):
    """An HTTP response.

    The body is text, bytes, a form, a blob or None. TypeError for any other type; ValueError
    for a status outside 200 to 599, a body where the status allows none, or a header that
    cannot be one.
    """

    json = _JsonBothWays()

    def __init__(
        self,
        body: Body | None = None,
        status: HTTPStatus | int | None = None,
        status_text: str = "",
        headers: Headers | None = None,
    ) -> None:
        self._content, content_type = encode(body, "Response")
        self._status = 200 if status is None else _checked_status(status)
        if self._content is not None and self._status in NULL_BODY_STATUSES:
            raise ValueError(f"a response with status {self._status} has no body")
        if _NOT_IN_REASON.search(status_text):
            raise ValueError("the status text holds a line break or a letter outside Latin-1")
        self._status_text = status_text
        self._headers = HeaderMap(headers)
        if content_type:
            self._headers = self._headers.with_default("content-type", content_type)
        self._url = ""
        self._redirected = False
        self._body_used = False

    @staticmethod
    def from_json(
        data: Any,
        status: HTTPStatus | int = HTTPStatus.OK,
        status_text: str = "",
        headers: Headers | None = None,
    ) -> Response:
        """A response whose body is the data as JSON.

        TypeError for what JSON cannot hold, ValueError for NaN and infinity.
        """
        fields = HeaderMap(headers).with_default("content-type", "application/json")
        return Response(jsontext.dumps(data), status, status_text, fields)

    @staticmethod
    def redirect(url: str | object, status: HTTPStatus | int = HTTPStatus.FOUND) -> Response:
        """A redirect to an absolute URL. ValueError unless the status is 301, 302, 303, 307 or 308."""
        if status not in REDIRECT_STATUSES:
            raise ValueError(f"not the status of a redirect: {status!r}")
        return Response(None, status, headers={"location": absolute(url)})

    @staticmethod
    def _received(
        url: str,
        status: int,
        status_text: str,
        headers: Iterable[tuple[str, str]],
        content: Content | None,
        redirected: bool,
    ) -> Response:
        response = Response()
        response._url = url
        response._status = status
        response._status_text = status_text
        response._headers = HeaderMap.received(headers)
        response._content = content
        response._redirected = redirected
        return response

    @property
    def status(self) -> int:
        """The status code."""
        return self._status

    @property
    def status_text(self) -> str:
        """The reason phrase, or an empty text."""
        return self._status_text

    @property
    def ok(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self._status <= 299

    @property
    def url(self) -> str:
        """Where a fetched response came from, after redirects; empty for one made here."""
        return self._url

    @property
    def redirected(self) -> bool:
        """Whether a fetched response came by way of a redirect."""
        return self._redirected

    def raise_for_status(self) -> None:
        """Raises OSError when the status is 400 or above."""
        if self._status >= 400:
            side = "Client" if self._status < 500 else "Server"
            raise OSError(f"{self._status} {side} Error: {self._status_text}".rstrip(": "))

    def replace_body(self, body: Body | None) -> Response:
        """A response with the same status and headers and another body."""
        return Response(body, self._status, self._status_text, self._headers)

    def clone(self) -> Response:
        """A copy with a body of its own to read. OSError when the body has been read."""
        content = self._shared()
        copy = object.__new__(Response)
        copy.__dict__.update(self.__dict__, _content=content)
        return copy

    def __repr__(self) -> str:
        content_type = self._headers.get("content-type")
        suffix = f", content_type={content_type!r}" if content_type else ""
        return f"Response(status={self._status}{suffix})"


FetchResponse = Response
"""The name of what `fetch` returns; here it is a Response like any other."""


def _checked_status(status: HTTPStatus | int) -> int:
    if not isinstance(status, int) or isinstance(status, bool):
        raise TypeError(f"a status is a number, not {type(status).__name__}")
    if not 200 <= status <= 599:
        raise ValueError(f"a status is between 200 and 599, not {status}")
    return int(status)
