"""The types of nodes a graph can hold, for palettes and forms."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from awaitstep.api.access import App, Reader
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Shape
from awaitstep.api.paging import Listing

router = APIRouter(prefix="/api", tags=["nodes"], route_class=ApiRoute)


class ArmsShape(Shape):
    """Which edges a canvas offers out of a container, besides `then`."""

    source: Literal["fixed", "data", "free"] = Field(
        description="`fixed`: those of `labels`; `data`: one for each element of the field `field`, "
        "which bears its `label`; `free`: any number with any labels."
    )
    labels: list[str]
    required: list[str] = Field(description="Labels that must be drawn.")
    field: str | None
    names: list[str] = Field(description="Names that nodes in the arms may read besides.")
    name_fields: list[str] = Field(description="Fields of `data` in which such names stand.")


class NodeTypeShape(Shape):
    """A type of node."""

    type: str
    title: str
    summary: str
    has_value: bool = Field(description="Whether other nodes can read a value of it.")
    container: bool = Field(description="Whether its edges are arms.")
    family: Literal["code", "http", "time", "event", "control", "call", "custom"] = "custom"
    icon: str = Field(default="box", description="The name of an icon of Lucide's.")
    summary_fields: list[str] = Field(
        default=[], description="The fields of `data` that tell most about a node."
    )
    arms: ArmsShape | None = Field(default=None, description="Null for what is no container.")
    data_schema: dict[str, Any] = Field(
        alias="schema",
        description="JSON Schema of `data`, each field with title and description. `x-role` says what "
        "a text means, `x-group` which fields belong together, `x-placeholder` is an example, "
        "`x-secret` the variable of a secret.",
    )
    value_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema of its value, where there is one."
    )
    targets: list[str] = Field(default=[], description="The types of connection it can run on.")
    packages: list[str] = Field(
        default=[], description="Python packages its code needs where it runs."
    )


@router.get("/nodes")
async def list_nodes(app: App, who: Reader) -> Listing[NodeTypeShape]:
    """All of them, on one page."""
    nodes = await app.graphs.node_types()
    found = [NodeTypeShape.model_validate(node, by_alias=True) for node in nodes]
    return Listing[NodeTypeShape](data=found, next_cursor=None)


@router.get("/nodes/{type}")
async def get_node(type: str, app: App, who: Reader) -> NodeTypeShape:
    return NodeTypeShape.model_validate(await app.graphs.node_type(type), by_alias=True)
