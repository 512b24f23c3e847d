"""What a person is told of a run while it goes on, wherever it runs."""

from __future__ import annotations

from awaitstep.cli.output import say


class Progress:
    """Says each failed attempt once, and once that the run waits."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._told: set[tuple[str, int, int]] = set()
        self._waiting = False

    def failed(
        self, step: str, count: int, attempt: int, name: str, message: str, line: int | None
    ) -> None:
        """An attempt (from 1) of the `count`-th use of a step failed."""
        key = (step, count, attempt)
        if key not in self._told:
            self._told.add(key)
            at = f" (line {line})" if line else ""
            say(f"step {step!r}, attempt {attempt} failed: {name}: {message}{at}")

    def status(self, status: str) -> None:
        if status == "waiting" and not self._waiting:
            self._waiting = True
            say(f"run {self._instance} is waiting")
