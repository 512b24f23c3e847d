"""Emitted modules, unchanged, on Pyodide with Cloudflare's unmodified SDK: the same steps with the same
names, configurations and results as on an engine of ours."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import workers
from awaitstep.compiler import CompiledModule
from awaitstep.engine.step import WorkflowStep
from awaitstep.templates import templates

from .harness import compiled, drawing, node
from .interpreter import Undecided
from .playing import fetch, meant, play_inline
from .pyodide import Configs, Pyodide, again, asks_for_an_end, differences, here, pyodide, there
from .random_graphs import graphs, payloads
from .stand_ins import START

Arms = Collection[Collection[str]]
QUICK, MANY = 20, 200
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Pyodide]:
    with pyodide() as machine:
        yield machine


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "fetch", fetch)


def check(
    module: CompiledModule, payload: Any, cloud: Pyodide, folder: Path, arms: Arms = ()
) -> None:
    assert module.class_name is not None
    configs = Configs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorkflowStep, "do", configs.do())
        played, _ = play_inline(module.source, module.class_name, [payload], folder)
    answer = cloud.play(module.source, module.class_name, payload)
    found = differences(there(answer), here(played)[0], arms)
    assert not found, f"{found}\n{module.source}"
    assert again(answer) == [there(answer)[part] for part in ("output", "error")], module.source
    asked = {
        one["name"]: one["config"]
        for one in answer["steps"]
        if one["type"] == "do" and not asks_for_an_end(one["name"])
    }
    assert asked.items() <= configs.noted.items(), module.source


def check_many(number: int, count: int, cloud: Pyodide, folder: Path) -> int:
    done = 0

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(graphs(), st.data())
    def each(graph: dict[str, Any], data: st.DataObject) -> None:
        nonlocal done
        payload = data.draw(payloads(graph))
        try:
            strands = meant(graph, payload)["lines"].values()
        except Undecided:
            return  # who wins a race is told by nothing
        arms = [{name for _, name, *_ in lines} for lines in strands]
        check(compiled(graph), payload, cloud, folder, arms)
        done += 1

    each()
    return done


def test_random_graphs(cloud: Pyodide, tmp_path: Path) -> None:
    assert check_many(5, QUICK, cloud, tmp_path) > QUICK // 2


@pytest.mark.soak
def test_many_random_graphs(cloud: Pyodide, tmp_path: Path) -> None:
    assert check_many(6, MANY + 40, cloud, tmp_path) >= MANY


@pytest.mark.parametrize(
    ("example", "payload"),
    [
        ("hello", {"name": "Ada"}),
        ("refund-desk", {"id": "r1", "cents": 500}),
    ],
)
def test_examples(example: str, payload: Any, cloud: Pyodide, tmp_path: Path) -> None:
    graph = json.loads((EXAMPLES / example / "graph.json").read_text())
    check(compiled(graph), payload, cloud, tmp_path)


@pytest.mark.parametrize("name", ["hello", "sort-tickets", "invoices"])
def test_templates(name: str, cloud: Pyodide, tmp_path: Path) -> None:
    (template,) = (one for one in templates() if one.id == name)
    check(compiled(template.ir), template.params, cloud, tmp_path)


def test_another_result_is_seen(cloud: Pyodide, tmp_path: Path) -> None:
    graph = json.loads((EXAMPLES / "hello/graph.json").read_text())
    module = compiled(graph)
    assert module.class_name is not None
    played, _ = play_inline(module.source, module.class_name, [{"name": "Ada"}], tmp_path)
    answer = cloud.play(module.source, module.class_name, {"name": "Grace"})
    assert "here alone" in differences(there(answer), here(played)[0])


def waiting(timeout: str) -> CompiledModule:
    """A workflow of one node, that waits for a run of another one."""
    told = {"node": "go", "told": "{{event.payload.go}}"}
    asked = {"workflowId": "wf_child", "input": told, "timeout": timeout, "output": True}
    return compiled(drawing(node("go", "sub_workflow", **asked)))


@pytest.mark.parametrize("takes", [1, 60, 3_000, 86_400, 300 * 86_400])
def test_the_end_of_another_run_is_noticed_a_tenth_later(takes: int, cloud: Pyodide) -> None:
    module = waiting("365 days")
    assert module.class_name is not None
    answer = cloud.play(module.source, module.class_name, {"go": {"takes": takes}})
    assert answer["output"] == {"node": "go"}
    late = (answer["steps"][-1]["ended"] / 1000 - START) - takes
    assert 0 <= late <= 2 + takes / 10
    pauses = [one["ended"] - one["began"] for one in answer["steps"] if one["type"] == "sleep"]
    assert max(pauses) <= 86_400_000  # ended runs are kept for three days on the free plan
    # of the 1,024 steps that a run may have there
    assert sum(one["type"] == "do" for one in answer["steps"]) < 500


@pytest.mark.parametrize(
    ("told", "timeout", "message"),
    [
        ({"takes": 100}, "1 minute", "Execution timed out after 60000ms"),
        ({"takes": 100}, "1.5 minutes", "Execution timed out after 90000ms"),
        ({"takes": 100}, "0.4 seconds", "Execution timed out after 400ms"),
        ({"takes": 100}, "{{event.payload.timeout}}", "Execution timed out after 60000ms"),
        ({"takes": 1_000}, "{{event.payload.close}}", "Execution timed out after 300000ms"),
        ({"takes": 100}, "{{event.payload.wrong}}", "'-5 minutes' is no duration."),
        ({"takes": 5, "terminated": True}, "1 hour", "was terminated."),
        ({"takes": 5, "fails": True}, "1 hour", "go"),
    ],
)
def test_other_ends_are_told_as_here(
    told: dict[str, Any], timeout: str, message: str, cloud: Pyodide
) -> None:
    module = waiting(timeout)
    assert module.class_name is not None
    payload = {"go": told, "timeout": 60_000, "close": "5minutes", "wrong": "-5 minutes"}
    answer = cloud.play(module.source, module.class_name, payload)
    assert answer["error"]["message"].endswith(message)


def test_a_race_is_won_by_the_same_arm_in_a_replay(cloud: Pyodide) -> None:
    """The loser's sleep goes on there, and is over when the run is replayed."""
    told = {"node": "go", "told": "{{event.payload.go}}"}
    graph = drawing(
        node("first", "race"),
        node("go", "sub_workflow", workflowId="wf_child", input=told, timeout="1 day"),
        node("late", "sleep", duration="1 hour"),
        node("pause", "sleep", duration="2 hours"),
        edges=[("first", "go", "a"), ("first", "late", "b"), ("first", "pause", "then")],
    )
    graph["nodes"][0]["data"]["output"] = True
    module = compiled(graph)
    assert module.class_name is not None
    answer = cloud.play(module.source, module.class_name, {"go": {"takes": 3_000}})
    assert answer["output"]["winner"] == "a"
    assert again(answer) == [there(answer)["output"], None]


def test_no_step_has_the_name_of_a_wait_for_another_run() -> None:
    """Both ask for steps there, which are counted by name."""
    graph = drawing(node("go", "sub_workflow"), node("own", "step", code="return 1"))
    graph["nodes"][0] |= {"name": "Go", "data": {"workflowId": "wf_child", "input": {}}}
    graph["nodes"][1]["name"] = "Go · result"
    assert set(compiled(graph).step_nodes) == {"Go", "Go · result (own)"}
