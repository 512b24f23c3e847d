"""The list of workflows: making, finding, bringing in whatever a file holds, copying, deleting."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from .conftest import ORDERS
from .test_a_deploy_is_a_success_only_when_the_server_says_so import graph


def row(page, name):
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_a_new_workflow_opens_its_canvas(visitor, live_server, accessible):
    page = visitor.open("/workflows?new=true")
    dialog = page.get_by_role("dialog", name="New workflow")
    expect(dialog.get_by_label("Name")).to_be_focused()
    accessible(page)
    dialog.get_by_label("Name").fill("Made by hand")
    page.keyboard.press("Enter")
    page.wait_for_url("**/workflows/wf_*")
    id = page.url.rpartition("/")[2].partition("?")[0]
    assert live_server.api("GET", f"/workflows/{id}").json["name"] == "Made by hand"


def test_a_filter_stands_in_the_address_and_rows_are_reached_by_keys(visitor, live_server):
    for name in ("Pear one", "Pear two", "Plum"):
        live_server.api("POST", "/workflows", {"name": name})
    page = visitor.open("/workflows?q=pear")
    expect(row(page, "Pear one")).to_be_visible()
    expect(row(page, "Plum")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Pear two", exact=True)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/workflows/wf_*")
    page.go_back()
    expect(page.get_by_role("searchbox", name="Filter workflows")).to_have_value("pear")


HOSTILE = {
    "no-json.json": "<script>alert(1)</script>",
    "list.json": "[]",
    "deep.json": '{"ir": ' + "[" * 300 + "]" * 300 + "}",
    "odd.json": json.dumps({"nodes": "many", "edges": 7, "metadata": None, "kind": "workflow"}),
    "unknown.json": json.dumps({"awaitstep": 1, "name": "x", "ir": {}, "surprise": True}),
    "cycle.json": json.dumps(
        {**graph("Cycle"), "edges": [{"id": "e", "source": "greet", "target": "greet"}]}
    ),
    "proto.json": '{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}',
    "nul.json": '{"name": "a\\u0000b", "nodes": [{"id": "\\ud800"}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_reason(visitor, live_server, tmp_path, name):
    visitor.expected.append("Failed to load resource")
    before = len(live_server.api("GET", "/workflows?limit=100").json["data"])
    file = tmp_path / name
    file.write_text(HOSTILE[name])
    page = visitor.open("/workflows")
    page.get_by_role("button", name="Import").click()
    page.get_by_label("File to import").set_input_files(file)
    told = page.get_by_role("alert")
    expect(told).to_be_visible()
    assert len(told.inner_text()) > 10
    assert page.evaluate("({}).polluted") is None
    assert len(live_server.api("GET", "/workflows?limit=100").json["data"]) == before


def test_a_name_that_is_markup_stays_a_name(visitor, tmp_path):
    name = '<img src=x onerror="window.hurt=1">'
    file = tmp_path / "markup.json"
    file.write_text(json.dumps(graph(name)))
    page = visitor.open("/workflows")
    page.get_by_role("button", name="Import").click()
    page.get_by_label("File to import").set_input_files(file)
    page.wait_for_url("**/workflows/wf_*")
    expect(page.get_by_label("Name of the workflow")).to_have_value(name)
    page.goto(page.url.partition("/workflows")[0] + "/workflows")
    expect(row(page, name)).to_be_visible()
    assert page.evaluate("window.hurt") is None


def test_what_an_import_leaves_to_do_is_shown(visitor, tmp_path, accessible):
    export = {
        "awaitstep": 1,
        "name": "Left to do",
        "envVars": [{"name": "PAYMENTS_KEY", "isSecret": True}],
        "ir": graph("Left to do"),
    }
    file = tmp_path / "export.json"
    file.write_text(json.dumps(export))
    page = visitor.open("/workflows")
    page.get_by_role("button", name="Import").click()
    page.get_by_label("File to import").set_input_files(file)
    dialog = page.get_by_role("dialog", name="Left to do is imported")
    expect(dialog).to_contain_text("PAYMENTS_KEY")
    accessible(page)
    dialog.get_by_role("button", name="Open it").click()
    page.wait_for_url("**/workflows/wf_*")


def test_what_a_typescript_export_leaves_to_port_is_shown_and_marked(visitor, tmp_path, accessible):
    place = {"position": {"x": 0, "y": 0}, "version": "1.0.0", "provider": "cloudflare"}
    ir = {
        "metadata": {"name": "From TypeScript", "version": 3},
        "entryNodeId": "step-1",
        "nodes": [
            {
                **place,
                "id": "step-1",
                "type": "step",
                "name": "Load order",
                "data": {"code": "const n = 1;\nreturn { n };"},
            },
            {
                **place,
                "position": {"x": 0, "y": 112},
                "id": "nap",
                "type": "sleep",
                "name": "Nap",
                "data": {"duration": 5000},
            },
        ],
        "edges": [{"id": "e1", "source": "step-1", "target": "nap"}],
    }
    entry = "export default { async fetch(request, env) { return new Response('hi'); } }"
    file = tmp_path / "export.json"
    file.write_text(json.dumps({"name": "From TypeScript", "ir": ir, "triggerCode": entry}))
    page = visitor.open("/workflows")
    page.get_by_role("button", name="Import").click()
    page.get_by_label("File to import").set_input_files(file)
    dialog = page.get_by_role("dialog", name="From TypeScript is imported")
    code = dialog.locator("section").filter(has_text="to be written in Python")
    expect(code.get_by_role("heading")).to_have_text("2 pieces of code to be written in Python")
    expect(code.get_by_role("listitem")).to_have_text(["load_order", "the entry code"])
    expect(dialog).to_contain_text("step-1 → load_order")
    accessible(page)
    dialog.get_by_role("button", name="Open it").click()
    page.wait_for_url("**/workflows/wf_*")
    page.locator('.react-flow__node[data-id="load_order"]').click()
    panel = page.get_by_role("complementary", name="Load order")
    expect(panel.get_by_role("textbox", name="Code")).to_contain_text("# const n = 1;")


def test_an_export_comes_back_as_a_copy(visitor, live_server):
    live_server.deploy(graph("Twin"))
    page = visitor.open("/workflows")
    row(page, "Twin").get_by_role("button").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export").click()
    assert download.value.suggested_filename == "twin.json"
    kept = json.loads(download.value.path().read_text())
    assert kept["ir"]["nodes"][0]["id"] == "greet"
    row(page, "Twin").get_by_role("button").click()
    page.get_by_role("menuitem", name="Duplicate").click()
    expect(row(page, "Twin copy")).to_contain_text("Not deployed")


def test_deleting_says_how_many_runs_end_with_it(visitor, live_server):
    held = {**ORDERS, "metadata": {"name": "On hold"}}
    id = live_server.deploy(held)["id"]
    for number in range(2):
        started = live_server.api(
            "POST", f"/workflows/{id}/trigger", {"params": {"id": str(number), "do": "wait"}}
        )
        assert started.status == 201, started.text
    page = visitor.open("/workflows?q=on hold")
    row(page, "On hold").get_by_role("button").click()
    page.get_by_role("menuitem", name="Delete").click()
    asked = page.get_by_role("alertdialog")
    expect(asked).to_contain_text("2 runs are under way and will be terminated")
    asked.get_by_role("button", name="Cancel").click()
    assert live_server.api("GET", f"/workflows/{id}").status == 200
    row(page, "On hold").get_by_role("button").click()
    page.get_by_role("menuitem", name="Delete").click()
    asked.get_by_role("button", name="Terminate and delete").click()
    expect(row(page, "On hold")).to_have_count(0)
    assert live_server.api("GET", f"/workflows/{id}").status == 404


def test_settings_are_kept(visitor, live_server, accessible):
    id = live_server.deploy(graph("Settled"))["id"]
    page = visitor.open(f"/workflows/{id}/settings")
    about = page.get_by_role("region", name="Description")
    about.get_by_role("textbox").fill("Greets people")
    about.get_by_role("button", name="Save").click()
    limits = page.get_by_role("region", name="Limits")
    limits.get_by_label("Runs at once").fill("0")
    expect(limits.get_by_role("button", name="Save")).to_be_disabled()
    number = "A whole number, 1 or more."
    expect(limits.get_by_label("Runs at once")).to_have_accessible_description(number)
    limits.get_by_label("Runs at once").fill("3")
    limits.get_by_label("Keep complete runs").fill("2 years")
    limits.get_by_role("button", name="Save").click()
    visitor.expected.append("422")
    expect(limits.get_by_role("alert")).to_be_visible()
    at_most = re.compile("at most a year")
    expect(limits.get_by_label("Keep complete runs")).to_have_accessible_description(at_most)
    limits.get_by_label("Keep complete runs").fill("30 days")
    limits.get_by_role("button", name="Save").click()
    expect(limits.get_by_role("button", name="Save")).to_have_count(0)
    own = page.get_by_role("region", name="Variables")
    own.get_by_role("button", name="Add").click()
    dialog = page.get_by_role("dialog", name="New variable")
    dialog.get_by_label("Name").fill("MOOD")
    dialog.get_by_label("Value").fill("cheerful")
    dialog.get_by_role("button", name="Save").click()
    expect(own.get_by_role("row").filter(has_text="MOOD")).to_contain_text("cheerful")
    accessible(page)
    kept = live_server.api("GET", f"/workflows/{id}").json
    assert kept["description"] == "Greets people"
    assert kept["limits"]["concurrency"] == 3
    assert kept["limits"]["retention"]["completed"] == "30 days"
    assert re.match("MOOD", kept["envVars"][0]["name"])
