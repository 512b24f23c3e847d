"""`pyproject.toml` and `wrangler.jsonc` of a project."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from awaitstep.eject.words import json_text, slug, toml_text
from awaitstep.ir.graph import ScheduleTrigger

# From this date on the SDK is no part of Cloudflare's runtime: the deploy brings it along.
COMPATIBILITY_DATE = "2026-06-01"
GITIGNORE = """\
.venv*/
.wrangler/
__pycache__/
build/
node_modules/
python_modules/
"""
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
    name: str,
    class_name: str,
    binding: str,
    others: Mapping[str, str],
    variables: Sequence[Variable],
    trigger: object,
) -> str:
    """`others` are bindings besides the workflow's own: name → workflow id."""
    workflow: dict[str, object] = {
        "name": slug(name),
        "binding": binding,
        "class_name": class_name,
    }
    if isinstance(trigger, ScheduleTrigger):
        workflow["schedules"] = [trigger.cron]
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
        f'  "compatibility_date": {json_text(COMPATIBILITY_DATE)},',
        '  "compatibility_flags": ["python_workers"],',
        *(['  "vars": {', *_fields(known, "    "), "  },"] if known else []),
        '  "workflows": [',
        *("    {", *_fields(workflow, "      "), "    }"),
        "  ]",
    ]
    if others:
        lines.append("  // Called as well; eject these workflows too, and add them above:")
        named = (f"{json_text(key)}: {json_text(others[key])}" for key in sorted(others))
        lines += [f"  //   {line}" for line in named]
    missing = [variable.name for variable in variables if variable.value is None]
    if missing:
        lines.append("  // Put each of these with `uv run pywrangler secret put NAME`:")
        lines += [f"  //   {name}" for name in missing]
    return "\n".join([*lines, "}"]) + "\n"


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
