"""Random graphs, compiled and executed, do what a token does that moves over the drawing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from awaitstep.compiler import blocks, regions

from .harness import Step, compiled, run
from .interpreter import Interpreter
from .random_graphs import graphs, payloads

RELAXED = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def check(graph: dict[str, Any], data: st.DataObject) -> None:
    module = compiled(graph)
    for _ in range(4):
        payload = data.draw(payloads(graph))
        meant = Interpreter(graph, payload)
        step = Step(events(graph, payload))
        output = error = None
        try:
            output = run(module, payload, step)
        except ValueError as raised:
            error = (type(raised).__name__, str(raised))
        assert step.trace == meant.trace, module.source
        assert error == meant.error, module.source
        assert output == meant.output, module.source


def events(graph: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    def answer(node_id: str) -> Any:
        if payload["timeouts"][node_id]:
            return TimeoutError
        return lambda event_type: {"node": node_id, "type": event_type}

    waits = [node for node in graph["nodes"] if node["type"] == "wait_for_event"]
    return {node["name"]: answer(node["id"]) for node in waits}


@RELAXED
@given(graphs(), st.data())
def test_as_people_draw_them(graph: dict[str, Any], data: st.DataObject) -> None:
    check(graph, data)


@RELAXED
@given(graphs(), st.data())
def test_beyond_every_limit_of_nesting(graph: dict[str, Any], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "DEEPEST", 2)
        patch.setattr(blocks, "LONGEST_CHAIN", 2)
        patch.setattr(blocks, "_DEEPEST_TREE", 4)
        patch.setattr(regions, "DEEPEST", 3)
        check(graph, data)
