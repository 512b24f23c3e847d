"""The runner process: walls first, then the loop, then the link. Started by the server only."""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Final

import uvloop

from awaitstep.engine.clock import SystemClock
from awaitstep.engine.link import Link
from awaitstep.engine.messages import OUT_OF_MEMORY, decode_for_runner
from awaitstep.engine.printing import capture
from awaitstep.interpreter import tune
from awaitstep.runner import forks, walls, watchdog
from awaitstep.runner.host import Runner, end_process
from awaitstep.runner.threads import STEP_THREAD

# What the server said that is handled in one turn: what the first runs of many did is on its way
# back while the others go on. Fewer overlap more and make commits smaller; 16 and 24 measured best.
PER_TURN: Final = 16


def main() -> None:
    arguments = _arguments()
    watchdog.report_faults(arguments.fault)
    packages = [] if arguments.packages is None else [arguments.packages]
    isolation = walls.enter(
        [*walls.readable_roots(), arguments.deployments, *packages],
        [arguments.temporary],
        forbid=arguments.forbid,
        limits=walls.Limits(memory_bytes=arguments.memory, processes=arguments.processes),
    )
    # Before all others, so that a worker gets the versions it declared; after all that the runner
    # itself is made of is imported, so that it stays what it is.
    sys.path[:0] = map(str, packages)
    tune()
    forks.keep_from_children([arguments.link, arguments.control, arguments.fault])
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(_failed)
    threading.excepthook = _failed_in_thread
    loop.call_soon(_begin, loop, arguments, isolation.reason)
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            # asyncio lets these out of any task; they are the business of the code that raised
            # them, which has ended with them, and not of its neighbours
            continue
        except MemoryError:
            end_process(OUT_OF_MEMORY)


def _failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What is lost is not known when the runner's own work finds no memory: it ends, and all it
    had is done again elsewhere. A task of the user's code may fail as it likes."""
    if isinstance(context.get("exception"), MemoryError) and not {"task", "future"} & set(context):
        end_process(OUT_OF_MEMORY)
    loop.default_exception_handler(context)


def _failed_in_thread(told: threading.ExceptHookArgs) -> None:
    own = told.thread is not None and told.thread.name.startswith(STEP_THREAD)
    if own and issubclass(told.exc_type, MemoryError):
        end_process(OUT_OF_MEMORY)
    threading.__excepthook__(told)


def _begin(
    loop: asyncio.AbstractEventLoop, arguments: argparse.Namespace, isolation: str | None
) -> None:
    runner = Runner(SystemClock(), code=arguments.deployments)
    link = Link(
        socket.socket(fileno=arguments.link),
        decode=decode_for_runner,
        on_message=runner.receive,
        on_lost=lambda why: end_process(),
        per_turn=PER_TURN,
    )
    runner.connect(link, isolation)
    capture(runner.printed)
    watchdog.Watchdog(
        loop,
        arguments.control,
        code=arguments.deployments,
        current=lambda: watchdog.current_task_label(loop),
        stall_after=arguments.stall_after,
    ).start()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="awaitstep.runner")
    for name in ("--link", "--control", "--fault"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--deployments", type=Path, required=True)
    parser.add_argument("--temporary", type=Path, required=True)
    parser.add_argument("--packages", type=Path, default=None)
    parser.add_argument("--forbid", type=Path, action="append", default=[])
    parser.add_argument("--memory", type=int, default=None)
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--stall-after", type=float, default=3.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
