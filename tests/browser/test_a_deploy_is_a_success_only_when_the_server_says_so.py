"""The deploy dialog: from a file to a Worker URL that answers, and what it says of a cut stream."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest
from playwright.sync_api import expect

GREET = {
    "kind": "workflow",
    "metadata": {"name": "Greeting"},
    "entryNodeId": "greet",
    "nodes": [
        {
            "id": "greet",
            "type": "step",
            "name": "Greet",
            "position": {"x": 0, "y": 0},
            "data": {"code": "return f\"Hello {event.payload['name']}\"", "output": True},
        }
    ],
    "edges": [],
}

BEGUN = 'event: progress\ndata: {"stage": "activate", "message": "Going", "progress": 80}\n\n'


def graph(name: str, code: str | None = None) -> dict:
    made = json.loads(json.dumps({**GREET, "metadata": {"name": name}}))
    if code is not None:
        made["nodes"][0]["data"]["code"] = code
    return made


@pytest.fixture
def workflow(live_server):
    """A workflow whose version 1 is live and whose version 2 is not."""
    deployed = live_server.deploy(graph("Two versions"))
    saved = live_server.api(
        "POST",
        f"/workflows/{deployed['id']}/versions",
        {"ir": graph("Two versions", 'return "Good day"')},
    )
    assert saved.status == 201, saved.text
    return deployed["id"]


def open_dialog(page):
    page.get_by_role("button", name="Deploy", exact=True).first.click()
    return page.get_by_role("dialog", name=re.compile("^Deploy "))


def test_a_newcomer_comes_from_a_file_to_a_worker_that_answers(
    visitor, live_server, tmp_path, accessible
):
    file = tmp_path / "greeting.json"
    file.write_text(json.dumps(graph("From a file")))
    page = visitor.open("/workflows")
    page.get_by_role("button", name="Import").click()
    page.get_by_label("File to import").set_input_files(file)
    page.wait_for_url("**/workflows/wf_*")

    dialog = open_dialog(page)
    expect(dialog.get_by_text("Nothing is live yet")).to_be_visible()
    accessible(page)
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_text("Version 1 is live")).to_be_visible()
    for stage in ("Check the graph", "Write the Python module", "Store the module", "Go live"):
        expect(dialog.get_by_role("listitem").filter(has_text=stage)).to_contain_text("done")
    accessible(page)

    [line] = dialog.locator("pre").all_inner_texts()
    said = subprocess.run(
        [*shlex.split(line.replace("{}", '{"name": "Ada"}')), "--silent", "--noproxy", "*"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    instance = json.loads(said.stdout)["instanceId"]
    workflow = page.url.rpartition("/")[2].partition("?")[0]
    assert live_server.ended(workflow, instance)["output"] == "Hello Ada"

    dialog.get_by_role("button", name="Trigger a run").click()
    expect(dialog).to_be_hidden()


def test_what_would_change_is_shown_before(visitor, workflow):
    page = visitor.open(f"/workflows/{workflow}")
    dialog = open_dialog(page)
    expect(dialog.get_by_role("tab", name="Graph: 1 node changed")).to_be_visible()
    expect(dialog.get_by_role("insertion")).to_have_text('return "Good day"')
    dialog.get_by_role("tab", name="Code").click()
    expect(dialog.get_by_label("How the module changes")).to_contain_text("Good day")


def test_a_cut_stream_is_no_success_while_the_old_version_is_live(visitor, workflow):
    page = visitor.open(f"/workflows/{workflow}")
    page.route(
        "**/deploy-stream",
        lambda route: route.fulfill(content_type="text/event-stream", body=BEGUN),
    )
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_text("The connection was cut before")).to_be_visible()
    expect(dialog.get_by_role("alert")).to_contain_text("version 1 is still what is live")
    expect(dialog.get_by_text("Version 2 is live")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Trigger a run")).to_have_count(0)

    page.unroute("**/deploy-stream")
    dialog.get_by_role("button", name="Try again").click()
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_text("Version 2 is live")).to_be_visible()


def test_a_stream_cut_after_the_work_was_done_asks_the_server(visitor, live_server, workflow):
    page = visitor.open(f"/workflows/{workflow}")

    def cut(route):
        # the server does the work; of what it tells, only the beginning comes through
        done = live_server.api(
            "POST", f"/workflows/{workflow}/deploy", route.request.post_data_json
        )
        assert done.status == 200, done.text
        route.fulfill(content_type="text/event-stream", body=BEGUN)

    page.route("**/deploy-stream", cut)
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_text("the server was asked: it says so")).to_be_visible()


def test_a_server_that_dies_meanwhile_is_waited_for_and_never_taken_for_a_success(
    visit, new_server
):
    server = new_server("--no-example")
    id = server.deploy(graph("Dies"))["id"]
    visitor = visit(server)
    visitor.expected += ["ERR_", "Failed to load resource", "server.away"]
    page = visitor.open(f"/workflows/{id}")
    dialog = open_dialog(page)
    button = dialog.get_by_role("button", name="Deploy", exact=True)
    expect(button).to_be_enabled()
    # what it needs for a deploy is there; without that, it says that the server is away
    expect(dialog.get_by_text("Local", exact=False).first).to_be_visible()
    expect(dialog.get_by_text("The graph is the one that is live.")).to_be_visible()
    server.process.kill()
    button.click()
    expect(dialog.get_by_text("The connection was cut before")).to_be_visible()
    expect(dialog.get_by_text("Version 1 is live")).to_have_count(0)


def test_a_deploy_goes_on_when_the_dialog_is_closed_and_is_told_at_its_end(visitor, workflow):
    page = visitor.open(f"/workflows/{workflow}")
    held = []
    page.route("**/deploy-stream", lambda route: held.append(route))
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(dialog).to_be_hidden()
    dialog = open_dialog(page)
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    held[0].continue_()
    expect(page.get_by_text("Two versions is live with version 2.")).to_be_visible()


def test_a_page_that_is_loaded_anew_finds_its_deploy_again(visitor, live_server, workflow):
    page = visitor.open(f"/workflows/{workflow}")
    visitor.expected += ["ERR_ABORTED", "ERR_FAILED"]
    begun = []

    def lost(route):
        # the server begins, and the page is gone before it hears of it
        begun.append(route.request.post_data_json)
        told = live_server.api("POST", f"/workflows/{workflow}/deploy-stream", begun[0])
        assert "event: result" in told.text
        page.evaluate("setTimeout(() => location.reload(), 0)")

    page.route("**/deploy-stream", lambda route: lost(route), times=1)
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    again = page.get_by_role("dialog", name=re.compile("^Deploy "))
    expect(again.get_by_text("Version 2 is live")).to_be_visible()
    expect(again.get_by_text("the connection was cut")).to_have_count(0)
    for stage in ("Check the graph", "Go live"):
        expect(again.get_by_role("listitem").filter(has_text=stage)).to_contain_text("done")
    assert len(begun) == 1
    again.get_by_role("button", name="Close").last.click()
    page.reload()
    expect(page.get_by_role("toolbar", name="Canvas")).to_be_visible()
    expect(again).to_have_count(0)


def test_what_stops_a_deploy_leads_to_its_node(visitor, live_server):
    made = live_server.api("POST", "/workflows", {"name": "Broken", "ir": graph("Broken")})
    id = made.json["id"]
    draft = live_server.api(
        "PUT",
        f"/workflows/{id}/draft",
        {"ir": graph("Broken", "return ("), "baseVersionId": None, "revision": 0},
    )
    assert draft.status == 200, draft.text
    page = visitor.open(f"/workflows/{id}/versions")
    dialog = open_dialog(page)
    stops = dialog.get_by_role("region", name="What stops it")
    expect(stops).to_contain_text("Greet")
    expect(dialog.get_by_role("button", name=re.compile("deploy$"))).to_be_disabled()
    stops.get_by_role("button").first.click()
    page.wait_for_url(re.compile(rf"/workflows/{id}\?node=greet"))
