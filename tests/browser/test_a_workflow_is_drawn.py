"""People draw, undo, paste and come back: the canvas does what they do, and keeps it."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Visitor

STEP = {"code": "return 1"}


def chain(*ids: str) -> dict[str, Any]:
    return {
        "kind": "workflow",
        "metadata": {"name": "Chain"},
        "entryNodeId": ids[0],
        "nodes": [
            {
                "id": id,
                "type": "step",
                "name": id.title(),
                "position": {"x": 0, "y": 112 * place},
                "data": STEP,
            }
            for place, id in enumerate(ids)
        ],
        "edges": [
            {"id": f"e{place}", "source": before, "target": after}
            for place, (before, after) in enumerate(pairwise(ids))
        ],
    }


@pytest.fixture
def drawn(visitor: Visitor, live_server: Any):
    """Opens the canvas of a new workflow with this graph; answers page and workflow."""

    def open_canvas(ir: dict[str, Any] | None) -> tuple[Page, str]:
        made = live_server.api(
            "POST", "/workflows", {"name": "Drawn", **({"ir": ir} if ir else {})}
        )
        assert made.status == 201, made.text
        page = visitor.open(f"/workflows/{made.json['id']}")
        page.get_by_role("toolbar", name="Canvas").wait_for()
        return page, made.json["id"]

    return open_canvas


def nodes(page: Page) -> list[str]:
    return page.locator(".react-flow__node-step").evaluate_all(
        "found => found.map(node => node.dataset.id)"
    )


def edges(page: Page) -> list[str]:
    return sorted(
        page.locator(".react-flow__edge").evaluate_all(
            "found => found.map(edge => edge.getAttribute('aria-label'))"
        )
    )


def select(page: Page, id: str) -> None:
    node = page.locator(f'.react-flow__node[data-id="{id}"]')
    node.click()
    expect(node).to_contain_class("selected")


def saved(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text="Draft saved")).to_be_visible()


def graph_of(live_server: Any, id: str) -> dict[str, Any]:
    """What is kept of the drawing."""
    full = live_server.api("GET", f"/workflows/{id}/full").json
    return (full["draft"] or full["version"])["ir"]


def test_nodes_are_added_by_keys_alone(drawn, live_server):
    page, id = drawn(None)
    for name in ("step", "sleep", "branch"):
        page.keyboard.press("a")
        page.get_by_role("combobox", name="Search nodes").fill(name)
        page.get_by_role("option", name=name, exact=False).first.wait_for()
        page.keyboard.press("Enter")
        expect(page.get_by_role("combobox", name="Search nodes")).to_have_count(0)
    assert nodes(page) == ["step_1", "sleep", "branch"]
    assert edges(page) == ["From sleep to branch", "From step_1 to sleep"]
    page.keyboard.press("k")
    page.keyboard.press("k")
    expect(page.locator('.react-flow__node.selected[data-id="step_1"]')).to_be_visible()
    page.keyboard.press("Backspace")
    expect(page.locator(".react-flow__node-step")).to_have_count(2)
    saved(page)
    assert graph_of(live_server, id)["entryNodeId"] == "sleep"
    # one command, whichever of the two keys one is used to
    page.keyboard.press("Delete")
    expect(page.locator(".react-flow__node-step")).to_have_count(2)
    select(page, "sleep")
    page.keyboard.press("Delete")
    expect(page.locator(".react-flow__node-step")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Delete", exact=True)).to_have_count(1)


def test_a_node_goes_where_it_is_dropped(drawn):
    page, _ = drawn(chain("one", "two"))
    page.keyboard.press("a")
    option = page.get_by_role("option", name="Sleep Waits for a duration.")
    box = page.locator(".react-flow__edge").bounding_box()
    assert box is not None
    option.drag_to(
        page.locator(".react-flow__pane"),
        target_position={"x": box["x"] + box["width"] / 2 - 52, "y": box["y"] + 25 - 44},
    )
    expect(page.locator(".react-flow__node-step")).to_have_count(3)
    assert edges(page) == ["From one to sleep", "From sleep to two"]


def test_every_kind_of_edit_is_undone_and_done_again(drawn):
    ir = chain("one", "two", "three")
    ir["nodes"][2]["position"] = {"x": 304, "y": 160}
    page, _ = drawn(ir)

    def state() -> tuple[Any, ...]:
        # badges of problems come a moment later than what they are about
        places = page.locator(".react-flow__node").evaluate_all(
            """found => found.map(node => {
                const plain = node.cloneNode(true);
                for (const badge of plain.querySelectorAll('[role=img], button')) badge.remove();
                return node.dataset.id + node.style.transform + plain.textContent;
            })"""
        )
        return sorted(places), edges(page)

    def add() -> None:
        page.get_by_role("button", name="Add a node").click()
        page.get_by_role("option", name="Sleep Waits for a duration.").click()

    def drag() -> None:
        box = page.locator('.react-flow__node[data-id="two"]').bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 60, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 60, steps=4)
        page.mouse.up()

    def connect() -> None:
        ports = page.locator('.react-flow__node[data-id="one"] .source')
        target = page.locator('.react-flow__node[data-id="three"] .target')
        ports.first.drag_to(target)

    def rename() -> None:
        select(page, "two")
        name = page.get_by_role("complementary").get_by_label("Name", exact=False).first
        name.fill("Second")
        name.press("Enter")

    def remove() -> None:
        select(page, "two")
        page.keyboard.press("Delete")

    def duplicate() -> None:
        select(page, "three")
        page.keyboard.press("Control+d")

    def note() -> None:
        page.locator(".react-flow__pane").click(position={"x": 300, "y": 500})
        page.keyboard.press("n")

    def start() -> None:
        select(page, "two")
        page.locator('.react-flow__node[data-id="two"]').click(button="right")
        page.get_by_role("menuitem", name="Start here").click()

    def lay_out() -> None:
        page.keyboard.press("l")

    for edit in (add, drag, connect, rename, remove, duplicate, note, start, lay_out):
        before = state()
        edit()
        for _ in range(100):
            after = state()
            if after != before:
                break
            page.wait_for_timeout(50)
        assert after != before, edit.__name__
        page.locator(".react-flow__pane").click(position={"x": 320, "y": 640})
        page.keyboard.press("Control+z")
        page.wait_for_timeout(200)
        assert state() == before, f"{edit.__name__} undone"
        page.keyboard.press("Control+Shift+z")
        page.wait_for_timeout(200)
        assert state() == after, f"{edit.__name__} done again"
        page.keyboard.press("Control+z")
        page.wait_for_timeout(200)


HOSTILE = [
    "not JSON at all",
    '{"nodes": []}',
    '{"nodes": [{"id": 1}], "edges": 7}',
    '["nodes"]',
    "{" * 5000,
]


def paste(page: Page, text: str) -> None:
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }""",
        text,
    )


