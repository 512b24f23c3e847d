"""The OpenAPI document, completed with what holds for every route: the key and the errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from awaitstep.api.access import PUBLIC, REQUIRED_SCOPE, HasSession, is_public, scope_of
from awaitstep.api.model import Body, Problem, Shape
from awaitstep.api.origins import Origins

_REASONS: Final = {
    400: "The body is not JSON.",
    401: "No key or session, or not a good one.",
    403: "The key lacks the scope, or the session is used from elsewhere than the dashboard.",
    404: "There is no such thing, or it is another project's.",
    408: "The body did not arrive in time.",
    409: "It can't be done in the state things are in.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The request is understood, and wrong; `details` says where.",
    429: "Too many requests; try again after `Retry-After` seconds.",
    500: "A bug.",
    503: "Something this needs is away; try again.",
}
_REF: Final = "#/components/schemas/{model}"
_WITH_BODY: Final = (400, 408, 413, 415, 422)
_EITHER: Final[list[dict[str, list[str]]]] = [{"apiKey": []}, {"session": []}]
_ALWAYS: Final = (500, 503)


def document(api: FastAPI) -> dict[str, Any]:
    """Built once, then kept."""
    if api.openapi_schema is None:
        api.openapi_schema = _build(api)
    return api.openapi_schema


def _build(api: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=api.title, version=api.version, description=api.description, routes=api.routes
    )
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(mode="serialization", ref_template=_REF)
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    for model in (*_models(Shape), *_models(Body)):
        extra = model.model_config.get("json_schema_extra")
        if isinstance(extra, dict) and "examples" in schemas.get(model.__name__, {}):
            # FastAPI leaves the nulls out of examples
            schemas[model.__name__]["examples"] = extra["examples"]
    origins: Origins = api.state.origins
    components["securitySchemes"] = {
        "apiKey": {"type": "http", "scheme": "bearer", "description": "`ask_…`"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": origins.cookie,
            "description": "For the dashboard's own pages only; see `POST /auth/sessions`.",
        },
    }
    for route in api.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(schema["paths"][route.path_format][method.lower()], route, method)
    return schema


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    responses = operation["responses"]
    operation["operationId"] = to_camel(route.name)
    answers = {int(code) for code in responses if int(code) >= 400} | set(_ALWAYS)
    answers.discard(422)
    if not is_public(PUBLIC, method, route.path_format):
        answers |= {401, 403}
        session_only = any(isinstance(d.call, HasSession) for d in route.dependant.dependencies)
        operation["security"] = [{"session": []}] if session_only else _EITHER
        operation[REQUIRED_SCOPE] = scope_of(route)
    if route.param_convertors:
        answers.add(404)
    if "requestBody" in operation:
        answers |= set(_WITH_BODY)
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
        answers.add(422)
    for code in list(responses):
        if int(code) >= 400:
            del responses[code]
    for status in sorted(answers):
        responses[str(status)] = {
            "description": _REASONS[status],
            "content": {"application/json": {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
