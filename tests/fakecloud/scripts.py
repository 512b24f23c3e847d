"""What the fake Cloudflare knows of workers: uploads are taken apart and refused as there."""

from __future__ import annotations

import ast
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from .rules import BINDINGS, MODULES, UPLOAD, Body, Error


def script_missing() -> Error:
    return Error(404, 10007, "workers.api.error.script_not_found")


@dataclass
class Version:
    id: str
    metadata: dict[str, Any]
    modules: dict[str, tuple[bytes, str]]

    @property
    def classes(self) -> set[str]:
        tree = ast.parse(self.modules[self.metadata["main_module"]][0])
        return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}

    @property
    def source(self) -> str:
        return self.modules[self.metadata["main_module"]][0].decode()


@dataclass
class Script:
    """A worker. `deployments` are the ids of versions, the one that serves last."""

    name: str
    tags: list[str]
    versions: dict[str, Version] = field(default_factory=dict)
    deployments: list[str] = field(default_factory=list)
    on_workers_dev: bool = False

    @property
    def live(self) -> Version:
        return self.versions[self.deployments[-1]]


async def uploaded(
    request: Request, scripts: dict[str, Script], name: str, rule: Body = UPLOAD
) -> Version:
    """The version in an upload, if Cloudflare would take it."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Error(415, 10001, "workers.api.error.unsupported_media_type")
    modules: dict[str, tuple[bytes, str]] = {}
    metadata: dict[str, Any] | None = None
    async with request.form(max_files=5000) as form:
        for part, value in form.multi_items():
            if part == "metadata":
                try:
                    metadata = json.loads(value if isinstance(value, str) else await value.read())
                except ValueError:
                    raise Error(400, 10001, "The metadata is not JSON.") from None
                continue
            if isinstance(value, UploadFile) and value.filename != part:
                raise Error(400, 10021, f"{part!r} and its file name are not the same.")
            if not isinstance(value, UploadFile) or value.content_type not in MODULES:
                raise Error(400, 10021, f"Unsupported module type for {part!r}.")
            modules[part] = (await value.read(), value.content_type)
    if metadata is None:
        raise Error(400, 10001, "workers.api.error.missing_metadata")
    _check(rule.check(metadata), modules, scripts, name)
    return Version(str(uuid.uuid4()), metadata, modules)


def _check(
    metadata: dict[str, Any],
    modules: dict[str, tuple[bytes, str]],
    scripts: dict[str, Script],
    name: str,
) -> None:
    main = metadata.get("main_module")
    if main not in modules:
        raise Error(400, 10021, f"No such module: {main!r}.")
    content, kind = modules[main]
    if kind == "text/x-python":
        # workers/languages/python: Python needs the flag
        if "python_workers" not in metadata.get("compatibility_flags", []):
            raise Error(
                400, 10021, "The python_workers compatibility flag is required to use Python."
            )
        # workers/configuration/compatibility-flags, enable_python_external_sdk: from this date on
        # the SDK is no part of the runtime
        if (
            metadata.get("compatibility_date", "") >= "2026-04-21"
            and "python_modules/workers/__init__.py" not in modules
        ):
            raise Error(400, 10021, "ModuleNotFoundError: No module named 'workers'")
        try:
            ast.parse(content)
        except SyntaxError as error:
            raise Error(400, 10021, f"Uncaught SyntaxError: {error.msg}") from None
    wrong = [p for p, (_, k) in modules.items() if p.endswith(".py") and k != "text/x-python"]
    if wrong:
        raise Error(400, 10021, f"{wrong[0]} is not a Python module.")
    names: set[str] = set()
    for binding in metadata.get("bindings", []):
        if binding["type"] not in BINDINGS:
            raise Error(400, 10021, f"Unknown binding type {binding['type']!r}.")
        if binding["name"] in names:
            raise Error(400, 10021, f"Binding name {binding['name']!r} is already in use.")
        names.add(binding["name"])
        # what is bound to must be there; order matters therefore
        if binding["type"] == "service" and binding["service"] not in scripts:
            raise Error(400, 10144, "workers.api.error.service_binding_not_found")
        other = binding.get("script_name", name)
        if binding["type"] == "workflow" and other != name and other not in scripts:
            raise script_missing()
