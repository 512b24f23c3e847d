"""`Places` for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from awaitstep.providers.cloudflare.places import Place, Whereabouts


@dataclass
class Fixed:
    """Those of the one workflow `wf`, which is live as `worker_name`."""

    place: Place
    worker_name: str
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    async def of(self, connection: str) -> Place:
        return self.place

    async def whereabouts(self, workflow: str) -> Whereabouts | None:
        if workflow != "wf":
            return None
        return Whereabouts(self.place, self.worker_name, "dep", "ver", self.versions)
