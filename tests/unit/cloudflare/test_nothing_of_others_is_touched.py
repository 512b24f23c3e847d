"""What is not ours stays, and what could not be undone is told and put right by the next deploy."""

from __future__ import annotations

from typing import Any

import pytest

from awaitstep.providers.cloudflare.deploy import takedown
from awaitstep.providers.port import DeployFailed

from .conftest import NAME, Desk

OLD: dict[str, Any] = {"word": "one", "route": "old.example.com/*", "schedules": ("0 * * * *",)}
NEW: dict[str, Any] = {"word": "two", "route": "new.example.com/*", "schedules": ("5 * * * *",)}


async def test_a_workflow_of_another_worker_outlives_a_deploy_that_it_stops(desk: Desk) -> None:
    await desk.deploy(worker_name="other-abc123", workflow="wf_2")
    desk.cloudflare.workflows[NAME] = {
        "id": "x",
        "name": NAME,
        "script_name": "other-abc123",
        "class_name": "Orders",
    }
    before = desk.state()
    with pytest.raises(DeployFailed, match="of another worker"):
        await desk.deploy(**NEW)
    assert desk.state() == before


async def test_what_is_not_undone_is_told_and_put_right(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await desk.deploy(**OLD)
    old = desk.state()
    put = type(desk.place.client).put
    puts = 0

    async def second_fails(client: Any, path: str, body: Any) -> Any:
        nonlocal puts
        puts += 1
        if puts == 2:  # the one that undoes
            desk.cloudflare.fail("PUT", f"/workflows/{NAME}", 500, times=4)
        return await put(client, path, body)

    desk.cloudflare.fail("POST", f"/scripts/{NAME}/subdomain", 500)
    with monkeypatch.context() as patched:
        patched.setattr(type(desk.place.client), "put", second_fails)
        with pytest.raises(DeployFailed, match="not undone: the workflow"):
            await desk.deploy(**NEW, before=live.made)
    assert desk.state() != old
    again = await desk.deploy(**OLD, before=live.made)
    assert not again.unchanged
    assert desk.state()[1:] == old[1:]


async def test_a_deploy_that_nobody_remembers_is_put_back_whole(desk: Desk) -> None:
    await desk.deploy(**OLD)
    old = desk.state()
    desk.cloudflare.fail("POST", f"/scripts/{NAME}/subdomain", 500)
    with pytest.raises(DeployFailed):
        await desk.deploy(**NEW | {"route": OLD["route"]})
    assert desk.state() == old


@pytest.mark.parametrize("route", ["new.example.com/*", "new.example.com"])
async def test_an_address_that_was_given_to_another_worker_stays(desk: Desk, route: str) -> None:
    await desk.deploy(worker_name="other-abc123", workflow="wf_2")
    live = await desk.deploy(**NEW | {"route": route})
    id = live.made["routes"][0]["id"]
    held = desk.cloudflare.routes if "/" in route else desk.cloudflare.domains
    held[id]["script" if "/" in route else "service"] = "other-abc123"
    before = dict(held)
    await takedown(desk.place, NAME, live.made)
    assert held == before


@pytest.mark.parametrize("what", ["schedule", "route"])
async def test_what_was_changed_outside_is_put_right(desk: Desk, what: str) -> None:
    live = await desk.deploy(**OLD)
    old = desk.state()
    if what == "schedule":
        desk.cloudflare.workflows[NAME]["schedules"] = []
    else:
        desk.cloudflare.routes.clear()
    again = await desk.deploy(**OLD, before=live.made)
    assert not again.unchanged
    assert desk.state()[1:] == old[1:]
