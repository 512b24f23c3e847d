"""What `node.json` says, as a typed value.

Owns the shape of the file. Whether its schemas can be used is decided in `settings`, whether the
template fits is decided in `loading`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from awaitstep.ir.graph import Strict
from awaitstep.ir.registry import TARGETS, Target

TypeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
Requirement = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*( ?(==|>=|<=|~=|!=|<|>) ?[0-9A-Za-z.*,<>=! ]+)?$"),
]


class Secret(Strict):
    """A field that must not be in the graph. `env` is the variable that people are told to set."""

    field: str
    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=100)]
    summary: Annotated[str, Field(min_length=1, max_length=500)]


class Definition(Strict):
    """One node type.

    `config` and `output` are JSON Schemas of the node's fields and of its value. `packages` maps a
    module that the template may import to the requirement that brings it. `inline`: the template
    is pure, so it is no step and runs again on every replay. `icon` is one of Lucide's, `shows` are
    the fields that tell most about a node.
    """

    type: TypeName
    title: Annotated[str, Field(min_length=1, max_length=60)]
    summary: Annotated[str, Field(min_length=1, max_length=300)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    config: dict[str, Any]
    output: dict[str, Any]
    targets: Annotated[list[Target], Field(min_length=1)] = list(TARGETS)
    packages: dict[str, Requirement] = {}
    secrets: list[Secret] = []
    inline: bool = False
    icon: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)] = "box"
    shows: Annotated[list[str], Field(max_length=4)] = []
