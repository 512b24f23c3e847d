"""What the compiler writes passes linter, formatter and type checker, however a graph is drawn.

Lines that a person wrote are theirs: a finding there does not count.
"""

from __future__ import annotations

import difflib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from ruff import find_ruff_bin  # type: ignore[import-untyped]

import awaitstep.compiler
from awaitstep.compiler import compile_graph
from awaitstep.compiler.printing import LINE_LENGTH
from awaitstep.ir import Graph, parse
from awaitstep.ir.fields import roles
from awaitstep.ir.source import indented, normalized
from awaitstep.nodes import registry

from .harness import drawing, node
from .random_graphs import graphs

ROOT = Path(__file__).parents[2]
RULES = Path(awaitstep.compiler.__file__).with_name("rules.toml")
REGISTRY = registry()
RANDOM = 60
DEEPEST = 40

# One of each kind that random graphs do not hold, with the fields that change what is written.
LEAVES = [
    node("until", "sleep_until", timestamp="{{event.payload.at}}"),
    node("approval", "wait_for_event", eventType="approval"),
    node("get", "http_request", url="https://a.example/{{event.payload.id}}", failOn=None),
    node(
        "post",
        "http_request",
        url="{{env.API}}/x",
        method="POST",
        headers={"X-Id": "{{get.json.id}}"},
        queryParams={"page": "{{get.json.page}}"},
        body={"id": "{{get.json.id}}", "of": ["{{approval.payload}}", 1.5, None, True]},
        auth={"type": "basic", "username": "{{env.USER}}", "password": "{{env.SECRET}}"},
    ),
    node(
        "form",
        "http_request",
        url="https://a.example",
        method="PUT",
        body={"a": "{{event.payload.a}}"},
        bodyType="form",
        auth={"type": "bearer", "token": "{{env.TOKEN}}"},
        retryLimit=0,
        timeout="{{event.payload.limit}}",
    ),
    node("discord", "discord_message", webhookUrl="{{env.HOOK}}", content="hello"),
    node("issue", "github_issue", token="{{env.T}}", repository="a/b", title="{{event.payload.t}}"),
    node("shaped", "json_transform", input="{{get.json}}", mapping={"a": "$.b"}),
    node("chat", "openai_chat", model="m", prompt="{{event.payload.question}}"),
    node("rows", "postgres_query", url="{{env.DATABASE}}", sql="select 1"),
    node(
        "stored",
        "s3_object",
        operation="get",
        bucket="backup",
        key="k",
        accessKeyId="{{env.S3_ID}}",
        secretAccessKey="{{env.S3}}",
    ),
    node(
        "mail",
        "send_email",
        host="h.example",
        sender="a@h.example",
        to=["b@h.example"],
        subject="Hi",
        text="Hello",
    ),
    node("slack", "slack_message", webhookUrl="{{env.HOOK}}", text="hello"),
    node(
        "charge",
        "stripe_charge",
        secretKey="{{env.STRIPE}}",
        amount=100,
        currency="eur",
        paymentMethod="pm_card",
    ),
    node("telegram", "telegram_message", token="{{env.T}}", chatId="1", text="hello"),
]


@dataclass(frozen=True)
class Module:
    path: Path
    source: str
    written: frozenset[int]
    """The lines that a person wrote, from 1."""


def person_wrote(graph: Graph, source: str) -> frozenset[int]:
    nodes = graph.nodes.values()
    texts = [text for each in nodes for _, role, text in roles(each.data) if role == "code"]
    found: set[int] = set()
    whole = f"\n{source}"
    for text in map(normalized, texts):
        for depth in range(1, DEEPEST):
            block = f"\n{indented(text, depth * '    ')}\n"
            at = whole.find(block)
            while at >= 0:
                first = whole.count("\n", 0, at) + 1
                found.update(range(first, first + text.count("\n") + 1))
                at = whole.find(block, at + 1)
    return frozenset(found)


def nest(depth: int) -> dict[str, Any]:
    """Loops and tries in each other, so deep that some arms stand apart."""
    nodes, edges = [], []
    for level in range(depth):
        box = {"loop": {"collection": "[1, 2]"}, "try_catch": {}}
        kind = "try_catch" if level % 3 else "loop"
        nodes += [
            node(f"box{level}", kind, **box[kind]),
            node(f"s{level}", "step", code="return 1", inline=level % 2 > 0),
        ]
        edges.append((f"box{level}", f"s{level}", "try" if level % 3 else "body"))
        edges.append((f"s{level}", f"box{level + 1}"))
    return drawing(*nodes, edges=edges[:-1])


