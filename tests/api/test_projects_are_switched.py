"""A session sees the projects of its organization, one at a time; a key sees its own."""

from __future__ import annotations

import httpx
import pytest

from .fakes import Plane

HEADER = "AwaitStep-Project"


async def made(browser: httpx.AsyncClient, name: str) -> str:
    answer = await browser.post("/projects", json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_new_project_is_empty_and_can_be_deployed_to(plane: Plane) -> None:
    browser = await plane.signed_in()
    elsewhere = await plane.deployed(browser)
    project = await made(browser, "  Billing ")
    listed = (await browser.get("/projects")).json()["data"]
    assert [one["name"] for one in listed] == ["Billing", "Default"]
    browser.headers[HEADER] = project
    assert (await browser.get("/me")).json()["project"] == {"id": project, "name": "Billing"}
    assert (await browser.get("/workflows")).json()["data"] == []
    assert (await browser.get(f"/workflows/{elsewhere}")).status_code == 404
    [connection] = (await browser.get("/connections")).json()["data"]
    assert (connection["type"], connection["builtin"]) == ("local", True)
    here = await plane.deployed(browser)
    del browser.headers[HEADER]
    assert (await browser.get(f"/workflows/{here}")).status_code == 404
    assert (await browser.get(f"/workflows/{elsewhere}")).status_code == 200


async def test_a_key_that_is_made_in_a_project_opens_that_one_only(plane: Plane) -> None:
    browser = await plane.signed_in()
    project = await made(browser, "Billing")
    body = {"name": "k", "scopes": ["write"]}
    new = await browser.post("/api-keys", json=body, headers={HEADER: project})
    key = plane.anonymous(Authorization=f"Bearer {new.json()['key']}")
    assert (await key.get("/me")).json()["project"]["id"] == project
    assert (await key.get("/me", headers={HEADER: project})).status_code == 200
    other = await key.get("/me", headers={HEADER: plane.project})
    assert (other.status_code, other.json()["code"]) == (404, "project.not_found")
    for answer in (await key.get("/projects"), await key.post("/projects", json={"name": "x"})):
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.no_session")


async def test_another_organizations_project_is_not_there(plane: Plane) -> None:
    browser = await plane.signed_in()
    other = await plane.other_project()
    assert [p["name"] for p in (await browser.get("/projects")).json()["data"]] == ["Default"]
    for answer in (
        await browser.get("/workflows", headers={HEADER: other}),
        await browser.patch(f"/projects/{other}", json={"name": "Mine"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "project.not_found")


@pytest.mark.parametrize("wrong", ["", "proj_nobody", "x" * 5000, "../x", "%00"])
async def test_a_project_that_is_none_is_404(plane: Plane, wrong: str) -> None:
    browser = await plane.signed_in()
    answer = await browser.get("/workflows", headers={HEADER: wrong})
    assert (answer.status_code, answer.json()["code"]) == (404, "project.not_found")
    assert len(answer.text) < 400


async def test_a_project_gets_another_name(plane: Plane) -> None:
    browser = await plane.signed_in()
    answer = await browser.patch(f"/projects/{plane.project}", json={"name": "Shop"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Shop")
    assert (await browser.get("/me")).json()["project"]["name"] == "Shop"
    for name in ("", "   ", None, "a\nb", "x" * 257):
        wrong = await browser.patch(f"/projects/{plane.project}", json={"name": name})
        assert wrong.status_code == 422, name


async def test_the_first_project_stays_the_first_when_the_clock_goes_back(plane: Plane) -> None:
    browser = await plane.signed_in()
    plane.clock.move(-3600)
    await made(browser, "Later")
    home = plane.store.tenancy.home()
    assert home is not None
    assert home.project.id == plane.project


async def test_a_workflow_is_moved_to_a_project_that_one_sees(plane: Plane) -> None:
    browser = await plane.signed_in()
    workflow = await plane.deployed(browser)
    project = await made(browser, "Billing")
    moved = await browser.patch(f"/workflows/{workflow}/move", json={"projectId": project})
    assert moved.status_code == 200, moved.text
    assert (await browser.get(f"/workflows/{workflow}")).status_code == 404
    seen = await browser.get(f"/workflows/{workflow}", headers={HEADER: project})
    assert seen.json()["projectId"] == project
    nowhere = await browser.patch(
        f"/workflows/{workflow}/move", json={"projectId": "proj_no"}, headers={HEADER: project}
    )
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "project.not_found")
