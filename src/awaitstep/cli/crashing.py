"""`awaitstep doctor --crash-test`: the kill -9 suite on the disk of the data folder.

In a folder of its own, on loopback and with processes of its own; the data of a server is not
touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from awaitstep.cli.checks import existing
from awaitstep.cli.failures import Failure
from awaitstep.cli.output import say, show

if TYPE_CHECKING:
    from awaitstep.crashtest import Report

PREFIX: Final = ".awaitstep-crash-test-"
# What ends a process without a word, unless it wants to hear of it.
ENDS: Final = (signal.SIGTERM, signal.SIGHUP)
REMOVALS: Final = 50  # the runner of a server that was killed may write in it a moment longer
ROUNDS: Final = 3  # at least: two kills of the runner, one of the server


def crash_and_report(data: Path, seconds: float, as_json: bool) -> None:
    """Print the report; exits 1 when something was lost. Raises Failure.

    The folder is removed unless it is needed to see what went wrong. A signal that ends the test
    leaves nothing behind, and raises SystemExit.
    """
    with _signals_raise():
        _crash_and_report(existing(data), seconds, as_json)


def _crash_and_report(place: Path, seconds: float, as_json: bool) -> None:
    from awaitstep.crashtest import ServerFailed

    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    except OSError as error:
        raise Failure(f"{place} can't be written: {error.strerror}.", "data.unusable") from None
    kept = False
    try:
        report = _kill(folder, seconds)
        kept = not report.ok
    except ServerFailed as error:
        kept = True
        raise Failure(f"{error} What was there is kept in {folder}.", "crash_test.failed") from None
    except OSError as error:
        raise Failure(f"{folder} can't be used: {error.strerror}.", "data.unusable") from None
    finally:
        _ignore_signals()
        if not kept:
            _remove(folder)
    lines = report.lines()
    answer = report.to_json()
    if kept:
        answer["folder"] = str(folder)
        lines.append(f"What was there is kept in {folder}.")
    show(answer, as_json, lambda _: "\n".join(lines))
    if not report.ok:
        raise typer.Exit(1)


def _remove(folder: Path) -> None:
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


def _kill(folder: Path, seconds: float) -> Report:
    from awaitstep.crashtest import Suite, below, end

    say(f"Killing a server and its runners in {folder} for {seconds:.0f} seconds.")
    try:
        suite = Suite(folder)
        stop = time.monotonic() + seconds
        while suite.kills.total() < ROUNDS or time.monotonic() < stop:
            suite.round()
        return suite.finish()
    finally:
        _ignore_signals()
        # a signal may have come while one of them was started, or stopped to be killed
        end(below(os.getpid()))


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """What would end the process at once lets it clean up."""
    before = {number: signal.getsignal(number) for number in (*ENDS, signal.SIGINT)}
    for number in ENDS:
        if before[number] is not signal.SIG_IGN:  # as with nohup
            signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """Cleaning up takes moments, and is not interrupted."""
    for number in (*ENDS, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)  # as a shell tells it
