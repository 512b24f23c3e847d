"""A release goes live on Cloudflare, stage by stage; a stage that fails is undone with all before.

A worker that is there already gets a new version, which serves nobody until it is complete; then it
takes over in one call. What comes after that (workflow, address, routes) is put back as it was when
it fails. A worker that is new is removed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from awaitstep.dialect import COMPATIBILITY_DATE, COMPATIBILITY_FLAGS, MAIN
from awaitstep.providers.cloudflare import addresses
from awaitstep.providers.cloudflare.client import Away, CloudflareError, Part, Refused
from awaitstep.providers.cloudflare.places import Place
from awaitstep.providers.port import DeployFailed, Live, Made, Release

_log = structlog.get_logger("awaitstep.cloudflare")
_OURS: Final = "awaitstep"
_PERMISSIONS: Final = "the token may lack a permission"
# No such worker, no such account, not allowed.
NOT_ALLOWED: Final = frozenset({401, 403})

Mark = Callable[[bytes], str]


def tag_of(workflow: str) -> str:
    """Marks the workers that this workflow made; a name alone proves nothing."""
    return f"{_OURS}={workflow}"


def bindings_of(release: Release) -> list[dict[str, str]]:
    """What `env` holds, complete: a variable that is not in it is gone with the next version."""
    made: list[dict[str, str]] = [
        {"type": "plain_text", "name": name, "text": text}
        for name, text in sorted(release.variables.items())
    ]
    made += [
        {"type": "secret_text", "name": name, "text": text}
        for name, text in sorted(release.secrets.items())
    ]
    if release.binding is not None and release.class_name is not None:
        made.append(_workflow(release.binding, release.worker_name, release.class_name))
    for name, called in sorted(release.workflows.items()):
        binding = _workflow(name, called.worker_name, called.class_name)
        made.append(binding | {"script_name": called.worker_name})
    made += [
        {"type": "service", "name": name, "service": worker}
        for name, worker in sorted(release.functions.items())
    ]
    return made


def metadata_of(release: Release) -> dict[str, Any]:
    """The part of an upload that describes it."""
    return {
        "main_module": MAIN,
        "compatibility_date": COMPATIBILITY_DATE,
        "compatibility_flags": [*COMPATIBILITY_FLAGS],
        "bindings": bindings_of(release),
        "annotations": {"workers/message": f"AwaitStep {release.deployment}"},
    }


def settings_of(release: Release) -> dict[str, Any]:
    """How the workflow is registered."""
    return {
        "script_name": release.worker_name,
        "class_name": release.class_name,
        "schedules": [{"cron": cron} for cron in release.schedules],
    }


@dataclass(slots=True)
class Deploy:
    """One release on its way. `mark` turns bytes into a keyed digest, as secrets are among them."""

    place: Place
    release: Release
    parts: Mapping[str, Part]
    mark: Mark
    tell: Callable[[str], None]
    _undo: list[tuple[str, Callable[[], Any]]] = field(default_factory=list)

    async def go(self) -> Live:
        """Raises DeployFailed."""
        before = self.release.before or {}
        async with self._stage("Checking the account"):
            subdomain = await self._subdomain()
            serving = await self._serving()
            zone = await self._zone()
            made: dict[str, Any] = {
                "digest": self._digest(),
                "url": f"https://{self.release.worker_name}.{subdomain}.workers.dev",
                "settings": settings_of(self.release) if self.release.class_name else None,
                "version": serving,
            }
            if serving is not None and _same(made, before) and await self._is_whole(before):
                return Live(str(made["url"]), before, unchanged=True)
        try:
            made["version"] = await self._code(serving)
            await self._workflow(made, before)
            await self._address()
            made["routes"] = await self._route(zone)
        except DeployFailed as error:
            left = await self._back()
            if left:
                why = f"{error.why}; not undone: {', '.join(left)}"
                raise DeployFailed(error.stage, why, away=error.away) from None
            raise
        await self._stale(made, before)
        return Live(str(made["url"]), made)

    async def _subdomain(self) -> str:
        found = await self.place.client.find(f"{self.place.base}/workers/subdomain")
        name = (found or {}).get("subdomain")
        if not name:
            raise Refused(
                404, 0, "the account has no workers.dev subdomain; choose one there first"
            )
        return str(name)

    async def _serving(self) -> str | None:
        """The version that serves now, None when there is no such worker."""
        script, client = self.place.script(self.release.worker_name), self.place.client
        settings = await client.find(f"{script}/settings")
        if settings is None:
            return None
        if tag_of(self.release.workflow) not in (settings.get("tags") or []):
            raise Refused(
                409, 0, f"there is a worker {self.release.worker_name} that was not made here"
            )
        return await _only(self.place, self.release.worker_name)

    async def _zone(self) -> str | None:
        """The zone of the address of one's own."""
        wanted = self.release.route
        return None if wanted is None else await addresses.zone_of(self.place, wanted)

    async def _code(self, serving: str | None) -> str:
        script, client = self.place.script(self.release.worker_name), self.place.client
        metadata = metadata_of(self.release)
        if serving is None:
            async with self._stage("Uploading the worker"):
                self._undo.append(("the new worker", lambda: self._remove()))
                metadata["tags"] = [_OURS, tag_of(self.release.workflow)]
                await client.upload("PUT", script, metadata, self.parts)
                return await _only(self.place, self.release.worker_name)
        async with self._stage("Uploading a new version"):
            version = await client.upload("POST", f"{script}/versions", metadata, self.parts)
        async with self._stage("Putting the new version live"):
            self._undo.append(("the version before", lambda: self._serve(serving)))
            await self._serve(str(version["id"]))
        return str(version["id"])

    async def _serve(self, version: str) -> None:
        script = self.place.script(self.release.worker_name)
        await self.place.client.post(
            f"{script}/deployments",
            {
                "strategy": "percentage",
                "versions": [{"version_id": version, "percentage": 100}],
                "annotations": {"workers/message": f"AwaitStep {self.release.deployment}"},
            },
        )

    async def _remove(self) -> None:
        client, path = self.place.client, self.place.workflow(self.release.worker_name)
        found = await client.find(path)
        if found is not None and found.get("script_name") == self.release.worker_name:
            await client.delete(path)
        await client.delete(self.place.script(self.release.worker_name), force="true")

    async def _is_whole(self, before: Made) -> bool:
        """Whether what the last deploy made beside the version is still as it was."""
        wanted = before.get("settings")
        if wanted is not None:
            found = await self.place.client.find(self.place.workflow(self.release.worker_name))
            if found is None or _settings(found) != wanted:
                return False
        for route in before.get("routes", ()):
            name = self.release.worker_name
            if await addresses.find(self.place, route["zone"], route["pattern"], name) != route:
                return False
        return True

    async def _workflow(self, made: Made, before: Made) -> None:
        if made["settings"] is None:
            return
        path = self.place.workflow(self.release.worker_name)
        async with self._stage("Registering the workflow"):
            old = before.get("settings") or await self._registered(path)
            if old is not None:
                self._undo.append(("the workflow", lambda: self.place.client.put(path, old)))
            await self.place.client.put(path, made["settings"])

    async def _registered(self, path: str) -> dict[str, Any] | None:
        """What Cloudflare knows of the workflow where we have forgotten it."""
        found = await self.place.client.find(path)
        if found is None:
            return None
        if found.get("script_name") != self.release.worker_name:
            raise Refused(
                409, 0, f"there is a workflow {self.release.worker_name} of another worker"
            )
        return _settings(found)

    async def _address(self) -> None:
        script = self.place.script(self.release.worker_name)
        async with self._stage("Opening the Worker URL"):
            await self.place.client.post(
                f"{script}/subdomain", {"enabled": True, "previews_enabled": False}
            )

    async def _route(self, zone: str | None) -> list[addresses.Address]:
        """The address of one's own that is wanted, made unless it is there."""
        wanted, name = self.release.route, self.release.worker_name
        if zone is None or wanted is None:
            return []
        domain = addresses.is_domain(wanted)
        async with self._stage("Setting the custom domain" if domain else "Setting the route"):
            found = await addresses.find(self.place, zone, wanted, name)
            if found is None:
                self._undo.append((wanted, lambda: self._unroute(zone, wanted)))
                found = await addresses.make(self.place, zone, wanted, name)
        return [found]

    async def _unroute(self, zone: str, pattern: str) -> None:
        """Its id may be what the answer that never came would have told."""
        found = await addresses.find(self.place, zone, pattern, self.release.worker_name)
        if found is not None:
            await addresses.remove(self.place, found)

    async def _stale(self, made: dict[str, Any], before: Made) -> None:
        """Remove addresses that are not wanted any more; what stays is tried by the next deploy."""
        wanted = [(route["zone"], route["pattern"]) for route in made["routes"]]
        for route in before.get("routes", ()):
            if (route["zone"], route["pattern"]) in wanted:
                continue
            try:
                mine = await addresses.mine(self.place, route, self.release.worker_name)
                if mine is not None:
                    await addresses.remove(self.place, mine)
            except CloudflareError as error:
                self.tell(f"The route {route['pattern']} is still there: {error}")
                made["routes"].append(route)
                made["digest"] = None

    def _digest(self) -> str:
        """Of everything that goes live."""
        told = {
            "metadata": metadata_of(self.release) | {"annotations": None},
            "settings": settings_of(self.release),
            "route": self.release.route,
            "account": self.place.account,
            "parts": {
                name: [hashlib.sha256(content).hexdigest(), kind]
                for name, (content, kind) in self.parts.items()
            },
        }
        return self.mark(json.dumps(told, sort_keys=True).encode())

    @asynccontextmanager
    async def _stage(self, name: str) -> AsyncIterator[None]:
        self.tell(name)
        try:
            yield
        except CloudflareError as error:
            raise failed(name, error) from None

    async def _back(self) -> list[str]:
        """Undo, the last first; what can't be undone."""
        left = []
        for what, undo in reversed(self._undo):
            try:
                await undo()
            except CloudflareError as error:
                left.append(what)
                _log.warning("a failed deploy could not be undone", what=what, why=str(error))
        return left


