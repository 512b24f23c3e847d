"""API keys of the project."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from awaitstep.api.access import App, Reader, Writer
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Body, Name, Shape, at
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.auth.identity import Scope
from awaitstep.storage.records import ApiKey

router = APIRouter(prefix="/api", tags=["api keys"], route_class=ApiRoute)


class CreateKey(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Billing", "scopes": ["deploy"]}]}
    )

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3)] = Field(
        description="`write` and `deploy` include `read`."
    )


class KeyShape(Shape):
    """A key as it is kept: without itself."""

    id: str
    name: str
    prefix: str = Field(description="How the key begins.")
    scopes: list[Scope]
    created_at: datetime


class NewKeyShape(KeyShape):
    """A new key. `key` is answered this once."""

    key: str


def _fields(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "created_at": at(key.created_at),
    }


@router.get("/api-keys")
async def list_api_keys(
    app: App, who: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Listing[KeyShape]:
    """Newest first."""
    page = await app.keys.page(who.project, limit, cursor)
    return Listing[KeyShape](
        data=[KeyShape.model_validate(_fields(key), by_name=True) for key in page.items],
        next_cursor=page.next_cursor,
    )


@router.post("/api-keys", status_code=201)
async def create_api_key(body: CreateKey, app: App, who: Writer) -> NewKeyShape:
    """403 for scopes that the asking key lacks."""
    key, text = await app.keys.create(
        who.project, name=body.name, scopes=body.scopes, granted_by=who
    )
    return NewKeyShape.model_validate({**_fields(key), "key": text}, by_name=True)


@router.delete("/api-keys/{id}", status_code=204)
async def delete_api_key(id: str, app: App, who: Writer) -> None:
    """From the answer on it opens nothing."""
    await app.keys.delete(who.project, id)
