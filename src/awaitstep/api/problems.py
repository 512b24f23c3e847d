"""Errors on the wire: one shape for every failure, whoever noticed it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from awaitstep.app import errors as app_errors
from awaitstep.engine import errors as engine_errors
from awaitstep.wording import MISSING, field_problem

_log = logging.getLogger("awaitstep.api")

_APP: Final[tuple[tuple[type[Exception], int], ...]] = (
    (app_errors.NotFound, 404),
    (app_errors.Conflict, 409),
    (app_errors.Invalid, 422),
    (app_errors.Forbidden, 403),
    (app_errors.Unavailable, 503),
)
_ENGINE: Final[tuple[tuple[type[Exception], int], ...]] = (
    (engine_errors.RunNotFound, 404),
    (engine_errors.StepNotFound, 404),
    (engine_errors.RunState, 409),
    (engine_errors.InstanceTaken, 409),
    (engine_errors.ValueTooLarge, 413),
    (engine_errors.JournalUnavailable, 503),
    (engine_errors.JournalLocked, 503),
    (engine_errors.RunnerUnavailable, 503),
    (engine_errors.EngineUnavailable, 503),
    (engine_errors.NotOffered, 409),
    (engine_errors.DeploymentCrashed, 503),
    (engine_errors.DeploymentMissing, 503),
    (engine_errors.EnvironmentMissing, 503),
    (engine_errors.WorkerFailed, 502),
    (engine_errors.EngineError, 422),
)
_HTTP: Final = {
    404: ("route.not_found", "There is nothing at this address."),
    405: ("method.not_allowed", "This address does not take that method."),
}
_RETRY_AFTER: Final = "1"


class Refusal(HTTPException):
    """An error of the wire itself: body, header, key."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.code = code


def render(
    request_id: str,
    status: int,
    code: str,
    message: str,
    details: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    headers = dict(headers or {})
    if status in (429, 503):
        headers.setdefault("Retry-After", _RETRY_AFTER)
    content = to_json(request_id, code, message, details)
    return Response(content, status, headers, media_type="application/json")


def to_json(
    request_id: str, code: str, message: str, details: Sequence[Mapping[str, Any]] = ()
) -> bytes:
    body: dict[str, Any] = {"error": message, "code": code}
    if details:
        body["details"] = details
    body["requestId"] = request_id
    return msgspec.json.encode(_printable(body))


def describe(error: Exception) -> tuple[int, str, str, Sequence[Mapping[str, Any]]] | None:
    """Status, code, message and details of an error that is no bug; None for one that is."""
    if isinstance(error, app_errors.AppError):
        status = next(status for kind, status in _APP if isinstance(error, kind))
        return status, error.code, str(error), error.details
    if isinstance(error, engine_errors.EngineError):
        status = next(status for kind, status in _ENGINE if isinstance(error, kind))
        details = []
        if isinstance(error, engine_errors.ValueRefused) and error.path:
            details = [{"code": error.code, "message": str(error), "path": error.path}]
        return status, error.code, str(error), details
    return None


def install(api: FastAPI) -> None:
    """Have every error of the application answered in this shape."""
    for kind in (app_errors.AppError, engine_errors.EngineError):
        api.add_exception_handler(kind, _known)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(RequestValidationError, _unprocessable)
    api.add_exception_handler(ClientDisconnect, _gone)
    api.add_exception_handler(Exception, _bug)


async def _known(request: Request, error: Exception) -> Response:
    described = describe(error)
    assert described is not None
    status, code, message, details = described
    return render(request.state.request_id, status, code, message, details)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, Refusal):
        code, message = error.code, error.detail
    else:
        code, message = _HTTP.get(error.status_code, ("request.refused", error.detail))
    return render(request.state.request_id, error.status_code, code, message, headers=error.headers)


async def _unprocessable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    details = [_problem(problem) for problem in error.errors()]
    return render(request.state.request_id, 422, "request.invalid", details[0]["message"], details)


async def _gone(request: Request, error: Exception) -> Response:
    """For the log of whatever is in between; the client does not hear it."""
    return render(request.state.request_id, 400, "body.incomplete", "The body ended too early.")


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("request %s failed: %s", request.state.request_id, type(error).__name__)
    response = render(
        request.state.request_id, 500, "server.error", "Something went wrong on the server."
    )
    response.headers["X-Request-Id"] = request.state.request_id
    return response


def _problem(found: Mapping[str, Any]) -> dict[str, str]:
    path = _path(found["loc"])
    name = path.rpartition(".")[2]
    if not name and found["type"] == "missing":
        return {"code": MISSING, "message": "The body is missing.", "path": ""}
    code, message = field_problem(
        found["type"], found["msg"], found.get("ctx"), path if name.isdigit() else name or "body"
    )
    return {"code": code, "message": message, "path": path}


def _path(place: Sequence[str | int]) -> str:
    """A field of the body by itself, anything else with where it was (`query.limit`)."""
    parts = place[1:] if place and place[0] == "body" else place
    # "#…" names a form of the body, which the client did not write
    return ".".join(str(part)[:100] for part in parts if not str(part).startswith("#"))


def _printable(value: Any) -> Any:
    """Text that a careless source left half a surrogate pair in can still be sent."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(item) for item in value]
    return value
