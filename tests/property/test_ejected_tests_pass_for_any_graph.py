"""The tests that `eject` writes for random graphs pass on the module that they were written for."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from awaitstep.eject import Parcel, project, stand_in
from awaitstep.ir import parse

from .harness import REGISTRY, compiled
from .random_graphs import graphs


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(graphs())
def test_they_pass(graph: dict[str, Any]) -> None:
    module = compiled(graph)
    drawn = parse(graph, REGISTRY)
    files = project(Parcel(name="x", module=module, graph=drawn, bindings={}), REGISTRY)
    tests: dict[str, Any] = {}
    exec(compile(files["tests/test_paths.py"], "test_paths.py", "exec"), tests)
    workflow = stand_in.load(files["worker.py"], "worker.py")[module.class_name]
    written = [test for name, test in tests.items() if name.startswith("test_")]
    assert len(written) == len(re.findall(r"^def ", files["tests/test_paths.py"], re.MULTILINE))
    assert 1 <= len(written) <= 50
    for test in written:
        if not getattr(test, "pytestmark", []):
            test(partial(stand_in.run, workflow))