def test_hostile_json_is_refused_in_words_or_made_harmless(drawn, live_server):
    page, id = drawn(chain("one"))
    for text in HOSTILE:
        paste(page, text)
        expect(page.get_by_text("What was pasted").last).to_be_visible()
        assert nodes(page) == ["one"]
    hostile = {
        "nodes": [
            {
                "id": "__proto__",
                "type": "<img src=x onerror=window.pwned=1>",
                "name": "<script>window.pwned=1</script>",
                "position": {"x": 1e300, "y": None},
                "data": {"code": {"deep": [[[]]]}, "branches": "none"},
            },
            {"id": "one", "type": "branch", "data": {"branches": [None, {"label": 3}]}},
        ],
        "edges": [{"source": "one", "target": "__proto__", "label": "<b>"}, None, {"source": 1}],
    }
    paste(page, json.dumps(hostile))
    expect(page.locator(".react-flow__node-step")).to_have_count(3)
    assert page.evaluate("window.pwned") is None
    for node in nodes(page):
        page.evaluate("id => document.querySelector(`[data-id='${id}']`).click()", node)
    saved(page)
    ids = [node["id"] for node in graph_of(live_server, id)["nodes"]]
    assert len(set(ids)) == 3
    page.keyboard.press("Control+z")
    expect(page.locator(".react-flow__node-step")).to_have_count(1)


def test_what_was_drawn_is_there_after_a_reload_and_in_the_address(drawn):
    page, _ = drawn(chain("one", "two"))
    select(page, "two")
    expect(page).to_have_url(re.compile("node=two"))
    page.keyboard.press("Backspace")
    saved(page)
    page.reload()
    expect(page.locator(".react-flow__node-step")).to_have_count(1)


@pytest.mark.parametrize("mine", [True, False])
def test_of_two_drawings_nobody_loses_one_unasked(visitor, drawn, live_server, mine):
    page, id = drawn(chain("one", "two"))
    other = visitor.open(f"/workflows/{id}")
    visitor.expected.append("409")
    other.get_by_role("toolbar", name="Canvas").wait_for()
    select(page, "two")
    page.keyboard.press("Backspace")
    saved(page)
    select(other, "one")
    other.keyboard.press("Control+d")
    asked = other.get_by_role("dialog", name="This workflow was changed elsewhere")
    expect(asked).to_be_visible()
    assert [node["id"] for node in graph_of(live_server, id)["nodes"]] == ["one"]
    asked.get_by_role("button", name="Keep mine" if mine else "Take theirs").click()
    expect(asked).to_have_count(0)
    expect(other.locator(".react-flow__node-step")).to_have_count(3 if mine else 1)
    live_server.until(lambda: len(graph_of(live_server, id)["nodes"]) == (3 if mine else 1))
    if not mine:
        other.keyboard.press("Control+z")
        expect(other.locator(".react-flow__node-step")).to_have_count(3)


