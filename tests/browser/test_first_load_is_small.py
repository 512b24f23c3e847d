"""Opening a page sends little JavaScript; what is large waits until somebody uses it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from .conftest import ORDERS, Visitor

# on the wire, as the server packs it
MOST_BYTES = 350_000
EDITOR = "code-mirror-"
LAYOUT = "layout.worker-"


@dataclass
class Sent:
    """The scripts that a browser with nothing kept was sent: name → bytes on the wire."""

    sizes: dict[str, int] = field(default_factory=dict)
    codings: dict[str, str | None] = field(default_factory=dict)
    asked: int = 0

    def ask(self, request: Request) -> None:
        self.asked += request.url.endswith(".js")

    def hear(self, request: Request) -> None:
        name = request.url.rpartition("/")[2]
        if not name.endswith(".js"):
            return
        answer = request.response()
        assert answer is not None, request.url
        assert answer.status == 200, request.url
        self.sizes[name] = request.sizes()["responseBodySize"]
        self.codings[name] = answer.headers.get("content-encoding")

    def has(self, start: str) -> bool:
        return any(name.startswith(start) for name in self.sizes)

    def until(self, page: Page, is_so: Callable[[], bool]) -> None:
        for _ in range(200):
            if is_so():
                return
            page.wait_for_timeout(50)
        raise AssertionError(f"asked for {self.asked} scripts, got {sorted(self.sizes)}")


@pytest.fixture
def opened(browser: Browser, visitor: Visitor) -> Iterator[Callable[[str], tuple[Page, Sent]]]:
    """Opens a page in a browser that is signed in and has kept no file of the dashboard."""
    context = browser.new_context(
        storage_state=visitor.context.storage_state(), viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(20_000)
    sent = Sent()
    context.on("request", sent.ask)
    context.on("requestfinished", sent.hear)

    def open_page(path: str) -> tuple[Page, Sent]:
        page = context.new_page()
        page.goto(visitor.server.url + path)
        return page, sent

    yield open_page
    context.close()


def settled(page: Page, sent: Sent) -> None:
    """What was asked for is here, and the browser has nothing left to do."""
    page.evaluate(
        """async () => {
            for (let turn = 0; turn < 3; turn++)
                await new Promise(done => requestIdleCallback(done));
        }"""
    )
    sent.until(page, lambda: sent.asked == len(sent.sizes))


@pytest.fixture
def orders(live_server: Any) -> str:
    made = live_server.api("POST", "/workflows", {"name": "Orders to load", "ir": ORDERS})
    assert made.status == 201, made.text
    return f"/workflows/{made.json['id']}"


def small(sent: Sent) -> None:
    assert sum(sent.sizes.values()) > 100_000, "nothing may come from what the browser kept"
    largest = sorted(sent.sizes.items(), key=lambda item: -item[1])[:5]
    assert sum(sent.sizes.values()) <= MOST_BYTES, largest
    # below a kilobyte packing is not worth it
    assert all(sent.codings[name] == "br" for name, size in sent.sizes.items() if size > 1024)


def test_home_is_small(opened):
    page, sent = opened("/")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    settled(page, sent)
    small(sent)
    assert not any(sent.has(start) for start in (EDITOR, LAYOUT, "canvas-"))


def test_the_canvas_is_small_until_more_is_used(opened, orders):
    page, sent = opened(orders)
    page.locator('.react-flow__node[data-id="ship"]').wait_for()
    settled(page, sent)
    small(sent)
    assert not any(sent.has(start) for start in (EDITOR, LAYOUT))

    page.keyboard.press("l")
    sent.until(page, lambda: sent.has(LAYOUT))
    assert not sent.has(EDITOR)

    page.locator('.react-flow__node[data-id="check"]').click()
    expect(page).to_have_url(re.compile("node=check"))
    sent.until(page, lambda: sent.has(EDITOR))
