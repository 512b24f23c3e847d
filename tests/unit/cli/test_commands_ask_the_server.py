"""Commands speak REST with the folder's key, and say in one sentence what went wrong."""

from __future__ import annotations

import json

import pytest

RUN = {"instanceId": "i1", "id": "i1", "status": "complete", "output": {"a": 1}, "error": None}
ENDING = {name: RUN[name] for name in ("instanceId", "status", "output", "error")}


def test_trigger_sends_params_and_prints_the_instance(awaitstep, server, data):
    server.on("POST", "/workflows/wf_1/trigger?wait=5", RUN, 201)
    got = awaitstep(
        *("trigger", "wf_1", "--data", data, "--params", '{"a": [1]}', "--id", "i1"),
        *("--idempotency-key", "k", "--wait", "5", "--json"),
    )
    assert (got.code, got.json, got.err) == (0, ENDING, "")
    asked = server.asked[-1]
    assert asked.body == {"params": {"a": [1]}, "instanceId": "i1"}
    assert asked.headers["authorization"] == "Bearer ask_key"
    assert asked.headers["idempotency-key"] == "k"


def test_trigger_sends_a_priority(awaitstep, server, data):
    server.on("POST", "/workflows/wf_1/trigger", RUN, 201)
    awaitstep("trigger", "wf_1", "--data", data, "--priority", "-5")
    assert server.asked[-1].body == {"priority": -5}
    assert awaitstep("trigger", "wf_1", "--data", data, "--priority", "101").code == 2


def test_restart_sends_where_from_and_what_with(awaitstep, server, data):
    server.on("POST", "/workflows/wf_1/runs/i1/restart", RUN)
    awaitstep("runs", "restart", "wf_1", "i1", "--data", data)
    assert server.asked[-1].body == {"step": None, "count": 1, "onNewest": False}
    awaitstep(
        *("runs", "restart", "wf_1", "i1", "--data", data),
        *("--on-newest", "--step", "Charge", "--count", "2"),
    )
    assert server.asked[-1].body == {"step": "Charge", "count": 2, "onNewest": True}


def test_trigger_without_params_sends_none(awaitstep, server, data):
    server.on("POST", "/workflows/wf_1/trigger", {**RUN, "status": "queued"}, 201)
    got = awaitstep("trigger", "wf_1", "--data", data)
    assert (got.code, got.out) == (0, "i1  queued\n")
    assert server.asked[-1].body == {}


def test_null_params_are_params(awaitstep, server, data):
    server.on("POST", "/workflows/wf_1/trigger", RUN, 201)
    awaitstep("trigger", "wf_1", "--data", data, "--params", "null")
    assert server.asked[-1].body == {"params": None}


def test_waiting_for_a_run_that_fails_is_a_failure(awaitstep, server, data):
    error = {"name": "ValueError", "message": "declined", "step": "Charge", "line": 3}
    failed = {**RUN, "status": "errored", "output": None, "error": error}
    server.on("POST", "/workflows/wf_1/trigger?wait=1", failed, 201)
    got = awaitstep("trigger", "wf_1", "--data", data, "--wait", "1")
    told = "run errored: ValueError: declined in step 'Charge', line 3\n"
    assert (got.code, got.out, got.err) == (1, told, "i1  errored\n")
    as_json = awaitstep("trigger", "wf_1", "--data", data, "--wait", "1", "--json")
    assert as_json.json["error"] == {**error, "code": None, "traceback": None}


def test_the_output_waited_for_is_printed(awaitstep, server, data):
    server.on("POST", "/workflows/wf_1/trigger?wait=1", RUN, 201)
    got = awaitstep("trigger", "wf_1", "--data", data, "--wait", "1")
    assert (got.code, json.loads(got.out), got.err) == (0, {"a": 1}, "i1  complete\n")


