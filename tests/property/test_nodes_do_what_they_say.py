"""Each node type's code, executed: requests, texts, moments, timeouts and the default handler."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .harness import NonRetryableError, Response, Step, compiled, drawing, load, node, run


class Network:
    """Answers every request alike, and remembers them."""

    def __init__(self, body: Any = b"{}", status: int = 200, headers: Any = None) -> None:
        self.answer = Response(body, status, headers)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, resource: str, **options: Any) -> Response:
        self.requests.append((resource, options))
        return self.answer


def request(network: Network, payload: Any = None, env: Any = None, **data: Any) -> Any:
    graph = drawing(node("call", "http_request", **{"url": "https://a.example/x", **data}))
    return run(compiled(graph), payload or {}, Step(), env=env, fetch=network)


def test_a_response_becomes_a_value() -> None:
    headers = {"Content-Type": "application/json", "Set-Cookie": "a=b", "Authorization": "x"}
    value = request(Network(b'{"a": 1}', headers=headers))
    assert value == {
        "status": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"a": 1}',
        "json": {"a": 1},
    }


@pytest.mark.parametrize(
    "body", [b"hello", b"", b"\xff", b"NaN", b"1e400", b'"\\ud800"', b"[" * 100_000]
)
def test_what_is_not_json_has_no_json(body: bytes) -> None:
    value = request(Network(body))
    assert value["json"] is None
    assert value["body"] == body.decode("utf-8", "replace")


def test_a_long_body_is_cut() -> None:
    value = request(Network(b"x" * (256 * 1024 + 1)))
    assert (len(value["body"]), value["truncated"], value["json"]) == (256 * 1024, True, None)
    assert "truncated" not in request(Network(b"x" * 256 * 1024))


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 499])
def test_a_client_error_is_not_tried_again(status: int) -> None:
    with pytest.raises(NonRetryableError, match=f"HTTP status {status}: no"):
        request(Network(b"no", status))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 599])
def test_other_errors_are_tried_again(status: int) -> None:
    with pytest.raises(RuntimeError, match=f"HTTP status {status}"):
        request(Network(b"no", status))


def test_what_fails_can_be_chosen() -> None:
    assert request(Network(status=404), failOn=500)["status"] == 404
    assert request(Network(status=503), failOn=None)["status"] == 503
    with pytest.raises(RuntimeError):
        request(Network(status=302), failOn=300)


def test_only_query_parameters_are_encoded() -> None:
    network = Network()
    payload = {"a": "ä &/?", "n": None, "o": {"x": [1]}}
    query = {
        "a": "{{event.payload.a}}",
        "n": "{{event.payload.n}}",
        "o": "{{event.payload.o}}",
        "p q": "=",
    }
    request(network, payload, url="https://a.example/{{event.payload.a}}", queryParams=query)
    ((url, _),) = network.requests
    assert url.startswith("https://a.example/ä &/?&a=%C3%A4+%26%2F%3F&")
    network = Network()
    request(network, payload, url="https://a.example/x#end", queryParams=query)
    parts = urlsplit(network.requests[0][0])
    assert parse_qs(parts.query, keep_blank_values=True) == {
        "a": ["ä &/?"],
        "n": [""],
        "o": ['{"x": [1]}'],
        "p q": ["="],
    }
    assert parts.fragment == "end"


def test_bodies_have_their_type() -> None:
    def sent(**data: Any) -> tuple[Any, Any]:
        network = Network()
        request(network, {"n": 1, "s": "x"}, method="POST", **data)
        options = network.requests[0][1]
        assert options["method"] == "POST"
        return options.get("body"), options.get("headers", {}).get("content-type")

    assert sent() == (None, None)
    body, kind = sent(
        body={
            "a": "{{event.payload.n}}",
            "b": ["{{event.payload.s}}-{{event.payload.n}}", None, -1.5],
        }
    )
    assert (json.loads(body), kind) == ({"a": 1, "b": ["x-1", None, -1.5]}, "application/json")
    assert sent(body="{{event.payload}}") == ('{"n": 1, "s": "x"}', "application/json")
    assert sent(body="n={{event.payload.n}}") == ("n=1", None)
    assert sent(body="{{event.payload.n}}", bodyType="text") == ("1", None)
    form = sent(body={"a b": "{{event.payload.s}}&"}, bodyType="form")
    assert form == ("a+b=x%26", "application/x-www-form-urlencoded")


def test_an_id_hides_no_function_of_the_standard_library() -> None:
    network = Network()
    graph = drawing(
        node("urlencode", "step", code="return 1"),
        node(
            "ask",
            "http_request",
            url="https://x.example/",
            method="POST",
            body={"a": "{{urlencode}}"},
            bodyType="form",
            queryParams={"b": "{{urlencode}}"},
        ),
    )
    run(compiled(graph), {}, Step(), fetch=network)
    assert network.requests[0][1]["body"] == "a=1"


def test_credentials_go_into_the_header() -> None:
    network = Network()
    request(
        network, env=SimpleNamespace(TOKEN="t"), auth={"type": "bearer", "token": "{{env.TOKEN}}"}
    )
    basic = {"type": "basic", "username": "ä", "password": "b:c"}
    request(network, auth=basic, headers={"X-A": "{{event.payload}}"})
    assert network.requests[0][1]["headers"] == {"authorization": "Bearer t"}
    assert network.requests[1][1]["headers"] == {"X-A": "{}", "authorization": "Basic w6Q6Yjpj"}


def test_a_missing_key_fails_with_node_and_path() -> None:
    with pytest.raises(NonRetryableError, match=r"^event\.payload\.a\[2\] is missing$"):
        request(Network(), {"a": [1]}, url="https://a.example/{{event.payload.a[2].b}}")


def test_a_node_that_did_not_run_is_none_and_so_is_what_is_in_it() -> None:
    graph = drawing(
        node("b", "branch", branches=[{"label": "x", "condition": '{{event.payload["the key"]}}'}]),
        node("a", "step", code='return {"k": "v"}'),
        node("s", "sleep", duration="{{a.k}}"),
        node("w", "wait_for_event", eventType="t-{{a.k}}-{{a}}"),
        edges=[("b", "a", "x"), ("b", "s", "then"), ("s", "w")],
    )
    for taken, duration, event in ((True, "v", 't-v-{"k": "v"}'), (False, None, "t--")):
        step = Step({"w": None})
        run(compiled(graph), {"the key": taken}, step)
        assert step.trace[-2:] == [("sleep", "s", duration), ("wait", "w", event)]


def test_keys_that_an_f_string_cannot_hold() -> None:
    graph = drawing(node("w", "wait_for_event", eventType="""a{{event.payload["it's"]['"']}}b"""))
    step = Step({"w": 1})
    run(compiled(graph), {"it's": {'"': "{x}"}}, step)
    assert step.trace == [("wait", "w", "a{x}b")]


def test_variables_of_any_name_are_read() -> None:
    graph = drawing(node("w", "wait_for_event", eventType="{{env.A}}{{env.__B}}{{env.C.d}}"))
    step = Step({"w": 1})
    run(compiled(graph), {}, step, env=SimpleNamespace(A="a", __B="b", C={"d": 1}))
    assert step.trace == [("wait", "w", "ab1")]


def test_moments() -> None:
    fixed = "2026-01-01T00:00:00Z"
    graph = drawing(
        node("a", "sleep_until", timestamp=fixed),
        node("b", "sleep_until", timestamp="{{event.payload.at}}"),
        node("c", "sleep_until", timestamp="{{event.payload.day}}T00:00:00+00:00"),
    )
    step, moment = Step(), datetime(2026, 1, 1, tzinfo=UTC)
    run(compiled(graph), {"at": fixed, "day": "2026-01-01"}, step)
    assert step.trace == [("sleep_until", name, moment) for name in "abc"]
    with pytest.raises(ValueError, match="names no time zone"):
        run(compiled(graph), {"at": "2026-01-01", "day": ""}, Step())


def test_a_timeout_can_be_gone_past() -> None:
    graph = drawing(
        node("w", "wait_for_event", eventType="t", onTimeout="continue"),
        node("a", "step", code="return [w, ctx['attempt']]"),
    )
    assert run(compiled(graph), {}, Step({"w": TimeoutError})) == [None, 1]
    assert run(compiled(graph), {}, Step({"w": {"payload": 1}})) == [{"payload": 1}, 1]


def test_looking_into_a_timeout_names_node_and_path() -> None:
    graph = drawing(
        node("w", "wait_for_event", eventType="t", onTimeout="continue"),
        node("v", "wait_for_event", eventType="{{w.payload}}"),
    )
    with pytest.raises(NonRetryableError, match=r"^w\.payload is missing$"):
        run(compiled(graph), {}, Step({"w": TimeoutError}))


def test_inline_code_is_no_step() -> None:
    graph = drawing(
        node("a", "step", code="return event['payload']['n'] + 1", inline=True),
        node("b", "step", code="async def twice():\n    return a * 2\nreturn await twice()"),
    )
    step = Step()
    assert run(compiled(graph), {"n": 1}, step) == 4
    assert step.trace == [("do", "b")]
    assert step.kinds == {"b": True}


class Request:
    def __init__(self, method: str, url: str = "https://w.example/", body: Any = None) -> None:
        self.method, self.url, self._body = method, url, body

    async def json(self) -> Any:
        return json.loads(self._body)


class Binding:
    def __init__(self) -> None:
        self.created: list[Any] = []

    async def create(self, *, params: Any) -> Any:
        self.created.append(params)
        return SimpleNamespace(id="i-1")

    async def get(self, instance_id: str) -> Any:
        async def status() -> Any:
            return {"status": "complete", "of": instance_id}

        return SimpleNamespace(status=status)


def answer(request: Request) -> tuple[Response, Binding]:
    binding = Binding()
    env = SimpleNamespace(WORKFLOW=binding)
    worker = load(compiled(drawing(node("a", "step", code="return 1"))).source)["Default"](
        None, env
    )
    return asyncio.run(worker.fetch(request)), binding


def test_a_post_starts_a_run_with_its_json() -> None:
    response, binding = answer(Request("POST", body=b'{"orderId": 1}'))
    assert (response.body, binding.created) == ({"instanceId": "i-1"}, [{"orderId": 1}])


@pytest.mark.parametrize("body", [b"", b"order=1", b"[" * 100_000, b"\xff"])
def test_a_post_without_json_starts_a_run_without_params(body: bytes) -> None:
    response, binding = answer(Request("POST", body=body))
    assert (response.body, binding.created) == ({"instanceId": "i-1"}, [None])


def test_a_get_with_an_instance_answers_its_status() -> None:
    response, _ = answer(Request("GET", "https://w.example/?x=1&instanceId=i-7"))
    assert response.body == {"status": "complete", "of": "i-7"}


@pytest.mark.parametrize("query", ["", "?", "?instanceId=", "?other=1"])
def test_anything_else_is_empty(query: str) -> None:
    response, binding = answer(Request("GET", f"https://w.example/{query}"))
    assert (response.body, response.status, binding.created) == (None, 200, [])


def straight_on(kind: str, *labels: str, **data: Any) -> Any:
    """What a container answers whose arms lead right to what follows it."""
    graph = drawing(
        node("whole", kind, **data),
        node("end", "step", code="return whole"),
        edges=[("whole", "end", label) for label in (*labels, "then")],
    )
    return run(compiled(graph), {}, Step())


def test_arms_that_lead_to_what_follows_are_empty_arms() -> None:
    assert straight_on("parallel", "a", "b") == {"a": None, "b": None}
    assert straight_on("parallel", "a", onError="collect") == {"a": {"value": None}}
    assert straight_on("race", "a", "b") == {"winner": "a", "value": None}
    assert straight_on("loop", "body", collection="[1, 2]") == {"results": [None, None], "count": 2}
    assert straight_on("try_catch", "try", "finally") == {"value": None, "error": None}


def test_an_empty_catch_catches() -> None:
    graph = drawing(
        node("safe", "try_catch"),
        node("risky", "step", code='raise ValueError("no")', inline=True),
        node("end", "step", code='return safe["error"]["message"]'),
        edges=[("safe", "risky", "try"), ("safe", "end", "catch"), ("safe", "end", "then")],
    )
    assert run(compiled(graph), {}, Step()) == "no"


@pytest.mark.parametrize("way", [0, 1])
def test_a_branch_in_an_arm_may_lead_to_what_follows_the_container(way: int) -> None:
    graph = drawing(
        node("both", "parallel"),
        node(
            "which",
            "branch",
            branches=[{"label": "yes", "condition": "{{event.payload.way}} == 1"}],
        ),
        node("inside", "step", code="return 1"),
        node("end", "step", code="return [both, inside]"),
        edges=[
            ("both", "which", "a"),
            ("which", "inside", "yes"),
            ("which", "end", "then"),
            ("both", "end", "then"),
        ],
    )
    inside = 1 if way else None
    assert run(compiled(graph), {"way": way}, Step()) == [{"a": inside}, inside]
