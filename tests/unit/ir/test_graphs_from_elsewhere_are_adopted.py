"""What AwaitStep's TypeScript edition exports becomes a graph of ours, and every change is told."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from awaitstep.compiler import check_entry, compile_graph
from awaitstep.ir import Adopted, adopt, adopt_entry, parse

from .drawing import REGISTRY, branch, codes, graph, node, problems


def adopted(data: Any) -> Adopted:
    """Checked on the way: the file is not touched, and a second time nothing changes."""
    before = copy.deepcopy(data)
    made = adopt(data, REGISTRY)
    assert data == before
    again = adopt(made.graph, REGISTRY)
    assert again.graph == made.graph
    assert (again.renames, again.needs_porting) == ((), made.needs_porting)
    return made


def renamed(made: Adopted) -> dict[str, str]:
    return {rename.old: rename.new for rename in made.renames}


def errors(made: Adopted) -> list[str]:
    return [problem.code for problem in problems(made.graph) if problem.severity == "error"]


def condition(text: str, *ids: str) -> Adopted:
    first = [node(each) for each in ids or ("a", "b", "c")]
    return adopted(graph(*first, branch("here", yes=text, no="")))


def ported(text: str, *ids: str) -> str:
    made = condition(text, *ids)
    assert not errors(made)
    return made.graph["nodes"][-1]["data"]["branches"][0]["condition"]


def exported() -> dict[str, Any]:
    """As it leaves the other edition: no kind, numbers that count milliseconds, arms unnamed."""
    place = {"position": {"x": 0, "y": 0}, "version": "1.0.0", "provider": "cloudflare"}
    return {
        "metadata": {"name": "Orders", "version": 3, "createdAt": "x", "updatedAt": "y"},
        "entryNodeId": "step-1",
        "nodes": [
            {
                **place,
                **node("step-1", name="Prüfe Order #7", code="const n = 1;\nreturn { n };"),
                "config": {"retries": {"limit": 2, "delay": 1500, "backoff": "linear"}},
            },
            {
                **place,
                **node(
                    "node_123-abc",
                    "http_request",
                    name="Charge",
                    method="POST",
                    url="https://a.example/${event.payload.id}/{{step-1.n}}",
                    headers={"Authorization": "Bearer ${env.TOKEN}"},
                    body={"deep": [{"id": "{{ step-1.n }}", "price": "${{step-1.n}}"}]},
                ),
            },
            {**place, **node("nap", "sleep", duration=5000)},
            {**place, **node("fork", "parallel")},
            {**place, **node("left", code="return 1")},
            {**place, **node("for", code="return 2", name="for")},
        ],
        "edges": [
            {"id": "e1", "source": "step-1", "target": "node_123-abc"},
            {"id": "e2", "source": "node_123-abc", "target": "nap"},
            {"id": "e3", "source": "nap", "target": "fork"},
            {"id": "e4", "source": "fork", "target": "left"},
            {"id": "e5", "source": "fork", "target": "for"},
        ],
        "trigger": {"type": "cron", "expression": "0 9 * * 1"},
    }


def test_an_export_becomes_a_graph_that_compiles() -> None:
    made = adopted(exported())
    assert errors(made) == []
    assert renamed(made) == {
        "step-1": "prufe_order_7",
        "node_123-abc": "charge",
        "for": "for_2",
    }
    assert made.renames[0].to_json() == {
        "from": "step-1",
        "to": "prufe_order_7",
        "name": "Prüfe Order #7",
    }
    first, charge, nap, *_ = made.graph["nodes"]
    assert first["config"]["retries"] == {"limit": 2, "delay": "1.5 seconds", "backoff": "linear"}
    assert charge["data"]["url"] == "https://a.example/{{event.payload.id}}/{{prufe_order_7.n}}"
    assert charge["data"]["headers"] == {"Authorization": "Bearer {{env.TOKEN}}"}
    assert charge["data"]["body"]["deep"] == [
        {"id": "{{ prufe_order_7.n }}", "price": "${{prufe_order_7.n}}"}
    ]
    assert nap["data"] == {"duration": "5 seconds"}
    assert made.graph["entryNodeId"] == "prufe_order_7"
    assert made.graph["trigger"] == {"type": "schedule", "cron": "0 9 * * 1"}
    assert [edge.get("label") for edge in made.graph["edges"]] == [
        None,
        None,
        None,
        "left",
        "for_2",
    ]
    assert made.needs_porting == ("prufe_order_7",)
    assert {note.path for note in made.notes} == {
        "config.retries.delay",
        "data.url",
        "data.headers.Authorization",
        "data.duration",
        "edges",
        "trigger",
    }
    assert "code.needs_porting" in codes(made.graph)
    source = compile_graph(parse(made.graph, REGISTRY), REGISTRY).source
    assert "# const n = 1;" in source


@pytest.mark.parametrize(
    ("name", "kind", "new"),
    [
        ("Check stock", "step", "check_stock"),
        ("checkStock", "step", "check_stock"),
        ("Überprüfen!", "step", "uberprufen"),
        ("3 retries", "step", "node_3_retries"),
        ("__proto__", "step", "proto"),
        ("注文", "http_request", "http_request"),
        ("注文", "step", "node"),
        ("list", "step", "list_2"),
        ("  ", "step", "x_y"),
        ('"; import os', "step", "import_os"),
        ("x" * 256, "step", "x" * 60),
    ],
)
def test_a_new_id_is_made_from_the_name(name: str, kind: str, new: str) -> None:
    data = {"url": "https://a.example"} if kind == "http_request" else {}
    made = adopted(graph(node("x-y", kind, name=name, **data)))
    assert renamed(made) == {"x-y": new}
    assert made.graph["nodes"][0]["name"] == name


def test_a_node_without_a_name_goes_on_being_called_so() -> None:
    data = graph(node("x-y"))
    del data["nodes"][0]["name"]
    assert adopted(data).graph["nodes"][0] | {"data": 0} == {
        "id": "x_y",
        "type": "step",
        "name": "x-y",
        "data": 0,
    }


def test_renames_never_meet_each_other() -> None:
    """Named like each other's ids, old and new, and like a loop's variable."""
    data = graph(
        node("b-", name="a"),
        node("a", name="b-"),
        node("a-", name="b"),
        node("b", name="a_2"),
        node("c-", name="a"),
        node("d-", "http_request", name="item", url="https://a.example/{{b-.x}}/{{a-.y}}/{{a.z}}"),
        node("loop", "loop", collection="[1]"),
        node("body"),
    )
    data["edges"][-1]["label"] = "body"
    made = adopted(data)
    assert renamed(made) == {"b-": "a_2", "a-": "b_2", "c-": "a_3", "d-": "item_2"}
    assert made.graph["nodes"][5]["data"]["url"] == "https://a.example/{{a_2.x}}/{{b_2.y}}/{{a.z}}"
    assert errors(made) == []


def test_ids_that_stand_there_twice_are_an_error() -> None:
    made = adopted(graph(node("a-b"), node("a-b"), node("c-d")))
    assert renamed(made) == {"c-d": "c_d"}
    assert {"id.repeated", "id.invalid"} <= set(errors(made))


def test_python_that_reads_a_renamed_node_by_its_name_is_rewritten() -> None:
    code = "é, _a_x = '_a', 1\nreturn [_a['_a'], f(_a=1), o._a, [_a for _ in 'é'], {'é': _a}]"
    made = adopted(
        graph(
            node("_a", name="first"),
            node("here", code=code),
            node("own", code="_a = 1\nreturn _a"),
            branch("turn", yes="_a.x == '_a' and {{_a.b}} and o._a", no=""),
        )
    )
    new = code.replace("[_a['_a']", "[first['_a']").replace("[_a for", "[first for")
    data = [each["data"] for each in made.graph["nodes"]]
    assert data[1]["code"] == new.replace(": _a}", ": first}")
    assert data[2]["code"] == "_a = 1\nreturn _a"
    assert data[3]["branches"][0]["condition"] == "first.x == '_a' and {{first.b}} and o._a"


@pytest.mark.parametrize(
    "code",
    [
        "const x = 1",
        "let total = 0;\nreturn total;",
        "return { ready: true };",
        "  return { status: 'done', greeting: {{a.message}} };",
        "return `hello ${a}`",
        "return a.map(x => x + 1)",
        "if (a) {\n  return 1\n} else {\n  return 2\n}",
        "throw new Error('no')",
        "// nothing yet\nreturn 1",
        "return a?.b ?? 1",
        'const s = \'🎉 \u2028 """ \\\\\';\r\n\tconst t = 2;\r',
    ],
)
def test_typescript_is_kept_as_a_comment_and_fails_until_it_is_ported(code: str) -> None:
    made = adopted(graph(node("a"), node("here", code=code)))
    assert made.needs_porting == ("here",)
    assert errors(made) == []
    kept = made.graph["nodes"][1]["data"]["code"].split("\n")
    assert kept[-1] == 'raise NonRetryableError("port this step from TypeScript")'
    lines = code.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n \t").split("\n")
    assert [line.removeprefix("#").removeprefix(" ") for line in kept[:-1]] == lines
    compile_graph(parse(made.graph, REGISTRY), REGISTRY)


