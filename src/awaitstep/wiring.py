"""The only place that picks adapters: which database, which engine, which compiler.

It builds things and takes them down again in reverse order; it decides nothing else.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog

from awaitstep.engine.embedded import Embedded
from awaitstep.engine.errors import DeploymentMissing, NotDeployed
from awaitstep.engine.port import Runs
from awaitstep.engine.workers import Active, Bundle
from awaitstep.providers.files import ModuleFiles
from awaitstep.providers.packages import installer
from awaitstep.providers.packages.environments import Environments
from awaitstep.providers.port import Difference, PackagesRefused, PackagesUnavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from awaitstep.api.origins import Origins
    from awaitstep.app import AwaitStep
    from awaitstep.app.sessions import Link
    from awaitstep.auth.identity import Scope
    from awaitstep.auth.vault import Vault
    from awaitstep.gateway import Gateway
    from awaitstep.ir import Registry
    from awaitstep.language import CompiledGraphs
    from awaitstep.late import LateLanguage
    from awaitstep.providers.cloudflare import CloudflareProvider
    from awaitstep.storage.port import Store
    from awaitstep.storage.records import ApiKey, Home
    from awaitstep.tracing import Tracing

_log = structlog.get_logger("awaitstep.wiring")
KEY_FILE: Final = "secret.key"
DATABASE_FILE: Final = "control.db"
DEPLOYMENTS: Final = "deployments"
# Installed packages, and what they were made of, which belongs to the deployments.
ENVIRONMENTS: Final = "environments"
REQUIREMENTS: Final = "requirements"
# A server has answered for so long when it loads what only graphs need (seconds).
LANGUAGE_AFTER: Final = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is built from. URLs have no trailing slash.

    `key` encrypts secrets; None means the data folder's own, made at the first start. `host_form`
    says that each worker also has a host of its own below the host of `worker_url`. `runner_bytes`
    limits the address space of each runner. `open_metrics` shows the metrics to everybody. `cloudflare` is where Cloudflare's API is, None for its own
    address.
    """

    data: Path
    dashboard_url: str
    worker_url: str
    runners: int = 1
    runner_bytes: int | None = None
    key: bytes | None = field(default=None, repr=False)
    host_form: bool = False
    open_metrics: bool = False
    cloudflare: str | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """Everything a process serves: `api` is the dashboard's address with the API below it."""

    app: AwaitStep
    home: Home
    api: ASGIApp
    gateway: Gateway


class SetupRefused(Exception):
    """The settings or the data folder can't be used; the message is one sentence."""


@asynccontextmanager
async def open_server(settings: Settings) -> AsyncIterator[Server]:
    """Open database and engine, and build the applications over them.

    Raises SetupRefused, JournalLocked, JournalUnavailable.
    """
    from awaitstep.app import AwaitStep
    from awaitstep.auth.vault import BadKey, Vault, load_key
    from awaitstep.engine.clock import SystemClock
    from awaitstep.late import LateLanguage
    from awaitstep.providers.local import LocalBundles, LocalProvider
    from awaitstep.storage.port import StoreDamaged, StoreUnavailable
    from awaitstep.storage.sql import open_store
    from awaitstep.storage.sql.migrate import NewerDatabase

    try:
        key = settings.key or load_key(settings.data / KEY_FILE, create=True)
        vault = Vault(key)
        store = await asyncio.to_thread(open_store, f"sqlite:///{settings.data / DATABASE_FILE}")
    except (BadKey, StoreUnavailable, StoreDamaged, NewerDatabase) as error:
        raise SetupRefused(str(error)) from None
    try:
        files = ModuleFiles(settings.data / DEPLOYMENTS)
        environments = _environments(settings.data)
        bundles = LocalBundles(store=store, vault=vault, files=files, environments=environments)
        applications = asyncio.create_task(asyncio.to_thread(_load_applications))
        engine = await Embedded.open(
            settings.data,
            bundles,
            runners=settings.runners,
            memory_bytes=settings.runner_bytes,
            hold=True,
        )
        stack = AsyncExitStack()
        try:
            await environments.clean(await asyncio.to_thread(store.deployments.environments))
            provider = LocalProvider(
                runs=engine,
                workers=engine,
                files=files,
                environments=environments,
                worker_url=lambda name: f"{settings.worker_url}/{name}/",
            )
            elsewhere = await stack.enter_async_context(_cloudflare(settings, store, vault, files))
            language = LateLanguage(partial(_language, settings.data))
            app = AwaitStep(
                store=store,
                providers={provider.type: provider, elsewhere.type: elsewhere},
                language=language,
                clock=SystemClock(),
                vault=vault,
            )
            try:
                home = await app.bootstrap()
            except BadKey as error:
                raise SetupRefused(str(error)) from None
            tracing = _tracing(engine, app)
            await engine.go_on()  # only now it knows the limits of all workflows
            await app.sessions.served_at(settings.dashboard_url)
            await applications
            api, gateway = _applications(settings, app, engine)
            loading = asyncio.create_task(_load_soon(language))
            try:
                yield Server(app, home, api, gateway)
            finally:
                loading.cancel()
                if tracing is not None:
                    await tracing.close()
        finally:
            await stack.aclose()
            await engine.close()
            await environments.close()
    finally:
        await asyncio.to_thread(store.close)


