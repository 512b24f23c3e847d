"""Cloudflare's API v4 as far as we use it, for one machine: a real server that refuses what the
real one refuses. Runs are executed by the in-memory engine.

What it takes, and where the documentation says so, is in `rules.py`; what that leaves open is marked.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import rules
from .instances import Instances
from .rules import Error
from .scripts import Script, Version, script_missing, uploaded

ACCOUNT = "0123456789abcdef0123456789abcdef"
ZONE = "fedcba9876543210fedcba9876543210"
TOKEN = "cf-token-that-nobody-may-see"
NEXT = "2026-01-01T00:00:00Z"


@dataclass
class Cloudflare:
    """The state of one account. `fail` makes the next matching calls go wrong."""

    instances: Instances
    address: str = ""
    subdomain: str | None = "acme"
    scripts: dict[str, Script] = field(default_factory=dict)
    workflows: dict[str, dict[str, Any]] = field(default_factory=dict)
    routes: dict[str, dict[str, str]] = field(default_factory=dict)
    domains: dict[str, dict[str, str]] = field(default_factory=dict)
    permissions: set[str] = field(default_factory=lambda: {"scripts", "routes"})
    calls: list[tuple[str, str]] = field(default_factory=list)
    failing: list[tuple[str, str, int, dict[str, str], int, Callable[[], object] | None]] = field(
        default_factory=list
    )
    lost: list[tuple[str, str, bool, int]] = field(default_factory=list)
    answers: int | None = None

    def fail(
        self,
        method: str,
        ending: str,
        status: int,
        times: int = 1,
        then: Callable[[], object] | None = None,
        **headers: str,
    ) -> None:
        """The next calls of the method whose path ends so are answered with this status; `then` is
        called after each."""
        self.failing.append((method, ending, status, headers, times, then))

    def lose(self, method: str, ending: str, *, done: bool, times: int = 1) -> None:
        """The next such calls get no answer: their connection is dropped. `done`: what they ask for
        happens all the same, as when only the answer takes too long."""
        self.lost.append((method, ending, done, times))

    def leave(self, after: int) -> None:
        """Answer that many calls more, and then none until it is back."""
        self.answers = after

    def come_back(self) -> None:
        self.answers = None

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The calls that were no reading."""
        return [call for call in self.calls if call[0] != "GET"]


Handler = Callable[[Cloudflare, Request], Awaitable[Any]]


def _envelope(result: Any, **info: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"success": True, "errors": [], "messages": [], "result": result}
    if info:
        told["result_info"] = info
    return told


def _refusal(error: Error, headers: dict[str, str] | None = None) -> Response:
    told = {"code": error.code, "message": str(error)}
    return JSONResponse(
        {"success": False, "errors": [told], "messages": [], "result": None},
        status_code=error.status,
        headers=headers,
    )


