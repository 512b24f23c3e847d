"""Deployments on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from awaitstep.api.model import Body, Detail, Graph, Shape, at, details
from awaitstep.app import AwaitStep
from awaitstep.app.changes import Changed
from awaitstep.app.deployments import Deployed
from awaitstep.engine.workers import HandlerFailure
from awaitstep.storage.records import Deployment

IdText = Annotated[str, StringConstraints(max_length=128)]


class DeployBody(Body):
    connection_id: IdText | None = Field(default=None, description="Else the default one.")
    version_id: IdText | None = Field(default=None, description="Else the newest version.")
    unless_live: bool = Field(
        default=False,
        description="Do nothing when this version is live there, with the variables of now.",
    )


class ChangesBody(Body):
    ir: Graph


class TakedownBody(Body):
    terminate_runs: bool = Field(default=False, description="End its live runs as well.")


class DeployedShape(Shape):
    """What is live now. `url` is the Worker URL."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "success": True,
                    "deploymentId": "dep_uJ7hGf5Ds2Aq1Zx8Cv0Bn",
                    "versionId": "ver_3a9LkQz0PmN4vYxWb8TcR",
                    "connectionId": "conn_m2Jd8Wq5Rt1Yv7Bn3Kx9C",
                    "workerName": "refund-desk-v1stgx",
                    "url": "http://127.0.0.1:8787/refund-desk-v1stgx/",
                    "warnings": [],
                }
            ]
        },
    )

    success: Literal[True]
    deployment_id: str
    version_id: str
    connection_id: str
    worker_name: str
    url: str
    warnings: list[Detail] = Field(
        description="What will fail or surprise, such as a variable that is read but not set."
    )


class TakedownShape(Shape):
    """Intake is closed."""

    success: Literal[True]
    deployment_id: str | None = Field(description="What was live; null when nothing was.")
    live_runs: int = Field(description="Runs that go on.")
    terminated_runs: int


class HandlerFailureShape(Shape):
    """A request that the deployment's handler failed to answer: by a Worker URL, or of another worker."""

    at: datetime
    name: str = Field(examples=["KeyError"])
    message: str
    code: str | None = Field(
        description="Of an error of the server, or the `code` of the exception that was raised."
    )
    line: int | None = Field(description="In the deployed module, where it is known.")
    traceback: str | None = Field(
        description="As that of a run's error; null when there is none, and in lists of workflows."
    )


class DeploymentShape(Shape):
    """One version put live on one connection."""

    id: str
    workflow_id: str
    version_id: str
    connection_id: str
    worker_name: str
    url: str
    status: Literal["active", "superseded", "stopped"]
    crashed: str | None = Field(description="Why it takes no runs, when it crashed too often.")
    handler_failure: HandlerFailureShape | None = Field(
        description="The last request that its handler failed to answer, since the server's start."
        " Elsewhere it is not known."
    )
    created_at: datetime


class CodeChangeShape(Shape):
    """Python modules."""

    before: str | None = Field(description="Null when its file is lost.")
    after: str


class PackagesChangeShape(Shape):
    before: list[str] | None = Field(description="Null when the list is lost.")
    after: list[str]


class VariablesChangeShape(Shape):
    """Names; values are told to nobody."""

    added: list[str]
    changed: list[str]
    removed: list[str]


class ChangesShape(Shape):
    """What a deploy would change of what is live."""

    deployment_id: str = Field(description="What is live.")
    code: CodeChangeShape
    packages: PackagesChangeShape
    variables: VariablesChangeShape


def changes_shape(changed: Changed) -> ChangesShape:
    had = changed.packages_before
    return ChangesShape(
        deployment_id=changed.deployment,
        code=CodeChangeShape(before=changed.code_before, after=changed.code_after),
        packages=PackagesChangeShape(
            before=None if had is None else list(had), after=list(changed.packages_after)
        ),
        variables=VariablesChangeShape(
            added=changed.variables_added,
            changed=changed.variables_changed,
            removed=changed.variables_removed,
        ),
    )


def deployed_shape(deployed: Deployed) -> DeployedShape:
    return DeployedShape(
        success=True,
        deployment_id=deployed.deployment,
        version_id=deployed.version,
        connection_id=deployed.connection,
        worker_name=deployed.worker_name,
        url=deployed.url,
        warnings=details(deployed.warnings),
    )


def deployment_shape(deployment: Deployment, app: AwaitStep) -> DeploymentShape:
    return DeploymentShape(
        id=deployment.id,
        workflow_id=deployment.workflow,
        version_id=deployment.version,
        connection_id=deployment.connection,
        worker_name=deployment.worker_name,
        url=app.deployments.url(deployment),
        status=deployment.status,
        crashed=app.deployments.crashed(deployment.id),
        handler_failure=handler_failure(app.deployments.handler_failure(deployment.id)),
        created_at=at(deployment.created_at),
    )


def handler_failure(
    failed: HandlerFailure | None, *, traceback: bool = True
) -> HandlerFailureShape | None:
    if failed is None:
        return None
    error = failed.error
    return HandlerFailureShape(
        at=at(failed.at),
        name=error.name,
        message=error.message,
        code=error.code,
        line=error.line,
        traceback=error.traceback if traceback else None,
    )
