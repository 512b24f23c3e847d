"""What single nodes mean: the lines they leave in the history, their values, and their time.

Half of the interpreter, and as plain as it: knows the JSON of a graph and nothing of the product.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

START = 1_800_000_000.0
Data = dict[str, Any]
# The moments at which it goes on.
Moments = Generator[float, None, Any]


class Undecided(BaseException):
    """What follows depends on what happens first at one and the same moment."""


class Failed(Exception):
    def __init__(self, name: str, message: str, step: str | None = None) -> None:
        self.data = {"name": name, "message": message, "step": step}


@dataclass
class Line:
    """One line of the history; `strand` says what it was beside."""

    strand: tuple[Any, ...]
    type: str
    name: str
    began: float
    status: str = "cancelled"
    ended: float | None = None
    value: Any = None

    def end(self, status: str, now: float, value: Any = None) -> None:
        self.status, self.ended, self.value = status, now, value


@dataclass
class Token:
    """One region while it is executed: what its nodes made, and the last value among it."""

    around: Data
    at: tuple[int, ...] = ()
    strand: tuple[Any, ...] = ()
    made: Data = field(default_factory=dict)
    last: Any = None

    def keep(self, node_id: str, value: Any) -> None:
        self.made[node_id] = self.last = value

    def seen(self) -> Data:
        return {**self.around, **self.made}


def answer(url: str) -> tuple[str, dict[str, str], int]:
    """What a server answers to …/NUMBER/STATUS: body, headers and status."""
    number, status = url.split("/")[-2:]
    body = json.dumps({"node": f"n{number}"})
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    return body, {**headers, "connection": "close"}, int(status)


class Leaves:
    """One method for each type of node that holds no others."""

    nodes: dict[str, Data]
    payload: Data
    now: float
    lines: list[Line]
    shared: list[str]
    awaited: set[str]

    def _begin(self, kind: str, node_id: str, token: Token, suffix: str = "") -> Line:
        name = self.nodes[node_id]["name"]
        name += f" ({node_id})" if self.shared.count(name) > 1 else ""
        at = f" [{'.'.join(map(str, token.at))}]" if token.at else ""
        self.lines.append(Line(token.strand, kind, name + suffix + at, self.now))
        return self.lines[-1]

    def _text(self, text: str, token: Token) -> str:
        def written(found: re.Match[str]) -> str:
            value = token.seen().get(found[1])
            value = value[found[2]] if found[2] and value is not None else value
            return "" if value is None else str(value)

        return re.sub(r"\{\{(\w+)(?:\.(\w+))?\}\}", written, text)

    def _after(self, duration: str, token: Token) -> float:
        return self.now + int(self._text(duration, token).removesuffix(" seconds"))

    def _step(self, node_id: str, data: Data, token: Token) -> Moments:
        values, fails = token.seen(), self.payload[node_id] if "raise" in data["code"] else 0
        read = re.findall(r"str\((\w+)\)", data["code"])
        value = {"node": node_id, "saw": [str(values.get(other))[:80] for other in read]}
        if not data.get("inline"):
            yield from self._attempts(node_id, data, token, value, fails, "ValueError", node_id)
        elif fails:
            raise Failed("ValueError", node_id)
        token.keep(node_id, value)

    def _http_request(self, node_id: str, data: Data, token: Token) -> Moments:
        body, headers, status = answer(f"/{node_id[1:]}/{self.payload[node_id]}")
        value = {"status": status, "headers": headers, "body": body, "json": json.loads(body)}
        error = ("RuntimeError", f"HTTP status {status}: {body}")
        fails = 0 if status < 400 else 99
        yield from self._attempts(node_id, data, token, value, fails, *error)
        token.keep(node_id, value)

    def _attempts(self, node_id, data, token, value, fails, name, message) -> Moments:
        """A step whose first `fails` attempts fail."""
        line = self._begin("do", node_id, token)
        limit = data.get("retryLimit", 5)
        for _ in range(min(fails, limit)):
            yield self._after(data["retryDelay"], token)
        if fails > limit:
            line.end("errored", self.now)
            raise Failed(name, message, line.name)
        line.end("complete", self.now, value)

    def _json_transform(self, node_id: str, data: Data, token: Token) -> Moments:
        value = token.seen().get(data["input"].strip("{}"))
        found = value.get("node") if isinstance(value, dict) else None
        token.keep(node_id, {"made": "by transform", "of": found})
        yield from ()

    def _sleep(self, node_id: str, data: Data, token: Token) -> Moments:
        line = self._begin("sleep", node_id, token)
        if "timestamp" in data:
            yield datetime.fromisoformat(data["timestamp"]).timestamp()
        else:
            yield self._after(data["duration"], token)
        line.end("complete", self.now)

    _sleep_until = _sleep

    def _wait_for_event(self, node_id: str, data: Data, token: Token) -> Moments:
        kind, arrives = self._text(data["eventType"], token), self.payload[node_id]
        line, late = self._begin("wait", node_id, token), self._after(data["timeout"], token)
        if kind in self.awaited:
            raise Undecided  # two wait for the same
        self.awaited.add(kind)
        yield late if arrives is None else self.now + arrives
        self.awaited.discard(kind)
        if arrives is not None:
            moment = datetime.fromtimestamp(self.now, UTC)
            value = {"payload": {"node": node_id}, "type": kind, "timestamp": moment}
            line.end("complete", self.now, value)
            return token.keep(node_id, value)
        line.end("errored", self.now)
        if data["onTimeout"] == "fail":
            message = f"Execution timed out after {int(late - line.began) * 1000}ms"
            raise Failed("TimeoutError", message)
        token.keep(node_id, None)
