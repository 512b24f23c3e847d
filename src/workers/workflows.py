"""The errors of workflows."""

from __future__ import annotations

_CLOUDFLARE_CODES = {"run.not_found": "instance.not_found"}


class NonRetryableError(Exception):
    """Raised inside a step: the step has failed and is not tried again."""


class StepError(Exception):
    """An error of a user's own class, rebuilt from the journal: its class's name and its message."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message

    def __str__(self) -> str:
        return self.message


class WorkflowError(Exception):
    """A workflow binding refused: no such instance, an id that is taken, a wrong state.

    `code` is stable. The text starts with the code in parentheses, in Cloudflare's spelling
    where it has one: `(instance.not_found)` for `run.not_found`.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"({_CLOUDFLARE_CODES.get(self.code, self.code)}) {self.message}".rstrip()
