"""From a graph to the module that runs it.

Owns the layout of the module: imports, helpers, the workflow's class, the worker's class. What
a node becomes is its type's business, where it stands is decided in `blocks`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from awaitstep.compiler.collector import held_back
from awaitstep.compiler.entry import VISIBLE, check_entry, default_entry
from awaitstep.compiler.errors import TooDeep
from awaitstep.compiler.pieces import CodeRegion, Names, Pieces, unused_prefix
from awaitstep.compiler.printing import print_module
from awaitstep.compiler.recheck import recheck
from awaitstep.compiler.regions import RegionWriter, Scene, methods, with_env
from awaitstep.compiler.writer import Needs, NodeWriter, code_block, read_source
from awaitstep.ir import Graph, InvalidGraph, Node, NodeType, Registry, Report
from awaitstep.ir.fields import roles
from awaitstep.ir.flow import Regions, lower
from awaitstep.ir.names import step_names
from awaitstep.ir.references import Uses, bound_anywhere, bound_around, uses_of
from awaitstep.ir.syntax import assign, attribute, function, name

BINDING = "WORKFLOW"
_CLASS_NAMES = ("Default", "WorkflowEntrypoint", "WorkerEntrypoint")


@dataclass(frozen=True, slots=True)
class CompiledModule:
    """A module and what one needs to know to deploy it and to read its history.

    `step_nodes` maps a step's name to its node, `node_lines` a node to its first and last line;
    those ranges nest like the code does, so the innermost one tells the node of a line.
    `binding` is the name in `env` that starts the workflow, of the class `class_name`; a function
    has neither. `workflows` and `functions` are the names in `env` of what the module calls, and
    their ids.
    """

    source: str
    class_name: str | None
    step_nodes: dict[str, str]
    node_lines: dict[str, tuple[int, int]]
    binding: str | None = BINDING
    workflows: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)


def compile_graph(
    graph: Graph, registry: Registry, *, entry_code: str | None = None
) -> CompiledModule:
    """The module of a graph that `parse` has answered. Same input, same bytes.

    Raises:
        InvalidGraph: the entry code, or a graph that was not parsed, has errors.
        CompilerError: the module failed its own re-check; a bug.
    """
    entry = default_entry(graph.kind) if entry_code is None else entry_code
    problems = check_entry(entry)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidGraph(problems)
    report = Report()
    flow = lower(graph.nodes, graph.edges, graph.entry, registry, report)
    if flow is None:
        raise InvalidGraph(report.problems)
    try:
        with held_back():
            return _Module(graph, registry, flow, entry).compiled()
    except TooDeep:
        report.add("graph.too_deep", "Python cannot read conditions and containers this deep.")
        raise InvalidGraph(report.problems) from None


class _Module:
    def __init__(self, graph: Graph, registry: Registry, flow: Regions, entry: str) -> None:
        self._graph, self._registry, self._flow, self._entry = graph, registry, flow, entry
        report = Report()
        bound = bound_around(graph.nodes, registry, flow)
        self._uses: dict[str, Uses] = {
            node_id: uses_of(
                graph.nodes[node_id],
                registry,
                graph.nodes,
                report.about(node_id),
                bound[node_id],
                graph.kind,
            )
            for node_id in flow.order
        }
        if report.failed:
            raise InvalidGraph(report.problems)
        texts = [text for node in graph.nodes.values() for _, _, text in roles(node.data)]
        self._pieces = Pieces(unused_prefix([*texts, *graph.nodes, entry]))
        self._names = Names(self._taken_names())
        self._needs = Needs(self._names)

    def _taken_names(self) -> set[str]:
        ids = set(self._graph.nodes)
        ids |= bound_anywhere(self._graph.nodes, self._registry)
        # A name that code reads and nothing defines must stay undefined.
        outside = {name for uses in self._uses.values() for name in uses.outside}
        outside |= set(read_source(self._entry).reads)
        brought = {name for node in self._graph.nodes.values() for name in self._type(node).names}
        return ids | {f"_{node_id}" for node_id in ids} | outside | brought

    def compiled(self) -> CompiledModule:
        if self._graph.kind == "script":
            return self._function()
        class_name = self._names.fresh(_class_name(self._graph.metadata.name))
        steps = [
            (node_id, self._graph.nodes[node_id].name)
            for node_id in self._flow.order
            if self._is_step(node_id)
        ]
        further = {
            node_id: self._type(self._graph.nodes[node_id]).further_steps for node_id, _ in steps
        }
        names = step_names(steps, further, room=self._room())
        run = self._methods(names)
        fetch = function("fetch", ["self", "request"], self._handler(), is_async=True)
        classes = [
            _class(class_name, self._needs.imported("workers", "WorkflowEntrypoint"), *run),
            _class("Default", self._needs.imported("workers", "WorkerEntrypoint"), fetch),
        ]
        source, lines = self._printed(classes)
        step_nodes = {step_name: node_id for node_id, step_name in names.items()}
        return CompiledModule(
            source,
            class_name,
            step_nodes,
            lines,
            workflows=self._needs.called("workflow"),
            functions=self._needs.called("script"),
        )

    def _function(self) -> CompiledModule:
        """The same graph behind a plain request and response: no steps, and nothing is kept."""
        run = self._methods({})
        fetch = function("fetch", ["self", "request"], self._handler(), is_async=True)
        base = self._needs.imported("workers", "WorkerEntrypoint")
        source, lines = self._printed([_class("Default", base, *run, fetch)])
        return CompiledModule(
            source,
            None,
            {},
            lines,
            binding=None,
            workflows=self._needs.called("workflow"),
            functions=self._needs.called("script"),
        )

    def _printed(self, classes: list[ast.stmt]) -> tuple[str, dict[str, tuple[int, int]]]:
        """The module's text, and the lines of each node."""
        frame = ast.Module(body=[*self._imports(), *self._helpers(), *classes], type_ignores=[])
        source = print_module(frame, self._pieces)
        return source, recheck(source, frame, self._pieces)

    def _type(self, node: Node) -> NodeType:
        return self._registry[node.type]

    def _room(self) -> int:
        """The characters that iterations and winners add to a step's name at most."""
        controls = [
            [self._type(self._graph.nodes[region.container]).control for region in around
             if region.container is not None]
            for around in map(self._flow.around, self._flow.order)
        ]  # fmt: skip
        loops = max(around.count("loop") for around in controls)
        suffixes = {
            suffix
            for node in self._graph.nodes.values()
            for suffix in self._type(node).further_steps
        }
        longest = max(map(len, suffixes), default=0)
        return loops * len(".1000000") + len(" []") * (loops > 0) + longest

    def _is_step(self, node_id: str) -> bool:
        node = self._graph.nodes[node_id]
        return self._type(node).is_step(node.data)

    def _methods(self, names: dict[str, str]) -> list[ast.stmt]:
        """`run`, and the arms that stand apart from it."""
        nodes, flow = self._graph.nodes, self._flow
        marked = [
            node_id for node_id in flow.order if getattr(nodes[node_id].data, "output", False)
        ]
        reads = [
            (node_id, read.root)
            for node_id, uses in self._uses.items()
            for read in uses.reads
            if read.root in flow
        ]
        scene = Scene(
            self._graph,
            self._registry,
            flow,
            self._pieces,
            self._needs,
            self._names,
            reads,
            marked[0] if marked else None,
        )
        for node_id in flow.order:
            scene.writers[node_id] = NodeWriter(
                nodes[node_id],
                self._graph,
                flow,
                self._registry,
                self._pieces,
                self._needs,
                self._uses[node_id],
                names.get(node_id, ""),
            )
        parameters = ["self", "event", *(["step"] if self._graph.kind == "workflow" else [])]
        body = with_env(RegionWriter(scene, flow.top).run(), self._pieces)
        return [function("run", parameters, body, is_async=True), *methods(scene)]

    def _handler(self) -> list[ast.stmt]:
        source = read_source(self._entry)
        body = code_block(source, self._pieces, self._needs, ())
        visible = [
            assign(variable, attribute(name("self"), variable))
            for variable in VISIBLE
            if variable in source.reads
        ]
        return [*visible, self._pieces.empty_line(), *body] if visible else body

    def _imports(self) -> list[ast.stmt]:
        modules: dict[str, set[str]] = {}
        plain: set[str] = set()
        for module, identifier in self._needs.imports:
            if identifier is None:
                plain.add(module)
            else:
                modules.setdefault(module, set()).add(identifier)
        standard: list[ast.stmt] = [
            ast.Import(names=[ast.alias(name=module)]) for module in sorted(plain)
        ]
        workers: list[ast.stmt] = []
        for module, identifiers in sorted(modules.items()):
            aliases = [ast.alias(name=identifier) for identifier in sorted(identifiers, key=_order)]
            statement = ast.ImportFrom(module=module, names=aliases, level=0)
            (workers if module.split(".")[0] == "workers" else standard).append(statement)
        return [*standard, *([self._pieces.empty_line()] if standard else []), *workers]

    def _helpers(self) -> list[ast.stmt]:
        blocks: list[ast.stmt] = []
        for chosen, helper in sorted(self._needs.helpers.items()):
            text = helper.source.rstrip("\n")
            if chosen != helper.name and helper.name in self._needs.helpers:
                text = f"{chosen} = {helper.name}"  # one class, though an id hides its name
            elif chosen != helper.name:
                text = re.sub(rf"\b(def|class) {helper.name}\b", rf"\1 {chosen}", text)
            blank = self._pieces.empty_line()
            region = CodeRegion(text, ast.parse(text).body)
            blocks += [blank, blank, *self._pieces.add_code(region)]
        return blocks


def _order(identifier: str) -> tuple[bool, str]:
    # As isort sorts: classes before functions.
    return identifier[0].islower(), identifier


def _class(identifier: str, base: ast.expr, *methods: ast.stmt) -> ast.stmt:
    (definition,) = ast.parse("class skeleton(base): pass").body
    assert isinstance(definition, ast.ClassDef)
    definition.name, definition.bases, definition.body = identifier, [base], list(methods)
    return definition


def _class_name(title: str) -> str:
    """PascalCase of what is ASCII in the workflow's name."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    chosen = "".join(word[0].upper() + word[1:] for word in words)[:80]
    return chosen if chosen[:1].isalpha() and chosen not in _CLASS_NAMES else f"Workflow{chosen}"
