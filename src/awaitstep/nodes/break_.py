"""`break`: leaves the innermost loop around it; outside of one it ends the run."""

from __future__ import annotations

from awaitstep.ir import NodeData, NodeType
from awaitstep.ir.fields import Condition


class Break(NodeData):
    """Without a condition it always leaves."""

    condition: Condition = ""


def _leaves_if(data: Break) -> str | None:
    return data.condition if data.condition.strip() else None


NODE_TYPE = NodeType(
    type="break",
    title="Break",
    summary="Leaves the innermost loop; outside of one it ends the run.",
    data=Break,
    control="break",
    leaves_if=_leaves_if,
)
