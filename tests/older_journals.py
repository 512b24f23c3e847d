"""Journals as older servers left them: what later formats brought is taken away again."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def downgrade(folder: Path, format: int) -> None:
    """Give the closed journal of a data folder the form of an older `format`, from 1 to 6."""
    db = sqlite3.connect(folder / "journal.sqlite")
    with db:
        if format < 5:
            _downgrade_before_5(db, format)
        db.execute(f"pragma user_version = {format}")
    db.close()


def _downgrade_before_5(db: sqlite3.Connection, format: int) -> None:
    db.execute("drop index runs_by_kind")
    db.execute("create index runs_by_deployment on runs (deployment) where status < 4")
    db.execute("create index runs_to_execute on runs (ref) where status < 2")
    if format < 4:
        db.execute("drop table notes")
    if format < 3:
        db.execute("drop index operations_to_retry")
    else:
        db.execute(
            "create index runs_by_kind on runs"
            " (workflow, status, trigger, deployment, version, created)"
        )
    if format < 2:
        db.execute("drop index runs_by_parent")
        for column in ("priority", "parent_epoch", "parent"):
            db.execute(f"alter table runs drop column {column}")
