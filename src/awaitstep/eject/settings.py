"""`pyproject.toml` and `wrangler.jsonc` of a project."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from awaitstep.compiler import CompiledModule
from awaitstep.dialect import COMPATIBILITY_DATE, COMPATIBILITY_FLAGS
from awaitstep.eject.words import json_text, slug, toml_text
from awaitstep.ir.graph import ScheduleTrigger

GITIGNORE = """\
.venv*/
.wrangler/
__pycache__/
build/
node_modules/
python_modules/
"""
# What only the project of a called workflow knows.
UNKNOWN = "?"
_DEV = ("pytest>=8", "workers-py>=1.17", "workers-runtime-sdk>=1.9")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the worker; `value` is None for a secret, or where it is not known."""

    name: str
    value: str | None = None
    secret: bool = False


def pyproject(name: str, description: str, packages: Sequence[str]) -> str:
    """`packages` are requirements as pip reads them."""
    lines = [
        "[project]",
        f"name = {toml_text(slug(name))}",
        'version = "0.1.0"',
        f"description = {toml_text(description or name)}",
        'requires-python = ">=3.11"',
        *_array("dependencies", _each_once(packages)),
        "",
        "[dependency-groups]",
        *_array("dev", _DEV),
        "",
        "[tool.uv]",
        "package = false",
        "",
        "[tool.pytest.ini_options]",
        'testpaths = ["tests"]',
    ]
    return "\n".join(lines) + "\n"


def wrangler(
    name: str, module: CompiledModule, variables: Sequence[Variable], trigger: object
) -> str:
    """What the module calls stands in it as comments: only its own project knows its names."""
    known = {variable.name: variable.value for variable in variables if variable.value is not None}
    lines = [
        "{",
        f'  "name": {json_text(slug(name))},',
        "  // Wrangler uploads all Python beside the main module, so worker.py gets a folder to itself.",
        '  "main": "build/worker.py",',
        '  "build": {',
        """    "command": "node -e \\"fs.cpSync('worker.py', 'build/worker.py')\\"",""",
        '    "watch_dir": "worker.py"',
        "  },",
        *(['  "vars": {', *_fields(known, "    "), "  },"] if known else []),
        *_workflows(name, module, trigger),
        *_services(module),
        f'  "compatibility_date": {json_text(COMPATIBILITY_DATE)},',
        f'  "compatibility_flags": {json_text(COMPATIBILITY_FLAGS)}',
    ]
    missing = [variable.name for variable in variables if variable.value is None]
    if missing:
        lines.append("  // Put each of these with `uv run pywrangler secret put NAME`:")
        lines += [f"  //   {name}" for name in missing]
    return "\n".join([*lines, "}"]) + "\n"


def _workflows(name: str, module: CompiledModule, trigger: object) -> list[str]:
    others = [
        ({"binding": binding, "name": UNKNOWN, "class_name": UNKNOWN, "script_name": UNKNOWN}, id)
        for binding, id in sorted(module.workflows.items())
    ]
    if module.class_name is None:
        return _commented("workflows", others)
    own: dict[str, object] = {
        "name": slug(name),
        "binding": module.binding,
        "class_name": module.class_name,
    }
    if isinstance(trigger, ScheduleTrigger):
        own["schedules"] = [trigger.cron]
    called = [f"    // {line}" for entry, id in others
              for line in (_called(id), f"{_object(entry)},")]  # fmt: skip
    fields = _fields(own, "      ")
    return ['  "workflows": [', *called, "    {", *fields, "    }", "  ],"]


def _services(module: CompiledModule) -> list[str]:
    functions = sorted(module.functions.items())
    return _commented(
        "services", [({"binding": binding, "service": UNKNOWN}, id) for binding, id in functions]
    )


def _commented(key: str, entries: Sequence[tuple[Mapping[str, object], str]]) -> list[str]:
    """A list that takes effect when its slashes are taken away."""
    if not entries:
        return []
    lines = [f"{json_text(key)}: ["]
    for number, (entry, id) in enumerate(entries, 1):
        lines.append(f"  // {_called(id)}")
        lines.append(f"  {_object(entry)}{',' * (number < len(entries))}")
    return [f"  // {line}" for line in (*lines, "],")]


def _called(id: str) -> str:
    return f"Calls {json_text(id)}: fill in each {json_text(UNKNOWN)}."


def _object(entry: Mapping[str, object]) -> str:
    fields = (f"{json_text(key)}: {json_text(value)}" for key, value in entry.items())
    return "{" + ", ".join(fields) + "}"


def _array(key: str, items: Sequence[str]) -> list[str]:
    if not items:
        return [f"{key} = []"]
    return [f"{key} = [", *(f"    {toml_text(item)}," for item in items), "]"]


def _fields(values: Mapping[str, object], indent: str) -> list[str]:
    lines = [f"{indent}{json_text(key)}: {json_text(value)}" for key, value in values.items()]
    return [*(f"{line}," for line in lines[:-1]), *lines[-1:]]


def _each_once(packages: Sequence[str]) -> list[str]:
    """What a person declared comes first and stands for the same package of a node."""
    kept: dict[str, str] = {}
    for package in packages:
        found = re.match(r"[A-Za-z0-9._-]+", package)
        key = re.sub(r"[-_.]+", "-", found[0]).lower() if found else package
        kept.setdefault(key, package)
    return [*kept.values()]
