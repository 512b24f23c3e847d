"""The two conversations every caller has with a workflow, by curl, with a real server."""

from __future__ import annotations

import json
from typing import Any

import pytest

DOUBLE = "return {'doubled': event['payload'].get('n', 0) * 2}"


def graph(name: str, code: str = DOUBLE, then: str | None = None) -> dict[str, Any]:
    """One step; with `then`, a wait for the event `go` and a second step."""
    nodes = [node("first", "step", {"code": code})]
    edges = []
    if then is not None:
        nodes.append(node("gate", "wait_for_event", {"eventType": "go"}))
        nodes.append(node("second", "step", {"code": then}))
        edges = [
            {"id": "e1", "source": "first", "target": "gate"},
            {"id": "e2", "source": "gate", "target": "second"},
        ]
    return {
        "kind": "workflow",
        "metadata": {"name": name},
        "entryNodeId": "first",
        "nodes": nodes,
        "edges": edges,
    }


def node(id: str, type: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, "type": type, "name": id, "position": {"x": 0, "y": 0}, "data": data}


@pytest.fixture(scope="module")
def doubler(live_server):
    return live_server.deploy(graph("Doubler"))


def test_trigger_by_api_and_poll_until_complete(live_server, doubler):
    key = live_server.key("deploy")
    started = live_server.curl(
        *("-X", "POST", f"{live_server.url}/api/workflows/{doubler['id']}/trigger"),
        *("-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json"),
        *("-d", '{"params": {"n": 21}}'),
    )
    assert started.status == 201, started.text
    instance = started.json["instanceId"]
    run = live_server.ended(doubler["id"], instance)
    assert (run["status"], run["output"]) == ("complete", {"doubled": 42})
    assert (run["trigger"], run["params"]) == ("api", {"n": 21})
    steps = live_server.api("GET", f"/workflows/{doubler['id']}/runs/{instance}/steps", key=key)
    assert [step["name"] for step in steps.json["data"]] == ["first"]


def test_trigger_by_worker_url_and_ask_for_the_status(live_server, doubler):
    url = doubler["url"]
    assert url == f"{live_server.credentials['workerUrl']}/{doubler['workerName']}/"
    started = live_server.curl(
        *("-X", "POST", url.rstrip("/"), "-H", "Content-Type: application/json"),
        *("-d", '{"n": 4}'),
    )
    assert (started.status, set(started.json)) == (200, {"instanceId"})
    assert started.headers["content-security-policy"] == ["sandbox"]
    instance = started.json["instanceId"]
    asked: list[dict[str, Any]] = []

    def complete() -> bool:
        answer = live_server.curl(f"{url}?instanceId={instance}")
        assert answer.status == 200, answer.text
        asked.append(answer.json)
        return answer.json["status"] == "complete"

    live_server.until(complete)
    assert asked[-1]["output"] == {"doubled": 8}
    assert live_server.ended(doubler["id"], instance)["trigger"] == "http"


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\xfe"])
def test_a_post_that_is_no_json_starts_a_run_without_params(live_server, doubler, body):
    started = live_server.curl("-X", "POST", doubler["url"], "--data-binary", "@-", stdin=body)
    assert started.status == 200, started.text
    run = live_server.ended(doubler["id"], started.json["instanceId"])
    assert run["output"] == {"doubled": 0}


def test_anything_else_at_a_worker_url_is_an_empty_200(live_server, doubler):
    for arguments in ([], ["-X", "OPTIONS"], ["-X", "DELETE"], ["--head"]):
        answer = live_server.curl(*arguments, doubler["url"] + "a/b?x=1")
        assert (answer.status, answer.text) == (200, "")


def test_a_browsers_address_reaches_the_same_worker(live_server, doubler):
    host = f"{doubler['workerName']}.localhost"
    port = live_server.worker_port
    answer = live_server.curl(
        *("--resolve", f"{host}:{port}:127.0.0.1", "-X", "POST", f"http://{host}:{port}/"),
        *("-d", '{"n": 5}'),
    )
    assert answer.status == 200, answer.text
    assert "content-security-policy" not in answer.headers
    run = live_server.ended(doubler["id"], answer.json["instanceId"])
    assert run["output"] == {"doubled": 10}


