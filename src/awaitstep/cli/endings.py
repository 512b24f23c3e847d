"""What `run` and `trigger --wait` tell of a run: one shape for programs, one text for people."""

from __future__ import annotations

import json
from typing import Any, Final

from awaitstep.cli.traces import error_line, traceback_lines

ERROR_FIELDS: Final = ("name", "message", "step", "line", "code", "traceback")


def answer(run: dict[str, Any]) -> dict[str, Any]:
    """`{instanceId, status, output, error}` of a run as the API tells it.

    `error` is null, or has all of `ERROR_FIELDS`, null where one is not known.
    """
    error = run["error"]
    return {
        "instanceId": run["instanceId"],
        "status": run["status"],
        "output": run["output"],
        "error": None if error is None else {name: error.get(name) for name in ERROR_FIELDS},
    }


def plain(answer: dict[str, Any]) -> str:
    """The output, or how else the run ended or is."""
    if answer["error"] is not None:
        told = f"run {answer['status']}: {error_line(answer['error'])}"
        return "\n".join([told, *traceback_lines(answer["error"], "")])
    if answer["status"] != "complete":
        return f"run {answer['status']}"
    return json.dumps(answer["output"], ensure_ascii=False, indent=2)
