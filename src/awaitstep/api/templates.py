"""Workflows to begin with. One is used by making a workflow of its graph."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from awaitstep.api.access import App, Reader
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Shape
from awaitstep.api.paging import Listing
from awaitstep.templates import Template

router = APIRouter(prefix="/api", tags=["templates"], route_class=ApiRoute)


class TemplateEventShape(Shape):
    type: str
    payload: Any


class TemplateShape(Shape):
    """A workflow to begin with."""

    id: str
    title: str
    summary: str
    teaches: list[str] = Field(description="A few words each.")
    params: Any = Field(description="A payload to try it with.")
    event: TemplateEventShape | None = Field(description="What its run waits for.")
    ir: dict[str, Any] = Field(description="Its graph.")


def _shape(template: Template) -> TemplateShape:
    return TemplateShape.model_validate(asdict(template))


@router.get("/templates")
async def list_templates(app: App, who: Reader) -> Listing[TemplateShape]:
    """All of them on one page, the simplest first."""
    found = [_shape(template) for template in app.templates.all()]
    return Listing[TemplateShape](data=found, next_cursor=None)


@router.get("/templates/{id}")
async def get_template(id: str, app: App, who: Reader) -> TemplateShape:
    return _shape(app.templates.get(id))