def test_a_run_that_goes_on_longer_than_was_waited_is_a_failure(awaitstep, server, data):
    running = {**RUN, "status": "running", "output": None}
    server.on("POST", "/workflows/wf_1/trigger?wait=1", running, 201)
    server.on("GET", "/workflows/wf_1/runs/i1", running)
    sentence = "Run i1 has not ended within 1 s; it goes on."
    got = awaitstep("trigger", "wf_1", "--data", data, "--wait", "1")
    assert (got.code, got.out) == (1, "run running\n")
    assert got.err.splitlines()[-1] == sentence
    as_json = awaitstep("trigger", "wf_1", "--data", data, "--wait", "1", "--json")
    assert (as_json.code, as_json.json["status"]) == (1, "running")
    assert json.loads(as_json.err) == {"error": sentence, "code": "wait.timeout"}


def test_a_name_that_several_workflows_have_is_refused(awaitstep, server, data):
    both = [{"id": "wf_1", "name": "Desk"}, {"id": "wf_2", "name": "Desk"}]
    server.on("GET", "/workflows?limit=100&name=Desk", {"data": both, "nextCursor": None})
    got = awaitstep("runs", "pause", "Desk", "i1", "--data", data)
    assert got.err == "Several workflows are named 'Desk': wf_1, wf_2. Name one by its id.\n"
    assert got.code == 1


@pytest.mark.parametrize("number", [99, 100, 101, 250])
def test_every_step_of_a_long_run_is_listed(awaitstep, server, data, number):
    steps = [{"name": f"s{index}", "attempts": []} for index in range(number)]
    path = "/workflows/wf_1/runs/i1/steps?limit=100"
    for start in range(0, number, 100):
        cursor = f"&cursor={start}" if start else ""
        following = str(start + 100) if start + 100 < number else None
        page = {"data": steps[start : start + 100], "nextCursor": following}
        server.on("GET", path + cursor, page)
    got = awaitstep("runs", "steps", "wf_1", "i1", "--data", data, "--json")
    assert got.json == steps


@pytest.mark.parametrize(
    ("arguments", "wrong", "known"),
    [
        (["runs", "--status", "done"], "'done' is no state", "queued, running, waiting, paused"),
        (["runs", "list", "--status", "Running"], "'Running' is no state", "terminated"),
        (["runs", "bulk", "pause", "wf_1", "--yes", "--status", "x"], "'x' is no state", "queued"),
        (["runs", "bulk", "pause", "wf_1", "--yes", "--trigger", "x"], "no trigger", "schedule"),
    ],
)
def test_an_unknown_filter_is_wrong_use_and_the_known_are_named(
    awaitstep, server, data, arguments, wrong, known
):
    got = awaitstep(*arguments, "--data", data)
    assert got.code == 2
    assert wrong in got.err
    assert known in got.err
    assert server.asked == []


def test_a_workflow_may_be_named(awaitstep, server, data):
    found = {"data": [{"id": "wf_2", "name": "Refund desk"}], "nextCursor": None}
    server.on("GET", "/workflows?limit=100&name=Refund+desk", found)
    server.on("GET", "/workflows?limit=100&name=Nobody", {**found, "data": []})
    server.on("POST", "/workflows/wf_2/runs/i1/pause", {**RUN, "status": "paused"})
    got = awaitstep("runs", "pause", "Refund desk", "i1", "--data", data)
    assert (got.code, got.out.splitlines()[0]) == (0, "i1  paused")
    missing = awaitstep("runs", "pause", "Nobody", "i1", "--data", data)
    assert (missing.code, missing.err) == (1, "There is no workflow named 'Nobody'.\n")


def test_runs_are_listed_as_table_and_as_json(awaitstep, server, data):
    server.on("GET", "/runs?limit=20", {"data": [RUN], "nextCursor": None})
    table = awaitstep("runs", "--data", data)
    assert table.out.splitlines()[0].split() == ["RUN", "WORKFLOW", "STATUS", "TRIGGER", "CREATED"]
    assert awaitstep("runs", "list", "--data", data, "--json").json == [RUN]


