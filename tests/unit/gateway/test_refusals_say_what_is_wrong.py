"""What goes wrong has a status, a stable code and a request id, and never a traceback."""

from __future__ import annotations

import pytest

from awaitstep.engine.errors import (
    DeploymentCrashed,
    DeploymentMissing,
    JournalUnavailable,
    RunnerUnavailable,
    WorkerFailed,
)
from awaitstep.engine.workers import WorkerResponse


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (WorkerFailed("Traceback: secret"), 500, "worker.failed", False),
        (WorkerFailed("NoHandler: secret", "worker.no_handler"), 404, "worker.no_handler", False),
        (WorkerFailed("x", "run.not_found"), 404, "run.not_found", False),
        (WorkerFailed("x", "instance.already_exists"), 500, "worker.failed", False),
        (WorkerFailed("x", "journal.unavailable"), 503, "journal.unavailable", True),
        (DeploymentCrashed("secret"), 503, "runner.crashed", False),
        (DeploymentMissing("dep_x"), 404, "worker.not_found", False),
        (RunnerUnavailable(), 503, "runner.unavailable", True),
        (JournalUnavailable("disk full"), 503, "journal.unavailable", True),
        (ZeroDivisionError("secret"), 500, "internal", False),
    ],
)
async def test_an_error_becomes_a_status_and_a_code(call, worker, error, status, code, retry):
    worker.error = error
    answer = await call()
    assert answer.status == status
    assert set(answer.json) == {"error", "code", "requestId"}
    assert answer.json["code"] == code
    assert answer.all("x-request-id") == [answer.json["requestId"]]
    assert bool(answer.all("retry-after")) == retry
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize("status", [0, 101, 600, "200", None, True])
async def test_a_status_that_is_none_is_the_workers_failure(call, worker, status):
    worker.response = WorkerResponse(status, [], b"")
    assert (await call()).json["code"] == "worker.failed"


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": [("content-length", "1001")], "chunks": [b"x"]},
        {"headers": [("transfer-encoding", "chunked")], "chunks": [b"x" * 600, b"x" * 401]},
        {"headers": [("content-length", "9" * 40)], "chunks": [b"x" * 1001]},
    ],
)
async def test_a_body_over_the_limit_is_refused(call, worker, sent):
    answer = await call(method="POST", **sent)
    assert (answer.status, answer.json["code"]) == (413, "body.too_large")
    assert answer.all("connection") == ["close"]
    assert worker.asked == []


async def test_a_body_at_the_limit_arrives_whole(call, worker):
    chunks = [b"a" * 400, b"", b"b" * 600]
    assert (await call(method="POST", chunks=chunks)).status == 200
    assert worker.request.body == b"a" * 400 + b"b" * 600


async def test_a_body_that_stalls_times_out(call, worker):
    answer = await call(method="POST", chunks=[b"{"], stall=True)
    assert (answer.status, answer.json["code"]) == (408, "body.too_slow")
    assert worker.asked == []


async def test_a_client_that_leaves_early_starts_nothing(call, worker):
    answer = await call(method="POST", chunks=[b"{"], gone=True)
    assert (answer.status, worker.asked) == (0, [])


async def test_a_websocket_is_declined(gateway):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await gateway({"type": "websocket", "headers": [], "path": "/"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "not supported"}]


async def test_lifespan_is_answered(gateway):
    messages = ["lifespan.startup", "lifespan.shutdown"]
    sent = []

    async def receive():
        return {"type": messages.pop(0)}

    async def send(message):
        sent.append(message["type"])

    await gateway({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
