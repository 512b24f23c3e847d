"""The draft of a workflow: what a canvas keeps while somebody draws."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from awaitstep.api.access import App, Reader, Writer
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Body, Id, Shape, Text, at
from awaitstep.storage.records import Draft

router = APIRouter(prefix="/api/workflows/{id}", tags=["drafts"], route_class=ApiRoute)


class PutDraft(Body):
    ir: dict[str, Any] = Field(description="A graph; it need not be valid.")
    entry_code: Text | None = Field(
        default=None, description="Null leaves the workflow's own as it is."
    )
    base_version_id: Id | None = Field(default=None, description="The version it was begun from.")
    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        description="Of the draft that was read last; 0 when there was none."
    )


class DraftShape(Shape):
    """An unsaved graph. Saving it as a version deletes it."""

    ir: dict[str, Any]
    entry_code: str | None = Field(description="Null when the workflow's own was not touched.")
    base_version_id: str | None = Field(
        description="The version it was begun from; null for none, or one that is deleted."
    )
    revision: int = Field(description="Raised by each change, never used twice.")
    updated_at: datetime


def draft_shape(draft: Draft) -> DraftShape:
    return DraftShape(
        ir=draft.ir,
        entry_code=draft.entry_code,
        base_version_id=draft.base_version,
        revision=draft.revision,
        updated_at=at(draft.updated_at),
    )


@router.get("/draft")
async def get_draft(id: str, app: App, who: Reader) -> DraftShape:
    """404 `draft.not_found` when everything is saved."""
    return draft_shape(await app.drafts.get(who.project, id))


@router.put("/draft", responses={409: {}})
async def put_draft(id: str, body: PutDraft, app: App, who: Writer) -> DraftShape:
    """Keep a graph that is being drawn; 409 with the revision of now when it was changed."""
    draft = await app.drafts.put(
        who.project,
        id,
        body.ir,
        revision=body.revision,
        entry_code=body.entry_code,
        base_version=body.base_version_id,
    )
    return draft_shape(draft)


@router.delete("/draft", status_code=204)
async def discard_draft(id: str, app: App, who: Writer) -> None:
    await app.drafts.discard(who.project, id)
