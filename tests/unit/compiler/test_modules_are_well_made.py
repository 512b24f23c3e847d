"""What every module keeps to: names, imports, defaults, nesting, lines of nodes."""

from __future__ import annotations

import ast
import sys
from itertools import pairwise
from typing import Any

import pytest

from awaitstep.compiler import CompiledModule, compile_graph
from awaitstep.compiler.printing import literal
from awaitstep.ir import InvalidGraph, parse
from awaitstep.nodes import registry

REGISTRY = registry()


def step(node_id: str, code: str = "return 1", name: str | None = None, **data: Any) -> Any:
    return {"id": node_id, "type": "step", "name": name or node_id, "data": {"code": code, **data}}


def branch(node_id: str, *conditions: str) -> Any:
    arms = [{"label": f"a{i}", "condition": text} for i, text in enumerate(conditions)]
    return {"id": node_id, "type": "branch", "data": {"branches": arms}}


def compiled(
    *nodes: Any, edges: list[tuple[str, ...]] | None = None, title: str = "x"
) -> CompiledModule:
    ids = [node["id"] for node in nodes]
    pairs = edges if edges is not None else list(pairwise(ids))
    drawn = [
        {"id": str(i), "source": p[0], "target": p[1], "label": (*p, None)[2]}
        for i, p in enumerate(pairs)
    ]
    data = {
        "metadata": {"name": title},
        "nodes": list(nodes),
        "edges": drawn,
        "entryNodeId": ids[0],
    }
    return compile_graph(parse(data, REGISTRY), REGISTRY)


def test_only_workers_and_the_standard_library_are_imported() -> None:
    http = {
        "id": "h",
        "type": "http_request",
        "data": {
            "url": "{{event.payload.url}}",
            "queryParams": {"a": "{{event.payload.a}}"},
            "auth": {"type": "basic", "username": "a", "password": "b"},
        },
    }
    moment = {"id": "m", "type": "sleep_until", "data": {"timestamp": "{{h.json.at}}"}}
    tree = ast.parse(compiled(http, moment).source)
    modules = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert {module.split(".")[0] for module in modules} <= {"workers", *sys.stdlib_module_names}


def test_defaults_are_left_out() -> None:
    source = compiled(
        step(
            "a", retryLimit=5, retryDelay="10 seconds", backoff="exponential", timeout="10 minutes"
        )
    ).source
    assert '@step.do("a")\n' in source


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Refund desk", "RefundDesk"),
        ("order-flow v2", "OrderFlowV2"),
        ("Default", "WorkflowDefault"),
        ("2 fast", "Workflow2Fast"),
        ("日本", "Workflow"),
        ("Response", "Response_2"),
        ("print", "Print"),
        ("a" * 200, "A" + "a" * 79),
    ],
)
def test_the_class_is_called_after_the_workflow(title: str, name: str) -> None:
    assert compiled(step("a"), title=title).class_name == name


def test_steps_have_unique_names() -> None:
    long = "n" * 256
    nodes = [
        step("a", name="Same"),
        step("b", name="Same"),
        step("c", name="Same (b)"),
        step("d", name=long),
        step("e", name=long),
        step("f", name="tab\there\x85"),
        step("g", name="   "),
        step("h", name="Alone"),
    ]
    names = compiled(*nodes).step_nodes
    assert {node_id: name for name, node_id in names.items()} == {
        "a": "Same (a)",
        "b": "Same (b)",
        "c": "Same (b) (c)",
        "d": "n" * 252 + " (d)",
        "e": "n" * 252 + " (e)",
        "f": "tab\ufffdhere\ufffd",
        "g": "g",
        "h": "Alone",
    }


def test_names_of_helpers_and_guards_hide_nothing() -> None:
    nodes = [
        branch("b", "{{event.payload.x}}"),
        step("lookup", "return go_s"),
        step("go_s", name="{{x}}"),
        step("response"),
        {
            "id": "s",
            "type": "http_request",
            "data": {"url": "https://a/{{event.payload.x}}{{response}}"},
        },
        step("output"),
    ]
    edges = [
        ("b", "go_s", "a0"),
        ("go_s", "response"),
        ("response", "lookup"),
        ("lookup", "s"),
        ("s", "output"),
    ]
    source = compiled(*nodes, edges=edges).source
    assert "def lookup_2(" in source
    assert "response_2 = await fetch(" in source


def test_code_that_awaits_in_its_own_scope_is_async() -> None:
    def kind(code: str) -> str:
        lines = compiled(step("a", code)).source.splitlines()
        return next(line.strip() for line in lines if "def _a(" in line)

    for code in (
        "return await fetch('x')",
        "async with x():\n    pass",
        "async for y in x():\n    pass",
        "return [y async for y in x()]",
        "return {await y for y in x}",
        "def f(y=await g()):\n    pass",
    ):
        assert kind(code) == "async def _a():"
    for code in ("return 1", "async def f():\n    await g()\nreturn f", "return lambda: (yield)"):
        assert kind(code) == "def _a():"
    assert kind("return ctx['attempt']") == "def _a(ctx):"


