"""The example's module, executed on every path that it draws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .harness import Step, compiled, run

GRAPH = json.loads(
    (Path(__file__).parents[2] / "examples" / "refund-desk" / "graph.json").read_text()
)
MODULE = compiled(GRAPH)
PAY = 'Pay "back" {now}'


def go(cents: int, decision: Any = None) -> tuple[list[str], Any, Step]:
    step = Step({"Ask the boss": decision})
    output = run(MODULE, {"id": "c1", "cents": str(cents)}, step)
    return [entry[1] for entry in step.trace], output, step


def test_a_small_refund_goes_through() -> None:
    names, output, step = go(10_000)
    assert names == ["Load claim", "Cool off", PAY, "Receipt"]
    assert output == {"claim": "c1", "refunded": 10_000, "by": "rule"}
    assert step.trace[1] == ("sleep", "Cool off", "1 second")


def test_a_big_refund_that_the_boss_allows_is_paid() -> None:
    names, output, step = go(10_001, {"payload": {"approved": True}})
    assert names == ["Load claim", "Ask the boss", "Cool off", PAY, "Receipt"]
    assert output == {"claim": "c1", "refunded": 10_001, "by": "boss"}
    assert step.trace[1] == ("wait", "Ask the boss", "decision")


def test_a_big_refund_that_the_boss_refuses_is_not_paid() -> None:
    names, output, _ = go(20_000, {"payload": {"approved": False}})
    assert names == ["Load claim", "Ask the boss", "Write refusal", "Receipt"]
    assert output == {"claim": "c1", "refunded": 0, "by": "boss"}


def test_a_boss_who_never_answers_fails_the_run() -> None:
    with pytest.raises(TimeoutError):
        go(20_000, TimeoutError)


def test_an_answer_without_the_key_names_node_and_path() -> None:
    with pytest.raises(Exception, match=r"^ask_boss\.payload\.approved is missing$") as error:
        go(20_000, {"payload": {}})
    assert type(error.value).__name__ == "NonRetryableError"


def test_only_what_is_not_default_is_configured() -> None:
    _, _, step = go(1)
    assert step.configs["Load claim"] == {
        "retries": {"limit": 2, "delay": "1 second", "backoff": "linear"}
    }
    assert step.configs["Receipt"] is None
    assert not any(step.kinds.values())