def test_stale_runs_say_when_they_were_read(awaitstep, server, data):
    old = {**RUN, "stale": True, "readAt": "2026-11-27T10:00:00Z"}
    rows = [{**RUN, "instanceId": "i0", "stale": False, "readAt": None}, old]
    server.on("GET", "/runs?limit=20", {"data": rows, "nextCursor": None, "away": ["wf_1"]})
    got = awaitstep("runs", "--data", data)
    head, new, stale = got.out.splitlines()
    assert head.endswith("STALE, AS READ")
    assert "2026" not in new
    assert stale.endswith("2026-11-27T10:00:00Z")
    assert got.err == "Can't be asked now, so some runs may be missing or old: wf_1\n"
    assert awaitstep("runs", "list", "--data", data, "--json").json == rows
    server.on("GET", "/workflows/wf_1/runs/i1", old)
    shown = awaitstep("runs", "show", "wf_1", "i1", "--data", data).out
    assert shown.splitlines()[0] == "i1  complete  (stale: as read at 2026-11-27T10:00:00Z)"


def test_a_connection_tells_what_is_otherwise_there(awaitstep, server, data, tmp_path):
    graph = {
        "kind": "workflow",
        "metadata": {"name": "Desk"},
        "entryNodeId": "load",
        "nodes": [{"id": "load", "type": "step", "name": "Load", "data": {"code": "return 1"}}],
        "edges": [],
    }
    file = tmp_path / "desk.json"
    file.write_text(json.dumps({"ir": graph, "entryCode": "return Response('')"}))
    warning = {"severity": "warning", "code": "cloudflare.blocking", "message": "It blocks."}
    server.on("POST", "/validate", {"valid": True, "diagnostics": [warning]})
    asked = ("validate", file, "--connection", "conn_1", "--data", data)
    got = awaitstep(*asked)
    assert (got.code, got.out) == (0, "It blocks. [cloudflare.blocking]\n")
    body = server.asked[-1].body
    assert (body["connectionId"], body["entryCode"]) == ("conn_1", "return Response('')")
    assert [node["id"] for node in body["ir"]["nodes"]] == ["load"]
    error = {**warning, "severity": "error"}
    server.on("POST", "/validate", {"valid": False, "diagnostics": [error]})
    assert awaitstep(*asked).code == 1
    missing = {"error": "There is no such connection.", "code": "connection.not_found"}
    server.on("POST", "/validate", missing, 404)
    refused = awaitstep(*asked)
    assert (refused.code, refused.err) == (1, "There is no such connection.\n")


def test_an_event_is_sent_with_its_payload(awaitstep, server, data):
    server.on("POST", "/workflows/wf_1/runs/i%2F1/events", {}, 202)
    got = awaitstep(
        *("events", "send", "wf_1", "i/1", "approval", "--payload", '{"ok": true}'),
        *("--data", data),
    )
    assert (got.code, got.out) == (0, "sent\n")
    assert server.asked[-1].body == {"type": "approval", "payload": {"ok": True}}


DESK = {
    "kind": "workflow",
    "metadata": {"name": "Desk"},
    "nodes": [{"id": "a-b", "name": "A b", "type": "step", "data": {"code": "return 1"}}],
    "edges": [],
    "entryNodeId": "a-b",
}
LIVE = {"url": "http://x/desk-abc/", "success": True, "warnings": []}
NO_WORKFLOWS = {"data": [], "nextCursor": None}
ONE_WORKFLOW = {"data": [{"id": "wf_9", "name": "Desk"}], "nextCursor": None}


def test_a_graph_file_of_a_new_name_is_imported_and_goes_live(awaitstep, server, data, tmp_path):
    file = tmp_path / "desk.json"
    file.write_text(json.dumps(DESK))
    server.on("GET", "/workflows?limit=100&name=Desk", NO_WORKFLOWS)
    server.on("POST", "/workflows/import", {"id": "wf_9", "name": "Desk"}, 201)
    server.on("POST", "/workflows/wf_9/deploy", LIVE)
    got = awaitstep("deploy", file, "--data", data)
    assert (got.code, got.out) == (0, "wf_9 is live at http://x/desk-abc/\n")
    assert "a_b" in got.err  # what was renamed is told
    assert [asked.body for asked in server.asked[-2:]] == [DESK, {}]


