"""The first look at decoded JSON: is it JSON at all, and can later checks walk it safely?

Never recursive, since nothing has bounded the depth yet. Knows nothing of graphs beyond the
place of a node, so that a problem can name it.
"""

from __future__ import annotations

from awaitstep.ir.diagnostics import Report, shown

DEPTH = 64
VALUES = 1_000_000
TEXT = 262_144
_INTEGER = 2**63


def check_json(data: object, report: Report) -> set[str] | None:
    """Report what is not plain JSON or over a limit.

    Answers the places that later checks must leave alone, as `metadata` or `nodes[3]`; None when
    nothing can be trusted.
    """
    pending: list[tuple[object, str, int]] = [(data, "", 0)]
    count = 0
    unsound: set[str] = set()
    while pending:
        value, path, depth = pending.pop()
        count += 1
        if depth > DEPTH:
            report.add("json.depth", f"Values are nested more than {DEPTH} deep.", path)
            return None
        if count > VALUES:
            report.add("json.size", f"The graph holds more than {VALUES:,} values.")
            return None
        if isinstance(value, dict):
            for key in reversed(value):
                where = f"{path}.{shown(key)}" if path else shown(key)
                if not isinstance(key, str):
                    report.add("json.value", "This key is not text.", where)
                    return None
                if not _check_text(key, where, report):
                    unsound.add(_place(where))
                pending.append((value[key], where, depth + 1))
        elif isinstance(value, list):
            pending += [
                (value[index], f"{path}[{index}]", depth + 1)
                for index in reversed(range(len(value)))
            ]
        elif not _check_scalar(value, path, report):
            unsound.add(_place(path))
    return unsound


def _place(path: str) -> str:
    return path.split(".", 1)[0]


def _check_scalar(value: object, path: str, report: Report) -> bool:
    if isinstance(value, str):
        return _check_text(value, path, report)
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int) and -_INTEGER <= value < _INTEGER:
        return True
    if isinstance(value, float) and value - value == 0:
        return True
    report.add("json.value", _not_json(value), path)
    return False


def _not_json(value: object) -> str:
    if isinstance(value, int):
        return "This integer does not fit into 64 bits."
    if isinstance(value, float):
        return "JSON has no such number."
    return f"JSON has no values of type {type(value).__name__}."


def _check_text(value: str, path: str, report: Report) -> bool:
    if len(value) > TEXT:
        report.add("text.long", f"This text has more than {TEXT:,} characters.", path)
        return False
    # A display name may hold anything: the history shows U+FFFD instead.
    if _may_hold_surrogates(path):
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        report.add("text.surrogate", "This text holds half of a surrogate pair.", path)
        return False
    return True


def _may_hold_surrogates(path: str) -> bool:
    place, _, field = path.rpartition(".")
    return field == "name" and place.startswith("nodes[") and place.endswith("]")
