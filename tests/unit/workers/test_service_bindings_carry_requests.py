from __future__ import annotations

import base64
from typing import Any

import pytest

from workers.bindings import ServiceBinding


class Worker:
    """A backend that notes the request and answers as told."""

    def __init__(self, **answer: Any) -> None:
        self.asked: dict[str, Any] = {}
        self.answer = {"status": 200, "headers": [], "body": "", **answer}

    async def fetch(self, binding: str, method: str, url: str, headers: Any, body: str) -> Any:
        self.asked = {"binding": binding, "method": method, "url": url}
        self.asked |= {"headers": headers, "body": body}
        return self.answer


async def test_a_request_arrives_whole() -> None:
    worker = Worker()
    binding = ServiceBinding("FUNCTION_X", worker)  # type: ignore[arg-type]
    await binding.fetch("https://function/a?b=1", method="PUT", headers={"x-a": "1"}, body="\xe9")
    asked = worker.asked
    assert (asked["binding"], asked["method"]) == ("FUNCTION_X", "PUT")
    assert asked["url"] == "https://function/a?b=1"
    assert ["x-a", "1"] in asked["headers"]
    assert base64.b64decode(asked["body"]) == "\xe9".encode()


async def test_an_answer_comes_back_whole() -> None:
    body = base64.b64encode(b'{"a": [1]}').decode()
    worker = Worker(status=418, headers=[["content-type", "application/json"]], body=body)
    answer = await ServiceBinding("F", worker).fetch("https://function/")  # type: ignore[arg-type]
    assert answer.status == 418
    assert answer.headers["content-type"] == "application/json"
    assert await answer.json() == {"a": [1]}


async def test_a_request_that_cannot_be_is_refused_before_it_leaves() -> None:
    worker = Worker()
    with pytest.raises(ValueError, match="no body"):
        await ServiceBinding("F", worker).fetch("https://function/", method="GET", body="x")  # type: ignore[arg-type]
    assert worker.asked == {}
