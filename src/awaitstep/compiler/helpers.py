"""The small functions that expressions need in a generated module."""

from __future__ import annotations

from awaitstep.ir import Helper

LOOKUP = Helper(
    "lookup",
    '''\
def lookup(value: Any, *path: str | int, node: str) -> Any:
    """Follow a path into a node's value; what is missing is an error that names both."""
    for depth, key in enumerate(path, 1):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[:depth])
            raise NonRetryableError(f"{node}{''.join(parts)} is missing") from None
    return value
''',
    (("typing", "Any"), ("workers.workflows", "NonRetryableError")),
)
TEXT = Helper(
    "text",
    '''\
def text(value):
    """A value inside a text: None is empty, text stays, all else is JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
''',
    (("json", None),),
)
