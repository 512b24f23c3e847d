"""Answers the gateway gives in a worker's place: one JSON shape, one status for each code."""

from __future__ import annotations

import json
import secrets
from typing import Final

from awaitstep.engine.errors import (
    NO_HANDLER,
    UNAVAILABLE,
    DeploymentCrashed,
    DeploymentMissing,
    EngineError,
    EnvironmentMissing,
    JournalUnavailable,
    RunnerUnavailable,
    WorkerFailed,
)

RETRY_AFTER: Final = 2

# What a worker's own call to the engine may end in, when its code does not catch it.
_TOLD: Final = {
    "run.not_found": "There is no such run of this workflow.",
    NO_HANDLER: "This worker answers no requests: it has no handler.",
    JournalUnavailable.code: "The journal can't be written now; try again.",
    RunnerUnavailable.code: "No runner is ready; try again.",
    DeploymentCrashed.code: "A worker that this one calls has crashed too often.",
}


class Refusal(Exception):
    """A request that no worker answers. `close` ends the connection: its body was not read."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.close = close


def refusal(error: EngineError) -> Refusal:
    """How an engine error is told to the caller of a Worker URL; never with a traceback."""
    match error:
        case WorkerFailed() if error.code in _TOLD:
            retry_after = RETRY_AFTER if error.status == UNAVAILABLE else None
            return Refusal(error.status, error.code, _TOLD[error.code], retry_after=retry_after)
        case WorkerFailed():
            return Refusal(error.status, "worker.failed", "The worker failed to answer.")
        case DeploymentMissing():
            return not_found()
        case DeploymentCrashed():
            return Refusal(503, error.code, "This worker crashed too often; deploy it again.")
        case EnvironmentMissing():
            return Refusal(
                503,
                "deployment.environment_missing",
                "The worker's packages are not installed; try again later.",
                retry_after=RETRY_AFTER,
            )
        case RunnerUnavailable() | JournalUnavailable():
            return Refusal(503, error.code, str(error), retry_after=RETRY_AFTER)
        case _:
            return Refusal(500, error.code, "The request could not be answered.")


def not_found() -> Refusal:
    """The refusal of an address where nothing is deployed."""
    return Refusal(404, "worker.not_found", "No worker is deployed at this address.")


def new_request_id() -> str:
    """Ties an answer to its line in the server's log."""
    return "req_" + secrets.token_urlsafe(16)


def rendered(refusal: Refusal, request_id: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of a refusal."""
    body = json.dumps(
        {"error": str(refusal), "code": refusal.code, "requestId": request_id}
    ).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode()),
    ]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", b"%d" % refusal.retry_after))
    if refusal.close:
        headers.append((b"connection", b"close"))
    return headers, body
