"""The how-to's test and list of files are what `eject` writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/take-a-workflow-away.md").read_text()


def test_the_shown_test_is_written(ejected):
    folder = ejected(json.loads((ROOT / "examples/refund-desk/graph.json").read_text()))
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert shown in (folder / "tests/test_paths.py").read_text()


def test_every_file_is_named(ejected):
    folder = ejected(json.loads((ROOT / "examples/hello/graph.json").read_text()))
    for path in folder.rglob("*"):
        if path.is_file():
            assert f"`{path.relative_to(folder)}`" in PAGE


def test_the_shown_comment_is_written(ejected):
    folder = ejected(json.loads((ROOT / "tests/golden/graphs/order_line.json").read_text()))
    (shown,) = re.findall(r"```jsonc\n(.*?)```", PAGE, re.DOTALL)
    written = (folder / "wrangler.jsonc").read_text()
    assert all(f"    {line}\n" in written for line in shown.splitlines())
