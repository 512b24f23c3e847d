"""What of a module is otherwise on Cloudflare is told before it goes there, and in the docs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from awaitstep.compiler import compile_graph
from awaitstep.ir import parse
from awaitstep.nodes import registry
from awaitstep.providers.cloudflare.differences import ALL, differences_of

ROOT = Path(__file__).parents[3]


def drawing(*nodes: dict[str, Any], edges: Sequence[tuple[str, str, str]] = ()) -> dict[str, Any]:
    return {
        "kind": "workflow",
        "metadata": {"name": "Drawn"},
        "entryNodeId": nodes[0]["id"],
        "nodes": list(nodes),
        "edges": [
            {"id": f"e{at}", "source": source, "target": target, "label": label}
            for at, (source, target, label) in enumerate(edges)
        ],
    }


def step(id: str) -> dict[str, Any]:
    code = "async def one():\n    return 1\nreturn await one()"
    return {"id": id, "type": "step", "data": {"code": code}}


def call(*, waits: bool) -> dict[str, Any]:
    return drawing(
        {
            "id": "pack",
            "type": "sub_workflow",
            "data": {"workflowId": "wf_packing", "input": {}, "waitForCompletion": waits},
        }
    )


DRAWINGS = {
    "waits": call(waits=True),
    "starts": call(waits=False),
    "race": drawing(
        {"id": "fastest", "type": "race", "data": {}},
        step("here"),
        step("there"),
        edges=[("fastest", "here", "a"), ("fastest", "there", "b")],
    ),
    "try": drawing(
        {"id": "safe", "type": "try_catch", "data": {}},
        step("risky"),
        step("saved"),
        edges=[("safe", "risky", "try"), ("safe", "saved", "catch")],
    ),
}
PLAIN = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("a")
        async def a():
            return 1
"""


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (("", ""), []),
        (('step.do("a")', 'step.do("a", rollback=undo)'), ["cloudflare.rollback"]),
        (
            ('step.do("a")', 'step.do("a", config={"sensitive": "output"})'),
            ["cloudflare.sensitive"],
        ),
        (("async def a", "def a"), ["cloudflare.blocking"]),
        (("\nclass W", "\nimport socket, os\nclass W"), ["cloudflare.no_system"]),
        (("\nclass W", "\nfrom threading import Lock\nclass W"), ["cloudflare.no_system"]),
        (("return 1", "return ("), []),
        (("return 1", 'return event["timestamp"]'), ["cloudflare.dates"]),
        (("return 1", "return event.timestamp"), ["cloudflare.dates"]),
        (("return 1", 'return lookup(go, "timestamp", node="go")'), ["cloudflare.dates"]),
        (("\nclass W", '\ndef start(e): return e["timestamp"]\nclass W'), []),
        (("\nclass W", "\ndef failure(error): ...\nclass W"), ["cloudflare.errors"]),
        (("\nclass W", "\nasync def race(arms): ...\nclass W"), ["cloudflare.races"]),
        (
            ("return 1", 'return await child_output(step, "Pack · result", id, "1 day")'),
            ["cloudflare.children"],
        ),
    ],
)
def test_what_is_otherwise_is_found(change: tuple[str, str], codes: list[str]) -> None:
    source = PLAIN.replace(*change, 1) if change[0] else PLAIN
    assert [one.code for one in differences_of(source, live=False)] == codes


def test_a_module_that_is_live_is_not_pinned_there() -> None:
    assert [one.code for one in differences_of(PLAIN, live=True)] == ["cloudflare.unpinned"]


def test_the_page_names_each_of_them() -> None:
    page = (ROOT / "docs/explanation/cloudflare.md").read_text()
    for one in ALL:
        assert f"{one.severity} `{one.code}`" in page


def test_drawings_are_told_of_what_is_otherwise() -> None:
    """What the compiler writes is what is looked for."""
    nodes = registry()
    found = {
        name: [
            one.code
            for one in differences_of(compile_graph(parse(drawn, nodes), nodes).source, live=False)
        ]
        for name, drawn in DRAWINGS.items()
    }
    assert found == {
        "waits": ["cloudflare.children"],
        "starts": [],
        "race": ["cloudflare.races"],
        "try": ["cloudflare.errors"],
    }


def test_names_are_told() -> None:
    [found] = differences_of(PLAIN.replace("async def a", "def a"), live=False)
    assert found.message.endswith(": a.")