def test_a_graph_file_of_a_known_name_becomes_a_version_in_our_rules(
    awaitstep, server, data, tmp_path
):
    file = tmp_path / "desk.json"
    file.write_text(json.dumps(DESK))
    server.on("GET", "/workflows?limit=100&name=Desk", ONE_WORKFLOW)
    server.on("POST", "/workflows/wf_9/versions", {"id": "ver_9", "version": 2}, 201)
    server.on("POST", "/workflows/wf_9/deploy", LIVE)
    assert awaitstep("deploy", file, "--data", data).code == 0
    version, deployed = [asked.body for asked in server.asked[-2:]]
    assert (version["ir"]["nodes"][0]["id"], version["ir"]["entryNodeId"]) == ("a_b", "a_b")
    assert deployed == {"versionId": "ver_9"}


def test_an_export_file_brings_entry_code_and_packages_along(awaitstep, server, data, tmp_path):
    file = tmp_path / "desk.json"
    exported = {"name": "Desk", "triggerCode": "return 1", "dependencies": ["x>=1"], "ir": DESK}
    file.write_text(json.dumps(exported))
    server.on("GET", "/workflows?limit=100&name=Desk", ONE_WORKFLOW)
    server.on("POST", "/compile", {"code": "…"})
    server.on("POST", "/workflows/wf_9/versions", {"id": "ver_9", "version": 2}, 201)
    server.on("PATCH", "/workflows/wf_9", {"id": "wf_9"})
    server.on("POST", "/workflows/wf_9/deploy", LIVE)
    assert awaitstep("deploy", file, "--data", data).code == 0
    checked, _, changed, _ = [asked.body for asked in server.asked[-4:]]
    assert checked["entryCode"] == "return 1"
    assert changed == {"entryCode": "return 1", "dependencies": ["x>=1"]}


def test_a_graph_without_a_name_is_not_deployed(awaitstep, data, tmp_path):
    file = tmp_path / "desk.json"
    file.write_text('{"nodes": []}')
    got = awaitstep("deploy", file, "--data", data, "--json")
    assert (got.code, json.loads(got.err)["code"]) == (1, "graph.invalid")


def test_problems_of_a_graph_are_listed(awaitstep, server, data, tmp_path):
    file = tmp_path / "desk.json"
    file.write_text('{"metadata": {"name": "Desk"}}')
    server.on("GET", "/workflows?limit=100&name=Desk", NO_WORKFLOWS)
    detail = {"code": "node.unknown", "message": "No such type.", "nodeId": "a", "hint": "step"}
    refused = {"error": "The graph has 1 problem.", "code": "import.invalid", "details": [detail]}
    server.on("POST", "/workflows/import", refused, 422)
    got = awaitstep("deploy", file, "--data", data)
    assert got.code == 1
    assert got.err == "The graph has 1 problem.\n  a: No such type. [node.unknown] (step)\n"
    as_json = awaitstep("deploy", file, "--data", data, "--json")
    assert json.loads(as_json.err) == refused


def test_import_tells_what_was_changed(awaitstep, server, data, tmp_path):
    file = tmp_path / "desk.json"
    file.write_text("{}")
    answer = {
        "id": "wf_1",
        "name": "Desk",
        "renames": [{"from": "step-1", "to": "go", "name": "Go"}],
        "needsPorting": ["go", "entryCode"],
        "notes": [
            {"nodeId": "go", "path": "data.timeout", "message": "It is text."},
            {"nodeId": None, "path": "trigger", "message": "It is a schedule."},
        ],
    }
    server.on("POST", "/workflows/import", answer, 201)
    got = awaitstep("import", file, "--data", data)
    assert (got.code, got.out) == (0, "wf_1  Desk\n")
    assert got.err.splitlines() == [
        "step-1 is now called go (Go)",
        "go: data.timeout: It is text.",
        "trigger: It is a schedule.",
        "go needs porting from TypeScript",
        "entryCode needs porting from TypeScript",
    ]
    as_json = awaitstep("import", file, "--data", data, "--json")
    assert (as_json.json, as_json.err) == (answer, "")


