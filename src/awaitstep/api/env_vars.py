"""The project's variables. A workflow's own are part of it (`envVars`) and win over these."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from awaitstep.api.access import App, Reader, Writer
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.model import Body
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.api.workflowshapes import (
    VariableName,
    VariableShape,
    VariableValue,
    variable_shape,
)
from awaitstep.app.variables import VariableSpec

router = APIRouter(prefix="/api", tags=["variables"], route_class=ApiRoute)


class CreateVariable(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "API_TOKEN", "value": "…", "isSecret": True}]}
    )

    name: VariableName
    value: VariableValue
    is_secret: bool = Field(default=False, description="Encrypted; its value is never answered.")


class PatchVariable(Body):
    """Only the fields that are there are changed."""

    name: VariableName | None = None
    value: VariableValue | None = None
    is_secret: bool | None = Field(
        default=None, description="To make a secret plain, give its value again."
    )


@router.get("/env-vars")
async def list_env_vars(
    app: App, who: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Listing[VariableShape]:
    """Newest first."""
    page = await app.variables.page(who.project, limit, cursor)
    return Listing[VariableShape](
        data=[variable_shape(variable) for variable in page.items], next_cursor=page.next_cursor
    )


@router.post("/env-vars", status_code=201, responses={409: {}})
async def create_env_var(body: CreateVariable, app: App, who: Writer) -> VariableShape:
    """Deployments made from now on see it."""
    spec = VariableSpec(body.name, body.value, body.is_secret)
    return variable_shape(await app.variables.create(who.project, spec))


@router.patch("/env-vars/{id}", responses={409: {}})
async def update_env_var(id: str, body: PatchVariable, app: App, who: Writer) -> VariableShape:
    changed = await app.variables.update(who.project, id, body.name, body.value, body.is_secret)
    return variable_shape(changed)


@router.delete("/env-vars/{id}", status_code=204)
async def delete_env_var(id: str, app: App, who: Writer) -> None:
    """Deployments that were made with it keep it."""
    await app.variables.delete(who.project, id)
