"""Tells the server, from a thread of its own, that the runner lives and where its loop hangs.

Owns the control pipe and the fault handler. Knows the loop and the folder of deployed code, not
runs or steps: the name of what the loop was running comes from a callable of the caller.

The pipe carries one JSON object per line:
    {"type": "beat", "loop": turns}
    {"type": "stall", "seconds": s, "file": f, "line": n, "function": f, "task": label or null}
"""

import asyncio
import faulthandler
import json
import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path

from awaitstep.runner.stacks import Place, where

# Writes up to this size go into a pipe whole or not at all, so a line is never torn.
_LINE_LIMIT = min(select.PIPE_BUF, 4096)


def report_faults(fd: int) -> None:
    """On a fatal signal (SIGSEGV, SIGABRT, …) write the Python stacks of all threads to `fd`."""
    faulthandler.enable(file=fd, all_threads=True)


def current_task_label(loop: asyncio.AbstractEventLoop) -> str | None:
    """The name of the task the loop is in the middle of; callable from any thread."""
    task = asyncio.current_task(loop)
    return None if task is None else task.get_name()


class Watchdog:
    """Beats every `interval` seconds; reports once per stall a loop silent for `stall_after`.

    Make and start it on the loop's thread. It needs the interpreter lock to run, so code that
    computes outside Python without releasing the lock silences it: the server sees beats missing.
    Ends the process when the server has closed its end of the pipe, because a loop that hangs
    would never see the link close.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        control: int,
        *,
        code: Path | None,
        current: Callable[[], str | None],
        interval: float = 0.5,
        stall_after: float = 3.0,
    ) -> None:
        self._loop = loop
        self._control = control
        self._code = code
        self._current = current
        self._interval = interval
        self._stall_after = stall_after
        self._turns = 0
        self._tick: asyncio.TimerHandle | None = None
        self._stopped = threading.Event()
        os.set_blocking(control, False)

    def start(self) -> None:
        self._loop_thread = threading.get_ident()
        self._turn()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._tick is not None:
            self._tick.cancel()

    def _turn(self) -> None:
        # A timer of its own, so that an idle loop turns too.
        self._turns += 1
        self._tick = self._loop.call_later(self._interval, self._turn)

    def _watch(self) -> None:
        seen, stalled, reported = self._turns, 0.0, False
        before = time.monotonic()
        while not self._stopped.wait(self._interval):
            now = time.monotonic()
            if self._turns != seen:
                seen, stalled, reported = self._turns, 0.0, False
            else:
                # A process that was stopped or starved loses its time to no one's code: only
                # time during which this thread ran as well counts as the loop's.
                stalled += min(now - before, 2 * self._interval)
            before = now
            self._say({"type": "beat", "loop": seen})
            if stalled >= self._stall_after and not reported:
                reported = self._report_stall(stalled)

    def _report_stall(self, seconds: float) -> bool:
        place = where(self._loop_thread, self._code) or Place("", 0, "")
        try:
            task = self._current()
        except Exception:
            # A label must not cost the report.
            task = None
        stall: dict[str, object] = {
            "type": "stall",
            "seconds": round(seconds, 3),
            "file": place.file,
            "line": place.line,
            "function": place.function,
            "task": task,
        }
        return self._say(stall)

    def _say(self, message: dict[str, object]) -> bool:
        """Whether the line is in the pipe. A full pipe drops it: the watchdog never waits."""
        line = _line(message)
        if len(line) > _LINE_LIMIT:
            # The names are the user's; a report without them is worth more than none.
            line = _line(message | {"file": "", "function": "", "task": None})
        try:
            os.write(self._control, line)
        except BlockingIOError:
            return False
        except BrokenPipeError:
            os._exit(1)
        return True


def _line(message: dict[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