def test_export_writes_the_answer_to_a_file(awaitstep, server, data, tmp_path):
    server.on("GET", "/workflows/wf_1/export", {"kind": "workflow"})
    target = tmp_path / "out.json"
    assert awaitstep("export", "wf_1", "-o", target, "--data", data).code == 0
    assert json.loads(target.read_text()) == {"kind": "workflow"}


@pytest.mark.parametrize(
    ("status", "value", "said"),
    [
        (401, {"error": "The key is not valid.", "code": "auth.invalid"}, "The key is not valid."),
        (502, b"<html>", "The server answered with status 502."),
        (200, b"<html>", "The server's answer is not JSON; is it AwaitStep?"),
        (500, {"error": {"nested": 1}}, "The server answered with status 500."),
    ],
)
def test_a_refusal_is_one_sentence(awaitstep, server, data, status, value, said):
    server.on("GET", "/runs?limit=20", value, status)
    got = awaitstep("runs", "--data", data)
    assert (got.code, got.err, got.out) == (1, said + "\n", "")


def test_a_key_that_the_server_does_not_know_is_said_to_be_that(awaitstep, server, data):
    wants_one = {"error": "Sign in, or send an API key.", "code": "auth.required"}
    server.on("GET", "/runs?limit=20", wants_one, 401)
    got = awaitstep("runs", "--data", data)
    assert (got.code, got.out) == (1, "")
    assert got.err.startswith(f"The server at {server.url} does not know this key: ")
    as_json = json.loads(awaitstep("runs", "--data", data, "--json").err)
    assert as_json["code"] == "auth.required"


def test_control_characters_never_reach_the_terminal(awaitstep, server, data):
    evil = {**RUN, "instanceId": "\x1b[2J\x07"}
    server.on("GET", "/runs?limit=20", {"data": [evil], "nextCursor": None})
    got = awaitstep("runs", "--data", data)
    assert "\x1b" not in got.out
    assert "\x07" not in got.out


def test_a_server_that_is_gone_is_one_sentence(awaitstep, data):
    got = awaitstep("runs", "--url", "http://127.0.0.1:9", "--key", "ask_x", "--data", data)
    assert (got.code, got.err) == (1, "No server answers at http://127.0.0.1:9.\n")


def test_no_credentials_is_one_sentence(awaitstep, tmp_path, monkeypatch):
    for name in ("AWAITSTEP_URL", "AWAITSTEP_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    got = awaitstep("runs", "--data", tmp_path / "none")
    assert got.code == 1
    assert len(got.err.splitlines()) == 1
    assert "No server is known" in got.err


def test_a_folders_key_is_never_sent_to_another_server(awaitstep, server, data):
    got = awaitstep("runs", "--url", "http://127.0.0.1:9", "--data", data)
    assert (got.code, got.err) == (
        1,
        "There is no key for http://127.0.0.1:9; give one with --key.\n",
    )
    assert server.asked == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["trigger", "wf_1", "--params", "{"],
        ["trigger", "wf_1", "--wait", "0"],
        ["trigger"],
        ["nonsense"],
        ["runs", "--limit", "many"],
        ["runs", "--url", "localhost:8080", "--key", "x"],
        ["run", "x.py", "--params", "{"],
    ],
)
def test_wrong_use_exits_with_2(awaitstep, data, arguments):
    got = awaitstep(*arguments)
    assert got.code == 2
    assert "Traceback" not in got.err


