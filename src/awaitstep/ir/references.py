"""What each node reads: from expressions, from conditions and from code, in one form.

Owns which names a user's text may use and what a reference must fulfil. Both validation and the
compiler ask here, so they cannot disagree on what a node depends on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from awaitstep.ir.diagnostics import Report, shown
from awaitstep.ir.expressions import Reference, Template, checked_template, parse_condition
from awaitstep.ir.fields import OFFERED, roles
from awaitstep.ir.flow import Regions
from awaitstep.ir.graph import Kind, Node
from awaitstep.ir.registry import Registry
from awaitstep.ir.source import BUILTINS, IMPORTABLE, Source, analyse, braces, impurity
from awaitstep.ir.typescript import mark_in
from awaitstep.ir.values import is_duration, is_moment

# What `event` holds: the start of a run, or the request that a function answers.
EVENT_KEYS: Final[dict[Kind, frozenset[str]]] = {
    "workflow": frozenset({"payload", "timestamp", "instanceId", "workflowName"}),
    "script": frozenset({"payload", "method", "url", "headers"}),
}
_ALWAYS = frozenset({"event", "env", "self"})


@dataclass(frozen=True, slots=True)
class Read:
    """A node's value, the event or a variable, read at `path`; `line` is set inside Python.

    `looks_inside`: the place would fail, or be surprised, if the value were None.
    """

    root: str
    path: str
    keys: tuple[str | int, ...] = ()
    line: int | None = None
    looks_inside: bool = True
    written: str = ""


@dataclass(slots=True)
class Uses:
    """Everything one node's texts use.

    `sources` are its codes by their text; `outside` are all names that its Python takes from
    outside, `binds` those that its code makes its own.
    """

    reads: list[Read] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    binds: dict[str, tuple[str, int]] = field(default_factory=dict)


def bound_anywhere(nodes: Mapping[str, Node], registry: Registry) -> frozenset[str]:
    """The names that any arm of the graph binds: a loop's variables, a caught error."""
    return frozenset(
        name
        for node in nodes.values()
        for label in ("body", "catch")
        for name in registry[node.type].binds(node.data, label)
    )


def bound_around(
    nodes: Mapping[str, Node], registry: Registry, flow: Regions | None
) -> dict[str, frozenset[str]]:
    """By node, the names that the arms around it bind for it."""

    def names(node_id: str, flow: Regions) -> Iterator[str]:
        for region in flow.around(node_id):
            if region.container is not None:
                container = nodes[region.container]
                yield from registry[container.type].binds(container.data, region.label)

    # Where nobody knows what is around, every such name may be meant.
    anywhere = bound_anywhere(nodes, registry)
    return {
        node_id: frozenset(names(node_id, flow))
        if flow is not None and node_id in flow
        else anywhere
        for node_id in nodes
    }


def uses_of(
    node: Node,
    registry: Registry,
    ids: Collection[str],
    report: Report,
    visible: Collection[str] = (),
    kind: Kind = "workflow",
) -> Uses:
    """Read all texts of a node and report what is wrong with them by themselves.

    `visible` are names besides those of nodes that it may read.
    """
    uses = Uses()
    is_step = registry[node.type].is_step(node.data)
    replayed = kind == "workflow"
    names = set(visible) | ({"step"} if replayed else set())
    for path, role, text in roles(node.data):
        if role == "rollback":
            own = names | set(OFFERED)
            _read_code(text, path, ids, own, report, uses, must_be_pure=False)
        elif role == "code":
            own = names | {"ctx"} if is_step and replayed else names
            pure = replayed and not is_step
            _read_code(text, path, ids, own, report, uses, must_be_pure=pure)
        elif role == "condition":
            _read_condition(text, path, ids, visible, report, uses, must_be_pure=replayed)
        elif role in ("workflow", "function"):
            continue  # an id, as it is
        else:
            template = checked_template(text, report, path)
            if template is not None:
                _check_meaning(role, template, text, path, report)
                uses.reads += [_read(reference, path) for reference in template.references]
    return uses


def _read(reference: Reference, path: str) -> Read:
    return Read(reference.root, path, reference.path, written=reference.text)


def _check_meaning(role: str, template: Template, text: str, path: str, report: Report) -> None:
    if template.references:
        return
    if role == "duration" and not is_duration(text):
        report.add(
            "duration.invalid",
            f"`{shown(text)}` is not a duration.",
            path,
            hint='Write a number and a unit, as "10 seconds" or "2 days"; at most 365 days.',
        )
    elif role == "timestamp" and not is_moment(text):
        report.add(
            "timestamp.invalid",
            f"`{shown(text)}` is not a moment.",
            path,
            hint="Write ISO 8601 with a zone, as 2026-12-24T18:00:00+01:00.",
        )


def _read_code(
    text: str,
    path: str,
    ids: Collection[str],
    visible: Collection[str],
    report: Report,
    uses: Uses,
    *,
    must_be_pure: bool,
) -> None:
    source = analyse(text, report, path)
    if source is None:
        return
    uses.sources[text] = source
    names = _ALWAYS | set(visible)
    _read_names(source, path, names, ids, report, uses)
    uses.binds |= {name: (path, line) for name, line in source.binds.items()}
    check_code(source, path, report)
    if must_be_pure:
        _check_purity(source, path, report)


def check_code(source: Source, path: str, report: Report) -> None:
    """What is allowed in code but hardly meant."""
    if not source.body:
        report.add("code.empty", "There is no code here, so nothing happens.", path)
    found = braces(source.body)
    if found is not None:
        report.add(
            "code.braces",
            "`{{…}}` is not an expression in code.",
            path,
            line=found.lineno,
            column=found.col_offset + 1,
            hint='In code, write the id of the node: order["total"].',
        )
    _check_ported(source, path, report)


