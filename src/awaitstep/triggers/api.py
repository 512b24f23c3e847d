"""A call of the REST API, perhaps repeated with the same `Idempotency-Key`."""

from __future__ import annotations

import hashlib

from awaitstep.engine.port import StartRun
from awaitstep.triggers.target import Target


def start(
    target: Target,
    params: bytes | None,
    instance: str | None = None,
    priority: int = 0,
    traceparent: str | None = None,
) -> StartRun:
    return StartRun(
        target.workflow,
        target.deployment,
        "api",
        params,
        instance,
        target.version,
        priority=priority,
        traceparent=traceparent,
    )


def keyed_instance(workflow: str, key: str) -> str:
    """The instance id that stands for an idempotency key of this workflow, always the same."""
    return "idem-" + hashlib.sha256(f"{workflow}\0{key}".encode()).hexdigest()
