"""Containers on the real engine, unloaded at every wait: each arm goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from awaitstep.engine import coordinator
from awaitstep.engine.clock import ManualClock
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.workers import Bundle

from .harness import compiled, drawing, node
from .playing import Part, play, start

MARK = 'with open(event["payload"]["file"], "a") as file:\n    file.write("{}\\n")\n'


def noted(node_id: str, code: str) -> dict[str, Any]:
    """A step that leaves a line outside of the engine."""
    return node(node_id, "step", code=MARK.format(node_id) + code, retryLimit=0)


async def outcome(graph: dict[str, Any], folder: Path) -> tuple[Any, list[str], list[str]]:
    """The run's output, what its steps did, and their names in the history."""
    module = compiled(graph)
    file = folder / "worker.py"
    file.write_text(module.source)
    bundle = Bundle("dep", "wf", "test", file, module.class_name, bindings={})

    class One:
        async def bundle(self, deployment: str) -> Bundle:
            return bundle

    clock = ManualClock()
    engine = InlineEngine(One(), clock=clock)
    effects = folder / "effects"
    part = Part("dep", {"file": str(effects)}, "one")
    await start(engine, [part])
    await play(engine, clock, [part], pause=0.001)
    run = await engine.get("wf", "one")
    assert run.error is None, run.error
    history = await engine.history("wf", "one")
    await engine.close()
    return json.loads(run.output or b"null"), effects.read_text().split(), [s.name for s in history]


@pytest.fixture(autouse=True)
def unload_at_every_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator, "KEEP_LOADED", float("-inf"))


async def test_the_loser_of_a_race_starts_nothing_more(tmp_path: Path) -> None:
    graph = drawing(
        node("who", "race"),
        node("short", "sleep", duration="5 seconds"),
        noted("quick", 'return "quick"'),
        node("guarded", "try_catch"),
        node("long", "sleep", duration="60 seconds"),
        noted("slow", 'return "slow"'),
        noted("tidy", "return 1"),
        node("rest", "sleep", duration="90 seconds"),
        noted("end", "return who"),
        edges=[
            ("who", "short", "a"),
            ("short", "quick"),
            ("who", "guarded", "b"),
            ("guarded", "long", "try"),
            ("long", "slow"),
            ("guarded", "tidy", "finally"),
            ("who", "rest", "then"),
            ("rest", "end"),
        ],
    )
    output, did, names = await outcome(graph, tmp_path)
    assert output == {"winner": "a", "value": "quick"}
    assert did == ["quick", "end"]
    assert "who · winner" in names


async def test_iterations_are_done_once_each_and_collected(tmp_path: Path) -> None:
    graph = drawing(
        node("rows", "loop", collection="[3, 1, 2]", concurrency=2),
        node("columns", "loop", loopType="times", count="2"),
        node("nap", "sleep", duration="{{item}} seconds"),
        noted("cell", "return [item, i]"),
        noted("end", "return rows"),
        edges=[
            ("rows", "columns", "body"),
            ("columns", "nap", "body"),
            ("nap", "cell"),
            ("rows", "end", "then"),
        ],
    )
    graph["nodes"][1]["data"]["itemVar"] = "column"
    graph["nodes"][1]["data"]["indexVar"] = "j"
    graph["nodes"][3]["data"]["code"] = MARK.format("cell") + "return [item, i, j]"
    output, did, names = await outcome(graph, tmp_path)
    assert [row["results"] for row in output["results"]] == [
        [[item, i, j] for j in range(2)] for i, item in enumerate([3, 1, 2])
    ]
    assert did == [*["cell"] * 6, "end"]
    assert {f"cell [{i}.{j}]" for i in range(3) for j in range(2)} <= set(names)


async def test_a_failure_is_caught_and_tidied_up_after_a_sleep(tmp_path: Path) -> None:
    graph = drawing(
        node("safe", "try_catch"),
        node("wait", "sleep", duration="30 seconds"),
        noted("risky", 'raise ValueError("no such order")'),
        node("cool", "sleep", duration="30 seconds"),
        noted("handle", 'return error["message"]'),
        node("later", "sleep", duration="30 seconds"),
        noted("tidy", 'return safe["error"]["step"]'),
        noted("end", "return [safe, tidy]"),
        edges=[
            ("safe", "wait", "try"),
            ("wait", "risky"),
            ("safe", "cool", "catch"),
            ("cool", "handle"),
            ("safe", "later", "finally"),
            ("later", "tidy"),
            ("safe", "end", "then"),
        ],
    )
    output, did, _ = await outcome(graph, tmp_path)
    assert output == [
        {
            "value": "no such order",
            "error": {"name": "ValueError", "message": "no such order", "step": "risky"},
        },
        "risky",
    ]
    assert did == ["risky", "handle", "tidy", "end"]


async def test_arms_that_sleep_differently_all_end(tmp_path: Path) -> None:
    graph = drawing(
        node("both", "parallel", onError="collect"),
        node("nap", "sleep", duration="50 seconds"),
        noted("late", 'return "late"'),
        node("doze", "sleep", duration="10 seconds"),
        noted("bad", 'raise ValueError("bad")'),
        noted("end", "return both"),
        edges=[
            ("both", "nap", "a"),
            ("nap", "late"),
            ("both", "doze", "b"),
            ("doze", "bad"),
            ("both", "end", "then"),
        ],
    )
    output, did, _ = await outcome(graph, tmp_path)
    assert output["a"] == {"value": "late"}
    assert output["b"]["error"]["message"] == "bad"
    assert did == ["bad", "late", "end"]