def test_a_custom_route_leads_by_host_and_path(live_server):
    entry = "return Response.json({'url': request.url, 'host': request.headers.get('host')})"
    made = live_server.deploy(graph("Routed"), entry=entry)
    route = {"deployConfig": {"route": {"pattern": "api.example.com/orders/*"}}}
    assert live_server.api("PATCH", f"/workflows/{made['id']}", route).status == 200
    base = f"http://127.0.0.1:{live_server.worker_port}"
    answer = live_server.curl(f"{base}/orders/a%2Fb?q=%20", "-H", "Host: api.example.com")
    assert answer.status == 200, answer.text
    assert answer.json["url"] == "http://api.example.com/orders/a%2Fb?q=%20"
    assert live_server.curl(f"{base}/orders/1", "-H", "Host: other.example.com").status == 404
    assert live_server.curl(f"{base}/other", "-H", "Host: api.example.com").status == 404
    by_path = live_server.curl(f"{made['url']}x?y=1")
    assert by_path.json["url"] == f"{live_server.credentials['workerUrl']}/x?y=1"


def test_a_run_keeps_the_code_of_its_deployment(live_server):
    made = live_server.deploy(graph("Pinned", "return 'one'", "return [first, 'one']"))
    at = f"/workflows/{made['id']}"
    old = live_server.api("POST", f"{at}/trigger", {}).json["instanceId"]

    def waiting() -> bool:
        return live_server.api("GET", f"{at}/runs/{old}").json["status"] == "waiting"

    live_server.until(waiting)
    newer = graph("Pinned", "return 'two'", "return [first, 'two']")
    assert live_server.api("POST", f"{at}/versions", {"ir": newer}).status == 201
    again = live_server.api("POST", f"{at}/deploy", {})
    assert again.json["workerName"] == made["workerName"]
    assert again.json["deploymentId"] != made["deploymentId"]
    new = live_server.curl("-X", "POST", made["url"]).json["instanceId"]
    for instance in (old, new):
        sent = live_server.api("POST", f"{at}/runs/{instance}/events", {"type": "go"})
        assert sent.status in (200, 202, 204), sent.text
    assert live_server.ended(made["id"], old)["output"] == ["one", "one"]
    assert live_server.ended(made["id"], new)["output"] == ["two", "two"]


def test_keys_open_what_their_scope_says(live_server, doubler):
    at = f"/workflows/{doubler['id']}/trigger"
    wrong = live_server.api("POST", at, {}, key="ask_" + "x" * 43)
    assert (wrong.status, wrong.json["code"]) == (401, "auth.required")
    reading = live_server.key("read")
    refused = live_server.api("POST", at, {}, key=reading)
    assert (refused.status, refused.json["code"]) == (403, "scope.missing")
    assert live_server.api("GET", f"/workflows/{doubler['id']}/runs", key=reading).status == 200


def test_what_is_not_there_is_404(live_server, doubler):
    other = live_server.deploy(graph("Other"))
    started = live_server.api("POST", f"/workflows/{other['id']}/trigger", {})
    foreign = started.json["instanceId"]
    for path in (
        "/workflows/wf_aaaaaaaaaaaaaaaaaaaaa",
        f"/workflows/{doubler['id']}/runs/{foreign}",
        f"/workflows/{doubler['id']}/runs/nobody",
    ):
        assert live_server.api("GET", path).status == 404, path
    missing = live_server.api("POST", "/workflows/wf_aaaaaaaaaaaaaaaaaaaaa/trigger", {})
    assert missing.status == 404
    for instance in (foreign, "nobody", "%00", "a" * 200):
        at_worker = live_server.curl(f"{doubler['url']}?instanceId={instance}")
        assert (at_worker.status, at_worker.json["code"]) == (404, "run.not_found"), at_worker.text
        assert "Traceback" not in at_worker.text
    nowhere = live_server.curl(f"{live_server.credentials['workerUrl']}/nobody-000000/")
    assert (nowhere.status, nowhere.json["code"]) == (404, "worker.not_found")


