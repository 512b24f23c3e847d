"""Each type of the library, compiled and run against a stand-in that looks at what arrives."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from .running import Ended, graph, run
from .services import Arrived, http_service, postgres_service, smtp_service

SECRET = "s3cr3t+with:signs"


class Case:
    """How a type that speaks HTTP is used. `at` is the field that takes the service's address."""

    def __init__(
        self, kind: str, at: str, data: dict[str, Any], good: tuple[Any, ...], output: Any
    ) -> None:
        self.kind, self.at, self.data, self.good, self.output = kind, at, data, good, output

    async def run(self, folder: Path, url: str) -> Ended:
        hidden = self.at == "webhookUrl"
        data = {**self.data, self.at: "{{env.URL}}" if hidden else url}
        address = f"{url}/hook/{SECRET}" if hidden else url
        return await run(
            folder,
            graph(self.kind, **data),
            env={"URL": address, "KEY": SECRET, "KEY_ID": "AKID"},
        )


CASES = {
    case.kind: case
    for case in (
        Case("slack_message", "webhookUrl", {"text": "Hi"}, (200, "ok"), {"ok": True}),
        Case(
            "discord_message",
            "webhookUrl",
            {"content": "Hi", "username": "Desk"},
            (200, {"id": "1", "channel_id": "2"}),
            {"id": "1", "channelId": "2"},
        ),
        Case(
            "telegram_message",
            "apiUrl",
            {"token": "{{env.KEY}}", "chatId": "@desk", "text": "Hi", "parseMode": "HTML"},
            (200, {"ok": True, "result": {"message_id": 7, "chat": {"id": -9}}}),
            {"messageId": 7, "chatId": -9},
        ),
        Case(
            "github_issue",
            "apiUrl",
            {"token": "{{env.KEY}}", "repository": "o/r", "title": "T", "labels": ["bug"]},
            (201, {"number": 3, "id": 4, "html_url": "https://github.example/o/r/issues/3"}),
            {"number": 3, "id": 4, "url": "https://github.example/o/r/issues/3"},
        ),
        Case(
            "openai_chat",
            "apiUrl",
            {
                "apiKey": "{{env.KEY}}",
                "model": "m",
                "system": "Be brief.",
                "messages": [{"role": "assistant", "content": "Yes?"}],
                "prompt": "Hi",
                "temperature": 1,
                "options": {"seed": 5},
            },
            (
                200,
                {
                    "model": "m-1",
                    "choices": [{"message": {"content": "Ho"}, "finish_reason": "stop"}],
                    "usage": {"total_tokens": 2},
                },
            ),
            {"text": "Ho", "finishReason": "stop", "model": "m-1", "usage": {"total_tokens": 2}},
        ),
        Case(
            "s3_object",
            "endpoint",
            {
                "operation": "put",
                "bucket": "desk",
                "key": "a b/ü+~.json",
                "body": {"n": 1},
                "accessKeyId": "{{env.KEY_ID}}",
                "secretAccessKey": "{{env.KEY}}",
                "region": "eu-1",
            },
            (200, "", {"ETag": '"tag"'}),
            {"key": "a b/ü+~.json", "etag": "tag", "size": 8},
        ),
        Case(
            "stripe_charge",
            "apiUrl",
            {
                "secretKey": "{{env.KEY}}",
                "amount": 1250,
                "currency": "eur",
                "paymentMethod": "pm_1",
                "customer": "cus_1",
                "metadata": {"order": "A & B"},
            },
            (200, {"id": "pi_1", "status": "succeeded", "amount": 1250, "currency": "eur"}),
            {"id": "pi_1", "status": "succeeded", "amount": 1250, "currency": "eur"},
        ),
    )
}
REFUSALS = {
    "slack_message": f"channel_not_found {SECRET}",
    "discord_message": {"message": f"Unknown Webhook {SECRET}", "code": 10015},
    "telegram_message": {"ok": False, "description": f"Bad Request {SECRET}"},
    "github_issue": {"message": f"Validation Failed {SECRET}"},
    "openai_chat": {"error": {"message": f"Incorrect API key provided: {SECRET}"}},
    "s3_object": f"<Error><Code>X</Code><Message>Access Denied {SECRET}</Message></Error>",
    "stripe_charge": {"error": {"message": f"Your card was declined. {SECRET}"}},
}


@pytest.mark.parametrize("kind", CASES)
async def test_it_answers_what_the_service_said(kind: str, tmp_path: Path) -> None:
    case = CASES[kind]
    with http_service(case.good) as service:
        ended = await case.run(tmp_path, service.url)
    assert ended.error is None
    assert (ended.output, ended.attempts) == (case.output, 1)
    globals()[f"check_{kind}"](service.arrived[0])


