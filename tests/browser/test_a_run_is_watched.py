"""A run's page: what it shows while the run goes on, and what can be done there."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import AWAY, ORDERS


def trigger(server: Any, workflow: str, **params: Any) -> str:
    made = server.api("POST", f"/workflows/{workflow}/trigger", {"params": params})
    assert made.status == 201, made.text
    return str(made.json["instanceId"])


def node(id: str, type: str, **data: Any) -> dict[str, Any]:
    return {"id": id, "type": type, "name": id, "position": {"x": 0, "y": 0}, "data": data}


def drawn(name: str, only: dict[str, Any]) -> dict[str, Any]:
    """A workflow of a single node."""
    return {
        "kind": "workflow",
        "metadata": {"name": name},
        "entryNodeId": only["id"],
        "nodes": [only],
        "edges": [],
    }


def line(page: Page, name: str) -> Any:
    """The line of a step in the timeline."""
    return page.get_by_role("region", name="Timeline").get_by_role("button", name=name)


def test_a_failing_step_is_found_by_its_line(visit, busy, accessible):
    failed = busy.runs("status=errored")[0]
    page = visit(busy.server).open(f"{busy.path}/runs/{failed['instanceId']}")
    expect(page.locator("h1")).to_contain_text("Errored")
    expect(line(page, "Check stock")).to_be_visible()
    page.keyboard.press("n")
    step = page.get_by_role("complementary", name="Step Check stock")
    expect(step).to_contain_text("ValueError")
    expect(step).to_contain_text(f"{failed['params']['id']} is not in stock")
    expect(step.get_by_text(re.compile(r"worker\.py, line \d+"))).to_be_visible()
    expect(step.locator(".cm-marked")).to_have_text(
        re.compile(r'raise ValueError\(f"\{missing\} is not in stock"\)')
    )
    code = busy.server.api(
        "GET", f"/workflows/{busy.workflow}/versions/{failed['versionId']}/code"
    ).json["code"]
    shown = code.splitlines()[failed["error"]["line"] - 1]
    assert "raise ValueError" in shown
    accessible(page)

    # the address is enough to find it again
    page.reload()
    expect(step.locator(".cm-marked")).to_contain_text("raise ValueError")
    step.get_by_role("tab", name="Input").click()
    expect(step).to_contain_text(failed["params"]["id"])
    expect(page).to_have_url(re.compile("tab=input"))


def test_each_step_tells_what_it_answered_and_printed(visit, busy, accessible):
    run = busy.runs("status=complete&text=ord_001")[0]
    page = visit(busy.server, color_scheme="dark").open(f"{busy.path}/runs/{run['instanceId']}")
    expect(page.get_by_role("complementary")).to_contain_text('"ord_001"')
    line(page, "Load order").click()
    step = page.get_by_role("complementary", name="Step Load order")
    expect(step).to_contain_text('"complete"')
    step.get_by_role("tab", name="Logs").click()
    expect(step).to_contain_text("loading")
    step.get_by_role("tab", name="Attempts").click()
    expect(step).to_contain_text("Attempt 1")
    accessible(page)
    page.keyboard.press("j")
    expect(page.get_by_role("complementary", name="Step Check stock")).to_be_visible()


def test_parent_and_child_lead_to_each_other(visit, live_server, accessible):
    child = live_server.deploy(drawn("Answers", node("answer", "step", code="return 42")))
    calls = node("call", "sub_workflow", workflowId=child["id"])
    parent = live_server.deploy(drawn("Asks", calls))
    run = trigger(live_server, parent["id"])
    live_server.ended(parent["id"], run)
    page = visit(live_server).open(f"/workflows/{parent['id']}/runs/{run}")
    line(page, "call").first.click()
    page.get_by_role("link", name="Open its run").click()
    expect(page).to_have_url(re.compile(f"/workflows/{child['id']}/runs/"))
    back = page.get_by_role("link", name="Asks")
    expect(back).to_be_visible()
    accessible(page)
    back.click()
    expect(page).to_have_url(re.compile(f"/workflows/{parent['id']}/runs/{run}$"))
    expect(page.get_by_text("Started by")).not_to_be_visible()


def test_at_twice_the_size_there_is_room_for_steps(visit, busy):
    run = busy.runs("status=complete&text=ord_002")[0]
    page = visit(busy.server, viewport={"width": 640, "height": 400}).open(
        f"{busy.path}/runs/{run['instanceId']}"
    )
    ship = line(page, "Ship")
    ship.scroll_into_view_if_needed()
    rail = page.get_by_role("navigation", name="Places").bounding_box()
    for name in ("Load order", "Check stock", "Ship"):
        box = line(page, name).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= rail["y"], name


def test_keys_step_into_loops_that_are_folded(visit, live_server):
    graph = {
        "kind": "workflow",
        "metadata": {"name": "Long loop"},
        "entryNodeId": "each",
        "nodes": [
            node("each", "loop", loopType="times", count="30"),
            node("work", "step", code="return i"),
            node("end", "step", code="return 1"),
        ],
        "edges": [
            {"id": "e1", "source": "each", "target": "work", "label": "body"},
            {"id": "e2", "source": "each", "target": "end", "label": "then"},
        ],
    }
    workflow = live_server.deploy(graph)["id"]
    run = trigger(live_server, workflow)
    assert live_server.ended(workflow, run)["status"] == "complete"
    page = visit(live_server).open(f"/workflows/{workflow}/runs/{run}")
    folded = page.get_by_role("button", name="each 30 iterations", expanded=False)
    expect(folded).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("complementary", name="Step work [0]")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("complementary", name="Step work [1]")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect(page.get_by_role("complementary", name="Step end")).to_be_visible()
    page.keyboard.press("k")
    expect(page.get_by_role("complementary", name="Step work [29]")).to_be_visible()


def test_a_templates_event_is_at_hand(visit, live_server):
    template = live_server.api("GET", "/templates/approval").json
    workflow = live_server.deploy(template["ir"])["id"]
    made = live_server.api("POST", f"/workflows/{workflow}/trigger", {"params": template["params"]})
    path = f"/workflows/{workflow}/runs/{made.json['instanceId']}"
    live_server.until(lambda: live_server.api("GET", path).json["status"] == "waiting")
    page = visit(live_server).open(path)
    expect(page.get_by_role("button", name="Send event").first).to_be_visible()
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Type")).to_have_value(template["event"]["type"])
    payload = dialog.get_by_role("textbox", name="Payload")
    expect(payload).to_contain_text('"approved": true')
    nothing = payload.locator(".cm-placeholder")
    expect(nothing).to_have_count(0)
    dialog.get_by_label("Type").fill("another")
    expect(nothing).to_be_visible()
    dialog.get_by_role("button", name=template["event"]["type"]).click()
    dialog.get_by_role("button", name="Send").click()
    assert live_server.ended(workflow, made.json["instanceId"])["status"] == "complete"
    steps = live_server.api("GET", f"{path}/steps").json["data"]
    [waited] = [step for step in steps if step["type"] == "wait"]
    assert waited["output"]["payload"] == template["event"]["payload"]


def test_one_key_flips_between_timeline_drawing_and_log(visit, busy, accessible):
    run = busy.runs("status=waiting")[0]
    page = visit(busy.server).open(f"{busy.path}/runs/{run['instanceId']}")
    expect(line(page, "Wait for approval")).to_be_visible()
    page.keyboard.press("v")
    canvas = page.get_by_role("group", name="Check stock, Step")
    expect(canvas).to_be_visible()
    accessible(page)
    canvas.click()
    expect(page.get_by_role("complementary", name="Step Check stock")).to_be_visible()
    page.keyboard.press("v")
    log = page.get_by_role("region", name="Event log")
    expect(log).to_contain_text("Wait started")
    accessible(page)
    page.keyboard.press("v")
    expect(line(page, "Wait for approval")).to_be_visible()


def test_a_run_between_attempts_shows_its_error(visit, live_server):
    graph = {
        "kind": "workflow",
        "metadata": {"name": "Tried again"},
        "entryNodeId": "call",
        "nodes": [
            {
                "id": "call",
                "type": "step",
                "name": "Call",
                "position": {"x": 0, "y": 0},
                "data": {"code": 'raise ConnectionError("nobody there")', "retryDelay": "1 hour"},
            }
        ],
        "edges": [],
    }
    made = live_server.deploy(graph)["id"]
    visitor = visit(live_server)
    listed = visitor.open(f"/workflows/{made}/runs")
    expect(listed.get_by_text("nothing has run yet")).to_be_visible()
    run = trigger(live_server, made)
    row = listed.locator("li[data-run]")
    expect(row).to_contain_text("Waiting")
    expect(row).to_contain_text("ConnectionError: nobody there")
    page = visitor.open(f"/workflows/{made}/runs/{run}")
    expect(page.get_by_role("complementary")).to_contain_text("ConnectionError")
    expect(page.get_by_role("complementary")).to_contain_text("tried again in")


def test_a_step_that_was_tried_very_often_says_what_is_not_kept(visit, live_server, accessible):
    code = 'if ctx["attempt"] < 61:\n    raise ValueError("not yet")\nreturn "there"'
    often = node(
        "poll", "step", code=code, retryLimit=100, retryDelay="0 seconds", backoff="constant"
    )
    made = live_server.deploy(drawn("Polls", often))["id"]
    run = trigger(live_server, made)
    page = visit(live_server).open(f"/workflows/{made}/runs/{run}")
    expect(page.locator("h1")).to_contain_text("Complete")
    expect(line(page, "poll")).to_contain_text("×61")
    line(page, "poll").click()
    step = page.get_by_role("complementary", name="Step poll")
    step.get_by_role("tab", name="Attempts").click()
    tries = step.get_by_role("listitem")
    expect(tries.nth(4)).to_contain_text("Attempt 5")
    expect(tries.nth(5)).to_have_text("11 attempts between these are not kept.")
    expect(tries.nth(6)).to_contain_text("Attempt 17")
    expect(tries.last).to_contain_text("Attempt 61")
    accessible(page)


def test_a_waiting_run_gets_its_event(visit, busy, accessible):
    run = trigger(busy.server, busy.workflow, id="ord_event", do="wait")
    page = visit(busy.server).open(f"{busy.path}/runs/{run}")
    page.get_by_role("complementary").get_by_role("button", name="Send event").click()
    dialog = page.get_by_role("dialog", name="Send an event")
    expect(dialog.get_by_label("Type")).to_have_value("approval")
    editor = dialog.get_by_role("textbox", name="Payload")
    editor.fill('{"by": oops}')
    expect(dialog.get_by_role("button", name="Send")).to_be_disabled()
    editor.fill('{"by": "Ada"}')
    expect(dialog.get_by_role("button", name="Send")).to_be_enabled()
    accessible(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator("h1")).to_contain_text("Complete")
    line(page, "Wait for approval").click()
    expect(page.get_by_role("complementary", name="Step Wait for approval")).to_contain_text(
        '"Ada"'
    )


def test_a_run_is_triggered_with_a_payload(visit, live_server, accessible):
    made = live_server.deploy(ORDERS)["id"]
    page = visit(live_server).open(f"/workflows/{made}/runs")
    page.get_by_role("button", name="Trigger", exact=True).click()
    dialog = page.get_by_role("dialog")
    payload = dialog.get_by_role("textbox", name="Payload")
    payload.fill('{"id": "ord_7",\n "do": complete}')
    expect(dialog).to_contain_text("Line 2: Here should stand a value.")
    expect(dialog.get_by_role("button", name="Run")).to_be_disabled()
    payload.fill('{"id": "ord_7", "do": "complete"}')
    dialog.get_by_label("Instance id").fill("seven")
    dialog.get_by_text("The same by curl").click()
    expect(dialog.locator("pre")).to_contain_text(f"/api/workflows/{made}/trigger")
    accessible(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/runs/seven")
    expect(page.locator("h1")).to_contain_text("Complete")
    expect(page.get_by_role("complementary")).to_contain_text('"ord_7"')

    page.get_by_role("button", name="Trigger", exact=True).click()
    dialog.get_by_role("region", name="Recent payloads").get_by_role("button").first.click()
    dialog.get_by_role("button", name="Run").click()
    page.wait_for_url(lambda url: "/runs/" in url and not url.endswith("seven"))
    expect(page.locator("h1")).to_contain_text("Complete")


def test_a_payload_with_a_schema_is_filled_in_as_a_form(visit, live_server, accessible):
    made = live_server.deploy(ORDERS)["id"]
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "title": "Order", "examples": ["ord_7"]},
            "do": {"enum": ["complete", "fail"]},
            "count": {"type": "integer", "minimum": 1},
        },
    }
    answer = live_server.api("PATCH", f"/workflows/{made}", {"payloadSchema": schema})
    assert answer.status == 200, answer.text
    page = visit(live_server).open(f"/workflows/{made}/runs")
    page.get_by_role("button", name="Trigger", exact=True).click()
    dialog = page.get_by_role("dialog")
    accessible(page)
    dialog.get_by_label("Order").fill("ord_form")
    dialog.get_by_label("Count").fill("3")
    dialog.get_by_role("radio", name="JSON").click()
    expect(dialog.get_by_role("textbox", name="Payload")).to_contain_text('"ord_form"')
    dialog.get_by_role("radio", name="Form").click()
    dialog.get_by_role("button", name="Run").click()
    page.wait_for_url("**/runs/*")
    expect(page.get_by_text("Complete").first).to_be_visible()
    [run] = live_server.api("GET", f"/workflows/{made}/runs").json["data"]
    assert run["params"] == {"id": "ord_form", "do": "complete", "count": 3}


def test_a_run_is_paused_resumed_restarted_and_ended(visit, busy):
    run = trigger(busy.server, busy.workflow, id="ord_verbs", do="wait")
    page = visit(busy.server).open(f"{busy.path}/runs/{run}")
    state = page.locator("h1")
    expect(state).to_contain_text("Waiting")
    page.get_by_role("button", name="Pause").click()
    expect(state).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(state).to_contain_text("Waiting")
    line(page, "Check stock").click()
    page.get_by_role("button", name="Restart from here").click()
    page.get_by_role("dialog").get_by_role("button", name="Restart").click()
    expect(page.get_by_text("Restarted")).to_be_visible()
    expect(state).to_contain_text("Waiting")
    expect(line(page, "Load order")).to_be_visible()
    page.get_by_role("button", name="Terminate").click()
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
    expect(state).to_contain_text("Terminated")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    page.get_by_role("button", name="More to do with the run").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/runs")
    assert busy.server.api("GET", f"/workflows/{busy.workflow}/runs/{run}").status == 404


def test_an_ended_run_that_somebody_else_restarts_is_followed(visit, busy):
    run = trigger(busy.server, busy.workflow, id="ord_again", do="complete")
    busy.server.ended(busy.workflow, run)
    page = visit(busy.server).open(f"{busy.path}/runs/{run}")
    expect(page.locator("h1")).to_contain_text("Complete")
    path = f"/workflows/{busy.workflow}/runs/{run}"
    assert busy.server.api("POST", f"{path}/restart", {}).status == 200
    expect(page.get_by_text("Restarted")).to_be_visible()
    expect(line(page, "Ship")).to_be_visible()
    busy.server.ended(busy.workflow, run)
    assert busy.server.api("DELETE", path).status == 204
    expect(page.get_by_text("This run was deleted")).to_be_visible()


@pytest.mark.parametrize("view", ["timeline", "events"])
def test_a_page_recovers_from_the_server_being_killed_without_a_reload(
    visit, new_server, free_ports, view
):
    port, worker_port = free_ports
    server = new_server("--no-example", "--port", port, "--worker-port", worker_port)
    workflow = server.deploy(ORDERS)["id"]
    run = trigger(server, workflow, id="ord_cut", do="wait")
    visitor = visit(server)
    visitor.expected += AWAY
    page = visitor.open(f"/workflows/{workflow}/runs/{run}?view={view}")
    listed = visitor.open(f"/workflows/{workflow}/runs")
    idle = visitor.open("/keys")
    away = "The server is away"
    expect(idle.get_by_role("button", name="New key").first).to_be_visible()
    expect(page.locator("h1")).to_contain_text("Waiting")
    expect(listed.locator("li[data-run]")).to_contain_text("Waiting")
    for one in (page, listed, idle):
        one.evaluate("window.sameDocument = true")

    server.stop(signal.SIGKILL)
    for one in (page, listed, idle):
        expect(one.get_by_text(away)).to_be_visible()
        assert one.get_by_text("Reconnecting…").count() == 0
    server.start()
    for one in (page, listed, idle):
        expect(one.get_by_text(away)).to_have_count(0)
    sent = server.api(
        "POST", f"/workflows/{workflow}/runs/{run}/events", {"type": "approval", "payload": 1}
    )
    assert sent.status == 202
    expect(page.locator("h1")).to_contain_text("Complete")
    if view == "events":
        log = page.get_by_role("region", name="Event log")
        expect(log.get_by_text("Run completed")).to_be_visible()
        assert log.get_by_text("Run created").count() == 1
    other = trigger(server, workflow, id="ord_after", do="complete")
    expect(listed.locator(f"[data-run$='{run}']")).to_contain_text("Complete")
    expect(listed.locator(f"[data-run$='{other}']")).to_contain_text("Complete")
    for one in (page, listed, idle):
        assert one.evaluate("window.sameDocument") is True
