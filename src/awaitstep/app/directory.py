"""Every workflow and its active deployment, in memory: triggers and Worker URLs ask it each time.

It mirrors the control database. `Ports.change` puts a workflow's new entry here right after the
commit that made it; nobody else writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from awaitstep.app.errors import NotFound
from awaitstep.storage.records import Entry


class Directory:
    """`awaitstep.gateway.directory.Directory`, and who owns which workflow."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self._workers: dict[str, Entry] = {}
        self._hosts: dict[str, list[tuple[str, bool, Entry]]] = {}
        for entry in entries:
            self.put(entry)

    def put(self, entry: Entry) -> None:
        self.remove(entry.workflow)
        self._entries[entry.workflow] = entry
        if entry.worker_name is not None:
            self._workers[entry.worker_name] = entry
        if entry.route is not None:
            host, path, open_ended = split_pattern(entry.route)
            routes = self._hosts.setdefault(host, [])
            routes.append((path, open_ended, entry))
            # the longest wins; at equal length the exact one, and before a custom domain the route,
            # as on Cloudflare
            routes.sort(
                key=lambda known: (-len(known[0]), known[1], "/" not in str(known[2].route))
            )

    def remove(self, workflow: str) -> None:
        entry = self._entries.pop(workflow, None)
        if entry is None:
            return
        if entry.worker_name is not None:
            self._workers.pop(entry.worker_name, None)
        if entry.route is not None:
            host, _, _ = split_pattern(entry.route)
            routes = [route for route in self._hosts[host] if route[2] is not entry]
            if routes:
                self._hosts[host] = routes
            else:
                del self._hosts[host]

    def get(self, workflow: str) -> Entry | None:
        """Whoever owns it."""
        return self._entries.get(workflow)

    def find(self, project: str, workflow: str) -> Entry:
        """Raises NotFound, also for another project's."""
        entry = self._entries.get(workflow)
        if entry is None or entry.project != project:
            raise NotFound(f"There is no workflow {workflow!r}.", "workflow.not_found")
        return entry

    def all(self) -> list[Entry]:
        return list(self._entries.values())

    def of_project(self, project: str) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.project == project]

    def by_name(self, worker_name: str) -> str | None:
        """The active deployment of this worker, None when there is none."""
        entry = self._workers.get(worker_name)
        return None if entry is None else entry.deployment

    def by_route(self, host: str, path: str) -> str | None:
        """The active deployment whose custom route matches best.

        `host` is lower case, without port and trailing dot; `path` is percent-decoded.
        """
        for pattern, open_ended, entry in self._hosts.get(host, ()):
            if entry.deployment is None:
                continue
            if path == pattern or (open_ended and path.startswith(pattern)):
                return entry.deployment
        return None


def split_pattern(pattern: str) -> tuple[str, str, bool]:
    """Host, path without its `*`, and whether it had one. A host alone is all of the host."""
    host, slash, path = pattern.partition("/")
    if not slash:
        return host, "/", True
    return host, "/" + path.removesuffix("*"), path.endswith("*")