@pytest.mark.parametrize("kind", CASES)
async def test_a_refusal_is_final_and_keeps_the_secret(kind: str, tmp_path: Path) -> None:
    with http_service((400, REFUSALS[kind])) as service:
        ended = await CASES[kind].run(tmp_path, service.url)
    assert (ended.attempts, len(service.arrived)) == (1, 1)
    assert "400" in str(ended.error)
    assert "***" in str(ended.error)
    assert SECRET not in str(ended.error)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_broken_service_is_asked_again(kind: str, status: int, tmp_path: Path) -> None:
    case = CASES[kind]
    with http_service((status, "later"), case.good) as service:
        ended = await case.run(tmp_path, service.url)
    assert (ended.output, ended.attempts) == (case.output, 2)
    first, second = service.arrived
    assert first.body == second.body
    assert first.headers.get("idempotency-key") == second.headers.get("idempotency-key")


def check_slack_message(request: Arrived) -> None:
    assert (request.method, request.path) == ("POST", f"/hook/{SECRET}")
    assert request.json == {"text": "Hi"}


def check_discord_message(request: Arrived) -> None:
    assert (request.method, request.path) == ("POST", f"/hook/{SECRET}?wait=true")
    assert request.json == {"content": "Hi", "username": "Desk"}


def check_telegram_message(request: Arrived) -> None:
    assert (request.method, request.path) == ("POST", f"/bot{SECRET}/sendMessage")
    assert request.json == {
        "chat_id": "@desk",
        "text": "Hi",
        "disable_notification": False,
        "parse_mode": "HTML",
    }


def check_github_issue(request: Arrived) -> None:
    assert (request.method, request.path) == ("POST", "/repos/o/r/issues")
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.json == {"title": "T", "body": "", "labels": ["bug"], "assignees": []}


def check_openai_chat(request: Arrived) -> None:
    assert (request.method, request.path) == ("POST", "/chat/completions")
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.json["seed"] == 5
    assert [message["role"] for message in request.json["messages"]] == [
        "system",
        "assistant",
        "user",
    ]


def check_s3_object(request: Arrived) -> None:
    assert (request.method, request.path) == ("PUT", "/desk/a%20b/%C3%BC%2B~.json")
    assert request.json == {"n": 1}
    check_signature(request)


