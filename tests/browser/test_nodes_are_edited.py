"""A node's form: values of the last run go into expressions, problems stand at their fields, and
every edit can be taken back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.editing import editor, open_shop, write

CALL = {
    "id": "call",
    "type": "http_request",
    "name": "Call",
    "position": {"x": 0, "y": 448},
    "data": {"url": "https://shop.example/orders"},
}


@pytest.fixture
def shop(visitor):
    return open_shop(visitor.server)


@pytest.fixture
def calling(visitor):
    """The workflow with a request at its end in the draft, which has never run."""
    shop = open_shop(visitor.server)
    full = shop.full()
    ir = full["version"]["ir"]
    ir = {
        **ir,
        "nodes": [*ir["nodes"], CALL],
        "edges": [*ir["edges"], {"id": "e9", "source": "nap", "target": "call"}],
    }
    body = {"ir": ir, "baseVersionId": full["version"]["id"], "revision": 0}
    put = shop.server.api("PUT", f"/workflows/{shop.id}/draft", body)
    assert put.status == 200, put.text
    return shop


def _data(shop: Any, node: str, expected: dict[str, Any]) -> None:
    """Waits until the draft on the server holds this data."""
    shop.server.until(lambda: shop.drawn().get(node, {}).get("data") == expected)


def _panel(page: Page, name: str):
    return page.get_by_role("complementary", name=name)


def test_a_value_of_the_last_run_is_picked_into_an_expression(calling, visitor, accessible):
    page = visitor.open(calling.path("?node=call"))
    url = editor(page, "URL")
    expect(url).to_contain_text("shop.example")
    url.click()
    page.keyboard.press("End")
    page.keyboard.type("/")
    field = page.locator('[data-path="data.url"]')
    field.get_by_role("button", name="Insert a value").click()
    values = page.get_by_role("dialog", name="Values")
    values.get_by_role("button", name="Unfold load").click()
    accessible(page)
    values.get_by_role("button", name="city:", exact=True).click()
    expect(url).to_have_text("https://shop.example/orders/{{load.customer.city}}")
    preview = field.get_by_role("status", name="Preview")
    expect(preview).to_have_text("https://shop.example/orders/Köln")
    _data(calling, "call", {"url": "https://shop.example/orders/{{load.customer.city}}"})

    # what is not there is told with node and path; what never ran is waited for
    write(page, url, "https://shop.example/{{load.total}}")
    expect(preview).to_have_text("load.total is missing.")
    accessible(page)


def test_a_value_is_dragged_to_where_it_belongs(calling, visitor):
    page = visitor.open(calling.path("?node=call"))
    url = editor(page, "URL")
    write(page, url, "x")
    page.locator('[data-path="data.url"]').get_by_role("button", name="Insert a value").click()
    values = page.get_by_role("dialog", name="Values")
    values.get_by_role("button", name="Unfold load").click()
    values.get_by_role("button", name="id:", exact=True).drag_to(url)
    expect(url).to_contain_text("{{load.id}}")


def test_names_and_keys_are_offered_while_one_types(calling, visitor):
    page = visitor.open(calling.path("?node=call"))
    url = editor(page, "URL")
    write(page, url, "https://shop.example/")
    page.keyboard.type("{{lo")
    offered = page.get_by_role("listbox", name="Completions")
    offered.get_by_role("option", name="load").first.click()
    page.keyboard.type(".cust")
    offered.get_by_role("option", name="customer").first.click()
    expect(url).to_have_text("https://shop.example/{{load.customer}}")

    page.goto(calling.server.url + calling.path("?node=tell"))
    code = editor(page, "Code")
    write(page, code, "return ")
    page.keyboard.type('load["it')
    offered.get_by_role("option", name="items").first.click()
    expect(code).to_contain_text('return load["items"]')


def test_a_problem_in_code_is_shown_at_its_line(shop, visitor, accessible):
    page = visitor.open(shop.path("?node=load"))
    panel = _panel(page, "Load order")
    code = editor(panel, "Code")
    write(page, code, "total = 1\nreturn total +")
    field = panel.locator('[data-path="data.code"]')
    expect(field.get_by_text("Line 2:")).to_be_visible()
    expect(field.locator(".cm-line").nth(1).locator(".cm-lintRange-error")).to_be_visible()
    expect(code).to_have_attribute("aria-invalid", "true")
    accessible(page)

    # from the list to the field, with the cursor at the line
    panel.get_by_role("button", name="Close").click()
    page.get_by_role("button", name=re.compile("1 error")).click()
    page.get_by_role("list", name="Problems").get_by_role("button").first.click()
    expect(code).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.insert_text(" 1")
    expect(field.get_by_text("Line 2:")).to_have_count(0)
    _data(shop, "load", {"code": "total = 1\nreturn total + 1"})


def test_every_edit_of_a_form_can_be_undone(calling, visitor):
    page = visitor.open(calling.path("?node=call"))
    panel = _panel(page, "Call")
    undo = page.get_by_role("button", name=re.compile("^Undo"))
    expect(undo).to_be_disabled()

    panel.get_by_role("combobox", name="Method").click()
    page.get_by_role("option", name="POST").click()
    _data(calling, "call", {**CALL["data"], "method": "POST"})

    panel.get_by_role("tab", name="Headers").click()
    panel.get_by_role("button", name="Add header").click()
    panel.get_by_label("Name of header 1").fill("X-Shop")
    write(page, editor(panel, "Value of X-Shop"), "{{load.id}}")
    header = {"headers": {"X-Shop": "{{load.id}}"}}
    _data(calling, "call", {**CALL["data"], "method": "POST", **header})

    panel.get_by_role("tab", name="Auth").click()
    panel.get_by_role("radio", name="Bearer").click()
    bearer = {"auth": {"type": "bearer", "token": ""}}
    _data(calling, "call", {**CALL["data"], "method": "POST", **header, **bearer})

    panel.get_by_role("switch", name="The run's output").click()
    _data(calling, "call", {**CALL["data"], "method": "POST", **header, **bearer, "output": True})

    undo.click()
    _data(calling, "call", {**CALL["data"], "method": "POST", **header, **bearer})
    undo.click()
    _data(calling, "call", {**CALL["data"], "method": "POST", **header})
    while undo.is_enabled():
        undo.click()
    _data(calling, "call", CALL["data"])
    expect(panel.get_by_role("combobox", name="Method")).to_have_text("GET")

    # what is the default is not written down
    panel.get_by_role("button", name="Retries and timeout").click()
    limit = panel.get_by_role("spinbutton", name="Retry limit")
    limit.fill("3")
    _data(calling, "call", {**CALL["data"], "retryLimit": 3})
    limit.fill("5")
    _data(calling, "call", CALL["data"])


def test_the_body_of_a_request_is_json_text_or_a_form(calling, visitor):
    page = visitor.open(calling.path("?node=call"))
    panel = _panel(page, "Call")
    panel.get_by_role("tab", name="Body").click()
    panel.get_by_role("radio", name="JSON").click()
    body = editor(panel, "JSON")
    write(page, body, '{"id": "{{load.id}}", }')
    expect(panel.get_by_text("Line 1, column 23")).to_be_visible()
    write(page, body, '{"id": "{{load.id}}"}')
    expect(panel.get_by_text("It is not saved.")).to_have_count(0)
    _data(calling, "call", {**CALL["data"], "body": {"id": "{{load.id}}"}, "bodyType": "json"})
    panel.get_by_role("radio", name="Form").click()
    _data(calling, "call", {**CALL["data"], "body": {"id": "{{load.id}}"}, "bodyType": "form"})
    panel.get_by_role("radio", name="None").click()
    _data(calling, "call", CALL["data"])


def test_arms_of_a_branch_keep_their_edges(shop, visitor, accessible):
    page = visitor.open(shop.path("?node=size"))
    panel = _panel(page, "Which size?")
    panel.get_by_role("button", name="Add arm").click()
    panel.get_by_role("textbox", name="Label of arm 2").fill("big")
    write(page, editor(panel, "Condition of big"), 'load["id"] > 5')
    field = panel.locator('[data-path="data.branches[1].condition"]')
    expect(field.get_by_role("status", name="Preview")).to_have_text("7 > 5")
    accessible(page)
    panel.get_by_role("button", name="Ask this one earlier").nth(1).click()
    arms = [{"label": "big", "condition": 'load["id"] > 5'}, {"label": "any", "condition": ""}]
    _data(shop, "size", {"branches": arms})
    panel.get_by_role("textbox", name="Label of arm 2").fill("small")
    shop.server.until(
        lambda: (
            [edge["label"] for edge in shop.full()["draft"]["ir"]["edges"] if edge["id"] == "e2"]
            == ["small"]
        )
    )


def test_another_id_is_followed_by_its_readers(shop, visitor):
    page = visitor.open(shop.path("?node=load"))
    panel = _panel(page, "Load order")
    id = panel.get_by_role("textbox", name="Id of the node, its variable")
    for wrong, why in [("class", "uses this word"), ("nap", "Another node"), ("1a", "a letter")]:
        id.fill(wrong)
        id.press("Enter")
        expect(panel.get_by_role("alert")).to_contain_text(why)
    id.fill("order_7")
    id.press("Enter")
    shop.server.until(lambda: "order_7" in shop.drawn())
    assert shop.drawn()["tell"]["data"]["code"] == "return f\"for {order_7['id']}\""
    panel.get_by_role("textbox", name="Name of the node").fill("Order 7")
    shop.server.until(lambda: shop.drawn()["order_7"]["name"] == "Order 7")


def test_the_last_run_of_a_node_is_shown(shop, visitor, accessible):
    page = visitor.open(shop.path("?node=load"))
    panel = _panel(page, "Load order")
    panel.get_by_role("tab", name="Last run").click()
    expect(panel.get_by_text("Complete")).to_be_visible()
    expect(panel.get_by_text('"Köln"')).to_be_visible()
    expect(panel.get_by_role("link", name="Open the run")).to_have_attribute(
        "href", re.compile(f"/workflows/{shop.id}/runs/")
    )
    accessible(page)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{\n  "nodes": [,]\n}', "Line 2, column 13"),
        ("[" * 100_000, "nested"),
        (json.dumps({"nodes": [{"id": {}}]}), "nodes[0].id"),
        (
            json.dumps({"metadata": {"name": "<img src=x onerror=alert(1)>"}, "onload": "x"}),
            "no field onload",
        ),
    ],
    ids=["broken", "endless", "shapeless", "strange"],
)
def test_hostile_json_is_refused_and_nothing_changes(shop, visitor, text, why):
    page = visitor.open(shop.path("?panel=graph"))
    graph = editor(page, "Graph as JSON")
    expect(graph).to_contain_text('"kind"')
    write(page, graph, text)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("region", name="Editor").get_by_role("alert")).to_contain_text(why)
    expect(page.get_by_role("button", name=re.compile("^Undo"))).to_be_disabled()
    page.get_by_role("button", name="Discard").click()
    expect(graph).to_contain_text('"kind"')


def test_a_graph_is_edited_as_json_in_one_step(shop, visitor, accessible):
    page = visitor.open(shop.path("?panel=graph"))
    graph = editor(page, "Graph as JSON")
    expect(graph).to_contain_text('"kind"')
    accessible(page)
    ir = shop.full()["version"]["ir"]
    markup = "<img src=x onerror=alert(1)>"
    ir["nodes"][0]["name"] = markup
    ir["nodes"][3]["data"]["duration"] = "2 seconds"
    write(page, graph, json.dumps(ir))
    page.get_by_role("button", name="Apply").click()
    shop.server.until(lambda: shop.drawn().get("load", {}).get("name") == markup)
    assert shop.drawn()["nap"]["data"] == {"duration": "2 seconds"}
    page.get_by_role("button", name="Undo: Edit JSON").first.click()
    shop.server.until(lambda: shop.drawn()["load"]["name"] == "Load order")
    assert shop.drawn()["nap"]["data"] == {"duration": "1 second"}


def test_a_line_of_the_module_leads_to_its_node(shop, visitor, accessible):
    page = visitor.open(shop.path("?panel=code"))
    module = editor(page, "Compiled module")
    expect(module).to_contain_text("WorkflowEntrypoint")
    accessible(page)
    module.get_by_text("# what the caller sent").click()
    expect(_panel(page, "Load order")).to_be_visible()
    expect(page.locator(".cm-marked").first).to_be_visible()
    code = editor(_panel(page, "Load order"), "Code")
    write(page, code, "return (")
    expect(page.get_by_text("It does not compile")).to_be_visible()
    write(page, code, "return {'id': 1}")
    expect(module).to_contain_text("'id': 1")


def test_packages_are_added_and_refused(shop, visitor, accessible):
    page = visitor.open(shop.path("?panel=packages"))
    field = page.get_by_role("textbox", name="Add a package")
    visitor.expected.append("status of 422")  # Chromium tells every refused request
    field.fill("http://x")
    field.press("Enter")
    expect(page.get_by_text("is not a package with versions")).to_be_visible()
    field.fill("httpx>=0.28")
    field.press("Enter")
    expect(page.get_by_role("list", name="Packages")).to_contain_text("httpx>=0.28")
    accessible(page)
    assert shop.full()["dependencies"] == ["httpx>=0.28"]
    page.get_by_role("button", name="Remove httpx>=0.28").click()
    expect(page.get_by_text("No packages yet")).to_be_visible()


def test_the_panel_remembers_its_place_and_size(shop, visitor, accessible):
    page = visitor.open(shop.path())
    page.get_by_role("toolbar", name="Editor panel").get_by_role("button", name="Code").click()
    page.get_by_role("button", name="Dock at the right").click()
    handle = page.get_by_role("separator", name="Size of the panel")
    before = int(handle.get_attribute("aria-valuenow") or 0)
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuenow", str(before - 24))
    accessible(page)
    page.reload()
    expect(handle).to_have_attribute("aria-valuenow", str(before - 24))
    expect(handle).to_have_attribute("aria-orientation", "vertical")


def test_forms_are_usable_on_a_phone(visit, live_server, accessible):
    shop = open_shop(live_server)
    phone = visit(live_server, viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = phone.open(shop.path("?node=load"))
    panel = _panel(page, "Load order")
    expect(editor(panel, "Code")).to_be_visible()
    box = panel.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    accessible(page)
    write(page, editor(panel, "Code"), "return ")
    panel.get_by_role("button", name="Insert a value").first.click()
    page.get_by_role("dialog", name="Values").get_by_role("button", name="id:", exact=True).click()
    expect(editor(panel, "Code")).to_have_text('return event["payload"]["id"]')
    panel.get_by_role("button", name="Close").click()
    page.get_by_role("toolbar", name="Editor panel").get_by_role("button", name="Entry").click()
    expect(editor(page, "Entry code")).to_be_visible()
    accessible(page)
