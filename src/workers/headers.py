"""Header fields of requests and responses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

Default = TypeVar("Default")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")


class HeaderMap:
    """The header fields of one message, read-only, names in any case.

    A missing field reads as None, as in `http.client.HTTPMessage`. Fields of one name are
    joined by a comma, except `set-cookie`, which `get_all` and `items` list one by one.
    """

    __slots__ = ("_fields",)

    def __init__(
        self, fields: Mapping[str, str] | Iterable[tuple[str, str]] | HeaderMap | None = None
    ) -> None:
        self._fields: dict[str, list[str]] = {}
        if fields is None:
            return
        if isinstance(fields, HeaderMap):  # was checked when it was made
            self._fields = {name: list(values) for name, values in fields._fields.items()}
            return
        if isinstance(fields, str | bytes):
            raise TypeError("headers must be a mapping or a list of pairs")
        pairs = fields.items() if isinstance(fields, Mapping) else fields
        for name, value in pairs:
            self._add(checked_name(name), checked_value(name, value))

    @classmethod
    def received(cls, fields: Iterable[tuple[str, str]]) -> HeaderMap:
        """Fields that came over the network: those which are not valid are left out."""
        headers = cls()
        for name, value in fields:
            if _NAME.fullmatch(name) and not _FORBIDDEN.search(value):
                headers._add(name.lower(), value.strip(" \t"))
        return headers

    def with_default(self, name: str, value: str) -> HeaderMap:
        """These fields, and the given one where it is missing."""
        if name in self:
            return self
        headers = HeaderMap(self)
        headers._add(name.lower(), value)
        return headers

    def _add(self, name: str, value: str) -> None:
        present = self._fields.get(name)
        if present is None:
            self._fields[name] = [value]
        elif name == "set-cookie":
            present.append(value)
        else:
            present[0] = f"{present[0]}, {value}"

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: Default) -> str | Default: ...
    def get(self, name: str, default: Any = None) -> Any:
        """The first value of a field, or the default."""
        values = self._fields.get(name.lower())
        return values[0] if values else default

    def get_all(self, name: str, default: Any = None) -> Any:
        """All values of a field as a list, or the default."""
        values = self._fields.get(name.lower())
        return list(values) if values else default

    def keys(self) -> list[str]:
        """The names, in lower case, one for each value."""
        return [name for name, _ in self.items()]

    def values(self) -> list[str]:
        """The values."""
        return [value for _, value in self.items()]

    def items(self) -> list[tuple[str, str]]:
        """All fields as pairs, in the order they were given."""
        return [(name, value) for name, values in self._fields.items() for value in values]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return sum(map(len, self._fields.values()))

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, HeaderMap) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"HeaderMap({', '.join(self._fields)})"


Mapping.register(HeaderMap)


def checked_name(name: object) -> str:
    """The name of a field in lower case. TypeError or ValueError when it cannot be one."""
    if not isinstance(name, str):
        raise TypeError(f"a header's name must be text, not {type(name).__name__}")
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a header name: {name[:80]!r}")
    return name.lower()


def checked_value(name: str, value: object) -> str:
    """The value of a field without outer blanks. TypeError or ValueError when it cannot be one."""
    if not isinstance(value, str):
        raise TypeError(f"the value of header {name!r} must be text, not {type(value).__name__}")
    value = value.strip(" \t")
    if _FORBIDDEN.search(value):
        raise ValueError(
            f"the value of header {name!r} holds a line break, a control character "
            "or a letter outside Latin-1"
        )
    return value
