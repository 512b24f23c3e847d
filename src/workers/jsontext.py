"""JSON as the web means it: no NaN, no infinity, and every refusal a ValueError."""

from __future__ import annotations

import json
import math
from typing import Any


def dumps(value: Any) -> str:
    """JSON text of a value. TypeError for what JSON cannot hold, ValueError for NaN and infinity."""
    try:
        return _encode(value)
    except RecursionError:
        raise ValueError("the value is nested too deeply for JSON") from None


def loads(text: str, **options: Any) -> Any:
    """The value of a JSON text. Options are those of `json.loads`. ValueError when it is not JSON."""
    try:
        return json.loads(text, **{**_STRICT, **options}) if options else _decode(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("the JSON has a number out of range")
    return number


_STRICT: dict[str, Any] = {"parse_constant": _refuse_constant, "parse_float": _finite}
# the module's functions make one of each per call
_encode = json.JSONEncoder(allow_nan=False).encode
_decode = json.JSONDecoder(**_STRICT).decode
