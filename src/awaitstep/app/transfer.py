"""Workflows as files: out with everything but secrets, in with everything checked.

An import makes one new workflow in the caller's project. It runs nothing, and a file can't name
a project, an id, a route or a connection. A graph that breaks our rules is adopted where that is
certain, and what was changed is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from awaitstep.app import limits
from awaitstep.app.errors import Detail, Invalid
from awaitstep.app.graphs import Graphs
from awaitstep.app.ids import new_id
from awaitstep.app.language import Adopted
from awaitstep.app.payloads import schema_problems
from awaitstep.app.ports import Ports
from awaitstep.app.variables import VariableSpec, problems_of
from awaitstep.app.workflows import Workflows, dependency_problems, kind_of
from awaitstep.storage.records import Version, Workflow

FORMAT: Final = 1
# What travels beside a graph; AwaitStep's TypeScript edition says `triggerCode`.
_BESIDE: Final = frozenset(
    {"entryCode", "triggerCode", "dependencies", "payloadSchema", "envVars", "limits"}
)
_FIELDS: Final = _BESIDE | {"awaitstep", "name", "description", "kind", "ir"}
_LONGEST_NAME: Final = 256
_LONGEST_TEXT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Imported:
    """A new workflow, the secrets it still needs, and what was changed in its file."""

    workflow: Workflow
    missing: list[str]
    adopted: Adopted


@dataclass(slots=True)
class Exported:
    """A file as far as it could be read, and what is wrong with it."""

    name: str = ""
    description: str = ""
    entry_code: str | None = None
    dependencies: list[str] = field(default_factory=list)
    payload_schema: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None
    variables: list[VariableSpec] = field(default_factory=list)
    ir: dict[str, Any] | None = None
    problems: list[Detail] = field(default_factory=list)

    def wrong(self, path: str, message: str, code: str = "import.invalid") -> None:
        self.problems.append({"code": code, "message": message, "path": path})


class Transfer:
    def __init__(self, ports: Ports, graphs: Graphs, workflows: Workflows) -> None:
        self._ports = ports
        self._graphs = graphs
        self._workflows = workflows

    async def export(self, project: str, id: str) -> dict[str, Any]:
        """The workflow with its newest graph. Secrets go by name only."""
        full = await self._workflows.full(project, id)
        workflow = full.workflow
        return {
            "awaitstep": FORMAT,
            "name": workflow.name,
            "description": workflow.description,
            "kind": workflow.kind,
            "entryCode": workflow.entry_code,
            "dependencies": workflow.dependencies,
            "payloadSchema": workflow.payload_schema,
            "limits": workflow.limits,
            "envVars": [
                {"name": variable.name, "isSecret": True}
                if variable.secret
                else {"name": variable.name, "isSecret": False, "value": variable.value}
                for variable in full.variables
            ],
            "ir": None if full.version is None else full.version.ir,
        }

    async def import_(self, project: str, file: Mapping[str, Any]) -> Imported:
        """A new workflow from an export or a bare graph.

        Raises Invalid with every problem of the file, its graph and its entry code; they name
        nodes as the file does.
        """
        parcel = read(file)
        adopted = await self._graphs.adopt(parcel.ir or {}, parcel.entry_code)
        if parcel.ir is not None:
            found = await self._graphs.problems(adopted.ir, None)
            parcel.problems += _as_in_the_file(found, adopted)
        if adopted.entry_code is not None:
            parcel.problems += await self._graphs.entry_problems(adopted.entry_code)
        if parcel.problems or parcel.ir is None:
            raise Invalid("The file can't be imported.", "import.invalid", parcel.problems)
        now = self._ports.clock.now()
        workflow = Workflow(
            id=new_id("wf"),
            project=project,
            name=parcel.name,
            description=parcel.description,
            kind=kind_of(adopted.ir),
            entry_code=adopted.entry_code,
            dependencies=parcel.dependencies,
            payload_schema=parcel.payload_schema,
            route=None,
            worker_name=None,
            active_deployment=None,
            created_at=now,
            updated_at=now,
            limits=parcel.limits,
        )
        version = Version(new_id("ver"), workflow.id, 1, adopted.ir, None, False, now)
        given = [spec for spec in parcel.variables if spec.value is not None]
        missing = [spec.name for spec in parcel.variables if spec.value is None]
        await self._workflows.adopt(workflow, version, given)
        return Imported(workflow, missing, adopted)


def _as_in_the_file(problems: list[Detail], adopted: Adopted) -> list[Detail]:
    """The same problems, about ids that the person knows."""
    old = {rename["to"]: rename["from"] for rename in adopted.renames}
    return [
        {**problem, "nodeId": old[problem["nodeId"]]} if problem.get("nodeId") in old else problem
        for problem in problems
    ]


def read(file: Mapping[str, Any]) -> Exported:
    """An export or a bare graph, with every problem of its own; the graph is not looked into."""
    parcel = Exported()
    if "ir" not in file and ("nodes" in file or "module" in file):  # a graph by itself
        parcel.ir = {key: value for key, value in file.items() if key not in _BESIDE}
        metadata = file.get("metadata")
        about = metadata if isinstance(metadata, dict) else {}
        parcel.name = _text(parcel, about, "name", "metadata.name", _LONGEST_NAME) or "Imported"
        parcel.description = _text(parcel, about, "description", "metadata.description") or ""
        _read_beside(parcel, file)
        return parcel
    for name in sorted(set(file) - _FIELDS):
        parcel.wrong(name[:100], "An export has no such field.", "import.unknown_field")
    if file.get("awaitstep", FORMAT) != FORMAT:
        parcel.wrong("awaitstep", f"Only exports of format {FORMAT} can be read.")
    parcel.name = _text(parcel, file, "name", "name", _LONGEST_NAME) or ""
    if not parcel.name.strip():
        parcel.wrong("name", "A name is needed.")
    parcel.description = _text(parcel, file, "description", "description") or ""
    ir = file.get("ir")
    if isinstance(ir, dict):
        parcel.ir = ir
        if file.get("kind", kind_of(ir)) != kind_of(ir):
            parcel.wrong("kind", "The graph is of another kind.")
    else:
        parcel.wrong("ir", "A graph is needed.")
    _read_beside(parcel, file)
    return parcel


def _read_beside(parcel: Exported, file: Mapping[str, Any]) -> None:
    names = [name for name in ("entryCode", "triggerCode") if file.get(name) is not None]
    if len(names) > 1:
        parcel.wrong("triggerCode", "Give entryCode or triggerCode, not both.", "entry.twice")
    for name in names[:1]:
        parcel.entry_code = _text(parcel, file, name, name)
    schema = file.get("payloadSchema")
    if schema is None or isinstance(schema, dict):
        parcel.payload_schema = schema
        parcel.problems += schema_problems(schema)
    else:
        parcel.wrong("payloadSchema", "A payload schema is an object.")
    _read_limits(parcel, file.get("limits"))
    _read_dependencies(parcel, file.get("dependencies", []))
    _read_variables(parcel, file.get("envVars", []))


def _read_limits(parcel: Exported, given: object) -> None:
    parcel.limits, problems = limits.read(given)
    parcel.problems += problems
    if parcel.limits is not None and kind_of(parcel.ir) == "script":
        parcel.wrong("limits", "A function has no runs to limit.", "limits.function")


def _read_dependencies(parcel: Exported, given: object) -> None:
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        parcel.wrong("dependencies", "Dependencies are a list of texts.")
        return
    parcel.dependencies = given
    parcel.problems += dependency_problems(given)


def _read_variables(parcel: Exported, given: object) -> None:
    if not isinstance(given, list):
        parcel.wrong("envVars", "Variables are a list.")
        return
    for index, item in enumerate(given):
        path = f"envVars.{index}"
        if not isinstance(item, dict) or set(item) - {"name", "isSecret", "value"}:
            parcel.wrong(path, "A variable has name, isSecret and value.")
            continue
        name, value, secret = item.get("name"), item.get("value"), item.get("isSecret", False)
        if (
            not isinstance(name, str)
            or not (value is None or isinstance(value, str))
            or not isinstance(secret, bool)
        ):
            parcel.wrong(path, "A variable's name and value are text, isSecret is true or false.")
            continue
        spec = VariableSpec(name, value, secret)
        parcel.problems += problems_of(spec, path, kind_of(parcel.ir))
        parcel.variables.append(spec)
    names = [spec.name for spec in parcel.variables]
    for name in sorted({name for name in names if names.count(name) > 1}):
        parcel.wrong("envVars", f"{name!r} is there twice.", "env_var.twice")


def _text(
    parcel: Exported, of: Mapping[str, Any], name: str, path: str, longest: int = _LONGEST_TEXT
) -> str | None:
    value = of.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        parcel.wrong(path, f"This is text of up to {longest:,} characters.")
        return None
    return value
