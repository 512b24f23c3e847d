"""`awaitstep doctor --crash-test`: the kill -9 suite on the disk of the data folder.

In a folder of its own, on loopback and with processes of its own; the data of a server is not
touched.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from awaitstep.cli.checks import existing
from awaitstep.cli.failures import Failure
from awaitstep.cli.output import say, show

if TYPE_CHECKING:
    from awaitstep.crashtest import Report

PREFIX: Final = ".awaitstep-crash-test-"
ROUNDS: Final = 3  # at least: two kills of the runner, one of the server


def crash_and_report(data: Path, seconds: float, as_json: bool) -> None:
    """Print the report; exits 1 when something was lost. Raises Failure.

    The folder is removed unless it is needed to see what went wrong.
    """
    from awaitstep.crashtest import ServerFailed

    place = existing(data)
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
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    lines = report.lines()
    answer = report.to_json()
    if kept:
        answer["folder"] = str(folder)
        lines.append(f"What was there is kept in {folder}.")
    show(answer, as_json, lambda _: "\n".join(lines))
    if not report.ok:
        raise typer.Exit(1)


def _kill(folder: Path, seconds: float) -> Report:
    from awaitstep.crashtest import Suite

    say(f"Killing a server and its runners in {folder} for {seconds:.0f} seconds.")
    suite = Suite(folder)
    try:
        end = time.monotonic() + seconds
        while suite.kills.total() < ROUNDS or time.monotonic() < end:
            suite.round()
        return suite.finish()
    finally:
        suite.close()
