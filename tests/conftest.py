"""A real server process, for the tests that need the whole product."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from awaitstep.engine import coordinator

COMMAND = [sys.executable, "-c", "from awaitstep.cli import main; main()"]
SECONDS = 60.0


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Have a line printed at the end of the session, from whichever process the test runs in."""
    return lambda line: record_property("figures", line)


@pytest.fixture
def tally(
    record_property: Callable[[str, object], None],
) -> Callable[[str, Mapping[str, int]], None]:
    """Have counts added up over tests under a title, and printed as shares of the first of them."""
    return lambda title, counts: record_property("tally", [title, dict(counts)])


def pytest_xdist_auto_num_workers() -> int:
    """Most tests wait for servers and pages most of the time."""
    return 2 * (os.cpu_count() or 1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("interpreted") and not str(coordinator.__file__).endswith(".py"):
        pytest.skip("the engine is compiled")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    tallies: dict[str, dict[str, int]] = {}
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    for report in reports:
        if report.when != "call":
            continue
        for name, told in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(told)
            elif name == "tally":
                total = tallies.setdefault(told[0], {})
                for what, count in told[1].items():
                    total[what] = total.get(what, 0) + count
    for title, total in tallies.items():
        (_, whole), *parts = total.items()
        shares = ", ".join(f"{what} {count:,} ({count / whole:.0%})" for what, count in parts)
        terminalreporter.write_line(f"{title}: {whole:,}; {shares}")


@dataclass(frozen=True)
class Answer:
    """What curl brought back."""

    status: int
    headers: dict[str, list[str]]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class LiveServer:
    """`awaitstep dev` on a folder of its own and on ports that were free."""

    folder: Path
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] = field(init=False)
    started: int = 0

    def start(self) -> LiveServer:
        self.started += 1
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(*COMMAND, "dev", "--data", str(self.data), "--no-open"),
                    *("--port", "0", "--worker-port", "0", *self.arguments),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment() | self.variables,
            )
        self.until(self._ready)
        return self

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """The exit status."""
        self.process.send_signal(signal_number)
        try:
            return self.process.wait(SECONDS)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / f"server-{self.started}.log"

    @property
    def credentials(self) -> dict[str, str]:
        stored: dict[str, str] = json.loads((self.data / "credentials.json").read_text())
        return stored

    @property
    def url(self) -> str:
        return self.credentials["url"]

    @property
    def worker_port(self) -> str:
        return self.credentials["workerUrl"].rpartition(":")[2]

    def awaitstep(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command against this server."""
        return subprocess.run(
            [*COMMAND, *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=environment(),
        )

    def curl(self, *arguments: str, stdin: bytes | None = None) -> Answer:
        """A request by the real curl, followed by no redirect."""
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--include", *arguments],
            capture_output=True,
            input=stdin,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode()
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        while head.split(b" ", 2)[1] == b"100":
            head, _, body = body.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            headers.setdefault(name.lower(), []).append(value)
        return Answer(int(lines[0].split(" ")[1]), headers, body.decode())

    def api(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """A request to the REST API with the folder's key, or another."""
        arguments = ["-X", method, f"{self.url}/api{path}"]
        arguments += ["-H", f"Authorization: Bearer {key or self.credentials['apiKey']}"]
        for name, value in headers.items():
            arguments += ["-H", f"{name.replace('_', '-')}: {value}"]
        if body is not None:
            arguments += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.curl(*arguments, stdin=text if body is not None else None)

    def key(self, *scopes: str) -> str:
        """A new API key."""
        made = self.api("POST", "/api-keys", {"name": "+".join(scopes), "scopes": scopes})
        assert made.status == 201, made.text
        return str(made.json["key"])

    def deploy(self, graph: dict[str, Any], *, entry: str | None = None) -> dict[str, Any]:
        """Make a workflow of the graph and put it live; the answer of deploy with `id`."""
        name = graph["metadata"]["name"]
        made = self.api("POST", "/workflows", {"name": name, "ir": graph})
        assert made.status == 201, made.text
        id = made.json["id"]
        if entry is not None:
            patched = self.api("PATCH", f"/workflows/{id}", {"entryCode": entry})
            assert patched.status == 200, patched.text
        deployed = self.api("POST", f"/workflows/{id}/deploy", {})
        assert deployed.status == 200, deployed.text
        return {**deployed.json, "id": id}

    def ended(self, workflow: str, instance: str) -> dict[str, Any]:
        """The run, once it has ended."""
        found: dict[str, Any] = {}

        def over() -> bool:
            answer = self.api("GET", f"/workflows/{workflow}/runs/{instance}")
            assert answer.status == 200, answer.text
            found.update(answer.json)
            return found["status"] in ("complete", "errored", "terminated")

        self.until(over)
        return found

    def until(self, met: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Ask again and again, with a deadline."""
        deadline = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < deadline, f"not in time; {self._log_text()}"
            time.sleep(0.05)

    def _ready(self) -> bool:
        assert self.process.poll() is None, self._log_text()
        if b"API key" not in self.log.read_bytes():  # then the credentials are this start's
            return False
        done = subprocess.run(
            ["curl", "--silent", "--fail", "--noproxy", "*", f"{self.url}/api/health"],
            capture_output=True,
            timeout=SECONDS,
        )
        return done.returncode == 0

    def _log_text(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


def environment() -> dict[str, str]:
    """Ours, without what would point a command at another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWAITSTEP_")}


class Wheels:
    """Packages that can be installed without a network, and the variables that lead uv to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "wheels"
        index = folder / "index"
        for made in (self.folder, index):
            made.mkdir()
        (index / "index.html").write_text("<html></html>")
        self.variables = {
            "UV_DEFAULT_INDEX": index.as_uri(),
            "UV_FIND_LINKS": str(self.folder),
            "UV_CACHE_DIR": str(folder / "uv-cache"),
        }

    def add(self, name: str, version: str, requires: str = "", **modules: str) -> Path:
        """A wheel of these modules, by their file's name without `.py`."""
        path = self.folder / f"{name}-{version}-py3-none-any.whl"
        info = f"{name}-{version}.dist-info"
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        about += f"Requires-Dist: {requires}\n" if requires else ""
        files = {f"{name}/{module}.py": source for module, source in modules.items()}
        files[f"{info}/METADATA"] = about
        files[f"{info}/WHEEL"] = (
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
        with zipfile.ZipFile(path, "w") as wheel:
            for file, source in files.items():
                wheel.writestr(file, source)
        return path


@pytest.fixture
def wheels(tmp_path: Path) -> Wheels:
    folder = tmp_path / "packages"
    folder.mkdir()
    return Wheels(folder)


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., LiveServer]]:
    """Makes servers that end with the test."""
    made: list[LiveServer] = []

    def make(*arguments: str, **variables: str) -> LiveServer:
        folder = tmp_path / f"server-{len(made)}"
        folder.mkdir()
        made.append(LiveServer(folder, arguments, variables))
        return made[-1].start()

    yield make
    for server in made:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server that tests share; each has workflows of its own on it."""
    server = LiveServer(tmp_path_factory.mktemp("live"), ("--no-example",)).start()
    yield server
    if server.process.poll() is None:
        server.stop()


class Collector:
    """Takes OTLP over HTTP, as a collector does, and keeps what it was told."""

    def __init__(self) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        self.requests: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                if self.path == "/v1/traces" and outer.status == 200:
                    outer.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> list[Any]:
        """All spans told so far."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> Any:
        """The only span with this name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    @staticmethod
    def attributes(owner: Any) -> dict[str, Any]:
        """Those of a span or a resource."""
        return {
            each.key: getattr(each.value, each.value.WhichOneof("value"))
            for each in owner.attributes
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()