def drawings() -> dict[str, dict[str, Any]]:
    found = {"leaves": drawing(*LEAVES), "nest": nest(90)}
    found["function"] = {**nest(90), "kind": "script"}
    files = [*ROOT.glob("tests/golden/graphs/*.json"), *ROOT.glob("examples/*/graph.json")]
    for path in files:
        name = path.stem if path.stem != "graph" else path.parent.name
        found[name.replace("-", "_")] = json.loads(path.read_text(encoding="utf-8"))

    @settings(
        max_examples=RANDOM,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(graphs())
    def collect(graph: dict[str, Any]) -> None:
        found[f"random_{len(found)}"] = graph

    collect()
    return found


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Module]:
    folder = tmp_path_factory.mktemp("modules")
    made = {}
    for name, drawn in drawings().items():
        graph = parse(drawn, REGISTRY)
        source = compile_graph(graph, REGISTRY).source
        path = folder / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        made[path] = Module(path, source, person_wrote(graph, source))
    return made


def ruff(*arguments: str | Path) -> str:
    command = [find_ruff_bin(), arguments[0], "--isolated", "--no-cache", *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_every_kind_of_node_is_looked_at(modules: dict[Path, Module]) -> None:
    kinds = {each["type"] for drawn in drawings().values() for each in drawn["nodes"]}
    assert kinds == set(REGISTRY.types)
    assert len(modules) > RANDOM
    written = sum(len(module.written) for module in modules.values())
    assert 0 < written < sum(module.source.count("\n") for module in modules.values()) / 2


def test_the_linter_finds_nothing(modules: dict[Path, Module]) -> None:
    folder = next(iter(modules)).parent
    options = ("--no-cache", "--output-format", "json", "--config", RULES)
    command = [find_ruff_bin(), "check", *options, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = [
        f"{Path(each['filename']).name}:{each['location']['row']} {each['code']} {each['message']}"
        for each in json.loads(done.stdout)
        if each["location"]["row"] not in modules[Path(each["filename"])].written
    ]
    assert found == []


def test_names_that_the_compiler_chose_are_used(modules: dict[Path, Module]) -> None:
    """A node's id may hold a value that nobody reads; a variable of ours must have a reason."""
    folder = next(iter(modules)).parent
    options = ("--select", "F841", "--output-format", "json")
    ids = {each["id"] for drawn in drawings().values() for each in drawn["nodes"]}
    found = [
        each["message"]
        for each in json.loads(ruff("check", *options, folder))
        if each["location"]["row"] not in modules[Path(each["filename"])].written
        and each["message"].split("`")[1] not in ids
    ]
    assert found == []


def test_the_formatter_changes_nothing(modules: dict[Path, Module], tmp_path: Path) -> None:
    folder = tmp_path / "formatted"
    shutil.copytree(next(iter(modules)).parent, folder)
    ruff("format", "--target-version=py311", f"--line-length={LINE_LENGTH}", folder)
    for module in modules.values():
        before = module.source.splitlines()
        after = (folder / module.path.name).read_text(encoding="utf-8").splitlines()
        changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        for kind, first, last, start, end in changes:
            told = f"{module.path.name}:{first + 1} {before[first:last]} {after[start:end]}"
            theirs = module.written.issuperset(range(first + 1, max(last, first + 1) + 1))
            assert kind == "equal" or theirs, told


def test_the_type_checker_finds_nothing(modules: dict[Path, Module], tmp_path: Path) -> None:
    config = {
        "typeCheckingMode": "basic",
        "include": [str(next(iter(modules)).parent)],
        "extraPaths": [str(ROOT / "src")],
        "pythonVersion": "3.11",
    }
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps(config))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "basedpyright", "--outputjson"),
            *("--pythonpath", sys.executable, "--project", project),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["summary"]["filesAnalyzed"] == len(modules)
    found = [
        f"{Path(each['file']).name}:{line} {each['message']}"
        for each in answer["generalDiagnostics"]
        if (line := each["range"]["start"]["line"] + 1) not in modules[Path(each["file"])].written
    ]
    assert found == []
