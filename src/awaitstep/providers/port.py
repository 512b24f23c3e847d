"""The `Provider` port: what a type of connection offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from awaitstep.engine.port import Runs
from awaitstep.engine.workers import HandlerFailure, RunnerHealth


@dataclass(frozen=True, slots=True)
class ProviderCapabilities:
    """What a provider can do, as data: callers ask this, never the provider's type.

    `title` is what a person is told that it is, `permissions` what a token needs, as its place calls
    them. `plans` are what an account there may have paid for, the first is the usual one.
    `runs_outlive_takedown`: runs go on and are told of after their worker was taken down.
    `calls_must_be_live`: what a module calls must be deployed there before it. `pins_code`: a run
    goes on with the code it began with when its workflow is deployed anew. `schedules`: cron
    triggers start runs.
    """

    title: str
    needs_token: bool = False
    permissions: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    custom_routes: bool = True
    runs_outlive_takedown: bool = True
    calls_must_be_live: bool = False
    pins_code: bool = True
    schedules: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A compiled module on its way to a worker."""

    worker_name: str
    source: str
    requirements: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """A workflow that a module starts: where it is deployed, and its class there."""

    worker_name: str
    class_name: str


# What `deploy` made elsewhere, for the next deploy and the takedown; JSON.
Made = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Release:
    """A bundle and all that goes live with it.

    `workflows` and `functions` are the names in `env` of what the module calls, and where that is.
    `environment` is what `prepare` named. `before` is what the last deploy of this worker to this
    connection made, None when there was none or it was taken down.
    """

    deployment: str
    workflow: str
    connection: str
    worker_name: str
    bundle: str
    class_name: str | None = None
    binding: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    workflows: Mapping[str, Called] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    route: str | None = None
    schedules: tuple[str, ...] = ()
    environment: str | None = None
    before: Made | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """What `deploy` achieved. `unchanged`: it was there already, and nothing was touched."""

    url: str
    made: Made = field(default_factory=dict)
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """Where a token may deploy to; `missing` names the permissions it lacks there."""

    id: str
    name: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Something of a module that is otherwise there than elsewhere; `error` keeps it from going."""

    severity: Literal["error", "warning"]
    code: str
    message: str


class TokenRefused(Exception):
    """The token can't be used; the message says why."""


class DeployFailed(Exception):
    """`stage` failed, and what was live before still is. `away`: the same may work later."""

    def __init__(self, stage: str, why: str, *, away: bool = False) -> None:
        super().__init__(f"{stage} failed: {why}")
        self.stage = stage
        self.why = why
        self.away = away


class BundleRefused(Exception):
    """The provider can't run this module; the message is for its author."""


class FilesUnavailable(Exception):
    """The module's files can't be stored now; the same request may work later."""


class PackagesRefused(Exception):
    """These packages can't be had together, or at all; the message is for who declared them."""


class PackagesUnavailable(Exception):
    """The packages can't be fetched now; the same request may work later."""


class Provider(Protocol):
    """One type of connection."""

    @property
    def type(self) -> str:
        """As a connection's `type` names it."""
        ...

    @property
    def capabilities(self) -> ProviderCapabilities: ...

    @property
    def runs(self) -> Runs:
        """The engine that holds the runs of what is deployed here."""
        ...

    def validate(self, module: Module) -> None:
        """Raises BundleRefused."""
        ...

    def differences(self, module: Module, *, live: bool, plan: str | None) -> Sequence[Difference]:
        """What of the module is otherwise here than on the embedded engine; errors first.

        `live` says that an earlier deploy may have runs under way, `plan` is the connection's.
        """
        ...

    async def prepare(self, module: Module, tell: Callable[[str], None]) -> str | None:
        """Have the packages of the module ready; what names them, None when it needs none.

        `tell` is called with one line for a person whenever something was done.
        Raises PackagesRefused, PackagesUnavailable.
        """
        ...

    async def bundle(self, module: Module) -> str:
        """Put the files in place, durably, and name them by their SHA-256.

        Raises FilesUnavailable.
        """
        ...

    def source(self, bundle: str) -> str | None:
        """The module of a bundle, read from where it is kept; None when it is lost. It may block."""
        ...

    def packages(self, environment: str) -> tuple[str, ...] | None:
        """The requirements that `prepare` named so; None when that is lost. It may block."""
        ...

    async def accounts(self, token: str) -> Sequence[Account]:
        """What the token opens, as the provider itself says. Raises TokenRefused, DeployFailed."""
        ...

    async def deploy(self, release: Release, tell: Callable[[str], None]) -> Live:
        """Make the bundle reachable. The same release again changes nothing.

        `tell` is called with one line for a person at each stage. Raises DeployFailed: what was
        live before still is.
        """
        ...

    async def takedown(self, connection: str, worker_name: str, made: Made) -> None:
        """Remove what `deploy` made and nothing else; again is no error. Runs are left alone where
        they outlive this.

        Raises DeployFailed.
        """
        ...

    def url(self, worker_name: str) -> str | None:
        """The Worker URL, None when only `deploy` tells it."""
        ...

    def crashed(self, deployment: str) -> str | None:
        """Why the deployment takes no runs, None while it does."""
        ...

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        """The last request that the deployment's handler gave no answer to, where that is known."""
        ...

    def health(self) -> RunnerHealth: ...
