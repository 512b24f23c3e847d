"""Which deployment answers at an address. Asked on every request, so answers come from memory."""

from __future__ import annotations

from typing import Protocol


class Directory(Protocol):
    """Active deployments by worker name and by custom route."""

    def by_name(self, worker_name: str) -> str | None:
        """The active deployment of this worker, None when there is none."""
        ...

    def by_route(self, host: str, path: str) -> str | None:
        """The deployment whose custom route matches best.

        `host` is lower case, without port and trailing dot; `path` is percent-decoded.
        """
        ...
