"""The installed packages of deployments on disk: one folder per set of packages and Python.

A folder is there whole or not at all, and never changes. What it was made of is kept beside the
modules, with the versions that were chosen, so that one that is gone (a backup without it, another
Python) is made again as it was. Knows no deployment and no runner.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from awaitstep.engine.errors import EnvironmentMissing
from awaitstep.providers.packages.installer import Tell, install
from awaitstep.providers.port import PackagesRefused, PackagesUnavailable
from awaitstep.requirements import NotARequirement, digest, normalised

_log = structlog.get_logger("awaitstep.packages")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SITE: Final = "site"
# Never a digest: folders on their way in and out, and what uv keeps of earlier installs.
_DRAFT: Final = ".draft-"
_GONE: Final = ".gone-"
_CACHE: Final = ".cache"


class Install(Protocol):
    async def __call__(
        self,
        requirements: Sequence[str],
        pins: Sequence[str],
        draft: Path,
        *,
        cache: Path | None,
        tell: Tell,
    ) -> None:
        """As `installer.install`."""
        ...


class Environments:
    """Folders `DATA/environments/<digest of the requirements>/<Python>/site`."""

    def __init__(
        self,
        folder: Path,
        lists: Path,
        *,
        own_cache: bool = True,
        install: Install = install,
        python: str | None = None,
    ) -> None:
        """`lists` is where the requirements are kept. Without `own_cache` uv uses its user's.

        `python` names the Python that `install` installs for, None for this one.
        """
        self._python = _own_python() if python is None else python
        self._folder = folder
        self._lists = lists
        self._cache = folder / _CACHE if own_cache else None
        self._install = install
        self._builds: dict[str, _Build] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._own = f"{_DRAFT}{secrets.token_hex(8)}-"

    def path(self, name: str) -> Path:
        """Where the environment of this digest is, or would be."""
        if _DIGEST.fullmatch(name) is None:
            raise ValueError("not a digest")
        return self._folder / name / self._python / _SITE

    async def prepare(self, requirements: Sequence[str], tell: Tell = lambda line: None) -> str:
        """Have an environment for these packages; its digest. Durable when this returns.

        Raises PackagesRefused, PackagesUnavailable.
        """
        try:
            wanted = normalised(requirements)
        except NotARequirement as error:
            raise PackagesRefused(str(error)) from None
        name = digest(wanted)
        kept = await asyncio.to_thread(self._read, name)
        try:
            await self._there(name, wanted, kept[1] if kept else (), tell)
        except PackagesRefused:
            if not (kept and kept[1]):
                raise
            # the versions of then can't be had for this Python; those of now may
            await self._there(name, wanted, (), tell)
        return name

    async def restore(self, environment: Path) -> None:
        """Make an environment again as it was. Raises EnvironmentMissing."""
        name = environment.parent.parent.name
        if environment != self.path(name):
            raise EnvironmentMissing("It is another Python's; deploy again.")
        kept = await asyncio.to_thread(self._read, name)
        if kept is None:
            raise EnvironmentMissing("What it was made of is not known; deploy again.")
        try:
            await self._there(name, kept[0], kept[1], lambda line: None)
        except (PackagesRefused, PackagesUnavailable, OSError) as error:
            raise EnvironmentMissing(str(error)) from None

    async def clean(self, named: Collection[str]) -> None:
        """Remove what an earlier server left half-done and the environments nobody names.

        Call it before anything can be deployed. They are out of the way when this returns; the
        removing itself goes on beside other work.
        """
        gone = await asyncio.to_thread(self._set_aside, frozenset(named))
        if gone:
            self._spawn(self._remove(gone))

    async def close(self) -> None:
        """End what is being installed."""
        tasks = [*self._tasks, *(build.task for build in self._builds.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- one build for all who want it --------------------------------------------------------

    async def _there(
        self, name: str, requirements: Sequence[str], pins: Sequence[str], tell: Tell
    ) -> None:
        if await asyncio.to_thread(self.path(name).is_dir):
            return
        build = self._builds.get(name)
        if build is None:
            build = self._builds[name] = _Build()
            build.task = asyncio.create_task(
                self._build(name, requirements, pins, build.tell), name="install packages"
            )
            build.task.add_done_callback(partial(self._built, name, build))
        build.listeners.append(tell)
        try:
            await asyncio.shield(build.task)
        finally:
            build.listeners.remove(tell)
            if not build.listeners:  # nobody wants it any more
                self._built(name, build, build.task)
                build.task.cancel()

    def _built(self, name: str, build: _Build, task: asyncio.Task[None]) -> None:
        if self._builds.get(name) is build:
            del self._builds[name]
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if task.done() and not task.cancelled():
            task.exception()  # whoever still waits has it

    async def _build(
        self, name: str, requirements: Sequence[str], pins: Sequence[str], tell: Tell
    ) -> None:
        draft = self._folder / f"{self._own}{secrets.token_hex(8)}"
        try:
            await asyncio.to_thread(draft.mkdir, mode=0o700, parents=True)
            await self._install(requirements, pins, draft, cache=self._cache, tell=tell)
            await asyncio.to_thread(self._keep, name, requirements, draft / _SITE)
        except OSError as error:
            raise PackagesUnavailable(f"They can't be stored: {error.strerror}.") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- files --------------------------------------------------------------------------------

    def _keep(self, name: str, requirements: Sequence[str], site: Path) -> None:
        """Make it durable, then visible: first what it was made of, last the folder itself."""
        site.mkdir(exist_ok=True)  # of packages without a file
        self._lists.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = {"requirements": list(requirements), "pins": sorted(_installed(site))}
        draft = self._lists / f"{_DRAFT}{secrets.token_hex(8)}"
        draft.write_text(json.dumps(made))
        os.sync()  # thousands of small files, one by one, would take many times longer
        draft.replace(self._lists / f"{name}.json")
        place = self.path(name)
        if place.is_dir():  # another was a moment faster
            return
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        site.rename(place)
        os.sync()

    def requirements(self, name: str) -> tuple[str, ...] | None:
        """What it was made for, None when that is lost. It reads a file."""
        kept = self._read(name)
        return None if kept is None else kept[0]

    def _read(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Requirements and chosen versions, None when they are lost or not what they should be."""
        try:
            kept = json.loads((self._lists / f"{name}.json").read_text())
            requirements = normalised(kept["requirements"])
            pins = normalised(kept["pins"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (requirements, pins) if digest(requirements) == name else None

    def _set_aside(self, named: frozenset[str]) -> list[Path]:
        gone = []
        for path in _children(self._folder):
            half_done = path.name.startswith((_DRAFT, _GONE))
            if half_done and not path.name.startswith(self._own):
                gone.append(path)
            elif _DIGEST.fullmatch(path.name):
                old = [path] if path.name not in named else _children(path)
                for folder in old:
                    if folder.name != self._python:
                        aside = self._folder / f"{_GONE}{secrets.token_hex(8)}"
                        folder.rename(aside)
                        gone.append(aside)
        for path in _children(self._lists):
            if path.name.removesuffix(".json") not in named:
                path.unlink(missing_ok=True)
        return gone

    async def _remove(self, gone: Sequence[Path]) -> None:
        for path in gone:
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        _log.info("unused packages are removed", folders=len(gone))


class _Build:
    """One install under way and who listens."""

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self.listeners: list[Tell] = []

    def tell(self, line: str) -> None:
        for listener in self.listeners:
            listener(line)


def _own_python() -> str:
    """What a compiled package must match: version, platform and C library."""
    abi = sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag
    return f"{abi}-{sysconfig.get_platform()}"


def _installed(site: Path) -> Iterator[str]:
    """Each package as `name==version`."""
    for path in site.glob("*.dist-info"):
        name, _, version = path.name.removesuffix(".dist-info").rpartition("-")
        with contextlib.suppress(NotARequirement):
            yield from normalised([f"{name}=={version}"])


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
