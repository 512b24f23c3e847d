"""The stand-in for Cloudflare refuses what its documentation does not offer: each rule, provoked."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from awaitstep.dialect import MAIN
from awaitstep.providers.cloudflare.deploy import metadata_of
from awaitstep.providers.cloudflare.files import parts_of
from awaitstep.providers.port import Release
from fakecloud import rules
from fakecloud.server import ACCOUNT, TOKEN, ZONE

from .conftest import NAME, SOURCE, Desk

SCRIPT = f"/accounts/{ACCOUNT}/workers/scripts/{NAME}"
WORKFLOW = f"/accounts/{ACCOUNT}/workflows/{NAME}"
GOOD: dict[str, tuple[str, str, rules.Body, dict[str, Any]]] = {
    "deployment": (
        "POST",
        f"{SCRIPT}/deployments",
        rules.DEPLOYMENT,
        {"strategy": "percentage", "versions": [{"version_id": "LIVE", "percentage": 100}]},
    ),
    "subdomain": ("POST", f"{SCRIPT}/subdomain", rules.SUBDOMAIN, {"enabled": True}),
    "workflow": (
        "PUT",
        WORKFLOW,
        rules.WORKFLOW,
        {"script_name": NAME, "class_name": "Orders"},
    ),
    "instance": ("POST", f"{WORKFLOW}/instances", rules.INSTANCE, {"params": {}}),
    "route": (
        "POST",
        f"/zones/{ZONE}/workers/routes",
        rules.ROUTE,
        {"pattern": "x.example.com/*", "script": NAME},
    ),
    "domain": (
        "PUT",
        f"/accounts/{ACCOUNT}/workers/domains",
        rules.DOMAIN,
        {"hostname": "x.example.com", "service": NAME},
    ),
}


class Caller:
    """Calls the stand-in as anybody could."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.live = ""

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await http.request(
                method,
                self._desk.cloudflare.address + path,
                headers={"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})},
                **options,
            )

    async def refused(self, method: str, path: str, **options: Any) -> None:
        before = self._desk.state()
        answer = await self.call(method, path, **options)
        assert 400 <= answer.status_code < 500, answer.text
        told = answer.json()
        assert (told["success"], told["result"]) == (False, None)
        assert told["errors"][0]["message"]
        assert self._desk.state() == before

    def body(self, what: str) -> dict[str, Any]:
        text = json.dumps(GOOD[what][3]).replace("LIVE", self.live)
        return dict(json.loads(text))


@pytest.fixture
async def caller(desk: Desk) -> Caller:
    made = Caller(desk)
    made.live = str((await desk.deploy()).made["version"])
    return made


@pytest.mark.parametrize("what", GOOD)
async def test_a_body_has_the_fields_that_are_documented_and_no_others(
    caller: Caller, what: str
) -> None:
    method, path, rule, _ = GOOD[what]
    good = caller.body(what)
    assert rule.docs
    assert rule.types
    await caller.refused(method, path, json={**good, "colour": "red"})
    for field in rule.required:
        await caller.refused(method, path, json={k: v for k, v in good.items() if k != field})
    await caller.refused(method, path, json=[good])
    await caller.refused(method, path, content=json.dumps(good))
    await caller.refused(method, path, content="{", headers={"Content-Type": "application/json"})
    answer = await caller.call(method, path, json=good)
    assert answer.status_code == 200, answer.text


async def test_a_run_is_changed_by_four_words(caller: Caller) -> None:
    made = await caller.call("POST", f"{WORKFLOW}/instances", json={"params": {}})
    path = f"{WORKFLOW}/instances/{made.json()['result']['id']}/status"
    for body in ({"status": "delete"}, {}, {"action": "pause"}):
        await caller.refused("PATCH", path, json=body)


def upload(**changed: Any) -> dict[str, Any]:
    """What a good upload sends, as httpx takes it."""
    release = Release("dep", "wf_1", "conn", NAME, "", class_name="Orders", binding="WORKFLOW")
    metadata = metadata_of(release) | changed.pop("metadata", {})
    files = {
        name: (changed.get("filename", name), content, kind)
        for name, (content, kind) in parts_of(SOURCE.format(word="one")).items()
    }
    files |= changed.pop("files", {})
    for name in changed.pop("without", ()):
        files.pop(name)
        metadata.pop(name, None)
    text = changed.get("text", json.dumps(metadata))
    return {"files": {"metadata": (None, text, "application/json"), **files}}


SDK = "python_modules/workers/__init__.py"
BAD_UPLOADS: dict[str, dict[str, Any]] = {
    "a field that versions lack": upload(metadata={"colour": "red"}),
    "metadata that is no JSON": upload(text="{"),
    "no main module": upload(without=[MAIN]),
    "a type that is none of modules": upload(files={"a.bin": ("a.bin", b"x", "image/png")}),
    "Python as text": upload(files={MAIN: (MAIN, b"x = 1", "text/plain")}),
    "Python that is none": upload(files={MAIN: (MAIN, b"def", "text/x-python")}),
    "a file name that is not the part's": upload(files={"a.py": ("b.py", b"", "text/x-python")}),
    "no flag for Python": upload(metadata={"compatibility_flags": []}),
    "no SDK": upload(without=[SDK]),
    "a binding of no kind": upload(metadata={"bindings": [{"type": "magic", "name": "A"}]}),
    "two bindings of one name": upload(
        metadata={"bindings": [{"type": "plain_text", "name": "A", "text": ""}] * 2}
    ),
    "a service that is not there": upload(
        metadata={"bindings": [{"type": "service", "name": "A", "service": "nobody"}]}
    ),
    "a workflow of a worker that is not there": upload(
        metadata={
            "bindings": [
                {
                    "type": "workflow",
                    "name": "A",
                    "workflow_name": "nobody",
                    "script_name": "nobody",
                    "class_name": "Nobody",
                }
            ]
        }
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_UPLOADS)
@pytest.mark.parametrize(("method", "path"), [("PUT", SCRIPT), ("POST", f"{SCRIPT}/versions")])
async def test_an_upload_is_taken_apart(caller: Caller, method: str, path: str, what: str) -> None:
    await caller.refused(method, path, **BAD_UPLOADS[what])


async def test_a_good_upload_is_taken_and_tags_are_the_workers(caller: Caller) -> None:
    assert (await caller.call("POST", f"{SCRIPT}/versions", **upload())).status_code == 200
    tagged = upload(metadata={"tags": ["a"]})
    assert (await caller.call("PUT", SCRIPT, **tagged)).status_code == 200
    await caller.refused("POST", f"{SCRIPT}/versions", **tagged)
    await caller.refused("PUT", SCRIPT, content=b"x = 1")


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "a" * 64])
async def test_a_worker_is_named_as_a_host_is(caller: Caller, name: str) -> None:
    await caller.refused("PUT", f"/accounts/{ACCOUNT}/workers/scripts/{name}", **upload())


