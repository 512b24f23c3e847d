"""The workflow that is running while processes are killed: plain code that is deployed as it is.

Each step notes that it began and that it ended, and in which process, beside the product.
"""

import asyncio
import json
import os
import tempfile
import time
from typing import Any

from workers import WorkflowEntrypoint


class CrashTest(WorkflowEntrypoint):
    async def run(self, event: Any, step: Any) -> Any:
        path = os.path.join(tempfile.gettempdir(), "effects")
        n = event["payload"]["n"]

        def mark(name: str, what: str) -> None:
            line = json.dumps([event["instanceId"], name, what, os.getpid()])
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(fd, f"{line}\n".encode())
            os.close(fd)

        async def undo_first() -> None:
            mark("undoing of first", "begin")
            await asyncio.sleep(0.2)
            mark("undoing of first", "end")

        @step.do("first", rollback=undo_first)
        async def first() -> None:
            mark("first", "begin")
            await asyncio.sleep(0.5)
            mark("first", "end")

        @step.do("second")
        def second() -> None:
            mark("second", "begin")
            time.sleep(0.05)
            mark("second", "end")

        async def arm(i: int) -> None:
            @step.do(f"arm {i}")
            async def work() -> None:
                mark(f"arm {i}", "begin")
                await asyncio.sleep(0.2)
                mark(f"arm {i}", "end")

            await work()
            await step.sleep(f"nap {i}", f"{1 + (n + i) % 3} seconds")

        await first()
        got = await step.wait_for_event("gate", "go")
        await asyncio.gather(arm(0), arm(1))
        await second()
        return [n, got.payload]
