"""Deployed modules on disk, named by their content: written once, never changed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Final

MODULE: Final = "worker.py"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class ModuleFiles:
    """Files under `DATA/deployments/files/<sha256>/worker.py`."""

    def __init__(self, folder: Path) -> None:
        """`folder` is `DATA/deployments`; it is made when something is written."""
        self._folder = folder / "files"

    def put(self, source: str) -> str:
        """Write the module unless it is there already; its SHA-256. Durable when this returns."""
        content = source.encode()
        digest = hashlib.sha256(content).hexdigest()
        place = self._folder / digest
        if self.path(digest) is not None:
            return digest
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = place / f".{MODULE}.{secrets.token_hex(8)}"
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place / MODULE)
        finally:
            draft.unlink(missing_ok=True)
        for folder in (place, self._folder, self._folder.parent):
            _sync(folder)
        return digest

    def path(self, digest: str) -> Path | None:
        """The file, None when it is missing or not what its name says."""
        if _DIGEST.fullmatch(digest) is None:
            return None
        path = self._folder / digest / MODULE
        try:
            content = path.read_bytes()
        except OSError:
            return None
        return path if hashlib.sha256(content).hexdigest() == digest else None


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
