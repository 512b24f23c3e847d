"""A hand-written workers module: read from a file, and what a run of it is asked with."""

from __future__ import annotations

import ast
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from awaitstep.cli.failures import Failure, WrongUse
from awaitstep.cli.files import read_text
from awaitstep.engine.errors import ValueRefused
from awaitstep.engine.values import encode
from awaitstep.ir.handwritten import workflow_classes
from awaitstep.requirements import declared_in

# Names of files that tell nothing of what is in them: their folder does.
_NAMELESS: Final = frozenset(
    {"__main__", "app", "entry", "index", "main", "src", "worker", "workflow"}
)


@dataclass(frozen=True, slots=True)
class Script:
    """A module that can be run. `source` is what the journal's deployment is made of, `packages` are
    those in its script header."""

    path: Path
    source: str
    class_name: str
    packages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The workflow's: that of the file, or of the folder in which every project has such a file."""
        path = Path(os.path.abspath(self.path))  # a link keeps the name it has
        names = (path.stem, path.parent.name, path.parent.parent.name)
        return next((name for name in names if name and name.lower() not in _NAMELESS), path.stem)

    @property
    def deployment(self) -> str:
        """The same code is the same deployment, so an interrupted run finds its own."""
        return "dep_" + hashlib.sha256(self.source.encode()).hexdigest()[:21]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to run. `params` is in journal form, `instance` None for an id of its own."""

    script: Script
    params: bytes | None
    instance: str | None
    variables: dict[str, str] = field(default_factory=dict)


def load(path: Path, class_name: str | None = None) -> Script:
    """Read a module without running it. Raises Failure with one sentence."""
    source = read_text(path)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path}, line {line}" if line else str(path)
        raise Failure(f"{where}: {getattr(error, 'msg', error)}.", "module.invalid") from None
    try:
        packages = declared_in(source)
    except ValueError as error:
        raise Failure(f"{path}: {error}", "module.packages") from None
    found = workflow_classes(tree)
    if class_name is not None:
        if class_name not in found:
            raise Failure(f"{path} has no workflow class {class_name}.", "module.no_workflow")
        return Script(path, source, class_name, packages)
    if not found:
        raise Failure(f"{path} has no class that extends WorkflowEntrypoint.", "module.no_workflow")
    if len(found) > 1:
        names = ", ".join(found)
        raise WrongUse(f"{path} has several workflow classes; choose one with --class: {names}.")
    return Script(path, source, found[0], packages)


def journal_form(value: Any) -> bytes:
    """The value as a run's params. Raises WrongUse."""
    try:
        return encode(value)
    except ValueRefused as error:
        raise WrongUse(f"--params can't be used: {error}") from None
