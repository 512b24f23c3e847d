"""The tables of the control database. A change here needs a migration (`storage/migrations`)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", String(32), primary_key=True)


def _project(ondelete: str = "CASCADE") -> Column[str]:
    return Column(
        "project", String(32), ForeignKey("projects.id", ondelete=ondelete), nullable=False
    )


def _created() -> Column[float]:
    return Column("created_at", Double, nullable=False)


settings: Final = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

organizations: Final = Table(
    "organizations",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    _created(),
)

projects: Final = Table(
    "projects",
    metadata,
    _id(),
    Column(
        "organization",
        String(32),
        ForeignKey("organizations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("name", Text, nullable=False),
    _created(),
)

connections: Final = Table(
    "connections",
    metadata,
    _id(),
    _project(),
    Column("type", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("is_default", Boolean(create_constraint=False), nullable=False),
    Column("builtin", Boolean(create_constraint=False), nullable=False),
    _created(),
    Column("account", Text),
    Column("plan", String(16)),
    Column("token", LargeBinary),
    UniqueConstraint("project", "name"),
)

workflows: Final = Table(
    "workflows",
    metadata,
    _id(),
    _project(),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("entry_code", Text),
    Column("dependencies", JSON, nullable=False),
    Column("payload_schema", JSON(none_as_null=True)),
    Column("limits", JSON(none_as_null=True)),
    Column("route", Text, unique=True),
    Column("worker_name", String(63), unique=True),
    Column("active_deployment", String(32)),
    # the last revision of a draft there was: it never counts from 1 again
    Column("draft_revision", Integer, nullable=False, server_default="0"),
    Column("entry_revision", Integer, nullable=False, server_default="0"),
    _created(),
    Column("updated_at", Double, nullable=False),
    Index(None, "project", "created_at"),
)

drafts: Final = Table(
    "drafts",
    metadata,
    Column(
        "workflow", String(32), ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("ir", JSON, nullable=False),
    Column("entry_code", Text),
    Column("base_version", String(32), ForeignKey("versions.id", ondelete="SET NULL"), index=True),
    Column("revision", Integer, nullable=False),
    Column("updated_at", Double, nullable=False),
)

versions: Final = Table(
    "versions",
    metadata,
    _id(),
    Column("workflow", String(32), ForeignKey("workflows.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("ir", JSON, nullable=False),
    Column("note", Text),
    Column("locked", Boolean(create_constraint=False), nullable=False),
    _created(),
    UniqueConstraint("workflow", "number"),
)

deployments: Final = Table(
    "deployments",
    metadata,
    _id(),
    _project(),
    Column("workflow", String(32), ForeignKey("workflows.id", ondelete="CASCADE"), nullable=False),
    Column("version", String(32), ForeignKey("versions.id"), nullable=False, index=True),
    Column("connection", String(32), ForeignKey("connections.id"), nullable=False, index=True),
    Column("worker_name", String(63), nullable=False),
    Column("module", String(64), nullable=False),
    Column("class_name", Text),
    Column("binding", Text),
    Column("step_nodes", JSON, nullable=False),
    Column("variables", LargeBinary, nullable=False),
    Column("workflows", JSON, nullable=False, server_default="{}"),
    Column("functions", JSON, nullable=False, server_default="{}"),
    Column("environment", String(64)),
    Column("url", Text),
    Column("made", JSON, nullable=False, server_default="{}"),
    Column("status", String(16), nullable=False),
    _created(),
    Index(None, "project", "created_at"),
    Index(None, "workflow", "created_at"),
)

variables: Final = Table(
    "env_vars",
    metadata,
    _id(),
    _project(),
    Column("workflow", String(32), ForeignKey("workflows.id", ondelete="CASCADE")),
    Column("name", String(128), nullable=False),
    Column("value", Text),
    Column("sealed", LargeBinary),
    _created(),
    Column("updated_at", Double, nullable=False),
    CheckConstraint("(value IS NULL) <> (sealed IS NULL)", name="one_value"),
    Index(
        "uq_env_vars_project_name",
        "project",
        "name",
        unique=True,
        sqlite_where=text("workflow IS NULL"),
        postgresql_where=text("workflow IS NULL"),
    ),
    Index("uq_env_vars_workflow_name", "workflow", "name", unique=True),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    _id(),
    _project(),
    Column("name", Text, nullable=False),
    Column("prefix", String(32), nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", JSON, nullable=False),
    _created(),
    Index(None, "project", "created_at"),
)

login_links: Final = Table(
    "login_links",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    _project(),
    _created(),
    Column("expires_at", Double, nullable=False),
)

sessions: Final = Table(
    "sessions",
    metadata,
    _id(),
    _project(),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    _created(),
    Column("expires_at", Double, nullable=False),
)
