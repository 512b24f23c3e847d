"""Versions on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from awaitstep.api.model import Body, Detail, Graph, Shape, Text, at, details
from awaitstep.app.versions import Saved
from awaitstep.storage.records import Version


class CreateVersion(Body):
    ir: Graph
    note: Text | None = None


class PatchVersion(Body):
    """Only the fields that are there are changed."""

    locked: bool | None = Field(default=None, description="A locked version can't be deleted.")
    note: Text | None = Field(default=None, description="Empty for none.")


class VersionSummary(Shape):
    """One saved graph, without it."""

    id: str
    workflow_id: str
    version: int
    note: str | None
    locked: bool
    created_at: datetime


class VersionShape(VersionSummary):
    """One saved graph."""

    ir: dict[str, Any]


class SavedShape(VersionShape):
    """A version that was just saved."""

    warnings: list[Detail]


def _fields(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "workflow_id": version.workflow,
        "version": version.number,
        "note": version.note,
        "locked": version.locked,
        "created_at": at(version.created_at),
    }


def version_summary(version: Version) -> VersionSummary:
    return VersionSummary(**_fields(version))


def version_shape(version: Version) -> VersionShape:
    return VersionShape(**_fields(version), ir=version.ir)


def saved_shape(saved: Saved) -> SavedShape:
    return SavedShape(
        **_fields(saved.version),
        ir=saved.version.ir,
        warnings=details(saved.warnings),
    )
