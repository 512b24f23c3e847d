"""Projects of the organization. For sessions only: a key has its project, and sees no other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import ConfigDict

from awaitstep.api.access import App, HasSession
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Body, Name, Shape, at
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.auth.identity import Identity
from awaitstep.storage.records import Project

router = APIRouter(prefix="/api", tags=["projects"], route_class=ApiRoute)

SignedIn = Annotated[Identity, Depends(HasSession())]
SignedInWriter = Annotated[Identity, Depends(HasSession("write"))]


class NamedProject(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Billing"}]})

    name: Name


class ProjectShape(Shape):
    """Workflows, connections, variables and keys that belong together; another's don't exist here."""

    id: str
    name: str
    created_at: datetime


def _shape(project: Project) -> ProjectShape:
    return ProjectShape(id=project.id, name=project.name, created_at=at(project.created_at))


@router.get("/projects")
async def list_projects(
    app: App, who: SignedIn, limit: Limit = 50, cursor: Cursor = None
) -> Listing[ProjectShape]:
    """Newest first."""
    page = await app.projects.page(who, limit, cursor)
    return Listing[ProjectShape](
        data=[_shape(project) for project in page.items], next_cursor=page.next_cursor
    )


@router.post("/projects", status_code=201)
async def create_project(body: NamedProject, app: App, who: SignedInWriter) -> ProjectShape:
    """It begins with a connection to the embedded engine."""
    return _shape(await app.projects.create(who, body.name))


@router.patch("/projects/{id}")
async def rename_project(
    id: str, body: NamedProject, app: App, who: SignedInWriter
) -> ProjectShape:
    return _shape(await app.projects.rename(who, id, body.name))
