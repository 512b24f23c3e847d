"""The example workflow: inside the wheel, or in the repository that is run in place."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any


def hello() -> dict[str, Any]:
    """The graph of `examples/hello`."""
    packaged = files("awaitstep") / "examples" / "hello.json"
    if packaged.is_file():
        text = packaged.read_text(encoding="utf-8")
    else:
        text = _in_repository().read_text(encoding="utf-8")
    graph: dict[str, Any] = json.loads(text)
    return graph


def _in_repository() -> Path:
    return Path(__file__).parents[3] / "examples" / "hello" / "graph.json"
