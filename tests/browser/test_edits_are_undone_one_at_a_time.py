"""Whatever somebody changes in a drawing is taken back by one undo, and made again by one redo.

What counts is the graph that the server keeps, all of it. Edits that are seen on the canvas alone are
in `test_a_workflow_is_drawn`, fields of forms in `test_nodes_are_edited`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.editing import editor, write

HELD = [{"label": "held", "condition": "load == 1"}, {"label": "late", "condition": "load == 2"}]


def step(id: str, x: int, y: int) -> dict[str, Any]:
    return {
        "id": id,
        "type": "step",
        "name": id.title(),
        "position": {"x": x, "y": y},
        "data": {"code": "return 1"},
    }


FAN = {
    "kind": "workflow",
    "metadata": {"name": "Fan"},
    "entryNodeId": "one",
    "nodes": [
        step("one", 300, 0),
        {**step("fan", 300, 112), "type": "parallel", "data": {}},
        step("left", 160, 280),
        step("right", 460, 280),
    ],
    "edges": [
        {"id": "e1", "source": "one", "target": "fan"},
        {"id": "e2", "source": "fan", "target": "left", "label": "arm 1"},
        {"id": "e3", "source": "fan", "target": "right", "label": "arm 2"},
    ],
    "notes": [
        {
            "id": "note_1",
            "text": "mind",
            "position": {"x": 0, "y": 0},
            "width": 224,
            "height": 96,
        }
    ],
}

ASKED = {
    "kind": "workflow",
    "metadata": {"name": "Asked"},
    "entryNodeId": "load",
    "nodes": [
        step("load", 0, 0),
        {**step("held", 0, 112), "type": "branch", "data": {"branches": HELD}},
        step("ship", 0, 280),
    ],
    "edges": [
        {"id": "e1", "source": "load", "target": "held"},
        {"id": "e2", "source": "held", "target": "ship", "label": "held"},
    ],
}


class Drawing:
    """A workflow on the canvas, and what the server keeps of it."""

    def __init__(self, visitor: Any, server: Any, ir: dict[str, Any]) -> None:
        made = server.api("POST", "/workflows", {"name": "Undone", "ir": ir})
        assert made.status == 201, made.text
        self.server = server
        self.id = made.json["id"]
        self.page: Page = visitor.open(f"/workflows/{self.id}")
        self.tools = self.page.get_by_role("toolbar", name="Canvas")
        self.tools.wait_for()

    def kept(self) -> dict[str, Any]:
        full = self.server.api("GET", f"/workflows/{self.id}/full").json
        return dict((full["draft"] or full["version"])["ir"])

    def node(self, id: str) -> Locator:
        return self.page.locator(f'.react-flow__node[data-id="{id}"]')

    def edge(self, label: str) -> Locator:
        return self.page.locator(f'.react-flow__edge[aria-label="{label}"]')

    def select(self, id: str) -> None:
        self.node(id).click()
        expect(self.node(id)).to_contain_class("selected")

    def menu(self, id: str, item: str) -> None:
        self.select(id)
        self.node(id).click(button="right")
        self.page.get_by_role("menuitem", name=item).click()

    def proves(self, edit: Callable[[], None]) -> None:
        """One undo takes all of it back and one redo makes all of it again."""
        before = self.kept()
        edit()
        self.server.until(lambda: self.kept() != before)
        expect(self.page.get_by_role("status").filter(has_text="Draft saved")).to_be_visible()
        after = self.kept()
        for name, graph in (("Undo", before), ("Redo", after)):
            self.tools.get_by_role("button", name=re.compile(f"^{name}")).click()
            self.server.until(lambda graph=graph: self.kept() == graph)


def drag(
    page: Page, start: Locator, by: tuple[int, int], at: tuple[int, int] | None = None
) -> None:
    box = start.bounding_box()
    assert box is not None
    x, y = at or (box["width"] / 2, box["height"] / 2)
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + x + by[0], box["y"] + y + by[1], steps=6)
    page.mouse.up()


def test_of_ways_and_arms(visitor, live_server):
    drawing = Drawing(visitor, live_server, FAN)
    page = drawing.page

    def rename_an_arm() -> None:
        drawing.edge("From fan to right by arm 2").focus()
        page.keyboard.press("Enter")
        name = page.get_by_label("Name of the arm")
        name.fill("stock")
        name.press("Enter")

    def fill_an_arm() -> None:
        drawing.select("fan")
        page.get_by_role("button", name="Add a node to arm 2").click()
        page.get_by_role("option", name="Sleep Waits for a duration.").click()

    def insert_into_a_way() -> None:
        drawing.edge("From one to fan").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Insert a node here").click()
        page.get_by_role("option", name="Sleep Waits for a duration.").click()

    def connect_by_keys() -> None:
        drawing.select("one")
        page.keyboard.press("c")
        page.get_by_role("dialog").get_by_label("To").click()
        page.get_by_role("option", name="Fan").click()
        page.get_by_role("button", name="Connect", exact=True).click()

    def lead_a_way_elsewhere() -> None:
        end = drawing.edge("From one to fan").locator(".react-flow__edgeupdater-target")
        box, to = end.bounding_box(), drawing.node("left").locator(".target").bounding_box()
        assert box is not None
        assert to is not None
        drag(
            page,
            end,
            (
                round(to["x"] + to["width"] / 2 - box["x"] - box["width"] / 2),
                round(to["y"] + to["height"] / 2 - box["y"] - box["height"] / 2),
            ),
        )

    def delete_a_way() -> None:
        drawing.edge("From one to left").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Delete")

    for edit in (
        rename_an_arm,
        lead_a_way_elsewhere,
        delete_a_way,
        connect_by_keys,
        insert_into_a_way,
        fill_an_arm,
    ):
        drawing.proves(edit)


def test_of_several_nodes_and_the_clipboard(visitor, live_server):
    drawing = Drawing(visitor, live_server, FAN)
    page = drawing.page

    def move_all() -> None:
        page.locator(".react-flow__pane").click(position={"x": 300, "y": 40})
        page.keyboard.press("ControlOrMeta+a")
        expect(drawing.node("right")).to_contain_class("selected")
        drag(page, drawing.node("one"), (48, 48))

    def cut() -> None:
        drawing.menu("right", "Cut")

    def paste() -> None:
        page.locator(".react-flow__pane").click(button="right", position={"x": 300, "y": 40})
        page.get_by_role("menuitem", name="Paste").click()

    def delete_a_container() -> None:
        drawing.menu("fan", "Delete")

    for edit in (move_all, cut, paste, delete_a_container):
        drawing.proves(edit)


def test_of_notes(visitor, live_server):
    drawing = Drawing(visitor, live_server, FAN)
    page = drawing.page
    note = drawing.node("note_1")

    def write_on_it() -> None:
        note.get_by_role("textbox", name="Note").fill("mind the gap")

    def move() -> None:
        drag(page, note, (0, 60), at=(100, 3))

    def resize() -> None:
        note.click(position={"x": 100, "y": 3})
        drag(page, note.locator(".react-flow__resize-control.handle.bottom.right"), (60, 40))

    def delete() -> None:
        note.click(position={"x": 100, "y": 3})
        expect(note).to_contain_class("selected")
        page.keyboard.press("Delete")

    for edit in (write_on_it, move, resize, delete):
        drawing.proves(edit)


def test_of_a_branch_and_what_a_node_is(visitor, live_server):
    drawing = Drawing(visitor, live_server, ASKED)
    page = drawing.page
    panel = page.get_by_role("complementary")
    drawing.select("held")

    def add_an_arm() -> None:
        panel.get_by_role("button", name="Add arm").click()

    def call_it_otherwise() -> None:
        panel.get_by_label("Label of arm 1").fill("kept")

    def ask_it_later() -> None:
        panel.get_by_role("button", name="Ask this one later").first.click()

    def change_a_condition() -> None:
        write(page, editor(page, "Condition of kept"), "load == 3")

    def remove_it() -> None:
        panel.get_by_role("button", name="Remove the arm kept").click()

    def another_id() -> None:
        drawing.select("load")
        field = panel.get_by_label("Id of the node, its variable")
        field.fill("fetched")
        field.press("Enter")

    def other_code() -> None:
        drawing.select("ship")
        write(page, editor(page, "Code"), "return 7")

    def of_its_menu(item: str) -> Callable[[], None]:
        def choose() -> None:
            drawing.select("ship")
            panel.get_by_role("button", name="More for this node").click()
            page.get_by_role("menuitem", name=item).click()

        return choose

    for edit in (
        add_an_arm,
        call_it_otherwise,
        ask_it_later,
        change_a_condition,
        remove_it,
        another_id,
        other_code,
        of_its_menu("Start here"),
        of_its_menu("Duplicate"),
        of_its_menu("Delete"),
    ):
        drawing.proves(edit)


def test_of_the_trigger_which_is_set_on_another_page(visitor, live_server):
    drawing = Drawing(visitor, live_server, ASKED)
    page = drawing.page

    def start_by_schedule() -> None:
        page.get_by_role("link", name="Settings").last.click()
        page.get_by_label("Started by").click()
        page.get_by_role("option", name="Schedule").click()
        live_server.until(lambda: drawing.kept().get("trigger", {}).get("type") == "schedule")
        page.get_by_role("link", name="Canvas", exact=True).click()

    drawing.proves(start_by_schedule)


@pytest.mark.parametrize("what", ["Module", "Entry code"])
def test_of_a_text_by_the_keys_of_its_editor(visitor, live_server, what):
    written = 'from workers import WorkflowEntrypoint\n\n\nclass Mine(WorkflowEntrypoint):\n    """Does nothing."""\n'
    body: dict[str, Any] = {"name": "Written"}
    body["ir"] = (
        {"kind": "workflow", "metadata": {"name": "Written"}, "module": written}
        if what == "Module"
        else FAN
    )
    made = live_server.api("POST", "/workflows", body)
    assert made.status == 201, made.text
    page = visitor.open(f"/workflows/{made.json['id']}?panel=entry")
    text = editor(page, what)
    expect(text).to_contain_text("import" if what == "Module" else "env.WORKFLOW")
    before = text.inner_text()
    text.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.insert_text("# mine")
    expect(text).to_contain_text("# mine")
    page.keyboard.press("ControlOrMeta+z")
    expect(text).not_to_contain_text("# mine")
    assert text.inner_text() == before
    page.keyboard.press("ControlOrMeta+Shift+z")
    expect(text).to_contain_text("# mine")
