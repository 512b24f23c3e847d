"""The flow of `prefect_killed`, which Prefect's command reads as a file of its own.

It is not async: `prefect flow-run retry` of 3.9.1 makes the coroutine of an async flow and never
awaits it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from prefect import flow, task


def mark(name: str) -> int:
    """Write it down, and say how often it stands there."""
    effects = Path(os.environ["EFFECTS"])
    with effects.open("a") as file:
        file.write(f"{name}\n")
    return effects.read_text().splitlines().count(name)


@task
def one() -> str:
    mark("one")
    return "one"


@task
def two() -> str:
    if mark("two") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "two"


@task
def three() -> str:
    mark("three")
    return "three"


@flow
def killed() -> list[str]:
    return [one(), two(), three()]
