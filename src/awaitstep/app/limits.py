"""What the runs of a workflow may take: read from a request or a file, and told to the engine.

Pure. Limits are kept in the form they are written in, without what is null:
`{concurrency, starts: {limit, period}, retention: {completed, failed, most}}`; durations are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from awaitstep.app.errors import Detail
from awaitstep.engine import durations
from awaitstep.engine.port import Limits, Retention

Kept = dict[str, Any]

# What fits into every number that counts runs.
_MOST: Final = 1_000_000_000
_LONGEST_TEXT: Final = 64


def read(given: object, path: str = "limits") -> tuple[Kept | None, list[Detail]]:
    """The limits as they are kept, None for no limit at all, and every problem they have."""
    problems: list[Detail] = []
    kept = _object(given, ("concurrency", "starts", "retention"), path, problems)
    _count(kept, "concurrency", path, problems)
    if "starts" in kept:
        where = f"{path}.starts"
        starts = _object(kept["starts"], ("limit", "period"), where, problems)
        _count(starts, "limit", where, problems)
        _duration(starts, "period", where, problems)
        if not problems and set(starts) != {"limit", "period"}:
            _wrong(problems, "limits.incomplete", "Give a limit and a period.", where)
        kept["starts"] = starts
    if "retention" in kept:
        where = f"{path}.retention"
        kept["retention"] = _object(
            kept["retention"], ("completed", "failed", "most"), where, problems
        )
        _duration(kept["retention"], "completed", where, problems)
        _duration(kept["retention"], "failed", where, problems)
        _count(kept["retention"], "most", where, problems)
    return {name: value for name, value in kept.items() if value} or None, problems


def for_engine(kept: Kept | None) -> tuple[Limits, Retention]:
    """Limits that `read` found nothing wrong with, as the engine takes them."""
    kept = kept or {}
    starts, retention = kept.get("starts", {}), kept.get("retention", {})
    return (
        Limits(
            concurrency=kept.get("concurrency"),
            starts=starts.get("limit"),
            period=durations.seconds(starts.get("period", "1 minute")),
        ),
        Retention(
            completed=_seconds(retention.get("completed")),
            failed=_seconds(retention.get("failed")),
            most=retention.get("most"),
        ),
    )


def _object(given: object, fields: tuple[str, ...], path: str, problems: list[Detail]) -> Kept:
    """A copy of it without nulls and without what is not known."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        fields_named = ", ".join(fields)
        _wrong(problems, "limits.shape", f"This is an object of {fields_named}.", path)
        return {}
    for name in sorted(set(given) - set(fields)):
        where = f"{path}.{name[:100]}"
        _wrong(problems, "limits.unknown_field", "There is no such limit.", where)
    return {name: given[name] for name in fields if given.get(name) is not None}


def _count(kept: Kept, name: str, path: str, problems: list[Detail]) -> None:
    value = kept.get(name, 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST:
        message = f"This is a whole number from 1 to {_MOST:,}."
        _wrong(problems, "limits.number", message, f"{path}.{name}")


def _duration(kept: Kept, name: str, path: str, problems: list[Detail]) -> None:
    text = kept.get(name, "1 minute")
    try:
        good = isinstance(text, str) and len(text) <= _LONGEST_TEXT and durations.seconds(text) > 0
    except ValueError:
        good = False
    if not good:
        message = "This is a duration such as '30 days', longer than 0 and at most a year."
        _wrong(problems, "limits.duration", message, f"{path}.{name}")


def _seconds(text: str | None) -> float | None:
    return None if text is None else durations.seconds(text)


def _wrong(problems: list[Detail], code: str, message: str, path: str) -> None:
    problems.append({"code": code, "message": message, "path": path})
