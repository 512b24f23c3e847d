"""The second telling of what a drawing means is worth something only while it can be read in one go
and shares nothing with the compiler."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
LONGEST = 300  # lines of code: without blank lines, comments and docstrings


def test_it_is_short_and_knows_nothing_of_the_product() -> None:
    source = (HERE / "interpreter.py").read_text()
    tree = ast.parse(source)
    told = {line for node in ast.walk(tree) for line in _docstring(node)}
    code = [
        line
        for number, line in enumerate(source.splitlines(), 1)
        if number not in told and line.strip() and not line.strip().startswith("#")
    ]
    assert len(code) < LONGEST
    for file in ("interpreter.py", "stand_ins.py"):
        assert "awaitstep" not in _imported(HERE / file)


def _docstring(node: ast.AST) -> range:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
        return range(0)
    if ast.get_docstring(node) is None:
        return range(0)
    return range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)


def _imported(file: Path) -> set[str]:
    tops = set[str]()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            tops |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            tops.add((node.module or "").partition(".")[0])
    return tops
