"""Parameters of queries: one that a route does not know is refused, as a field of a body is.

A route without any takes whatever is there, as it reads none.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
# So many of them are named in an answer.
_MOST: Final = 10


def strictly(route: APIRoute, handle: Handler) -> Handler:
    """`handle` for requests that ask for nothing the route does not know."""
    known = frozenset(names_of(route))
    if not known:
        return handle

    async def strict(request: Request) -> Response:
        if request.scope["query_string"] and not known.issuperset(request.query_params):
            raise _unknown([name for name in request.query_params if name not in known], known)
        return await handle(request)

    return strict


def names_of(route: APIRoute) -> Iterator[str]:
    """Those that FastAPI reads from the endpoint's signature, and those the document alone tells."""
    yield from _of(route.dependant)
    for parameter in (route.openapi_extra or {}).get("parameters", ()):
        if parameter["in"] == "query":
            yield parameter["name"]


def _of(dependant: Dependant) -> Iterator[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _of(inner)


def _unknown(names: list[str], known: frozenset[str]) -> RequestValidationError:
    told = {"known": sorted(known)}
    return RequestValidationError(
        [
            {"type": "extra_forbidden", "loc": ("query", name), "msg": "", "ctx": told}
            for name in names[:_MOST]
        ]
    )
