"""What a trigger starts: the active deployment of a workflow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    workflow: str
    deployment: str
    version: str
