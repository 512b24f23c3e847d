"""What stands in addresses, and words of whichever direction, come out as they went in."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import ORDERS

LEFT_OF = """(root, [first, second]) => {
  const at = (word) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
      const found = node.data.indexOf(word);
      if (found < 0) continue;
      const range = document.createRange();
      range.setStart(node, found);
      range.setEnd(node, found + word.length);
      return range.getBoundingClientRect();
    }
  };
  const [one, other] = [at(first), at(second)];
  return one.right <= other.left && Math.abs(one.top - other.top) < 2;
}"""


def test_an_address_that_is_none_keeps_the_rail(visitor):
    page = visitor.open("/nowhere/at/all")
    expect(page.get_by_text("There is nothing at this address")).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page).to_have_url(re.compile(r"/runs$"))


def test_which_deployments_are_shown_stands_in_the_address(visitor, live_server):
    workflow = live_server.deploy(ORDERS)["id"]
    assert live_server.api("POST", f"/workflows/{workflow}/takedown", {}).status == 200
    page = visitor.open("/deployments?show=all")
    rows = page.get_by_role("row").filter(has=page.get_by_text("Taken down"))
    expect(rows.first).to_be_visible()
    page.get_by_label("Shown").click()
    page.get_by_role("option", name="What is live").click()
    expect(page).to_have_url(re.compile(r"/deployments$"))
    expect(rows).to_have_count(0)
    page.get_by_label("Shown").click()
    page.get_by_role("option", name=re.compile("All")).click()
    expect(page).to_have_url(re.compile(r"show=all"))
    page.reload()
    expect(rows.first).to_be_visible()


def test_code_with_words_from_right_to_left_keeps_its_order(visitor, live_server):
    code = 'return {"שלום": 12, "עולם": "שמש"}'
    graph = {
        "kind": "workflow",
        "metadata": {"name": "ברכות"},
        "entryNodeId": "greet",
        "nodes": [
            {
                "id": "greet",
                "type": "step",
                "name": "ברך",
                "position": {"x": 0, "y": 0},
                "data": {"code": code, "output": True},
            }
        ],
        "edges": [],
    }
    workflow = live_server.deploy(graph)["id"]
    page = visitor.open(f"/workflows/{workflow}?node=greet")
    editor = page.locator(".cm-content").filter(has_text="return").first
    for first, second in (("return", "שלום"), ("שלום", "12"), ("12", "עולם"), ("עולם", "שמש")):
        assert editor.evaluate(LEFT_OF, [first, second]), (first, second)
    page.goto(f"{live_server.url}/workflows/{workflow}?panel=graph")
    shown = page.locator(".cm-line").filter(has_text='"name": "ברך"')
    assert shown.evaluate(LEFT_OF, ["name", "ברך"])


def test_escape_takes_back_the_name_and_leaves_the_field(visitor, live_server):
    workflow = live_server.deploy(ORDERS)["id"]
    page = visitor.open(f"/workflows/{workflow}")
    name = page.get_by_role("textbox", name="Name of the workflow")
    name.fill("Something else")
    name.press("Escape")
    expect(name).to_have_value("Orders")
    expect(name).not_to_be_focused()
    name.fill("Sales")
    name.press("Enter")
    live_server.until(
        lambda: live_server.api("GET", f"/workflows/{workflow}").json["name"] == "Sales"
    )
