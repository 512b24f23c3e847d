"""What of Cloudflare a connection opens, and where the runs of a workflow are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from awaitstep.providers.cloudflare.client import Client


@dataclass(frozen=True, slots=True)
class Place:
    """An account with a client that may use it, by one connection. `plan` is `free` or `paid`."""

    client: Client
    account: str
    plan: str
    connection: str

    @property
    def base(self) -> str:
        """The path below which all of the account is."""
        return f"/accounts/{self.account}"

    def script(self, worker_name: str) -> str:
        return f"{self.base}/workers/scripts/{worker_name}"

    def workflow(self, worker_name: str) -> str:
        """A workflow has its worker's name, which comes of its id and never changes."""
        return f"{self.base}/workflows/{worker_name}"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the runs of a workflow are, and its live deployment with the version of the workflow.

    `versions` has both for each of Cloudflare's version ids that is known.
    """

    place: Place
    worker_name: str
    deployment: str
    version: str
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class NoPlace(Exception):
    """The connection is gone, or its token can't be opened; the message says which."""


class Places(Protocol):
    async def of(self, connection: str) -> Place:
        """Raises NoPlace."""
        ...

    async def whereabouts(self, workflow: str) -> Whereabouts | None:
        """None when it was never deployed to Cloudflare, or was taken down."""
        ...