class _Dropped(Response):
    """Less than it promises: then the connection ends."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"1000"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _app(cloudflare: Cloudflare) -> Starlette:
    def route(path: str, method: str, handler: Handler, permission: str = "scripts") -> Route:
        async def answer(request: Request) -> Response:
            cloudflare.calls.append((method, request.url.path))
            if cloudflare.answers is not None:
                if not cloudflare.answers:
                    return _Dropped()
                cloudflare.answers -= 1
            for at, (verb, ending, status, headers, times, then) in enumerate(cloudflare.failing):
                if verb == method and request.url.path.endswith(ending):
                    rest = (verb, ending, status, headers, times - 1, then)
                    cloudflare.failing[at : at + 1] = [rest] if times > 1 else []
                    if then is not None:
                        then()
                    code = 10429 if status == 429 else 10001
                    sent = {name.replace("_", "-"): value for name, value in headers.items()}
                    return _refusal(
                        Error(status, code, "workflows.api.error.internal_server"), sent
                    )
            for at, (verb, ending, done, times) in enumerate(cloudflare.lost):
                if verb == method and request.url.path.endswith(ending):
                    rest = (verb, ending, done, times - 1)
                    cloudflare.lost[at : at + 1] = [rest] if times > 1 else []
                    if done:
                        with contextlib.suppress(Error):
                            await handler(cloudflare, request)
                    return _Dropped()
            try:
                if request.headers.get("authorization") != f"Bearer {TOKEN}":
                    raise Error(400, 6003, "Invalid request headers")
                if request.path_params.get("account", ACCOUNT) != ACCOUNT:
                    raise Error(403, 10000, "Authentication error")
                if permission and permission not in cloudflare.permissions:
                    raise Error(403, 10000, "Authentication error")
                return JSONResponse(await handler(cloudflare, request))
            except Error as error:
                return _refusal(error)

        return Route(path, answer, methods=[method])

    script = "/accounts/{account}/workers/scripts/{script}"
    workflow = "/accounts/{account}/workflows/{workflow}"
    return Starlette(
        routes=[
            route("/accounts", "GET", _accounts, ""),
            route("/accounts/{account}/workers/subdomain", "GET", _subdomain),
            route("/accounts/{account}/workers/scripts", "GET", _list_scripts),
            route(script, "PUT", _put_script),
            route(script, "DELETE", _delete_script),
            route(script + "/settings", "GET", _settings),
            route(script + "/secrets", "GET", _secrets),
            route(script + "/versions", "GET", _versions),
            route(script + "/versions", "POST", _post_version),
            route(script + "/versions/{version}", "GET", _version),
            route(script + "/deployments", "GET", _deployments),
            route(script + "/deployments", "POST", _post_deployment),
            route(script + "/subdomain", "GET", _get_script_subdomain),
            route(script + "/subdomain", "POST", _script_subdomain),
            route("/accounts/{account}/workflows", "GET", _list_workflows),
            route(workflow, "GET", _get_workflow),
            route(workflow, "PUT", _put_workflow),
            route(workflow, "DELETE", _delete_workflow),
            route(workflow + "/instances", "GET", _list_instances),
            route(workflow + "/instances", "POST", _create_instance),
            route(workflow + "/instances/{instance}", "GET", _get_instance),
            route(workflow + "/instances/{instance}/status", "PATCH", _change_instance),
            route(workflow + "/instances/{instance}/events/{type}", "POST", _send_event),
            route("/accounts/{account}/workers/domains", "GET", _list_domains),
            route("/accounts/{account}/workers/domains", "PUT", _put_domain),
            route("/accounts/{account}/workers/domains/{domain}", "DELETE", _delete_domain),
            route("/zones", "GET", _zones, ""),
            route("/zones/{zone}/workers/routes", "GET", _list_routes, "routes"),
            route("/zones/{zone}/workers/routes", "POST", _post_route, "routes"),
            route("/zones/{zone}/workers/routes/{route}", "DELETE", _delete_route, "routes"),
        ]
    )


def _script(cloudflare: Cloudflare, request: Request) -> Script:
    found = cloudflare.scripts.get(request.path_params["script"])
    if found is None:
        raise script_missing()
    return found


async def _accounts(cloudflare: Cloudflare, request: Request) -> Any:
    return _envelope([{"id": ACCOUNT, "name": "Acme"}], page=1, total_pages=1)


async def _subdomain(cloudflare: Cloudflare, request: Request) -> Any:
    if cloudflare.subdomain is None:
        raise Error(404, 10007, "workers.api.error.subdomain_not_found")
    return _envelope({"subdomain": cloudflare.subdomain})


async def _list_scripts(cloudflare: Cloudflare, request: Request) -> Any:
    return _envelope(
        [{"id": name, "tags": script.tags} for name, script in cloudflare.scripts.items()]
    )


async def _put_script(cloudflare: Cloudflare, request: Request) -> Any:
    name = rules.script_name(request.path_params["script"])
    version = await uploaded(request, cloudflare.scripts, name)
    script = cloudflare.scripts.setdefault(name, Script(name, []))
    script.tags = version.metadata.get("tags", [])
    script.versions[version.id] = version
    script.deployments.append(version.id)
    return _envelope({"id": name})


async def _delete_script(cloudflare: Cloudflare, request: Request) -> Any:
    script = _script(cloudflare, request)
    bound = [
        other.name
        for other in cloudflare.scripts.values()
        if other is not script
        and any(
            script.name in (binding.get("service"), binding.get("script_name"))
            for binding in other.live.metadata.get("bindings", [])
        )
    ]
    # workers/scripts/methods/delete, `force`: bindings stop it otherwise
    if bound and request.query_params.get("force") != "true":
        raise Error(400, 10064, "This Worker is referenced by other Workers' bindings.")
    del cloudflare.scripts[script.name]
    return _envelope({"id": script.name})


def _bindings(version: Version) -> list[dict[str, Any]]:
    """Secrets are named and never told."""
    return [
        {key: value for key, value in binding.items() if key != "text"}
        if binding["type"] == "secret_text"
        else binding
        for binding in version.metadata.get("bindings", [])
    ]


async def _settings(cloudflare: Cloudflare, request: Request) -> Any:
    script = _script(cloudflare, request)
    told = {
        name: script.live.metadata[name] for name in ("compatibility_date", "compatibility_flags")
    }
    return _envelope({"tags": script.tags, "bindings": _bindings(script.live), **told})


async def _secrets(cloudflare: Cloudflare, request: Request) -> Any:
    bindings = _bindings(_script(cloudflare, request).live)
    return _envelope([binding for binding in bindings if binding["type"] == "secret_text"])


async def _versions(cloudflare: Cloudflare, request: Request) -> Any:
    script = _script(cloudflare, request)
    told = [{"id": id, "number": at} for at, id in enumerate(script.versions, 1)]
    if request.query_params.get("page", "1") != "1":
        told = []
    return _envelope({"items": told}, page=1, per_page=25, total_pages=1)


async def _version(cloudflare: Cloudflare, request: Request) -> Any:
    script = _script(cloudflare, request)
    version = script.versions.get(request.path_params["version"])
    if version is None:
        raise Error(404, 10025, "workers.api.error.version_not_found")
    runtime = {
        name: version.metadata[name] for name in ("compatibility_date", "compatibility_flags")
    }
    return _envelope(
        {
            "id": version.id,
            "number": [*script.versions].index(version.id) + 1,
            "resources": {"bindings": _bindings(version), "script_runtime": runtime},
        }
    )


async def _get_script_subdomain(cloudflare: Cloudflare, request: Request) -> Any:
    on = _script(cloudflare, request).on_workers_dev
    return _envelope({"enabled": on, "previews_enabled": False})


async def _post_version(cloudflare: Cloudflare, request: Request) -> Any:
    script = _script(cloudflare, request)
    version = await uploaded(request, cloudflare.scripts, script.name, rules.VERSION)
    script.versions[version.id] = version
    return _envelope({"id": version.id, "number": len(script.versions)})


async def _deployments(cloudflare: Cloudflare, request: Request) -> Any:
    script = _script(cloudflare, request)
    told = [
        {
            "id": str(at),
            "strategy": "percentage",
            "versions": [{"version_id": v, "percentage": 100}],
        }
        for at, v in reversed([*enumerate(script.deployments)])
    ]
    return _envelope({"deployments": told})


async def _post_deployment(cloudflare: Cloudflare, request: Request) -> Any:
    script = _script(cloudflare, request)
    body = await rules.DEPLOYMENT.read(request)
    versions = body["versions"]
    # the same page: `percentage` is the one strategy, of one or two versions
    shares = [one.get("percentage") for one in versions if isinstance(one, dict)]
    whole = all(type(share) in (int, float) for share in shares) and sum(shares) == 100
    if body["strategy"] != "percentage" or not 1 <= len(shares) <= 2 or not whole:
        raise Error(400, 10021, "The percentages must add up to 100.")
    for version in versions:
        if version["version_id"] not in script.versions:
            raise Error(404, 10025, "workers.api.error.version_not_found")
    script.deployments.append(versions[0]["version_id"])
    return _envelope({"id": str(len(script.deployments))})


async def _script_subdomain(cloudflare: Cloudflare, request: Request) -> Any:
    script = _script(cloudflare, request)
    script.on_workers_dev = (await rules.SUBDOMAIN.read(request))["enabled"]
    return _envelope({"enabled": script.on_workers_dev, "previews_enabled": False})


def _workflow(cloudflare: Cloudflare, request: Request) -> dict[str, Any]:
    found = cloudflare.workflows.get(request.path_params["workflow"])
    if found is None:
        raise Error(404, 10200, "workflow.not_found")
    return found


def _told(workflow: dict[str, Any]) -> dict[str, Any]:
    """As `workflow_get_response.py` of the cloudflare package has it."""
    schedules = [schedule | {"next_instance": NEXT} for schedule in workflow.get("schedules") or ()]
    dates = {"created_on": NEXT, "modified_on": NEXT, "triggered_on": None}
    return workflow | dates | {"schedules": schedules, "instances": {}}


async def _list_workflows(cloudflare: Cloudflare, request: Request) -> Any:
    told = [_told(workflow) for workflow in cloudflare.workflows.values()]
    if request.query_params.get("page", "1") != "1":
        told = []
    return _envelope(told, page=1, total_pages=1)


async def _get_workflow(cloudflare: Cloudflare, request: Request) -> Any:
    return _envelope(_told(_workflow(cloudflare, request)))


async def _put_workflow(cloudflare: Cloudflare, request: Request) -> Any:
    name = rules.workflow_name(request.path_params["workflow"])
    body = await rules.WORKFLOW.read(request)
    script = cloudflare.scripts.get(body["script_name"])
    # the class has to be the worker's; the number is not documented
    if script is None or body["class_name"] not in script.live.classes:
        raise Error(400, 10201, "workflow.invalid")
    if any({*schedule} != {"cron"} for schedule in body.get("schedules", ())):
        raise Error(400, 10201, "A schedule has a cron and nothing else.")
    kept = cloudflare.workflows.get(name, {"id": str(uuid.uuid4()), "name": name})
    cloudflare.workflows[name] = kept | body
    bindings = script.live.metadata["bindings"]
    variables = {b["name"]: b["text"] for b in bindings if "text" in b}
    own = {b["name"]: name for b in bindings if b.get("workflow_name") == name}
    cloudflare.instances.put(
        name, script.deployments[-1], script.live.source, body["class_name"], variables, own
    )
    return _envelope(cloudflare.workflows[name])


async def _delete_workflow(cloudflare: Cloudflare, request: Request) -> Any:
    _workflow(cloudflare, request)
    del cloudflare.workflows[request.path_params["workflow"]]
    await cloudflare.instances.drop(request.path_params["workflow"])
    return _envelope({"status": "ok", "success": True})


async def _list_instances(cloudflare: Cloudflare, request: Request) -> Any:
    kept = _workflow(cloudflare, request)
    asked = rules.listed(dict(request.query_params))
    if asked.get("page", "1") != "1":
        return _envelope([], count=0, per_page=25, total_count=0, cursor=None)
    items, cursor = await cloudflare.instances.page(kept["name"], asked)
    told = [item | {"workflow_id": kept["id"]} for item in items]
    return _envelope(told, count=len(told), per_page=25, total_count=len(told), cursor=cursor)


async def _create_instance(cloudflare: Cloudflare, request: Request) -> Any:
    kept = _workflow(cloudflare, request)
    body = await rules.INSTANCE.read(request) if await request.body() else {}
    made = await cloudflare.instances.create(kept["name"], body.get("instance_id"), body)
    return _envelope(made | {"workflow_id": kept["id"]})


async def _get_instance(cloudflare: Cloudflare, request: Request) -> Any:
    _workflow(cloudflare, request)
    return _envelope(await cloudflare.instances.get(*_at(request)))


async def _change_instance(cloudflare: Cloudflare, request: Request) -> Any:
    _workflow(cloudflare, request)
    body = await rules.STATUS.read(request)
    if body["status"] not in rules.VERBS:
        raise Error(400, 10001, f"{body['status']!r} is no status to change to.")
    return _envelope(await cloudflare.instances.change(*_at(request), body))


async def _send_event(cloudflare: Cloudflare, request: Request) -> Any:
    _workflow(cloudflare, request)
    await cloudflare.instances.send(
        *_at(request), request.path_params["type"], await request.body() or b"null"
    )
    return _envelope(None)


def _at(request: Request) -> tuple[str, str]:
    return request.path_params["workflow"], request.path_params["instance"]


async def _zones(cloudflare: Cloudflare, request: Request) -> Any:
    if "routes" not in cloudflare.permissions:
        return _envelope([], page=1, total_pages=1)
    zone = {"id": ZONE, "name": "example.com", "account": {"id": ACCOUNT}}
    wanted = request.query_params.get("name", "example.com")
    return _envelope([zone] if wanted == zone["name"] else [], page=1, total_pages=1)


async def _list_routes(cloudflare: Cloudflare, request: Request) -> Any:
    return _envelope([*cloudflare.routes.values()])


async def _post_route(cloudflare: Cloudflare, request: Request) -> Any:
    body = await rules.ROUTE.read(request)
    if any(route["pattern"] == body["pattern"] for route in cloudflare.routes.values()):
        raise Error(409, 10020, "workers.api.error.duplicate_route")
    if body["script"] not in cloudflare.scripts:
        raise script_missing()
    id = uuid.uuid4().hex
    cloudflare.routes[id] = {"id": id, **body}
    return _envelope({"id": id})


async def _delete_route(cloudflare: Cloudflare, request: Request) -> Any:
    if cloudflare.routes.pop(request.path_params["route"], None) is None:
        raise Error(404, 10009, "workers.api.error.not_found")
    return _envelope({"id": request.path_params["route"]})


async def _list_domains(cloudflare: Cloudflare, request: Request) -> Any:
    wanted = dict(request.query_params)
    return _envelope(
        [
            domain
            for domain in cloudflare.domains.values()
            if all(domain.get(field) == value for field, value in wanted.items())
        ]
    )


async def _put_domain(cloudflare: Cloudflare, request: Request) -> Any:
    body = await rules.DOMAIN.read(request)
    if body.get("service") not in cloudflare.scripts:
        raise script_missing()
    # the same page: the zone's apex or a subdomain of it
    host = body["hostname"]
    if body.get("zone_id", ZONE) != ZONE or not f".{host}".endswith(".example.com"):
        raise Error(400, 10082, "The hostname is not in the zone.")
    known = {domain["hostname"]: domain for domain in cloudflare.domains.values()}.get(host)
    if known is not None and known["service"] != body["service"]:
        raise Error(409, 100116, "The hostname is in use by another worker.")
    id = uuid.uuid4().hex if known is None else known["id"]
    cloudflare.domains[id] = {
        "id": id,
        "hostname": host,
        "service": body["service"],
        "zone_id": ZONE,
        "zone_name": "example.com",
        "environment": "production",
        "cert_id": uuid.uuid4().hex,
    }
    return _envelope(cloudflare.domains[id])


async def _delete_domain(cloudflare: Cloudflare, request: Request) -> Any:
    if cloudflare.domains.pop(request.path_params["domain"], None) is None:
        raise Error(404, 10009, "workers.api.error.not_found")
    return _envelope(None)


@asynccontextmanager
async def serving(instances: Instances) -> AsyncIterator[Cloudflare]:
    """A fake Cloudflare on a free port of loopback."""
    cloudflare = Cloudflare(instances)
    config = uvicorn.Config(
        _app(cloudflare), host="127.0.0.1", port=0, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    socket = config.bind_socket()
    task = asyncio.create_task(server.serve(sockets=[socket]))
    cloudflare.address = f"http://127.0.0.1:{socket.getsockname()[1]}"
    try:
        yield cloudflare
    finally:
        server.should_exit = True
        await task
        await instances.close()