def test_a_draft_can_be_thrown_away(drawn, live_server):
    page, id = drawn(chain("one", "two"))
    select(page, "two")
    page.keyboard.press("Backspace")
    saved(page)
    page.keyboard.press("Control+k")
    page.get_by_placeholder("What do you want to do?").fill("discard the draft")
    page.keyboard.press("Enter")
    page.get_by_role("alertdialog").get_by_role("button", name="Discard").click()
    expect(page.locator(".react-flow__node-step")).to_have_count(2)
    assert live_server.api("GET", f"/workflows/{id}/full").json["draft"] is None


def test_ways_are_drawn_and_nodes_moved_by_keys(drawn):
    page, _ = drawn(chain("one", "two", "three"))
    select(page, "one")
    page.keyboard.press("c")
    page.get_by_role("dialog").get_by_label("To").click()
    page.get_by_role("option", name="Three").click()
    page.get_by_role("button", name="Connect", exact=True).click()
    assert edges(page) == ["From one to three", "From two to three"]
    node = page.locator('.react-flow__node[data-id="one"]')
    before = node.get_attribute("style")
    node.focus()
    node.press("ArrowRight")
    node.press("ArrowRight")
    expect(node).not_to_have_attribute("style", before or "")
    node.press("Control+z")
    expect(node).to_have_attribute("style", before or "")
    assert edges(page) == ["From one to three", "From two to three"]


def test_what_is_clicked_is_chosen_whatever_was_before(drawn):
    page, _ = drawn(chain("one", "two", "three"))
    edge = page.get_by_label("From one to two")
    edge.focus()
    page.keyboard.press("Enter")
    expect(edge).to_contain_class("selected")
    select(page, "three")
    expect(page.locator(".react-flow__edge.selected")).to_have_count(0)
    expect(page.get_by_role("complementary", name="Three")).to_be_visible()
    edge.focus()
    page.keyboard.press("Enter")
    expect(edge).to_contain_class("selected")
    expect(page.locator(".react-flow__node.selected")).to_have_count(0)


