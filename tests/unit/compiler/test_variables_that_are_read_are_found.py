"""What a module reads of `env` is found in its text; what it can do without is not asked for."""

from __future__ import annotations

import pytest

from awaitstep.compiler import compile_graph, variables_read
from awaitstep.ir import parse
from awaitstep.nodes import registry


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("self.env.TOKEN", ["TOKEN"]),
        ("self.env['TOKEN']", ["TOKEN"]),
        ("env = self.env\nenv.B + env.A", ["A", "B"]),
        ("def f(env): return env.TOKEN", ["TOKEN"]),
        ("getattr(self.env, '__x')", ["__x"]),
        ("f'{self.env.TOKEN}'", ["TOKEN"]),
        ("self.env.WORKFLOW.create(params=1)", ["WORKFLOW"]),
        ("env.TOKEN", []),  # somebody's own name
        ("self.env.get('TOKEN')", []),
        ("getattr(self.env, 'TOKEN', None)", []),
        ("self.env.TOKEN if hasattr(self.env, 'TOKEN') else 1", []),
        ("self.env.TOKEN if 'TOKEN' in self.env else 1", []),
        ("self.environment.TOKEN", []),
        ("x.env = 1", []),
        ("'self.env.TOKEN'", []),
    ],
)
def test_names_are_found_as_they_are_read(code: str, found: list[str]) -> None:
    assert list(variables_read(code)) == found


def test_a_drawing_and_its_entry_code_are_read_alike() -> None:
    step = {"url": "https://example.com/{{env.KEY}}"}
    graph = {
        "kind": "workflow",
        "metadata": {"name": "Desk"},
        "entryNodeId": "go",
        "nodes": [
            {
                "id": "go",
                "type": "http_request",
                "name": "Go",
                "position": {"x": 0, "y": 0},
                "data": step,
            }
        ],
        "edges": [],
    }
    types = registry()
    made = compile_graph(parse(graph, types), types, entry_code="return Response(env.GREETING)")
    read = variables_read(made.source)
    assert list(read) == ["GREETING", "KEY"]
    assert "KEY" in made.source.splitlines()[read["KEY"] - 1]
