"""The typed graph: what `parse` answers once a drawn workflow has no errors left.

Owns plain, frozen values. Knows nothing of checking or compiling.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

THEN = "then"
Kind = Literal["workflow", "script"]


class Strict(BaseModel):
    """Camel-cased JSON: no conversions, no unknown fields."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
    )


class NodeData(Strict):
    """What a node's `data` holds; every node type has its own subclass."""


class Metadata(Strict):
    name: str = Field(min_length=1, max_length=256)
    description: str | None = Field(default=None, max_length=10_000)
    version: int | None = None
    created_at: str | None = None
    updated_at: str | None = None


class ManualTrigger(Strict):
    type: Literal["manual"]


class HttpTrigger(Strict):
    type: Literal["http"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"


class ScheduleTrigger(Strict):
    type: Literal["schedule"]
    cron: str = Field(max_length=256)


class EventTrigger(Strict):
    type: Literal["event"]
    event_type: str = Field(min_length=1, max_length=256)


Trigger = Annotated[
    ManualTrigger | HttpTrigger | ScheduleTrigger | EventTrigger, Field(discriminator="type")
]


class Position(Strict):
    x: float = 0
    y: float = 0


class Note(Strict):
    """A text on the canvas, for people only."""

    id: str = Field(min_length=1, max_length=128)
    text: str = Field(max_length=10_000)
    position: Position = Position()
    width: float = Field(default=224, gt=0)
    height: float = Field(default=96, gt=0)


@dataclass(frozen=True, slots=True)
class Node:
    """One box of the drawing; `id` is its variable in the generated code."""

    id: str
    type: str
    name: str
    data: NodeData
    position: Position = field(default_factory=Position)
    version: str = "1.0.0"
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    id: str
    source: str
    target: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A workflow, or a function, that can be compiled. Nodes keep the order of the drawing."""

    kind: Kind
    metadata: Metadata
    nodes: dict[str, Node]
    edges: tuple[Edge, ...]
    entry: str
    trigger: ManualTrigger | HttpTrigger | ScheduleTrigger | EventTrigger | None = None
