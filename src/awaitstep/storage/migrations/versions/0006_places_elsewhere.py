"""What connections to accounts need, and what deployments made there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("account", sa.Text()))
    op.add_column("connections", sa.Column("plan", sa.String(16)))
    op.add_column("connections", sa.Column("token", sa.LargeBinary()))
    op.add_column("deployments", sa.Column("url", sa.Text()))
    op.add_column("deployments", sa.Column("made", sa.JSON(), nullable=False, server_default="{}"))
