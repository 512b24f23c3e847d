"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organization", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization"],
            ["organizations.id"],
            name=op.f("fk_projects_organization"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
    )
    op.create_index(op.f("ix_projects_organization"), "projects", ["organization"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("project", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_api_keys_project"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_index(
        op.f("ix_api_keys_project_created_at"), "api_keys", ["project", "created_at"], unique=False
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("project", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("builtin", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_connections_project"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("project", "name", name=op.f("uq_connections_project_name")),
    )
    op.create_table(
        "workflows",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("project", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("entry_code", sa.Text(), nullable=True),
        sa.Column("dependencies", sa.JSON(), nullable=False),
        sa.Column("payload_schema", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("worker_name", sa.String(length=63), nullable=True),
        sa.Column("active_deployment", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_workflows_project"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
        sa.UniqueConstraint("route", name=op.f("uq_workflows_route")),
        sa.UniqueConstraint("worker_name", name=op.f("uq_workflows_worker_name")),
    )
    op.create_index(
        op.f("ix_workflows_project_created_at"),
        "workflows",
        ["project", "created_at"],
        unique=False,
    )
    op.create_table(
        "env_vars",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("project", sa.String(length=32), nullable=False),
        sa.Column("workflow", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "(value IS NULL) <> (sealed IS NULL)", name=op.f("ck_env_vars_one_value")
        ),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_env_vars_project"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workflow"], ["workflows.id"], name=op.f("fk_env_vars_workflow"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_env_vars")),
    )
    op.create_index(
        "uq_env_vars_project_name",
        "env_vars",
        ["project", "name"],
        unique=True,
        sqlite_where=sa.text("workflow IS NULL"),
        postgresql_where=sa.text("workflow IS NULL"),
    )
    op.create_index("uq_env_vars_workflow_name", "env_vars", ["workflow", "name"], unique=True)
    op.create_table(
        "versions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("workflow", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ir", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow"], ["workflows.id"], name=op.f("fk_versions_workflow"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versions")),
        sa.UniqueConstraint("workflow", "number", name=op.f("uq_versions_workflow_number")),
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("project", sa.String(length=32), nullable=False),
        sa.Column("workflow", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("connection", sa.String(length=32), nullable=False),
        sa.Column("worker_name", sa.String(length=63), nullable=False),
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("class_name", sa.Text(), nullable=True),
        sa.Column("binding", sa.Text(), nullable=True),
        sa.Column("step_nodes", sa.JSON(), nullable=False),
        sa.Column("variables", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"], ["connections.id"], name=op.f("fk_deployments_connection")
        ),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_deployments_project"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["version"], ["versions.id"], name=op.f("fk_deployments_version")),
        sa.ForeignKeyConstraint(
            ["workflow"], ["workflows.id"], name=op.f("fk_deployments_workflow"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
    )
    op.create_index(op.f("ix_deployments_connection"), "deployments", ["connection"], unique=False)
    op.create_index(
        op.f("ix_deployments_project_created_at"),
        "deployments",
        ["project", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_deployments_version"), "deployments", ["version"], unique=False)
    op.create_index(
        op.f("ix_deployments_workflow_created_at"),
        "deployments",
        ["workflow", "created_at"],
        unique=False,
    )
