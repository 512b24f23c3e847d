"""Where secrets are sealed to. A value copied to another row, or another owner's, won't open."""

from __future__ import annotations


def variable(id: str, project: str) -> str:
    return f"env_var/{id}/{project}"


def deployment(id: str, workflow: str) -> str:
    return f"deployment/{id}/{workflow}"


def connection(id: str, project: str) -> str:
    return f"connection/{id}/{project}"
