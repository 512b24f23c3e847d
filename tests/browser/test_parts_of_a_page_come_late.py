"""What is fetched when it is first used comes however the server or the build changed meanwhile."""

from __future__ import annotations

import re
import signal

import pytest
from playwright.sync_api import expect

from .conftest import AWAY, ORDERS
from .editing import editor

PART = "**/assets/code-mirror-*.js*"


def node(page, id):
    return page.locator(f'.react-flow__node[data-id="{id}"]')


@pytest.fixture
def orders(live_server):
    made = live_server.api("POST", "/workflows", {"name": "Orders in parts", "ir": ORDERS})
    assert made.status == 201, made.text
    return f"/workflows/{made.json['id']}"


def test_a_canvas_outlives_its_server(visit, new_server, free_ports):
    port, worker_port = free_ports
    server = new_server("--no-example", "--port", port, "--worker-port", worker_port)
    id = server.api("POST", "/workflows", {"name": "Orders", "ir": ORDERS}).json["id"]
    visitor = visit(server)
    visitor.expected += AWAY
    page = visitor.open(f"/workflows/{id}")
    node(page, "check").wait_for()
    other = visitor.open(f"/workflows/{id}/settings")
    expect(other.get_by_role("heading", name="Settings")).to_be_visible()
    for one in (page, other):
        one.evaluate("window.sameDocument = true")
    server.stop(signal.SIGKILL)
    node(page, "check").click()
    other.get_by_role("link", name="Versions", exact=True).click()
    for one in (page, other):
        expect(one.get_by_text("The server is away")).to_be_visible()
    expect(node(page, "check")).to_be_visible()
    server.start()
    expect(editor(page, "Code")).to_contain_text("is not in stock")
    expect(other.get_by_role("heading", name="Versions")).to_be_visible()
    for one in (page, other):
        assert one.evaluate("window.sameDocument") is True


def test_a_new_build_is_taken_up_with_the_draft_kept(visitor, orders):
    visitor.expected += [r"404 \(Not Found\)"]
    page = visitor.open(orders)
    node(page, "check").wait_for()
    page.evaluate("window.sameDocument = true")
    gone = []

    def no_more(route):
        gone.append(route.request.url)
        route.fulfill(status=404)

    page.context.route(PART, no_more)
    page.on("load", lambda: page.context.unroute(PART))
    page.keyboard.press("a")
    page.get_by_role("combobox", name="Search nodes").fill("sleep")
    page.get_by_role("option", name="sleep", exact=False).first.wait_for()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("node=sleep"))
    page.keyboard.press("f")
    node(page, "check").click()
    expect(editor(page, "Code")).to_contain_text("is not in stock")
    assert gone
    assert page.evaluate("window.sameDocument") is None
    expect(node(page, "sleep")).to_be_visible()
