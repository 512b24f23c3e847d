"""`credentials.json`: where the server of a data folder is, and a key for it."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

NAME = "credentials.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Addresses have no trailing slash."""

    url: str
    worker_url: str
    api_key: str
    login_url: str


def read(folder: Path) -> Credentials | None:
    """The folder's credentials; None when there are none that can be used."""
    try:
        stored = json.loads((folder / NAME).read_text(encoding="utf-8"))
        fields = [stored[name] for name in ("url", "workerUrl", "apiKey", "loginUrl")]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(field, str) for field in fields):
        return None
    return Credentials(*fields)


def write(folder: Path, credentials: Credentials) -> None:
    """Replace the folder's credentials at once; only their owner can read them."""
    text = json.dumps(
        {
            "url": credentials.url,
            "workerUrl": credentials.worker_url,
            "apiKey": credentials.api_key,
            "loginUrl": credentials.login_url,
        },
        indent=2,
    )
    # mkstemp makes the file with mode 0600
    handle, name = tempfile.mkstemp(prefix=".credentials-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(name, folder / NAME)
    except BaseException:
        os.unlink(name)
        raise
