"""The packages that a workflow declares: names with versions, and nothing else.

No addresses, paths, options or markers. What passes here can stand in a requirements file without
making an installer do more than look a name up. Pure; knows no installer.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Final

# A deployment has at most so many.
MOST: Final = 100
_FORM: Final = re.compile(
    r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)"
    r"(\[(?P<extras>[A-Za-z0-9._, -]{1,100})\])?"
    r"(?P<versions> ?(==|~=|!=|<=|>=|<|>) ?[A-Za-z0-9.*+!_-]{1,50}"
    r"(, ?(==|~=|!=|<=|>=|<|>) ?[A-Za-z0-9.*+!_-]{1,50})*)?"
)
_HEADER: Final = "# /// script"
_END: Final = "# ///"


class NotARequirement(ValueError):
    """It is not the name of a package with versions."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:100]!r} is not a package with versions, such as httpx>=0.28.")


def normalised(requirements: Iterable[str]) -> tuple[str, ...]:
    """In one spelling, sorted, each once: equal sets of packages are equal tuples.

    Raises NotARequirement.
    """
    return tuple(sorted({_normalised(text) for text in requirements}))


def digest(requirements: Iterable[str]) -> str:
    """The SHA-256 that names this set of packages. Raises NotARequirement."""
    return hashlib.sha256("\n".join(normalised(requirements)).encode()).hexdigest()


def declared_in(source: str) -> tuple[str, ...]:
    """The `dependencies` of a module's script header (PEP 723), as they are written.

    Raises ValueError with one sentence.
    """
    blocks = _blocks(re.split(r"\r\n|\r|\n", source))
    if len(blocks) > 1:
        raise ValueError("The module has several script headers.")
    try:
        header = tomllib.loads("\n".join(blocks[0])) if blocks else {}
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"The script header can't be read: {error}.") from None
    found = header.get("dependencies", [])
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ValueError("`dependencies` in the script header is not a list of texts.")
    if len(found) > MOST:
        raise ValueError(f"The script header declares {len(found)} packages; at most {MOST}.")
    normalised(found)
    return tuple(found)


def _normalised(text: str) -> str:
    found = _FORM.fullmatch(text)
    if found is None:
        raise NotARequirement(text)
    extras = sorted(filter(None, map(_name, (found["extras"] or "").split(","))))
    versions = sorted((found["versions"] or "").replace(" ", "").split(","))
    return _name(found["name"]) + (f"[{','.join(extras)}]" if extras else "") + ",".join(versions)


def _name(text: str) -> str:
    """As an index compares names; without a dot it is never taken for a file either."""
    return re.sub(r"[-_.]+", "-", text.strip()).strip("-").lower()


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    """The text of each script header, without its comment signs."""
    blocks = []
    at = 0
    while at < len(lines):
        if lines[at] == _HEADER:
            end = at + 1
            while end < len(lines) and (lines[end] == "#" or lines[end].startswith("# ")):
                end += 1
            last = max((n for n in range(at + 1, end) if lines[n] == _END), default=None)
            if last is not None:
                blocks.append([line[2:] for line in lines[at + 1 : last]])
                at = last
        at += 1
    return blocks
