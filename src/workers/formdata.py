"""Form fields and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TypeAlias

from workers.blob import Blob, File

FormDataValue: TypeAlias = "str | Blob"


class FormData(MutableMapping[str, Any]):
    """The fields of a form, in order; a name may occur several times.

    `form[name]` is the first value of a name (text, or a `File`), `get_all` all of them;
    `form[name] = value` replaces them, `append` adds one. Iterating, `keys`, `values` and
    `items` go over every field, repeated names included.
    """

    def __init__(self, form_data: Mapping[str, FormDataValue] | None = None) -> None:
        self._fields: list[tuple[str, str | Blob]] = []
        if form_data is None:
            return
        if isinstance(form_data, FormData):
            self._fields.extend(form_data._fields)
        elif isinstance(form_data, Mapping):
            for name, value in form_data.items():
                self.append(name, value)
        else:
            raise TypeError(f"FormData takes a dict, not {type(form_data).__name__}")

    def append(self, key: str, value: FormDataValue, filename: str | None = None) -> None:
        """Adds a field. A blob becomes a file, named `filename` or, failing that, "blob"."""
        self._fields.append((_checked_key(key), _checked_value(value, filename)))

    def delete(self, key: str) -> None:
        """Removes every field of a name, if there is one."""
        self._fields = [field for field in self._fields if field[0] != key]

    def get_all(self, key: str) -> list[Any]:
        """All values of a name."""
        return [value for name, value in self._fields if name == key]

    def __getitem__(self, key: str) -> Any:
        for name, value in self._fields:
            if name == key:
                return value
        raise KeyError(key)

    def __setitem__(self, key: str, value: FormDataValue) -> None:
        field = (_checked_key(key), _checked_value(value, None))
        places = [place for place, (name, _) in enumerate(self._fields) if name == key]
        if not places:
            self._fields.append(field)
            return
        self._fields[places[0]] = field
        for place in reversed(places[1:]):
            del self._fields[place]

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self.delete(key)

    def __contains__(self, key: object) -> bool:
        return any(name == key for name, _ in self._fields)

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._fields])

    def __len__(self) -> int:
        return len(self._fields)

    def keys(self) -> Iterator[str]:  # type: ignore[override]
        """The name of every field."""
        return iter(self)

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        """The value of every field."""
        return iter([value for _, value in self._fields])

    def items(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        """Every field as a pair."""
        return iter(list(self._fields))

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, FormData) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"FormData({', '.join(repr(name) for name in self)})"


def _checked_key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a form field's name must be text, not {type(key).__name__}")
    return key


def _checked_value(value: object, filename: str | None) -> str | Blob:
    if isinstance(value, str):
        if filename is not None:
            raise TypeError("only a blob can have a file name")
        return value
    if isinstance(value, File) and filename is None:
        return value
    if isinstance(value, Blob):
        return File(value, filename or "blob")
    raise TypeError(f"a form field holds text or a blob, not {type(value).__name__}")
