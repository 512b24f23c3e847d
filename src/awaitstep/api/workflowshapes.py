"""Workflows and their variables on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from awaitstep.api.deploymentshapes import HandlerFailureShape, handler_failure
from awaitstep.api.model import Body, Graph, Name, Shape, Text, at
from awaitstep.api.runshapes import StatusName
from awaitstep.app.variables import VariableSpec
from awaitstep.app.workflows import Standing
from awaitstep.storage.records import Variable, Workflow

KindName = Literal["workflow", "script"]
VariableName = Annotated[str, StringConstraints(max_length=256)]
Duration = Annotated[str, StringConstraints(max_length=64)]
VariableValue = Annotated[str, StringConstraints(max_length=64 * 1024)]


class RouteBody(Body):
    pattern: Annotated[str, StringConstraints(max_length=2048)] = Field(
        examples=["api.example.com/orders/*", "orders.example.com"]
    )


class DeployConfigBody(Body):
    route: RouteBody | None = Field(
        default=None, description="A custom route, or a host of one's own alone; null for none."
    )


class VariableBody(Body):
    """A variable of a workflow. Without `value` the stored one stays."""

    name: VariableName
    value: VariableValue | None = None
    is_secret: bool | None = None

    def spec(self) -> VariableSpec:
        return VariableSpec(self.name, self.value, self.is_secret)


class StartsBody(Body):
    """So many runs begin in each period."""

    limit: int | None = Field(default=None, json_schema_extra={"minimum": 1})
    period: Duration | None = Field(default=None, examples=["1 minute"])


class RetentionBody(Body):
    """How long ended runs are kept, counted from when they were created; null is for ever."""

    completed: Duration | None = Field(default=None, examples=["30 days"])
    failed: Duration | None = Field(
        default=None, examples=["90 days"], description="Errored and terminated ones."
    )
    most: int | None = Field(
        default=None,
        description="So many of the newest, whatever their age.",
        json_schema_extra={"minimum": 1},
    )


class LimitsBody(Body):
    """What the runs of a workflow may take; null is no limit."""

    concurrency: int | None = Field(
        default=None,
        description="Runs executed at once; one that sleeps or waits is none of them.",
        json_schema_extra={"minimum": 1},
    )
    starts: StartsBody | None = None
    retention: RetentionBody | None = None


class CreateWorkflow(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Refund desk"}]})

    name: Name
    description: Text = ""
    kind: KindName | None = Field(default=None, description="The graph's, else workflow.")
    ir: Graph | None = Field(default=None, description="Becomes version 1.")


class PatchWorkflow(Body):
    """Only the fields that are there are changed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"deployConfig": {"route": {"pattern": "api.example.com/orders/*"}}}]
        }
    )

    name: Name | None = None
    description: Text | None = None
    entry_code: Text | None = Field(default=None, description="Null is the default entry code.")
    entry_revision: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        default=None,
        description="Of the entry code that was read last: 409 when it was changed since. "
        "Without it, whatever is there is replaced.",
    )
    trigger_code: Text | None = Field(
        default=None,
        description="Another name of `entryCode`.",
        json_schema_extra={"deprecated": True},
    )
    env_vars: list[VariableBody] | None = Field(
        default=None, description="The whole list: variables that are not in it are removed."
    )
    dependencies: list[Text] | None = Field(default=None, examples=[["httpx>=0.28"]])
    deploy_config: DeployConfigBody | None = None
    payload_schema: dict[str, Any] | None = None
    limits: LimitsBody | None = Field(
        default=None, description="All of them: what is not in it is no limit any more."
    )


class MoveWorkflow(Body):
    project_id: Annotated[str, StringConstraints(max_length=128)]


class VariableShape(Shape):
    """A variable. The value of a secret is never answered."""

    id: str
    name: str
    value: str | None = Field(description="Null for a secret.")
    is_secret: bool
    created_at: datetime
    updated_at: datetime


class RouteShape(Shape):
    pattern: str


class DeployConfigShape(Shape):
    route: RouteShape | None


class StartsShape(Shape):
    limit: int
    period: str


class RetentionShape(Shape):
    completed: str | None = None
    failed: str | None = None
    most: int | None = None


class LimitsShape(Shape):
    """What the runs of a workflow may take; null is no limit."""

    concurrency: int | None = None
    starts: StartsShape | None = None
    retention: RetentionShape | None = None


