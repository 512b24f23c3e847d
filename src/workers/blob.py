"""Blobs and files: bytes with a content type."""

from __future__ import annotations

import builtins
import re
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias

BlobValue: TypeAlias = "str | bytes | bytearray | memoryview | Blob"


class BlobEnding(StrEnum):
    """What becomes of line endings in text parts: kept, or turned into a line feed."""

    TRANSPARENT = "transparent"
    NATIVE = "native"


class Blob:
    """Bytes that do not change, with a content type.

    Made of one part or several: text (as UTF-8), bytes or other blobs. A single blob
    passes its content type on.
    """

    def __init__(
        self,
        blob_parts: Iterable[BlobValue] | BlobValue,
        content_type: str | None = None,
        endings: BlobEnding | str | None = None,
    ) -> None:
        ending = BlobEnding(endings) if endings else BlobEnding.TRANSPARENT
        if isinstance(blob_parts, Blob) and not content_type:
            content_type = blob_parts.content_type
        if isinstance(blob_parts, str | bytes | bytearray | memoryview | Blob):
            self._data = _part(blob_parts, ending)
        else:
            self._data = b"".join(_part(part, ending) for part in blob_parts)
        self._content_type = _clean_type(content_type)

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self._data)

    @property
    def content_type(self) -> str:
        """The content type, or an empty text."""
        return self._content_type

    async def text(self) -> str:
        """The bytes read as UTF-8."""
        return self._data.decode("utf-8", "replace")

    async def bytes(self) -> builtins.bytes:
        """The bytes."""
        return self._data

    def slice(
        self, start: int | None = None, end: int | None = None, content_type: str | None = None
    ) -> Blob:
        """A part of this blob; negative positions count from the end."""
        return Blob(self._data[start:end], content_type)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, content_type={self.content_type!r})"


class File(Blob):
    """A blob with a file name and a time of last change (milliseconds since 1970)."""

    def __init__(
        self,
        blob_parts: Iterable[BlobValue] | BlobValue,
        filename: str,
        content_type: str | None = None,
        endings: BlobEnding | str | None = None,
        last_modified: int | None = None,
    ) -> None:
        super().__init__(blob_parts, content_type, endings)
        if last_modified is None and isinstance(blob_parts, File):
            last_modified = blob_parts.last_modified
        self._name = filename
        self._last_modified = int(time.time() * 1000) if last_modified is None else last_modified

    @property
    def name(self) -> str:
        """The file's name, as its sender gave it: never use it as a path unchecked."""
        return self._name

    @property
    def last_modified(self) -> int:
        """Milliseconds since 1970."""
        return self._last_modified


def _part(part: BlobValue, ending: BlobEnding) -> bytes:
    if isinstance(part, Blob):
        return part._data
    if isinstance(part, str):
        if ending is BlobEnding.NATIVE:
            part = part.replace("\r\n", "\n").replace("\r", "\n")
        return utf8(part)
    if isinstance(part, bytes | bytearray | memoryview):
        return bytes(part)
    raise TypeError(f"a blob is made of text, bytes and blobs, not {type(part).__name__}")


def _clean_type(content_type: str | None) -> str:
    text = content_type or ""
    return "" if re.search(r"[^\x20-\x7e]", text) else text.lower()


def utf8(text: str) -> bytes:
    """Text as UTF-8; half of a surrogate pair, which no encoding can hold, becomes U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        pairs = text.encode("utf-16-le", "surrogatepass")
        return pairs.decode("utf-16-le", "replace").encode("utf-8")
