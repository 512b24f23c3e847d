"""The command line against a real server, from a graph file to a finished run."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
GRAPH = {
    "kind": "workflow",
    "metadata": {"name": "Desk by command"},
    "entryNodeId": "first",
    "nodes": [
        {
            "id": "first",
            "type": "step",
            "name": "First",
            "position": {"x": 0, "y": 0},
            "data": {"code": "return event['payload']"},
        },
        {
            "id": "gate",
            "type": "wait_for_event",
            "name": "Gate",
            "position": {"x": 0, "y": 0},
            "data": {"eventType": "go"},
        },
    ],
    "edges": [{"id": "e1", "source": "first", "target": "gate"}],
}


def ok(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_deploy_trigger_watch_send_and_steer(live_server, tmp_path):
    run = live_server.awaitstep
    file = tmp_path / "desk.json"
    file.write_text(json.dumps(GRAPH))
    first = ok(run("deploy", str(file), "--json"))
    again = ok(run("deploy", str(file), "--json"))
    assert first["workflowId"] == again["workflowId"]
    assert first["deploymentId"] != again["deploymentId"]

    name = "Desk by command"
    started = ok(run("trigger", name, "--params", '{"a": 1}', "--id", "one", "--json"))
    assert started["instanceId"] == "one"
    same = ok(run("trigger", name, "--params", '{"a": 1}', "--id", "one", "--json"))
    assert same["id"] == started["id"]
    taken = run("trigger", name, "--params", '{"a": 2}', "--id", "one", "--json")
    assert taken.returncode == 1
    assert json.loads(taken.stderr)["code"] == "instance.already_exists"

    ok(run("runs", "pause", name, "one", "--json"))
    refused = run("runs", "pause", name, "one", "--json")
    assert json.loads(refused.stderr)["code"] == "run.state"
    ok(run("runs", "resume", name, "one", "--json"))
    assert run("events", "send", name, "one", "go", "--payload", "[1]").returncode == 0
    assert live_server.ended(first["workflowId"], "one")["output"]["payload"] == [1]
    assert [step["name"] for step in ok(run("runs", "steps", name, "one", "--json"))] == [
        "First",
        "Gate",
    ]
    listed = ok(run("runs", "--workflow", name, "--status", "complete", "--json"))
    assert [item["instanceId"] for item in listed] == ["one"]
    assert "complete" in run("runs", "show", name, "one").stdout
    ok(run("runs", "restart", name, "one", "--json"))
    ok(run("trigger", name, "--id", "two", "--json"))
    assert ok(run("runs", "terminate", name, "two", "--json"))["status"] == "terminated"


def test_a_foreign_export_goes_live_as_a_new_workflow_and_as_its_next_version(
    live_server, tmp_path
):
    run = live_server.awaitstep
    file = tmp_path / "orders.ir.json"
    step = {"id": "step-1", "type": "step", "name": "Go", "data": {"code": "return 1"}}
    graph = {"metadata": {"name": "Foreign"}, "entryNodeId": "step-1", "nodes": [step], "edges": []}
    file.write_text(json.dumps({"name": "Foreign", "ir": graph, "dependencies": []}))
    for version in (1, 2):
        deployed = run("deploy", str(file), "--json")
        assert deployed.stderr == "step-1 is now called go (Go)\n"
        workflow = ok(deployed)["workflowId"]
        instance = f"as-{version}"
        ok(run("trigger", "Foreign", "--id", instance, "--json"))
        assert live_server.ended(workflow, instance)["output"] == 1
        full = live_server.api("GET", f"/workflows/{workflow}/full").json
        assert full["version"]["version"] == version


def test_many_runs_are_steered_by_one_command(live_server, tmp_path):
    run = live_server.awaitstep
    file = tmp_path / "desk.json"
    file.write_text(json.dumps({**GRAPH, "metadata": {"name": "Many"}}))
    workflow = ok(run("deploy", str(file), "--json"))["workflowId"]
    for number in range(60):
        body = {"instanceId": f"m{number}"}
        assert live_server.api("POST", f"/workflows/{workflow}/trigger", body).status == 201

    def bulk(*arguments):
        return ok(run("runs", "bulk", *arguments, "--json"))

    def count(**numbers):
        return {"done": 0, "failed": 0, "skipped": 0, "errors": [], "dryRun": False, **numbers}

    assert bulk("pause", "Many", "--dry-run") == count(done=60, dryRun=True)
    assert bulk("pause", "Many", "--yes")["done"] == 60
    live_server.until(lambda: bulk("resume", "Many", "--dry-run")["done"] == 60)
    assert bulk("resume", "Many", "--yes") == count(done=60)
    assert bulk("terminate", "Many", "--yes") == count(done=60)
    newest = ok(run("deploy", str(file), "--json"))["deploymentId"]
    moved = ok(run("runs", "restart", "Many", "m0", "--on-newest", "--json"))
    assert moved["deploymentId"] == newest
    chosen = ["--deployment-id", newest, "--created-after", "2020-01-01T00:00:00Z"]
    assert bulk("terminate", "Many", *chosen, "--yes") == count(done=1)
    assert run("runs", "delete", "Many", "m0").returncode == 0
    assert json.loads(run("runs", "show", "Many", "m0", "--json").stderr)["code"] == "run.not_found"
    assert bulk("delete", "Many", "--status", "terminated", "--yes") == count(done=59)
    assert ok(run("runs", "--workflow", "Many", "--json")) == []


def test_keys_are_made_listed_and_removed(live_server):
    run = live_server.awaitstep
    made = ok(run("keys", "create", "for a test", "--scope", "read", "--json"))
    assert made["key"].startswith("ask_")
    assert live_server.api("GET", "/workflows", key=made["key"]).status == 200
    assert made["id"] in [key["id"] for key in ok(run("keys", "--json"))]
    assert run("keys", "delete", made["id"]).returncode == 0
    assert live_server.api("GET", "/workflows", key=made["key"]).status == 401
    assert run("keys", "create", "x", "--scope", "admin").returncode == 2


def test_export_and_import_are_inverse(live_server, tmp_path):
    run = live_server.awaitstep
    file = tmp_path / "hello.json"
    file.write_text((ROOT / "examples/hello/graph.json").read_text())
    made = ok(run("deploy", str(file), "--json"))
    exported = tmp_path / "export.json"
    assert run("export", made["workflowId"], "-o", str(exported)).returncode == 0
    imported = ok(run("import", str(exported), "--json"))
    assert imported["id"] != made["workflowId"]
    again = ok(run("export", imported["id"]))
    assert again["ir"] == json.loads(exported.read_text())["ir"]


MODULE = """
from workers import Response, WorkerEntrypoint, WorkflowEntrypoint


