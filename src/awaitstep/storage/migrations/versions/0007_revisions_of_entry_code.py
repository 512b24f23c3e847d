"""Of two who change entry code at once, the second is told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "workflows", sa.Column("entry_revision", sa.Integer(), nullable=False, server_default="0")
    )
