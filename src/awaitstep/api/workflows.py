"""Workflows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import Field
from pydantic.alias_generators import to_camel

from awaitstep.api.access import App, Reader, Writer
from awaitstep.api.bodies import ApiRoute
from awaitstep.api.deploymentshapes import DeploymentShape, deployment_shape
from awaitstep.api.drafts import DraftShape, draft_shape
from awaitstep.api.model import Shape
from awaitstep.api.paging import Cursor, Limit, Listing
from awaitstep.api.problems import Refusal
from awaitstep.api.versionshapes import VersionShape, version_shape
from awaitstep.api.workflowshapes import (
    CreateWorkflow,
    LimitsShape,
    ListedWorkflowShape,
    MoveWorkflow,
    PatchWorkflow,
    WorkflowFields,
    WorkflowShape,
    WorkflowWithVariables,
    listed_workflow,
    workflow_fields,
    workflow_shape,
    workflow_with,
)
from awaitstep.app.errors import Invalid, invalid
from awaitstep.app.workflows import Edit
from awaitstep.wording import INVALID

router = APIRouter(prefix="/api", tags=["workflows"], route_class=ApiRoute)


class FullWorkflowShape(WorkflowWithVariables):
    """A workflow with its newest version, its active deployment and what is being drawn."""

    version: VersionShape | None
    deployment: DeploymentShape | None
    draft: DraftShape | None = Field(description="Null when everything is saved.")


class ExportShape(Shape):
    """A workflow as a file. Secrets are there by name only."""

    awaitstep: int = Field(description="The version of this format.")
    name: str
    description: str
    kind: str
    entry_code: str | None
    dependencies: list[str]
    payload_schema: dict[str, Any] | None
    limits: LimitsShape | None
    env_vars: list[dict[str, Any]]
    ir: dict[str, Any] | None


class RenameShape(Shape):
    """A node's id before and after, and its display name."""

    from_: str = Field(alias="from")
    to: str
    name: str


class NoteShape(Shape):
    """One change, in a node or in the graph."""

    node_id: str | None = None
    path: str
    message: str


class ImportedShape(WorkflowFields):
    """The new workflow, and what was changed so that its graph follows the rules."""

    missing_env_vars: list[str] = Field(description="Variables that still need a value.")
    renames: list[RenameShape] = Field(description="Nodes whose ids could not stay.")
    needs_porting: list[str] = Field(
        description="Nodes whose code is TypeScript, kept as a comment; `entryCode` for the entry."
    )
    notes: list[NoteShape] = Field(description="Other changes.")


@router.get("/workflows")
async def list_workflows(
    app: App,
    who: Reader,
    name: Annotated[str | None, Query(description="Only those with exactly this name.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Listing[ListedWorkflowShape]:
    """Newest first, each with its newest run and versions."""
    page = await app.workflows.page(who.project, limit, cursor, name)
    standings = await app.workflows.standings(who.project, page.items)
    return Listing[ListedWorkflowShape](
        data=[listed_workflow(workflow, standings[workflow.id]) for workflow in page.items],
        next_cursor=page.next_cursor,
    )


@router.post("/workflows", status_code=201)
async def create_workflow(body: CreateWorkflow, app: App, who: Writer) -> WorkflowShape:
    workflow = await app.workflows.create(
        who.project,
        name=body.name,
        description=body.description,
        kind=body.kind,
        ir=body.ir,
    )
    return workflow_shape(workflow)


@router.post("/workflows/import", status_code=201)
async def import_workflow(
    body: Annotated[dict[str, Any], Body(description="An export, or a bare graph.")],
    app: App,
    who: Writer,
) -> ImportedShape:
    """A new workflow from a file; 422 with every problem of it."""
    made = await app.transfer.import_(who.project, body)
    renames, notes = made.adopted.renames, made.adopted.notes
    return ImportedShape(
        **workflow_fields(made.workflow),
        missing_env_vars=made.missing,
        renames=[RenameShape.model_validate(rename, by_alias=True) for rename in renames],
        needs_porting=list(made.adopted.needs_porting),
        notes=[NoteShape.model_validate(note, by_alias=True) for note in notes],
    )


@router.get("/workflows/{id}")
async def get_workflow(id: str, app: App, who: Reader) -> WorkflowWithVariables:
    workflow = await app.workflows.get(who.project, id)
    return workflow_with(workflow, await app.workflows.variables(who.project, id))


@router.get("/workflows/{id}/full")
async def get_full_workflow(id: str, app: App, who: Reader) -> FullWorkflowShape:
    full = await app.workflows.full(who.project, id)
    beside = workflow_with(full.workflow, full.variables)
    return FullWorkflowShape(
        **workflow_fields(full.workflow),
        env_vars=beside.env_vars,
        version=None if full.version is None else version_shape(full.version),
        deployment=None if full.deployment is None else deployment_shape(full.deployment, app),
        draft=None if full.draft is None else draft_shape(full.draft),
    )


@router.get("/workflows/{id}/export")
async def export_workflow(id: str, app: App, who: Reader) -> ExportShape:
    return ExportShape.model_validate(await app.transfer.export(who.project, id), by_alias=True)


@router.patch("/workflows/{id}", responses={409: {}})
async def update_workflow(
    id: str, body: PatchWorkflow, app: App, who: Writer
) -> WorkflowWithVariables:
    workflow = await app.workflows.update(who.project, id, _edit(body))
    return workflow_with(workflow, await app.workflows.variables(who.project, id))


@router.patch("/workflows/{id}/move")
async def move_workflow(id: str, body: MoveWorkflow, app: App, who: Writer) -> WorkflowShape:
    """To another project that the caller sees; an API key sees its own only."""
    target = body.project_id
    reachable = {target} if await app.projects.sees(who, target) else set[str]()
    return workflow_shape(await app.workflows.move(who.project, id, target, reachable))


@router.delete("/workflows/{id}", status_code=204, responses={409: {}})
async def delete_workflow(
    id: str,
    app: App,
    who: Writer,
    force: Annotated[bool, Query(description="End its live runs.")] = False,
) -> None:
    """With its versions, deployments, variables and runs. 409 while runs are live."""
    await app.workflows.delete(who.project, id, force=force)


def _edit(body: PatchWorkflow) -> Edit:
    given = set(body.model_fields_set)
    if {"entry_code", "trigger_code"} <= given:
        raise Refusal(422, "entry.twice", "Give entryCode or triggerCode, not both.")
    if "trigger_code" in given:
        given.add("entry_code")
    if body.entry_revision is not None and "entry_code" not in given:
        raise invalid("request.invalid", "`entryRevision` goes with `entryCode`.", "entryRevision")
    if body.deploy_config is not None and "route" in body.deploy_config.model_fields_set:
        given.add("route")
    for field in ("name", "env_vars", "dependencies"):
        if field in given and getattr(body, field) is None:
            name = to_camel(field)
            detail = {"code": INVALID, "message": f"`{name}` can't be null.", "path": name}
            raise Invalid(detail["message"], "request.invalid", [detail])
    route = None if body.deploy_config is None else body.deploy_config.route
    return Edit(
        given=frozenset({"variables" if name == "env_vars" else name for name in given}),
        name=body.name,
        description=body.description,
        entry_code=body.entry_code if body.entry_code is not None else body.trigger_code,
        entry_revision=body.entry_revision,
        dependencies=body.dependencies or (),
        payload_schema=body.payload_schema,
        route=None if route is None else route.pattern,
        limits=None if body.limits is None else body.limits.model_dump(),
        variables=[variable.spec() for variable in body.env_vars or ()],
    )
