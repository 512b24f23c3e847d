"""A request to the worker's URL; its entry code chose params and perhaps the id."""

from __future__ import annotations

from awaitstep.engine.port import StartRun
from awaitstep.triggers.target import Target


def start(target: Target, params: bytes | None, instance: str | None = None) -> StartRun:
    return StartRun(target.workflow, target.deployment, "http", params, instance, target.version)
