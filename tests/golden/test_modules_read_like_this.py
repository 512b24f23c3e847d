"""Generated modules are a product: every change of their text is seen here, and reviewed.

`UPDATE_GOLDEN=1 pytest tests/golden` writes the files anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from awaitstep.compiler import compile_graph
from awaitstep.ir import parse, validate
from awaitstep.nodes import registry

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
REGISTRY = registry()
PAIRS = {
    **{
        path.stem: (path, HERE / "modules" / f"{path.stem}.py")
        for path in HERE.glob("graphs/*.json")
    },
    **{
        path.parent.name: (path, path.with_name("worker.py"))
        for path in EXAMPLES.glob("*/graph.json")
    },
}


def compiled(graph: Path) -> str:
    data = json.loads(graph.read_text(encoding="utf-8"))
    return compile_graph(parse(data, REGISTRY), REGISTRY).source


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_the_text_is_the_reviewed_one(name: str) -> None:
    graph, module = PAIRS[name]
    source = compiled(graph)
    if os.environ.get("UPDATE_GOLDEN"):
        module.write_text(source, encoding="utf-8")
    assert source == module.read_text(encoding="utf-8")


def test_the_examples_have_no_errors() -> None:
    for name in ("hello", "refund-desk"):
        data = json.loads(PAIRS[name][0].read_text(encoding="utf-8"))
        assert [p for p in validate(data, REGISTRY) if p.severity == "error"] == []
    hello = json.loads(PAIRS["hello"][0].read_text(encoding="utf-8"))
    assert validate(hello, REGISTRY) == []


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_bytes_do_not_depend_on_the_process(seed: str) -> None:
    script = (
        "import json, sys; from pathlib import Path\n"
        "from awaitstep.compiler import compile_graph; from awaitstep.ir import parse\n"
        "from awaitstep.nodes import registry\n"
        "data = json.loads(Path(sys.argv[1]).read_text(encoding='utf-8'))\n"
        "sys.stdout.buffer.write(compile_graph(parse(data, registry()), registry()).source.encode())"
    )
    graph, module = PAIRS["order_desk"]
    done = subprocess.run(
        [sys.executable, "-c", script, str(graph)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
    )
    assert done.stdout == module.read_bytes()
