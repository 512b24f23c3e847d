"""Versions of a workflow. `{version}` is a version's id or its number."""

from __future__ import annotations

from fastapi import APIRouter

from awaitstep.api.access import App, Reader, Writer
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.checks import CodeShape, code_shape
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.api.versionshapes import (
    CreateVersion,
    PatchVersion,
    SavedShape,
    VersionShape,
    VersionSummary,
    saved_shape,
    version_shape,
    version_summary,
)

router = APIRouter(prefix="/api/workflows/{id}", tags=["versions"], route_class=ApiRoute)


@router.get("/versions")
async def list_versions(
    id: str, app: App, who: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Listing[VersionSummary]:
    """Newest first, without their graphs."""
    page = await app.versions.page(who.project, id, limit, cursor)
    return Listing[VersionSummary](
        data=[version_summary(version) for version in page.items], next_cursor=page.next_cursor
    )


@router.post("/versions", status_code=201, response_model_exclude_unset=True)
async def create_version(id: str, body: CreateVersion, app: App, who: Writer) -> SavedShape:
    """Save a graph; 422 with one detail per problem when it has any."""
    return saved_shape(await app.versions.create(who.project, id, body.ir, body.note))


@router.get("/versions/{version}")
async def get_version(id: str, version: str, app: App, who: Reader) -> VersionShape:
    return version_shape(await app.versions.get(who.project, id, version))


@router.patch("/versions/{version}")
async def update_version(
    id: str, version: str, body: PatchVersion, app: App, who: Writer
) -> VersionShape:
    note = "" if body.note is None and "note" in body.model_fields_set else body.note
    changed = await app.versions.update(who.project, id, version, body.locked, note)
    return version_shape(changed)


@router.delete("/versions/{version}", status_code=204, responses={409: {}})
async def delete_version(id: str, version: str, app: App, who: Writer) -> None:
    """409 for a locked version, and for one that was deployed."""
    await app.versions.delete(who.project, id, version)


@router.post("/versions/{version}/revert", status_code=201, response_model_exclude_unset=True)
async def revert_version(id: str, version: str, app: App, who: Writer) -> SavedShape:
    """Save this version's graph again as the newest."""
    return saved_shape(await app.versions.revert(who.project, id, version))


@router.get("/versions/{version}/code")
async def get_version_code(id: str, version: str, app: App, who: Reader) -> CodeShape:
    """The Python module it compiles to, with the workflow's entry code of now."""
    return code_shape(await app.versions.code(who.project, id, version))
