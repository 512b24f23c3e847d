"""Folders are loaded without being run, and everything wrong with them is said at once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from awaitstep.ir import parse, validate
from awaitstep.nodes import nodes_not_for, packages_of, registry, registry_with

from .running import graph, run
from .services import http_service

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-custom-node.md"
NODE_JSON = json.loads(re.search(r"```json\n(.*?)```", PAGE.read_text(), re.S)[1])
TEMPLATE = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S)[1]
DATA = {"url": "{{env.URL}}", "token": "{{env.KEY}}", "guestName": "{{event.payload}}"}


def folder(directory: Path, template: str = TEMPLATE, **fields: Any) -> None:
    (directory / "greet").mkdir(parents=True)
    (directory / "greet" / "node.json").write_text(json.dumps({**NODE_JSON, **fields}))
    (directory / "greet" / "template.py").write_text(template)


async def test_the_documented_example_runs(tmp_path: Path) -> None:
    folder(tmp_path / "nodes")
    types, problems = registry_with(tmp_path / "nodes")
    assert problems == ()
    with http_service((200, "Hi")) as service:
        env = {"URL": service.url, "KEY": "k"}
        ended = await run(tmp_path, graph("greet", **DATA), env=env, payload="Ada", types=types)
    assert ended.output == {"greeting": "Hi"}
    assert service.arrived[0].json == {"name": "Ada", "times": 1}


def test_how_it_looks_is_kept(tmp_path: Path) -> None:
    folder(tmp_path, icon="hand-heart", shows=["guestName", "url"])
    types, problems = registry_with(tmp_path)
    assert problems == ()
    assert (types["greet"].icon, types["greet"].shows) == ("hand-heart", ("guestName", "url"))
    assert types["greet"].family == "custom"


def with_config(**properties: Any) -> dict[str, Any]:
    config = NODE_JSON["config"]
    return {"config": {**config, "properties": {**config["properties"], **properties}}}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"type": "step"}, "reserved|cannot be a type"),
        ({"type": "sleep"}, "already"),
        ({"type": "email"}, "something else"),
        ({"type": "Greet"}, "pattern"),
        ({"targets": ["moon"]}, "'local' or 'cloudflare'"),
        ({"colour": "red"}, "Extra inputs"),
        ({"packages": {"x": "x @ file:///x"}}, "pattern"),
        ({"secrets": [{"field": "nope", "env": "X", "summary": "s"}]}, "not among"),
        ({"output": {}}, "type of the value"),
        ({"output": {"type": "object", "required": ["a"]}}, "not among"),
        ({"inline": True}, "pure"),
        ({"icon": "Wave <b>"}, "pattern"),
        ({"shows": ["nope"]}, "`nope` is no field"),
        ({"shows": ["token"]}, "`token` is no field"),
        (with_config(timeout={"type": "string"}), "already"),
        (with_config(snake_case={"type": "string"}), "camelCase"),
        (with_config(extra={"type": "string"}), "no parameter `extra`"),
        (with_config(extra={"type": "thing"}), "no such type"),
        (with_config(extra={"type": "string", "format": "x"}), "cannot be used"),
        (with_config(extra={"type": "string", "pattern": "("}), "regular expression"),
        (with_config(extra={"type": "integer", "minimum": "1"}), "wrong type"),
        (with_config(times={"type": "integer", "default": "1"}), "does not fit"),
        (with_config(times={"type": "integer", "default": 2}), "default of `times` is 2"),
    ],
)
def test_a_wrong_definition_is_refused(fields: Any, said: str, tmp_path: Path) -> None:
    folder(tmp_path, **fields)
    types, problems = registry_with(tmp_path)
    assert len(types.types) == len(registry().types)
    assert {problem.folder for problem in problems} == {"greet"}
    assert any(re.search(said, str(problem)) for problem in problems), problems


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("async def greet", "async def hello", "no function `greet`"),
        ("import json", "import httpx", "cannot be imported"),
        ("import json", "from . import json", "cannot be imported"),
        ("import json", "from json import *", "instead of"),
        ("import json", "import json as j", "keeps its name"),
        ("import json", "from shlex import quote", "`quote` from urllib.parse"),
        ("import json", "import datetime", "means something else"),
        ("import json", "print(1)", "one function"),
        ("    return", "    yield 1\n    return", "return|yield"),
        ("    return", "    global x\n    return", "global"),
        ("    return", "    unknown\n    return", "Nothing here is called"),
        ("    return", "    event\n    return", "is not there"),
        ("    return", "    greet\n    return", "own name"),
        ("    return", "    _piece_0 = 1\n    return", "compiler's"),
        ("    return", "    return (", "not Python"),
        ("async def", "@x\nasync def", "decorators"),
        ("times=1", "*times", "by name"),
        ("times=1", "times=len('x')", "plain value"),
        ("times=1", "times=1, other=1", "no field"),
        ("guest_name,", "guest_name='x',", "required"),
    ],
)
def test_a_wrong_template_is_refused(before: str, after: str, said: str, tmp_path: Path) -> None:
    folder(tmp_path, TEMPLATE.replace(before, after, 1))
    _, problems = registry_with(tmp_path)
    assert any(re.search(said, str(problem)) for problem in problems), problems


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "greet" / "node.json").write_text("{")
    (tmp_path / "greet" / "template.py").unlink()
    _, problems = registry_with(tmp_path)
    assert {problem.field.split(" ")[0] for problem in problems} == {"node.json", "template.py"}


def problems_of(**changes: Any) -> list[tuple[str, str | None, str | None]]:
    data = {
        "secretKey": "{{env.KEY}}",
        "amount": 1,
        "currency": "eur",
        "paymentMethod": "pm",
        **changes,
    }
    found = validate(graph("stripe_charge", **data), registry())
    return [(problem.code, problem.node_id, problem.path) for problem in found]


def test_data_is_checked_against_the_schema() -> None:
    assert problems_of() == []
    assert problems_of(amount="{{event.payload.n}}", retryLimit=1, output=True) == []
    invalid = [
        ("amount", 0),
        ("amount", "12"),
        ("amount", "{{event.payload.n}} cents"),
        ("currency", "EUR"),
        ("secretKey", "sk_live_1"),
        ("secretKey", "{{event.payload.key}}"),
    ]
    for field, value in invalid:
        found = problems_of(**{field: value})
        assert ("field.invalid", "it", f"data.{field}") in found
    (written,) = validate(
        graph("slack_message", webhookUrl="https://a.example", text="Hi"), registry()
    )
    assert "such as {{env.NAME}}." in written.message
    assert problems_of(colour="red") == [("field.unknown", "it", "data.colour")]
    assert problems_of(customer="{{nobody.id}}") == [("reference.unknown", "it", "data.customer")]


def test_what_a_graph_needs_is_known() -> None:
    drawn = graph("postgres_query", url="{{env.DATABASE_URL}}", sql="select 1")
    parsed = parse(drawn, registry())
    assert packages_of(parsed, registry()) == ("pg8000>=1.31,<2",)
    assert nodes_not_for("cloudflare", parsed, registry()) == ("it",)
    assert nodes_not_for("local", parsed, registry()) == ()
