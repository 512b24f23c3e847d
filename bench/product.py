"""The whole product, as `awaitstep dev` starts it: Worker URLs, sleeping runs, and kill -9.

Run as a process of its own; prints JSON: with `http SECONDS` the Worker URL and, just before it, a
bare ASGI echo under the same load (`{http, echo}`), both as fast as they answer and at one rate
(`paced`); with `sleeping` `{sleeping, restart}`. Ends are counted in the journal file, from outside.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench.engine import ASYNC_STEP, graph
from bench.processes import children_cpu_ms, cpu_ms

CONNECTIONS = 64
# Requests a second that both the product and the echo can answer.
RATE = 1_000.0
SLEEPING = 100_000
COMPLETE, WAITING = 4, 2  # as the journal writes them

MANY_SLEEPERS = """
made = await env.WORKFLOW.create_batch([{"params": {"n": n}} for n in range(100)])
return Response.json({"made": len(made)})
"""


class Product:
    """`awaitstep dev` on free ports and a folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.start()

    def start(self) -> None:
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "awaitstep", "dev", "--data", str(self.data)),
                *("--port", "0", "--worker-port", "0", "--no-open", "--no-example", "--json"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        self.url, self.key = said["url"], said["apiKey"]
        self.client = httpx.Client(
            base_url=f"{self.url}/api", headers={"Authorization": f"Bearer {self.key}"}, timeout=60
        )
        while True:
            try:
                if self.client.get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.01)

    def kill(self) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def deploy(self, drawn: dict[str, Any], entry: str | None = None) -> tuple[str, str]:
        """(workflow id, Worker URL)."""
        name = drawn["metadata"]["name"]
        made = self.client.post("/workflows", json={"name": name, "ir": drawn})
        made.raise_for_status()
        id = made.json()["id"]
        if entry is not None:
            self.client.patch(f"/workflows/{id}", json={"entryCode": entry}).raise_for_status()
        deployed = self.client.post(f"/workflows/{id}/deploy", json={})
        deployed.raise_for_status()
        return id, deployed.json()["url"]

    def trigger(self, workflow: str) -> None:
        """Start a run and wait until it is complete."""
        answer = self.client.post(f"/workflows/{workflow}/trigger?wait=30", json={})
        answer.raise_for_status()
        if answer.json()["status"] != "complete":
            raise SystemExit(answer.text)

    def memory_mb(self) -> float:
        """Anonymous memory of the server process."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1]) / 1024
        return 0.0

    def count(self, status: int) -> int:
        with sqlite3.connect(f"file:{self.data}/journal.sqlite?mode=ro", uri=True) as db:
            (found,) = db.execute(
                "select count(*) from runs where status = ?", (status,)
            ).fetchone()
        db.close()
        return int(found)

    def until(self, status: int, count: int) -> None:
        while self.count(status) < count:
            time.sleep(0.02)

    def file_size(self) -> int:
        """The journal after a checkpoint of what can be checkpointed."""
        db = sqlite3.connect(f"{self.data}/journal.sqlite")
        db.execute("pragma wal_checkpoint(truncate)")
        db.close()
        return (self.data / "journal.sqlite").stat().st_size


def load(
    url: str, body: str, connections: int, seconds: float, rate: float = 0.0
) -> dict[str, float]:
    """A closed loop, or with a rate so many requests a second."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.http", url, body, *map(str, (connections, seconds, rate))],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def http(product: Product, seconds: float) -> dict[str, float]:
    """POST to the Worker URL of three async steps."""
    workflow, url = product.deploy(graph(ASYNC_STEP))
    product.trigger(workflow)
    load(url, "{}", CONNECTIONS, 1.0)  # warm
    time.sleep(1.0)
    before, pid = product.count(COMPLETE), product.process.pid
    server, inside = cpu_ms(pid), children_cpu_ms(pid)
    begun = time.perf_counter()
    figures = load(url, "{}", CONNECTIONS, seconds)
    product.until(COMPLETE, before + int(figures["answered"]))
    whole = time.perf_counter() - begun
    cpu, children = cpu_ms(pid) - server, children_cpu_ms(pid) - inside
    paced = load(url, "{}", CONNECTIONS, seconds, RATE)
    return {
        "answered_per_s": figures["answered"] / figures["seconds"],
        "completed_per_s": figures["answered"] / whole,
        "p50_ms": figures["p50_ms"],
        "p99_ms": figures["p99_ms"],
        "paced_p50_ms": paced["p50_ms"],
        "paced_p99_ms": paced["p99_ms"],
        "server_cpu_ms_per_run": cpu / figures["answered"],
        "runner_cpu_ms_per_run": children / figures["answered"],
    }


def echo(seconds: float) -> dict[str, float]:
    """POST to an application that does nothing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.echo"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/"
        load(url, "{}", CONNECTIONS, 1.0)  # warm
        figures = load(url, "{}", CONNECTIONS, seconds)
        paced = load(url, "{}", CONNECTIONS, seconds, RATE)
    finally:
        process.kill()
        process.wait()
    return {
        "answered_per_s": figures["answered"] / figures["seconds"],
        "p50_ms": figures["p50_ms"],
        "p99_ms": figures["p99_ms"],
        "paced_p50_ms": paced["p50_ms"],
        "paced_p99_ms": paced["p99_ms"],
    }


def sleeper() -> dict[str, Any]:
    drawn = graph(ASYNC_STEP)
    drawn["metadata"]["name"] = "Sleeper"
    drawn["nodes"] = [drawn["nodes"][0]]
    drawn["nodes"][0] |= {"type": "sleep", "data": {"duration": "30 days"}}
    drawn["edges"] = []
    return drawn


def sleeping(product: Product) -> dict[str, float]:
    """Memory and disk of runs that sleep."""
    _, url = product.deploy(sleeper(), MANY_SLEEPERS)
    size, memory = product.file_size(), product.memory_mb()
    begun = time.perf_counter()
    with httpx.Client(timeout=60) as client:
        for _ in range(SLEEPING // 100):
            client.post(url).raise_for_status()
    product.until(WAITING, SLEEPING)
    took = time.perf_counter() - begun
    return {
        "count": SLEEPING,
        "made_per_s": SLEEPING / took,
        "rss_mb": product.memory_mb(),
        "rss_mb_more": product.memory_mb() - memory,
        "bytes_each": (product.file_size() - size) / SLEEPING,
    }


def restart(product: Product) -> dict[str, float]:
    """From exec after kill -9, with all that sleeping, to the first new run's end."""
    workflow, _ = product.deploy(graph(ASYNC_STEP))
    product.kill()
    product.start()
    product.trigger(workflow)
    return {"seconds": time.perf_counter() - product.begun}


def main() -> None:
    figures: dict[str, Any] = {}
    if sys.argv[1] == "http":
        figures["echo"] = echo(float(sys.argv[2]))
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o700)
        product = Product(Path(name) / "data")
        try:
            if sys.argv[1] == "http":
                figures["http"] = http(product, float(sys.argv[2]))
            else:
                figures |= {"sleeping": sleeping(product), "restart": restart(product)}
        finally:
            product.kill()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
