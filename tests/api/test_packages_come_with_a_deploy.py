"""Declared packages are there when a deployment is live; a server, real wheels, real runs."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from awaitstep.providers.port import PackagesRefused, PackagesUnavailable

from .fakes import GRAPH, Plane

ASK = """
try:
    import tiny
except ImportError as error:
    return type(error).__name__
return tiny.V
"""
HOLD = """
import os, time
import tiny
while not os.path.exists(os.path.join(os.environ["HOME"], "go")):
    time.sleep(0.01)
return tiny.V
"""


def graph(title: str, *codes: str, **node: Any) -> dict[str, Any]:
    """One step after the other."""
    steps = [
        {"id": f"s{n}", "type": "step", "name": f"Step {n}", "data": {"code": code}}
        for n, code in enumerate(codes)
    ]
    steps += [node] if node else []
    ids = [step["id"] for step in steps]
    return {
        "kind": "workflow",
        "metadata": {"name": title, "version": 1},
        "entryNodeId": ids[0],
        "nodes": steps,
        "edges": [
            {"id": f"e{n}", "source": source, "target": target}
            for n, (source, target) in enumerate(itertools.pairwise(ids))
        ],
    }


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    told = []
    for block in text.strip().split("\n\n"):
        kind, data = block.split("\n")
        told.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return told


def made(server: Any, ir: dict[str, Any], *dependencies: str) -> str:
    """A workflow that declares packages."""
    answer = server.api("POST", "/workflows", {"name": ir["metadata"]["name"], "ir": ir})
    assert answer.status == 201, answer.text
    id = str(answer.json["id"])
    patched = server.api("PATCH", f"/workflows/{id}", {"dependencies": dependencies})
    assert patched.status == 200, patched.text
    return id


def started(server: Any, workflow: str) -> str:
    answer = server.api("POST", f"/workflows/{workflow}/trigger", {})
    assert answer.status == 201, answer.text
    return str(answer.json["instanceId"])


def result(server: Any, workflow: str) -> Any:
    """What its last step answered."""
    instance = started(server, workflow)
    run = server.ended(workflow, instance)
    assert run["status"] == "complete", run
    steps = server.api("GET", f"/workflows/{workflow}/runs/{instance}/steps").json["data"]
    return steps[-1]["output"]


def test_packages_over_their_whole_life(new_server: Callable[..., Any], wheels: Any) -> None:
    wheels.add("tiny", "1.0", __init__="V = '1.0'")
    wheels.add("tiny", "2.0", __init__="V = '2.0'")
    server = new_server("--no-example", **wheels.variables)
    one = made(server, graph("One", ASK), "Tiny >=1, <2")
    two = made(server, graph("Two", ASK, HOLD), "tiny==2.0")

    told = events(server.api("POST", f"/workflows/{one}/deploy-stream", {}).text)
    stages = [data["stage"] for kind, data in told if kind == "progress"]
    assert list(dict.fromkeys(stages)) == ["validate", "compile", "packages", "bundle", "activate"]
    lines = [data["message"] for _, data in told if data.get("stage") == "packages"]
    assert lines[0] == "Resolving 1 package"
    assert "Installed tiny 1.0" in lines
    progress = [data["progress"] for kind, data in told if kind == "progress"]
    assert progress == sorted(progress)
    assert told[-1][0] == "result"
    first = told[-1][1]["deploymentId"]
    assert server.api("POST", f"/workflows/{two}/deploy", {}).status == 200

    # both at once, each with its own; without a declaration there is none
    held = started(server, two)
    assert result(server, one) == "1.0"
    bare = server.deploy(graph("None", ASK))["id"]
    assert result(server, bare) == "ModuleNotFoundError"

    # what can't be had leaves what is live as it is
    server.api("PATCH", f"/workflows/{one}", {"dependencies": ["nonesuch"]})
    refused = server.api("POST", f"/workflows/{one}/deploy", {})
    assert (refused.status, refused.json["code"]) == (422, "deploy.packages")
    assert "nonesuch" in refused.json["error"]
    assert str(server.folder) not in refused.text
    assert "://" not in refused.text
    told = events(server.api("POST", f"/workflows/{one}/deploy-stream", {}).text)
    assert (told[-1][0], told[-1][1]["code"]) == ("error", "deploy.packages")
    live = server.api("GET", f"/workflows/{one}").json["activeDeploymentId"]
    assert live == first
    assert result(server, one) == "1.0"

    # a death of the server loses nothing
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    server.start()
    (server.data / "tmp/go").touch()
    steps = f"/workflows/{two}/runs/{held}/steps"
    assert server.ended(two, held)["status"] == "complete"
    assert [s["output"] for s in server.api("GET", steps).json["data"]] == ["2.0", "2.0"]
    assert result(server, one) == "1.0"

    # nor does a backup without the installed packages; the versions stay as they were
    assert server.stop() == 0
    shutil.rmtree(server.data / "environments")
    wheels.add("tiny", "1.9", __init__="V = '1.9'")
    server.start()
    assert result(server, one) == "1.0"
    assert result(server, two) == "2.0"


def test_an_index_that_is_away_is_503(new_server: Callable[..., Any]) -> None:
    away = "http://someone:geheim@127.0.0.1:9/simple"
    server = new_server("--no-example", UV_DEFAULT_INDEX=away, UV_HTTP_RETRIES="0")
    workflow = made(server, graph("Away", ASK), "tiny")
    answer = server.api("POST", f"/workflows/{workflow}/deploy", {})
    assert (answer.status, answer.json["code"]) == (503, "deploy.packages_unavailable")
    assert "retry-after" in answer.headers
    assert "geheim" not in answer.text
    assert "geheim" not in server.log.read_text()
    assert server.api("GET", f"/workflows/{workflow}").json["activeDeploymentId"] is None


def test_a_node_brings_the_package_it_needs(new_server: Callable[..., Any], wheels: Any) -> None:
    wheels.add(
        "pg8000",
        "1.31.99",
        __init__="",
        native="""
