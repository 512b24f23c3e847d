"""A failure at any stage leaves what was live before, and says which stage it was and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from awaitstep.providers.cloudflare.client import CloudflareError, Refused
from awaitstep.providers.cloudflare.deploy import takedown
from awaitstep.providers.port import Called, DeployFailed

from .conftest import NAME, SOURCE, Desk

STAGES = [
    ("GET", "/workers/subdomain", "Checking the account"),
    ("GET", "/settings", "Checking the account"),
    ("GET", "/zones", "Checking the account"),
    ("POST", "/versions", "Uploading a new version"),
    ("POST", "/deployments", "Putting the new version live"),
    ("PUT", f"/workflows/{NAME}", "Registering the workflow"),
    ("POST", "/subdomain", "Opening the Worker URL"),
    ("POST", "/routes", "Setting the route"),
]
ROUTE = "api.example.com/orders/*"


@pytest.mark.parametrize(("method", "path", "stage"), STAGES)
@pytest.mark.parametrize("status", [403, 500])
async def test_the_version_before_serves_on(
    desk: Desk, method: str, path: str, stage: str, status: int
) -> None:
    first = await desk.deploy("one")
    before = desk.state()
    desk.cloudflare.fail(method, path, status, times=4 if status == 500 and method != "POST" else 1)
    with pytest.raises(DeployFailed) as failure:
        await desk.deploy("two", route=ROUTE, before=first.made)
    assert failure.value.stage == stage
    assert failure.value.away == (status == 500)
    assert ("permission" in str(failure.value)) == (status == 403)
    assert desk.state() == before


@pytest.mark.parametrize(
    ("method", "path", "stage"),
    [
        ("PUT", f"/scripts/{NAME}", "Uploading the worker"),
        ("PUT", f"/workflows/{NAME}", "Registering the workflow"),
        ("POST", "/subdomain", "Opening the Worker URL"),
        ("POST", "/routes", "Setting the route"),
    ],
)
async def test_a_first_deploy_that_fails_leaves_nothing(
    desk: Desk, method: str, path: str, stage: str
) -> None:
    desk.cloudflare.fail(method, path, 400)
    with pytest.raises(DeployFailed) as failure:
        await desk.deploy("one", route=ROUTE)
    assert failure.value.stage == stage
    assert desk.state() == ({}, {}, {})


async def test_code_that_cloudflare_refuses_is_told_in_its_words(desk: Desk) -> None:
    first = await desk.deploy()
    before = desk.state()
    with pytest.raises(DeployFailed, match=r"SyntaxError.*10021"):
        await desk.deploy(source="class Orders(:\n", before=first.made)
    assert desk.state() == before


async def test_a_worker_that_was_not_made_here_is_left_alone(desk: Desk) -> None:
    await desk.deploy(workflow="wf_other")
    before = desk.state()
    with pytest.raises(DeployFailed, match="not made here"):
        await desk.deploy()
    assert desk.state() == before


async def test_a_deploy_that_was_forgotten_is_taken_up(desk: Desk) -> None:
    """The account has it, the database does not: as after a crash in between."""
    await desk.deploy("one")
    live = await desk.deploy("two")
    assert desk.cloudflare.scripts[NAME].live.id == live.made["version"]
    await desk.deploy("three", before=live.made)


async def test_the_same_again_changes_nothing_and_something_else_does(desk: Desk) -> None:
    first = await desk.deploy(route=ROUTE)
    changes = desk.cloudflare.changes
    again = await desk.deploy(route=ROUTE, deployment="dep_2", before=first.made)
    assert again.unchanged
    assert desk.cloudflare.changes == changes
    other = await desk.deploy(
        route=ROUTE, secrets={"API_KEY": "another"}, before=first.made, deployment="dep_3"
    )
    assert not other.unchanged
    assert other.made["version"] != first.made["version"]


async def test_what_somebody_else_deployed_is_replaced(desk: Desk) -> None:
    first = await desk.deploy("one")
    second = await desk.deploy("two", before=first.made)
    again = await desk.deploy("one", before=first.made)  # as if we did not know of the second
    assert again.made["version"] not in (first.made["version"], second.made["version"])


async def test_secrets_go_as_secrets_and_leave_when_they_are_gone(desk: Desk) -> None:
    first = await desk.deploy()
    bindings = {b["name"]: b for b in desk.cloudflare.scripts[NAME].live.metadata["bindings"]}
    assert bindings["API_KEY"]["type"] == "secret_text"
    assert bindings["GREETING"]["type"] == "plain_text"
    await desk.deploy(secrets={}, before=first.made)
    left = {b["name"] for b in desk.cloudflare.scripts[NAME].live.metadata["bindings"]}
    assert left == {"GREETING", "WORKFLOW"}
    assert "s3cret" not in repr(first)


async def test_modules_are_parts_named_by_their_path(desk: Desk) -> None:
    await desk.deploy()
    modules = desk.cloudflare.scripts[NAME].live.modules
    assert modules["worker.py"] == (SOURCE.format(word="one").encode(), "text/x-python")
    assert modules["python_modules/workers/__init__.py"][1] == "text/x-python"
    assert modules["python_modules/workers/workflows.js"][1] == "application/javascript+module"
    assert any(name.endswith("licenses/LICENSE") for name in modules)


async def test_a_called_worker_must_be_there(desk: Desk) -> None:
    called = {"CHILD": Called("child-abc123", "Child")}
    with pytest.raises(DeployFailed, match="10007"):
        await desk.deploy(workflows=called)
    with pytest.raises(DeployFailed, match="10144"):
        await desk.deploy(functions={"PRICE": "price-abc123"})
    assert desk.state() == ({}, {}, {})


async def test_a_route_that_is_not_wanted_any_more_is_removed(desk: Desk) -> None:
    first = await desk.deploy(route=ROUTE)
    second = await desk.deploy(route="www.example.com/*", before=first.made)
    assert desk.state()[2] == {"www.example.com/*": NAME}
    desk.cloudflare.fail("DELETE", second.made["routes"][0]["id"], 400)
    third = await desk.deploy(before=second.made)
    assert any("still there" in line for line in desk.told)
    await desk.deploy(before=third.made)
    assert desk.state()[2] == {}


async def test_an_account_without_a_subdomain_is_told_so(desk: Desk) -> None:
    desk.cloudflare.subdomain = None
    with pytest.raises(DeployFailed, match=r"workers\.dev subdomain"):
        await desk.deploy()


async def test_a_host_that_is_not_of_the_account_is_told_so(desk: Desk) -> None:
    with pytest.raises(DeployFailed, match="no zone"):
        await desk.deploy(route="api.example.org/*")


async def test_takedown_removes_what_was_made_and_nothing_else(desk: Desk) -> None:
    await desk.deploy(worker_name="other-abc123", workflow="wf_2")
    before = desk.state()
    live = await desk.deploy(route=ROUTE)
    await takedown(desk.place, NAME, live.made)
    assert desk.state() == before


async def test_a_worker_that_others_call_is_not_taken_from_them(desk: Desk) -> None:
    live = await desk.deploy()
    await desk.deploy(worker_name="caller-abc123", workflow="wf_2", functions={"ORDERS": NAME})
    before = desk.state()
    with pytest.raises(DeployFailed, match="referenced"):
        await takedown(desk.place, NAME, live.made)
    assert desk.state() == before


async def test_limits_are_waited_for_as_long_as_cloudflare_says(desk: Desk) -> None:
    desk.cloudflare.fail("POST", "/subdomain", 429, times=2, Retry_After="7")
    await desk.deploy()
    assert desk.waits == [7.0, 7.0]
    desk.cloudflare.fail("GET", "/settings", 429, Retry_After="3600")
    with pytest.raises(DeployFailed) as failure:
        await desk.deploy("two")
    assert failure.value.away


async def test_a_cloudflare_that_is_away_is_told_without_the_token(desk: Desk) -> None:
    client = desk.place.client
    gone = type(client)(client.http, client.token, "http://127.0.0.1:1", client.pause)
    desk.place = replace(desk.place, client=gone)
    with pytest.raises(DeployFailed) as failure:
        await desk.deploy()
    assert failure.value.away
    assert client.token not in f"{failure.value} {client!r}"


async def test_only_what_asks_for_nothing_new_is_tried_again(desk: Desk) -> None:
    client = desk.place.client
    desk.cloudflare.fail("GET", "/subdomain", 500)
    await client.get(f"{desk.place.base}/workers/subdomain")
    assert len(desk.waits) == 1
    desk.cloudflare.fail("POST", "/routes", 500)
    with pytest.raises(CloudflareError):
        await client.post("/zones/x/workers/routes", {"pattern": "a.example.com/", "script": "x"})
    assert len(desk.waits) == 1
    with pytest.raises(Refused):
        await client.get("/accounts/another/workers/scripts")
