"""From the API to Cloudflare and back: connection, deploy, runs, takedown, over the real wiring."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from awaitstep.app.feed import Ear
from awaitstep.engine.clock import SystemClock
from awaitstep.providers.cloudflare import provider
from awaitstep.wiring import DATABASE_FILE, Settings, open_server
from fakecloud.instances import Instances
from fakecloud.server import ACCOUNT, TOKEN, Cloudflare, serving

GRAPH = {
    "kind": "workflow",
    "metadata": {"name": "Orders", "version": 1},
    "entryNodeId": "double",
    "nodes": [
        {
            "id": "double",
            "type": "step",
            "name": "Double",
            "data": {"code": "return event['payload']['n'] * 2"},
        }
    ],
    "edges": [],
}


class House:
    def __init__(self, client: httpx.AsyncClient, cloudflare: Cloudflare, folder: Path) -> None:
        self.client = client
        self.cloudflare = cloudflare
        self.folder = folder

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.client.request(method, f"/api{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def connect(self, **more: Any) -> str:
        body = {"type": "cloudflare", "name": "Edge", "token": TOKEN, **more}
        return str((await self.ask("POST", "/connections", body, 201))["id"])

    async def workflow(self, graph: Any = GRAPH, **more: Any) -> str:
        body = {"name": graph["metadata"]["name"], "ir": graph, **more}
        return str((await self.ask("POST", "/workflows", body, 201))["id"])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    modules = tmp_path / "modules"
    modules.mkdir()
    async with serving(Instances(modules, SystemClock())) as cloudflare:
        settings = Settings(
            tmp_path / "data",
            "http://test",
            "http://127.0.0.1:21999",
            key=b"k" * 32,
            cloudflare=cloudflare.address,
        )
        settings.data.mkdir()
        async with open_server(settings) as server:
            _, key = await server.app.keys.replace(
                server.home.project.id, name="test", scopes=["read", "write", "deploy"]
            )
            transport = httpx.ASGITransport(app=server.api)
            async with httpx.AsyncClient(
                transport=transport,
                base_url="http://test",
                headers={"Authorization": f"Bearer {key}"},
            ) as client:
                yield House(client, cloudflare, settings.data)


async def test_a_workflow_goes_there_runs_and_is_taken_away(house: House) -> None:
    connection = await house.connect(plan="paid")
    workflow = await house.workflow()
    secret = {"name": "API_KEY", "value": "s3cret", "isSecret": True}
    await house.ask("PATCH", f"/workflows/{workflow}", {"envVars": [secret]})
    deployed = await house.ask(
        "POST", f"/workflows/{workflow}/deploy", {"connectionId": connection}
    )
    name = deployed["workerName"]
    assert deployed["url"] == f"https://{name}.acme.workers.dev"
    script = house.cloudflare.scripts[name]
    code = await house.ask("GET", f"/workflows/{workflow}/versions/{deployed['versionId']}/code")
    assert script.live.source == code["code"]
    assert {b["name"]: b["type"] for b in script.live.metadata["bindings"]} == {
        "API_KEY": "secret_text",
        "WORKFLOW": "workflow",
    }
    answer = await house.client.post(
        f"/api/workflows/{workflow}/trigger?wait=20", json={"params": {"n": 21}}
    )
    assert answer.json()["output"] == 42, answer.text
    instance = answer.json()["instanceId"]
    steps = await house.ask("GET", f"/workflows/{workflow}/runs/{instance}/steps")
    assert [(step["name"], step["nodeId"]) for step in steps["data"]] == [("Double", "double")]
    changes = house.cloudflare.changes
    again = await house.ask("POST", f"/workflows/{workflow}/deploy", {"connectionId": connection})
    assert again["url"] == deployed["url"]
    assert house.cloudflare.changes == changes
    listed = await house.ask("GET", f"/workflows/{workflow}/runs")
    assert [run["instanceId"] for run in listed["data"]] == [instance]
    [first, *_] = (await house.ask("GET", "/deployments"))["data"]
    assert first["url"] == deployed["url"]
    await house.ask("POST", f"/workflows/{workflow}/takedown", {})
    assert (house.cloudflare.scripts, house.cloudflare.workflows) == ({}, {})
    await house.ask("DELETE", f"/workflows/{workflow}", status=204)


async def test_runs_of_all_engines_are_one_list(house: House) -> None:
    connection = await house.connect()
    here, there = await house.workflow(), await house.workflow()
    await house.ask("POST", f"/workflows/{here}/deploy", {})
    await house.ask("POST", f"/workflows/{there}/deploy", {"connectionId": connection})
    for workflow in (here, there, here):
        answer = await house.client.post(
            f"/api/workflows/{workflow}/trigger?wait=20", json={"params": {"n": 1}}
        )
        assert answer.json()["status"] == "complete", answer.text
    first = await house.ask("GET", "/runs?limit=2")
    rest = await house.ask("GET", f"/runs?limit=2&cursor={first['nextCursor']}")
    found = [run["workflowId"] for run in first["data"] + rest["data"]]
    assert found == [here, there, here]
    assert rest["nextCursor"] is None


async def test_runs_are_listed_while_cloudflare_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await house.connect()
    here, there = await house.workflow(), await house.workflow()
    await house.ask("POST", f"/workflows/{here}/deploy", {})
    await house.ask("POST", f"/workflows/{there}/deploy", {"connectionId": connection})
    for workflow in (here, there):
        answer = await house.client.post(
            f"/api/workflows/{workflow}/trigger?wait=20", json={"params": {"n": 1}}
        )
        assert (answer.json()["stale"], answer.json()["readAt"]) == (False, None)
    instance = answer.json()["instanceId"]

    async def listed(*, stale: bool) -> Any:
        async with asyncio.timeout(60):
            page = await house.ask("GET", "/runs")
            while page["away"] != ([there] if stale else []):
                await asyncio.sleep(0.05)
                page = await house.ask("GET", "/runs")
            return page

    await listed(stale=False)
    house.cloudflare.fail("GET", "", 429, times=1_000_000, Retry_After="1")
    page = await listed(stale=True)
    assert [(run["workflowId"], run["stale"]) for run in page["data"]] == [
        (there, True),
        (here, False),
    ]
    assert page["data"][0]["readAt"] >= page["data"][0]["createdAt"]
    old = await house.ask("GET", f"/workflows/{there}/runs/{instance}")
    assert (old["stale"], old["status"], old["output"]) == (True, "complete", 2)
    assert (await house.ask("GET", f"/workflows/{there}/runs"))["away"] == [there]
    assert (await house.ask("GET", f"/workflows/{here}/runs"))["away"] == []
    assert (await house.ask("GET", "/workflows"))["data"]
    never = await house.ask("GET", f"/workflows/{there}/runs/nobody", status=503)
    assert never["code"] == "engine.unavailable"

    async def back(ear: Ear, seconds: float) -> bool:
        house.cloudflare.failing.clear()
        await asyncio.sleep(0.05)
        return False

    monkeypatch.setattr(Ear, "hears", back)
    told = await house.client.get(f"/api/workflows/{there}/runs/{instance}/stream")
    [first, *_, last] = [part for part in told.text.split("\n\n") if "data: " in part]
    assert (first.startswith("event: run"), '"stale":true' in first) == (True, True)
    assert (last.startswith("event: end"), '"stale":false' in last) == (True, True)
    page = await listed(stale=False)
    assert [run["stale"] for run in page["data"]] == [False, False]


async def test_a_token_is_never_told_again(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = await house.connect(plan="paid")
    told = [
        await house.ask("GET", "/connections"),
        await house.ask("PATCH", f"/connections/{connection}", {"plan": "free", "token": TOKEN}),
        await house.ask(
            "POST", "/connections/verify-token", {"type": "cloudflare", "token": TOKEN}
        ),
        await house.ask(
            "POST", "/connections", {"type": "cloudflare", "name": "Edge", "token": TOKEN}, 409
        ),
    ]
    assert told[1]["plan"] == "free"
    assert told[1]["accountId"] == ACCOUNT
    assert told[2] == {
        "valid": True,
        "accounts": [{"id": ACCOUNT, "name": "Acme", "missing": []}],
    }
    assert TOKEN not in json.dumps(told) + caplog.text
    written = b"".join(
        path.read_bytes() for path in house.folder.glob(f"{DATABASE_FILE}*") if path.is_file()
    )
    assert TOKEN.encode() not in written


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"token": "another"}, "connection.token"),
        ({"token": None}, "connection.token"),
        ({"plan": "gold"}, "connection.plan"),
        ({"accountId": "0" * 32}, "connection.account"),
        ({"type": "local"}, "connection.no_token"),
    ],
)
async def test_what_will_not_do_is_told_when_it_is_given(
    house: House, body: dict[str, Any], code: str
) -> None:
    asked = {"type": "cloudflare", "name": "Edge", "token": TOKEN} | body
    asked = {name: value for name, value in asked.items() if value is not None}
    assert (await house.ask("POST", "/connections", asked, 422))["code"] == code
    assert len((await house.ask("GET", "/connections"))["data"]) == 1


async def test_missing_permissions_are_named(house: House) -> None:
    house.cloudflare.permissions.clear()
    asked = {"type": "cloudflare", "token": TOKEN}
    told = await house.ask("POST", "/connections/verify-token", asked)
    assert told["valid"] is False
    assert told["accounts"][0]["missing"] == ["Workers Scripts: Edit"]
    refused = await house.ask("POST", "/connections", asked | {"name": "Edge"}, 422)
    assert refused["code"] == "connection.permissions"
    assert "Workers Scripts: Edit" in refused["error"]


async def test_capabilities_are_told_as_data(house: House) -> None:
    types = {found["type"]: found for found in await house.ask("GET", "/connections/types")}
    assert types["cloudflare"]["needsToken"]
    assert types["cloudflare"]["plans"] == ["free", "paid"]
    assert not types["cloudflare"]["capabilities"]["pinsCode"]
    assert types["local"]["capabilities"]["pinsCode"]
    await house.connect()
    for found in (await house.ask("GET", "/connections"))["data"]:
        assert found["capabilities"] == types[found["type"]]["capabilities"]


async def test_a_failed_deploy_says_which_stage_it_was(house: House) -> None:
    connection = await house.connect()
    workflow = await house.workflow()
    house.cloudflare.fail("POST", "/subdomain", 403)
    body = {"connectionId": connection}
    refused = await house.ask("POST", f"/workflows/{workflow}/deploy", body, 422)
    assert refused["code"] == "deploy.failed"
    assert refused["details"][0]["stage"] == "Opening the Worker URL"
    assert house.cloudflare.scripts == {}
    house.cloudflare.fail("POST", "/subdomain", 500)
    away = await house.ask("POST", f"/workflows/{workflow}/deploy", body, 503)
    assert away["code"] == "deploy.unavailable"
    assert (await house.ask("GET", f"/workflows/{workflow}/deployments"))["data"] == []
    await house.ask("POST", f"/workflows/{workflow}/deploy", body)


async def test_a_workflow_is_live_at_one_place(house: House) -> None:
    connection = await house.connect()
    workflow = await house.workflow()
    await house.ask("POST", f"/workflows/{workflow}/deploy", {"connectionId": connection})
    refused = await house.ask("POST", f"/workflows/{workflow}/deploy", {}, 409)
    assert refused["code"] == "deploy.elsewhere"
    house.cloudflare.fail("DELETE", "", 400, times=9)
    refused = await house.ask("POST", f"/workflows/{workflow}/takedown", {}, 422)
    assert refused["code"] == "deploy.failed"
    house.cloudflare.failing.clear()
    await house.ask("POST", f"/workflows/{workflow}/takedown", {})
    await house.ask("POST", f"/workflows/{workflow}/deploy", {})


async def test_a_check_tells_what_is_otherwise_at_a_connection(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = await house.connect()
    graph = GRAPH
    plain = await house.ask("POST", "/validate", {"ir": graph})
    assert plain["valid"]
    asked = {"ir": graph, "connectionId": edge}
    codes = {one["code"] for one in (await house.ask("POST", "/validate", asked))["diagnostics"]}
    assert codes == {"cloudflare.blocking"} | {one["code"] for one in plain["diagnostics"]}
    monkeypatch.setattr(provider, "LARGEST", {"free": 10, "paid": 10_000_000})
    told = await house.ask("POST", "/validate", asked)
    assert not told["valid"]
    assert "free plan" in told["diagnostics"][-2]["message"]
    await house.ask("PATCH", f"/connections/{edge}", {"plan": "paid"})
    assert (await house.ask("POST", "/validate", asked))["valid"]
    missing = asked | {"connectionId": "conn_of_nobody"}
    assert (await house.ask("POST", "/validate", missing, 404))["code"]


async def test_a_schedule_on_a_free_plan_is_told_before_a_deploy(house: House) -> None:
    edge = await house.connect()
    graph = {**GRAPH, "trigger": {"type": "schedule", "cron": "0 * * * *"}}
    asked = {"ir": graph, "connectionId": edge}
    told = await house.ask("POST", "/validate", asked)
    assert not told["valid"]
    assert "cloudflare.schedules" in {one["code"] for one in told["diagnostics"]}
    workflow, body = await house.workflow(graph), {"connectionId": edge}
    refused = await house.ask("POST", f"/workflows/{workflow}/deploy", body, 422)
    assert refused["details"][0]["code"] == "cloudflare.schedules"
    assert house.cloudflare.scripts == {}
    await house.ask("PATCH", f"/connections/{edge}", {"plan": "paid"})
    assert (await house.ask("POST", "/validate", asked))["valid"]
    await house.ask("POST", f"/workflows/{workflow}/deploy", body)
    (live,) = house.cloudflare.workflows.values()
    assert live["schedules"] == [{"cron": "0 * * * *"}]


async def test_nodes_that_run_here_only_are_refused_there(house: House) -> None:
    edge = await house.connect()
    nodes = [
        {**node, "data": {**node["data"], "rollback": "return None"}}
        if node["type"] == "step"
        else node
        for node in GRAPH["nodes"]
    ]
    graph = {**GRAPH, "nodes": nodes}
    workflow = await house.workflow(graph)
    body = {"connectionId": edge}
    refused = await house.ask("POST", f"/workflows/{workflow}/deploy", body, 422)
    assert refused["code"] == "deploy.node_target"
    assert house.cloudflare.scripts == {}
    told = await house.ask("POST", "/validate", {"ir": graph, "connectionId": edge})
    assert "deploy.node_target" in {one["code"] for one in told["diagnostics"]}
