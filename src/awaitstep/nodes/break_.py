"""`break`: leaves the innermost loop around it; outside of one it ends the run."""

from __future__ import annotations

from typing import Annotated

from awaitstep.ir import NodeData, NodeType
from awaitstep.ir.fields import Condition, about


class Break(NodeData):
    """Without a condition it always leaves."""

    condition: Annotated[
        Condition,
        about(
            "Condition",
            "A Python expression; empty leaves always.",
            placeholder="{{page.json.done}}",
        ),
    ] = ""


def _leaves_if(data: Break) -> str | None:
    return data.condition if data.condition.strip() else None


NODE_TYPE = NodeType(
    type="break",
    title="Break",
    summary="Leaves the innermost loop; outside of one it ends the run.",
    data=Break,
    family="control",
    icon="log-out",
    shows=("condition",),
    control="break",
    leaves_if=_leaves_if,
)