class WorkflowFields(Shape):
    id: str
    project_id: str
    name: str
    description: str
    kind: KindName
    entry_code: str | None = Field(description="Null is the default entry code.")
    entry_revision: int = Field(description="Raised by each change of the entry code.")
    dependencies: list[str]
    payload_schema: dict[str, Any] | None
    deploy_config: DeployConfigShape
    limits: LimitsShape | None = Field(description="Null is no limit at all.")
    worker_name: str | None = Field(description="Given at the first deploy, then fixed.")
    active_deployment_id: str | None
    created_at: datetime
    updated_at: datetime


class WorkflowShape(WorkflowFields):
    """A workflow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "wf_V1StGXR8_Z5jdHi6B-myT",
                    "projectId": "proj_b3Xw0RkLq9TzN2sYv7MdP",
                    "name": "Refund desk",
                    "description": "",
                    "kind": "workflow",
                    "entryCode": None,
                    "entryRevision": 0,
                    "dependencies": [],
                    "payloadSchema": None,
                    "deployConfig": {"route": None},
                    "limits": {
                        "concurrency": 5,
                        "starts": {"limit": 100, "period": "1 minute"},
                        "retention": {"completed": "30 days", "failed": None, "most": None},
                    },
                    "workerName": "refund-desk-v1stgx",
                    "activeDeploymentId": "dep_uJ7hGf5Ds2Aq1Zx8Cv0Bn",
                    "createdAt": "2026-11-23T10:00:00Z",
                    "updatedAt": "2026-11-23T10:00:00Z",
                }
            ]
        },
    )


class LastRunShape(Shape):
    """The run that was created last."""

    instance_id: str
    status: StatusName
    created_at: datetime


class ListedWorkflowShape(WorkflowFields):
    """A workflow and how it stands."""

    url: str | None = Field(description="Its Worker URL; null when nothing is live.")
    live_version: int | None = Field(description="The number of the version that is live.")
    newest_version: int | None = Field(description="Null when nothing was saved yet.")
    crashed: str | None = Field(description="Why what is live takes no runs.")
    last_run: LastRunShape | None
    handler_failure: HandlerFailureShape | None = Field(
        description="The last request that the handler of what is live failed to answer, since the"
        " server's start. Elsewhere it is not known."
    )


class WorkflowWithVariables(WorkflowFields):
    """A workflow and its own variables."""

    env_vars: list[VariableShape]


def workflow_fields(workflow: Workflow) -> dict[str, Any]:
    limits = workflow.limits
    route = None if workflow.route is None else RouteShape(pattern=workflow.route)
    return {
        "id": workflow.id,
        "project_id": workflow.project,
        "name": workflow.name,
        "description": workflow.description,
        "kind": workflow.kind,
        "entry_code": workflow.entry_code,
        "entry_revision": workflow.entry_revision,
        "dependencies": workflow.dependencies,
        "payload_schema": workflow.payload_schema,
        "deploy_config": DeployConfigShape(route=route),
        "limits": None if limits is None else LimitsShape.model_validate(limits),
        "worker_name": workflow.worker_name,
        "active_deployment_id": workflow.active_deployment,
        "created_at": at(workflow.created_at),
        "updated_at": at(workflow.updated_at),
    }


def workflow_shape(workflow: Workflow) -> WorkflowShape:
    return WorkflowShape(**workflow_fields(workflow))


def listed_workflow(workflow: Workflow, standing: Standing) -> ListedWorkflowShape:
    run = standing.last_run
    return ListedWorkflowShape(
        **workflow_fields(workflow),
        url=standing.url,
        live_version=standing.numbers.live,
        newest_version=standing.numbers.newest,
        crashed=standing.crashed,
        last_run=None
        if run is None
        else LastRunShape(
            instance_id=run.instance, status=run.status.value, created_at=at(run.created_at)
        ),
        handler_failure=handler_failure(standing.handler_failure, traceback=False),
    )


def workflow_with(workflow: Workflow, variables: Sequence[Variable]) -> WorkflowWithVariables:
    return WorkflowWithVariables(
        **workflow_fields(workflow),
        env_vars=[variable_shape(variable) for variable in variables],
    )


def variable_shape(variable: Variable) -> VariableShape:
    return VariableShape(
        id=variable.id,
        name=variable.name,
        value=None if variable.secret else variable.value,
        is_secret=variable.secret,
        created_at=at(variable.created_at),
        updated_at=at(variable.updated_at),
    )
