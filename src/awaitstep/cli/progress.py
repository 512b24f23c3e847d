"""What a person is told of a run while it goes on, wherever it runs."""

from __future__ import annotations

from collections.abc import Iterable

from awaitstep.cli.output import say


class Progress:
    """Says once what each attempt printed and that it failed, and once that the run waits."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._told: set[tuple[str, int, int]] = set()
        self._heard: set[tuple[str, int, int]] = set()
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

    def printed(self, step: str, count: int, attempt: int, lines: Iterable[str]) -> None:
        """What an attempt printed."""
        key = (step, count, attempt)
        if key not in self._heard:
            for line in lines:
                self._heard.add(key)
                say(f"{step}: {line}")

    def status(self, status: str) -> None:
        if status == "waiting" and not self._waiting:
            self._waiting = True
            say(f"run {self._instance} is waiting")
