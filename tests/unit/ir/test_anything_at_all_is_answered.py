"""`validate` takes whatever comes and answers problems; it never raises."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from awaitstep.ir import InvalidGraph, parse

from .drawing import REGISTRY, branch, codes, graph, node, problems

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=20)
    | st.sampled_from(["workflow", "step", "branch", "a", "b", "{{a.x}}", "then", "10 seconds"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
QUICK = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
WHOLE: dict[str, Any] = {
    **graph(
        node("a", name="A"),
        branch("b", x="{{a.k}} > 1", y=""),
        node("c", "http_request", url="https://a.example", method="POST", body={"k": ["{{a}}"]}),
        node("d", "wait_for_event", eventType="t"),
        node("e", "sleep", duration="1 second"),
        node("f", "sleep_until", timestamp="2026-01-01T00:00:00Z"),
        edges=[("a", "b"), ("b", "c", "x"), ("b", "d", "y"), ("c", "e"), ("d", "e"), ("e", "f")],
    ),
    "trigger": {"type": "schedule", "cron": "*/5 * * * *"},
}


def answered(data: object) -> None:
    for problem in problems(data):
        json.dumps(problem.to_json(), ensure_ascii=False).encode()


@QUICK
@given(VALUES)
def test_any_json(value: Any) -> None:
    answered(value)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


@QUICK
@given(st.sampled_from(places(WHOLE)[1:]), VALUES)
def test_any_json_in_any_place_of_a_graph(place: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(WHOLE)
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    answered(data)
    if any(problem.severity == "error" for problem in problems(data)):
        with pytest.raises(InvalidGraph):
            parse(data, REGISTRY)
    else:
        assert parse(data, REGISTRY).nodes


def test_the_whole_one_is_fine() -> None:
    assert codes(WHOLE) == []


class Odd:
    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "graph",
        1.5,
        b"{}",
        Odd(),
        {1: 2},
        {"nodes": {}},
        {"nodes": [None, [], 1, {}], "edges": [None, [], 1, {}]},
        {"nodes": [{"id": ["a"]}], "edges": [{"source": {}, "target": []}]},
        {"nodes": [{"id": "a", "type": ["step"]}], "edges": [], "entryNodeId": ["a"]},
        {"\ud800": 1, "metadata": {"name": "\ud800"}},
        {"metadata": {"version": 10**5000}},
        {"metadata": float("inf"), "trigger": {"type": "\ud800"}},
        {"nodes": [{"id": "a", "type": "step", "data": {"code": {}}, "config": []}]},
        {"nodes": [{"id": "a", "type": "step", "data": {"code": ""}, "config": {"retries": 1}}]},
        {"nodes": ({"id": "a"},)},
        {"nodes": [{"id": "a", "type": "sleep", "data": {"duration": Odd()}}]},
    ],
)
def test_what_is_no_graph(data: object) -> None:
    answered(data)
    with pytest.raises(InvalidGraph):
        parse(data, REGISTRY)


def test_values_that_hold_themselves() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "json.depth" in codes({"nodes": loop})
    wide: list[Any] = [0]
    for _ in range(40):
        wide = [wide, wide]
    assert codes(wide) == ["json.size"]