def _check_ported(source: Source, path: str, report: Report) -> None:
    line = mark_in(source.body)
    if line is not None:
        report.add(
            "code.needs_porting",
            "This was written in TypeScript and fails until it is ported.",
            path,
            line=line,
            hint="Write it in Python, and take the line with the mark away.",
        )


def _read_condition(
    text: str,
    path: str,
    ids: Collection[str],
    visible: Collection[str],
    report: Report,
    uses: Uses,
    *,
    must_be_pure: bool,
) -> None:
    if not text.strip():
        return
    condition = parse_condition(text, report, path)
    if condition is None:
        return
    uses.reads += [_read(reference, path) for reference in condition.references.values()]
    names = _ALWAYS | set(condition.references) | set(visible)
    _read_names(condition.source, path, names, ids, report, uses)
    if must_be_pure:
        _check_purity(condition.source, path, report)
    _check_ported(condition.source, path, report)


def _check_purity(source: Source, path: str, report: Report) -> None:
    found = impurity(source.body)
    if found is not None:
        report.add(
            "code.impure",
            "This is run again on every replay, so it must not ask the clock, chance or the "
            "network.",
            path,
            line=found.lineno,
            column=found.col_offset + 1,
            hint="Do it in a step; its result is kept.",
        )


def _read_names(
    source: Source,
    path: str,
    available: Collection[str],
    ids: Collection[str],
    report: Report,
    uses: Uses,
) -> None:
    uses.outside |= set(source.reads)
    for name, line in source.reads.items():
        if name in ids:
            inside = name in source.subscripted
            uses.reads.append(Read(name, path, (), line, inside, name))
    unknown_names(source, path, available, ids, report)


def unknown_names(
    source: Source, path: str, available: Collection[str], ids: Collection[str], report: Report
) -> None:
    """Warn about names that nothing defines."""
    for name, line in source.reads.items():
        if not any(name in known for known in (available, ids, BUILTINS, IMPORTABLE)):
            report.add(
                "code.name_unknown",
                f"Nothing here is called `{shown(name)}`.",
                path,
                line=line,
                hint="Import it in this code, or check the id of the node.",
            )


def check_references(
    node: Node,
    uses: Uses,
    nodes: Mapping[str, Node],
    known: Collection[str],
    registry: Registry,
    flow: Regions | None,
    report: Report,
    visible: Collection[str] = (),
    kind: Kind = "workflow",
) -> None:
    """Check what a node reads against the graph; without a flow, only that it exists."""
    for read in uses.reads:
        if read.root in visible:
            continue
        if read.root == "event":
            if read.keys and read.keys[0] not in EVENT_KEYS[kind]:
                _unknown_key(read, EVENT_KEYS[kind], report)
        elif read.root == "env":
            if not read.keys or not str(read.keys[0]).isidentifier():
                _unknown_key(read, frozenset({"NAME"}), report)
        elif read.root not in known:
            report.add(
                "reference.unknown",
                f"There is no node `{shown(read.root)}`.",
                read.path,
                line=read.line,
            )
        elif read.root in nodes:
            _check_node_read(node, read, nodes, registry, flow, report)
    if flow is not None:
        for name, (path, line) in uses.binds.items():
            if name in visible or (node.id in flow and flow.comes_before(name, node.id)):
                what = "is bound around this node" if name in visible else "is an earlier node"
                report.add(
                    "code.assigns_node",
                    f"`{shown(name)}` {what}; code cannot assign to it.",
                    path,
                    line=line,
                    hint="Choose another name for this variable.",
                )


def _check_node_read(
    node: Node,
    read: Read,
    nodes: Mapping[str, Node],
    registry: Registry,
    flow: Regions | None,
    report: Report,
) -> None:
    node_type = registry[nodes[read.root].type]
    written = f"`{shown(read.written)}`"
    if not node_type.has_value:
        report.add(
            "reference.no_value",
            f"{written}: a node of type `{node_type.type}` has no value.",
            read.path,
            line=read.line,
        )
    elif read.keys and node_type.keys is not None:
        keys = node_type.keys | node_type.rare_keys
        if read.keys[0] not in keys:
            _unknown_key(read, keys, report)
    if flow is None or node.id not in flow:
        return
    if _was_made_before(node, read, nodes, registry, flow):
        return
    if not flow.comes_before(read.root, node.id):
        report.add(
            "reference.not_before",
            f"{written}: `{shown(read.root)}` never runs before `{shown(node.id)}`.",
            read.path,
            line=read.line,
        )
    elif read.looks_inside and not flow.dominates(read.root, node.id):
        report.add(
            "reference.maybe_skipped",
            f"{written} is None when `{shown(read.root)}` was not on the path.",
            read.path,
            line=read.line,
        )


def _was_made_before(
    node: Node, read: Read, nodes: Mapping[str, Node], registry: Registry, flow: Regions
) -> bool:
    """What other rules allow: the container's own value inside it, its body in its condition."""
    if read.root not in flow:
        return False
    for region in flow.around(node.id):
        if region.container == read.root:
            # a try's outcome is known in its other arms
            return registry[nodes[read.root].type].control == "try_catch" and region.label != "try"
    return (
        registry[node.type].control == "loop"
        and read.path == "data.condition"
        and flow.at(read.root, flow.home[node.id]) == node.id
        and read.root != node.id
    )


def _unknown_key(read: Read, keys: frozenset[str], report: Report) -> None:
    report.add(
        "reference.key_unknown",
        f"`{shown(read.written)}`: `{shown(read.root)}` has {', '.join(sorted(keys))}.",
        read.path,
        line=read.line,
    )
