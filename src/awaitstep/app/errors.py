"""What the use cases refuse. `code` is stable, `str(error)` one line for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Detail = dict[str, Any]


class AppError(Exception):
    """A request that was refused; nothing was changed.

    Each of `details` is `{code, message, nodeId?, path?, hint?}`.
    """

    def __init__(self, message: str, code: str, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.details = list(details)


class NotFound(AppError):
    """It does not exist, or not for who asks."""


class Conflict(AppError):
    """It can't be done in the state things are in."""


class Invalid(AppError):
    """The request says something that can't be."""


class Forbidden(AppError):
    """Who asks is known and may not."""


class Unavailable(AppError):
    """Something this needs is away; the same request may work later."""


def invalid(code: str, message: str, path: str) -> Invalid:
    """An `Invalid` for one field."""
    return Invalid(message, code, [{"code": code, "message": message, "path": path}])


def not_deployed(where: str = "") -> Conflict:
    """Says what to do as well, by API and on the command line."""
    return Conflict(
        f"The workflow is not deployed{where}. Deploy it first: POST /workflows/{{id}}/deploy, or "
        "`awaitstep deploy`.",
        "workflow.not_deployed",
    )
