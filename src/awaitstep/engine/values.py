"""Journal form: the JSON that params, results and payloads are kept as.

Strict on purpose. What JSON would change silently (tuples, sets, bytes, NaN) is refused with its
path, so that a value read back after a crash is the value the code saw the first time.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from itertools import chain
from typing import Any, Final

import msgspec

from awaitstep.engine.errors import ValueRefused, ValueTooLarge

LARGEST: Final = 1024 * 1024
DEEPEST: Final = 200
_SCALARS: Final = frozenset({bool, type(None)})
_CONTAINERS: Final = frozenset({dict, list})
_INT64: Final = range(-(2**63), 2**63)

_encoder = msgspec.json.Encoder()
_decode = msgspec.json.Decoder().decode


def encode(value: Any, largest: int = LARGEST) -> bytes:
    """The journal form of `value`, of at most `largest` bytes.

    Dates become ISO 8601 text. Raises ValueRefused (with the path) or ValueTooLarge.
    """
    data: bytes
    kind = type(value)
    if kind in _SCALARS or (kind is int and value in _INT64):
        return _encoder.encode(value)
    plain = _plain(value, "$", 0)
    try:
        data = _encoder.encode(plain)
    except (OverflowError, ValueError, TypeError, RecursionError):
        # integers beyond 64 bits are JSON too, but not the fast encoder's
        try:
            data = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
        except (ValueError, RecursionError) as error:
            raise ValueRefused(f"The value can't be kept as JSON: {error}") from None
    if len(data) > largest:
        raise ValueTooLarge(len(data), largest)
    return data


def decode(data: bytes) -> Any:
    """The value of a journal form made by `encode`."""
    try:
        value = _decode(data)
    except msgspec.DecodeError:
        return json.loads(data)
    return value


def check(data: bytes) -> bytes:
    """`data` itself when it is JSON from a source that is not trusted.

    Raises ValueRefused or ValueTooLarge.
    """
    if len(data) > LARGEST:
        raise ValueTooLarge(len(data), LARGEST)
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # numbers the fast decoder has no room for; what only Python calls JSON stays out
        try:
            encode(json.loads(data.decode(), parse_constant=_not_json))
        except (ValueError, RecursionError):
            raise ValueRefused("The value is not JSON.") from None
    else:
        if data.count(b"[") + data.count(b"{") > DEEPEST:
            _check_depth(value)
    return data


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [item for item in level if type(item) in _CONTAINERS]
        if not level:
            return
        level = list(chain.from_iterable(i.values() if type(i) is dict else i for i in level))
    raise ValueRefused(f"The value is nested more than {DEEPEST} deep.")


def _not_json(constant: str) -> None:
    raise ValueError(constant)


def _plain(value: Any, path: str, depth: int) -> Any:
    kind = type(value)
    if kind in _SCALARS or kind is int:
        return value
    if kind is str:
        return _text(value, path)
    if kind is float:
        if not math.isfinite(value):
            raise ValueRefused(f"{value} is not a JSON number.", path)
        return value
    if depth >= DEEPEST:
        raise ValueRefused(f"The value is nested more than {DEEPEST} deep.", path[:200])
    if isinstance(value, dict):
        plain = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueRefused(f"A key is {type(key).__name__}, not text.", path)
            plain[_text(str.__str__(key), path)] = _plain(item, f"{path}.{key}", depth + 1)
        return plain
    if isinstance(value, list):
        return [_plain(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    # enums and other subclasses: their plain value
    if isinstance(value, str):
        return _text(str.__str__(value), path)
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return _plain(float.__float__(value), path, depth)
    raise ValueRefused(f"A {kind.__name__} has no JSON form.", path)


def _text(value: str, path: str) -> str:
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueRefused("The text holds half of a surrogate pair.", path) from None
    return value