def test_a_form_is_opened_filled_and_left_by_keys(drawn, live_server):
    page, id = drawn(chain("one", "two"))
    select(page, "one")
    page.keyboard.press("e")
    expect(page.get_by_role("textbox", name="Code")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("return 42")
    saved(page)
    assert graph_of(live_server, id)["nodes"][0]["data"]["code"] == "return 42"
    select(page, "two")
    expect(page.get_by_role("complementary", name="Two")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Two")).to_have_count(0)
    # the second key of a pair means something on the canvas, too
    select(page, "two")
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_an_arm_is_called_as_one_likes(drawn, live_server):
    ir = chain("fan", "left", "right")
    ir["nodes"][0] |= {"type": "parallel", "data": {}}
    ir["edges"] = [
        {"id": "e1", "source": "fan", "target": "left", "label": "arm 1"},
        {"id": "e2", "source": "fan", "target": "right", "label": "arm 2"},
    ]
    page, id = drawn(ir)
    page.get_by_label("From fan to right by arm 2").focus()
    page.keyboard.press("Enter")
    name = page.get_by_label("Name of the arm")
    name.fill("stock")
    name.press("Enter")
    expect(page.get_by_label("From fan to right by stock")).to_be_attached()
    saved(page)
    labels = [edge["label"] for edge in graph_of(live_server, id)["edges"]]
    assert labels == ["arm 1", "stock"]


def test_a_drawing_by_hand_without_names_and_places_is_drawn(drawn):
    ir = chain("one", "two", "three")
    for node in ir["nodes"]:
        del node["position"], node["name"]
    page, _ = drawn(ir)
    boxes = [page.locator(f'.react-flow__node[data-id="{id}"]') for id in ("one", "two", "three")]
    for box in boxes:
        expect(box).to_be_visible()
    tops = [box.bounding_box()["y"] for box in boxes]
    assert tops == sorted(tops)
    assert len(set(tops)) == 3


def test_from_afar_a_drawing_is_a_picture_that_can_still_be_changed(drawn, live_server):
    page, id = drawn(chain("one", "two"))
    node = page.locator('.react-flow__node[data-id="two"]')
    box = node.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    name = node.get_by_text("Two", exact=True)
    expect(name).to_be_visible()
    picture = page.locator("[data-far] path")
    expect(picture).to_have_count(0)
    page.keyboard.down("Control")
    for _ in range(40):
        page.mouse.wheel(0, 200)
    page.keyboard.up("Control")
    expect(name).to_have_count(0)
    expect(picture.first).to_be_attached()

    def drawn_in(colour: str) -> list[str]:
        """The boxes of this fill or stroke, as their paths say."""
        return page.locator(f'[data-far] path[fill="{colour}"]').evaluate_all(
            "all => all.flatMap(path => path.getAttribute('d').split('z').filter(Boolean))"
        )

    def boxes() -> int:
        return len(
            page.locator('[data-far] path:not([fill="none"])').evaluate_all(
                "all => all.flatMap(path => path.getAttribute('d').split('z').filter(Boolean))"
            )
        )

    assert boxes() == 2
    assert page.locator('[data-far] path[fill="none"]').first.get_attribute("d")
    # it is pointed at where it is seen, chosen and moved
    expect(page.get_by_role("group", name="Two, Step")).to_be_visible()
    node.click()
    expect(node).to_have_class(re.compile("selected"))
    assert len(drawn_in("var(--accent)")) == 1
    place = node.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 3, place["y"] + 3)
    page.mouse.down()
    page.mouse.move(place["x"] + 30, place["y"] + 3, steps=5)
    page.mouse.up()
    saved(page)
    before, after = chain("one", "two")["nodes"][1], graph_of(live_server, id)["nodes"][1]
    assert after["position"]["x"] > before["position"]["x"]
    x, y = after["position"]["x"], after["position"]["y"]
    assert drawn_in("var(--accent)")[0].startswith(f"M{x:g} {y:g}h")
    page.mouse.move(place["x"] + 30, place["y"] + 3)
    page.keyboard.down("Control")
    for _ in range(40):
        page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    expect(name).to_be_visible()
    expect(picture).to_have_count(0)


def test_panning_a_thousand_nodes_touches_none_of_them(drawn):
    ir = chain(*(f"n{place}" for place in range(1000)))
    for place, node in enumerate(ir["nodes"]):
        node["position"] = {"x": place // 50 * 272, "y": place % 50 * 112}
    page, _ = drawn(ir)
    page.locator('.react-flow__node[data-id="n1"]').wait_for()
    page.wait_for_timeout(500)
    assert len(nodes(page)) < 200
    page.evaluate(
        """() => {
            window.touched = [];
            for (const node of document.querySelectorAll('.react-flow__node')) {
                new MutationObserver(() => window.touched.push(node.dataset.id))
                    .observe(node, {subtree: true, childList: true, attributes: true, characterData: true});
            }
        }"""
    )
    before = page.locator(".react-flow__viewport").get_attribute("style")
    beside = page.locator('.react-flow__node[data-id="n3"]').bounding_box()
    assert beside is not None
    x, y = beside["x"] + beside["width"] + 6, beside["y"] + 20
    page.mouse.move(x, y)
    page.mouse.down()
    for place in range(20):
        page.mouse.move(x + place, y - 4 * place)
    page.mouse.up()
    assert page.locator(".react-flow__viewport").get_attribute("style") != before
    assert page.evaluate("window.touched") == []


def test_the_canvas_is_accessible(drawn, accessible, visitor):
    page, _ = drawn(chain("one", "two"))
    accessible(page)
    page.keyboard.press("a")
    accessible(page)
    page.keyboard.press("Escape")
    select(page, "one")
    accessible(page)


def test_what_is_otherwise_at_the_default_connection_is_told_while_drawing(
    drawn, visitor, live_server, accessible
):
    edge = {**live_server.api("GET", "/connections").json["data"][0], "id": "conn_edge"}
    edge |= {"name": "Edge", "type": "cloudflare", "builtin": False, "isDefault": True}
    asked = []

    def checked(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        asked.append(body.pop("connectionId", None))
        report = live_server.api("POST", "/validate", body).json
        if asked[-1] == "conn_edge" and report["valid"]:
            message = "Steps without async block all of their run."
            told = {"severity": "error", "code": "cloudflare.blocking", "message": message}
            report = {"valid": False, "diagnostics": [*report["diagnostics"], told]}
        route.fulfill(json=report)

    page_of_one = {"data": [edge], "nextCursor": None}
    visitor.context.route("**/api/connections", lambda route: route.fulfill(json=page_of_one))
    visitor.context.route("**/api/validate", checked)
    page, _ = drawn(chain("one"))
    told = page.get_by_role("button", name=re.compile("1 error"))
    told.click()
    problems = page.get_by_role("list", name="Problems")
    expect(problems).to_contain_text("Steps without async block all of their run.")
    expect(problems).to_contain_text("cloudflare.blocking")
    expect(problems).to_contain_text("At Edge, the default connection.")
    expect(problems).not_to_contain_text("line")
    assert set(asked) == {None, "conn_edge"}
    accessible(page)