def test_lines_lead_to_nodes() -> None:
    module = compiled(branch("b", "1 > 0"), step("a", "x = 1\nreturn x"), edges=[("b", "a", "a0")])
    lines = module.source.split("\n")
    first, last = module.node_lines["a"]
    assert lines[first - 1].strip() == '@step.do("a")'
    assert lines[last - 1].strip() == "a = await _a()"
    outer = module.node_lines["b"]
    assert lines[outer[0] - 1].strip() == "if 1 > 0:"
    assert outer[0] < first
    assert last <= outer[1]


def depth(source: str) -> int:
    return max(len(line) - len(line.lstrip(" ")) for line in source.split("\n")) // 4


@pytest.mark.parametrize("count", [13, 60, 400])
def test_deep_branches_do_not_nest_without_end(count: int) -> None:
    nodes = [branch(f"b{i}", f"x{i}") for i in range(count)] + [step("end")]
    edges = [(f"b{i}", f"b{i + 1}", "a0") for i in range(count - 1)] + [
        (f"b{count - 1}", "end", "a0")
    ]
    # 12 blocks, the class and the method around them, and the step's function.
    assert depth(compiled(*nodes, edges=edges).source) <= 12 + 2 + 2


def test_long_else_chains_are_flat() -> None:
    nodes = [branch(f"b{i}", f"x{i}", "") for i in range(40)]
    steps = [step(f"s{i}") for i in range(40)]
    edges = [*((f"b{i}", f"b{i + 1}", "a1") for i in range(39)), ("b39", "end", "a1")]
    edges += [(f"b{i}", f"s{i}", "a0") for i in range(40)] + [(f"s{i}", "end") for i in range(40)]
    source = compiled(*nodes, *steps, step("end"), edges=edges).source
    assert source.count("elif ") == 39
    assert depth(source) <= 5


def test_a_branch_with_very_many_arms_compiles() -> None:
    arms = branch("b", *[f"x == {i}" for i in range(200)])
    steps = [step(f"s{i}") for i in range(200)]
    edges = [("b", f"s{i}", f"a{i}") for i in range(200)]
    assert depth(compiled(arms, *steps, edges=edges).source) <= 16


def test_depth_of_a_graph_is_no_depth_of_the_compiler() -> None:
    """Chains, and choices that follow each other, take no recursion and no indentation."""
    chain = compiled(*[step(f"s{i}") for i in range(1_000)])
    assert depth(chain.source) == 4
    nodes = [each for i in range(300) for each in (branch(f"b{i}", "x"), step(f"s{i}"))]
    edges = [(f"b{i}", f"s{i}", "a0") for i in range(300)]
    edges += [(f"b{i}", f"b{i + 1}", "then") for i in range(299)]
    assert depth(compiled(*nodes, edges=edges).source) == 4


def test_guards_stand_in_for_copies() -> None:
    """A node that several arms lead to is written once, whatever the arms do."""
    nodes = [branch("b", "x", "y"), branch("c", "z"), step("m"), step("n")]
    edges = [("b", "c", "a0"), ("b", "m", "a1"), ("c", "m", "a0"), ("m", "n")]
    source = compiled(*nodes, edges=edges).source
    assert source.count('@step.do("m")') == source.count('@step.do("n")') == 1


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("é日🙂", '"é日🙂"'),
        ('"', r'"\""'),
        ("\\n\n\t\r", r'"\\n\n\t\r"'),
        ("\u2028\u200f\u202e\x00\x7f\xa0", r'"\u2028\u200f\u202e\x00\x7f\xa0"'),
        ("\ud800\U000e0001\U0010ffff", r'"\ud800\U000e0001\U0010ffff"'),
    ],
)
def test_literals_are_spelled_alike_everywhere(text: str, spelled: str) -> None:
    assert literal(text) == spelled
    assert ast.literal_eval(spelled) == text


def test_what_python_cannot_read_is_told_as_a_problem_of_the_graph() -> None:
    """Code that is within its limit, and too deep where it stands."""
    code = "\n".join(" " * level + "if 1:" for level in range(97)) + "\n" + " " * 97 + "pass"
    with pytest.raises(InvalidGraph) as refused:
        compiled({"id": "deep", "type": "step", "data": {"code": code}})
    assert [problem.code for problem in refused.value.diagnostics] == ["graph.too_deep"]


def test_containers_and_conditions_may_be_as_deep_as_each_is_by_itself() -> None:
    nodes: list[Any] = []
    edges: list[tuple[str, ...]] = []
    for i in range(50):
        nodes += [{"id": f"t{i}", "type": "try_catch", "data": {}}, branch(f"b{i}", "1 == 1")]
        nodes.append(step(f"s{i}"))
        edges += [
            (f"t{i}", f"b{i}", "try"),
            (f"b{i}", f"t{i + 1}", "a0"),
            (f"b{i}", f"s{i}", "then"),
        ]
    nodes += [{"id": "t50", "type": "try_catch", "data": {}}, step("s50")]
    source = compiled(*nodes, edges=[*edges, ("t50", "s50", "try")]).source
    assert depth(source) < 60