def _load_applications() -> None:
    """Import what answers requests, which takes longer than all else of a start. In a thread of its
    own: meanwhile the journal is read, and the runners start."""
    from awaitstep import api, gateway  # noqa: F401 - `_applications` finds them there


async def _load_soon(language: LateLanguage) -> None:
    """Before it is asked for, and after what waited for the server: both compute."""
    await asyncio.sleep(LANGUAGE_AFTER)
    await asyncio.to_thread(language.loaded)


def _language(data: Path) -> CompiledGraphs:
    from awaitstep.language import CompiledGraphs

    return CompiledGraphs(_node_types(data))


def _applications(settings: Settings, app: AwaitStep, engine: Embedded) -> tuple[ASGIApp, Gateway]:
    """Dashboard with API, and Worker URLs."""
    from awaitstep.api import create_api
    from awaitstep.api.dashboard import Dashboard
    from awaitstep.gateway import Gateway

    worker = urlsplit(settings.worker_url)
    suffixes = (f".{worker.hostname}",) if settings.host_form else ()
    gateway = Gateway(
        engine, app.directory, suffixes=(".localhost", *suffixes), scheme=worker.scheme
    )
    api = create_api(app, _origins(settings), open_metrics=settings.open_metrics)
    return Dashboard(api), gateway


@asynccontextmanager
async def _cloudflare(
    settings: Settings, store: Store, vault: Vault, files: ModuleFiles
) -> AsyncIterator[CloudflareProvider]:
    from awaitstep.providers import cloudflare

    address = settings.cloudflare or cloudflare.ADDRESS
    environments = _cloudflare_environments(settings.data)
    http = cloudflare.LateHttp()
    places = cloudflare.StoredPlaces(store=store, vault=vault, http=http, address=address)
    await environments.clean(await asyncio.to_thread(store.deployments.environments))
    try:
        yield cloudflare.CloudflareProvider(
            runs=cloudflare.CloudflareRuns(places),
            http=http,
            places=places,
            files=files,
            environments=environments,
            mark=vault.mark,
            address=address,
        )
    finally:
        await environments.close()
        await http.close()


@dataclass(frozen=True, slots=True)
class Target:
    """A place that a module can be taken to by its own tools.

    `differences` tells what of a module is otherwise there, errors first; `files` each file that a
    deploy there uploads, by its path, given the module, its packages and whom to tell. That raises
    PackagesRefused, PackagesUnavailable, SetupRefused.
    """

    title: str
    differences: Callable[[str], Sequence[Difference]]
    files: Callable[
        [str, Sequence[str], Callable[[str], None]], Coroutine[Any, Any, dict[str, bytes]]
    ]


def targets() -> Mapping[str, Target]:
    """By type, as connections have it."""
    from awaitstep.providers import cloudflare

    provider = cloudflare.CloudflareProvider
    return {
        provider.type: Target(
            provider.capabilities.title,
            lambda source: cloudflare.differences_of(source, live=False),
            _for_cloudflare,
        )
    }


async def _for_cloudflare(
    source: str, packages: Sequence[str], tell: Callable[[str], None]
) -> dict[str, bytes]:
    from awaitstep.providers import cloudflare

    with tempfile.TemporaryDirectory() as folder:
        environments = _cloudflare_environments(Path(folder), own_cache=False)
        try:
            site = None
            if packages:
                site = environments.path(await environments.prepare(packages, tell))
            parts = await asyncio.to_thread(cloudflare.parts_of, source, site)
        except (cloudflare.SdkMissing, OSError) as error:
            raise SetupRefused(str(error)) from None
        finally:
            await environments.close()
    return {name: content for name, (content, _) in parts.items()}


def _cloudflare_environments(data: Path, *, own_cache: bool = True) -> Environments:
    """Its packages are for another Python, in folders of their own."""
    from awaitstep.providers import cloudflare

    return Environments(
        data / f"{ENVIRONMENTS}-cloudflare",
        data / DEPLOYMENTS / f"{REQUIREMENTS}-cloudflare",
        own_cache=own_cache,
        install=cloudflare.install_for_cloudflare,
        python=cloudflare.pyodide().name,
    )


def _origins(settings: Settings) -> Origins:
    from awaitstep.api.origins import Origins
    from awaitstep.gateway.cookies import SECURE_SESSION_COOKIE, SESSION_COOKIE

    secure = settings.dashboard_url.startswith("https:")
    # where workers have a host of their own, another of loopback's names may be theirs
    return Origins(
        settings.dashboard_url,
        SECURE_SESSION_COOKIE if secure else SESSION_COOKIE,
        twins=not settings.host_form,
    )


