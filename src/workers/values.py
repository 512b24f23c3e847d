"""Dictionaries whose keys can also be read as attributes."""

from __future__ import annotations

from typing import Any


class AttrDict(dict[str, Any]):
    """A dict with attribute access: `event.payload` is `event["payload"]`.

    A key that is also the name of a dict method is only reachable by item. Names like
    `__this__` are never looked up as keys, so data cannot pose as a Python protocol.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if not (name.startswith("__") and name.endswith("__")):
            try:
                return self[name]
            except KeyError:
                pass
        raise AttributeError(f"no key {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"no key {name!r}") from None


def wrap(value: Any) -> Any:
    """A copy of a JSON-like value in which every dict is an AttrDict.

    Walks with a stack of its own, so nesting is limited by memory alone. Anything but
    dicts and lists is taken over as it is.
    """
    if not isinstance(value, dict | list):
        return value
    root = _empty_like(value)
    pending: list[tuple[Any, Any]] = [(value, root)]
    while pending:
        source, target = pending.pop()
        if isinstance(source, dict):
            for key, item in source.items():
                if isinstance(item, dict | list):
                    target[key] = _empty_like(item)
                    pending.append((item, target[key]))
                else:
                    target[key] = item
        else:
            for item in source:
                if isinstance(item, dict | list):
                    copy = _empty_like(item)
                    target.append(copy)
                    pending.append((item, copy))
                else:
                    target.append(item)
    return root


def _empty_like(value: dict[Any, Any] | list[Any]) -> AttrDict | list[Any]:
    return AttrDict() if isinstance(value, dict) else []
