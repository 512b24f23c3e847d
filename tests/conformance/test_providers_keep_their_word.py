"""One suite for every provider: what is deployed is live, what fails changes nothing, what was made
is removed and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.inline import InlineEngine
from awaitstep.engine.workers import Active, Bundle
from awaitstep.providers.cloudflare import CloudflareProvider
from awaitstep.providers.cloudflare.client import Client
from awaitstep.providers.cloudflare.places import NoPlace, Place, Whereabouts
from awaitstep.providers.files import ModuleFiles
from awaitstep.providers.local import LocalProvider
from awaitstep.providers.packages import Environments
from awaitstep.providers.port import BundleRefused, Live, Module, Provider, Release, TokenRefused
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


class NoBundles:
    """No engine loads anything in these tests."""

    async def bundle(self, deployment: str) -> Bundle:
        raise NotImplementedError

    async def active(self, workflow: str, caller: str) -> Active:
        raise NotImplementedError

    async def reached(self, workflow: str, caller: str) -> None:
        raise NotImplementedError

    async def restore(self, environment: Path) -> None:
        raise NotImplementedError


class OnePlace:
    """`Places` with one connection."""

    def __init__(self, client: Client, plan: str = "paid") -> None:
        self.place = Place(client, ACCOUNT, plan, "conn")

    async def of(self, connection: str) -> Place:
        if connection != "conn_1":
            raise NoPlace("There is no such connection.")
        return self.place

    async def whereabouts(self, workflow: str) -> Whereabouts | None:
        return Whereabouts(self.place, f"{workflow}-worker", "dep_1", "ver_1")


class Stand:
    """A provider with what a test wants to see of the other side; `cloudflare` is None for local."""

    def __init__(self, provider: Provider, cloudflare: Cloudflare | None) -> None:
        self.provider = provider
        self.cloudflare = cloudflare
        self.told: list[str] = []

    async def release(self, word: str = "one", **changed: object) -> Release:
        bundle = await self.provider.bundle(Module("orders-abc123", SOURCE.format(word=word)))
        release = Release(
            deployment="dep_1",
            workflow="wf_1",
            connection="conn_1",
            worker_name="orders-abc123",
            bundle=bundle,
            class_name="Orders",
            binding="WORKFLOW",
            variables={"GREETING": "hello"},
            secrets={"API_KEY": "s3cret"},
        )
        return replace(release, **changed)  # type: ignore[arg-type]

    async def deploy(self, release: Release) -> Live:
        return await self.provider.deploy(release, self.told.append)


@pytest.fixture(params=["local", "cloudflare"])
async def stand(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stand]:
    async with AsyncExitStack() as stack:
        files = ModuleFiles(tmp_path / "deployments")
        environments = Environments(tmp_path / "environments", tmp_path / "lists")
        clock = ManualClock()
        engine = InlineEngine(NoBundles(), clock=clock)
        stack.push_async_callback(engine.close)
        if request.param == "local":
            yield Stand(
                LocalProvider(
                    runs=engine,
                    workers=engine,
                    files=files,
                    environments=environments,
                    worker_url=lambda name: f"http://127.0.0.1:8787/{name}/",
                ),
                None,
            )
            return
        cloudflare = await stack.enter_async_context(serving(Instances(tmp_path, clock)))
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))

        async def no_pause(seconds: float) -> None:
            """Waiting is not what is tested."""

        client = Client(http, TOKEN, cloudflare.address, no_pause)
        yield Stand(
            CloudflareProvider(
                runs=engine,
                http=http,
                places=OnePlace(client),
                files=files,
                environments=environments,
                mark=lambda data: hashlib.sha256(data).hexdigest(),
                address=cloudflare.address,
            ),
            cloudflare,
        )


async def test_a_bundle_is_named_by_its_content_and_read_back(stand: Stand) -> None:
    one, same, other = [await stand.release(word) for word in ("one", "one", "two")]
    assert one.bundle == same.bundle != other.bundle
    assert stand.provider.source(one.bundle) == SOURCE.format(word="one")
    assert stand.provider.source("0" * 64) is None


async def test_a_deploy_tells_the_worker_url(stand: Stand) -> None:
    live = await stand.deploy(await stand.release())
    assert "orders-abc123" in live.url
    assert live.url.startswith("http")
    assert stand.provider.url("orders-abc123") in (live.url, None)


async def test_the_same_release_again_gives_the_same(stand: Stand) -> None:
    first = await stand.deploy(await stand.release())
    before = [] if stand.cloudflare is None else stand.cloudflare.changes
    again = await stand.deploy(await stand.release(deployment="dep_2", before=first.made))
    assert again.url == first.url
    assert again.made == first.made
    assert stand.cloudflare is None or stand.cloudflare.changes == before


async def test_a_takedown_may_be_repeated(stand: Stand) -> None:
    live = await stand.deploy(await stand.release())
    await stand.provider.takedown("conn_1", "orders-abc123", live.made)
    await stand.provider.takedown("conn_1", "orders-abc123", live.made)


async def test_a_module_of_any_size_is_answered(stand: Stand) -> None:
    import random

    noise = random.Random(1).randbytes(12 * 1024 * 1024).hex()
    with pytest.raises(BundleRefused):
        stand.provider.validate(Module("orders-abc123", f"x = '{noise}'\n"))
    stand.provider.validate(Module("orders-abc123", SOURCE))


async def test_a_token_that_opens_nothing_is_refused(stand: Stand) -> None:
    with pytest.raises(TokenRefused):
        await stand.provider.accounts("not a token")


async def test_the_usual_plan_comes_first_where_there_are_any(stand: Stand) -> None:
    told = stand.provider.capabilities
    assert bool(told.plans) == told.needs_token
    assert told.runs_outlive_takedown or not told.pins_code


async def test_nobody_listens_to_what_is_not_changed(stand: Stand) -> None:
    """Health and crashes are told without asking anybody."""
    calls = 0 if stand.cloudflare is None else len(stand.cloudflare.calls)
    assert stand.provider.crashed("dep_1") is None
    assert stand.provider.health().isolation is not None
    assert stand.cloudflare is None or len(stand.cloudflare.calls) == calls
