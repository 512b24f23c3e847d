"""What Prefect does after kill -9: `python -m bench.peers.prefect_killed DATABASE_URL EFFECTS`.

A flow in a process of its own dies inside the second of three tasks, its server lives on. Each
task writes its name into the file EFFECTS before it returns. Prints JSON: `{left, ended, steps}`:
the run's state `PATIENCE` seconds later, how it ended once somebody had called it crashed and
retried it with Prefect's own command, and what was executed.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from bench.peers.prefect_three_steps import address, server

PATIENCE = 10.0


async def look_on() -> dict[str, object]:
    """What became of the only run: at first by itself, then with somebody's help."""
    from prefect import get_client
    from prefect.states import Crashed

    async def state(id: UUID) -> str:
        async with get_client() as client:
            found = (await client.read_flow_run(id)).state
        return found.type.value if found is not None else "none"

    async with get_client() as client:
        (run,) = await client.read_flow_runs()
    await asyncio.sleep(PATIENCE)
    left = await state(run.id)
    async with get_client() as client:
        await client.set_flow_run_state(run.id, Crashed(), force=True)
    program = str(Path(sys.executable).with_name("prefect"))
    entry = f"{Path(__file__).with_name('prefect_flow.py')}:killed"
    retry = await asyncio.create_subprocess_exec(
        *(program, "flow-run", "retry", str(run.id), "--entrypoint", entry),
        stdout=subprocess.DEVNULL,
    )
    await retry.wait()
    return {"left": left, "ended": await state(run.id)}


def main() -> None:
    if len(sys.argv) > 3:
        from bench.peers.prefect_flow import killed  # reads the environment when it is imported

        killed()
        raise SystemExit("the flow was not killed")
    os.environ["EFFECTS"] = sys.argv[2]
    with server(address(sys.argv[1])):
        subprocess.run([sys.executable, "-m", __spec__.name, *sys.argv[1:], "first"], check=False)
        figures = asyncio.run(look_on())
    print(json.dumps(figures | {"steps": Path(sys.argv[2]).read_text().split()}))


if __name__ == "__main__":
    main()
