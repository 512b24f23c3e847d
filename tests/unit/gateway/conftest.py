"""A gateway over a worker that answers from memory, and a client that speaks ASGI to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest

from awaitstep.engine.workers import (
    HandlerFailure,
    RunnerHealth,
    WorkerRequest,
    WorkerResponse,
)
from awaitstep.gateway import Gateway


@dataclass
class Echo:
    """Remembers what it was asked; answers `response` or raises `error`."""

    response: WorkerResponse = field(default_factory=lambda: WorkerResponse(200, [], b"hello"))
    error: Exception | None = None
    asked: list[tuple[str, WorkerRequest]] = field(default_factory=list)

    async def fetch(self, deployment: str, request: WorkerRequest) -> WorkerResponse:
        self.asked.append((deployment, request))
        if self.error is not None:
            raise self.error
        return self.response

    def crashed(self, deployment: str) -> str | None:
        return None

    def handler_failure(self, deployment: str) -> HandlerFailure | None:
        return None

    def health(self) -> RunnerHealth:
        return RunnerHealth(True, 1, True, "")

    @property
    def request(self) -> WorkerRequest:
        return self.asked[-1][1]

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.request.headers)


class Map:
    """A directory of one worker and one custom route."""

    names = {"refund-desk-abc123": "dep_refund"}
    asked_routes: list[tuple[str, str]]

    def __init__(self) -> None:
        self.asked_routes = []

    def by_name(self, worker_name: str) -> str | None:
        return self.names.get(worker_name)

    def by_route(self, host: str, path: str) -> str | None:
        self.asked_routes.append((host, path))
        return "dep_orders" if host == "api.example.com" and path.startswith("/orders/") else None


@dataclass
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value.decode() for key, value in self.headers if key.decode() == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Call = Callable[..., Awaitable[Answer]]


@pytest.fixture
def worker() -> Echo:
    return Echo()


@pytest.fixture
def directory() -> Map:
    return Map()


@pytest.fixture
def gateway(worker: Echo, directory: Map) -> Gateway:
    return Gateway(worker, directory, body_limit=1000, body_seconds=0.2)


@pytest.fixture
def call(gateway: Gateway) -> Call:
    async def send_request(
        target: str = "/refund-desk-abc123/",
        *,
        method: str = "GET",
        host: str | None = "127.0.0.1:8787",
        headers: list[tuple[str, str]] | None = None,
        chunks: list[bytes] | None = None,
        stall: bool = False,
        gone: bool = False,
    ) -> Answer:
        raw_path, _, query = target.partition("?")
        sent: list[Any] = []
        pending = list(chunks or [b""])

        async def receive() -> dict[str, Any]:
            if not pending:
                if gone:
                    return {"type": "http.disconnect"}
                await asyncio.Event().wait()
            part = pending.pop(0)
            more = bool(pending) or stall or gone
            return {"type": "http.request", "body": part, "more_body": more}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": ([(b"host", host.encode("latin-1"))] if host is not None else [])
            + [(n.lower().encode(), v.encode("latin-1")) for n, v in headers or []],
        }
        await gateway(scope, receive, send)
        if not sent:
            return Answer(0, [], b"")
        return Answer(sent[0]["status"], sent[0]["headers"], sent[1]["body"])

    return send_request
