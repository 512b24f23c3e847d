"""Variables: of a project, and of one workflow. Secrets go in and never come out again.

Only a deployment sees their values, through `snapshot`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from awaitstep.app.errors import Conflict, Detail, Invalid
from awaitstep.app.ids import new_id
from awaitstep.app.ports import Ports
from awaitstep.auth import places
from awaitstep.auth.vault import Unreadable, Vault
from awaitstep.storage.records import Kind, Page, Variable

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# What every workflow is called in its own `env`; the names of what a graph calls are known once it
# is compiled.
OWN_NAME: Final = "WORKFLOW"
LONGEST_VALUE: Final = 64 * 1024
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """A variable as it is asked for; a value of None keeps the stored one."""

    name: str
    value: str | None
    secret: bool | None = None


class Variables:
    """The project's own variables."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def page(self, project: str, limit: int, cursor: str | None) -> Page[Variable]:
        return await self._ports.read(self._ports.store.variables.page, project, limit, cursor)

    async def create(self, project: str, spec: VariableSpec) -> Variable:
        problems = problems_of(spec, "")
        if spec.value is None:
            problems.append(_no_value(""))
        refuse(problems)
        now = self._ports.clock.now()
        variable = build(self._ports.vault, project, None, spec, None, now)
        await self._ports.change(None, self._ports.store.variables.create, variable)
        return variable

    async def update(
        self, project: str, id: str, name: str | None, value: str | None, secret: bool | None
    ) -> Variable:
        store = self._ports.store.variables
        old = await self._ports.read(store.get, project, id)
        spec = VariableSpec(old.name if name is None else name, value, secret)
        refuse(problems_of(spec, "") + reveals(spec, old, ""))
        changed = build(self._ports.vault, project, None, spec, old, self._ports.clock.now())
        await self._ports.change(None, store.update, changed)
        return changed

    async def delete(self, project: str, id: str) -> None:
        await self._ports.change(None, self._ports.store.variables.delete, project, id)


def replaced(
    vault: Vault,
    project: str,
    workflow: str,
    specs: Sequence[VariableSpec],
    old: Sequence[Variable],
    now: float,
    kind: Kind,
) -> list[Variable]:
    """A workflow's variables after its whole list was given anew. Raises Invalid."""
    by_name = {variable.name: variable for variable in old}
    problems: list[Detail] = []
    if len(specs) > MOST:
        problems.append(_problem("env_var.too_many", f"At most {MOST} variables.", "envVars"))
    seen: set[str] = set()
    for index, spec in enumerate(specs):
        path = f"envVars.{index}"
        problems += problems_of(spec, path, kind)
        known = by_name.get(spec.name)
        if spec.name in seen:
            problems.append(
                _problem("env_var.twice", f"{spec.name!r} is there twice.", f"{path}.name")
            )
        seen.add(spec.name)
        problems += [_no_value(path)] if known is None and spec.value is None else []
        problems += reveals(spec, known, path) if known is not None else []
    refuse(problems)
    return [build(vault, project, workflow, spec, by_name.get(spec.name), now) for spec in specs]


def problems_of(spec: VariableSpec, path: str, kind: Kind = "workflow") -> list[Detail]:
    """`kind` is that of the workflow whose variable it is; a project may have workflows."""
    problems = []
    at = f"{path}." if path else ""
    if _NAME.fullmatch(spec.name) is None:
        problems.append(
            _problem(
                "env_var.name",
                "A name is up to 128 of A-Z, a-z, 0-9 and _, not starting with a digit.",
                f"{at}name",
            )
        )
    if spec.name == OWN_NAME and kind == "workflow":
        problems.append(_reserved(OWN_NAME, f"{at}name"))
    if spec.value is not None and len(spec.value.encode()) > LONGEST_VALUE:
        problems.append(
            _problem("env_var.value", f"A value is up to {LONGEST_VALUE:,} bytes.", f"{at}value")
        )
    if spec.value is not None and "\0" in spec.value:
        problems.append(_problem("env_var.value", "A value can't hold NUL.", f"{at}value"))
    return problems


def reveals(spec: VariableSpec, old: Variable, path: str) -> list[Detail]:
    """A secret turned plain needs its value anew, else reading it would be that easy."""
    if old.secret and spec.secret is False and spec.value is None:
        return [_no_value(path)]
    return []


def build(
    vault: Vault,
    project: str,
    workflow: str | None,
    spec: VariableSpec,
    old: Variable | None,
    now: float,
) -> Variable:
    """The row for `spec`, over `old` when there is one."""
    was_secret = old is not None and old.secret
    secret = was_secret if spec.secret is None else spec.secret
    row = old or Variable(new_id("var"), project, workflow, spec.name, "", None, now, now)
    row = replace(row, name=spec.name, updated_at=now)
    value = spec.value
    if value is None:
        if secret == was_secret:
            return row
        value = row.value or ""
    if secret:
        sealed = vault.seal(value.encode(), places.variable(row.id, project))
        return replace(row, value=None, sealed=sealed)
    return replace(row, value=value, sealed=None)


def moved(vault: Vault, variables: Sequence[Variable], target: str) -> list[Variable]:
    """The variables sealed to another project. Raises Conflict."""
    return [
        replace(
            variable,
            project=target,
            sealed=None
            if variable.sealed is None
            else vault.seal(opened(vault, variable).encode(), places.variable(variable.id, target)),
        )
        for variable in variables
    ]


def opened(vault: Vault, variable: Variable) -> str:
    """The value. Raises Conflict when this key did not seal it."""
    if variable.sealed is None:
        return variable.value or ""
    try:
        return vault.open(variable.sealed, places.variable(variable.id, variable.project)).decode()
    except Unreadable:
        raise Conflict(
            f"The secret {variable.name} can't be decrypted; set it again.", "env_var.unreadable"
        ) from None


def snapshot(vault: Vault, project: Sequence[Variable], own: Sequence[Variable]) -> dict[str, str]:
    """Names and values for a deployment; the workflow's own win."""
    return {variable.name: opened(vault, variable) for variable in [*project, *own]}


def refuse(problems: Sequence[Detail]) -> None:
    if problems:
        raise Invalid(str(problems[0]["message"]), str(problems[0]["code"]), problems)


def must_be_free(
    names: Iterable[str | None], project: Sequence[Variable], own: Sequence[Variable]
) -> None:
    """What a module starts by name in `env` can't be a variable as well. Raises Invalid with the
    place of each that is."""
    taken = set(names)
    refuse(
        [
            *(
                _reserved(variable.name, f"envVars.{index}.name")
                for index, variable in enumerate(own)
                if variable.name in taken
            ),
            *(
                _reserved(variable.name, f"/env-vars/{variable.id}")
                for variable in project
                if variable.name in taken
            ),
        ]
    )


def _reserved(name: str, path: str) -> Detail:
    whose = "the workflow itself" if name == OWN_NAME else "what the graph calls"
    return _problem("env_var.reserved", f"In env {name} is {whose}; name it otherwise.", path)


def _no_value(path: str) -> Detail:
    return _problem("env_var.value", "A value is needed.", f"{path}.value" if path else "value")


def _problem(code: str, message: str, path: str) -> Detail:
    return {"code": code, "message": message, "path": path}
