"""Bodies of requests and responses: what they are made from and how they are read."""

from __future__ import annotations

import builtins
import codecs
import re
from typing import Any, Protocol

from workers import jsontext
from workers.blob import Blob, utf8
from workers.formdata import FormData
from workers.headers import HeaderMap

_CHARSETS = (
    r"utf-?(8|16(le|be)?)|(us-)?ascii|latin-?1|iso-?8859-\d{1,2}|(windows-|cp)125\d|koi8-[ru]|big5"
    r"|gb(2312|k|18030)|euc-(jp|kr)|shift[_-]jis|iso-2022-jp"
)
"""The encodings of the web that Python knows. No other name reaches the codec registry: a name is
chosen by a stranger, and the registry keeps and tries to import whatever it is asked for."""


class Content(Protocol):
    """The bytes of a body, in hand or still to come. Clones of a message share one."""

    async def read(self) -> bytes: ...


class Stored:
    """Content that is in hand."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self) -> bytes:
        return self._data


class Buffer(bytes):
    """What `buffer()` returns: bytes, with the one method of a JavaScript buffer people call."""

    def to_bytes(self) -> bytes:
        """The bytes."""
        return bytes(self)


def encode(body: object, owner: str) -> tuple[Stored | None, str]:
    """The content of a body given by user code, and the content type that goes with it.

    TypeError, naming the owner, for anything but text, bytes, a form, a blob or None.
    """
    if body is None:
        return None, ""
    if isinstance(body, str):
        return Stored(utf8(body)), "text/plain;charset=UTF-8"
    if isinstance(body, bytes):
        return Stored(body), ""
    if isinstance(body, Blob):
        return Stored(body._data), body.content_type
    if isinstance(body, FormData):
        from workers import multipart

        data, content_type = multipart.encode(body)
        return Stored(data), content_type
    raise TypeError(f"Unsupported type in {owner}: {type(body).__name__}")


class BodyReader:
    """Reading a body, once. A message without a body reads as empty, as often as one likes."""

    _content: Content | None
    _headers: HeaderMap
    _body_used: bool

    @property
    def headers(self) -> HeaderMap:
        """The header fields, read-only."""
        return self._headers

    @property
    def body_used(self) -> bool:
        """Whether the body has been read."""
        return self._body_used

    async def bytes(self) -> builtins.bytes:
        """The body. OSError when it was read before."""
        return await self._taken().read()

    async def buffer(self) -> Buffer:
        """The body, with a `to_bytes` method."""
        return Buffer(await self.bytes())

    async def text(self) -> str:
        """The body as text, read by the charset of its content type; UTF-8 where none is named.

        Bytes that do not fit become U+FFFD.
        """
        return _decoded(await self.bytes(), self._content_type)

    async def blob(self) -> Blob:
        """The body as a blob."""
        return Blob(await self.bytes(), self._content_type)

    async def form_data(self) -> FormData:
        """The body as a form. TypeError when it is none, ValueError when it is malformed."""
        from workers import multipart

        return multipart.decode(await self.bytes(), self._content_type)

    async def _read_json(self, **options: Any) -> Any:
        return jsontext.loads(await self.text(), **options)

    @property
    def _content_type(self) -> str:
        return self._headers.get("content-type", "")

    def _taken(self) -> Content:
        """The content, handed over: from here on the body counts as used."""
        content = self._shared()
        if content is None:
            return Stored(b"")
        self._body_used = True
        return content

    def _shared(self) -> Content | None:
        if self._body_used:
            raise OSError("Body already used")
        return self._content


def _decoded(data: bytes, content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        key, _, value = parameter.partition("=")
        charset = value.strip().strip("\"'").lower()
        if key.strip().lower() == "charset" and re.fullmatch(_CHARSETS, charset):
            try:
                codec = codecs.lookup(charset).name
            except LookupError:
                break
            return data.decode("utf-8-sig" if codec == "utf-8" else codec, "replace")
    return data.decode("utf-8-sig", "replace")
