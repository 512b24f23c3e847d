"""Graphs checked and compiled without storing anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Discriminator, Field, RootModel, Tag

from awaitstep.api.access import App, Reader
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Body, Detail, Graph, Shape, Text, details
from awaitstep.app.language import Compiled

router = APIRouter(prefix="/api", tags=["check"], route_class=ApiRoute)


class GraphItself(RootModel[dict[str, Any]]):
    """A bare graph, as an export file holds it."""


class CheckBody(Body):
    """A graph in an envelope, with entry code where that is to be checked, too."""

    ir: Graph
    entry_code: Text | None = Field(default=None, description="Null is the default entry code.")
    connection_id: Text | None = Field(
        default=None, description="Also tell what is otherwise there than on the embedded engine."
    )


class CompileBody(Body):
    """A graph in an envelope, with entry code."""

    ir: Graph
    entry_code: Text | None = Field(default=None, description="Null is the default entry code.")


def _form(body: object) -> str:
    if not isinstance(body, dict) or "ir" in body:
        return "#wrapped"
    return "#bare" if "nodes" in body or "module" in body else "#wrapped"


class ReportShape(Shape):
    """What is wrong with a graph."""

    valid: bool = Field(description="Whether it has no errors; warnings don't count.")
    diagnostics: list[Detail]


class CodeShape(Shape):
    """A compiled module."""

    code: str
    class_name: str | None
    binding: str | None = Field(description="The name in `env` that starts the workflow.")
    step_nodes: dict[str, str] = Field(description="Step name to node id.")
    node_lines: dict[str, Any] = Field(description="Node id to its lines in `code`.")


CheckIt = Annotated[
    Annotated[GraphItself, Tag("#bare")] | Annotated[CheckBody, Tag("#wrapped")],
    Discriminator(_form),
]
CompileIt = Annotated[
    Annotated[GraphItself, Tag("#bare")] | Annotated[CompileBody, Tag("#wrapped")],
    Discriminator(_form),
]


def code_shape(compiled: Compiled) -> CodeShape:
    return CodeShape(
        code=compiled.source,
        class_name=compiled.class_name,
        binding=compiled.binding,
        step_nodes=dict(compiled.step_nodes),
        node_lines=plain(compiled.node_lines),
    )


def plain(lines: Mapping[str, Any]) -> dict[str, Any]:
    return {
        node: list(place) if isinstance(place, tuple) else place for node, place in lines.items()
    }


@router.post("/validate", response_model_exclude_unset=True)
async def validate(body: CheckIt, app: App, who: Reader) -> ReportShape:
    """All problems of a graph at once. A graph with problems is a good answer: 200."""
    if isinstance(body, GraphItself):
        ir, entry_code, connection = body.root, None, None
    else:
        ir, entry_code, connection = body.ir, body.entry_code, body.connection_id
    report = await app.graphs.validate(ir, entry_code)
    found, valid = [*report.diagnostics], report.valid
    if connection is not None and valid:
        compiled = await app.graphs.compile(ir, entry_code)
        told = await app.connections.differences(who.project, connection, ir, compiled)
        valid = all(one["severity"] != "error" for one in told)
        found += told
    return ReportShape(valid=valid, diagnostics=details(found))


@router.post("/compile")
async def compile(body: CompileIt, app: App, who: Reader) -> CodeShape:
    """The Python module of a graph; 422 with every problem when it has any."""
    if isinstance(body, GraphItself):
        return code_shape(await app.graphs.compile(body.root, None))
    return code_shape(await app.graphs.compile(body.ir, body.entry_code))
