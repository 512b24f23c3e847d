"""The `cloudflare` provider: workers and workflows in an account, through its API alone."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping, Sequence

from awaitstep.engine.port import Runs
from awaitstep.engine.workers import HandlerFailure, RunnerHealth
from awaitstep.providers.bundles import KeptBundles
from awaitstep.providers.cloudflare import deploy
from awaitstep.providers.cloudflare.client import ADDRESS, Client, Part
from awaitstep.providers.cloudflare.differences import SCHEDULES, SIZE, differences_of
from awaitstep.providers.cloudflare.files import SdkMissing, parts_of
from awaitstep.providers.cloudflare.http import Http
from awaitstep.providers.cloudflare.places import NoPlace, Place, Places
from awaitstep.providers.cloudflare.token import accounts
from awaitstep.providers.files import ModuleFiles
from awaitstep.providers.packages import Environments
from awaitstep.providers.port import (
    Account,
    BundleRefused,
    DeployFailed,
    Difference,
    Live,
    Made,
    Module,
    ProviderCapabilities,
    Release,
)

# What may be uploaded, in bytes after compression.
LARGEST: Mapping[str, int] = {"free": 3 * 1024 * 1024, "paid": 10 * 1024 * 1024}


class CloudflareProvider(KeptBundles):
    """`mark` makes a keyed digest of what secrets are part of."""

    type = "cloudflare"
    capabilities = ProviderCapabilities(
        title="Cloudflare",
        needs_token=True,
        permissions=("Workers Scripts: Edit", "Workers Routes: Edit", "Zone: Read"),
        plans=("free", "paid"),
        runs_outlive_takedown=False,
        calls_must_be_live=True,
        pins_code=False,
        schedules=True,
    )

    def __init__(
        self,
        *,
        runs: Runs,
        http: Http,
        places: Places,
        files: ModuleFiles,
        environments: Environments,
        mark: deploy.Mark,
        address: str = ADDRESS,
    ) -> None:
        super().__init__(files, environments)
        self.runs = runs
        self._http = http
        self._places = places
        self._mark = mark
        self._address = address

    def validate(self, module: Module) -> None:
        """Raises BundleRefused."""
        size = len(gzip.compress(module.source.encode()))
        if size > LARGEST["paid"]:
            raise BundleRefused(
                f"The module takes {size:,} bytes compressed; Cloudflare takes at most "
                f"{LARGEST['paid']:,}, and the SDK is not counted yet."
            )

    def differences(self, module: Module, *, live: bool, plan: str | None) -> Sequence[Difference]:
        """See `Provider.differences`."""
        found = list(differences_of(module.source, live=live))
        if module.schedules and plan != "paid":
            found.insert(0, SCHEDULES)
        room = LARGEST.get(plan or "free", LARGEST["free"])
        size = len(gzip.compress(module.source.encode()))
        if size <= room:
            return found
        told = SIZE.message.format(size=f"{size:,}", plan=plan or "free", room=f"{room:,}")
        return [Difference(SIZE.severity, SIZE.code, told), *found]

    async def accounts(self, token: str) -> Sequence[Account]:
        """Raises TokenRefused, DeployFailed."""
        return await accounts(Client(self._http, token, self._address))

    async def deploy(self, release: Release, tell: Callable[[str], None]) -> Live:
        """Raises DeployFailed."""
        place = await self._place(release.connection)
        parts = await asyncio.to_thread(self._parts, release, place)
        return await deploy.Deploy(place, release, parts, self._mark, tell).go()

    async def takedown(self, connection: str, worker_name: str, made: Made) -> None:
        """Raises DeployFailed."""
        await deploy.takedown(await self._place(connection), worker_name, made)

    def url(self, worker_name: str) -> str | None:
        """Only the account knows its part of the name."""
        return None

    def crashed(self, deployment: str) -> str | None:
        return None

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        """Only the account's log tells that."""
        return None

    def health(self) -> RunnerHealth:
        """There are no runners of ours."""
        return RunnerHealth(ready=True, runners=0, isolated=True, isolation="")

    async def _place(self, connection: str) -> Place:
        try:
            return await self._places.of(connection)
        except NoPlace as error:
            raise DeployFailed("Opening the connection", str(error)) from None

    def _parts(self, release: Release, place: Place) -> dict[str, Part]:
        stage = "Putting the files together"
        source = self.source(release.bundle)
        if source is None:
            raise DeployFailed(stage, "the module is not where it was stored")
        packages = None
        if release.environment is not None:
            packages = self._environments.path(release.environment)
        try:
            parts = parts_of(source, packages)
        except (SdkMissing, OSError) as error:
            raise DeployFailed(stage, str(error)) from None
        size = sum(len(gzip.compress(content)) for content, _ in parts.values())
        most = LARGEST.get(place.plan, LARGEST["free"])
        if size > most:
            raise DeployFailed(
                stage,
                f"the worker takes {size:,} bytes compressed; the {place.plan} plan has room for "
                f"{most:,}",
            )
        return parts
