"""Random graphs on the embedded engine, whose server is killed at random commits: every run leaves
the history that it was drawn for, and what a commit kept is never done again."""

from __future__ import annotations

import json
import math
import os
import random
import socketserver
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from awaitstep.engine.port import RunView, StepView

from .harness import compiled
from .interpreter import Undecided
from .playing import difference, meant, seen
from .random_graphs import graphs, payloads
from .stand_ins import answer

GRAPHS, KILLS = 12, 5
BATCHES = 4
SOAK = math.ceil(int(os.environ.get("GRAPHS", "100000")) / 50 / GRAPHS)
ROOT = Path(__file__).parents[2]
Tally = Callable[[str, Mapping[str, int]], None]
Ends = dict[str, tuple[RunView, list[StepView]]]


class Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        url = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        body, headers, status = answer(url)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.wfile.write(
            f"HTTP/1.1 {status} Told\r\n{head}Connection: close\r\n\r\n{body}".encode()
        )


@pytest.fixture(scope="module")
def desk() -> Iterator[str]:
    """Where the requests of random graphs are answered."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_runs_end_as_drawn(batch: int, desk: str, tmp_path: Path, tally: Tally) -> None:
    tally("graphs whose server was killed", killed(batch, desk, tmp_path))


@pytest.mark.soak
@pytest.mark.parametrize("batch", range(SOAK))
def test_a_soak_of_crashes(batch: int, desk: str, tmp_path: Path, tally: Tally) -> None:
    tally("graphs whose server was killed", killed(1_000_000 + batch, desk, tmp_path))


def killed(number: int, desk: str, folder: Path) -> dict[str, int]:
    """Play some graphs through some kills; how much of what there was."""
    drawn = some_graphs(number)
    modules: dict[str, Any] = {}
    parts: list[Any] = []
    expected: dict[str, dict[str, Any]] = {}
    sources: dict[str, str] = {}
    for at, (graph, chosen) in enumerate(drawn):
        module = compiled(graph)
        modules[f"d{at}"] = [module.source, module.class_name]
        for which, payload in enumerate(chosen):
            payload["desk"] = desk
            try:
                told = meant(graph, payload)
            except Undecided:
                continue
            instance = f"r{at}-{which}"
            expected[instance], sources[instance] = told, module.source
            parts.append([f"d{at}", payload, instance])
    (folder / "deployments").mkdir()
    (folder / "runs.json").write_text(json.dumps({"modules": modules, "parts": parts}))
    chance = random.Random(number)
    kept: dict[tuple[str, int], Any] = {}
    kills = 0
    while kills < KILLS and served(folder, commit=chance.randint(1, 25)) != 0:
        kills += 1
        kept |= outcomes(folder)
    if not (folder / "ends").exists():
        assert served(folder, commit=0) == 0
    ends = msgspec.msgpack.decode((folder / "ends").read_bytes(), type=Ends)
    final = outcomes(folder)
    assert {key: final.get(key) for key in kept} == kept
    for instance, told in expected.items():
        was = seen(*ends[instance], told)
        assert was == told, f"{instance}\n{difference(was, told)}\n{sources[instance]}"
    return {"graphs": len(drawn), "runs": len(parts), "kills": kills, "outcomes kept": len(kept)}


def some_graphs(number: int) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    drawn: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []

    @seed(number)
    @settings(
        max_examples=GRAPHS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(graphs(), st.data())
    def each(graph: dict[str, Any], data: st.DataObject) -> None:
        drawn.append((graph, [data.draw(payloads(graph)) for _ in range(2)]))

    each()
    return drawn


def served(folder: Path, commit: int) -> int:
    """How the server ended that dies around this commit; 0: never."""
    command = [sys.executable, "-m", "tests.property.crashing_server", str(folder), str(commit)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, -9), done.stderr[-4000:]
    return done.returncode


def outcomes(folder: Path) -> dict[tuple[str, int], Any]:
    """What the journal keeps as done, and when it was."""
    with sqlite3.connect(folder / "journal.sqlite") as db:
        rows = db.execute(
            "select runs.instance, k, name, seq, operations.status, operations.ended, value"
            " from operations join runs on ref = run where seq > 0"
        ).fetchall()
    db.close()
    return {(instance, k): tuple(rest) for instance, k, *rest in rows}
