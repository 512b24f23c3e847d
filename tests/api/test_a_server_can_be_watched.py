"""A real server is watched from outside: event logs, metrics, spans."""

from __future__ import annotations

import json

GRAPH = {
    "kind": "workflow",
    "metadata": {"name": "Watched"},
    "entryNodeId": "first",
    "nodes": [
        {
            "id": "first",
            "type": "step",
            "name": "First",
            "position": {"x": 0, "y": 0},
            "data": {
                "code": "print('hello')\ntotal = event['payload']['total']\nreturn 100 / total",
                "retryLimit": 0,
            },
        },
    ],
    "edges": [],
}
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def test_a_failed_run_is_found_in_every_place(new_server, collector):
    server = new_server(
        "--no-example", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, NO_PROXY="127.0.0.1"
    )
    workflow = server.deploy(GRAPH)["id"]
    started = server.api(
        "POST",
        f"/workflows/{workflow}/trigger",
        {"params": {"total": 0}, "instanceId": "bad"},
        traceparent=f"00-{TRACE}-{SPAN}-01",
    )
    assert started.status == 201, started.text
    error = server.ended(workflow, "bad")["error"]
    code = server.api("GET", f"/workflows/{workflow}/versions/1/code").json["code"]
    line = code.splitlines()[error["line"] - 1]
    assert line.strip() == "return 100 / total"
    assert line.strip() in error["traceback"]
    assert error["traceback"].endswith("ZeroDivisionError: division by zero\n")

    (step,) = server.api("GET", f"/workflows/{workflow}/runs/bad/steps").json["data"]
    (attempt,) = step["attempts"]
    assert [each["text"] for each in attempt["logs"]] == ["hello"]
    assert attempt["startedAt"] <= attempt["endedAt"]
    assert (attempt["delay"], attempt["error"]["line"]) == (None, error["line"])

    done = server.awaitstep("runs", "events", "Watched", "bad", "--json")
    log = json.loads(done.stdout)
    assert [entry["type"] for entry in log] == [
        "run.created",
        "run.started",
        "attempt.started",
        "attempt.failed",
        "step.failed",
        "run.errored",
    ]
    assert {entry.get("nodeId") for entry in log} == {None, "first"}
    followed = server.awaitstep("runs", "events", "Watched", "bad", "--follow")
    assert "return 100 / total" in followed.stdout

    assert server.curl(f"{server.url}/metrics").status == 401
    key = f"Authorization: Bearer {server.key('read')}"
    metrics = server.curl("-H", key, f"{server.url}/metrics").text
    assert (
        f'awaitstep_runs_ended_total{{engine="local",status="errored",workflow="{workflow}"}} 1.0'
        in metrics
    )
    assert server.stop() == 0

    assert {span.name for span in collector.spans} >= {"First", "attempt 1"}
    (run,) = [span for span in collector.spans if span.name.startswith("run ")]
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == (TRACE, SPAN)


def test_metrics_are_open_where_configured(new_server):
    server = new_server("--no-example", "--open-metrics")
    assert "awaitstep_runners_ready" in server.curl(f"{server.url}/metrics").text
