"""The dashboard as people meet it: a real server, the built pages, Debian's Chromium, signed in."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from making import make

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
]

# what a browser says of a server that was killed
AWAY = [r"ERR_CONNECTION_REFUSED", r"ERR_INCOMPLETE_CHUNKED", r"ERR_CONNECTION_RESET", r"ERR_EMPTY"]

# a machine that runs other tests as well may be slow
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The dashboard, built from the sources that are here."""
    told = make("src/awaitstep/static/.built", tmp_path_factory)
    if told is not None:
        pytest.fail(f"The dashboard can't be built, so it can't be looked at.\n{told}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("The browser tests need Debian's chromium; `make test` installs it.")
    # a module's own: while Playwright is open, no other test of this process can run a loop
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody who is signed in. What the browser complains of is kept, and fails the test."""

    server: Any
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    # patterns of complaints that the test itself causes, as by killing the server
    expected: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        """A new tab at an address of the dashboard."""
        page = self.context.new_page()
        page.goto(self.server.url + path)
        return page

    def unexpected(self) -> list[str]:
        return [
            told
            for told in self.complaints
            if not any(re.search(pattern, told) for pattern in self.expected)
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")


@pytest.fixture
def visit(browser: Browser, dashboard: None) -> Iterator[Callable[..., Visitor]]:
    """Signs a new browser in to a server: `visit(server, color_scheme="dark")`.

    Takes what Playwright's `new_context` takes. At the end of the test no page may have complained.
    """
    made: list[Visitor] = []

    def sign_in(server: Any, **options: Any) -> Visitor:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
        )
        context.set_default_timeout(20_000)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
        visitor = Visitor(server, context)
        context.on("console", visitor._hear)
        context.on("weberror", lambda error: visitor.complaints.append(f"thrown: {error.error}"))
        told = server.awaitstep("login-link")
        assert told.returncode == 0, told.stderr
        page = context.new_page()
        page.goto(told.stdout.split()[-1])
        page.wait_for_url(server.url + "/")
        page.close()
        made.append(visitor)
        return visitor

    yield sign_in
    told = [complaint for visitor in made for complaint in visitor.unexpected()]
    for visitor in made:
        visitor.context.close()
    assert not told, "\n".join(told)


@pytest.fixture
def visitor(visit: Callable[..., Visitor], live_server: Any) -> Visitor:
    """Somebody signed in to the server that tests share."""
    return visit(live_server)


@pytest.fixture
def free_ports() -> tuple[str, str]:
    """Two that nobody listens on, so that a server can come back to them."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1]), str(other.getsockname()[1])


@pytest.fixture(scope="session")
def accessible() -> Callable[[Page], None]:
    """Fails where axe finds a serious or critical fault on the page as it is now."""

    def check(page: Page) -> None:
        # evaluated, not added as a script, which the page's own policy forbids
        page.evaluate(AXE.read_text())
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        faults = [
            f"{found['id']}: {found['help']}\n"
            + "\n".join(
                f"    {node['html'][:200]}\n    {node['failureSummary']}"
                for node in found["nodes"][:5]
            )
            for found in result["violations"]
            if found["impact"] in ("serious", "critical")
        ]
        assert not faults, "\n".join(faults)

    return check


def _step(id: str, name: str, code: str, **data: Any) -> dict[str, Any]:
    return {"id": id, "type": "step", "name": name, "data": {"code": code, **data}}


ORDERS = {
    "kind": "workflow",
    "metadata": {"name": "Orders"},
    "entryNodeId": "load",
    "nodes": [
        _step("load", "Load order", 'print("loading")\nreturn event["payload"]'),
        _step(
            "check",
            "Check stock",
            'if load["do"] == "fail":\n    missing = load["id"]\n'
            '    raise ValueError(f"{missing} is not in stock")\nreturn {"ok": True}',
            retryLimit=0,
        ),
        {
            "id": "held",
            "type": "branch",
            "name": "Is it held?",
            "data": {"branches": [{"label": "held", "condition": 'load["do"] == "wait"'}]},
        },
        {
            "id": "approval",
            "type": "wait_for_event",
            "name": "Wait for approval",
            "data": {"eventType": "approval", "timeout": "2 days"},
        },
        _step("ship", "Ship", 'return {"shipped": load["id"]}', output=True),
    ],
    "edges": [
        {"id": "e1", "source": "load", "target": "check"},
        {"id": "e2", "source": "check", "target": "held"},
        {"id": "e3", "source": "held", "target": "approval", "label": "held"},
        {"id": "e4", "source": "held", "target": "ship", "label": "then"},
    ],
}
for _place, _node in enumerate(ORDERS["nodes"]):
    _node["position"] = {"x": 0, "y": 112 * _place}


@dataclass
class Busy:
    """A server with a past: 200 runs that completed, 5 that failed, 3 that wait for an event."""

    server: Any
    workflow: str

    @property
    def path(self) -> str:
        """Of the workflow in the dashboard."""
        return f"/workflows/{self.workflow}"

    def runs(self, query: str) -> list[dict[str, Any]]:
        answer = self.server.api("GET", f"/workflows/{self.workflow}/runs?limit=100&{query}")
        assert answer.status == 200, answer.text
        return list(answer.json["data"])


@pytest.fixture(scope="session")
def busy(live_server: Any) -> Busy:
    """Shared: tests that change or end runs start runs of their own."""
    id = live_server.deploy(ORDERS)["id"]
    does = ["complete"] * 200 + ["fail"] * 5 + ["wait"] * 3

    def start(place: int) -> None:
        params = {"id": f"ord_{place:03}", "do": does[place]}
        made = live_server.api("POST", f"/workflows/{id}/trigger", {"params": params})
        assert made.status == 201, made.text

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(len(does))))
    busy = Busy(live_server, id)
    live_server.until(
        lambda: len(busy.runs("status=errored")) == 5 and len(busy.runs("status=waiting")) == 3
    )
    live_server.until(lambda: not busy.runs("status=queued&status=running"))
    return busy