@pytest.mark.parametrize(
    "code",
    [
        "return a['x']",
        "return 1;",
        "x = 5; y = 6;\nreturn x",
        "return {name: 1}",
        "return true",
        "x = (1",
        "if a && b:\n    return 1",
        "print('=== const x =>'",
        "x = 'const y = 1;' +",
        "yield 1",
        "# const x = 1;\nreturn (",
        "",
        "\0",
    ],
)
def test_python_and_its_mistakes_stay_what_they_are(code: str) -> None:
    data = graph(node("a"), node("here", code=code))
    made = adopted(data)
    assert made.graph == data
    assert made.needs_porting == ()


def test_a_mark_is_told_until_it_is_gone() -> None:
    text = adopted(graph(node("here", code="const x = 1"))).graph["nodes"][0]["data"]["code"]
    told = [p for p in problems(graph(node("here", code=text))) if p.code == "code.needs_porting"]
    assert [(p.path, p.line) for p in told] == [("data.code", 2)]
    done = text.replace(text.split("\n")[-1], "return 1")
    assert codes(graph(node("here", code=done))) == []


def test_entry_code_is_marked_too() -> None:
    code, foreign = adopt_entry("const url = new URL(request.url)\nreturn new Response(null)")
    assert foreign
    assert [problem.code for problem in check_entry(code)] == ["code.needs_porting"]
    assert adopt_entry(code) == (code, True)
    assert adopt_entry("return Response(None)") == ("return Response(None)", False)


