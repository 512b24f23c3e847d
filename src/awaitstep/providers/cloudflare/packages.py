"""Which packages Cloudflare's Python can have, and how they are installed for it.

Compiled ones are those that its Pyodide release carries, in that version; all others must be pure
Python. `pyodide.json` is made by `make pyodide`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from awaitstep.providers.packages.installer import Target, Tell, install
from awaitstep.providers.port import PackagesRefused
from awaitstep.requirements import normalised


@dataclass(frozen=True, slots=True)
class Pyodide:
    """A Pyodide release: the Python it is, and its compiled packages with their versions."""

    version: str
    target: Target
    packages: dict[str, str]

    @property
    def name(self) -> str:
        """Of this Python, as a folder."""
        return f"{self.target.platform}-{self.target.python}"


@cache
def pyodide() -> Pyodide:
    """What Cloudflare runs at our compatibility date."""
    told = json.loads(files("awaitstep.providers.cloudflare").joinpath("pyodide.json").read_text())
    packages = {normalised([name])[0]: version for name, version in told["packages"].items()}
    return Pyodide(told["pyodide"], Target(told["platform"], told["python"]), packages)


async def install_for_cloudflare(
    requirements: Sequence[str],
    pins: Sequence[str],
    draft: Path,
    *,
    cache: Path | None,
    tell: Tell,
) -> None:
    """As `installer.install`, for Cloudflare's Python. Raises PackagesRefused, PackagesUnavailable."""
    known = pyodide()
    fixed = {f"{name}=={version}" for name, version in known.packages.items()}
    try:
        await install(
            requirements,
            sorted(fixed | {*pins}),
            draft,
            cache=cache,
            tell=tell,
            target=known.target,
        )
    except PackagesRefused as error:
        raise PackagesRefused(_explained(str(error), requirements)) from None


def _explained(why: str, requirements: Sequence[str]) -> str:
    known = pyodide()
    told = [
        f"{name} {known.packages[name]}"
        for name in sorted({_name(line) for line in requirements} & known.packages.keys())
    ]
    offers = f" Of these it has {', '.join(told)}." if told else ""
    return (
        f"{why} Cloudflare runs Pyodide {known.version}: packages are pure Python, or compiled ones"
        f" that it carries.{offers}"
    )


def _name(requirement: str) -> str:
    for at, sign in enumerate(requirement):
        if sign in "[=<>!~":
            return requirement[:at]
    return requirement