def check_signature(request: Arrived) -> None:
    """Signature Version 4, computed anew from what arrived."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKID/(\d{8})/eu-1/s3/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        request.headers["authorization"],
    )
    assert found is not None
    day, names, signature = found.groups()
    digest = hashlib.sha256(request.body).hexdigest()
    assert request.headers["x-amz-content-sha256"] == digest
    listed = [f"{name}:{request.headers[name]}" for name in names.split(";")]
    canonical = "\n".join([request.method, request.path, "", *listed, "", names, digest])
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    scope = f"{day}/eu-1/s3/aws4_request"
    key = b"AWS4" + SECRET.encode()
    for part in (day, "eu-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hashed])
    assert hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == signature


def check_stripe_charge(request: Arrived) -> None:
    assert (request.method, request.path) == ("POST", "/v1/payment_intents")
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert re.fullmatch("[0-9a-f]{64}", request.headers["idempotency-key"])
    sent = parse_qs(request.body.decode())
    assert sent["amount"] == ["1250"]
    assert sent["metadata[order]"] == ["A & B"]
    assert "description" not in sent


async def test_an_object_is_got(tmp_path: Path) -> None:
    put = CASES["s3_object"].data
    data = {key: value for key, value in put.items() if key != "body"}
    case = Case("s3_object", "endpoint", {**data, "operation": "get", "encoding": "base64"}, (), 0)
    with http_service((200, b"\xff\0", {"ETag": '"t"', "Content-Type": "x/y"})) as service:
        ended = await case.run(tmp_path, service.url)
    check_signature(service.arrived[0])
    assert ended.output["body"] == base64.b64encode(b"\xff\0").decode()
    assert (ended.output["size"], ended.output["contentType"]) == (2, "x/y")


EMAIL = {
    "host": "127.0.0.1",
    "security": "none",
    "username": "desk",
    "password": "{{env.KEY}}",
    "sender": "Desk <desk@shop.example>",
    "to": ["a@b.example", "{{event.payload.to}}"],
    "subject": "Grüße",
    "text": "Hello",
    "html": "<p>Hello</p>",
}


@pytest.mark.parametrize(
    ("replies", "attempts", "sent"),
    [
        ([], 1, 1),
        (["450 later", "450 later"], 2, 1),
        (["550 no such user", "550 no such user"], 1, 0),
    ],
)
async def test_email_is_sent(replies: list[str], attempts: int, sent: int, tmp_path: Path) -> None:
    with smtp_service(*replies) as service:
        drawn = graph("send_email", **{**EMAIL, "port": service.port})
        ended = await run(tmp_path, drawn, env={"KEY": SECRET}, payload={"to": "c@d.example"})
    assert (ended.attempts, service.tries, len(service.mails)) == (attempts, attempts, sent)
    login = base64.b64decode(service.logins[0][1]).decode()
    assert login == f"\0desk\0{SECRET}"
    if not sent:
        assert "550: no such user" in str(ended.error)
        return
    recipients, content = service.mails[0]
    mail = message_from_bytes(content, policy=policy.default)
    assert recipients == ["a@b.example", "c@d.example"]
    assert (mail["Subject"], mail["To"]) == ("Grüße", "a@b.example, c@d.example")
    assert ended.output == {"messageId": mail["Message-ID"], "refused": []}


SQL = {
    "url": "{{env.DATABASE}}",
    "sql": "select id, name from t where name = :name and note = '{{x}}'",
    "parameters": {"name": "{{event.payload.name}}"},
}
ROWS = {"columns": {"id": 23, "name": 25}, "rows": [["1", "O'Neil"], ["2", None]]}


@pytest.mark.parametrize(
    ("answers", "attempts"),
    [
        ([ROWS], 1),
        ([("40001", "could not serialize"), ROWS], 2),
        ([("42601", f"syntax error near {SECRET}")], 1),
    ],
)
async def test_a_statement_is_run(answers: list[Any], attempts: int, tmp_path: Path) -> None:
    with postgres_service(*answers) as service:
        url = f"postgres://desk:s3cr3t%2Bwith%3Asigns@127.0.0.1:{service.port}/shop"
        ended = await run(
            tmp_path,
            graph("postgres_query", **SQL),
            env={"DATABASE": url},
            payload={"name": "O'Neil"},
        )
    assert ended.attempts == attempts, ended.error
    assert service.passwords == [SECRET] * attempts
    if answers[-1] is not ROWS:
        assert "42601" in str(ended.error)
        assert SECRET not in str(ended.error)
        return
    assert service.values == [["O'Neil"]]
    assert "= $1" in service.statements[0]
    assert "'{{x}}'" in service.statements[0]
    assert ended.output == {
        "rows": [{"id": 1, "name": "O'Neil"}, {"id": 2, "name": None}],
        "columns": ["id", "name"],
        "rowCount": 2,
    }


async def test_a_value_is_transformed_without_a_step(tmp_path: Path) -> None:
    mapping = {
        "who": "$.customer.name",
        "price": "$$5",
        "first": "$.lines[0].sku",
        "all": "$.lines[*].sku",
        "odd": '$["a b"]',
        "none": "$.lines[9].sku",
        "lines": {"$each": "$.lines", "$to": {"sku": "$.sku", "n": 1}},
    }
    payload = {"customer": {"name": "Ada"}, "lines": [{"sku": "x"}, {"sku": "y"}], "a b": 2}
    drawn = graph("json_transform", input="{{event.payload}}", mapping=mapping)
    ended = await run(tmp_path, drawn, payload=payload)
    assert ended.attempts == 0
    assert ended.output == {
        "who": "Ada",
        "price": "$5",
        "first": "x",
        "all": ["x", "y"],
        "odd": 2,
        "none": None,
        "lines": [{"sku": "x", "n": 1}, {"sku": "y", "n": 1}],
    }


async def test_an_expression_of_the_wrong_type_is_final(tmp_path: Path) -> None:
    data = {**CASES["stripe_charge"].data, "amount": "{{event.payload.cents}}"}
    drawn = graph("stripe_charge", **data)
    ended = await run(tmp_path, drawn, env={"KEY": SECRET}, payload={"cents": "12"})
    assert "it.amount is of type integer, not str" in str(ended.error)
    assert ended.attempts == 1


@pytest.mark.parametrize("kind", ["slack_message", "stripe_charge"])
async def test_ids_that_a_template_uses_itself_hide_nothing(kind: str, tmp_path: Path) -> None:
    case = CASES[kind]
    with http_service(case.good) as service:
        hidden = case.at == "webhookUrl"
        data = {**case.data, case.at: "{{env.URL}}" if hidden else service.url}
        drawn = graph(kind, kind, **data)
        names = ["response", "urlencode", "content_of", "hashlib", "text"]
        before = [
            {"id": name, "type": "step", "name": name, "data": {"code": "return 'mine'"}}
            for name in names
        ]
        drawn["nodes"] = [*before, *drawn["nodes"]]
        ids = [*names, kind]
        drawn["edges"] = [
            {"id": f"e{i}", "source": a, "target": b} for i, (a, b) in enumerate(pairwise(ids))
        ]
        drawn["entryNodeId"] = ids[0]
        ended = await run(tmp_path, drawn, env={"URL": service.url, "KEY": SECRET})
    assert ended.error is None
    assert ended.output == case.output