class DatabaseError(Exception):
    pass

class Connection:
    columns = [{"name": "answer"}]
    row_count = 1

    def __init__(self, user, **options):
        self.user = user

    def __enter__(self):
        return self

    def __exit__(self, *how):
        pass

    def run(self, sql, **values):
        return [[f"{self.user} asked the declared package: {sql}"]]
""",
    )
    server = new_server("--no-example", **wheels.variables)
    query = {
        "id": "ask",
        "type": "postgres_query",
        "name": "Ask",
        "data": {"url": "{{env.DATABASE_URL}}", "sql": "SELECT 1", "parameters": {}},
    }
    url = {"name": "DATABASE_URL", "value": "postgres://me@127.0.0.1/db"}
    assert server.api("POST", "/env-vars", url).status == 201
    workflow = server.deploy(graph("Query", **query))["id"]
    assert result(server, workflow)["rows"] == [
        {"answer": "me asked the declared package: SELECT 1"}
    ]


def test_a_module_brings_the_packages_of_its_header(
    new_server: Callable[..., Any], wheels: Any, tmp_path: Path
) -> None:
    wheels.add("tiny", "1.0", __init__="V = '1.0'")
    server = new_server("--no-example", **wheels.variables)
    file = tmp_path / "headed.py"
    file.write_text(
        "# /// script\n# dependencies = ['tiny']\n# ///\n"
        "import tiny\nfrom workers import WorkflowEntrypoint\n"
        "class Flow(WorkflowEntrypoint):\n    async def run(self, event, step): return tiny.V\n"
    )
    done = server.awaitstep("run", str(file))
    assert (done.returncode, done.stdout.strip()) == (0, '"1.0"'), done.stderr
    assert server.awaitstep("deploy", str(file)).returncode == 0
    file.write_text(file.read_text().replace("['tiny']", "['nonesuch']"))
    refused = server.awaitstep("deploy", str(file), "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stderr)["code"] == "deploy.packages"


async def test_packages_of_the_workflow_and_of_its_nodes_are_one_set(plane: Plane) -> None:
    client = await plane.client()
    ir = {**GRAPH, "packages": ["pg8000>=1.31,<2", "HTTPX>=0.28"]}
    workflow = (await client.post("/workflows", json={"name": "Orders", "ir": ir})).json()["id"]
    body = {"dependencies": ["httpx >=0.28", "attrs"]}
    await client.patch(f"/workflows/{workflow}", json=body)
    deployed = await client.post(f"/workflows/{workflow}/deploy")
    assert deployed.status_code == 200, deployed.text
    assert plane.installs == [["attrs", "httpx>=0.28", "pg8000<2,>=1.31"]]
    bundle = await plane.bundles.bundle(deployed.json()["deploymentId"])
    assert bundle.environment is not None
    assert bundle.environment.is_dir()
    again = await client.post(f"/workflows/{workflow}/deploy")
    assert (await plane.bundles.bundle(again.json()["deploymentId"])).environment == (
        bundle.environment
    )
    assert len(plane.installs) == 1
    assert len(plane.store.deployments.environments()) == 1


async def test_without_packages_there_is_no_stage_and_no_environment(plane: Plane) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    told = events((await client.post(f"/workflows/{workflow}/deploy-stream")).text)
    assert "packages" not in {data.get("stage") for _, data in told}
    bundle = await plane.bundles.bundle(told[-1][1]["deploymentId"])
    assert bundle.environment is None
    assert plane.store.deployments.environments() == set()


@pytest.mark.parametrize(
    ("broken", "status", "code"),
    [
        (PackagesRefused("no such package"), 422, "deploy.packages"),
        (PackagesUnavailable("no network"), 503, "deploy.packages_unavailable"),
        (OSError(28, "No space left on device"), 503, "deploy.packages_unavailable"),
    ],
)
async def test_a_failed_install_leaves_the_old_deployment_live(
    plane: Plane, broken: Exception, status: int, code: str
) -> None:
    client = await plane.client()
    workflow = await plane.deployed(client)
    before = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    await client.patch(f"/workflows/{workflow}", json={"dependencies": ["tiny"]})
    plane.broken_install = broken
    answer = await client.post(f"/workflows/{workflow}/deploy")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    told = events((await client.post(f"/workflows/{workflow}/deploy-stream")).text)
    assert (told[-1][0], told[-1][1]["code"]) == ("error", code)
    after = (await client.get(f"/workflows/{workflow}")).json()["activeDeploymentId"]
    assert after == before
    assert (await client.post(f"/workflows/{workflow}/trigger")).status_code == 201


async def test_nodes_that_can_not_run_here_are_named(plane: Plane) -> None:
    client = await plane.client()
    ir = {**GRAPH, "unsupported": ["charge", "mail"]}
    workflow = (await client.post("/workflows", json={"name": "Orders", "ir": ir})).json()["id"]
    answer = await client.post(f"/workflows/{workflow}/deploy")
    assert (answer.status_code, answer.json()["code"]) == (422, "deploy.node_target")
    assert [detail["nodeId"] for detail in answer.json()["details"]] == ["charge", "mail"]


async def test_more_packages_than_can_be_had_are_refused(plane: Plane) -> None:
    client = await plane.client()
    ir = {**GRAPH, "packages": ["extra"]}
    workflow = (await client.post("/workflows", json={"name": "Orders", "ir": ir})).json()["id"]
    await client.patch(
        f"/workflows/{workflow}", json={"dependencies": [f"p{n}" for n in range(100)]}
    )
    answer = await client.post(f"/workflows/{workflow}/deploy")
    assert (answer.status_code, answer.json()["code"]) == (422, "deploy.packages")
    assert plane.installs == []
