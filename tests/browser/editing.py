"""What tests of the editor share: a workflow that has run, and words typed into a code editor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page

LOAD = """\
# what the caller sent
order = event["payload"]
return {"id": order["id"], "customer": {"name": "Ada", "city": "Köln"}, "items": [{"sku": "tea"}]}
"""


def _node(id: str, type: str, name: str, place: int, **data: Any) -> dict[str, Any]:
    position = {"x": 0, "y": 112 * place}
    return {"id": id, "type": type, "name": name, "position": position, "data": data}


SHOP: dict[str, Any] = {
    "kind": "workflow",
    "metadata": {"name": "Shop"},
    "entryNodeId": "load",
    "nodes": [
        _node("load", "step", "Load order", 0, code=LOAD),
        _node("size", "branch", "Which size?", 1, branches=[{"label": "any"}]),
        _node("tell", "step", "Tell", 2, code="return f\"for {load['id']}\""),
        _node("nap", "sleep", "Nap", 3, duration="1 second"),
    ],
    "edges": [
        {"id": "e1", "source": "load", "target": "size"},
        {"id": "e2", "source": "size", "target": "tell", "label": "any"},
        {"id": "e3", "source": "tell", "target": "nap"},
    ],
}


@dataclass
class Shop:
    """A workflow that is live and has run once; each test has its own."""

    server: Any
    id: str
    url: str

    def path(self, search: str = "") -> str:
        return f"/workflows/{self.id}{search}"

    def full(self) -> dict[str, Any]:
        answer = self.server.api("GET", f"/workflows/{self.id}/full")
        assert answer.status == 200, answer.text
        return dict(answer.json)

    def deploy(self) -> None:
        answer = self.server.api("POST", f"/workflows/{self.id}/deploy", {})
        assert answer.status == 200, answer.text

    def drawn(self) -> dict[str, dict[str, Any]]:
        """The nodes of the draft, as the server keeps it, by id."""
        draft = self.full()["draft"]
        return {node["id"]: node for node in draft["ir"]["nodes"]} if draft else {}


def open_shop(server: Any, extra: list[dict[str, Any]] | None = None) -> Shop:
    """Deploys the workflow, with `extra` nodes that follow each other at its end, and runs it."""
    nodes, edges = [*SHOP["nodes"]], [*SHOP["edges"]]
    for node in extra or []:
        edges.append({"id": f"e{len(edges) + 1}", "source": nodes[-1]["id"], "target": node["id"]})
        nodes.append(node)
    deployed = server.deploy({**SHOP, "nodes": nodes, "edges": edges})
    shop = Shop(server, deployed["id"], deployed["url"])
    path = f"/workflows/{shop.id}/trigger"
    started = server.api("POST", path, {"params": {"id": 7}})
    assert started.status == 201, started.text
    run = server.ended(shop.id, started.json["instanceId"])
    assert run["status"] == "complete", run
    return shop


def editor(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("textbox", name=name, exact=True)


def write(page: Page, where: Locator, text: str) -> None:
    """Puts a text in the place of what stands in a code editor."""
    where.click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)
