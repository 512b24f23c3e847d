"""`parallel`: all arms at once; what follows waits for every one of them."""

from __future__ import annotations

from typing import Literal

from awaitstep.ir import NodeData, NodeType


class Parallel(NodeData):
    """`on_error`: fail with the first arm that does, or collect values and errors."""

    on_error: Literal["fail", "collect"] = "fail"
    output: bool = False


NODE_TYPE = NodeType(
    type="parallel",
    title="Parallel",
    summary="Runs all of its arms at once and goes on when they have ended.",
    data=Parallel,
    has_value=True,
    control="parallel",
)
