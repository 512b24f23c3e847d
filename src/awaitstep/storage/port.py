"""The `Store` port: what the use cases ask of the control database.

Calls are synchronous and may take milliseconds: never make one from the event loop. Every method
that takes a `project` binds it in the query itself, so that another project's id is just missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from awaitstep.storage.records import (
    ApiKey,
    Connection,
    Deployment,
    Draft,
    Entry,
    FullWorkflow,
    Home,
    LoginLink,
    Numbers,
    Organization,
    Page,
    Project,
    Session,
    Variable,
    Version,
    Workflow,
    WorkflowPatch,
)

# Kinds that a person knows by another word.
_WORDS: Final = {"env_var": "variable", "api_key": "key", "entry": "entry code"}


class StoreError(Exception):
    """What the store refuses."""


class Missing(StoreError):
    """No such row, or it is another project's."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"There is no {_WORDS.get(kind, kind)} {id!r}.")
        self.kind = kind


class Taken(StoreError):
    """A name that must be unique is in use; `field` says which."""

    def __init__(self, kind: str, field: str) -> None:
        super().__init__(f"This {_WORDS.get(kind, kind)} {field.replace('_', ' ')} is taken.")
        self.kind = kind
        self.field = field


class InUse(StoreError):
    """The row can't be removed while others need it."""

    def __init__(self, kind: str, by: str) -> None:
        super().__init__(f"This {kind} is still needed by {by}.")
        self.kind = kind


class Stale(StoreError):
    """What was to be replaced was changed meanwhile; `revision` is that of now, 0 for none.

    `field` is where the revision was given that is not that of now.
    """

    def __init__(self, kind: str, revision: int, field: str = "revision") -> None:
        super().__init__(f"This {_WORDS.get(kind, kind)} was changed meanwhile; read it again.")
        self.kind = kind
        self.revision = revision
        self.field = field


class BadCursor(StoreError):
    """A cursor that no page gave out."""

    def __init__(self) -> None:
        super().__init__("The cursor was not made by this list.")


class StoreDamaged(StoreError):
    """Something of the database's files is not what was written; nothing of it was changed."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            f"The control database {path} is damaged: {what}. It is left as it is. Go on with a "
            "backup, or see docs/how-to/recover-from-disk-faults.md."
        )


class StoreUnavailable(StoreError):
    """The database can't be read or written now (disk full, read-only, locked)."""

    def __init__(self, reason: str = "") -> None:
        why = f": {reason}" if reason else " right now"
        super().__init__(f"The control database can't be used{why}. Nothing was changed.")


class Tenancy(Protocol):
    def home(self) -> Home | None: ...

    def create_home(self, home: Home) -> None: ...

    def setting(self, name: str) -> bytes | None: ...

    def put_setting(self, name: str, value: bytes) -> None:
        """Keep `value` unless the setting is there already."""
        ...

    def replace_setting(self, name: str, value: bytes) -> None: ...

    def project(self, id: str) -> tuple[Project, Organization]:
        """A project and whose it is. Raises Missing."""
        ...

    def projects(self, organization: str, limit: int, cursor: str | None) -> Page[Project]: ...

    def create_project(self, project: Project, connection: Connection) -> Project:
        """The first project stays the oldest, whatever the clock says: a later one is later."""
        ...

    def rename_project(self, organization: str, id: str, name: str) -> Project:
        """Raises Missing."""
        ...


class Workflows(Protocol):
    def create(
        self, workflow: Workflow, version: Version | None, variables: Sequence[Variable]
    ) -> None: ...

    def get(self, project: str, id: str) -> Workflow: ...

    def full(self, project: str, id: str) -> FullWorkflow: ...

    def page(
        self, project: str, limit: int, cursor: str | None, name: str | None = None
    ) -> Page[Workflow]:
        """`name`, when given, is the exact one; several workflows may have it."""
        ...

    def ids(self, project: str) -> Sequence[str]: ...

    def numbers(self, project: str, ids: Sequence[str]) -> Mapping[str, Numbers]:
        """Of the workflows that are there."""
        ...

    def update(
        self,
        project: str,
        id: str,
        patch: WorkflowPatch,
        own: Sequence[Variable] | None,
        entry_revision: int | None = None,
    ) -> Workflow:
        """Change it; `own` variables, when given, replace those it has. Raises Taken, Stale (its
        entry code, when that is to change, has another revision than the one given)."""
        ...

    def move(
        self, project: str, id: str, target: str, variables: Sequence[Variable], now: float
    ) -> Workflow:
        """Give it to another project, its deployments to the connections there."""
        ...

    def delete(self, project: str, id: str) -> None: ...

    def entries(self) -> Sequence[Entry]: ...

    def entry(self, id: str) -> Entry | None: ...


