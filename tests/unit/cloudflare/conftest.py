"""A release and a fake Cloudflare that takes it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from awaitstep.engine.clock import ManualClock
from awaitstep.providers.cloudflare.client import Client
from awaitstep.providers.cloudflare.deploy import Deploy
from awaitstep.providers.cloudflare.files import parts_of
from awaitstep.providers.cloudflare.places import Place
from awaitstep.providers.port import Live, Release
from fakecloud.instances import Instances
from fakecloud.server import ACCOUNT, TOKEN, Cloudflare, serving

SOURCE = """
from workers import Response, WorkerEntrypoint, WorkflowEntrypoint


class Orders(WorkflowEntrypoint):
    async def run(self, event, step):
        return "{word}"


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response("hello")
"""
NAME = "orders-abc123"


@dataclass
class Desk:
    """What deploys. `waits` are the pauses it would have made."""

    cloudflare: Cloudflare
    place: Place
    waits: list[float]
    told: list[str] = field(default_factory=list)

    async def deploy(self, word: str = "one", **changed: Any) -> Live:
        release = Release(
            deployment="dep_1",
            workflow="wf_1",
            connection="conn_1",
            worker_name=NAME,
            bundle="",
            class_name="Orders",
            binding="WORKFLOW",
            variables={"GREETING": "hello"},
            secrets={"API_KEY": "s3cret"},
        )
        parts = parts_of(changed.pop("source", SOURCE.format(word=word)))
        mark = lambda data: hashlib.sha256(data).hexdigest()  # noqa: E731
        self.told.clear()
        return await Deploy(
            self.place, replace(release, **changed), parts, mark, self.told.append
        ).go()

    def state(self) -> Any:
        """What the account holds, without what only grows."""
        cloud = self.cloudflare
        return (
            {n: (s.tags, s.live.id, s.on_workers_dev) for n, s in cloud.scripts.items()},
            {n: {k: v for k, v in w.items() if k != "id"} for n, w in cloud.workflows.items()},
            {r["pattern"]: r["script"] for r in cloud.routes.values()}
            | {d["hostname"]: d["service"] for d in cloud.domains.values()},
        )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    async with (
        serving(Instances(tmp_path, ManualClock())) as cloudflare,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        client = Client(http, TOKEN, cloudflare.address, pause)
        yield Desk(cloudflare, Place(client, ACCOUNT, "paid", "conn"), waits)
