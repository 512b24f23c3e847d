"""The dashboard in Debian's Chromium: a canvas of a thousand nodes, and what a first load sends.

Run as a process of its own; prints JSON. The server is `awaitstep dev`, the pages are the built ones,
the browser has kept nothing. Needs `make setup` and `make browser`; without them there are no figures.

What is measured, and from where:

- `first_node_ms`, `interactive_ms`: from the start of the navigation until a frame with a node in it
  was painted, and until the browser idled with the canvas there. Medians of `ROUNDS`.
- `frames_per_s_*`, `longest_task_ms_*`: while a drag pans the canvas, one move of the mouse a frame;
  at zoom 1 (only what is seen is in the page) and with all nodes in view. What the screen allows is
  beside it (`frames_per_s_idle`). A task is what the browser calls long: 0 means none above 50 ms.
- `touched`: changes in the page inside of nodes while panning, at zoom 1, of nodes that stay.
- `js_bytes_*`: JavaScript on the wire until the page idled, and how much of it brotli packed.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from bench.product import Product

NODES = 1000
COLUMN = 50
ROUNDS = 3
PAN_MS = 2000
STATIC = Path(__file__).parents[1] / "src" / "awaitstep" / "static"
QUIET = ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--no-proxy-server"]
# looked up in requests; both are loaded when first used
LATER = {"js_bytes_editor": "code-mirror-", "js_bytes_layout": "layout.worker-"}

Figures = dict[str, float]

# Notes when the first node was painted: a frame after it came into the page.
FIRST_NODE = """
new MutationObserver((_, observer) => {
    if (!document.querySelector('.react-flow__node')) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.firstNode = performance.now(); }));
}).observe(document, {childList: true, subtree: true});
window.tasks = [];
new PerformanceObserver(list => window.tasks.push(...list.getEntries().map(e => e.duration)))
    .observe({type: 'longtask', buffered: true});
