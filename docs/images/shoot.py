"""`make screenshots`: the pictures of the README, of the real product, light and dark.

Starts a server on a folder of its own, deploys a workflow, lets it run into an order that is held,
changes the drawing, and shoots the canvas, the run and the deploy dialog.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from bench.product import Product  # noqa: E402

MOST_BYTES = 200_000
SIZE: Any = {"width": 1280, "height": 800}


def step(id: str, name: str, code: str, x: int, y: int, **data: Any) -> dict[str, Any]:
    place = {"x": x, "y": y}
    return {
        "id": id,
        "type": "step",
        "name": name,
        "position": place,
        "data": {"code": code, **data},
    }


PAID = """order = event["payload"]
total = sum(item["cents"] for item in order["items"])
return {"id": order["id"], "cents": total}"""
ORDERS: dict[str, Any] = {
    "kind": "workflow",
    "metadata": {"name": "Orders"},
    "entryNodeId": "total",
    "nodes": [
        step("total", "Add up the order", PAID, 0, 0),
        {
            "id": "large",
            "type": "branch",
            "name": "Is it large?",
            "position": {"x": 0, "y": 112},
            "data": {"branches": [{"label": "large", "condition": "{{ total.cents }} > 50000"}]},
        },
        {
            "id": "approval",
            "type": "wait_for_event",
            "name": "Wait for approval",
            "position": {"x": -160, "y": 224},
            "data": {"eventType": "approval", "timeout": "2 days"},
        },
        step(
            "charge",
            "Charge the card",
            'import asyncio\nawait asyncio.sleep(0.9)\nreturn {"charge": "C-" + total["id"]}',
            0,
            336,
            retryLimit=3,
        ),
        {"id": "pause", "type": "sleep", "name": "Let it settle", "position": {"x": 0, "y": 448},
         "data": {"duration": "2 seconds"}},
        step("ship", "Ship it", 'return {"shipped": charge["charge"]}', 0, 560, output=True),
    ],
    "edges": [
        {"id": "e1", "source": "total", "target": "large"},
        {"id": "e2", "source": "large", "target": "approval", "label": "large"},
        {"id": "e3", "source": "large", "target": "charge", "label": "then"},
        {"id": "e4", "source": "charge", "target": "pause"},
        {"id": "e5", "source": "pause", "target": "ship"},
    ],
}  # fmt: skip


def seed(product: Product) -> tuple[str, str]:
    """(workflow, a run of it that has ended); a changed draft stands beside what is live."""
    workflow, _ = product.deploy(ORDERS)
    params = {"id": "ord_001", "items": [{"sku": "lamp", "cents": 64900}]}
    run = f"/workflows/{workflow}/runs/ord_001"
    product.client.post(
        f"/workflows/{workflow}/trigger", json={"params": params, "instanceId": "ord_001"}
    ).raise_for_status()
    event = {"type": "approval", "payload": {"by": "ada@example.com"}}
    while product.client.get(run).json()["status"] != "waiting":
        pass
    product.client.post(f"{run}/events", json=event).raise_for_status()
    while product.client.get(run).json()["status"] != "complete":
        pass
    changed = json.loads(json.dumps(ORDERS))
    changed["nodes"][2]["data"]["timeout"] = "5 days"
    full = product.client.get(f"/workflows/{workflow}/full").json()
    product.client.put(
        f"/workflows/{workflow}/draft",
        json={"ir": changed, "baseVersionId": full["version"]["id"], "revision": 0},
    ).raise_for_status()
    return workflow, "ord_001"


def shoot(page: Page, name: str, theme: str) -> None:
    path = HERE / f"{name}-{theme}.png"
    page.wait_for_timeout(1500)
    page.screenshot(path=path, animations="disabled")
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path.name} has {path.stat().st_size:,} bytes")
    print(path.name, f"{path.stat().st_size:,}")


def pictures(browser: Browser, product: Product, state: Any, workflow: str, run: str) -> None:
    for theme in ("light", "dark"):
        context = browser.new_context(storage_state=state, viewport=SIZE, reduced_motion="reduce")
        context.add_init_script(f"localStorage.setItem('awaitstep.theme', '{theme}')")
        page = context.new_page()
        page.goto(f"{product.url}/workflows/{workflow}")
        page.locator('.react-flow__node[data-id="charge"]').click()
        page.locator(".cm-content").first.wait_for()
        shoot(page, "canvas", theme)
        page.goto(f"{product.url}/workflows/{workflow}")
        page.get_by_role("button", name="Deploy", exact=True).click()
        page.get_by_role("region", name="What changes").wait_for()
        shoot(page, "deploy", theme)
        page.goto(f"{product.url}/workflows/{workflow}/runs/{run}?step=charge")
        page.get_by_text("Charge the card").first.click()
        shoot(page, "run", theme)
        context.close()


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no chromium here; `make browser` installs it")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        os.chmod(name, 0o700)
        product = Product(Path(name) / "data")
        try:
            workflow, run = seed(product)
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--no-proxy-server"]
            )
            context = browser.new_context()
            page = context.new_page()
            page.goto(json.loads((product.data / "credentials.json").read_text())["loginUrl"])
            page.wait_for_url(product.url + "/")
            state = context.storage_state()
            context.close()
            pictures(browser, product, state, workflow, run)
            browser.close()
        finally:
            product.kill()


if __name__ == "__main__":
    main()
