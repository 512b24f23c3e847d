"""What may be left out, what is folded in, and what a parsed graph holds."""

from __future__ import annotations

from awaitstep.ir import parse

from .drawing import REGISTRY, branch, codes, graph, node


def test_the_least_that_is_a_graph() -> None:
    data = {
        "metadata": {"name": "x"},
        "nodes": [{"id": "a", "type": "step", "data": {"code": "return 1"}}],
        "edges": [],
        "entryNodeId": "a",
    }
    parsed = parse(data, REGISTRY)
    assert (parsed.kind, parsed.entry, parsed.trigger) == ("workflow", "a", None)
    assert parsed.nodes["a"].name == "a"


def test_retries_of_an_exported_config_are_folded_in() -> None:
    config = {
        "retries": {"limit": 1, "delay": "2 seconds", "backoff": "linear"},
        "timeout": "1 hour",
    }
    data = graph({**node("a", retryLimit=9), "config": config})
    values = parse(data, REGISTRY).nodes["a"].data.model_dump()
    assert values["retry_limit"] == 9
    assert values["retry_delay"] == "2 seconds"
    assert (values["backoff"], values["timeout"]) == ("linear", "1 hour")


def test_notes_are_for_people_only() -> None:
    note = {"id": "n", "text": "Ask first.", "position": {"x": 3, "y": 4}}
    assert codes({**graph(node("a")), "notes": [note]}) == []
    wrong = [{**note, "colour": "red"}, {"id": "m"}, 3]
    assert codes({**graph(node("a")), "notes": wrong}) == [
        "field.unknown",
        "field.missing",
        "field.invalid",
    ]
    assert codes({**graph(node("a")), "notes": [note] * 1001}) == ["field.invalid"]
    assert codes({**graph(node("a")), "notes": "none"}) == ["field.invalid"]


def test_what_nothing_leads_to_is_left_out() -> None:
    data = graph(node("a"), node("b"), node("c"), edges=[("b", "c")])
    parsed = parse(data, REGISTRY)
    assert list(parsed.nodes) == ["a"]
    assert parsed.edges == ()


def test_arms_may_meet_and_then_may_follow() -> None:
    meeting = [("b", "m", "x"), ("b", "n", "y"), ("m", "n")]
    assert codes(graph(branch("b", x="1", y=""), node("m"), node("n"), edges=meeting)) == []
    ending = [("b", "m", "x"), ("b", "n", "then")]
    assert codes(graph(branch("b", x="1"), node("m"), node("n"), edges=ending)) == []
    explicit = [("b", "m", "x"), ("m", "n"), ("b", "n", "then")]
    assert codes(graph(branch("b", x="1"), node("m"), node("n"), edges=explicit)) == []


def test_every_type_has_a_schema_that_says_what_its_texts_are() -> None:
    schemas = {kind.type: kind.data_schema() for kind in REGISTRY}
    assert schemas["step"]["properties"]["code"]["x-role"] == "code"
    assert schemas["step"]["properties"]["retryDelay"]["x-role"] == "duration"
    assert schemas["step"]["additionalProperties"] is False
    assert (
        schemas["branch"]["$defs"]["BranchArm"]["properties"]["condition"]["x-role"] == "condition"
    )
    assert schemas["http_request"]["properties"]["headers"]["x-role"] == "template"
    assert schemas["slack_message"]["properties"]["webhookUrl"]["x-secret"] == "SLACK_WEBHOOK_URL"
    assert set(schemas) >= {
        "step",
        "http_request",
        "branch",
        "sleep",
        "sleep_until",
        "wait_for_event",
    }
