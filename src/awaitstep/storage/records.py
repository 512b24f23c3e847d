"""The rows of the control database as plain values. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypedDict, TypeVar

Kind = Literal["workflow", "script"]
DeploymentStatus = Literal["active", "superseded", "stopped"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows and the cursor of the next page (None on the last)."""

    items: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Organization:
    id: str
    name: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    organization: str
    name: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Connection:
    """A place to deploy to. A `builtin` one was there from the start and stays.

    Where it is an account elsewhere: its id, its plan, and the sealed token that opens it.
    """

    id: str
    project: str
    type: str
    name: str
    is_default: bool
    builtin: bool
    created_at: float
    account: str | None = None
    plan: str | None = None
    token: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Workflow:
    """`worker_name` is fixed at the first deploy; `route` is a `host/path*` pattern or a host
    alone.

    `limits` is what its runs may take, in the form that `app.limits` gives it; None is no limit.
    `entry_revision` is raised by each change of the entry code.
    """

    id: str
    project: str
    name: str
    description: str
    kind: Kind
    entry_code: str | None
    dependencies: list[str]
    payload_schema: dict[str, Any] | None
    route: str | None
    worker_name: str | None
    active_deployment: str | None
    created_at: float
    updated_at: float
    limits: dict[str, Any] | None = None
    entry_revision: int = 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of a workflow's versions: the number of the newest, and of the one that is live."""

    newest: int | None = None
    live: int | None = None


class WorkflowPatch(TypedDict, total=False):
    """What may change about a workflow."""

    name: str
    description: str
    entry_code: str | None
    dependencies: list[str]
    payload_schema: dict[str, Any] | None
    route: str | None
    limits: dict[str, Any] | None
    updated_at: float


@dataclass(frozen=True, slots=True)
class Version:
    """One saved graph. `number` is 0 until it is stored."""

    id: str
    workflow: str
    number: int
    ir: dict[str, Any]
    note: str | None
    locked: bool
    created_at: float


@dataclass(frozen=True, slots=True)
class Draft:
    """A graph that is being drawn; it need not be valid.

    `base_version` is the version it was begun from, None when that was none or is deleted.
    `entry_code` None means that the workflow's own was not touched. `revision` is raised by each
    change; a later draft of the workflow goes on counting.
    """

    workflow: str
    ir: dict[str, Any]
    entry_code: str | None
    base_version: str | None
    revision: int
    updated_at: float


@dataclass(frozen=True, slots=True)
class Deployment:
    """One version put live. `variables` is sealed; `module` is the file's SHA-256.

    `workflows` and `functions` are what the module calls: a name in `env` and a workflow's id.
    `environment` names the packages it declares, None when it declares none. `url` is the Worker
    URL where only the deploy told it; `made` is what the provider made there.
    """

    id: str
    project: str
    workflow: str
    version: str
    connection: str
    worker_name: str
    module: str
    class_name: str | None
    binding: str | None
    step_nodes: dict[str, str]
    variables: bytes
    status: DeploymentStatus
    created_at: float
    workflows: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    environment: str | None = None
    url: str | None = None
    made: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a project, or of one workflow. Exactly one of `value` and `sealed` is set."""

    id: str
    project: str
    workflow: str | None
    name: str
    value: str | None
    sealed: bytes | None
    created_at: float
    updated_at: float

    @property
    def secret(self) -> bool:
        return self.sealed is not None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: `prefix` finds it, `digest` (SHA-256 of the whole) proves it."""

    id: str
    project: str
    name: str
    prefix: str
    digest: bytes
    scopes: list[str]
    created_at: float


@dataclass(frozen=True, slots=True)
class LoginLink:
    """A link that begins one session: `digest` is the SHA-256 of its token."""

    digest: bytes
    project: str
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in: `digest` is the SHA-256 of its cookie."""

    id: str
    project: str
    digest: bytes
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A workflow as triggers, Worker URLs and the engine see it.

    `engine` is the type of the connection that holds its runs, `limits` what they may take,
    `payload_schema` what their params must look like, `url` its Worker URL where only the deploy
    told it.
    """

    workflow: str
    project: str
    engine: str
    worker_name: str | None = None
    route: str | None = None
    deployment: str | None = None
    version: str = ""
    connection: str | None = None
    kind: Kind = "workflow"
    limits: dict[str, Any] | None = None
    url: str | None = None
    name: str = ""
    payload_schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """The project that is there from the start, with its built-in connection."""

    organization: Organization
    project: Project
    connection: Connection


@dataclass(frozen=True, slots=True)
class FullWorkflow:
    """A workflow with what an editor opens beside it."""

    workflow: Workflow
    version: Version | None
    deployment: Deployment | None
    variables: list[Variable] = field(default_factory=list)
    draft: Draft | None = None