async def takedown(place: Place, worker_name: str, made: Made) -> None:
    """Remove worker, workflow and addresses. Raises DeployFailed, then everything is as it was unless
    Cloudflare went away in between.

    The worker goes first and without force, as Cloudflare keeps it while others bind to it. What leads
    to another worker by now is left alone.
    """
    try:
        found = [
            await addresses.mine(place, route, worker_name) for route in made.get("routes", ())
        ]
        await place.client.delete(place.script(worker_name))
        if made.get("settings") is not None:
            await place.client.delete(place.workflow(worker_name))
        for address in found:
            if address is not None:
                await addresses.remove(place, address)
    except CloudflareError as error:
        raise failed("Removing the worker", error) from None


async def serving(place: Place, worker_name: str) -> str | None:
    """The version that all requests go to now, None when they are shared out among several."""
    found = await place.client.get(f"{place.script(worker_name)}/deployments")
    deployments = found.get("deployments") or []
    versions = deployments[0]["versions"] if deployments else []
    return str(versions[0]["version_id"]) if len(versions) == 1 else None


async def _only(place: Place, worker_name: str) -> str:
    found = await serving(place, worker_name)
    if found is None:
        raise Refused(409, 0, "requests are shared out among several versions of the worker")
    return found


def failed(stage: str, error: CloudflareError) -> DeployFailed:
    """The error as the port has it, with a hint where its number alone says little."""
    why = str(error)
    if isinstance(error, Refused) and error.status in NOT_ALLOWED:
        why += f"; {_PERMISSIONS}"
    return DeployFailed(stage, why, away=isinstance(error, Away))


def _same(made: Made, before: Made) -> bool:
    return (made["digest"], made["version"]) == (before.get("digest"), before.get("version"))


def _workflow(name: str, worker_name: str, class_name: str) -> dict[str, str]:
    """A binding to the workflow of a worker: it has its name."""
    return {
        "type": "workflow",
        "name": name,
        "workflow_name": worker_name,
        "class_name": class_name,
    }


def _settings(found: Mapping[str, Any]) -> dict[str, Any]:
    """How a workflow is registered, in the form that registers it."""
    return {
        "script_name": found.get("script_name"),
        "class_name": found.get("class_name"),
        "schedules": [{"cron": one["cron"]} for one in found.get("schedules") or ()],
    }
