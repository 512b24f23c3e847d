"""Projects: a key sees its own, a session each of its organization, one at a time."""

from __future__ import annotations

from dataclasses import replace

from awaitstep.app.errors import NotFound
from awaitstep.app.ids import new_id
from awaitstep.app.ports import Ports
from awaitstep.auth.identity import Identity
from awaitstep.storage.records import Connection, Home, Organization, Page, Project

LOCAL = "local"


class Projects:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._kept = ports.store.tenancy

    async def enter(self, who: Identity, project: str) -> Identity:
        """Who asks, seeing this project from now on. Raises NotFound for one they don't see."""
        if not await self.sees(who, project):
            raise NotFound(f"There is no project {project[:100]!r}.", "project.not_found")
        return replace(who, project=project)

    async def sees(self, who: Identity, project: str) -> bool:
        if project == who.project:
            return True
        if who.session is None:
            return False
        own = await self._organization(who)
        try:
            _, owner = await self._ports.read(self._kept.project, project)
        except NotFound:
            return False
        return owner.id == own

    async def page(self, who: Identity, limit: int, cursor: str | None) -> Page[Project]:
        own = await self._organization(who)
        return await self._ports.read(self._kept.projects, own, limit, cursor)

    async def create(self, who: Identity, name: str) -> Project:
        """With a connection to the embedded engine."""
        own = await self._organization(who)
        project, connection = new_project(own, name, self._ports.clock.now())
        return await self._ports.change(None, self._kept.create_project, project, connection)

    async def rename(self, who: Identity, id: str, name: str) -> Project:
        """Raises NotFound."""
        own = await self._organization(who)
        return await self._ports.change(None, self._kept.rename_project, own, id, name)

    async def _organization(self, who: Identity) -> str:
        _, organization = await self._ports.read(self._kept.project, who.project)
        return organization.id


def new_project(organization: str, name: str, now: float) -> tuple[Project, Connection]:
    """A project with what it begins with."""
    project = Project(new_id("proj"), organization, name, now)
    connection = Connection(
        new_id("conn"), project.id, LOCAL, "Local", is_default=True, builtin=True, created_at=now
    )
    return project, connection


def new_home(now: float) -> Home:
    """What a new database begins with."""
    organization = Organization(new_id("org"), "Default", now)
    return Home(organization, *new_project(organization.id, "Default", now))
