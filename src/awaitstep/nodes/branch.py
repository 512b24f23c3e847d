"""`branch`: the first arm whose condition holds; an empty condition is the arm for the rest."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from awaitstep.ir import Arm, DrawnArms, NodeData, NodeType, Report
from awaitstep.ir.diagnostics import shown
from awaitstep.ir.fields import Condition, about
from awaitstep.ir.graph import THEN, Strict


class BranchArm(Strict):
    label: Annotated[
        str, Field(min_length=1, max_length=256), about("Label", "Stands on the arm's edge.")
    ]
    condition: Annotated[
        Condition,
        about(
            "Condition",
            "A Python expression; empty for the arm that is taken when no other is.",
            placeholder="{{order.total}} > 100",
        ),
    ] = ""


class Branch(NodeData):
    branches: Annotated[
        list[BranchArm],
        Field(min_length=1),
        about("Arms", "The first whose condition holds is taken."),
    ]


def _arms(data: Branch) -> list[Arm]:
    return [
        Arm(arm.label, arm.condition if arm.condition.strip() else None) for arm in data.branches
    ]


def _check(data: Branch, report: Report) -> None:
    seen: set[str] = set()
    otherwise = False
    for index, arm in enumerate(data.branches):
        path = f"data.branches[{index}]"
        if arm.label in seen:
            report.add(
                "branch.label_repeated",
                f"Two arms are called `{shown(arm.label)}`.",
                f"{path}.label",
            )
        seen.add(arm.label)
        if arm.label == THEN:
            report.add(
                "branch.label_reserved",
                f"An arm cannot be called `{THEN}`.",
                f"{path}.label",
                hint=f"The edge `{THEN}` leads to what follows when the arms are done.",
            )
        if not arm.condition.strip():
            if otherwise:
                report.add(
                    "branch.else_repeated",
                    "Only one arm can have an empty condition: it is taken when no other holds.",
                    f"{path}.condition",
                )
            otherwise = True


NODE_TYPE = NodeType(
    type="branch",
    title="Branch",
    summary="Chooses one of several arms; arms may meet again anywhere.",
    data=Branch,
    family="control",
    icon="git-branch",
    shows=("branches",),
    drawn=DrawnArms("data", field="branches"),
    check=_check,
    control="branch",
    arms=_arms,
)
