"""What DBOS does after kill -9: `python -m bench.peers.dbos_killed DATABASE_URL EFFECTS`.

The first start dies inside the second of three steps; the next one only launches DBOS and looks
on. Each step writes its name into the file EFFECTS before it returns. Prints JSON:
`{left, ended, steps}`: how the run
ended by itself within `PATIENCE` seconds (twice), and what was executed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from dbos import DBOS, SetWorkflowID

from bench.peers.dbos_three_steps import prepare

PATIENCE = 20.0
ID = "killed"


def mark(name: str) -> int:
    """Write it down, and say how often it stands there."""
    effects = Path(sys.argv[2])
    with effects.open("a") as file:
        file.write(f"{name}\n")
    return effects.read_text().splitlines().count(name)


@DBOS.step()
def one() -> str:
    mark("one")
    return "one"


@DBOS.step()
def two() -> str:
    if mark("two") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "two"


@DBOS.step()
def three() -> str:
    mark("three")
    return "three"


@DBOS.workflow()
def killed() -> list[str]:
    return [one(), two(), three()]


def main() -> None:
    first = len(sys.argv) > 3
    if not first:
        prepare(sys.argv[1])
        subprocess.run([sys.executable, "-m", __spec__.name, *sys.argv[1:], "first"], check=False)
    DBOS(config={"name": "killed", "system_database_url": sys.argv[1], "log_level": "ERROR"})
    DBOS.launch()
    if first:
        with SetWorkflowID(ID):
            killed()
        raise SystemExit("the first start was not killed")
    stop = time.monotonic() + PATIENCE
    ended = "nothing"
    while ended != "SUCCESS" and time.monotonic() < stop:
        found = DBOS.get_workflow_status(ID)
        ended = found.status if found is not None else "nothing"
        time.sleep(0.05)
    steps = Path(sys.argv[2]).read_text().split()
    print(json.dumps({"left": ended, "ended": ended, "steps": steps}))
    sys.stdout.flush()
    DBOS.destroy()


if __name__ == "__main__":
    main()