def _tracing(engine: Runs, app: AwaitStep) -> Tracing | None:
    """What sends spans of ended runs, where the environment asks for it."""
    from awaitstep import tracing

    if not tracing.wanted():
        return None

    def worker_of(workflow: str) -> str | None:
        entry = app.directory.get(workflow)
        return None if entry is None else entry.worker_name

    try:
        return tracing.Tracing(engine, worker_of)
    except ImportError:
        _log.warning("no spans are sent: install awaitstep with its extra otel")
        return None


def _node_types(data: Path) -> Registry:
    """Those that come along and those of the data folder; bad ones are told and left out."""
    from awaitstep.nodes import registry_of

    types, problems = registry_of(data)
    for problem in problems:
        _log.warning("a custom node type is left out", problem=str(problem))
    return types


@asynccontextmanager
async def open_script(
    folder: Path,
    source: str,
    bundle: Callable[[Path], Bundle],
    *,
    packages: Sequence[str] = (),
    tell: Callable[[str], None] = lambda line: None,
) -> AsyncIterator[Runs]:
    """An engine that knows one hand-written module, with its journal in `folder`.

    `bundle` describes the module once it has its place; `tell` is called while its `packages` are
    installed. Raises JournalLocked, JournalUnavailable, SetupRefused.
    """
    environments = _environments(folder, own_cache=False)
    files = ModuleFiles(folder / DEPLOYMENTS)
    module = files.path(await asyncio.to_thread(files.put, source))
    if module is None:
        raise SetupRefused(f"The module could not be kept in {folder}.")
    made = bundle(module)
    try:
        if packages:
            name = await environments.prepare(packages, tell)
            made = replace(made, environment=environments.path(name))
        engine = await Embedded.open(folder, _One(made, environments))
        try:
            yield engine
        finally:
            await engine.close()
    except (PackagesRefused, PackagesUnavailable) as error:
        raise SetupRefused(str(error)) from None
    finally:
        await environments.close()


def login_link(data: Path, dashboard_url: str | None) -> Link:
    """A link that signs a browser in to the folder's server, whether that runs or not.

    `dashboard_url` is where the server was last when None. Raises SetupRefused.
    """
    from awaitstep.app.sessions import link_beside
    from awaitstep.engine.clock import SystemClock

    with _store_beside(data) as store:
        link = link_beside(store, SystemClock().now(), dashboard_url)
    if link is None:
        raise _unused(data)
    return link


def new_key(data: Path, name: str, scopes: Sequence[Scope]) -> tuple[ApiKey, str]:
    """A key of the folder's server and its text, whether that server runs or not.

    Raises SetupRefused.
    """
    from awaitstep.app.keys import key_beside
    from awaitstep.engine.clock import SystemClock

    with _store_beside(data) as store:
        made = key_beside(store, SystemClock().now(), name, scopes)
    if made is None:
        raise _unused(data)
    return made


@contextmanager
def _store_beside(data: Path) -> Iterator[Store]:
    """The control database of a server that may run. Raises SetupRefused."""
    from awaitstep.storage.port import StoreDamaged, StoreUnavailable
    from awaitstep.storage.sql import open_beside
    from awaitstep.storage.sql.migrate import NewerDatabase, OlderDatabase

    file = data / DATABASE_FILE
    if not file.exists():
        raise _unused(data)
    try:
        store = open_beside(f"sqlite:///{file}")
        try:
            yield store
        finally:
            store.close()
    except (StoreUnavailable, StoreDamaged, OlderDatabase, NewerDatabase) as error:
        raise SetupRefused(str(error)) from None


def _unused(data: Path) -> SetupRefused:
    return SetupRefused(f"No server has used {data} yet; start `awaitstep dev` or `serve` on it.")


def uv_version() -> str:
    """The installer of packages by name and version. Raises PackagesUnavailable."""
    return installer.version()


def _environments(data: Path, *, own_cache: bool = True) -> Environments:
    lists = data / DEPLOYMENTS / REQUIREMENTS
    return Environments(data / ENVIRONMENTS, lists, own_cache=own_cache)


class _One:
    """`awaitstep.engine.workers.Bundles` of a single deployment."""

    def __init__(self, bundle: Bundle, environments: Environments) -> None:
        self._bundle = bundle
        self._environments = environments

    async def bundle(self, deployment: str) -> Bundle:
        if deployment != self._bundle.deployment:
            raise DeploymentMissing(deployment)
        return self._bundle

    async def active(self, workflow: str, caller: str) -> Active:
        """There is nothing else to call."""
        raise NotDeployed(workflow)

    async def reached(self, workflow: str, caller: str) -> None:
        """There is nothing else to reach."""
        raise NotDeployed(workflow)

    async def restore(self, environment: Path) -> None:
        await self._environments.restore(environment)