class Greeter(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do("greet", config={"retries": {"limit": 1, "delay": 10}})
        async def greet(ctx):
            if ctx["attempt"] == 1:
                raise ValueError("not yet")
            return "hello " + event["payload"]["name"]

        return await greet()


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        instance = await self.env.WORKFLOW.create(params={"name": "the web"})
        return Response.json({"instanceId": instance.id})
"""


def test_a_module_runs_on_the_server_that_is_there(live_server, tmp_path):
    run = live_server.awaitstep
    file = tmp_path / "greeter.py"
    file.write_text(MODULE)
    done = run("run", str(file), "--params", '{"name": "you"}', "--json")
    answer = ok(done)
    assert answer["output"] == "hello you"
    assert "attempt 1 failed: ValueError: not yet (line 10)" in done.stderr
    listed = ok(run("runs", "--workflow", "greeter", "--json"))
    assert [item["instanceId"] for item in listed] == [answer["instanceId"]]

    # the same source is live already; a changed one becomes a version and is put live
    live = ok(run("deploy", str(file), "--json"))
    file.write_text(MODULE.replace("hello", "hallo"))
    changed = ok(run("deploy", str(file), "--json"))
    assert changed["deploymentId"] != live["deploymentId"]
    assert ok(run("deploy", str(file), "--json")) == changed
    file.write_text(MODULE.replace("hello", "good day,"))
    assert ok(run("run", str(file), "--params", '{"name": "you"}', "--json"))["output"] == (
        "good day, you"
    )
    started = live_server.curl("-X", "POST", live["url"])
    assert live_server.ended(live["workflowId"], started.json["instanceId"])["output"] == (
        "good day, the web"
    )

    # it leaves and comes back like any other
    exported = tmp_path / "export.json"
    assert run("export", "greeter", "-o", str(exported)).returncode == 0
    assert ok(run("import", str(exported), "--json"))["name"] == "greeter"

    # a journal of its own cannot be the server's
    own = run("run", str(file), "--own-journal", "--json")
    assert json.loads(own.stderr)["code"] == "journal.locked"
    assert len(ok(run("runs", "--workflow", live["workflowId"], "--json"))) == 3


def test_a_variable_that_is_not_set_is_told_and_asked_for_once(live_server, tmp_path):
    run = live_server.awaitstep
    file = tmp_path / "asks.json"
    step = {**GRAPH["nodes"][0], "data": {"code": "return env.ASKED_FOR"}}
    graph = {**GRAPH, "metadata": {"name": "Asks"}, "nodes": [step], "edges": []}
    file.write_text(json.dumps(graph))
    told = "first: The variable ASKED_FOR is read but not set. [env_var.missing]"
    assert f"warning: {told}" in run("deploy", str(file)).stderr
    deployed = ok(run("deploy", str(file), "--json"))
    assert [warning["nodeId"] for warning in deployed["warnings"]] == ["first"]
    failed = run("trigger", "Asks", "--id", "one", "--wait", "60", "--json")
    assert (failed.returncode, json.loads(failed.stdout)["status"]) == (1, "errored")
    [recorded] = ok(run("runs", "steps", "Asks", "one", "--json"))
    assert len(recorded["attempts"]) == 1

    set_now = {"envVars": [{"name": "ASKED_FOR", "value": "here"}]}
    at = f"/workflows/{deployed['workflowId']}"
    assert live_server.api("PATCH", at, set_now).status == 200
    assert ok(run("deploy", "Asks", "--json"))["warnings"] == []
    assert ok(run("trigger", "Asks", "--wait", "60", "--json"))["output"] == "here"


def test_a_module_in_the_place_of_a_drawing_is_deployed_as_it_stands(live_server, tmp_path):
    source = "from workers import WorkflowEntrypoint\nclass Hand(WorkflowEntrypoint):\n"
    source += "  async def run(self, event, step): return {}\n"
    file = tmp_path / "hand.json"
    for answer in (1, 2):  # made, then a version more
        module = {"module": source.format(answer), "className": "Hand"}
        file.write_text(json.dumps({"kind": "workflow", "metadata": {"name": "Hand"}, **module}))
        made = live_server.awaitstep("deploy", str(file), "--json")
        assert made.returncode == 0, made.stderr
        ran = live_server.awaitstep("trigger", "Hand", "--wait", "30", "--json")
        assert json.loads(ran.stdout)["output"] == answer


def test_a_module_with_problems_leaves_nothing_behind(live_server, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("from workers import WorkflowEntrypoint\nclass A(WorkflowEntrypoint):\n  x = (")
    refused = live_server.awaitstep("deploy", str(file), "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stderr)["code"] == "module.invalid"
    names = [item["name"] for item in live_server.api("GET", "/workflows").json["data"]]
    assert "broken" not in names
    answer = live_server.api(
        "POST",
        "/validate",
        {"ir": {"kind": "workflow", "metadata": {"name": "x"}, "module": "x = 1"}},
    )
    assert [found["code"] for found in answer.json["diagnostics"]] == ["module.class_missing"]
