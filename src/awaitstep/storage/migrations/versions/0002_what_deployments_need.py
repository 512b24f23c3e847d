"""What a deployment needs besides its module: the workflows and functions it calls, its packages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("workflows", "functions"):
        column = sa.Column(name, sa.JSON(), nullable=False, server_default="{}")
        op.add_column("deployments", column)
    op.add_column("deployments", sa.Column("environment", sa.String(length=64)))