class Versions(Protocol):
    """`ref` is a version's id or its number."""

    def create(self, project: str, version: Version) -> Version:
        """Store it under the workflow's next number; a draft of the same graph goes."""
        ...

    def get(self, project: str, workflow: str, ref: str) -> Version: ...

    def latest(self, project: str, workflow: str) -> Version:
        """Raises Missing when nothing was saved yet."""
        ...

    def page(
        self, project: str, workflow: str, limit: int, cursor: str | None
    ) -> Page[Version]: ...

    def update(
        self, project: str, workflow: str, ref: str, *, locked: bool | None, note: str | None
    ) -> Version:
        """None leaves a field as it is; an empty note removes it."""
        ...

    def delete(self, project: str, workflow: str, ref: str) -> None:
        """Raises InUse while a deployment was made from it."""
        ...


class Drafts(Protocol):
    """At most one for each workflow."""

    def get(self, project: str, workflow: str) -> Draft: ...

    def put(self, project: str, draft: Draft) -> Draft:
        """Store it in the place of revision `draft.revision` (0: there is none), as the next one.

        Raises Stale, Missing (the workflow or the base version).
        """
        ...

    def delete(self, project: str, workflow: str) -> None: ...


class Deployments(Protocol):
    def activate(self, deployment: Deployment) -> None:
        """Store it and make it the workflow's active one. Raises Taken for the worker name."""
        ...

    def stop(self, project: str, workflow: str) -> Deployment | None:
        """Leave the workflow without an active deployment; the one it had."""
        ...

    def page(
        self, project: str, workflow: str | None, limit: int, cursor: str | None
    ) -> Page[Deployment]: ...

    def name_worker(self, project: str, workflow: str, names: Sequence[str]) -> str:
        """The name of its worker: the one it has, else the first of these that is free, from now on.

        Raises Missing, Taken.
        """
        ...

    def load(self, id: str) -> Deployment:
        """For the engine, which holds runs of every project."""
        ...

    def environments(self) -> set[str]:
        """The sets of packages that deployments of any project name."""
        ...


class Connections(Protocol):
    def create(self, connection: Connection) -> None: ...

    def get(self, project: str, id: str) -> Connection: ...

    def default(self, project: str) -> Connection: ...

    def page(self, project: str, limit: int, cursor: str | None) -> Page[Connection]: ...

    def load(self, id: str) -> Connection:
        """For providers, which hold connections of every project."""
        ...

    def update(
        self,
        project: str,
        id: str,
        *,
        name: str | None,
        is_default: bool | None,
        plan: str | None = None,
        token: bytes | None = None,
    ) -> Connection:
        """What is None stays."""
        ...

    def delete(self, project: str, id: str) -> None:
        """Raises InUse while deployments were made there."""
        ...


class Variables(Protocol):
    """`workflow` None means the project's own."""

    def create(self, variable: Variable) -> None: ...

    def get(self, project: str, id: str) -> Variable: ...

    def page(self, project: str, limit: int, cursor: str | None) -> Page[Variable]: ...

    def of(self, project: str, workflow: str | None) -> Sequence[Variable]: ...

    def update(self, variable: Variable) -> None: ...

    def delete(self, project: str, id: str) -> None: ...


class Keys(Protocol):
    def create(self, key: ApiKey) -> None: ...

    def page(self, project: str, limit: int, cursor: str | None) -> Page[ApiKey]: ...

    def named(self, project: str, name: str) -> Sequence[ApiKey]: ...

    def find(self, prefix: str) -> ApiKey | None: ...

    def delete(self, project: str, id: str) -> ApiKey:
        """The key that is gone."""
        ...


class Sessions(Protocol):
    """`now` decides what has expired, which is never found and may be gone already."""

    def add_link(self, link: LoginLink) -> None: ...

    def begin(self, link: bytes, session: Session) -> Session | None:
        """Spend the link with this digest on the session, which gets the link's project.

        None when there is no such link or it had expired when the session was made. What has
        expired by then is removed.
        """
        ...

    def find(self, digest: bytes, now: float) -> Session | None: ...

    def extend(self, id: str, now: float, expires_at: float) -> bool:
        """Whether there still was such a session."""
        ...

    def end(self, id: str) -> None: ...


class Store(Protocol):
    """The control database."""

    @property
    def tenancy(self) -> Tenancy: ...

    @property
    def workflows(self) -> Workflows: ...

    @property
    def versions(self) -> Versions: ...

    @property
    def drafts(self) -> Drafts: ...

    @property
    def deployments(self) -> Deployments: ...

    @property
    def connections(self) -> Connections: ...

    @property
    def variables(self) -> Variables: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def sessions(self) -> Sessions: ...

    def close(self) -> None: ...
