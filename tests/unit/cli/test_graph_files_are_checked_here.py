"""`validate` and `compile` need no server."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HELLO = ROOT / "examples/hello/graph.json"


def test_a_good_graph_has_no_problems(awaitstep):
    got = awaitstep("validate", HELLO, "--json")
    assert (got.code, got.json) == (0, {"valid": True, "diagnostics": []})
    assert awaitstep("validate", HELLO).out == "no problems\n"


def test_all_problems_are_printed_at_once(awaitstep, tmp_path):
    graph = json.loads(HELLO.read_text())
    graph["nodes"][0]["type"] = "nonsense"
    graph["nodes"][1]["data"]["duration"] = "soon"
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(graph))
    got = awaitstep("validate", file, "--json")
    assert got.code == 1
    assert {problem["nodeId"] for problem in got.json["diagnostics"]} >= {"guest", "nap"}
    compiled = awaitstep("compile", file, "--json")
    assert compiled.code == 1
    assert len(json.loads(compiled.err)["details"]) >= 2


def test_a_graph_is_compiled_to_a_module(awaitstep, tmp_path):
    printed = awaitstep("compile", HELLO)
    assert printed.code == 0
    ast.parse(printed.out)
    target = tmp_path / "worker.py"
    assert awaitstep("compile", HELLO, "-o", target).code == 0
    assert target.read_text() == printed.out
    assert awaitstep("compile", HELLO, "--json").json == {"code": printed.out}


def test_what_is_no_graph_is_one_sentence(awaitstep, tmp_path):
    for content in (None, "{", "[1"):
        file = tmp_path / "graph.json"
        if content is not None:
            file.write_text(content)
        for command in ("validate", "compile"):
            got = awaitstep(command, file)
            assert got.code == 1
            assert len(got.err.splitlines()) == 1


def test_compiled_examples_run(awaitstep, tmp_path):
    module = tmp_path / "worker.py"
    awaitstep("compile", HELLO, "-o", module)
    got = awaitstep("run", module, "--params", '{"name": "Ada"}')
    assert (got.code, json.loads(got.out)) == (0, {"greeting": "Hello, Ada!"})


FOREIGN = {
    "metadata": {"name": "Orders"},
    "entryNodeId": "step-1",
    "nodes": [{"id": "step-1", "type": "step", "name": "Go", "data": {"code": "const x = 1;"}}],
    "edges": [],
}


def test_a_foreign_export_is_adopted_first_and_that_is_told(awaitstep, tmp_path):
    file = tmp_path / "orders.ir.json"
    wrapped = {"name": "Orders", "ir": FOREIGN, "triggerCode": "return new Response(null)"}
    for content in (FOREIGN, {**FOREIGN, "entryCode": wrapped["triggerCode"]}, wrapped):
        file.write_text(json.dumps(content))
        checked = awaitstep("validate", file, "--json")
        assert (checked.code, checked.json["valid"]) == (0, True)
        found = [problem["code"] for problem in checked.json["diagnostics"]]
        told = ["step-1 is now called go (Go)", "go needs porting from TypeScript"]
        if content is not FOREIGN:
            told.append("entryCode needs porting from TypeScript")
        assert found == ["code.needs_porting"] * (len(told) - 1)
        assert checked.err.splitlines() == told
        compiled = awaitstep("compile", file)
        assert (compiled.code, compiled.err.splitlines()) == (0, told)
        assert "# const x = 1;" in compiled.out
        assert ("# return new Response(null)" in compiled.out) == (content is not FOREIGN)


def test_a_foreign_export_is_adopted_before_it_is_ejected(awaitstep, tmp_path):
    file = tmp_path / "desk.json"
    file.write_text(json.dumps({"name": "Desk", "ir": FOREIGN}))
    got = awaitstep("eject", file, tmp_path / "desk")
    assert got.code == 0
    assert got.err.splitlines()[0] == "step-1 is now called go (Go)"
    assert "# const x = 1;" in (tmp_path / "desk" / "worker.py").read_text()


@pytest.fixture
def greeter(tmp_path):
    """A graph with the node type of the documentation, and a data folder that has this type."""
    page = (ROOT / "docs/how-to/write-a-custom-node.md").read_text()
    folder = tmp_path / "data" / "nodes" / "greet"
    folder.mkdir(parents=True)
    (folder / "node.json").write_text(re.search(r"```json\n(.*?)```", page, re.S)[1])
    (folder / "template.py").write_text(re.search(r"```python\n(.*?)```", page, re.S)[1])
    data = {"url": "http://127.0.0.1:1", "token": "{{env.KEY}}", "guestName": "Ada"}
    node = {"id": "hi", "type": "greet", "name": "Hi", "position": {"x": 0, "y": 0}, "data": data}
    graph = {"kind": "workflow", "metadata": {"name": "Greeter"}, "entryNodeId": "hi"}
    file = tmp_path / "greeter.json"
    file.write_text(json.dumps({**graph, "nodes": [node], "edges": []}))
    return file, tmp_path / "data"


def test_custom_nodes_of_a_data_folder_are_known(awaitstep, greeter, tmp_path, monkeypatch):
    monkeypatch.delenv("AWAITSTEP_DATA", raising=False)
    file, data = greeter
    assert awaitstep("validate", file, "--data", data).out == "no problems\n"
    assert "async def greet(" in awaitstep("compile", file, "--data", data).out
    project = tmp_path / "project"
    assert awaitstep("eject", file, project, "--data", data).code == 0
    assert any("async def greet(" in made.read_text() for made in project.rglob("*.py"))
    elsewhere = awaitstep("validate", file, "--data", tmp_path / "none", "--json")
    assert elsewhere.code == 1
    assert {problem["code"] for problem in elsewhere.json["diagnostics"]} == {"node.type_unknown"}
    monkeypatch.setenv("AWAITSTEP_DATA", str(data))
    assert awaitstep("validate", file).code == 0


def test_a_broken_custom_node_is_told_and_left_out(awaitstep, greeter):
    file, data = greeter
    (data / "nodes/greet/template.py").write_text("def other(): pass")
    got = awaitstep("validate", file, "--data", data)
    assert got.code == 1
    assert "a custom node type is left out: greet" in got.err
