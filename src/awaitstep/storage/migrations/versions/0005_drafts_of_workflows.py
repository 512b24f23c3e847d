"""Graphs that are being drawn and are not saved yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "workflows", sa.Column("draft_revision", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_table(
        "drafts",
        sa.Column(
            "workflow",
            sa.String(32),
            sa.ForeignKey("workflows.id", ondelete="CASCADE", name=op.f("fk_drafts_workflow")),
            nullable=False,
        ),
        sa.Column("ir", sa.JSON(), nullable=False),
        sa.Column("entry_code", sa.Text()),
        sa.Column(
            "base_version",
            sa.String(32),
            sa.ForeignKey("versions.id", ondelete="SET NULL", name=op.f("fk_drafts_base_version")),
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("workflow", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_base_version"), "drafts", ["base_version"])
