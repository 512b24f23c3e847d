"""A control plane to test against: real store, fake language, fake engine, moved clock."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from awaitstep.api import create_api
from awaitstep.api.origins import Origins
from awaitstep.app import AwaitStep
from awaitstep.app.ids import new_id
from awaitstep.app.language import Adopted, Compiled, Finding, GraphRefused, Language, VariableUse
from awaitstep.auth.identity import Scope
from awaitstep.auth.vault import Vault
from awaitstep.engine import search
from awaitstep.engine.clock import ManualClock
from awaitstep.engine.errors import (
    InstanceTaken,
    InvalidEventType,
    InvalidInstanceId,
    RunNotFound,
    RunState,
    StepNotFound,
)
from awaitstep.engine.figures import Figures, Tallies
from awaitstep.engine.ids import new_instance, valid_instance
from awaitstep.engine.port import (
    AttemptView,
    Capabilities,
    Created,
    EntryType,
    Limits,
    LogEntry,
    Onto,
    Retention,
    RunError,
    RunPage,
    RunQuery,
    RunView,
    StartRun,
    StepView,
)
from awaitstep.engine.states import ENDED, Cause, RunStatus, StepStatus, StepType, move
from awaitstep.engine.workers import (
    HandlerFailure,
    RunnerHealth,
    WorkerRequest,
    WorkerResponse,
)
from awaitstep.gateway import SESSION_COOKIE
from awaitstep.providers.files import ModuleFiles
from awaitstep.providers.local import LocalBundles, LocalProvider
from awaitstep.providers.packages import Environments
from awaitstep.storage.records import Connection, Home, Organization, Project
from awaitstep.storage.sql import SqlStore, open_store

GRAPH: dict[str, Any] = {
    "kind": "workflow",
    "metadata": {"name": "Orders", "version": 1},
    "entryNodeId": "charge",
    "nodes": [{"id": "charge", "type": "step", "name": "Charge", "data": {"code": "return 1"}}],
    "edges": [],
}

ORIGINS = Origins("http://test", SESSION_COOKIE)
# what a browser adds to what the dashboard's own pages ask
OUR_PAGE = {"sec-fetch-site": "same-origin", "origin": "http://test"}


def graph_with(*problems: str, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """A graph in which the fake language finds exactly these problems."""
    return {**GRAPH, "problems": list(problems), "warnings": list(warnings)}


class FakeLanguage:
    """Finds the problems a graph says it has; compiles to a comment."""

    def validate(self, ir: Mapping[str, Any]) -> list[Finding]:
        found = [_finding("error", code) for code in ir.get("problems", ())]
        if not isinstance(ir.get("nodes"), list):
            found.append(_finding("error", "graph.shape"))
        return found + [_finding("warning", code) for code in ir.get("warnings", ())]

    def adopt(self, ir: Mapping[str, Any], entry_code: str | None) -> Adopted:
        return Adopted(dict(ir), entry_code)

    def check_entry(self, code: str) -> list[Finding]:
        try:
            compile(f"async def fetch():\n  {code}", "entry", "exec")
        except (SyntaxError, ValueError):
            return [Finding("error", {"code": "entry.syntax", "message": "It is not Python."})]
        return []

    def compile(self, ir: Mapping[str, Any], entry_code: str | None) -> Compiled:
        findings = [found for found in self.validate(ir) if found.severity == "error"]
        if findings:
            raise GraphRefused(findings)
        script = ir.get("kind") == "script"
        return Compiled(
            source=f"# {len(ir['nodes'])} nodes\n{entry_code or ''}\n",
            class_name=None if script else "Orders",
            binding=None if script else "WORKFLOW",
            step_nodes={"Charge": "charge"},
            node_lines={"charge": [1, 1]},
            workflows=ir.get("workflows", {}),
            packages=ir.get("packages", ()),
            unsupported={"local": ir.get("unsupported", ())},
        )

    def variables(self, compiled: Compiled) -> dict[str, VariableUse]:
        read = re.findall(r"env\.(\w+)", compiled.source)
        return {name: VariableUse(2, "charge") for name in read if name != compiled.binding}

    def node_types(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "step",
                "title": "Step",
                "summary": "Python code.",
                "hasValue": True,
                "container": False,
                "schema": {"type": "object"},
            }
        ]


def _finding(severity: str, code: str) -> Finding:
    return Finding(
        severity,
        {"code": code, "severity": severity, "message": f"There is {code}.", "nodeId": "charge"},
    )


@dataclass
class FakeRuns:
    """Runs that do nothing until a test says so. `broken` is raised by whatever starts one."""

    clock: ManualClock
    runs: dict[tuple[str, str], RunView] = field(default_factory=dict)
    steps: dict[str, list[StepView]] = field(default_factory=dict)
    events: list[tuple[str, str, bytes]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    broken: Exception | None = None
    on_wait: Mapping[str, bytes] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=Capabilities)
    limits: dict[str, tuple[Limits, Retention]] = field(default_factory=dict)
    refs: dict[tuple[str, str], int] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    watchers: list[Callable[[str, str], None]] = field(default_factory=list)
    rolled_back: list[str] = field(default_factory=list)
    on_ask: Callable[[str], None] = lambda instance: None

    async def create(self, start: StartRun) -> Created:
        if self.broken is not None:
            raise self.broken
        instance = start.instance
        if instance is None:
            instance = new_instance(self.clock.now())
        if not valid_instance(instance):
            raise InvalidInstanceId
        old = self.runs.get((start.workflow, instance))
        if old is not None:
            if old.deployment == start.deployment and old.params == start.params:
                return Created(old, existed=True)
            raise InstanceTaken(instance)
        run = RunView(
            instance=instance,
            workflow=start.workflow,
            deployment=start.deployment,
            version=start.version,
            trigger=start.trigger,
            status=RunStatus.queued,
            epoch=1,
            params=start.params,
            output=None,
            error=None,
            created_at=self.clock.now(),
            started_at=None,
            ended_at=None,
            generated_id=start.instance is None,
            priority=start.priority,
        )
        self._put(run)
        self.refs[start.workflow, instance] = len(self.refs)
        return Created(run, existed=False)

    async def create_batch(self, starts: list[StartRun]) -> list[Created | Exception]:
        return [await self.create(start) for start in starts]

    async def get(self, workflow: str, instance: str) -> RunView:
        try:
            return self.runs[workflow, instance]
        except KeyError:
            raise RunNotFound(instance) from None

    async def list(self, query: RunQuery) -> RunPage:
        needle = None if query.text is None else search.needle(query.text)
        after = len(self.refs) if query.cursor is None else int(query.cursor)
        found = [
            run
            for key, run in sorted(self.runs.items(), key=lambda item: -self.refs[item[0]])
            if self.refs[key] < after
            and run.workflow in query.workflows
            and (query.status is None or run.status in query.status)
            and (query.trigger is None or run.trigger in query.trigger)
            and (query.version is None or run.version == query.version)
            and (query.deployment is None or run.deployment == query.deployment)
            and (query.created_after is None or run.created_at > query.created_after)
            and (query.created_before is None or run.created_at < query.created_before)
            and (needle is None or search.matches(needle, run.instance, run.generated_id, ()))
        ]
        page = found[: query.limit]
        if len(page) == len(found):
            return RunPage(page, None)
        return RunPage(page, str(self.refs[page[-1].workflow, page[-1].instance]))

    async def views(self, runs: Sequence[tuple[str, str]]) -> Sequence[RunView]:
        return [self.runs[key] for key in runs if key in self.runs]

    async def newest(self, workflows: Sequence[str]) -> Mapping[str, RunView]:
        return {run.workflow: run for run in self.all if run.workflow in workflows}

    def watch(self, tell: Callable[[str, str], None]) -> Callable[[], None]:
        """What `on_wait` has to end ends once somebody watches."""
        self.watchers.append(tell)
        for workflow, instance in list(self.runs):
            if instance in self.on_wait:
                output = self.on_wait[instance]
                asyncio.get_running_loop().call_soon(self.finish, workflow, instance, output)
        return lambda: self.watchers.remove(tell)

    async def history(self, workflow: str, instance: str) -> Sequence[StepView]:
        await self.get(workflow, instance)
        return self.steps.get(instance, [])

    async def event_log(self, workflow: str, instance: str) -> Sequence[LogEntry]:
        """What the run's own row and its steps tell."""
        run = await self.get(workflow, instance)
        log = [LogEntry(run.created_at, EntryType.run_created, 1)]
        for step in self.steps.get(instance, []):
            for number, attempt in enumerate(step.attempts, 1):
                if attempt.error is not None and attempt.ended_at is not None:
                    log.append(
                        LogEntry(
                            attempt.ended_at,
                            EntryType.attempt_failed,
                            1,
                            step.name,
                            step.count,
                            number,
                            attempt.error,
                            attempt.delay,
                        )
                    )
        if run.ended_at is not None:
            log.append(LogEntry(run.ended_at, EntryType.run_completed, 1))
        return log

    async def send_event(self, workflow: str, instance: str, type: str, payload: bytes) -> None:
        run = await self.get(workflow, instance)
        if not type:
            raise InvalidEventType
        if run.status in ENDED:
            raise RunState(instance, "take an event", run.status)
        self.events.append((instance, type, payload))

    async def pause(self, workflow: str, instance: str) -> RunView:
        return await self._move(workflow, instance, Cause.pause)

    async def resume(self, workflow: str, instance: str) -> RunView:
        return await self._move(workflow, instance, Cause.resume)

    async def terminate(self, workflow: str, instance: str, *, rollback: bool = False) -> RunView:
        if rollback:
            self.rolled_back.append(instance)
        return await self._move(workflow, instance, Cause.terminate)

    async def restart(
        self,
        workflow: str,
        instance: str,
        *,
        step: str | None = None,
        count: int = 1,
        onto: Onto | None = None,
    ) -> RunView:
        await self.get(workflow, instance)
        if step is not None and step not in {s.name for s in self.steps.get(instance, [])}:
            raise StepNotFound(instance, step, count)
        run = await self._move(workflow, instance, Cause.restart)
        if onto is not None:
            run = replace(run, deployment=onto.deployment, version=onto.version)
        return self._put(replace(run, epoch=run.epoch + 1))

    async def delete(self, workflow: str, instance: str) -> None:
        run = await self._asked(workflow, instance)
        if run.status not in ENDED:
            raise RunState(instance, "be deleted", run.status)
        del self.runs[workflow, instance]
        self._tell(run)

    def limit(self, workflow: str, limits: Limits, retention: Retention) -> None:
        self.limits[workflow] = (limits, retention)

    async def live(self, workflow: str) -> int:
        return sum(run.workflow == workflow and run.status not in ENDED for run in self.all)

    def watch_ends(self, tell: Callable[[str, str], None]) -> None:
        """Nothing ends by itself here."""

    async def figures(self) -> Figures:
        """Of the runs that were started here."""
        tallies = Tallies()
        for run in self.all:
            tallies[run.workflow].started += 1
        live = Counter(run.workflow for run in self.all if run.status not in ENDED)
        return Figures(tallies, live, {}, loaded=len(self.all), executing=0)

    async def wait(self, workflow: str, instance: str, seconds: float) -> RunView:
        self.waited.append(seconds)
        await self.get(workflow, instance)
        if instance in self.on_wait:
            self.finish(workflow, instance, self.on_wait[instance])
        return await self.get(workflow, instance)

    @property
    def all(self) -> Sequence[RunView]:
        return [*self.runs.values()]

    def finish(self, workflow: str, instance: str, output: bytes) -> RunView:
        """Complete a run with one step in its history."""
        now = self.clock.now()
        failed = AttemptView(
            1, now, now, RunError("TimeoutError", "too slow", "Charge", 12), delay=10.0
        )
        self.steps[instance] = [
            StepView(
                name="Charge [2.0]",
                count=1,
                type=StepType.do,
                status=StepStatus.complete,
                started_at=now,
                ended_at=now,
                output=b'{"cents": 100}',
                error=None,
                attempts=[failed, AttemptView(2, now, now, None)],
            )
        ]
        run = self.runs[workflow, instance]
        return self._put(
            replace(run, status=RunStatus.complete, output=output, started_at=now, ended_at=now)
        )

    async def _move(self, workflow: str, instance: str, cause: Cause) -> RunView:
        run = await self._asked(workflow, instance)
        return self._put(replace(run, status=move(run.status, cause, instance)))

    async def _asked(self, workflow: str, instance: str) -> RunView:
        self.asked.append(instance)
        self.on_ask(instance)
        await asyncio.sleep(0)
        if instance in self.failing:
            raise self.failing[instance]
        return await self.get(workflow, instance)

    def _put(self, run: RunView) -> RunView:
        self.runs[run.workflow, run.instance] = run
        self._tell(run)
        return run

    def _tell(self, run: RunView) -> None:
        for tell in self.watchers:
            tell(run.workflow, run.instance)