@pytest.mark.parametrize(
    ("typescript", "python"),
    [
        ("{{a.total}} > 100 && {{b.ok}} === true", "{{a.total}} > 100 and {{b.ok}} is True"),
        ("!{{a.ok}}", "not {{a.ok}}"),
        ("!({{a}} || {{b}}) && {{c}}", "not ({{a}} or {{b}}) and {{c}}"),
        ("{{a}} && ({{b}} || {{c}})", "{{a}} and ({{b}} or {{c}})"),
        ("!{{a}} === {{b}}", "(not {{a}}) == {{b}}"),
        ("!({{a}} === {{b}})", "not {{a}} == {{b}}"),
        ("{{a}} === {{b}} === {{c}}", "({{a}} == {{b}}) == {{c}}"),
        ('{{a}}.status === "x && !y === true"', '{{a.status}} == "x && !y === true"'),
        ('{{a.b}}[0]["c d"] !== null;', '{{a.b[0]["c d"]}} is not None'),
        (
            "event.payload.n >= 1.5 || env.X === 'y'",
            "{{event.payload.n}} >= 1.5 or {{env.X}} == 'y'",
        ),
        ("{{a}} != null && a.b !== undefined", "{{a}} is not None and {{a.b}} is not None"),
        ("-{{a}} * (2 + 3) - 1 === 4", "-{{a}} * (2 + 3) - 1 == 4"),
        ("{{a}} - (1 - 2) !== 1 / (2 * 3)", "{{a}} - (1 - 2) != 1 / (2 * 3)"),
        ("true", "True"),
        ("{{a.ok}} == false", None),
    ],
)
def test_a_condition_is_ported_where_the_meaning_is_the_same(
    typescript: str, python: str | None
) -> None:
    made = condition(typescript)
    found = made.graph["nodes"][-1]["data"]["branches"][0]["condition"]
    if python is None:
        assert made.needs_porting == ("here",)
        return
    assert found == python
    assert errors(made) == []
    assert made.needs_porting == ()
    assert [note.path for note in made.notes] == ["data.branches[0].condition"]


