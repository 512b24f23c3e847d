"""Every code has a graph that provokes it and a line in the reference; none stands there in vain."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from awaitstep.compiler import check_entry, compile_graph
from awaitstep.ir import InvalidGraph, is_handwritten, parse
from awaitstep.ir.codes import CODES

from .drawing import REGISTRY, branch, codes, graph, node, problems

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "language.md"


def changed(data: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**data, **fields}


def step(code: str) -> dict[str, Any]:
    return graph(node("first"), node("here", code=code))


def condition(text: str) -> dict[str, Any]:
    return graph(node("first"), branch("here", yes=text, no=""), edges=[("first", "here")])


def deep() -> dict[str, Any]:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    return graph(node("here", "http_request", url="https://a.example", method="POST", body=value))


def http(**data: Any) -> dict[str, Any]:
    return graph(node("here", "http_request", **{"url": "https://a.example", **data}))


WORKFLOW = "class {}(WorkflowEntrypoint): ...\n"


DEFAULT = """
class Default(WorkerEntrypoint):
    async def fetch(self, request): ...
"""


def module(source: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "workflow", "metadata": {"name": "Test"}, "module": source, **fields}


CASES: dict[str, Any] = {
    "json.depth": deep(),
    "json.size": [0] * 1_000_001,
    "json.value": changed(graph(node("here")), metadata={"name": "x", "version": float("nan")}),
    "text.long": step("#" * 300_000),
    "text.surrogate": http(url="https://a.example/\ud800"),
    "field.missing": graph({"id": "here", "type": "sleep", "data": {}}),
    "field.unknown": graph(node("here", retries=3)),
    "field.invalid": graph(node("here", retryLimit="3")),
    "graph.kind": changed(graph(node("here")), kind="robot"),
    "function.needs_run": changed(
        graph({"id": "here", "type": "sleep", "data": {"duration": "1 hour"}}), kind="script"
    ),
    "function.trigger": changed(
        graph(node("here")), kind="script", trigger={"type": "schedule", "cron": "* * * * *"}
    ),
    "graph.large": graph(*[node(f"n{i}") for i in range(2_001)]),
    "graph.too_large": graph(*[node(f"n{i}") for i in range(5_001)]),
    "graph.cycle": graph(node("a"), node("b"), edges=[("a", "b"), ("b", "a")]),
    "cron.invalid": changed(
        graph(node("here")), trigger={"type": "schedule", "cron": "61 * * * *"}
    ),
    "entry.unknown": changed(graph(node("here")), entryNodeId="there"),
    "graph.too_deep": graph(
        *[node(f"n{i}", "try_catch") for i in range(151)],
        node("last"),
        edges=[(f"n{i}", f"n{i + 1}" if i < 150 else "last", "try") for i in range(151)],
    ),
    "edge.arm_missing": graph(node("here", "loop", collection="[1]")),
    "loop.variable": graph(
        node("here", "loop", collection="[1]", itemVar="here"),
        node("body"),
        edges=[("here", "body", "body")],
    ),
    "module.class_missing": module("class W: ..."),
    "module.class_ambiguous": module(WORKFLOW.format("A") + WORKFLOW.format("B")),
    "module.class_unknown": module(WORKFLOW.format("A"), className="B"),
    "module.packages": module(
        "# /// script\n# dependencies = ['./here']\n# ///\n" + WORKFLOW.format("A")
    ),
    "id.invalid": graph(node("not a name")),
    "id.reserved": graph(node("lambda")),
    "id.repeated": graph(node("here"), node("here"), edges=[]),
    "node.type_unknown": graph(node("here", "teleport")),
    "node.unreachable": graph(node("a"), node("b"), edges=[]),
    "output.repeated": graph(node("a", output=True), node("b", output=True)),
    "edge.node_unknown": graph(node("a"), edges=[("a", "b")]),
    "edge.several": graph(node("a"), node("b"), node("c"), edges=[("a", "b"), ("a", "c")]),
    "edge.label_missing": graph(branch("b", x="1"), node("a"), edges=[("b", "a")]),
    "edge.label_unknown": graph(branch("b", x="1"), node("a"), edges=[("b", "a", "y")]),
    "edge.label_repeated": graph(
        branch("b", x="1"), node("a"), node("c"), edges=[("b", "a", "x"), ("b", "c", "x")]
    ),
    "edge.label_unused": graph(node("a"), node("b"), edges=[("a", "b", "x")]),
    "scope.crossed": graph(
        branch("b", x="1", y=""),
        branch("c", x="1"),
        node("m"),
        node("t"),
        edges=[("b", "c", "x"), ("b", "m", "y"), ("c", "m", "x"), ("c", "t", "then")],
    ),
    "branch.label_repeated": graph(
        node("b", "branch", branches=[{"label": "x", "condition": "1"}] * 2)
    ),
    "branch.label_reserved": graph(branch("b", then="1")),
    "branch.else_repeated": graph(branch("b", x="", y=" ")),
    "branch.arm_empty": graph(branch("b", x="1")),
    "expression.syntax": http(url="https://a.example/{{event.}}"),
    "expression.in_string": condition("'{{first.x}}' == 1"),
    "reference.unknown": http(url="https://a.example/{{nobody.x}}"),
    "reference.not_before": graph(node("a", "sleep", duration="{{b.x}}"), node("b")),
    "reference.no_value": graph(
        node("a", "sleep", duration="1 second"), node("b", "sleep", duration="{{a.x}}")
    ),
    "reference.key_unknown": http(url="https://a.example/{{event.params}}"),
    "reference.maybe_skipped": graph(
        branch("b", x="1"),
        node("a"),
        node("s", "sleep", duration="{{a.x}}"),
        edges=[("b", "a", "x"), ("b", "s", "then")],
    ),
    "module.no_handler": module(WORKFLOW.format("A")),
    "code.syntax": step("return 1 +"),
    "code.character": step("return '\0'"),
    "code.yield": step("yield 1"),
    "code.scope": step("global count\ncount = 1"),
    "code.assigns_node": step("first = 2\nreturn first"),
    "code.await": condition("await x()"),
    "code.walrus": condition("(x := 1)"),
    "code.braces": step("return {{first}}"),
    "code.empty": step("# nothing yet"),
    "code.impure": graph(node("here", code="import time\nreturn datetime.now()", inline=True)),
    "code.needs_porting": step('raise NonRetryableError("port this step from TypeScript")'),
    "code.name_unknown": step("return frist"),
    "duration.invalid": graph(node("here", "sleep", duration="10 parsecs")),
    "timestamp.invalid": graph(node("here", "sleep_until", timestamp="2026-01-01T00:00:00")),
    "http.url": http(url="ftp://a.example"),
    "http.header": http(headers={"X-Name": "a\r\nX-Other: b"}),
    "http.body": http(body="text"),
}


ENTRY_CASES = {
    "code.syntax": "return (",
    "code.character": "return '\0'",
    "code.yield": "yield 1",
    "code.scope": "global count",
    "code.braces": "return {{1}}",
    "code.empty": "# nothing yet",
    "code.name_unknown": "return frist",
}


def test_the_cases_are_all_codes_there_are() -> None:
    assert set(CASES) == set(CODES)


@pytest.mark.parametrize("code", sorted(ENTRY_CASES))
def test_entry_code_is_held_to_the_same(code: str) -> None:
    (found,) = check_entry(ENTRY_CASES[code])
    assert (found.code, found.severity) == (code, CODES[code])
    drawn = parse(graph(node("here")), REGISTRY)
    if found.severity == "warning":
        compile_graph(drawn, REGISTRY, entry_code=ENTRY_CASES[code])
        return
    with pytest.raises(InvalidGraph) as refused:
        compile_graph(drawn, REGISTRY, entry_code=ENTRY_CASES[code])
    assert refused.value.diagnostics == [found]


@pytest.mark.parametrize("code", sorted(CODES))
def test_errors_stand_in_the_way_and_warnings_do_not(code: str) -> None:
    errors = [problem for problem in problems(CASES[code]) if problem.severity == "error"]
    assert bool(errors) == (CODES[code] == "error")
    if is_handwritten(CASES[code]):
        return
    if not errors:
        compile_graph(parse(CASES[code], REGISTRY), REGISTRY)
        return
    with pytest.raises(InvalidGraph) as refused:
        parse(CASES[code], REGISTRY)
    assert code in {problem.code for problem in refused.value.diagnostics}


@pytest.mark.parametrize("code", sorted(CODES))
def test_it_is_reported(code: str) -> None:
    found = [problem for problem in problems(CASES[code]) if problem.code == code]
    assert found
    assert {problem.severity for problem in found} == {CODES[code]}


def test_every_code_has_a_line_in_the_reference() -> None:
    lines = re.findall(
        r"^\| `([a-z]+\.[a-z_]+)` \| (error|warning) \|", REFERENCE.read_text(), re.M
    )
    assert dict(lines) == CODES
    assert len(lines) == len(CODES)


def test_every_code_is_used_and_no_other() -> None:
    rooms = Path(__file__).parents[3] / "src" / "awaitstep"
    text = "".join(
        path.read_text()
        for room in ("ir", "nodes", "compiler")
        for path in (rooms / room).glob("*.py")
        if path.name != "codes.py"
    )
    prefixes = "|".join(sorted({code.split(".")[0] for code in CODES}))
    assert set(re.findall(rf'"((?:{prefixes})\.[a-z_]+)"', text)) == set(CODES)


def test_all_problems_come_at_once() -> None:
    data = graph(
        node("a", code="return ("),
        node("b", "sleep", duration="soon"),
        node("c", "teleport"),
        branch("d", x="{{nobody}}"),
    )
    assert {"code.syntax", "duration.invalid", "node.type_unknown", "reference.unknown"} <= set(
        codes(data)
    )


def test_a_problem_names_its_node_and_place() -> None:
    data = step("x = 1\nreturn (x +")
    (found,) = problems(data)
    assert found.to_json() == {
        "code": "code.syntax",
        "severity": "error",
        "message": "'(' was never closed.",
        "nodeId": "here",
        "path": "data.code",
        "line": 2,
        "column": 8,
    }


def test_what_an_arm_leaves_open_is_only_warned_about() -> None:
    """Code that handles None itself is left in peace; code that looks inside is warned about."""
    edges = [("b", "a", "x"), ("b", "s", "then")]
    calm = graph(branch("b", x="1"), node("a"), node("s", code="return a or 2"), edges=edges)
    assert codes(calm) == []
    rash = graph(branch("b", x="1"), node("a"), node("s", code="return a['x']"), edges=edges)
    assert codes(rash) == ["reference.maybe_skipped"]


def test_a_field_too_many_hides_no_other_problem_of_its_node() -> None:
    found = problems(graph(node("here", code="return )", extra=1)))
    assert {"field.unknown", "code.syntax"} <= {problem.code for problem in found}


def test_a_module_is_read_as_strictly_as_a_drawing() -> None:
    assert problems(module(WORKFLOW.format("A") + DEFAULT)) == []
    found = problems(module(WORKFLOW.format("A"), nodes=[], metadata={}))
    assert {(problem.code, problem.path) for problem in found} == {
        ("field.unknown", "nodes"),
        ("field.missing", "metadata.name"),
    }
    [broken] = problems(module("import (\n"))
    assert (broken.code, broken.path, broken.line) == ("code.syntax", "module", 1)
    [unreadable] = problems(module("x = '\0'"))
    assert unreadable.code == "code.syntax"


@pytest.mark.parametrize(
    "source",
    [
        DEFAULT.replace("async def", "def"),
        DEFAULT.replace("WorkerEntrypoint", "workers.WorkerEntrypoint"),
        "class Default(Base): ...",
        "class Default: ...",
        "class Default(WorkerEntrypoint):\n    fetch = answer",
        "from elsewhere import Default",
        "from elsewhere import Api as Default",
        "from elsewhere import *",
        "Default = Api",
    ],
)
def test_what_may_have_a_handler_is_not_warned_of(source: str) -> None:
    assert problems(module(WORKFLOW.format("A") + source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "class Api(WorkerEntrypoint):\n    async def fetch(self, request): ...",
        "class Default(WorkerEntrypoint):\n    async def scheduled(self, *given): ...",
        "Default()",
    ],
)
def test_a_module_without_a_handler_is_warned_of(source: str) -> None:
    [found] = problems(module(WORKFLOW.format("A") + source))
    assert (found.code, found.severity, found.path) == ("module.no_handler", "warning", "module")
