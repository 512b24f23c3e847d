"""Every template is drawn well, has no problem, and runs to its end on a real server."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from itertools import combinations
from threading import Thread
from typing import Any

import pytest

from awaitstep.templates import Template, templates

TEMPLATES = {template.id: template for template in templates()}
WIDTH, HEIGHT = 224, 56
OUTPUTS: dict[str, Any] = {
    "hello": {"greeting": "Hello, Ada!"},
    "call-an-api": {"status": 200, "answer": {"asked": 3}},
    "sort-tickets": {
        "team": "billing",
        "within": "1 day",
        "reply": "Thank you! Our team billing answers within 1 day.",
    },
    "invoices": {"sent": 3, "cents": 441_000},
    "customer-profile": {
        "customer": "c_42",
        "spent": 5100,
        "openTickets": 1,
        "risk": 0.12,
        "missing": [],
    },
    "deadline": {"pickup": "14:30"},
    "payment-reminder": {"paid": True, "reminders": 1},
    "wait-for-a-job": {"job": "job-1", "looks": 3},
}


@pytest.fixture
def service() -> Iterator[str]:
    """An HTTP service that is busy twice and then answers."""
    asked = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal asked
            asked += 1
            body = json.dumps({"asked": asked}).encode()
            self.send_response(503 if asked < 3 else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def deployed(live_server: Any, template: Template) -> dict[str, Any]:
    """A workflow of the template, live."""
    told = live_server.api("GET", f"/templates/{template.id}").json
    found = live_server.api("POST", "/validate", {"ir": told["ir"]}).json
    assert (found["valid"], found["diagnostics"]) == (True, [])
    made: dict[str, Any] = live_server.deploy(told["ir"])
    return made


def ran(live_server: Any, template: Template, params: Any, event: Any = None) -> dict[str, Any]:
    """How a run of the template ended."""
    id = deployed(live_server, template)["id"]
    started = live_server.api("POST", f"/workflows/{id}/trigger", {"params": params})
    assert started.status == 201, started.text
    at = f"/workflows/{id}/runs/{started.json['instanceId']}"
    if event is not None:
        sent = live_server.api("POST", f"{at}/events", event)
        assert sent.status == 202, sent.text
    ended: dict[str, Any] = live_server.ended(id, started.json["instanceId"])
    steps = live_server.api("GET", f"{at}/steps").json["data"]
    return {**ended, "steps": [step["name"] for step in steps]}


@pytest.mark.parametrize(
    "template", [t for t in TEMPLATES.values() if t.ir["kind"] == "workflow"], ids=lambda t: t.id
)
def test_it_runs_with_the_payload_it_comes_with(
    live_server: Any, service: str, template: Template
) -> None:
    params = copy.deepcopy(template.params)
    if "url" in params:
        params["url"] = service
    ended = ran(live_server, template, params, template.event)
    assert (ended["status"], ended["error"]) == ("complete", None)
    assert ended["output"]
    if template.id in OUTPUTS:
        assert ended["output"] == OUTPUTS[template.id]


def test_a_function_answers_at_its_address(live_server: Any) -> None:
    template = TEMPLATES["shipping-price"]
    url = deployed(live_server, template)["url"]
    for query, body, cents in (
        ("", template.params, 1470),
        ("?country=DE&grams=100", None, 390),
    ):
        data = ["--json", json.dumps(body)] if body is not None else []
        answer = live_server.curl(*data, url + query)
        assert (answer.status, answer.json["cents"]) == (200, cents)


def test_who_is_not_answered_is_told_so(live_server: Any) -> None:
    declined = {"type": "decision", "payload": {"approved": False, "why": "too much"}}
    ended = ran(live_server, TEMPLATES["approval"], {"cents": 1}, declined)
    assert ended["output"] == {"for": "something", "paid": 0, "reason": "too much"}
    ended = ran(live_server, TEMPLATES["deadline"], {"patience": "1 second"})
    assert ended["output"]["next"] == "ask another courier"
    patience = {"email": "a@example.com", "pause": "1 second"}
    ended = ran(live_server, TEMPLATES["payment-reminder"], patience)
    assert ended["output"] == {"paid": False, "reminders": 3}


def test_what_fails_is_compensated(live_server: Any) -> None:
    ended = ran(live_server, TEMPLATES["book-a-trip"], {"hotelIsFull": True})
    assert ended["output"] == {"booked": False, "why": "no room left"}
    assert "Cancel the flight" in ended["steps"]
    ended = ran(live_server, TEMPLATES["customer-profile"], {"riskIsDown": True})
    assert ended["output"]["missing"] == ["risk"]
    order = {**TEMPLATES["order-pipeline"].params, "carrier": "closed"}
    ended = ran(live_server, TEMPLATES["order-pipeline"], order)
    assert (ended["status"], ended["error"]["message"]) == ("errored", "the carrier is closed")
    undone = [step for step in ended["steps"] if step.endswith(" · rollback")]
    assert undone == ["Charge the card · rollback", "Reserve the goods · rollback"]


def test_every_file_is_a_template_and_named_after_its_id() -> None:
    there = {file.name for file in (files("awaitstep") / "templates").iterdir()}
    assert {f"{id}.json" for id in TEMPLATES} == {name for name in there if name.endswith(".json")}
    assert len(TEMPLATES) >= 10
    types = {node["type"] for template in templates() for node in template.ir["nodes"]}
    assert types >= {
        "step", "http_request", "branch", "parallel", "race", "loop", "break", "try_catch",
        "sleep", "sleep_until", "wait_for_event",
    }  # fmt: skip


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_it_is_laid_out_from_top_to_bottom(template: Template) -> None:
    places = {node["id"]: node["position"] for node in template.ir["nodes"]}
    for one, other in combinations(places.values(), 2):
        apart = abs(one["x"] - other["x"]) >= WIDTH or abs(one["y"] - other["y"]) > HEIGHT
        assert apart, template.id
    for edge in template.ir["edges"]:
        assert places[edge["source"]]["y"] < places[edge["target"]]["y"], edge
    assert template.ir["metadata"]["name"] == template.title
    assert re.fullmatch(r"[A-Z].{10,150}\.", template.summary)
    assert template.teaches