LOG = [
    {"at": "2026-11-23T10:00:00Z", "type": "run.created", "epoch": 1},
    {
        "at": "2026-11-23T10:00:01Z",
        "type": "attempt.failed",
        "epoch": 1,
        "step": "Charge",
        "count": 2,
        "attempt": 1,
        "delay": 20.0,
        "error": {
            "name": "ValueError",
            "message": "declined",
            "step": "Charge",
            "line": 3,
            "traceback": "Traceback\n  line 3\x1b[2J\nValueError: declined\n",
        },
    },
    {"at": "2026-11-23T10:00:02Z", "type": "sleep.started", "epoch": 1, "step": "Nap", "count": 1,
     "until": "2026-11-23T11:00:00Z"},
]  # fmt: skip
LINES = """\
2026-11-23T10:00:00Z  run.created
2026-11-23T10:00:01Z  attempt.failed       Charge (2), attempt 1, next in 20 s
    ValueError: declined, line 3
      Traceback
        line 3\ufffd[2J
      ValueError: declined
2026-11-23T10:00:02Z  sleep.started        Nap, until 2026-11-23T11:00:00Z
"""


def test_the_event_log_is_shown_with_tracebacks(awaitstep, server, data):
    path = "/workflows/wf_1/runs/i1/events"
    server.on("GET", f"{path}?limit=100", {"data": LOG[:2], "nextCursor": "more"})
    server.on("GET", f"{path}?limit=100&cursor=more", {"data": LOG[2:], "nextCursor": None})
    got = awaitstep("runs", "events", "wf_1", "i1", "--data", data)
    assert (got.code, got.out) == (0, LINES)
    assert awaitstep("runs", "events", "wf_1", "i1", "--data", data, "--json").json == LOG


def test_an_event_log_is_followed_to_the_end(awaitstep, server, data):
    sent = b": alive\n\n".join(
        b"event: entry\ndata: %b\n\n" % json.dumps(entry).encode() for entry in LOG
    )
    server.on(
        "GET",
        "/workflows/wf_1/runs/i1/events/stream",
        sent + b"event: end\ndata: %b\n\n" % json.dumps(RUN).encode(),
    )
    assert awaitstep("runs", "events", "wf_1", "i1", "-f", "--data", data).out == LINES
    got = awaitstep("runs", "events", "wf_1", "i1", "--follow", "--data", data, "--json")
    assert got.json == LOG


def test_a_failed_run_is_shown_with_its_traceback(awaitstep, server, data):
    run = {**RUN, "status": "errored", "output": None, "error": LOG[1]["error"]}
    server.on("GET", "/workflows/wf_1/runs/i1", run)
    out = awaitstep("runs", "show", "wf_1", "i1", "--data", data).out
    assert "  error: ValueError: declined in step 'Charge', line 3\n    Traceback\n" in out


def test_a_run_is_shown_with_what_it_was_started_with(awaitstep, server, data):
    run = {**RUN, "workflowName": "Desk", "params": {"a": "\u00fc"}, "epoch": 2, "priority": 0}
    server.on("GET", "/workflows/wf_1/runs/i1", run)
    out = awaitstep("runs", "show", "wf_1", "i1", "--data", data).out
    for line in ("workflowName: Desk", 'params: {"a": "\u00fc"}', "epoch: 2", "priority: 0"):
        assert f"  {line}\n" in out


def test_a_traceback_that_several_entries_have_is_shown_once(awaitstep, server, data):
    failed = LOG[1]
    other = {**failed, "error": {**failed["error"], "traceback": "Traceback\n  line 9\n"}}
    log = [failed, {**failed, "attempt": 2}, other, {**failed, "type": "run.errored"}]
    path = "/workflows/wf_1/runs/i1/events"
    server.on("GET", f"{path}?limit=100", {"data": log, "nextCursor": None})
    out = awaitstep("runs", "events", "wf_1", "i1", "--data", data).out
    assert out.count("ValueError: declined, line 3") == 4
    assert (out.count("  line 3"), out.count("  line 9")) == (1, 1)