def test_ids_that_are_no_python_names_are_read_in_conditions() -> None:
    assert ported("{{step-1.n}} > 1 && {{node_1-a}}.ok", "step-1", "node_1-a") == (
        "{{step_1.n}} > 1 and {{node_1_a.ok}}"
    )
    assert ported("{{step-1.n}} > 1", "step-1", "b") == "{{step_1.n}} > 1"


@pytest.mark.parametrize(
    "typescript",
    [
        "{{a}}.items.length > 0 && true",
        "{{a}}.includes('x') && true",
        "{{a}} ? 1 : 2",
        "{{a}} ?? {{b}}",
        "{{a}}?.b === 1",
        "{{a}} % 2 === 0",
        "{{a}} == 1 && {{b}}",
        "unknown.x === 1",
        "'{{a}}' === 'x'",
        "'\\ud83d\\ude00' === {{a}}",
        "'a\\/b' === {{a}}",
        "1 === true",
        "010 === {{a}}",
        "{{a}} && ",
        "typeof {{a}} === 'string'",
        "{{a}} === `x`",
        "(" * 500 + "{{a}}" + ")" * 500 + " && true",
        "!" * 5_000 + "{{a}}",
        "{{a}} /* {{b}} */ && \n # \u2028 {{c}}",
    ],
)
def test_a_condition_of_unsure_meaning_is_kept_and_fails_until_it_is_ported(
    typescript: str,
) -> None:
    made = condition(typescript)
    assert made.needs_porting == ("here",)
    assert errors(made) == []
    assert "code.needs_porting" in codes(made.graph)
    found = made.graph["nodes"][-1]["data"]["branches"][0]["condition"]
    kept = found.split("\n")
    assert kept[-1] == '{}["port this condition from TypeScript"]'
    assert all(line.startswith("#") for line in kept[:-1])
    compile_graph(parse(made.graph, REGISTRY), REGISTRY)
    with pytest.raises(KeyError, match="port this condition"):
        eval(f"({found}\n)")


@pytest.mark.parametrize("text", ["{{a}} >", "{{a", "{{a-b}}", "(", "x == 'a && b", "{{a}} is", ""])
def test_mistakes_in_conditions_stay_what_they_are(text: str) -> None:
    data = graph(node("a"), branch("here", yes=text))
    assert adopted(data).graph == data


def test_loops_lose_what_means_nothing_for_them() -> None:
    loop = node("here", "loop", loopType="times", count=3, collection="{{a}}", condition="")
    data = graph(node("a"), loop, node("body"), edges=[("a", "here"), ("here", "body", "body")])
    made = adopted(data)
    assert made.graph["nodes"][1]["data"] == {"loopType": "times", "count": "3", "condition": ""}
    assert errors(made) == []
    loop["data"] = {"loopType": "while", "condition": "{{body.n}} < 3 && !{{body.done}}"}
    assert errors(adopted(data)) == []


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("{{a-b.x}} === 1", "{{a_b.x}} == 1"),
        ("{{a-b}}", "{{a_b}}"),
        (
            {"id": "{{a-b.x}}", "all": ["${event.payload.y}"]},
            {"id": "{{a_b.x}}", "all": ["{{event.payload.y}}"]},
        ),
    ],
)
def test_the_input_of_another_workflow_is_an_expression_or_holds_some(
    given: Any, wanted: Any
) -> None:
    child = node("child", "sub_workflow", workflowId="wf_1", workflowName="Onboard", input=given)
    made = adopted(graph(node("a-b"), child))
    assert made.graph["nodes"][1]["data"] == {"workflowId": "wf_1", "input": wanted}
    assert "data.workflowName" in {note.path for note in made.notes}
    assert errors(made) == []


