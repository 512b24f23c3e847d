"""Disks that tests can fill and make read-only: small file systems in memory, mounted for a test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK = b"\0" * 4096


class Disk:
    """A file system of its own, mounted on `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._filler.open("ab", buffering=0) as file:
            for block in (BLOCK * 64, BLOCK):
                try:
                    while file.write(block) == len(block):
                        pass
                except OSError:  # there is no room for this much
                    pass

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink()

    def read_only(self, yes: bool) -> None:
        """No process may have a file open for writing."""
        _run("mount", "-o", "remount,ro" if yes else "remount,rw", str(self.folder))


@contextmanager
def small(folder: Path, mebibytes: int) -> Iterator[Disk]:
    """Skips the test where nothing can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(
            f"a small disk needs the right to mount one, which user {os.getuid()} lacks: {error}"
        )
    try:
        yield Disk(folder)
    finally:
        # lazily: what a test left running may still have files open
        _run("umount", "-l", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
