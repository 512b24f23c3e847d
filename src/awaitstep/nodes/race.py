"""`race`: all arms at once; the first that ends wins, the others are given up."""

from __future__ import annotations

from awaitstep.ir import DrawnArms, NodeData, NodeType
from awaitstep.ir.fields import Output

# What is added to the node's name for the step that records which arm ended first.
WINNER = " · winner"


class Race(NodeData):
    output: Output = False


def _always(_: Race) -> bool:
    return True


NODE_TYPE = NodeType(
    type="race",
    title="Race",
    summary="Runs all of its arms at once; the first that ends decides, the others are given up.",
    data=Race,
    family="control",
    icon="flag",
    drawn=DrawnArms("free"),
    has_value=True,
    keys=frozenset({"winner", "value"}),
    is_step=_always,
    further_steps=(WINNER,),
    control="race",
)