def test_a_path_of_a_trigger_is_left_out_and_told() -> None:
    data = graph(node("a")) | {"trigger": {"type": "http", "method": "PUT", "path": "/x"}}
    made = adopted(data)
    assert made.graph["trigger"] == {"type": "http", "method": "PUT"}
    assert [note.path for note in made.notes] == ["trigger.path"]
    data["trigger"] = {"type": "cron", "expression": "0 9 * * *", "zone": "x"}
    assert errors(adopted(data)) == ["field.unknown"]


def test_a_valid_graph_keeps_its_dollars() -> None:
    data = graph(node("a", "http_request", url="https://a.example/${env.X}/${HOME}/${{event.x}}"))
    made = adopted(data)
    assert made.graph == data
    assert [note.message for note in made.notes] == ["`${env.X}` is text; write `{{env.X}}`."]


def deep(levels: int) -> Any:
    value: Any = "{{a-b.x}}"
    for _ in range(levels):
        value = [value]
    return value


def test_hostile_files_are_answered_and_never_hurt() -> None:
    long = "x" * 10_000_000
    hostile: list[Any] = [
        None,
        [],
        "x",
        {},
        {"nodes": None, "edges": {}, "entryNodeId": [], "trigger": []},
        {"nodes": [None, 1, [], {}, {"id": []}, {"id": {}, "data": []}], "edges": [None, 1, {}]},
        graph(node("a-b", "loop", loopType=[], count=10**400, itemVar=[], indexVar={})),
        graph(node("a-b", "loop", count=10**30)),
        graph(node("a-b", "sleep", duration=1e308)),
        graph(node("a-b", "sleep", duration=float("inf"))),
        graph(node("a-b", "sleep", duration=float("nan"))),
        graph(node("a-b", "sleep", duration=-1)),
        graph(node("a-b", "http_request", url="x", body=deep(100_000))),
        graph(node(long, name=long, code=long)),
        graph(node("\ud800", name="\ud800")),
        graph(node("a-b", code="'" * 250_000)),
        graph(node("a-b", code="\\'" * 120_000 + "=> (")),
        graph(node("a-b", code="function" + " " * 250_000)),
        graph(branch("a-b", x="(" * 250_000 + "&&")),
        graph(branch("a-b", x="{{" * 120_000 + "&&")),
        graph(*[node(f"n-{i}", name="same") for i in range(5_000)]),
        {**graph(node("a-b")), "edges": [{"source": [], "target": {}, "label": []}]},
        {**graph(node("a-b", "parallel")), "edges": [{"source": "a-b", "target": None}]},
        {**graph(node("a-b")), "kind": [], "metadata": [], "__proto__": {"x": 1}},
    ]
    for data in hostile:
        made = adopt(data, REGISTRY)
        problems(made.graph)
        json.dumps([rename.to_json() for rename in made.renames]).encode()


@pytest.mark.parametrize(
    "old", ["../../etc/passwd", "a\0b", "\u202e", "a\nb", "__proto__", "é b", "."]
)
def test_strange_ids_become_plain_ones(old: str) -> None:
    made = adopted(graph(node(old, name=old), node("z")))
    assert errors(made) == []
    assert made.renames[0].old == old
    assert made.graph["nodes"][0]["id"].isascii()


def test_keys_of_a_prototype_are_data_like_any_other() -> None:
    body = {"__proto__": {"polluted": "{{a-b.x}}"}, "constructor": {"prototype": 1}}
    data = graph(
        node("a-b"), node("h", "http_request", url="https://a.example", method="POST", body=body)
    )
    made = adopted(data)
    assert made.graph["nodes"][1]["data"]["body"] == {
        "__proto__": {"polluted": "{{a_b.x}}"},
        "constructor": {"prototype": 1},
    }
    data["nodes"][1]["__proto__"] = {}
    assert errors(adopted(data)) == ["field.unknown"]
