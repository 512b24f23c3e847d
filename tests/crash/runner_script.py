"""A minimal runner: walls, watchdog and fault handler around one coroutine of a worker module.

runner_script.py CODE FUNCTION --link FD --control FD --fault FD
"""

import argparse
import asyncio
import importlib
import os
import sys
from pathlib import Path

from awaitstep.runner import forks, walls, watchdog

parser = argparse.ArgumentParser()
parser.add_argument("code", type=Path)
parser.add_argument("function")
for name in ("--link", "--control", "--fault"):
    parser.add_argument(name, type=int, required=True)
given = parser.parse_args()

forks.keep_from_children([given.link, given.control, given.fault])
walls.enter(
    [*walls.readable_roots(), given.code],
    [Path(os.environ["HOME"])],
    limits=walls.Limits(),
)
watchdog.report_faults(given.fault)


async def main() -> None:
    loop = asyncio.get_running_loop()
    dog = watchdog.Watchdog(
        loop,
        given.control,
        code=given.code,
        current=lambda: watchdog.current_task_label(loop),
        interval=0.05,
        stall_after=0.3,
    )
    dog.start()
    sys.path.insert(0, str(given.code))
    sys.path_importer_cache.clear()
    task = asyncio.current_task()
    assert task is not None
    task.set_name("the attempt")
    module = importlib.import_module("worker")
    await getattr(module, given.function)(given.link)
    dog.stop()


if __name__ == "__main__":
    asyncio.run(main())
