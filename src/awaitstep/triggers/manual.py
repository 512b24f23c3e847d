"""A person pressed Run."""

from __future__ import annotations

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
        "manual",
        params,
        instance,
        target.version,
        priority=priority,
        traceparent=traceparent,
    )
