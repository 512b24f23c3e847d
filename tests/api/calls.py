"""One good call of every route, in an order in which each finds what it needs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx

from .fakes import GRAPH, OUR_PAGE, Plane

Answer = tuple[str, str, httpx.Response]
MISSING = "x" * 20


async def every_call(plane: Plane, client: httpx.AsyncClient) -> AsyncIterator[Answer]:
    """(method, route, answer) of each route of the API."""
    known: dict[str, str] = {}

    async def call(
        method: str,
        route: str,
        body: Any = None,
        query: str = "",
        asked_by: httpx.AsyncClient = client,
    ) -> Answer:
        path = re.sub(r"{(\w+)}", lambda name: known[name[1]], route)
        answer = await asked_by.request(method, path + query, json=body)
        return method, route, answer

    yield await call("GET", "/health")
    yield await call("GET", "/nodes")
    known["type"] = "step"
    yield await call("GET", "/nodes/{type}")
    yield await call("GET", "/templates")
    known["id"] = "hello"
    yield await call("GET", "/templates/{id}")
    yield await call("POST", "/validate", {"ir": GRAPH})
    yield await call("POST", "/compile", {"ir": GRAPH, "entryCode": "pass"})

    made = await call("POST", "/workflows", {"name": "Orders", "ir": GRAPH})
    yield made
    workflow = known["id"] = made[2].json()["id"]
    yield await call("GET", "/workflows")
    yield await call("GET", "/workflows/{id}")
    yield await call("POST", "/workflows/{id}/versions", {"ir": GRAPH, "note": "second"})
    known["version"] = "2"
    yield await call("GET", "/workflows/{id}/versions")
    yield await call("GET", "/workflows/{id}/versions/{version}")
    yield await call("PATCH", "/workflows/{id}/versions/{version}", {"locked": False})
    yield await call("GET", "/workflows/{id}/versions/{version}/code")
    yield await call("POST", "/workflows/{id}/versions/{version}/revert")
    known["version"] = "3"
    yield await call("DELETE", "/workflows/{id}/versions/{version}")
    draft = {"ir": {"nodes": "to come"}, "baseVersionId": None, "revision": 0}
    yield await call("PUT", "/workflows/{id}/draft", draft)
    yield await call("GET", "/workflows/{id}/draft")
    yield await call("DELETE", "/workflows/{id}/draft")
    edit = {"description": "d", "envVars": [{"name": "A", "value": "1"}], "payloadSchema": {}}
    edit["limits"] = {"concurrency": 2, "starts": {"limit": 5, "period": "1 minute"}}
    yield await call("PATCH", "/workflows/{id}", edit)
    yield await call("PATCH", "/workflows/{id}/move", {"projectId": plane.project})
    exported = await call("GET", "/workflows/{id}/export")
    yield exported
    yield await call("POST", "/workflows/import", exported[2].json())

    yield await call("POST", "/workflows/{id}/deploy", {})
    yield await call("POST", "/workflows/{id}/deploy-stream")
    yield await call("GET", "/workflows/{id}/deploy-stream")
    yield await call("POST", "/workflows/{id}/changes", {"ir": GRAPH})
    yield await call("GET", "/workflows/{id}/deployments")
    yield await call("GET", "/deployments")
    yield await call("GET", "/workflows/{id}/full")

    started = await call("POST", "/workflows/{id}/trigger", {"params": {"a": 1}}, "?wait=1")
    yield started
    known["run"] = started[2].json()["id"]
    yield await call("GET", "/runs")
    yield await call("GET", "/workflows/{id}/runs")
    yield await call("GET", "/runs/stream")
    yield await call("GET", "/workflows/{id}/runs/stream")
    yield await call("POST", "/workflows/{id}/runs/{run}/pause")
    yield await call("POST", "/workflows/{id}/runs/{run}/resume")
    yield await call("POST", "/workflows/{id}/runs/{run}/events", {"type": "paid", "payload": 1})
    plane.engine.finish(workflow, known["run"], b'{"shipped":true}')
    yield await call("GET", "/workflows/{id}/runs/{run}")
    yield await call("GET", "/workflows/{id}/runs/{run}/steps")
    yield await call("GET", "/workflows/{id}/runs/{run}/stream")
    yield await call("GET", "/workflows/{id}/runs/{run}/events")
    yield await call("GET", "/workflows/{id}/runs/{run}/events/stream")
    yield await call("POST", "/workflows/{id}/runs/{run}/restart", {})
    yield await call("POST", "/workflows/{id}/runs/{run}/terminate")
    everything = {"verb": "restart", "filter": {}}
    yield await call("POST", "/workflows/{id}/runs/bulk", everything)
    yield await call("POST", "/workflows/{id}/runs/{run}/terminate")
    yield await call("DELETE", "/workflows/{id}/runs/{run}")
    yield await call("POST", "/workflows/{id}/takedown", {"terminateRuns": True})
    yield await call("DELETE", "/workflows/{id}")

    made = await call("POST", "/connections", {"type": "local", "name": "Staging"})
    yield made
    known["id"] = made[2].json()["id"]
    yield await call("GET", "/connections")
    yield await call("GET", "/connections/types")
    yield await call("PATCH", "/connections/{id}", {"name": "Stage"})
    yield await call("DELETE", "/connections/{id}")
    yield await call("POST", "/connections/verify-token", {"type": "local", "token": "t"})

    made = await call("POST", "/env-vars", {"name": "A", "value": "1", "isSecret": True})
    yield made
    known["id"] = made[2].json()["id"]
    yield await call("GET", "/env-vars")
    yield await call("PATCH", "/env-vars/{id}", {"value": "2"})
    yield await call("DELETE", "/env-vars/{id}")

    made = await call("POST", "/api-keys", {"name": "Billing", "scopes": ["deploy"]})
    yield made
    known["id"] = made[2].json()["id"]
    yield await call("GET", "/api-keys")
    yield await call("DELETE", "/api-keys/{id}")

    yield await call("GET", "/me")
    browser = plane.anonymous(**OUR_PAGE)
    token = await plane.app.sessions.link(plane.project, 60)
    yield await call("POST", "/auth/sessions", {"token": token}, asked_by=browser)
    made = await call("POST", "/projects", {"name": "Billing"}, asked_by=browser)
    yield made
    known["id"] = made[2].json()["id"]
    yield await call("GET", "/projects", asked_by=browser)
    yield await call("PATCH", "/projects/{id}", {"name": "Shop"}, asked_by=browser)
    yield await call("DELETE", "/auth/sessions", asked_by=browser)
