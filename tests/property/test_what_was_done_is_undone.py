"""Rollbacks as they are drawn, and as the how-to writes them, on the inline engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from awaitstep.ir import parse, validate
from awaitstep.nodes import nodes_not_for

from .harness import REGISTRY, compiled, drawing, node
from .playing import play_inline

HOW_TO = Path(__file__).parents[2] / "docs/how-to/undo-what-a-run-did.md"


def printed(source: str, class_name: str, folder: Path) -> tuple[Any, list[str], list[str]]:
    """The run; its steps; and what its rollbacks printed, in order."""
    ((run, history),), _ = play_inline(source, class_name, [{}], folder)
    names = [step.name for step in history]
    undone = [step for step in history if step.name.endswith(" · rollback")]
    lines = [line.text for step in undone for attempt in step.attempts for line in attempt.log]
    return run, names, lines


def test_the_how_to_does_what_it_says(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.S)
    run, names, lines = printed(source, "Trip", tmp_path)
    assert (run.status, run.error.message) == ("errored", "the card was declined")
    assert names[-2:] == ["Book hotel · rollback", "Book flight · rollback"]
    assert lines == ["Book hotel: cancel H-4", "cancel F-17, for the card was declined"]


def test_a_drawing_is_undone_iteration_by_iteration(tmp_path: Path) -> None:
    graph = drawing(
        node("first", "step", code="return 7", rollback="print(output, error)"),
        node("rounds", "loop", loopType="times", count="2"),
        node("room", "step", code="return i * 10", rollback="print(i, output, first)"),
        node("room_rollback", "step", code="return 1"),
        node("fails", "step", code="raise NonRetryableError('no')"),
        edges=[
            ("first", "rounds"),
            ("rounds", "room", "body"),
            ("room", "room_rollback"),
            ("rounds", "fails", "then"),
        ],
    )
    module = compiled(graph)
    run, names, lines = printed(module.source, module.class_name, tmp_path)
    assert run.error.message == "no"
    assert names[-3:] == ["room [1] · rollback", "room [0] · rollback", "first · rollback"]
    assert lines == ["1 10 7", "0 0 7", "7 no"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"inline": True, "rollback": "pass"}, "field.invalid"),
        ({"rollback": "return ("}, "code.syntax"),
        ({"rollback": "nothing_like_it()"}, "code.name_unknown"),
    ],
)
def test_a_rollback_that_cannot_be_is_told(data: dict[str, Any], code: str) -> None:
    graph = drawing(node("one", "step", code="return 1", **data))
    assert code in [problem.code for problem in validate(graph, REGISTRY)]


def test_a_rollback_runs_here_only() -> None:
    graph = drawing(
        node("one", "step", code="return 1", rollback="pass"), node("two", "step", code="return 2")
    )
    parsed = parse(graph, REGISTRY)
    assert nodes_not_for("cloudflare", parsed, REGISTRY) == ("one",)
    assert nodes_not_for("local", parsed, REGISTRY) == ()


def test_a_function_has_nothing_to_undo() -> None:
    graph = {**drawing(node("one", "step", code="return 1", rollback="pass")), "kind": "script"}
    assert "function.needs_run" in [problem.code for problem in validate(graph, REGISTRY)]
