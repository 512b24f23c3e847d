"""Services on loopback that say what a test told them to, and keep what arrived."""

from __future__ import annotations

import json
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Arrived:
    """One request; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpService:
    """`answers` are (status, body[, headers]), in the order in which they are given."""

    answers: list[tuple[Any, ...]]
    arrived: list[Arrived] = field(default_factory=list)
    url: str = ""


@contextmanager
def http_service(*answers: tuple[Any, ...]) -> Iterator[HttpService]:
    service = HttpService(list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            service.arrived.append(Arrived(self.command, self.path, headers, body))
            status, content, *more = service.answers.pop(0)
            text = content if isinstance(content, bytes | str) else json.dumps(content)
            sent = text.encode() if isinstance(text, str) else text
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *_: Any) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        service.url = f"http://127.0.0.1:{port}"
        yield service


@dataclass
class SmtpService:
    """`replies` are what the server says to the next RCPT; then it takes what comes."""

    replies: list[str] = field(default_factory=list)
    logins: list[list[str]] = field(default_factory=list)
    mails: list[tuple[list[str], bytes]] = field(default_factory=list)
    tries: int = 0
    port: int = 0


@contextmanager
def smtp_service(*replies: str) -> Iterator[SmtpService]:
    service = SmtpService(list(replies))

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            service.tries += 1
            recipients: list[str] = []
            self.say("220 stand-in")
            while line := self.rfile.readline().decode().strip():
                match line.split(" ")[0].upper():
                    case "EHLO":
                        self.say("250-stand-in")
                        self.say("250 AUTH PLAIN")
                    case "AUTH":
                        service.logins.append(line.split(" ")[1:])
                        self.say("235 ok")
                    case "RCPT":
                        reply = service.replies.pop(0) if service.replies else "250 ok"
                        if reply.startswith("250"):
                            recipients.append(line.partition(":")[2].strip("<>"))
                        self.say(reply)
                    case "DATA":
                        self.say("354 go on")
                        lines = iter(self.rfile.readline, b".\r\n")
                        service.mails.append((recipients, b"".join(lines)))
                        self.say("250 ok")
                    case "QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 ok")

    with _serving(_Threads(("127.0.0.1", 0), Handler)) as port:
        service.port = port
        yield service


@dataclass
class PostgresService:
    """`answers` are rows of texts with their columns, or the (SQLSTATE, message) of an error."""

    answers: list[Any]
    passwords: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    values: list[list[str | None]] = field(default_factory=list)
    port: int = 0


@contextmanager
def postgres_service(*answers: Any) -> Iterator[PostgresService]:
    """Speaks version 3 of the protocol as far as one statement with parameters needs it."""
    service = PostgresService(list(answers))

    class Handler(socketserver.StreamRequestHandler):
        def send(self, kind: bytes, content: bytes = b"") -> None:
            self.wfile.write(kind + struct.pack("!i", len(content) + 4) + content)

        def handle(self) -> None:
            size, version = struct.unpack("!ii", self.rfile.read(8))
            if version == 80877103:  # encryption is asked for, and there is none
                self.wfile.write(b"N")
                size, version = struct.unpack("!ii", self.rfile.read(8))
            assert version == 196608
            self.rfile.read(size - 8)
            self.send(b"R", struct.pack("!i", 3))
            self.rfile.read(1)
            (size,) = struct.unpack("!i", self.rfile.read(4))
            service.passwords.append(self.rfile.read(size - 4).rstrip(b"\0").decode())
            self.send(b"R", struct.pack("!i", 0))
            self.send(b"S", b"client_encoding\0UTF8\0")
            self.send(b"Z", b"I")
            self.failed = False
            while kind := self.rfile.read(1):
                (size,) = struct.unpack("!i", self.rfile.read(4))
                content = self.rfile.read(size - 4)
                if kind == b"X":
                    return
                if kind == b"S":
                    self.failed = False
                    self.send(b"Z", b"I")
                elif not self.failed:
                    self.take(kind, content)

        def take(self, kind: bytes, content: bytes) -> None:
            if kind == b"P":
                sql = content.split(b"\0")[1].decode()
                service.statements.append(sql)
                answer = service.answers[0]
                if isinstance(answer, tuple):
                    service.answers.pop(0)
                    self.failed = True
                    state, words = answer
                    fields = f"SERROR\0VERROR\0C{state}\0M{words}\0\0"
                    self.send(b"E", fields.encode())
                else:
                    self.send(b"1")
            elif kind == b"D":
                self.send(b"t", struct.pack("!h", 0))
                columns = service.answers[0]["columns"]
                parts = [
                    name.encode() + b"\0" + struct.pack("!ihihih", 0, 0, oid, -1, -1, 0)
                    for name, oid in columns.items()
                ]
                self.send(b"T", struct.pack("!h", len(parts)) + b"".join(parts))
            elif kind == b"B":
                service.values.append(_bound_values(content))
                self.send(b"2")
            elif kind == b"E":
                rows = service.answers.pop(0)["rows"]
                for row in rows:
                    values = b"".join(_sized(value) for value in row)
                    self.send(b"D", struct.pack("!h", len(row)) + values)
                self.send(b"C", f"SELECT {len(rows)}\0".encode())

    with _serving(_Threads(("127.0.0.1", 0), Handler)) as port:
        service.port = port
        yield service


def _sized(value: str | None) -> bytes:
    if value is None:
        return struct.pack("!i", -1)
    return struct.pack("!i", len(value.encode())) + value.encode()


def _bound_values(content: bytes) -> list[str | None]:
    rest = content.split(b"\0", 2)[2]
    (formats,) = struct.unpack_from("!h", rest)
    position = 2 + 2 * formats
    (count,) = struct.unpack_from("!h", rest, position)
    position += 2
    values: list[str | None] = []
    for _ in range(count):
        (size,) = struct.unpack_from("!i", rest, position)
        position += 4
        values.append(None if size < 0 else rest[position : position + size].decode())
        position += max(size, 0)
    return values


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
