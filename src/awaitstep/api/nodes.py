"""The types of nodes a graph can hold, for palettes and forms."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from awaitstep.api.access import App, Reader
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Shape
from awaitstep.api.paging import Listing

router = APIRouter(prefix="/api", tags=["nodes"], route_class=ApiRoute)


class NodeTypeShape(Shape):
    """A type of node."""

    type: str
    title: str
    summary: str
    has_value: bool = Field(description="Whether other nodes can read a value of it.")
    container: bool = Field(description="Whether its edges are arms.")
    data_schema: dict[str, Any] = Field(alias="schema", description="JSON Schema of `data`.")
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
    found = [NodeTypeShape.model_validate(node, by_alias=True) for node in app.graphs.node_types()]
    return Listing[NodeTypeShape](data=found, next_cursor=None)


@router.get("/nodes/{type}")
async def get_node(type: str, app: App, who: Reader) -> NodeTypeShape:
    return NodeTypeShape.model_validate(app.graphs.node_type(type), by_alias=True)
