"""kill -9 in the second of three steps, in each product: what is done again, and by whom.

Ours is here, the others in `bench.peers`; each answers `{left, ended, steps}`: how the run stood
some time after the kill with the product running again and nobody helping, how it stood in the end,
and the steps that were executed, in order, as the steps themselves wrote it down. With ours the
server is killed, and its runner goes down with it.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.engine import graph
from bench.product import Product

MARK = """
import asyncio, os
async def mark():
    with open(os.path.join(os.environ["HOME"], "effects"), "a") as file:
        file.write({name!r} + "\\n")
    {then}
await mark()
"""
PATIENCE = 30.0


def marking() -> dict[str, Any]:
    """Three steps that write their names down; the second takes a while."""
    drawn = graph("")
    for node in drawn["nodes"]:
        then = "await asyncio.sleep(1)" if node["id"] == "two" else "pass"
        node["data"] = {"code": MARK.format(name=node["id"], then=then)}
    return drawn


def ours() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o700)
        product = Product(Path(name) / "data")
        try:
            effects = product.data / "tmp" / "effects"
            workflow, _ = product.deploy(marking())
            made = product.client.post(f"/workflows/{workflow}/trigger", json={})
            made.raise_for_status()
            run = f"/workflows/{workflow}/runs/{made.json()['instanceId']}"
            stop = time.monotonic() + PATIENCE
            while not (effects.exists() and "two" in effects.read_text()):
                if time.monotonic() > stop:
                    raise SystemExit("the second step was never reached")
                time.sleep(0.01)
            product.kill()
            product.start()
            status, stop = "", time.monotonic() + PATIENCE
            while status != "complete" and time.monotonic() < stop:
                status = product.client.get(run).json()["status"]
                time.sleep(0.05)
            return {"left": status, "ended": status, "steps": effects.read_text().split()}
        finally:
            product.kill()


def told(said: dict[str, Any]) -> str:
    """One line of what became of the run."""
    steps = " ".join(said["steps"])
    if said["left"] == said["ended"]:
        return f"after kill -9 the run ended by itself: {said['ended']}; executed: {steps}"
    return (
        f"after kill -9 the run stayed {said['left']}; called crashed and retried by hand it was"
        f" {said['ended']}; executed: {steps}"
    )
