"""A directory of folders, each with `node.json` and `template.py`, becomes node types.

Owns the reading of files and the checks across them. Every problem is answered with its folder,
the field or line, and a sentence; a folder with a problem is left out, the others are used.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from awaitstep.ir import NodeType, Report
from awaitstep.ir.diagnostics import shown
from awaitstep.ir.names import id_problem
from awaitstep.ir.raw import check_json
from awaitstep.nodes.custom.definition import Definition
from awaitstep.nodes.custom.emitting import emitter
from awaitstep.nodes.custom.offered import OF_TYPE, OFFERED, STEP_KEY
from awaitstep.nodes.custom.settings import (
    Say,
    Setting,
    check_output,
    data_model,
    read_settings,
    value_keys,
)
from awaitstep.nodes.custom.template import (
    IDEMPOTENCY_KEY,
    REQUIRED,
    Imports,
    Template,
    read_template,
)

DEFINITION = "node.json"
TEMPLATE = "template.py"
_LARGEST = 256 * 1024
_DEFINITION = TypeAdapter(Definition)
_HELPERS = frozenset({*OFFERED, OF_TYPE.name, STEP_KEY.name})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a folder. `field` is a place in `node.json`, or a line of `template.py`."""

    folder: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.folder}: {self.field}: {self.message}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """`imports` are the names that templates bring into modules, and what they stand for."""

    types: tuple[NodeType, ...] = ()
    problems: tuple[Problem, ...] = ()
    imports: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)


def load(
    directory: Path,
    *,
    taken: Collection[str] = (),
    imports: Mapping[str, tuple[str, str | None]] | None = None,
) -> Loaded:
    """Every node type in a directory, in the order of the folders' names. Never raises for what
    stands in them; a directory that is not there has none.

    `taken` are the types that are there already, `imports` the names that others bring along.
    """
    known: dict[str, tuple[str, str | None]] = dict(imports or {})
    names = set(taken)
    types: list[NodeType] = []
    problems: list[Problem] = []
    folders = sorted(directory.iterdir()) if directory.is_dir() else []
    for folder in folders:
        if not folder.is_dir() or folder.name.startswith((".", "_")):
            continue
        found: list[Problem] = []
        reader = _Reader(folder, found, names, known)
        node_type = reader.node_type()
        problems += found
        if node_type is not None and not found:
            types.append(node_type)
            names.add(node_type.type)
            known |= reader.imports
    return Loaded(tuple(types), tuple(problems), known)