@dataclass
class FakeWorkers:
    ready: bool = True
    crashes: dict[str, str] = field(default_factory=dict)
    failures: dict[str, HandlerFailure] = field(default_factory=dict)

    async def fetch(self, deployment: str, request: WorkerRequest) -> WorkerResponse:
        return WorkerResponse(200, [], deployment.encode())

    def crashed(self, deployment: str) -> str | None:
        return self.crashes.get(deployment)

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        return self.failures.get(deployment)

    def health(self) -> RunnerHealth:
        return RunnerHealth(self.ready, 1, True, "landlock")


class LeavingTransport(httpx.ASGITransport):
    """Answers in one piece; of a stream that has no end, it goes after the first words."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/runs/stream"):
            return await super().handle_async_request(request)
        heard = asyncio.Event()
        told: list[Any] = []
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": await request.aread(), "more_body": False}
            await heard.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            told.append(message)
            if message["type"] == "http.response.body":
                heard.set()

        headers = [(name.lower(), value) for name, value in request.headers.raw]
        await self.app(
            {
                "type": "http",
                "asgi": {"version": "3.0", "spec_version": "2.3"},
                "http_version": "1.1",
                "method": request.method,
                "path": request.url.path,
                "raw_path": request.url.raw_path,
                "query_string": request.url.query,
                "root_path": "",
                "scheme": "http",
                "headers": headers,
                "server": ("test", 80),
                "client": ("127.0.0.1", 1),
            },
            receive,
            send,
        )
        body = b"".join(message.get("body", b"") for message in told[1:])
        return httpx.Response(told[0]["status"], headers=told[0]["headers"], content=body)


class Plane:
    """A control plane with one project, its keys and an HTTP client for each."""

    def __init__(self, folder: Path, language: Language | None = None) -> None:
        self.folder = folder
        self.language = language or FakeLanguage()
        self.clock = ManualClock()
        self.engine = FakeRuns(self.clock)
        self.workers = FakeWorkers()
        self.store: SqlStore = open_store(f"sqlite:///{folder}/control.db")
        self.vault = Vault(b"k" * 32)
        self.files = ModuleFiles(folder / "deployments")
        self.environments = Environments(
            folder / "environments", folder / "deployments/requirements", install=self._install
        )
        self.bundles = LocalBundles(
            store=self.store,
            vault=self.vault,
            files=self.files,
            environments=self.environments,
        )
        self.installs: list[list[str]] = []
        self.broken_install: Exception | None = None
        self.app = self._app()
        self.project = ""

    def _app(self) -> AwaitStep:
        provider = LocalProvider(
            runs=self.engine,
            workers=self.workers,
            files=self.files,
            environments=self.environments,
            worker_url=lambda name: f"http://127.0.0.1:8787/{name}/",
        )
        return AwaitStep(
            store=self.store,
            providers={"local": provider},
            language=self.language,
            clock=self.clock,
            vault=self.vault,
        )

    async def _install(
        self,
        requirements: Sequence[str],
        pins: Sequence[str],
        draft: Path,
        *,
        cache: Path | None,
        tell: Callable[[str], None],
    ) -> None:
        self.installs.append(list(requirements))
        tell(f"Resolving {len(requirements)} packages")
        if self.broken_install is not None:
            raise self.broken_install
        (draft / "site").mkdir()

    async def open(self) -> Plane:
        self.project = (await self.app.bootstrap()).project.id
        self.api = create_api(self.app, ORIGINS)
        return self

    async def key(self, *scopes: Scope, project: str | None = None) -> str:
        _, text = await self.app.keys.create(
            project or self.project, name="test", scopes=scopes or ("read", "write", "deploy")
        )
        return text

    async def client(self, *scopes: Scope, project: str | None = None) -> httpx.AsyncClient:
        """A client with a key of these scopes (all of them when none is given)."""
        key = await self.key(*scopes, project=project)
        return self.anonymous(Authorization=f"Bearer {key}")

    async def signed_in(self, **headers: str) -> httpx.AsyncClient:
        """A browser on one of the dashboard's own pages, signed in by a link."""
        browser = self.anonymous(**OUR_PAGE, **headers)
        token = await self.app.sessions.link(self.project, 60)
        answer = await browser.post("/auth/sessions", json={"token": token})
        assert answer.status_code == 204, answer.text
        return browser

    def anonymous(self, **headers: str) -> httpx.AsyncClient:
        transport = LeavingTransport(self.api, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test/api", headers=headers)

    async def other_project(self) -> str:
        """A second project with its own built-in connection."""
        self.clock.move(1)
        now = self.clock.now()
        organization = Organization(new_id("org"), "Other", now)
        project = Project(new_id("proj"), organization.id, "Other", now)
        place = Connection(new_id("conn"), project.id, "local", "Local", True, True, now)
        self.store.tenancy.create_home(Home(organization, project, place))
        return project.id

    async def deployed(self, client: httpx.AsyncClient, name: str = "Orders") -> str:
        """The id of a workflow that is live."""
        workflow = (await client.post("/workflows", json={"name": name, "ir": GRAPH})).json()["id"]
        answer = await client.post(f"/workflows/{workflow}/deploy")
        assert answer.status_code == 200, answer.text
        return str(workflow)

    def close(self) -> None:
        self.store.close()
