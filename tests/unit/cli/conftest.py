"""A stand-in for the server: answers what a test put there and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from awaitstep.cli import credentials, main
from awaitstep.cli.credentials import Credentials


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, value: Any, status: int = 200) -> None:
        self.answers[f"{method} /api{path}"] = (status, value)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            state.asked.append(
                Asked(
                    self.command,
                    self.path,
                    {name.lower(): value for name, value in self.headers.items()},
                    json.loads(body) if body else None,
                )
            )
            key = f"{self.command} {self.path}"
            missing = (404, {"error": f"nothing at {key}", "code": "route.not_found"})
            status, value = state.answers.get(key, missing)
            if callable(value):  # it depends on what is asked
                value = value(state.asked[-1].body)
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def data(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with credentials for the stand-in."""
    for name in ("AWAITSTEP_URL", "AWAITSTEP_API_KEY", "AWAITSTEP_DATA"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    credentials.write(folder, Credentials(server.url, "http://127.0.0.1:1", "ask_key", server.url))
    return folder


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def awaitstep(capsys: pytest.CaptureFixture[str]):
    def call(*arguments: object) -> Result:
        with pytest.raises(SystemExit) as exit:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Result(int(exit.value.code or 0), out, err)

    return call
