"""The `Workers` port: deployed modules seen from outside, and what an engine needs to load one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from awaitstep.engine.port import RunError


@dataclass(frozen=True, slots=True)
class Bundle:
    """One deployment, ready to load.

    `module` is the Python file, content-addressed and never changed. `variables` holds plain and
    secret values alike; they reach the runner over its link and are never written to disk for it.
    `bindings` maps a name in `env` to the id of the workflow it starts, `functions` one to the id
    of the function it calls. `class_name` is None for a worker without a workflow class.
    `environment` is the folder of the packages that the module may import besides the standard
    library, None when it declares none.
    """

    deployment: str
    workflow: str
    workflow_name: str
    module: Path
    class_name: str | None
    version: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    bindings: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    environment: Path | None = None


@dataclass(frozen=True, slots=True)
class Active:
    """The deployment of a workflow that is live now."""

    deployment: str
    version: str


class Bundles(Protocol):
    """Where an engine finds deployments by id."""

    async def bundle(self, deployment: str) -> Bundle:
        """Raises DeploymentMissing."""
        ...

    async def active(self, workflow: str, caller: str) -> Active:
        """What a call of `workflow` by the deployment `caller` reaches. Raises NotDeployed."""
        ...

    async def reached(self, workflow: str, caller: str) -> None:
        """Raises NotDeployed when the runs of `workflow` are out of reach of the deployment
        `caller`; they need not be live."""
        ...

    async def restore(self, environment: Path) -> None:
        """Install the packages of an environment that is not there (any more), as they were.

        Raises EnvironmentMissing.
        """
        ...


@dataclass(frozen=True, slots=True)
class WorkerRequest:
    """An HTTP request for a worker. `url` is absolute, without any worker-name prefix.

    `depth` counts the workers that wait for each other's answers, this one included.
    """

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    depth: int = 1


@dataclass(frozen=True, slots=True)
class WorkerResponse:
    """A worker's answer; headers are not yet cleaned for the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HandlerFailure:
    """A request that a deployment's handler failed to answer; `at` is in seconds since the epoch."""

    at: float
    error: RunError


@dataclass(frozen=True, slots=True)
class RunnerHealth:
    """`ready` once a runner has answered; `isolation` says why it is not isolated, if so, and
    `unwritten` why the journal can't be written now."""

    ready: bool
    runners: int
    isolated: bool
    isolation: str
    unwritten: str | None = None


class Workers(Protocol):
    """Answers requests to Worker URLs."""

    async def fetch(self, deployment: str, request: WorkerRequest) -> WorkerResponse:
        """Run the worker's fetch handler.

        Raises:
            DeploymentMissing: no such deployment.
            DeploymentCrashed: its intake is closed.
            RunnerUnavailable: no runner answered in time.
            WorkerFailed: the handler raised.
        """
        ...

    def crashed(self, deployment: str) -> str | None:
        """Why the deployment's intake is closed, None while it is open."""
        ...

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        """The last one since this process began."""
        ...

    def health(self) -> RunnerHealth: ...
