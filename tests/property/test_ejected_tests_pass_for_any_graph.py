"""The tests that `eject` writes for random graphs pass on the module that they were written for."""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from awaitstep.eject import Parcel, project, stand_in
from awaitstep.ir import parse

from .harness import REGISTRY, compiled
from .random_graphs import graphs

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)


@EXAMPLES
@given(graphs())
def test_they_pass(graph: dict[str, Any]) -> None:
    assert_they_pass(graph)


@EXAMPLES
@given(graphs())
def test_they_pass_where_runs_of_others_are_waited_for(graph: dict[str, Any]) -> None:
    for number, node in enumerate(graph["nodes"]):
        if node["type"] == "step" and number % 2:
            waits = number % 3 > 0
            node |= {
                "type": "sub_workflow",
                "data": {"workflowId": f"wf_{number}", "waitForCompletion": waits},
            }
    assert_they_pass(graph)


@EXAMPLES
@given(graphs())
def test_they_pass_for_functions(graph: dict[str, Any]) -> None:
    graph["kind"] = "script"
    for node in graph["nodes"]:
        if node["type"] in ("sleep", "sleep_until", "wait_for_event"):
            code = f'return {{"node": "{node["id"]}", "saw": []}}'
            node |= {"type": "step", "data": {"code": code}}
    assert_they_pass(graph)


def assert_they_pass(graph: dict[str, Any]) -> None:
    module = compiled(graph)
    drawn = parse(graph, REGISTRY)
    files = project(Parcel(name="x", module=module, graph=drawn), REGISTRY)
    tests: dict[str, Any] = {}
    exec(compile(files["tests/test_paths.py"], "test_paths.py", "exec"), tests)
    workflow = loaded(files, module.class_name)
    written = [test for name, test in tests.items() if name.startswith("test_")]
    assert len(written) == len(re.findall(r"^def ", files["tests/test_paths.py"], re.MULTILINE))
    assert 1 <= len(written) <= 50
    for test in written:
        if not getattr(test, "pytestmark", []):
            test(partial(stand_in.run, workflow))


def loaded(files: dict[str, str], class_name: str | None) -> Any:
    """The class that the tests run."""
    if class_name is not None:
        return stand_in.load(files["worker.py"], "worker.py")[class_name]
    (listed,) = re.findall(r"^STEPS = (\[.*?\])$", files["tests/conftest.py"], re.M | re.S)
    return stand_in.load(files["worker.py"], "worker.py", ast.literal_eval(listed))["Default"]
