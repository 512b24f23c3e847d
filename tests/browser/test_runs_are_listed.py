"""Lists of runs, with 200 that completed, 5 that failed and 3 that wait."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

HELD = {
    "kind": "workflow",
    "metadata": {"name": "Held"},
    "entryNodeId": "go",
    "nodes": [
        {
            "id": "go",
            "type": "wait_for_event",
            "name": "Wait to go",
            "position": {"x": 0, "y": 0},
            "data": {"eventType": "go"},
        }
    ],
    "edges": [],
}


def rows(page: Page) -> Any:
    return page.locator("li[data-run]")


def test_what_stands_in_the_address_narrows_the_list_down(visit, busy, accessible):
    page = visit(busy.server).open(busy.path + "/runs")
    expect(rows(page).first).to_be_visible()
    accessible(page)

    # other tests of this server may have left runs that failed or wait
    errored, waiting = busy.runs("status=errored"), busy.runs("status=waiting")
    assert len(errored) >= 5
    assert len(waiting) >= 3
    page.get_by_role("button", name="Errored").click()
    expect(rows(page)).to_have_count(len(errored))
    newest = errored[0]
    key = f"{busy.workflow} {newest['instanceId']}"
    expect(rows(page).first).to_have_attribute("data-run", key)
    expect(rows(page).first).to_contain_text(newest["error"]["message"])
    expect(page).to_have_url(re.compile("status=errored"))
    page.get_by_role("button", name="Waiting").click()
    expect(rows(page)).to_have_count(len(errored) + len(waiting))

    page.reload()
    expect(rows(page)).to_have_count(len(errored) + len(waiting))
    expect(page.get_by_role("button", name="Waiting")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("searchbox").fill("ord_206")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Waiting")

    page.get_by_role("searchbox").fill("nothing holds this")
    page.get_by_role("button", name="Clear the filter").click()
    expect(rows(page).first).to_be_visible()
    assert "status" not in page.url
    page.get_by_role("combobox", name="Trigger").click()
    page.get_by_role("option", name="Schedule").click()
    expect(page.get_by_text("No run matches")).to_be_visible()


def test_all_of_a_long_list_can_be_reached_and_opened_by_keys(visit, busy):
    page = visit(busy.server).open(busy.path + "/runs?status=complete")
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows(page).first.get_by_role("link")).to_be_focused()
    last = busy.runs("status=complete&text=ord_000")[-1]["instanceId"]
    listed = page.get_by_role("region", name="Runs")
    while not page.locator(f"[data-run$='{last}']").count():
        listed.evaluate("list => list.scrollBy(0, list.clientHeight)")
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.locator(f"[data-run$='{last}'] a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{last}")


def test_new_runs_do_not_move_what_is_read(visit, busy):
    page = visit(busy.server).open(busy.path + "/runs")
    expect(rows(page).first).to_be_visible()
    listed = page.get_by_role("region", name="Runs")
    # measured once it is drawn where it was scrolled to
    listed.evaluate(
        "list => { list.scrollTop = 700;"
        " return new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn))) }"
    )
    shown = page.locator("li[data-run]").nth(16)
    key, before = shown.get_attribute("data-run"), shown.bounding_box()
    params = {"id": "ord_new", "do": "complete"}
    made = busy.server.api("POST", f"/workflows/{busy.workflow}/trigger", {"params": params})
    pill = page.get_by_role("button", name="1 new run")
    expect(pill).to_be_visible()
    assert page.locator(f"[data-run='{key}']").bounding_box() == before
    pill.click()
    expect(rows(page).first).to_have_attribute(
        "data-run", f"{busy.workflow} {made.json['instanceId']}"
    )
    expect(rows(page).first).to_contain_text("Complete")


def test_runs_of_all_workflows_are_told_as_they_happen(visit, busy, accessible):
    page = visit(busy.server, color_scheme="dark").open("/runs")
    expect(rows(page).first).to_be_visible()
    accessible(page)
    made = busy.server.deploy(HELD)["id"]
    run = busy.server.api("POST", f"/workflows/{made}/trigger", {}).json["instanceId"]
    row = page.locator(f"[data-run='{made} {run}']")
    expect(row).to_contain_text("Held")
    expect(row).to_contain_text("Waiting")
    expect(row).to_contain_text("Wait to go")
    busy.server.api("POST", f"/workflows/{made}/runs/{run}/events", {"type": "go"})
    expect(row).to_contain_text("Complete")


@pytest.mark.parametrize("all_of_them", [False, True])
def test_many_runs_are_changed_at_once(visit, live_server, all_of_them):
    made = live_server.deploy(HELD)["id"]
    for _ in range(60):
        assert live_server.api("POST", f"/workflows/{made}/trigger", {}).status == 201
    page = visit(live_server).open(f"/workflows/{made}/runs")
    expect(rows(page).first).to_contain_text("Waiting")
    if all_of_them:
        expect(rows(page).first).to_have_attribute("aria-setsize", "60")  # once all are read
        page.get_by_role("checkbox", name="Select all that are shown").click()
        count = 60
    else:
        for place in (0, 2):
            rows(page).nth(place).get_by_role("checkbox").click()
        count = 2
    page.get_by_role("toolbar").get_by_role("button", name="Terminate").click()
    asked = page.get_by_role("alertdialog")
    expect(asked).to_contain_text(f"{count} runs will end now")
    asked.get_by_role("button", name=f"Terminate {count} runs").click()
    expect(page.get_by_text(f"{count} runs terminated.")).to_be_visible()
    ended = live_server.api("GET", f"/workflows/{made}/runs?limit=100&status=terminated").json
    assert len(ended["data"]) == count
    expect(rows(page).first).to_contain_text("Terminated")


def test_a_workflow_without_runs_teaches_how_to_start_one(visit, live_server, accessible):
    made = live_server.deploy(HELD)
    page = visit(live_server).open(f"/workflows/{made['id']}/runs")
    expect(page.get_by_text("nothing has run yet")).to_be_visible()
    line = page.locator("pre").inner_text()
    assert made["url"] in line
    accessible(page)
    answer = live_server.curl("-X", "POST", made["url"], "-d", "{}")
    assert answer.status == 200, answer.text
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Copy as curl").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"{live_server.url}/api/workflows/{made['id']}/runs" in copied


READ = "2026-11-27T10:00:00Z"


def test_runs_that_can_not_be_read_now_say_so(visit, busy, accessible):
    page = visit(busy.server, color_scheme="dark").open(busy.path)
    page.clock.install()
    newest = busy.runs("status=complete")[0]["instanceId"]

    def told(path: str) -> Any:
        return busy.server.api("GET", path).json

    def old(route: Route) -> None:
        body = told(route.request.url.split("/api", 1)[1])
        for run in body["data"]:
            if run["instanceId"] == newest:
                run.update(stale=True, readAt=READ)
        route.fulfill(json={**body, "away": [busy.workflow]})

    def old_stream(route: Route) -> None:
        run = {**told(f"{at}/{newest}"), "stale": True, "readAt": READ}
        steps = told(f"{at}/{newest}/steps")["data"]
        events = [("run", run), *(("step", step) for step in steps), ("end", run)]
        body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
        route.fulfill(content_type="text/event-stream", body=body)

    at = f"/workflows/{busy.workflow}/runs"
    lists, stream = f"**/api{at}?*", f"**/api{at}/{newest}/stream"
    page.route(lists, old)
    page.route(stream, old_stream)
    page.goto(busy.server.url + busy.path + "/runs?status=complete")
    row = page.locator(f"[data-run$='{newest}']")
    expect(row).to_contain_text("stale")
    expect(row).to_contain_text("Complete")
    expect(page.get_by_text("stale", exact=True)).to_have_count(1)
    expect(page.get_by_text("stale", exact=True)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("status").filter(has_text="may be old or missing")).to_be_visible()
    accessible(page)
    row.get_by_role("link").click()
    note = page.get_by_role("status").filter(has_text="stale")
    expect(note).to_contain_text("can't be asked now; read")
    expect(note.locator("time")).to_have_attribute("datetime", READ)
    accessible(page)
    # it can be read again: the list finds that by itself
    page.go_back()
    expect(row).to_contain_text("stale")
    page.unroute(lists)
    page.clock.fast_forward(16_000)
    expect(row).not_to_contain_text("stale")
    expect(page.get_by_text("may be old or missing")).to_have_count(0)


def test_a_phone_tells_runs_apart_by_their_ids(visit, busy):
    page = visit(busy.server, viewport={"width": 390, "height": 844}).open("/runs")
    first = rows(page).first
    expect(first.get_by_role("button", name=re.compile("Copy", re.I))).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
