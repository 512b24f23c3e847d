"""The data folder: made when it is missing, refused in one sentence when it can't be used."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from awaitstep.cli.failures import Failure

# What a start writes at least (bytes): tables, lock, credentials.
NEEDED: Final = 512 * 1024


def usable(data: Path) -> Path:
    """The folder, private when it is made here, once something could be written to it.

    Raises Failure.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{data} can't be made: {error.strerror}.", "data.unusable") from None
    try:
        with tempfile.TemporaryFile(dir=data, buffering=0) as file:
            file.write(b"\0" * NEEDED)
            os.fsync(file.fileno())
    except OSError as error:
        raise Failure(f"{data} can't be written: {error.strerror}.", "data.unusable") from None
    return data
