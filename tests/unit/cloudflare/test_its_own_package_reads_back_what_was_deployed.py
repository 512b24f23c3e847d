"""Cloudflare's own package for Python reads back from the fake server what we deployed to it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from awaitstep.dialect import COMPATIBILITY_DATE, COMPATIBILITY_FLAGS
from fakecloud.server import ACCOUNT, TOKEN, ZONE

from .conftest import NAME, Desk

ROOT = Path(__file__).parents[3]
READY = ROOT / ".venv" / "cloudflare" / "ready"
PYTHON = READY.with_name("bin") / "python"
READER = ROOT / "tests" / "fakecloud" / "read_back.py"

pytestmark = pytest.mark.skipif(not READY.exists(), reason="`make .venv/cloudflare/ready` did not")


async def read_back(desk: Desk) -> Any:
    reader = await asyncio.create_subprocess_exec(
        PYTHON, READER, desk.cloudflare.address, ACCOUNT, ZONE, TOKEN,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, wrong = await reader.communicate()
    assert reader.returncode == 0, wrong.decode()[-3000:]
    return json.loads(out)


async def test_all_of_a_deployment_is_read_back(desk: Desk) -> None:
    first = await desk.deploy(schedules=("0 * * * *",), route="orders.example.com")
    live = await desk.deploy(
        "two",
        schedules=("5 * * * *",),
        route="api.example.com/orders/*",
        secrets={"TOKEN": "n3w"},
        before=first.made,
    )
    await desk.deploy(worker_name="other-abc123", workflow="wf_2", route="other.example.com")
    run = await desk.place.client.post(f"{desk.place.workflow(NAME)}/instances", {"params": {}})

    told = await read_back(desk)

    assert [*told["workers"]] == [*told["workflows"]] == [NAME, "other-abc123"]
    worker = told["workers"][NAME]
    assert worker["tags"] == ["awaitstep", "awaitstep=wf_1"]
    assert worker["public"]
    assert worker["secrets"] == ["TOKEN"]
    assert worker["bindings"] == [
        {"type": "plain_text", "name": "GREETING", "text": "hello"},
        {"type": "secret_text", "name": "TOKEN"},
        {
            "type": "workflow",
            "name": "WORKFLOW",
            "workflow_name": NAME,
            "class_name": "Orders",
        },
    ]
    assert worker["live"] == live.made["version"] == worker["versions"][-1]
    assert len(worker["versions"]) == 2
    assert (worker["date"], worker["flags"]) == (COMPATIBILITY_DATE, [*COMPATIBILITY_FLAGS])
    assert worker["runtime"]["compatibility_date"] == COMPATIBILITY_DATE
    workflow = told["workflows"][NAME]
    assert (workflow["script"], workflow["class"]) == (NAME, "Orders")
    assert workflow["crons"] == ["5 * * * *"]
    assert [*workflow["runs"]] == [run["id"]]
    assert told["routes"] == {"api.example.com/orders/*": NAME}
    assert told["domains"] == {"other.example.com": "other-abc123"}
    assert told["subdomain"] == "acme"
