"""Checking graphs: everything wrong with one is reported at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awaitstep.app.errors import Detail, Invalid, NotFound
from awaitstep.app.language import Adopted, Compiled, Finding, GraphRefused, Language, VariableUse
from awaitstep.storage.records import Kind


@dataclass(frozen=True, slots=True)
class Report:
    """What validation found, errors and warnings."""

    valid: bool
    diagnostics: list[Detail]


class Graphs:
    """Validates and compiles; stores nothing."""

    def __init__(self, language: Language) -> None:
        self._language = language

    async def validate(self, ir: Mapping[str, Any], entry_code: str | None = None) -> Report:
        """Of entry code, too, unless it is the default."""
        findings = [*await asyncio.to_thread(self._language.validate, ir)]
        if entry_code is not None:
            findings += await asyncio.to_thread(self._language.check_entry, entry_code)
        return Report(not errors_of(findings), [finding.detail for finding in findings])

    async def problems(self, ir: Mapping[str, Any], kind: Kind | None) -> list[Detail]:
        """Everything that keeps a graph of this kind from being saved."""
        findings = await asyncio.to_thread(self._language.validate, ir)
        return errors_of(findings) + _other_kind(ir, kind)

    async def adopt(self, ir: Mapping[str, Any], entry_code: str | None) -> Adopted:
        return await asyncio.to_thread(self._language.adopt, ir, entry_code)

    async def must_be_valid(self, ir: Mapping[str, Any], kind: Kind | None) -> list[Detail]:
        """The warnings. Raises Invalid with one detail per problem."""
        findings = await asyncio.to_thread(self._language.validate, ir)
        problems = errors_of(findings) + _other_kind(ir, kind)
        if problems:
            raise refused(problems)
        return [finding.detail for finding in findings]

    async def entry_problems(self, code: str) -> list[Detail]:
        return errors_of(await asyncio.to_thread(self._language.check_entry, code))

    async def compile(self, ir: Mapping[str, Any], entry_code: str | None) -> Compiled:
        """Raises Invalid with one detail per problem, of graph and entry code alike."""
        entry = [] if entry_code is None else await self.entry_problems(entry_code)
        try:
            if entry:
                raise refused(entry + await self.problems(ir, None))
            return await asyncio.to_thread(self._language.compile, ir, entry_code)
        except GraphRefused as error:
            raise refused([finding.detail for finding in error.findings]) from None

    async def variables(self, compiled: Compiled) -> Mapping[str, VariableUse]:
        """What the module reads of `env` besides its own bindings, by name."""
        return await asyncio.to_thread(self._language.variables, compiled)

    async def node_types(self) -> Sequence[Mapping[str, Any]]:
        return await asyncio.to_thread(self._language.node_types)

    async def node_type(self, type: str) -> Mapping[str, Any]:
        """Raises NotFound."""
        for node in await self.node_types():
            if node["type"] == type:
                return node
        raise NotFound(f"There is no node type {type!r}.", "node.not_found")


def errors_of(findings: Sequence[Finding]) -> list[Detail]:
    return [finding.detail for finding in findings if finding.severity == "error"]


def _other_kind(ir: Mapping[str, Any], kind: Kind | None) -> list[Detail]:
    if kind is None or ir.get("kind", kind) == kind:
        return []
    return [{"code": "graph.kind", "message": f"This is not a {kind}.", "path": "kind"}]


def refused(problems: Sequence[Detail]) -> Invalid:
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Invalid(f"The graph has {count}.", "graph.invalid", problems)
