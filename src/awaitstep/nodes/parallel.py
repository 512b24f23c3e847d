"""`parallel`: all arms at once; what follows waits for every one of them."""

from __future__ import annotations

from typing import Annotated, Literal

from awaitstep.ir import DrawnArms, NodeData, NodeType
from awaitstep.ir.fields import Output, about


class Parallel(NodeData):
    """`on_error`: fail with the first arm that does, or collect values and errors."""

    on_error: Annotated[
        Literal["fail", "collect"],
        about("When an arm fails", "Stop the others and fail, or keep its error as its value."),
    ] = "fail"
    output: Output = False


NODE_TYPE = NodeType(
    type="parallel",
    title="Parallel",
    summary="Runs all of its arms at once and goes on when they have ended.",
    data=Parallel,
    family="control",
    icon="git-fork",
    shows=("onError",),
    drawn=DrawnArms("free"),
    has_value=True,
    control="parallel",
)
