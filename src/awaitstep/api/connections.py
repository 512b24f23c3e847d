"""Connections: where workflows can be deployed to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field, StringConstraints

from awaitstep.api.access import App, Reader, Writer
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Body, Name, Shape, at
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.storage.records import Connection

router = APIRouter(prefix="/api", tags=["connections"], route_class=ApiRoute)

TypeName = Annotated[str, StringConstraints(min_length=1, max_length=32)]


class CreateConnection(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"type": "local", "name": "Staging"}]}
    )

    type: TypeName
    name: Name
    is_default: bool = False


class PatchConnection(Body):
    """Only the fields that are there are changed."""

    name: Name | None = None
    is_default: bool | None = None


class VerifyToken(Body):
    type: TypeName
    token: Annotated[str, StringConstraints(max_length=4096)] | None = None


class ConnectionShape(Shape):
    """A place to deploy to."""

    id: str
    type: str
    name: str
    is_default: bool = Field(description="Deploys go here unless told otherwise.")
    builtin: bool = Field(description="There from the start; can't be deleted.")
    created_at: datetime


class TokenShape(Shape):
    """The token is good."""

    valid: bool


def _shape(connection: Connection) -> ConnectionShape:
    return ConnectionShape(
        id=connection.id,
        type=connection.type,
        name=connection.name,
        is_default=connection.is_default,
        builtin=connection.builtin,
        created_at=at(connection.created_at),
    )


@router.get("/connections")
async def list_connections(
    app: App, who: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Listing[ConnectionShape]:
    """Newest first."""
    page = await app.connections.page(who.project, limit, cursor)
    return Listing[ConnectionShape](
        data=[_shape(connection) for connection in page.items], next_cursor=page.next_cursor
    )


@router.post("/connections", status_code=201, responses={409: {}})
async def create_connection(body: CreateConnection, app: App, who: Writer) -> ConnectionShape:
    connection = await app.connections.create(
        who.project, type=body.type, name=body.name, is_default=body.is_default
    )
    return _shape(connection)


@router.post("/connections/verify-token")
async def verify_token(body: VerifyToken, app: App, who: Writer) -> TokenShape:
    """Ask the place itself whether a token is good. 422 for a type that takes none."""
    await app.connections.verify_token(body.type, body.token)
    return TokenShape(valid=True)


@router.patch("/connections/{id}", responses={409: {}})
async def update_connection(
    id: str, body: PatchConnection, app: App, who: Writer
) -> ConnectionShape:
    changed = await app.connections.update(
        who.project, id, name=body.name, is_default=body.is_default
    )
    return _shape(changed)


@router.delete("/connections/{id}", status_code=204, responses={409: {}})
async def delete_connection(id: str, app: App, who: Writer) -> None:
    """409 for the built-in one, and while deployments were made there."""
    await app.connections.delete(who.project, id)
