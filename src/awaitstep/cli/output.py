"""What commands print: JSON for programs, lines and tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from awaitstep.cli.failures import Failure

# Text from the server may hold control characters that would drive the terminal.
_UNPRINTABLE = {code: "\ufffd" for code in (*range(32), 127, *range(0x80, 0xA0)) if code != 10}


def show(value: Any, as_json: bool, plain: Callable[[Any], str]) -> None:
    """Print a command's answer on stdout."""
    text = json.dumps(value, ensure_ascii=False, indent=2) if as_json else safe(plain(value))
    _write(sys.stdout, text)


def tell(lines: str) -> None:
    """Print a part of a command's answer on stdout, as soon as it is there."""
    _write(sys.stdout, safe(lines))


def say(line: str) -> None:
    """Tell a person something on stderr, beside the answer."""
    _write(sys.stderr, safe(line))


def show_failure(failure: Failure, as_json: bool) -> None:
    """Print why a command failed on stderr."""
    if as_json:
        value: dict[str, Any] = {"error": str(failure), "code": failure.code}
        if failure.details:
            value["details"] = failure.details
        _write(sys.stderr, json.dumps(value, ensure_ascii=False))
        return
    say(str(failure))
    for detail in failure.details:
        say("  " + problem(detail))


def problem(detail: dict[str, Any]) -> str:
    """One diagnostic as a line: where, what, and the hint."""
    where = detail.get("nodeId") or detail.get("path") or ""
    line = f":{detail['line']}" if detail.get("line") else ""
    hint = f" ({detail['hint']})" if detail.get("hint") else ""
    start = f"{where}{line}: " if where or line else ""
    return f"{start}{detail.get('message', '')} [{detail.get('code', '')}]{hint}"


def warnings(deployed: dict[str, Any]) -> None:
    """Tell a person what deploying warned of."""
    for warning in deployed["warnings"]:
        say(f"warning: {problem(warning)}")


def adoption(made: dict[str, Any]) -> list[str]:
    """What was changed in a file from elsewhere, and what a person still has to do; a line each."""
    lines = [
        f"{rename['from']} is now called {rename['to']} ({rename['name']})"
        for rename in made["renames"]
    ]
    for note in made["notes"]:
        where = ": ".join(part for part in (note.get("nodeId"), note["path"]) if part)
        lines.append(f"{where}: {note['message']}")
    return lines + [f"{place} needs porting from TypeScript" for place in made["needsPorting"]]


def table(rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str]]) -> str:
    """Aligned columns; `columns` are (key, title)."""
    if not rows:
        return "none"
    cells = [[title for _, title in columns]]
    cells += [["" if row.get(key) is None else str(row[key]) for key, _ in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def moment(seconds: float) -> str:
    """A time as the API writes it: ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def safe(text: str) -> str:
    """Text without control characters."""
    return text.translate(_UNPRINTABLE)


def _write(stream: Any, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()
