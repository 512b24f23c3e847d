"""The `Provider` port: what a type of connection offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from awaitstep.engine.port import Runs
from awaitstep.engine.workers import RunnerHealth


@dataclass(frozen=True, slots=True)
class ProviderCapabilities:
    """What a provider can do, as data: callers ask this, never the provider's type."""

    needs_token: bool = False
    custom_routes: bool = True


@dataclass(frozen=True, slots=True)
class Module:
    """A compiled module on its way to a worker."""

    worker_name: str
    source: str
    requirements: tuple[str, ...] = ()


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

    async def deploy(self, worker_name: str, bundle: str) -> str:
        """Make the bundle reachable; the Worker URL."""
        ...

    async def takedown(self, worker_name: str) -> None:
        """Stop what `deploy` started. Runs are left alone."""
        ...

    def url(self, worker_name: str) -> str:
        """The Worker URL."""
        ...

    def crashed(self, deployment: str) -> str | None:
        """Why the deployment takes no runs, None while it does."""
        ...

    def health(self) -> RunnerHealth: ...
