"""Drawings that chance seldom makes, each with an event: what runs at once ends early in turn."""

from __future__ import annotations

from typing import Any

from .harness import drawing, node

FAILS = 'if ctx["attempt"] <= event["payload"]["{0}"]:\n    raise ValueError("{0}")\n'


def step(node_id: str, *, fails: bool = False) -> dict[str, Any]:
    code = (FAILS.format(node_id) if fails else "") + f'return {{"node": "{node_id}", "saw": []}}'
    return node(node_id, "step", code=code, retryLimit=0)


def a_losing_arm_with_a_finally() -> tuple[dict[str, Any], dict[str, Any]]:
    graph = drawing(
        node("race1", "race"),
        node("nap", "sleep", duration="5 seconds"),
        step("quick"),
        node("guard", "try_catch"),
        node("rest", "sleep", duration="60 seconds"),
        step("caught"),
        step("tidy"),
        node("later", "sleep", duration="90 seconds"),
        edges=[
            ("race1", "nap", "left"),
            ("nap", "quick"),
            ("race1", "guard", "right"),
            ("guard", "rest", "try"),
            ("guard", "caught", "catch"),
            ("guard", "tidy", "finally"),
            ("race1", "later", "then"),
        ],
    )
    return graph, {}


def a_break_above_a_failure() -> tuple[dict[str, Any], dict[str, Any]]:
    graph = drawing(
        node("each1", "loop", collection="[13, 17, 8]", concurrency=3),
        node("nap", "sleep", duration="1{{item}} seconds"),
        node("stop", "break", condition="i == {{event.payload.stop}}"),
        step("work", fails=True),
        edges=[("each1", "nap", "body"), ("nap", "stop"), ("stop", "work")],
    )
    return graph, {"stop": 2, "work": 1}


def a_break_through_a_finally() -> tuple[dict[str, Any], dict[str, Any]]:
    graph = drawing(
        node("each1", "loop", collection="[13, 17]"),
        node("guard", "try_catch"),
        node("stop", "break", condition="i == {{event.payload.stop}}"),
        step("work"),
        step("caught"),
        step("tidy"),
        edges=[
            ("each1", "guard", "body"),
            ("guard", "stop", "try"),
            ("stop", "work"),
            ("guard", "caught", "catch"),
            ("guard", "tidy", "finally"),
        ],
    )
    return graph, {"stop": 1}


def iterations_that_overtake_each_other() -> tuple[dict[str, Any], dict[str, Any]]:
    graph = drawing(
        node("each1", "loop", collection="[22, 17, 8]", concurrency=3),
        node("nap", "sleep", duration="1{{item}} seconds"),
        node("work", "step", code='return {"node": "work", "saw": [str(item)[:80]]}'),
        edges=[("each1", "nap", "body"), ("nap", "work")],
    )
    return graph, {}


def an_arm_that_fails_beside_others() -> tuple[dict[str, Any], dict[str, Any]]:
    graph = drawing(
        node("guard", "try_catch"),
        node("both", "parallel"),
        node("nap", "sleep", duration="5 seconds"),
        step("work", fails=True),
        node("rest", "sleep", duration="60 seconds"),
        step("late"),
        step("caught"),
        node("later", "sleep", duration="90 seconds"),
        edges=[
            ("guard", "both", "try"),
            ("both", "nap", "left"),
            ("nap", "work"),
            ("both", "rest", "right"),
            ("rest", "late"),
            ("guard", "caught", "catch"),
            ("guard", "later", "then"),
        ],
    )
    return graph, {"work": 1}


HARD = (
    a_losing_arm_with_a_finally,
    a_break_above_a_failure,
    a_break_through_a_finally,
    iterations_that_overtake_each_other,
    an_arm_that_fails_beside_others,
)
