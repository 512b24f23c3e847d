"""Files that commands read and write; what can't be done is one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from awaitstep.cli.failures import Failure


def read_text(path: Path) -> str:
    """A file's text. Raises Failure with one sentence."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Failure(f"There is no file {path}.", "file.missing") from None
    except IsADirectoryError:
        raise Failure(f"{path} is a folder, not a file.", "file.missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} can't be read: {error}.", "file.unreadable") from None


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises Failure with one sentence."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise Failure(f"{path} is not JSON: {error}.", "file.not_json") from None


def write_text(path: Path, text: str) -> None:
    """Raises Failure with one sentence."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> Failure:
    return Failure(f"{path} can't be written: {error.strerror}.", "file.unwritable")