class _Reader:
    """Reads one folder."""

    def __init__(
        self,
        folder: Path,
        problems: list[Problem],
        taken: Collection[str],
        known: Mapping[str, tuple[str, str | None]],
    ) -> None:
        self._folder, self._problems = folder, problems
        self._taken, self._known = taken, known
        self.imports: Imports = {}

    def node_type(self) -> NodeType | None:
        definition = self._definition()
        text = self._text(TEMPLATE)
        if definition is None or text is None:
            return None
        say = self._saying(DEFINITION)
        self._check_name(definition, say)
        settings = read_settings(definition.config, definition.secrets, say)
        check_output(definition.output, say)
        for key in definition.shows:
            if key not in {setting.key for setting in settings if setting.secret is None}:
                say("shows", f"`{shown(key)}` is no field of the config that may be seen.")
        template = read_template(text, definition.type, definition.packages, self._saying(TEMPLATE))
        if template is not None:
            self.imports = template.imports
            self._check_fit(definition, settings, template)
        if template is None or self._problems:
            return None
        return _node_type(definition, settings, template)

    def _saying(self, file: str) -> Say:
        def say(place: str, message: str) -> None:
            where = f"{file} {place}".rstrip()
            self._problems.append(Problem(self._folder.name, where, message))

        return say

    def _text(self, name: str) -> str | None:
        say = self._saying(name)
        try:
            content = (self._folder / name).read_bytes()
        except OSError as error:
            say("", f"The file cannot be read: {error.strerror or error}.")
            return None
        if len(content) > _LARGEST:
            say("", f"The file is larger than {_LARGEST // 1024} KiB.")
            return None
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            say("", "The file is not UTF-8.")
            return None

    def _definition(self) -> Definition | None:
        text, say = self._text(DEFINITION), self._saying(DEFINITION)
        if text is None:
            return None
        try:
            raw: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            say("", f"The file is not JSON: {error}.")
            return None
        report = Report()
        check_json(raw, report)
        for problem in report.problems:
            say(problem.path or "", problem.message)
        if report.problems:
            return None
        try:
            return _DEFINITION.validate_python(raw)
        except ValidationError as error:
            for wrong in error.errors(include_url=False, include_context=False):
                say(".".join(str(part) for part in wrong["loc"]), f"{wrong['msg']}.")
            return None

    def _check_name(self, definition: Definition, say: Say) -> None:
        name = definition.type
        reserved = id_problem(name)
        if reserved is not None:
            say("type", f"`{name}` cannot be a type. {reserved[1]}")
        elif name in sys.stdlib_module_names or name in _HELPERS or name in definition.packages:
            say("type", f"`{name}` is what modules of workflows call something else.")
        elif name in self._taken:
            say("type", f"There is a node type `{name}` already.")

    def _check_fit(
        self, definition: Definition, settings: list[Setting], template: Template
    ) -> None:
        """Whether config, template and the other types go together."""
        say, say_template = self._saying(DEFINITION), self._saying(TEMPLATE)
        by_parameter = {setting.parameter: setting for setting in settings}
        for parameter, default in template.parameters.items():
            setting = by_parameter.pop(parameter, None)
            if parameter == IDEMPOTENCY_KEY:
                if default is not REQUIRED or definition.inline:
                    say_template("", f"`{parameter}` has no default, and belongs to a step.")
            elif setting is None:
                say_template("", f"The parameter `{parameter}` is no field of the config.")
            elif setting.required and default is not REQUIRED:
                say_template("", f"`{setting.key}` is required, so `{parameter}` has no default.")
            elif not setting.required and (
                (type(default), default) != (type(setting.default), setting.default)
            ):
                say_template(
                    "", f"The default of `{parameter}` is {setting.default!r}, as in the config."
                )
        for setting in by_parameter.values():
            say_template("", f"The function has no parameter `{setting.parameter}`.")
        for name, origin in template.imports.items():
            other = self._known.get(name, origin)
            if _bound(other) != _bound(origin):
                say_template("", f"Another type imports `{name}` from {other[0]}.")
        if definition.inline and (template.impure or definition.packages):
            say("inline", "An inline template is pure: no await, clock, chance, network, package.")


def _bound(origin: tuple[str, str | None]) -> tuple[str, str | None]:
    # `import a.b` and `import a.c` both make `a` stand for the same package.
    return origin if origin[1] is not None else (origin[0].split(".")[0], None)


def _node_type(definition: Definition, settings: list[Setting], template: Template) -> NodeType:
    keys, rare_keys = value_keys(definition.output)
    kinds = definition.output["type"]
    brought = {name for used in (template.helper, *template.helper.uses) for name in _names(used)}
    return NodeType(
        type=definition.type,
        title=definition.title,
        summary=definition.summary,
        data=data_model(definition.type, settings, inline=definition.inline),
        has_value=kinds != "null",
        keys=keys,
        rare_keys=rare_keys,
        may_be_none=lambda _: kinds == "null" or (isinstance(kinds, list) and "null" in kinds),
        is_step=lambda _: not definition.inline,
        needs_run=lambda _: IDEMPOTENCY_KEY in template.parameters,
        emit=emitter(settings, template),
        value_schema=definition.output,
        targets=tuple(definition.targets),
        packages=tuple(definition.packages.values()),
        icon=definition.icon,
        shows=tuple(definition.shows),
        names=frozenset({*brought, *(helper.name for helper in template.helper.uses)}),
    )


def _names(helper: Any) -> set[str]:
    return {(name or module.split(".")[0]) for module, name in helper.imports}