async def test_things_come_in_their_order(caller: Caller, desk: Desk) -> None:
    path = f"/accounts/{ACCOUNT}/workflows"
    of_nobody = {"script_name": "nobody", "class_name": "Orders"}
    await caller.refused("PUT", f"{path}/early", json=of_nobody)
    await caller.refused("PUT", WORKFLOW, json={"script_name": NAME, "class_name": "Nobody"})
    await caller.refused("PUT", f"{path}/{'w' * 65}", json=caller.body("workflow"))
    await caller.refused("POST", f"{path}/nobody/instances", json={})
    route = {"pattern": "y.example.com/*", "script": "nobody"}
    await caller.refused("POST", f"/zones/{ZONE}/workers/routes", json=route)
    domain = {"hostname": "y.example.org", "service": NAME}
    await caller.refused("PUT", f"/accounts/{ACCOUNT}/workers/domains", json=domain)
    await desk.deploy(worker_name="caller-abc123", workflow="wf_2", functions={"F": NAME})
    await caller.refused("DELETE", SCRIPT)


@pytest.mark.parametrize(
    "shares", [[], [50], [100, 0, 0], [40, 40]], ids=lambda shares: "+".join(map(str, shares))
)
async def test_all_requests_go_to_one_version_or_two(caller: Caller, shares: list[int]) -> None:
    versions = [{"version_id": caller.live, "percentage": share} for share in shares]
    body = {"strategy": "percentage", "versions": versions}
    await caller.refused("POST", f"{SCRIPT}/deployments", json=body)


async def test_a_version_is_there_before_it_serves(caller: Caller) -> None:
    versions = [{"version_id": "nobody", "percentage": 100}]
    for strategy in ("percentage", "all"):
        body = {"strategy": strategy, "versions": versions}
        await caller.refused("POST", f"{SCRIPT}/deployments", json=body)


@pytest.mark.parametrize("query", ["per_page=101", "per_page=0", "page=1&cursor=x", "colour=red"])
async def test_a_list_is_asked_for_as_documented(caller: Caller, query: str) -> None:
    await caller.refused("GET", f"{WORKFLOW}/instances?{query}")


async def test_a_token_opens_what_it_may(caller: Caller, desk: Desk) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for headers in ({}, {"Authorization": "Bearer nobody's"}):
            told = await http.get(desk.cloudflare.address + f"{SCRIPT}/settings", headers=headers)
            assert told.status_code == 400
    await caller.refused("GET", f"/accounts/{'0' * 32}/workers/scripts")
    desk.cloudflare.permissions.clear()
    await caller.refused("GET", f"{SCRIPT}/settings")
    await caller.refused("GET", f"/zones/{ZONE}/workers/routes")