@pytest.mark.parametrize("body", [b"{", b'{"params": NaN}', b"[1,]", b"\xff", b'{"params": 1'])
def test_broken_json_is_400(live_server, doubler, body):
    answer = live_server.api("POST", f"/workflows/{doubler['id']}/trigger", body)
    assert answer.status == 400, answer.text
    assert set(answer.json) >= {"error", "code", "requestId"}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_1_mib_is_413_at_both_doors(live_server, doubler, chunked):
    body = json.dumps({"params": "x" * (1024 * 1024 + 1)}).encode()
    arguments = ["-H", "Transfer-Encoding: chunked"] if chunked else []
    headers = {"Transfer_Encoding": "chunked"} if chunked else {}
    at_api = live_server.api("POST", f"/workflows/{doubler['id']}/trigger", body, **headers)
    assert at_api.status == 413, at_api.text
    at_worker = live_server.curl(
        *("-X", "POST", doubler["url"], *arguments, "--data-binary", "@-"), stdin=body
    )
    assert (at_worker.status, at_worker.json["code"]) == (413, "body.too_large")


@pytest.mark.parametrize(
    "rest", ["", "class Default(WorkerEntrypoint):\n    async def scheduled(self, *a): ...\n"]
)
def test_a_worker_without_a_handler_says_so(live_server, rest):
    source = "from workers import WorkerEntrypoint, WorkflowEntrypoint\n" + rest
    source += "class Quiet(WorkflowEntrypoint):\n    async def run(self, event, step): return 1\n"
    ir = {"kind": "workflow", "metadata": {"name": "Quiet"}, "module": source}
    made = live_server.api("POST", "/workflows", {"name": "Quiet", "ir": ir}).json
    deployed = live_server.api("POST", f"/workflows/{made['id']}/deploy").json
    assert [warning["code"] for warning in deployed["warnings"]] == ["module.no_handler"]
    for method in ("GET", "POST"):
        answer = live_server.curl("-X", method, deployed["url"])
        assert (answer.status, answer.json["code"]) == (404, "worker.no_handler")


def test_a_worker_that_fails_says_so_without_a_traceback(live_server):
    made = live_server.deploy(graph("Failing"), entry="raise RuntimeError('secret detail')")
    answer = live_server.curl(made["url"])
    assert (answer.status, answer.json["code"]) == (500, "worker.failed")
    assert "secret detail" not in answer.text
    assert answer.json["requestId"] in live_server.log.read_text()


def test_a_worker_sees_no_cookie_on_the_path_form(live_server):
    entry = (
        "return Response.json({'cookie': request.headers.get('cookie')}, "
        "headers={'Set-Cookie': 'awaitstep_session=evil'})"
    )
    made = live_server.deploy(graph("Cookies"), entry=entry)
    cookie = ("-H", "Cookie: awaitstep_session=s; a=1")
    by_path = live_server.curl(*cookie, made["url"])
    assert by_path.json == {"cookie": None}
    assert "set-cookie" not in by_path.headers
    host = f"{made['workerName']}.localhost:{live_server.worker_port}"
    by_host = live_server.curl(*cookie, "-H", f"Host: {host}", live_server.credentials["workerUrl"])
    assert by_host.json == {"cookie": "a=1"}
    assert "set-cookie" not in by_host.headers


@pytest.mark.parametrize("target", ["http://x/../y", "/%", "/\\", "//", "/a/../../b"])
def test_odd_addresses_are_refused_and_harm_nothing(live_server, target):
    answer = live_server.curl(
        "--path-as-is", "--request-target", target, live_server.credentials["workerUrl"]
    )
    assert answer.status in (400, 404)
