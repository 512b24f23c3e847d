"""A backend that answers from memory, and an HTTP server on loopback that `fetch` can call."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from workers._fetch import aclose
from workers.backend import Verb
from workers.workflows import WorkflowError


@dataclass
class MemoryBackend:
    """Knows the instances it started and remembers what it was asked."""

    instances: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def create(self, binding: str, id: str | None, params: Any) -> Mapping[str, Any]:
        id = id or f"new-{len(self.instances)}"
        if id in self.instances:
            raise WorkflowError("instance.already_exists", "the id is taken")
        self.instances[id] = params
        return {"id": id}

    async def create_batch(
        self, binding: str, instances: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        created: list[Any] = []
        errors: list[Any] = []
        for index, instance in enumerate(instances):
            try:
                if instance.get("params") == "refuse":
                    raise WorkflowError("payload.too_large", "too much")
                created.append(
                    await self.create(binding, instance.get("id"), instance.get("params"))
                )
            except WorkflowError as error:
                errors.append({"index": index, "code": error.code, "message": error.message})
        return {"created": created, "errors": errors}

    async def get(self, binding: str, id: str) -> Mapping[str, Any]:
        if id not in self.instances:
            raise WorkflowError("run.not_found", "no such instance")
        return {"id": id}

    async def status(self, binding: str, id: str) -> Mapping[str, Any]:
        return {"status": "complete", "output": {"params": self.instances[id]}}

    async def verb(self, binding: str, id: str, verb: Verb, **options: Any) -> None:
        self.asked.append((verb, id, options))

    async def send_event(self, binding: str, id: str, type: str, payload: Any) -> None:
        self.asked.append(("send_event", id, type, payload))


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        name, _, rest = self.path.lstrip("/").partition("/")
        answer = getattr(self, f"answer_{name}", None)
        if answer is None:
            self.reply(404, b"nothing here")
        else:
            answer(rest, body)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = do_GET

    def reply(self, status: int, body: bytes = b"", *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_echo(self, rest: str, body: bytes) -> None:
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("utf-8", "replace"),
        }
        self.reply(200, json.dumps(seen).encode(), ("content-type", "application/json"))

    def answer_status(self, rest: str, body: bytes) -> None:
        self.reply(int(rest), b"" if rest == "204" else b"body")

    def answer_redirect(self, rest: str, body: bytes) -> None:
        status, _, target = rest.partition("/")
        self.reply(int(status), b"", ("location", f"/{target}"))

    def answer_away(self, rest: str, body: bytes) -> None:
        self.reply(302, b"", ("location", rest.replace("~", "/")))

    def answer_loop(self, rest: str, body: bytes) -> None:
        self.reply(302, b"", ("location", "/loop"))

    def answer_gzip(self, rest: str, body: bytes) -> None:
        packed = gzip.compress("gepackt ü".encode())
        self.reply(
            200, packed, ("content-type", "text/plain; charset=utf-8"), ("content-encoding", "gzip")
        )

    def answer_unknown_coding(self, rest: str, body: bytes) -> None:
        self.reply(200, b"opaque", ("content-encoding", "x-own"))

    def answer_latin(self, rest: str, body: bytes) -> None:
        self.reply(200, "für".encode("latin-1"), ("content-type", "text/plain; charset=iso-8859-1"))

    def answer_cookies(self, rest: str, body: bytes) -> None:
        self.reply(200, b"", ("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2; Path=/"))

    def answer_cut(self, rest: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", "100")
        self.end_headers()
        self.wfile.write(b"not a hundred")
        self.close_connection = True

    def answer_held(self, rest: str, body: bytes) -> None:
        server = self.server
        assert isinstance(server, _Server)
        server.reached.set()
        server.released.wait(30)
        self.close_connection = True

    def answer_endless(self, rest: str, body: bytes) -> None:
        server = self.server
        assert isinstance(server, _Server)
        self.send_response(200)
        self.send_header("content-length", str(10**15))
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b"x" * 65_536)
        except OSError:
            server.left.set()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reached = threading.Event()
        self.released = threading.Event()
        self.left = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
async def site(server: _Server) -> AsyncIterator[str]:
    """The server's address; what `fetch` opened is closed afterwards."""
    server.reached.clear()
    server.released.clear()
    server.left.clear()
    yield server.url
    server.released.set()
    await aclose()
