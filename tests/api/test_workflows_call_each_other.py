"""Workflows that start others and functions that answer them, over REST on a real server."""

from __future__ import annotations

import signal
from itertools import pairwise
from typing import Any

from .test_conversations import node


def drawn(name: str, *nodes: dict[str, Any], kind: str = "workflow") -> dict[str, Any]:
    ids = [each["id"] for each in nodes]
    return {
        "kind": kind,
        "metadata": {"name": name},
        "entryNodeId": ids[0],
        "nodes": list(nodes),
        "edges": [
            {"id": f"e{number}", "source": one, "target": two}
            for number, (one, two) in enumerate(pairwise(ids))
        ],
    }


def code(text: str, id: str = "does", **data: Any) -> dict[str, Any]:
    return node(id, "step", {"code": text, "retryLimit": 0, **data})


def calls(workflow: str, id: str = "call", **data: Any) -> dict[str, Any]:
    return node(id, "sub_workflow", {"workflowId": workflow, **data})


def started(server: Any, workflow: str, **params: Any) -> str:
    answer = server.api("POST", f"/workflows/{workflow}/trigger", {"params": params})
    assert answer.status == 201, answer.text
    return str(answer.json["instanceId"])


def runs_of(server: Any, workflow: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.api("GET", f"/workflows/{workflow}/runs").json["data"]
    return found


def test_a_child_answers_its_parent_whatever_it_is_called_by_then(live_server: Any) -> None:
    child = live_server.deploy(drawn("Child", code('return event["payload"]["n"] * 2')))
    parent = live_server.deploy(
        drawn("Parent", calls(child["id"], input={"n": "{{event.payload.n}}"}), code("return call"))
    )
    renamed = live_server.api("PATCH", f"/workflows/{child['id']}", {"name": "Renamed"})
    assert renamed.status == 200
    run = live_server.ended(parent["id"], started(live_server, parent["id"], n=21))
    assert (run["status"], run["output"]) == ("complete", 42)
    (called,) = runs_of(live_server, child["id"])
    assert (called["trigger"], called["params"]) == ("workflow", {"n": 21})
    parent_of = {"workflowId": parent["id"], "instanceId": run["instanceId"]}
    assert (called["parent"], run["parent"]) == (parent_of, None)
    steps = live_server.api(
        "GET", f"/workflows/{parent['id']}/runs/{run['instanceId']}/steps"
    ).json["data"]
    assert [(step["name"], step["type"], step["nodeId"]) for step in steps] == [
        ("call", "do", "call"),
        ("call · result", "wait", "call"),
        ("does", "do", "does"),
    ]


def test_a_new_deployment_of_the_child_is_the_one_that_is_called(live_server: Any) -> None:
    child = live_server.deploy(drawn("Versions", code("return 1")))
    parent = live_server.deploy(drawn("Asks for a version", calls(child["id"])))
    assert live_server.ended(parent["id"], started(live_server, parent["id"]))["output"] == 1
    version = {"ir": drawn("Versions", code("return 2"))}
    assert live_server.api("POST", f"/workflows/{child['id']}/versions", version).status == 201
    assert live_server.api("POST", f"/workflows/{child['id']}/deploy", {}).status == 200
    assert live_server.ended(parent["id"], started(live_server, parent["id"]))["output"] == 2


def test_a_childs_failure_is_raised_with_its_own_message(live_server: Any) -> None:
    child = live_server.deploy(drawn("Fails", code('raise LookupError("no such order")')))
    parent = live_server.deploy(drawn("Parent of one that fails", calls(child["id"])))
    run = live_server.ended(parent["id"], started(live_server, parent["id"]))
    assert run["status"] == "errored"
    assert run["error"]["name"] == "ChildFailed"
    assert run["error"]["message"] == "no such order"


def test_terminating_a_parent_reaches_its_child(live_server: Any) -> None:
    nap = node("nap", "sleep", {"duration": "1 hour"})
    child = live_server.deploy(drawn("Sleeper", nap))
    parent = live_server.deploy(drawn("Parent of a sleeper", calls(child["id"])))
    run = started(live_server, parent["id"])
    live_server.until(lambda: bool(runs_of(live_server, child["id"])))
    ended = live_server.api("POST", f"/workflows/{parent['id']}/runs/{run}/terminate")
    assert ended.status == 200, ended.text
    (called,) = runs_of(live_server, child["id"])
    assert called["status"] == "terminated"


def test_a_run_that_is_not_waited_for_is_on_its_own(live_server: Any) -> None:
    gate = node("gate", "wait_for_event", {"eventType": "go"})
    child = live_server.deploy(drawn("Independent", gate))
    parent = live_server.deploy(drawn("Starter", calls(child["id"], waitForCompletion=False)))
    run = live_server.ended(parent["id"], started(live_server, parent["id"]))
    (called,) = runs_of(live_server, child["id"])
    assert run["output"] == {"instanceId": called["instanceId"]}
    assert called["parent"] is None
    assert called["status"] in ("queued", "running", "waiting")


def test_what_is_not_there_is_refused_when_it_is_deployed(live_server: Any) -> None:
    function = live_server.deploy(drawn("A function", code("return 1"), kind="script"))
    for workflow, problem in (("wf_nowhere", "call.unknown"), (function["id"], "call.kind")):
        graph = drawn("Calls wrongly", calls(workflow))
        made = live_server.api("POST", "/workflows", {"name": "Calls wrongly", "ir": graph})
        answer = live_server.api("POST", f"/workflows/{made.json['id']}/deploy", {})
        assert (answer.status, answer.json["code"]) == (422, problem), answer.text


def test_what_is_not_live_yet_is_tried_again_until_it_is(live_server: Any) -> None:
    graph = drawn("Late", code("return 'late'"))
    late = live_server.api("POST", "/workflows", {"name": "Late", "ir": graph}).json["id"]
    parent = live_server.deploy(
        drawn("Early", calls(late, retryDelay="1 second", backoff="constant"))
    )
    run = started(live_server, parent["id"])

    def refused() -> bool:
        seen = live_server.api("GET", f"/workflows/{parent['id']}/runs/{run}").json
        return "not deployed" in str((seen["error"] or {}).get("message"))

    live_server.until(refused)
    assert live_server.api("POST", f"/workflows/{late}/deploy", {}).status == 200
    assert live_server.ended(parent["id"], run)["output"] == "late"


def test_a_function_answers_requests_and_workflows(live_server: Any) -> None:
    function = live_server.deploy(
        drawn(
            "Prices",
            code('return event["payload"]["skus"]', "skus"),
            code('return {"prices": {sku: len(sku) for sku in skus}}', "prices"),
            kind="script",
        )
    )
    asked = live_server.curl(
        *("-X", "POST", function["url"], "-H", "Content-Type: application/json"),
        *("-d", '{"skus": ["a", "bcd"]}'),
    )
    assert (asked.status, asked.json) == (200, {"prices": {"a": 1, "bcd": 3}})
    parent = live_server.deploy(
        drawn(
            "Asks for prices",
            node("ask", "sub_script", {"workflowId": function["id"], "body": {"skus": ["xy"]}}),
            code('return [ask["status"], ask["json"]]'),
        )
    )
    run = live_server.ended(parent["id"], started(live_server, parent["id"]))
    assert run["output"] == [200, {"prices": {"xy": 2}}]


def test_a_function_says_its_own_status_and_hides_its_faults(live_server: Any) -> None:
    function = live_server.deploy(
        drawn(
            "Chooses a status",
            code(
                'if event["payload"].get("fail"):\n    raise ValueError("secret detail")\n'
                'return Response(event["method"], status=418)'
            ),
            kind="script",
        )
    )
    answer = live_server.curl(f"{function['url']}?x=1")
    assert (answer.status, answer.text) == (418, "GET")
    failed = live_server.curl("-X", "POST", function["url"], "-d", '{"fail": 1}')
    assert failed.status == 500
    assert "secret detail" not in failed.text
    parent = live_server.deploy(
        drawn(
            "Asks a function that fails",
            node(
                "ask",
                "sub_script",
                {"workflowId": function["id"], "body": {"fail": 1}, "failOn": None},
            ),
            code('return ask["status"]'),
        )
    )
    assert live_server.ended(parent["id"], started(live_server, parent["id"]))["output"] == 500


def test_a_function_has_no_runs(live_server: Any) -> None:
    function = live_server.deploy(drawn("No runs", code("return 1"), kind="script"))
    answer = live_server.api("POST", f"/workflows/{function['id']}/trigger", {})
    assert (answer.status, answer.json["code"]) == (409, "workflow.is_function")
    assert runs_of(live_server, function["id"]) == []


def test_a_child_is_started_once_and_heard_of_though_the_server_is_killed(new_server: Any) -> None:
    server = new_server("--no-example")
    gate = node("gate", "wait_for_event", {"eventType": "go"})
    child = server.deploy(drawn("Child", gate, code('return gate["payload"]')))
    parent = server.deploy(drawn("Parent", calls(child["id"]), code("return [call]")))
    instances = [started(server, parent["id"]) for _ in range(5)]
    server.stop(signal.SIGKILL)
    server.start()
    server.until(lambda: len(runs_of(server, child["id"])) == 5)
    server.stop(signal.SIGKILL)
    server.start()
    for number, run in enumerate(runs_of(server, child["id"])):
        sent = server.api(
            "POST",
            f"/workflows/{child['id']}/runs/{run['instanceId']}/events",
            {"type": "go", "payload": number},
        )
        assert sent.status in (200, 202, 204), sent.text
    server.stop(signal.SIGKILL)
    server.start()
    outputs = [server.ended(parent["id"], instance)["output"] for instance in instances]
    assert sorted(outputs) == [[number] for number in range(5)]
    assert len(runs_of(server, child["id"])) == 5


def asks(function: str, **data: Any) -> dict[str, Any]:
    return node("ask", "sub_script", {"workflowId": function, "retryLimit": 0, **data})


def test_functions_that_call_each_other_in_a_circle_say_so(live_server: Any) -> None:
    circle = live_server.deploy(drawn("Circle", code("return 1"), kind="script"))
    other = live_server.deploy(drawn("Half", asks(circle["id"]), kind="script"))
    back = {"ir": drawn("Circle", asks(other["id"]), kind="script")}
    assert live_server.api("POST", f"/workflows/{circle['id']}/versions", back).status == 201
    assert live_server.api("POST", f"/workflows/{circle['id']}/deploy", {}).status == 200
    assert live_server.curl(circle["url"]).status == 500
    parent = live_server.deploy(drawn("Asks the circle", asks(circle["id"])))
    run = live_server.ended(parent["id"], started(live_server, parent["id"]))
    assert "(function.too_deep)" in run["error"]["message"]
    fine = live_server.deploy(drawn("Not in the circle", code("return 2"), kind="script"))
    assert live_server.curl(fine["url"]).json == 2


def test_what_a_function_answers_without_a_body_is_kept(live_server: Any) -> None:
    text = "return Response(None, status=204)"
    function = live_server.deploy(drawn("Says nothing", code(text), kind="script"))
    for method in ("HEAD", "OPTIONS", "DELETE", "GET"):
        parent = live_server.deploy(
            drawn(f"Asks by {method}", asks(function["id"], method=method), code("return ask"))
        )
        run = live_server.ended(parent["id"], started(live_server, parent["id"]))
        assert (run["output"]["status"], run["output"]["body"]) == (204, ""), run


def test_an_answer_of_the_largest_size_reaches_the_parent(live_server: Any) -> None:
    size = 1024 * 1024 - 2
    child = live_server.deploy(drawn("Large", code(f'return "x" * {size}')))
    parent = live_server.deploy(drawn("Reads large", calls(child["id"]), code("return len(call)")))
    run = live_server.ended(parent["id"], started(live_server, parent["id"]))
    assert run["output"] == size, run["error"]


def test_ids_that_differ_in_case_only_call_what_they_name(live_server: Any) -> None:
    one = live_server.deploy(drawn("One", code("return 1")))
    two = live_server.deploy(drawn("Zwei é", code("return 2")))
    parent = live_server.deploy(
        drawn(
            "Both",
            calls(one["id"], "ship"),
            calls(two["id"], "SHIP"),
            calls(one["id"], "schiff_é"),
            code("return [ship, SHIP, schiff_é]"),
        )
    )
    run = live_server.ended(parent["id"], started(live_server, parent["id"]))
    assert run["output"] == [1, 2, 1], run["error"]


def test_parents_of_two_workflows_with_one_instance_id_have_a_child_each(live_server: Any) -> None:
    child = live_server.deploy(drawn("Shared", code('return event["payload"]["n"]')))
    for number in (1, 2):
        graph = drawn(f"Parent {number}", calls(child["id"], input={"n": number}))
        parent = live_server.deploy(graph)
        body = {"params": {}, "instanceId": "order-1"}
        assert live_server.api("POST", f"/workflows/{parent['id']}/trigger", body).status == 201
        assert live_server.ended(parent["id"], "order-1")["output"] == number