"""
IDLE = "new Promise(done => requestIdleCallback(() => done(performance.now())))"
# Not Playwright's own waiting, which the page's policy forbids.
UNTIL = """new Promise((done, fail) => {{
    const last = performance.now() + 60000;
    const look = () => {{
        if ({0}) done();
        else if (performance.now() > last) fail(new Error("never: {0}"));
        else setTimeout(look, 5);
    }};
    look();
}})"""
IDLE_FRAMES = """new Promise(done => {
    const begun = performance.now();
    let frames = 0;
    const tick = () => {
        frames++;
        const took = performance.now() - begun;
        if (took < 1000) requestAnimationFrame(tick);
        else done(frames / took * 1000);
    };
    requestAnimationFrame(tick);
})"""
# Drags the empty canvas about, one move a frame, back and forth; answers frames a second.
PAN = """([x, y, length]) => new Promise(done => {
    const ground = document.querySelector('.react-flow__pane');
    const send = (type, target, x, y) => target.dispatchEvent(new MouseEvent(type, {
        bubbles: true, cancelable: true, view: window, button: 0, buttons: type === 'mouseup' ? 0 : 1,
        clientX: x, clientY: y,
    }));
    send('mousedown', ground, x, y);
    const begun = performance.now();
    const places = new Set();
    let step = 0;
    const tick = () => {
        places.add(document.querySelector('.react-flow__viewport').style.transform);
        if (performance.now() - begun < length) {
            step++;
            const turn = step % 60 < 30 ? step % 30 : 30 - step % 30;
            send('mousemove', window, x + 3 * turn, y + 2 * turn);
            requestAnimationFrame(tick);
            return;
        }
        const took = performance.now() - begun;
        send('mouseup', window, x, y);
        requestAnimationFrame(() => setTimeout(() => done([step / took * 1000, places.size])));
    };
    requestAnimationFrame(tick);
})"""
# Counts what changes inside of nodes that are there now and stay.
WATCH = """() => {
    window.touched = 0;
    const stay = new Map();
    for (const node of document.querySelectorAll('.react-flow__node')) {
        const seen = {changes: 0};
        new MutationObserver(list => { seen.changes += list.length; })
            .observe(node, {subtree: true, childList: true, attributes: true, characterData: true});
        stay.set(node, seen);
    }
    window.touches = () => [...stay]
        .filter(([node]) => node.isConnected).reduce((sum, [, seen]) => sum + seen.changes, 0);
}"""
# A place on the canvas with no node under it.
GROUND = """() => {
    for (let y = 200; y < innerHeight - 200; y += 4)
        for (let x = 200; x < innerWidth - 200; x += 4)
            if (document.elementFromPoint(x, y)?.classList.contains('react-flow__pane')) return [x, y];
    return null;
}"""


def drawing() -> dict[str, Any]:
    """Steps in columns, one after the other."""
    nodes = [
        {
            "id": f"n{place}",
            "type": "step",
            "name": f"Step {place}",
            "position": {"x": place // COLUMN * 272, "y": place % COLUMN * 112},
            "data": {"code": f"return {place}"},
        }
        for place in range(NODES)
    ]
    edges = [
        {"id": f"e{place}", "source": before["id"], "target": after["id"]}
        for place, (before, after) in enumerate(pairwise(nodes))
    ]
    return {
        "kind": "workflow",
        "metadata": {"name": "A thousand steps"},
        "nodes": nodes,
        "edges": edges,
        "entryNodeId": "n0",
    }


def fresh(browser: Browser, state: Any) -> tuple[BrowserContext, Page]:
    """A signed-in browser that has kept no file, with the observers set."""
    context = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    context.add_init_script(FIRST_NODE)
    return context, context.new_page()


def sign_in(browser: Browser, product: Product) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(json.loads((product.data / "credentials.json").read_text())["loginUrl"])
    page.wait_for_url(product.url + "/")
    state = context.storage_state()
    context.close()
    return state


def sent(browser: Browser, product: Product, state: Any, path: str, wait: str) -> Figures:
    """JavaScript of one first load; fails when something that may wait was among it."""
    context, page = fresh(browser, state)
    scripts: list[Request] = []
    context.on(
        "requestfinished",
        lambda request: scripts.append(request) if request.url.endswith(".js") else None,
    )
    page.goto(product.url + path)
    page.locator(wait).first.wait_for()
    page.wait_for_timeout(1000)
    sizes = {script.url: script.sizes()["responseBodySize"] for script in scripts}
    packed = [
        sizes[script.url]
        for script in scripts
        if (answer := script.response()) and answer.headers.get("content-encoding") == "br"
    ]
    early = [url for url in sizes for start in LATER.values() if f"/{start}" in url]
    context.close()
    if early:
        raise SystemExit(f"loaded before it was used: {early}")
    return {"js_bytes": sum(sizes.values()), "js_bytes_brotli": sum(packed)}


def pan(page: Page) -> tuple[float, float]:
    """Frames a second, and the longest task in ms; 0 for none above 50."""
    place = page.evaluate(GROUND)
    if place is None:
        raise SystemExit("the canvas is full: there is no place to drag it by")
    page.evaluate("window.tasks.length = 0")
    rate, places = page.evaluate(PAN, [*place, PAN_MS])
    if places < 2:
        raise SystemExit("the canvas did not move")
    return float(rate), float(page.evaluate("Math.max(0, ...window.tasks)"))


def zoom_out(page: Page) -> None:
    """As far as it goes, away from the first node, so that all are in view."""
    box = page.locator('.react-flow__node[data-id="n0"]').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.keyboard.down("Control")
    for _ in range(40):
        page.mouse.wheel(0, 200)
        if page.locator(".react-flow__node-step").count() >= NODES:
            break
        page.wait_for_timeout(50)
    else:
        raise SystemExit("not all nodes came into view")
    page.keyboard.up("Control")
    page.wait_for_timeout(1000)


def canvas(browser: Browser, product: Product, state: Any, path: str) -> Figures:
    """A load of the canvas and panning it near; another, and panning it far."""
    context, page = fresh(browser, state)
    page.goto(product.url + path)
    page.evaluate(UNTIL.format("window.firstNode !== undefined"))
    figures: Figures = {
        "first_node_ms": page.evaluate("window.firstNode"),
        "interactive_ms": page.evaluate(IDLE),
    }
    page.wait_for_timeout(500)
    figures["frames_per_s_idle"] = page.evaluate(IDLE_FRAMES)
    figures["nodes_near"] = page.locator(".react-flow__node").count()
    page.evaluate(WATCH)
    figures["frames_per_s_near"], figures["longest_task_ms_near"] = pan(page)
    figures["touched"] = page.evaluate("window.touches()")
    context.close()
    context, page = fresh(browser, state)
    page.goto(product.url + path)
    page.evaluate(UNTIL.format("window.firstNode !== undefined"))
    page.wait_for_timeout(500)
    zoom_out(page)
    figures["nodes_far"] = page.locator(".react-flow__node").count()
    figures["frames_per_s_far"], figures["longest_task_ms_far"] = pan(page)
    context.close()
    return figures


def measure(browser: Browser, product: Product) -> Figures:
    made = product.client.post("/workflows", json={"name": "Thousand", "ir": drawing()})
    made.raise_for_status()
    path = f"/workflows/{made.json()['id']}"
    state = sign_in(browser, product)
    node = ".react-flow__node"
    figures: Figures = {}
    for name, (address, wait) in {"home": ("/", "h1"), "canvas": (path, node)}.items():
        for key, value in sent(browser, product, state, address, wait).items():
            figures[f"{name}_{key}"] = value
    rounds = [canvas(browser, product, state, path) for _ in range(ROUNDS)]
    return figures | {
        key: statistics.median(figures[key] for figures in rounds) for key in rounds[0]
    }


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no chromium here; `make browser` installs it")
    if not (STATIC / "index.html").is_file():
        raise SystemExit("the dashboard is not built; `make setup` builds it")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        os.chmod(name, 0o700)
        product = Product(Path(name) / "data")
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
            figures = measure(browser, product)
            browser.close()
        finally:
            product.kill()
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
