"""How errors of runs are told to a person."""

from __future__ import annotations

from typing import Any


def error_line(error: dict[str, Any]) -> str:
    """A run's or an attempt's error as one line."""
    where = f" in step {error['step']!r}" if error.get("step") else ""
    line = f", line {error['line']}" if error.get("line") else ""
    return f"{error.get('name')}: {error.get('message')}{where}{line}"


def traceback_lines(error: dict[str, Any], indent: str) -> list[str]:
    """Where an error came from, as Python prints it; nothing when that is not known."""
    return [indent + line for line in (error.get("traceback") or "").splitlines()]
