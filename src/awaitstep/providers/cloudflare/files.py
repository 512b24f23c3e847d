"""The files of a worker: the module, the SDK that Cloudflare wants beside it, and packages.

The SDK is the unchanged content of the `workers-runtime-sdk` wheel, which the build puts into
`sdk/`. Reads files; sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from awaitstep.dialect import MAIN
from awaitstep.providers.cloudflare.client import Part

VENDORED: Final = "python_modules"
SDK: Final = Path(__file__).parent / "sdk"
# What an installer leaves behind, and what only a type checker reads.
_LEFT_OUT: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
_KINDS: Final = {".py": "text/x-python", ".js": "application/javascript+module"}
_OTHER: Final = "application/octet-stream"


class SdkMissing(Exception):
    """This installation was made without the SDK; the message says what to do."""

    def __init__(self) -> None:
        super().__init__("The workers SDK is not in this installation; build it with `make setup`.")


def parts_of(source: str, packages: Path | None = None) -> dict[str, Part]:
    """Content and Content-Type of each file by its path. It reads the disk.

    `packages` is a folder of installed packages. Raises SdkMissing, OSError.
    """
    parts = {MAIN: (source.encode(), _KINDS[".py"])}
    for folder in (packages, SDK):
        if folder is not None:
            for path, content in _vendored(folder):
                parts[path] = (content, _KINDS.get(PurePosixPath(path).suffix, _OTHER))
    if f"{VENDORED}/workers/__init__.py" not in parts:
        raise SdkMissing
    return dict(sorted(parts.items()))


def size_of(parts: Mapping[str, Part]) -> int:
    """Bytes, before compression."""
    return sum(len(content) for content, _ in parts.values())


def _vendored(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if hidden or name.name in _LEFT_OUT or name.suffix == ".pyi" or not path.is_file():
            continue
        yield f"{VENDORED}/{name.as_posix()}", path.read_bytes()
