"""`eject` fills a folder completely or leaves it as it was, and never writes outside of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

HELLO = Path(__file__).parents[3] / "examples/hello/graph.json"


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_folder_is_made_with_its_parents(awaitstep, tmp_path):
    folder = tmp_path / "new" / "project"
    got = awaitstep("eject", HELLO, folder, "--json")
    assert got.code == 0
    assert got.json["folder"] == str(folder)
    assert "worker.py" in got.json["files"]
    assert all((folder / name).is_file() for name in got.json["files"])
    assert names(folder.parent) == ["project", *(f"project/{name}" for name in names(folder))]


def test_an_empty_folder_is_filled(awaitstep, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    assert awaitstep("eject", HELLO, folder).code == 0
    assert (folder / "worker.py").is_file()


def test_a_folder_that_holds_something_is_refused_unless_forced(awaitstep, tmp_path):
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    (folder / "worker.py").write_text("old")
    got = awaitstep("eject", HELLO, folder, "--json")
    assert (got.code, json.loads(got.err)["code"]) == (1, "folder.filled")
    assert names(folder) == ["mine.txt", "worker.py"]
    assert awaitstep("eject", HELLO, folder, "--force").code == 0
    assert (folder / "mine.txt").read_text() == "mine"
    assert "class Hello" in (folder / "worker.py").read_text()
    assert names(tmp_path) == sorted({"full", *(f"full/{name}" for name in names(folder))})


def test_links_do_not_lead_out_of_the_folder(awaitstep, tmp_path):
    folder, outside = tmp_path / "project", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "tests").symlink_to(outside)
    got = awaitstep("eject", HELLO, folder, "--force", "--json")
    assert (got.code, json.loads(got.err)["code"]) == (1, "folder.invalid")
    assert names(outside) == []
    assert names(folder) == ["tests"]


def test_what_is_in_the_way_stops_all(awaitstep, tmp_path):
    folder = tmp_path / "project"
    (folder / "wrangler.jsonc").mkdir(parents=True)
    assert awaitstep("eject", HELLO, folder, "--force").code == 1
    assert names(folder) == ["wrangler.jsonc"]
    file = tmp_path / "file"
    file.write_text("x")
    assert awaitstep("eject", HELLO, file, "--force").code == 1
    assert file.read_text() == "x"


def test_a_failure_half_way_leaves_the_old_files(awaitstep, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "README.md").write_text("old")
    move, moves = os.replace, []

    def replace(source, target):
        moves.append(target)
        if len(moves) == 4:
            raise OSError(28, "No space left on device")
        move(source, target)

    monkeypatch.setattr(os, "replace", replace)
    got = awaitstep("eject", HELLO, folder, "--force")
    assert got.code == 1
    assert "No space left" in got.err
    assert (folder / "README.md").read_text() == "old"
    assert [name for name in names(folder) if (folder / name).is_file()] == ["README.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


def test_a_graph_with_problems_writes_nothing(awaitstep, tmp_path):
    graph = json.loads(HELLO.read_text())
    graph["nodes"][0]["type"] = "nonsense"
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(graph))
    got = awaitstep("eject", file, tmp_path / "project", "--json")
    assert (got.code, json.loads(got.err)["code"]) == (1, "graph.invalid")
    assert json.loads(got.err)["details"]
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(
    "content", ["[]", "null", "{}", '{"metadata": 3, "nodes": 4}', '{"ir": 5}', '{"module": 6}']
)
def test_what_is_no_graph_is_told_with_its_problems(content, awaitstep, tmp_path):
    file = tmp_path / "graph.json"
    file.write_text(content)
    got = awaitstep("eject", file, tmp_path / "project", "--json")
    assert got.code == 1
    assert json.loads(got.err)["code"] in ("graph.invalid", "import.invalid")
    assert not (tmp_path / "project").exists()


def test_a_workflow_is_exported_from_the_server(awaitstep, server, data, tmp_path):
    listed = {"data": [{"id": "wf_1", "name": "Hello"}], "nextCursor": None}
    server.on("GET", "/workflows?limit=100&name=Hello", listed)
    exported = {
        "awaitstep": 1,
        "name": "Hello",
        "description": "",
        "kind": "workflow",
        "entryCode": None,
        "dependencies": [],
        "payloadSchema": None,
        "envVars": [],
        "ir": json.loads(HELLO.read_text()),
    }
    server.on("GET", "/workflows/wf_1/export", exported)
    assert awaitstep("eject", "Hello", tmp_path / "project", "--data", data).code == 0
    assert "class Hello" in (tmp_path / "project/worker.py").read_text()
    server.on("GET", "/workflows/wf_1/export", {**exported, "ir": None})
    got = awaitstep("eject", "wf_1", tmp_path / "other", "--data", data)
    assert got.code == 1
    assert "no version" in got.err


def test_what_cannot_run_at_the_target_is_refused(awaitstep, tmp_path):
    graph = json.loads(HELLO.read_text())
    step = next(node for node in graph["nodes"] if node["type"] == "step")
    step["data"]["rollback"] = "return None"
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(graph))
    got = awaitstep("eject", file, tmp_path / "project", "--target", "cloudflare", "--json")
    assert (got.code, json.loads(got.err)["code"]) == (1, "cloudflare.rollback")
    assert names(tmp_path) == ["graph.json"]
    assert awaitstep("eject", file, tmp_path / "project").code == 0


def test_a_target_that_nobody_knows_is_refused(awaitstep, tmp_path):
    got = awaitstep("eject", HELLO, tmp_path / "project", "--target", "the-moon", "--json")
    refused = json.loads(got.err)
    assert (got.code, refused["code"]) == (1, "target.unknown")
    assert "cloudflare" in got.err
    assert names(tmp_path) == []


def test_packages_that_the_target_lacks_are_refused(awaitstep, tmp_path):
    graph = json.loads(HELLO.read_text())
    file = tmp_path / "export.json"
    file.write_text(json.dumps({"name": "Hello", "ir": graph, "dependencies": ["uvloop"]}))
    got = awaitstep("eject", file, tmp_path / "project", "--target", "cloudflare", "--json")
    assert (got.code, json.loads(got.err.splitlines()[-1])["code"]) == (1, "deploy.packages")
    assert names(tmp_path) == ["export.json"]
