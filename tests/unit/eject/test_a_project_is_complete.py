"""What is ejected runs, is tested and deploys without this product, whatever it is called."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from awaitstep.compiler import CompiledModule
from awaitstep.eject.settings import Variable, wrangler

from .drawings import choice, graph, node, step

ROOT = Path(__file__).parents[3]
GRAPHS = [
    ROOT / "examples/hello/graph.json",
    ROOT / "examples/refund-desk/graph.json",
    *sorted((ROOT / "tests/golden/graphs").glob("*.json")),
]
HELLO = json.loads(GRAPHS[0].read_text())
FILES = [
    *(".gitignore", "README.md", "pyproject.toml"),
    *("tests/conftest.py", "tests/stand_in.py", "tests/test_paths.py"),
    *("worker.py", "wrangler.jsonc"),
]
HOSTILE = {
    "quotes": 'it\'s "quoted" \'\'\'"""',
    "newline": "a\nb\r\nc\u2028d\u2029e",
    "comment": "*/ // /* # ]] }}",
    "markdown": "<script>x</script> [a](javascript:b) `c` | # d ![e](f)",
    "backslash": "a\\",
    "dollar": "${x} $(x) %s",
    "right to left": "\u202eevil\u202c \u2066x\u2069",
    "emoji": "🙂 Über",
    "list": "1. x",
    "only signs": "???",
    "digits": "123",
    "controls": "a\x1b[31mb\x07\x7f",
}


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def without_comments(text: str) -> Any:
    """A JSONC file's value; a comment here always has a line to itself."""
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


@pytest.mark.parametrize("file", GRAPHS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_its_tests_pass_and_every_path_has_values(file, ejected, tested):
    folder = ejected(json.loads(file.read_text()))
    done = tested(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    count = (folder / "tests/test_paths.py").read_text().count("\ndef test_")
    assert f"{count} passed" in done.stdout


@pytest.mark.parametrize("file", GRAPHS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_no_file_imports_this_product(file, ejected):
    files = files_of(ejected(json.loads(file.read_text())))
    assert sorted(files) == FILES
    for text in files.values():
        assert not re.search(r"\b(import|from)\s+awaitstep|import_module", text)


def test_the_module_is_what_compile_prints(ejected, tmp_path, capsys):
    from awaitstep.cli import main

    folder = ejected(HELLO)
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["compile", str(tmp_path / "graph.json")])
    assert (folder / "worker.py").read_text() == capsys.readouterr().out


def test_the_same_graph_gives_the_same_bytes(ejected):
    for file in GRAPHS:
        given = json.loads(file.read_text())
        first = files_of(ejected(given, "--force"))
        assert files_of(ejected(given, "--force")) == first


def test_the_module_runs(ejected, capsys):
    from awaitstep.cli import main

    folder = ejected(HELLO)
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit:
        main(["run", str(folder / "worker.py"), "--own-journal", "--params", '{"name": "Ada"}'])
    assert not exit.value.code
    assert json.loads(capsys.readouterr().out) == {"greeting": "Hello, Ada!"}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_names_stay_text_in_every_file(kind, ejected, tested):
    text = HOSTILE[kind]
    given = choice("{{a}} > 3")
    given["metadata"] = {"name": text, "description": text}
    for drawn in given["nodes"]:
        drawn["name"] = text
    given["nodes"][1]["data"]["branches"][0]["label"] = text
    given["edges"][1]["label"] = text
    folder = ejected(given)
    settings = without_comments((folder / "wrangler.jsonc").read_text(encoding="utf-8"))
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", project["name"])
    assert len(project["name"]) <= 63
    assert settings["name"] == settings["workflows"][0]["name"] == project["name"]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# ")
    assert not re.search(r"(?<!\\)<script|(?<!\\)\]\(javascript|[\x1b\x07\u202e\u2028]", readme)
    done = tested(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_an_export_brings_its_variables_packages_and_entry_code(ejected):
    ir = graph([step("a", 'return env.TOKEN + env["x"] + env.REGION')], [])
    ir["trigger"] = {"type": "schedule", "cron": "*/5 * * * *"}
    value = 'a"b\n*/ // \u2028'
    folder = ejected(
        {
            "awaitstep": 1,
            "name": "Night desk",
            "kind": "workflow",
            "entryCode": 'return Response("mine")',
            "dependencies": ["httpx>=0.28"],
            "envVars": [
                {"name": "LEVEL", "isSecret": False, "value": value},
                {"name": "TOKEN", "isSecret": True},
            ],
            "ir": ir,
        }
    )
    files = files_of(folder)
    settings = without_comments(files["wrangler.jsonc"])
    assert settings["vars"] == {"LEVEL": value}
    assert re.findall(r"^  //   (\w+)$", files["wrangler.jsonc"], re.MULTILINE) == [
        "TOKEN",
        "REGION",
    ]
    assert settings["workflows"][0] == {
        "name": "night-desk",
        "binding": "WORKFLOW",
        "class_name": "Drawn",
        "schedules": ["*/5 * * * *"],
    }
    assert settings["compatibility_flags"] == ["python_workers"]
    assert tomllib.loads(files["pyproject.toml"])["project"]["dependencies"] == ["httpx>=0.28"]
    assert 'return Response("mine")' in files["worker.py"]
    assert "`TOKEN` | secret" in files["README.md"]
    assert "?instanceId=" not in files["README.md"]


def test_packages_of_nodes_are_dependencies(ejected):
    query = node("rows", "postgres_query", url="{{env.URL}}", sql="select 1")
    folder = ejected(graph([query], []))
    files = files_of(folder)
    (package,) = tomllib.loads(files["pyproject.toml"])["project"]["dependencies"]
    assert package.startswith("pg8000")
    assert "can't run on Cloudflare: `rows`" in files["README.md"]


def test_a_module_written_by_hand_is_taken_along_as_it_is(ejected, tested):
    source = (
        "from workers import WorkflowEntrypoint\n\n\n"
        "class Flow(WorkflowEntrypoint):\n    async def run(self, event, step):\n        return 1\n"
    )
    given = {"kind": "workflow", "metadata": {"name": "By hand"}, "module": source}
    folder = ejected(given)
    assert (folder / "worker.py").read_text() == source
    done = tested(folder)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_half_a_surrogate_pair_in_a_name_is_shown_as_a_mark(ejected, tested):
    given = choice("{{a}} > 3")
    given["nodes"][0]["name"] = "a\ud800b"
    folder = ejected(given)
    assert "- a\ufffdb (" in (folder / "README.md").read_text(encoding="utf-8")
    assert "2 passed" in tested(folder).stdout


def test_secrets_are_comments():
    module = CompiledModule("", "X", {}, {})
    text = wrangler("x", module, [Variable("TOKEN", None, True)], None)
    assert "  //   TOKEN\n" in text
    assert list(without_comments(text)["workflows"][0]) == ["name", "binding", "class_name"]


def test_packages_in_a_script_header_are_dependencies(ejected):
    source = (
        '# /// script\n# dependencies = ["httpx>=0.28"]\n# ///\n'
        "from workers import WorkflowEntrypoint\n\n\n"
        "class Flow(WorkflowEntrypoint):\n    async def run(self, event, step):\n        return 1\n"
    )
    given = {"kind": "workflow", "metadata": {"name": "By hand"}, "module": source}
    project = tomllib.loads((ejected(given) / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["httpx>=0.28"]
