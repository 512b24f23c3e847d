"""`try_catch`: an arm whose failure another arm handles, and one that runs whatever happens."""

from __future__ import annotations

from awaitstep.ir import Arm, DrawnArms, NodeData, NodeType
from awaitstep.ir.fields import Output


class TryCatch(NodeData):
    output: Output = False


def _binds(_: TryCatch, label: str) -> tuple[str, ...]:
    return () if label == "try" else ("error",)


NODE_TYPE = NodeType(
    type="try_catch",
    title="Try / catch",
    summary="Runs an arm, another one when it fails, and a last one whatever happened.",
    data=TryCatch,
    family="control",
    icon="shield-alert",
    drawn=DrawnArms("fixed", labels=("try", "catch", "finally"), names=("error",)),
    has_value=True,
    keys=frozenset({"value", "error"}),
    control="try_catch",
    arms=lambda _: [Arm("try"), Arm("catch"), Arm("finally")],
    needs=("try",),
    binds=_binds,
)
