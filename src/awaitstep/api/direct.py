"""Routes that are asked most: the same wire, without FastAPI's solving of dependencies.

Their endpoints take the request itself; what FastAPI reads from a signature is said in `described`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from awaitstep.api.access import REQUIRED_SCOPE, must_have
from awaitstep.api.bodies import must_say_json, parse
from awaitstep.api.queries import strictly
from awaitstep.auth.identity import Scope

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class DirectRoute(APIRoute):
    """Its endpoint is called with the request as soon as the scope is checked."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        scope: Scope = (self.openapi_extra or {})[REQUIRED_SCOPE]
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            must_have(request, scope)
            response: Response = await endpoint(request)
            return response

        return strictly(self, handle)


def described(
    scope: Scope,
    path: Sequence[str],
    others: Sequence[dict[str, Any]] = (),
    body: type[BaseModel] | None = None,
) -> dict[str, Any]:
    """What the OpenAPI document says of a direct route: parameters, and the body if it has one."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in path
    ]
    found: dict[str, Any] = {REQUIRED_SCOPE: scope, "parameters": [*parameters, *others]}
    if body is not None:
        found["requestBody"] = {
            "required": False,
            "content": {"application/json": {"schema": body.model_json_schema()}},
        }
    return found


async def body_of(request: Request, model: type[M]) -> M:
    """The body, all of it optional. Raises Refusal, RequestValidationError."""
    content = await request.body()
    if not content:
        return model()
    must_say_json(request)
    value = parse(content)
    if value is None:
        return model()
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _wrong(error, "body") from None


def query_of(request: Request, name: str, kind: TypeAdapter[T]) -> T | None:
    """A parameter of the query, None when it is not there. Raises RequestValidationError."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return kind.validate_python(text)
    except ValidationError as error:
        raise _wrong(error, "query", name) from None


def _wrong(error: ValidationError, *place: str) -> RequestValidationError:
    return RequestValidationError(
        [
            {**problem, "loc": (*place, *problem["loc"])}
            for problem in error.errors(include_url=False, include_input=False)
        ]
    )
