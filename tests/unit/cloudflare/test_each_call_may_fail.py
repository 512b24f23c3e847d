"""Whatever call of a deploy fails, and however: then the old or the new is there, whole, and the next
deploy ends what this one began."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from awaitstep.providers.cloudflare.deploy import takedown
from awaitstep.providers.port import DeployFailed

from .conftest import NAME, Desk

OLD: dict[str, Any] = {"word": "one", "route": "old.example.com/*", "schedules": ("0 * * * *",)}
NEW: dict[str, Any] = {
    "word": "two",
    "route": "new.example.com/*",
    "schedules": ("5 * * * *",),
    "secrets": {"TOKEN": "n3w"},
}
Call = tuple[str, str]
FAULTS = ("429", "500", "dropped", "lost")
# The calls of a deploy over another one; a test below holds this list.
CALLS = (
    ("GET", "/workers/subdomain"),
    ("GET", f"/scripts/{NAME}/settings"),
    ("GET", f"/scripts/{NAME}/deployments"),
    ("GET", "/zones"),
    ("POST", "/versions"),
    ("POST", "/deployments"),
    ("PUT", f"/workflows/{NAME}"),
    ("POST", f"/scripts/{NAME}/subdomain"),
    ("GET", "/workers/routes"),
    ("POST", "/workers/routes"),
)
FIRST = (
    ("GET", "/workers/subdomain"),
    ("GET", f"/scripts/{NAME}/settings"),
    ("GET", "/zones"),
    ("PUT", f"/scripts/{NAME}"),
    ("GET", f"/scripts/{NAME}/deployments"),
    ("GET", f"/workflows/{NAME}"),
    ("PUT", f"/workflows/{NAME}"),
    ("POST", f"/scripts/{NAME}/subdomain"),
    ("GET", "/workers/routes"),
    ("POST", "/workers/routes"),
)
TRIES = 4


def break_(desk: Desk, call: Call, fault: str) -> None:
    """Until the deploy gives up; all that undoes it works."""
    method, ending = call
    times = TRIES if method != "POST" or fault == "429" else 1
    if fault in ("429", "500"):
        desk.cloudflare.fail(method, ending, int(fault), times=times)
    else:
        desk.cloudflare.lose(method, ending, done=fault == "lost", times=times)


def seen(desk: Desk) -> Any:
    """What the world sees, without ids."""
    scripts, workflows, routes = desk.state()
    live = {
        name: (tags, desk.cloudflare.scripts[name].live.metadata["bindings"],
               desk.cloudflare.scripts[name].live.source, public)
        for name, (tags, _, public) in scripts.items()
    }  # fmt: skip
    return live, workflows, routes


def is_new(desk: Desk, route: str = NEW["route"]) -> bool:
    """Whether all of the new is there, and nothing of the old."""
    live, workflows, routes = seen(desk)
    _, bindings, source, public = live[NAME]
    names = {binding["name"] for binding in bindings}
    return (
        [*live] == [*workflows] == [NAME]
        and public
        and 'return "two"' in source
        and names == {"GREETING", "TOKEN", "WORKFLOW"}
        and workflows[NAME]["schedules"] == [{"cron": "5 * * * *"}]
        and routes == {route: NAME}
    )


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
@pytest.mark.parametrize("fault", FAULTS)
async def test_the_old_is_there_and_then_the_new(desk: Desk, call: Call, fault: str) -> None:
    live = await desk.deploy(**OLD)
    old = seen(desk)
    break_(desk, call, fault)
    with pytest.raises(DeployFailed):
        await desk.deploy(**NEW, before=live.made)
    assert not desk.cloudflare.failing
    assert not desk.cloudflare.lost
    assert seen(desk) == old
    await desk.deploy(**NEW, before=live.made)
    assert is_new(desk)


@pytest.mark.parametrize("call", FIRST, ids=" ".join)
@pytest.mark.parametrize("fault", FAULTS)
async def test_of_a_first_deploy_nothing_is_left(desk: Desk, call: Call, fault: str) -> None:
    break_(desk, call, fault)
    with pytest.raises(DeployFailed):
        await desk.deploy(**NEW)
    assert seen(desk) == ({}, {}, {})
    await desk.deploy(**NEW)
    assert is_new(desk)


@pytest.mark.parametrize("after", range(len(CALLS) + 1))
async def test_what_could_not_be_undone_is_told_and_put_right_by_the_next(
    desk: Desk, after: int
) -> None:
    """Cloudflare goes away in the middle, so nothing can be undone."""
    live = await desk.deploy(**OLD)
    old = seen(desk)
    told = ""
    desk.cloudflare.leave(after)
    try:
        live = await desk.deploy(**NEW, before=live.made)
    except DeployFailed as error:
        told = str(error)
    if seen(desk) != old:
        assert not told or "not undone" in told
    desk.cloudflare.come_back()
    _, bindings, source, _ = seen(desk)[0][NAME]
    # the version that serves is one of the two, whole
    assert ('return "two"' in source) == ("TOKEN" in {one["name"] for one in bindings})
    await desk.deploy(**NEW, before=live.made)
    assert is_new(desk)


@pytest.mark.parametrize("after", range(len(FIRST) + 4))
async def test_what_is_left_of_a_first_deploy_is_taken_up_by_the_next(
    desk: Desk, after: int
) -> None:
    desk.cloudflare.leave(after)
    with suppress(DeployFailed):
        await desk.deploy(**NEW)
    desk.cloudflare.come_back()
    await desk.deploy(**NEW)
    assert is_new(desk)


# The calls that undo what was done before a route could not be made.
UNDOING = (
    ("GET", "/workers/routes"),
    ("PUT", f"/workflows/{NAME}"),
    ("POST", "/deployments"),
)


@pytest.mark.parametrize("call", UNDOING, ids=" ".join)
async def test_each_call_that_undoes_may_fail(desk: Desk, call: Call) -> None:
    live = await desk.deploy(**OLD)

    def no_more() -> None:
        """From the failure on."""
        method, ending = call
        desk.cloudflare.fail(method, ending, 500, times=100)

    desk.cloudflare.fail("POST", "/workers/routes", 500, then=no_more)
    with pytest.raises(DeployFailed, match="not undone"):
        await desk.deploy(**NEW, before=live.made)
    desk.cloudflare.failing.clear()
    await desk.deploy(**NEW, before=live.made)
    assert is_new(desk)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_route_that_could_not_be_removed_is_by_the_next(desk: Desk, fault: str) -> None:
    live = await desk.deploy(**OLD)
    break_(desk, ("DELETE", live.made["routes"][0]["id"]), fault)
    half = await desk.deploy(**NEW, before=live.made)
    if fault != "lost":
        assert any("still there" in line for line in desk.told)
    await desk.deploy(**NEW, before=half.made)
    assert is_new(desk)


async def test_no_call_was_forgotten(desk: Desk) -> None:
    live = await desk.deploy(**OLD)
    desk.cloudflare.calls.clear()
    await desk.deploy(**NEW, before=live.made)
    *calls, (last, _) = desk.cloudflare.calls
    assert last == "DELETE"
    assert listed(calls, CALLS) == set(CALLS)
    assert len({*calls}) == len(CALLS)


async def test_no_call_of_a_first_deploy_was_forgotten(desk: Desk) -> None:
    await desk.deploy(**NEW)
    assert listed(desk.cloudflare.calls, FIRST) == set(FIRST)
    assert len({*desk.cloudflare.calls}) == len(FIRST)


def listed(calls: Sequence[Call], known: Sequence[Call]) -> set[Call]:
    return {
        (method, ending)
        for method, path in calls
        for verb, ending in known
        if verb == method and path.endswith(ending)
    }


async def test_a_route_of_another_worker_is_left_alone(desk: Desk) -> None:
    await desk.deploy(worker_name="other-abc123", workflow="wf_2", route="new.example.com/*")
    before = seen(desk)
    with pytest.raises(DeployFailed, match="another worker"):
        await desk.deploy(**NEW)
    assert seen(desk) == before


DOMAIN = "new.example.com"
OF_DOMAINS = (("GET", "/workers/domains"), ("PUT", "/workers/domains"))


@pytest.mark.parametrize("call", OF_DOMAINS, ids=" ".join)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_custom_domain_is_there_whole_or_not_at_all(
    desk: Desk, call: Call, fault: str
) -> None:
    live = await desk.deploy(**OLD | {"route": "old.example.com"})
    old = seen(desk)
    break_(desk, call, fault)
    with pytest.raises(DeployFailed) as failed:
        await desk.deploy(**NEW | {"route": DOMAIN}, before=live.made)
    assert failed.value.stage == "Setting the custom domain"
    assert seen(desk) == old
    live = await desk.deploy(**NEW | {"route": DOMAIN}, before=live.made)
    assert is_new(desk, DOMAIN)
    changes = len(desk.cloudflare.changes)
    again = await desk.deploy(**NEW | {"route": DOMAIN}, before=live.made)
    assert again.unchanged
    assert len(desk.cloudflare.changes) == changes


async def test_a_custom_domain_of_another_worker_is_left_alone(desk: Desk) -> None:
    await desk.deploy(worker_name="other-abc123", workflow="wf_2", route=DOMAIN)
    before = desk.state()
    with pytest.raises(DeployFailed, match="leads to another worker"):
        await desk.deploy(**NEW | {"route": DOMAIN})
    assert desk.state() == before


async def test_a_takedown_removes_the_custom_domain_and_no_other(desk: Desk) -> None:
    await desk.deploy(worker_name="other-abc123", workflow="wf_2", route="other.example.com")
    before = desk.state()
    live = await desk.deploy(**NEW | {"route": DOMAIN})
    await takedown(desk.place, NAME, live.made)
    assert desk.state() == before


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("route", ["new.example.com/*", DOMAIN])
async def test_a_takedown_that_failed_anywhere_is_ended_by_the_next(
    desk: Desk, route: str, fault: str
) -> None:
    await desk.deploy(worker_name="other-abc123", workflow="wf_2", route="other.example.com/*")
    others = desk.state()
    live = await desk.deploy(**NEW | {"route": route})
    ways = [f"/scripts/{NAME}", f"/workflows/{NAME}", live.made["routes"][0]["id"]]
    for ending in ways:
        break_(desk, ("DELETE", ending), fault)
        with pytest.raises(DeployFailed, match="Removing the worker failed"):
            await takedown(desk.place, NAME, live.made)
    await takedown(desk.place, NAME, live.made)
    assert desk.state() == others
