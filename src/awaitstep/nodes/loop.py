"""`loop`: its body for each item of a collection, while a condition holds, or so many times."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from awaitstep.ir import Arm, DrawnArms, NodeData, NodeType, Report
from awaitstep.ir.fields import Condition, Output, about

MOST = 10_000


class Loop(NodeData):
    """`collection`, `condition` and `count` are Python expressions, for one kind of loop each."""

    loop_type: Annotated[
        Literal["forEach", "while", "times"],
        about("Kind", "For each item, while a condition holds, or so many times."),
    ] = "forEach"
    collection: Annotated[
        Condition,
        about(
            "Collection",
            "What to go through: a Python expression.",
            placeholder="{{event.payload.items}}",
        ),
    ] = ""
    condition: Annotated[
        Condition,
        about(
            "Condition",
            "A Python expression, asked before each iteration.",
            placeholder="{{page.json.next}} is not None",
        ),
    ] = ""
    count: Annotated[
        Condition, about("Count", "How many times: a Python expression.", placeholder="3")
    ] = ""
    item_var: Annotated[
        str,
        Field(min_length=1, max_length=100),
        about("Name of the item", "How nodes of the body call it."),
    ] = "item"
    index_var: Annotated[
        str,
        Field(min_length=1, max_length=100),
        about("Name of the index", "How nodes of the body call it; it counts from 0."),
    ] = "i"
    concurrency: Annotated[
        int,
        Field(ge=1, le=1_000),
        about("Concurrency", "How many iterations run at the same time."),
    ] = 1
    max_iterations: Annotated[
        int,
        Field(ge=1, le=1_000_000),
        about("Most iterations", "More than these are an error."),
    ] = MOST
    output: Output = False


_FIELDS = {"forEach": "collection", "while": "condition", "times": "count"}


def _check(data: Loop, report: Report) -> None:
    for kind, field in _FIELDS.items():
        given = getattr(data, field)
        empty = isinstance(given, str) and not given.strip()
        if kind == data.loop_type and empty:
            report.add("field.missing", f"A loop of this type needs `{field}`.", f"data.{field}")
        elif kind != data.loop_type and not empty:
            report.add(
                "field.invalid",
                f"`{field}` is for loops of the type `{kind}`.",
                f"data.{field}",
            )
    if data.item_var == data.index_var:
        report.add("field.invalid", "Item and index need two names.", "data.indexVar")
    if data.loop_type == "while" and data.concurrency > 1:
        report.add(
            "field.invalid",
            "A while loop goes on from one iteration to the next: its concurrency is 1.",
            "data.concurrency",
        )


def _binds(data: Loop, _: str) -> tuple[str, ...]:
    return (data.index_var,) if data.loop_type == "while" else (data.item_var, data.index_var)


NODE_TYPE = NodeType(
    type="loop",
    title="Loop",
    summary="Runs its body again and again: for each item, while a condition holds, or n times.",
    data=Loop,
    family="control",
    icon="repeat",
    shows=("itemVar", "collection", "condition", "count"),
    drawn=DrawnArms("fixed", labels=("body",), fields=("itemVar", "indexVar")),
    has_value=True,
    keys=frozenset({"results", "count"}),
    check=_check,
    control="loop",
    arms=lambda _: [Arm("body")],
    needs=("body",),
    binds=_binds,
)
