"""Connections: where workflows can be deployed to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field, StringConstraints

from awaitstep.api.access import App, Reader, Writer
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Body, Name, Shape, at
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.app import AwaitStep
from awaitstep.app.connections import Access
from awaitstep.providers.port import Provider
from awaitstep.storage.records import Connection

router = APIRouter(prefix="/api", tags=["connections"], route_class=ApiRoute)

TypeName = Annotated[str, StringConstraints(min_length=1, max_length=32)]


TokenText = Annotated[
    str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[\x21-\x7e]+$")
]
AccountId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
PlanName = Annotated[str, StringConstraints(min_length=1, max_length=32)]


class CreateConnection(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"type": "local", "name": "Staging"}]}
    )

    type: TypeName
    name: Name
    is_default: bool = False
    token: TokenText | None = Field(default=None, description="Write-only.")
    account_id: AccountId | None = Field(
        default=None, description="Needed when the token opens several."
    )
    plan: PlanName | None = None


class PatchConnection(Body):
    """Only the fields that are there are changed."""

    name: Name | None = None
    is_default: bool | None = None
    token: TokenText | None = Field(default=None, description="Write-only.")
    plan: PlanName | None = None


class VerifyToken(Body):
    type: TypeName
    token: Annotated[str, StringConstraints(max_length=4096)] | None = None


class CapabilitiesShape(Shape):
    """What can be done there; ask this, never the type."""

    custom_routes: bool
    schedules: bool
    pins_code: bool = Field(description="Runs go on with the code they began with.")
    runs_outlive_takedown: bool = Field(description="Else they end with their worker.")
    calls_must_be_live: bool = Field(description="What a workflow calls is deployed before it.")
    pause: bool
    restart: bool
    restart_from_step: bool
    newest_code: bool = Field(description="A restart may choose the code it goes on with.")
    events: bool
    history: bool
    limits: bool
    priority: bool
    delete: bool
    logs: bool
    search: bool = Field(description="Runs are found by what they hold, else by their id.")


class ConnectionTypeShape(Shape):
    """Something that a connection can be."""

    type: str
    needs_token: bool
    title: str = Field(description="What a person is told that it is.")
    permissions: list[str] = Field(description="What a token needs, as its place calls them.")
    plans: list[str] = Field(description="The first is the usual one.")
    capabilities: CapabilitiesShape


class ConnectionShape(Shape):
    """A place to deploy to."""

    id: str
    type: str
    name: str
    is_default: bool = Field(description="Deploys go here unless told otherwise.")
    builtin: bool = Field(description="There from the start; can't be deleted.")
    created_at: datetime
    account_id: str | None = Field(description="Where it is an account elsewhere.")
    plan: str | None
    capabilities: CapabilitiesShape


class AccountShape(Shape):
    """What a token opens."""

    id: str
    name: str
    missing: list[str] = Field(description="Permissions that the token lacks there.")


class TokenShape(Shape):
    """`valid` when it opens an account and lacks nothing there."""

    valid: bool
    accounts: list[AccountShape]


def _capabilities(provider: Provider) -> CapabilitiesShape:
    told = asdict(provider.capabilities) | asdict(provider.runs.capabilities)
    return CapabilitiesShape(**{name: told[name] for name in CapabilitiesShape.model_fields})


def _shape(connection: Connection, app: AwaitStep) -> ConnectionShape:
    return ConnectionShape(
        id=connection.id,
        type=connection.type,
        name=connection.name,
        is_default=connection.is_default,
        builtin=connection.builtin,
        created_at=at(connection.created_at),
        account_id=connection.account,
        plan=connection.plan,
        capabilities=_capabilities(app.connections.provider(connection)),
    )


@router.get("/connections")
async def list_connections(
    app: App, who: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Listing[ConnectionShape]:
    """Newest first."""
    page = await app.connections.page(who.project, limit, cursor)
    return Listing[ConnectionShape](
        data=[_shape(connection, app) for connection in page.items], next_cursor=page.next_cursor
    )


@router.get("/connections/types")
async def list_types(app: App, who: Reader) -> list[ConnectionTypeShape]:
    """What a connection can be here."""
    return [
        ConnectionTypeShape(
            type=type,
            needs_token=provider.capabilities.needs_token,
            title=provider.capabilities.title,
            permissions=list(provider.capabilities.permissions),
            plans=list(provider.capabilities.plans),
            capabilities=_capabilities(provider),
        )
        for type, provider in app.connections.types().items()
    ]


@router.post("/connections", status_code=201, responses={409: {}})
async def create_connection(body: CreateConnection, app: App, who: Writer) -> ConnectionShape:
    connection = await app.connections.create(
        who.project,
        type=body.type,
        name=body.name,
        is_default=body.is_default,
        access=Access(body.token, body.account_id, body.plan),
    )
    return _shape(connection, app)


@router.post("/connections/verify-token")
async def verify_token(body: VerifyToken, app: App, who: Writer) -> TokenShape:
    """Ask the place itself whether a token is good. 422 for a type that takes none."""
    found = await app.connections.verify_token(body.type, body.token)
    accounts = [AccountShape(id=one.id, name=one.name, missing=list(one.missing)) for one in found]
    return TokenShape(valid=any(not one.missing for one in accounts), accounts=accounts)


@router.patch("/connections/{id}", responses={409: {}})
async def update_connection(
    id: str, body: PatchConnection, app: App, who: Writer
) -> ConnectionShape:
    changed = await app.connections.update(
        who.project,
        id,
        name=body.name,
        is_default=body.is_default,
        access=Access(body.token, None, body.plan),
    )
    return _shape(changed, app)


@router.delete("/connections/{id}", status_code=204, responses={409: {}})
async def delete_connection(id: str, app: App, who: Writer) -> None:
    """409 for the built-in one, and while deployments were made there."""
    await app.connections.delete(who.project, id)
