"""JSON bodies, read strictly: what parsers disagree about is refused before anything sees it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

from awaitstep.api.problems import Refusal
from awaitstep.api.queries import strictly

DEEPEST: Final = 200
_HALF_PAIR: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class JsonRequest(Request):
    """A request whose JSON is read by `parse`."""

    async def json(self) -> Any:
        return parse(await self.body())


class ApiRoute(APIRoute):
    """A route of this API: a body it takes must say that it is JSON, and be it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = strictly(self, super().get_route_handler())
        if self.body_field is None:
            return handle

        async def strict(request: Request) -> Response:
            request = JsonRequest(request.scope, request.receive)
            if await request.body():
                must_say_json(request)
            return await handle(request)

        return strict


def parse(body: bytes) -> Any:
    """The value of a JSON text. Raises Refusal for whatever is not exactly one.

    UTF-8 without a mark; no key twice in one object, no NaN or infinity however it is written, no
    half of a surrogate pair, at most 200 deep.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
        )
    except RecursionError:
        raise _malformed(f"it is nested more than {DEEPEST} deep") from None
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at character {error.pos}") from None
    except ValueError as error:
        raise _malformed(
            str(error) if isinstance(error, _Bad) else "a number is too long"
        ) from None
    if body.count(b"{") + body.count(b"[") > DEEPEST:
        _must_be_shallow(value)
    if _HALF_PAIR.search(body) is not None:
        _must_be_text(value)
    return value


class _Bad(ValueError):
    """Why a text is no JSON to us."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Bad("a key is there twice in one object")
    return value


def _constant(name: str) -> None:
    raise _Bad(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Bad("a number is out of range")
    return value


def _must_be_shallow(value: Any) -> None:
    level = _containers([value])
    for _ in range(DEEPEST):
        level = _containers(
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
        )
    if level:
        raise _malformed(f"it is nested more than {DEEPEST} deep")


def _containers(values: Iterable[Any]) -> list[dict[str, Any] | list[Any]]:
    return [value for value in values if isinstance(value, (dict, list))]


def _must_be_text(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _malformed("it holds half of a surrogate pair") from None


def _malformed(why: str) -> Refusal:
    return Refusal(400, "body.malformed", f"The body is not JSON: {why}.")


def must_say_json(request: Request) -> None:
    """Raises Refusal unless the body is announced as plain JSON in UTF-8."""
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    kind = kind.strip()
    json_like = kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    charset = re.search(r'charset\s*=\s*"?([^";\s]*)', parameters)
    if not json_like or (charset is not None and charset[1] not in ("utf-8", "utf8")):
        raise Refusal(415, "body.content_type", "The body must be application/json, in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "body.content_encoding", "The body must not be compressed.")
