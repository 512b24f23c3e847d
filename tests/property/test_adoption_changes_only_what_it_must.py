"""Valid graphs go in unchanged, whatever their texts hold; renaming is nothing but renaming."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from awaitstep.compiler import compile_graph
from awaitstep.ir import adopt, parse, validate
from awaitstep.language import CompiledGraphs

from .harness import REGISTRY
from .random_graphs import graphs

LANGUAGE = CompiledGraphs()
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
HOSTILE = st.text(
    st.sampled_from("a \"'`\\\n\r\u2028\u202e\0{}$[]().#;=!&|é😀"), max_size=24
) | st.sampled_from(
    ['"""', "${env.X}", "const x = 1;", "=> {", "{}", "\u2028", "`${a}`", "a && b", "__proto__"]
)


@st.composite
def with_hostile_texts(draw: st.DrawFn) -> dict[str, Any]:
    graph = draw(graphs())
    for node in graph["nodes"]:
        node["name"] = draw(HOSTILE)
        if node["type"] == "step" and draw(st.booleans()):
            node["data"]["code"] += f"  # {draw(HOSTILE)!r}\n"
            node["data"]["code"] += f"_ = {draw(HOSTILE)!r}\n"
    return {**graph, "metadata": {"name": "x", "description": draw(HOSTILE)}}


@SLOW
@given(with_hostile_texts(), HOSTILE)
def test_what_is_valid_stays_as_it_is(graph: dict[str, Any], text: str) -> None:
    before = json.dumps(graph)
    entry = f"return Response({text!r})"
    assert not [p for p in validate(graph, REGISTRY) if p.severity == "error"]
    made = LANGUAGE.adopt(json.loads(before), entry)
    assert json.dumps(made.ir) == before
    assert (made.entry_code, list(made.renames), list(made.needs_porting)) == (entry, [], [])


@SLOW
@given(graphs(shared_names=False))
def test_renamed_ids_are_renamed_everywhere_and_nothing_else_is(graph: dict[str, Any]) -> None:
    """`n3` is written `_n3` in the file, which no id may be; it is called after its name then."""
    for node in graph["nodes"]:
        # Text in code is no mention of a node.
        if "code" in node["data"]:
            node["data"]["code"] = node["data"]["code"].replace('"n', '"#')
    file = json.loads(re.sub(r"\bn(\d+)\b", r"_n\1", json.dumps(graph)))
    made = adopt(file, REGISTRY)
    assert len(made.renames) == len(graph["nodes"])
    assert made.notes == ()
    wanted = re.sub(r"\b_n(\d+)\b", r"node_n\1", json.dumps(file))
    got = json.dumps(made.graph)
    for node in file["nodes"]:
        name = json.dumps(node["name"])
        wanted = wanted.replace(name.replace("_n", "node_n"), name)
        wanted = wanted.replace(f"payload.node{node['id']}", f"payload.{node['id']}")
    assert got == wanted
    before = [p.code for p in validate(graph, REGISTRY)]
    assert [p.code for p in validate(made.graph, REGISTRY)] == before
    compile_graph(parse(made.graph, REGISTRY), REGISTRY)
    again = adopt(made.graph, REGISTRY)
    assert (again.graph, again.renames) == (made.graph, ())
