"""How a command fails: one plain sentence on stderr, never a traceback."""

from __future__ import annotations

from typing import Any


class Failure(Exception):
    """The command could not do what it was asked. `details` are lines below the sentence."""

    exit_code = 1

    def __init__(
        self, message: str, code: str = "failed", details: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.details = details or []


class WrongUse(Failure):
    """The command was called with something it can't take."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message, "usage")
