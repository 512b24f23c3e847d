"""The seam to whatever runs the worker: the operations behind workflow bindings.

The runtime installs one backend per process before it loads any worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

Verb: TypeAlias = Literal["pause", "resume", "terminate", "restart"]


class Backend(Protocol):
    """What a runtime offers. Every method names the binding; refusals are raised as `WorkflowError`."""

    async def create(self, binding: str, id: str | None, params: Any) -> Mapping[str, Any]:
        """Starts an instance: `{"id": …}`. Makes up an id when none is given.

        Raises `instance.already_exists` when the id is taken.
        """
        ...

    async def create_batch(
        self, binding: str, instances: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Starts up to 100 instances, each `{"id"?, "params"?}`, independently of each other.

        Returns `{"created": [{"id"}], "errors": [{"index", "id"?, "code", "message"}]}`.
        """
        ...

    async def get(self, binding: str, id: str) -> Mapping[str, Any]:
        """`{"id": …}` of an instance that exists; otherwise raises `run.not_found`."""
        ...

    async def status(self, binding: str, id: str) -> Mapping[str, Any]:
        """`{"status", "output"?, "error"?: {"name", "message"}}` of an instance."""
        ...

    async def verb(self, binding: str, id: str, verb: Verb, **options: Any) -> None:
        """Pauses, resumes, terminates or restarts an instance; `run.state` when it cannot be.

        Options: `rollback: bool` with terminate; `from_step: {"name", "count", "type"?}` with
        restart, where count is 1-based and type `do`, `sleep` or `waitForEvent`.
        """
        ...

    async def send_event(self, binding: str, id: str, type: str, payload: Any) -> None:
        """Delivers an event to an instance, or keeps it until the instance waits for one."""
        ...

    async def fetch(
        self, binding: str, method: str, url: str, headers: Sequence[Sequence[str]], body: str
    ) -> Mapping[str, Any]:
        """Asks the worker behind a service binding: `{"status", "headers", "body"}`.

        Bodies are base64, headers pairs of name and value.
        """
        ...


_installed: Backend | None = None


def install(backend: Backend | None) -> None:
    """Makes a backend the one of this process; None removes it."""
    global _installed
    _installed = backend


def current() -> Backend:
    """The installed backend. RuntimeError outside a runtime."""
    if _installed is None:
        raise RuntimeError("workflow bindings work only inside a running worker")
    return _installed
