"""From blocks to statements, region by region: the run's own, and a nested function for each arm.

Owns which values an arm returns besides its own, which names its iterations count with, and which
arms stand apart as methods, because the text is deep enough where they are called.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from awaitstep.compiler import containers
from awaitstep.compiler.blocks import Block, Choose, Go, Guarded, Leave, Run, Start, Stop, build
from awaitstep.compiler.containers import Arm, TryParts
from awaitstep.compiler.errors import CompilerError
from awaitstep.compiler.output import Output, output_of
from awaitstep.compiler.pieces import Names, Pieces
from awaitstep.compiler.writer import Needs, NodeWriter
from awaitstep.ir import Graph, NodeType, Registry
from awaitstep.ir.flow import Region, Regions
from awaitstep.ir.graph import THEN
from awaitstep.ir.syntax import assign, attribute, call, function, name, returns


@dataclass(slots=True)
class Scene:
    """What all regions of one module share. `reads` are (reader, node whose value it reads);
    `marked` is the node whose value the run answers."""

    graph: Graph
    registry: Registry
    regions: Regions
    pieces: Pieces
    needs: Needs
    names: Names
    reads: list[tuple[str, str]]
    marked: str | None
    writers: dict[str, NodeWriter] = field(default_factory=dict)
    exports: dict[Region, dict[str, None]] = field(default_factory=dict)
    inside: dict[Region, list[tuple[str, str, str]]] = field(default_factory=dict)
    drawn: dict[str, list[str]] = field(default_factory=dict)
    apart: deque[Apart] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Sort the reads: those inside one region, and what must leave others for them; and note
        which arms are drawn, the empty ones too."""
        for edge in self.graph.edges:
            if edge.label is not None and edge.label != THEN:
                self.drawn.setdefault(edge.source, []).append(edge.label)
        regions = self.regions
        for reader, read in self.reads:
            for region in regions.around(read):
                at = regions.at(reader, region)
                if at is not None:
                    binder = regions.at(read, region) or ""
                    if at != binder:
                        self.inside.setdefault(region, []).append((at, binder, read))
                    break
                self.exports.setdefault(region, {})[read] = None
        if self.marked is not None:
            for region in regions.home[self.marked].out_to(regions.top):
                self.exports.setdefault(region, {})[self.marked] = None

    def type_of(self, node_id: str) -> NodeType:
        return self.registry[self.graph.nodes[node_id].type]

    def used_inside(self, region: Region) -> set[str]:
        """All names that nodes of a region, or of those inside it, take from outside of them."""
        used: set[str] = set()
        for node_id in _nodes_of(region):
            uses = self.writers[node_id].uses
            used |= uses.outside | {read.root for read in uses.reads}
        return used

    def bound_around(self, region: Region) -> set[str]:
        """The names that the arms around a region bind for it."""
        bound: set[str] = set()
        here = region.around
        while here is not None and here.container is not None:
            data = self.graph.nodes[here.container].data
            bound |= set(self.type_of(here.container).binds(data, here.label))
            here = here.around
        return bound

    def leaves_inside(self, region: Region) -> bool:
        """Whether a break inside this region leaves it."""
        pending = [region]
        while pending:
            here = pending.pop()
            if any(way.leaves for ways in here.flow.ways.values() for way in ways):
                return True
            for node_id, arms in here.arms.items():
                if self.type_of(node_id).control != "loop":
                    pending += arms.values()
        return False


@dataclass(frozen=True, slots=True)
class Apart:
    """An arm that becomes a method. `parameters` are all that it takes."""

    region: Region
    function: str
    parameters: tuple[str, ...]
    indices: tuple[str, ...]


# Levels of indentation behind which an arm stands apart. Python reads 100, and what a region
# nests by itself comes on top.
DEEPEST = 40
_METHOD = 2  # the indentation of a method's body


def methods(scene: Scene) -> list[ast.stmt]:
    """The arms that stand apart, and those that they put apart themselves."""
    made: list[ast.stmt] = []
    while scene.apart:
        arm = scene.apart.popleft()
        body = with_env(RegionWriter(scene, arm.region, arm.indices).body(), scene.pieces)
        # Without a type, a checker would take a step's decorator for one that changes nothing.
        typed = [f"{each}: Any" if each == "step" else each for each in arm.parameters]
        if "step" in arm.parameters:
            scene.needs.imported("typing", "Any")
        made.append(function(arm.function, ["self", *typed], body, is_async=True))
    return made


def with_env(body: list[ast.stmt], pieces: Pieces) -> list[ast.stmt]:
    """A method's body, in which `env` is what it says."""
    if not pieces.read("env", body):
        return body
    return [assign("env", attribute(name("self"), "env")), pieces.empty_line(), *body]


class RegionWriter:
    """Writes one region. `indices` are the variables that count the iterations around it."""

    def __init__(
        self,
        scene: Scene,
        region: Region,
        indices: tuple[str, ...] = (),
        indentation: int = _METHOD,
    ) -> None:
        self._scene = scene
        self._region = region
        self._indices = indices
        self._indentation = indentation
        self.exports = tuple(scene.exports.get(region, ()))
        self._is_top = region.container is None
        marked = scene.marked if self._is_top else None
        self._binder = None if marked is None else scene.regions.at(marked, region)
        self._output: Output = output_of(
            region.flow, self._binder, lambda node_id: scene.type_of(node_id).has_value
        )
        self._remembered = scene.names.fresh("output")
        for node_id in region.flow.order:
            scene.writers[node_id] = replace(scene.writers[node_id], indices=indices)

    def run(self) -> list[ast.stmt]:
        """The body of `run`."""
        body = self.body()
        if not any(map(self._scene.leaves_inside, self._arms())):
            return body
        # A break in an arm, with no loop around it, ends the run.
        whole = self._scene.names.fresh("_whole_run")
        leave = self._scene.needs.helper(containers.LEAVE)
        stopped = self._scene.names.fresh("stopped")
        value = ast.Subscript(
            value=ast.Attribute(value=name(stopped), attr="args", ctx=ast.Load()),
            slice=ast.Constant(value=0),
            ctx=ast.Load(),
        )
        handler = ast.ExceptHandler(type=leave, name=stopped, body=[returns(value)])
        attempt = [returns(ast.Await(value=call(name(whole))))]
        return [
            function(whole, [], body, is_async=True),
            ast.Try(body=attempt, handlers=[handler], orelse=[], finalbody=[]),
        ]

    def _arms(self) -> Iterable[Region]:
        for node_id, arms in self._region.arms.items():
            if self._scene.type_of(node_id).control != "loop":
                yield from arms.values()

    def body(self) -> list[ast.stmt]:
        flow = self._region.flow
        reads = list(self._scene.inside.get(self._region, ()))
        # A break takes nothing along.
        stops = [
            end
            for end in self._output.answers
            if any(way.target is None and not way.leaves for way in flow.ways[end])
        ]
        for end in stops:
            for variable in self.exports:
                binder = self._scene.regions.at(variable, self._region) or ""
                reads.append((end, binder, variable))
        for end, answer in self._output.answers.items():
            if answer and answer != end:
                reads.append((end, answer, self._variable(answer)))
        blocks = build(flow, reads, self._scene.names.fresh)
        if isinstance(blocks[-1], Stop) and self._is_silent:
            del blocks[-1]
        body = self._block(blocks)
        if self._output.starts_unset:
            body.insert(0, assign(self._remembered, containers.nothing()))
        return body

    @property
    def _is_silent(self) -> bool:
        return self._output.is_silent and not self.exports

    def _variable(self, answer: str) -> str:
        """The marked node may stand inside the container that binds it here."""
        return self._scene.marked or "" if answer == self._binder else answer

    def _block(self, blocks: Iterable[Block]) -> list[ast.stmt]:
        """Statements in paragraphs: nodes and choices stand apart, starts stand together."""
        self._indentation += 1
        body: list[ast.stmt] = []
        previous: Block | None = None
        for block in blocks:
            statements = self._statements(block)
            if previous is not None and statements and _separate(previous, block):
                body.append(self._scene.pieces.empty_line())
            body += statements
            previous = block if statements else previous
        self._indentation -= 1
        return body or [ast.Pass()]

    def _statements(self, block: Block) -> list[ast.stmt]:
        match block:
            case Run(node_id=node_id):
                return self._run(node_id)
            case Start(variable=variable, guard=guard):
                return [assign(variable, ast.Constant(value=False if guard else None))]
            case Go(guard=guard_name):
                return [assign(guard_name, ast.Constant(value=True))]
            case Stop(node_id=node_id):
                return [returns(self._answer(node_id))]
            case Leave(node_id=node_id):
                return [self._leave(node_id)]
            case Guarded(guard=guard_name, body=body):
                return [ast.If(test=name(guard_name), body=self._block(body), orelse=[])]
            case Choose():
                return [self._choice(block)]

    def _run(self, node_id: str) -> list[ast.stmt]:
        node, node_type = self._scene.graph.nodes[node_id], self._scene.type_of(node_id)
        if node_type.has_regions:
            statements = self._container(node_id)
        elif node_type.control == "break":
            return []
        elif node_type.emit is not None:
            statements = node_type.emit(node, self._scene.writers[node_id])
        else:
            raise CompilerError(f"nodes of the type of {node_id} cannot be written")
        if node_id in self._output.remembered:
            statements.append(assign(self._remembered, name(node_id)))
        return _marked(statements, node_id)

    def _choice(self, choice: Choose) -> ast.stmt:
        writer = self._scene.writers[choice.node_id]
        orelse = self._block(choice.otherwise) if choice.otherwise else []
        chain: ast.stmt | None = None
        for arm, body in reversed(choice.arms):
            test = writer.expression(arm.condition or "")
            if choice.inverted:
                test = ast.UnaryOp(op=ast.Not(), operand=test)
            chain = ast.If(test=test, body=self._block(body), orelse=orelse)
            orelse = [chain]
        if chain is None:
            raise CompilerError(f"{choice.node_id} has no condition")
        return _marked([chain], choice.node_id)[0]

    def _value(self, node_id: str) -> ast.expr | None:
        answer = self._output.answers[node_id]
        if answer is None:
            # Beside returns with a value, nothing is said aloud.
            return None if self._is_silent else containers.nothing()
        return name(self._variable(answer) if answer else self._remembered)

    def _answer(self, node_id: str) -> ast.expr | None:
        value = self._value(node_id)
        if not self.exports:
            return value
        made = [name(variable) for variable in self.exports]
        return ast.Tuple(elts=[value or containers.nothing(), *made], ctx=ast.Load())

    def _leave(self, node_id: str) -> ast.stmt:
        if self._is_top:
            return returns(self._answer(node_id))
        leave = self._scene.needs.helper(containers.LEAVE)
        for region in self._scene.regions.around(node_id):
            if region.container and self._scene.type_of(region.container).control == "loop":
                return ast.Raise(exc=leave, cause=None)
        value = self._value(node_id) or containers.nothing()
        return ast.Raise(exc=call(leave, value), cause=None)

    # --- containers ---------------------------------------------------------------------------

    def _container(self, node_id: str) -> list[ast.stmt]:
        match self._scene.type_of(node_id).control:
            case "parallel":
                return self._parallel(node_id)
            case "race":
                return self._race(node_id)
            case "loop":
                return self._loop(node_id)
            case _:
                return self._try(node_id)

    def _named(self, node_id: str, label: str) -> str:
        label = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
        return self._scene.names.fresh(f"_{node_id}_{label or 'arm'}")

    def _arm(
        self, node_id: str, label: str, parameters: list[str], indices: tuple[str, ...]
    ) -> tuple[list[ast.stmt], Arm]:
        """The definition of an arm, unless it stands apart, and how it is called."""
        scene, identifier = self._scene, self._named(node_id, label)
        region = self._region.arms.get(node_id, {}).get(label)
        if region is None:  # it leads to what follows anyway
            return [function(identifier, parameters, [ast.Pass()], is_async=True)], Arm(
                label, identifier, ()
            )
        exports = tuple(scene.exports.get(region, ()))
        if self._indentation >= DEEPEST:
            given = self._given(region, parameters, indices)
            scene.apart.append(Apart(region, identifier, (*given, *parameters), indices))
            return [], Arm(label, identifier, exports, tuple(parameters), given)
        writer = RegionWriter(scene, region, indices, self._indentation)
        definition = function(identifier, parameters, writer.body(), is_async=True)
        return [definition], Arm(label, identifier, exports)

    def _given(
        self, region: Region, parameters: list[str], indices: tuple[str, ...]
    ) -> tuple[str, ...]:
        """What a method has to be given of the scopes around it."""
        scene = self._scene
        used = scene.used_inside(region)
        inside = set(_nodes_of(region))
        ids = [other for other in scene.regions.order if other in used and other not in inside]
        bound = sorted(scene.bound_around(region) & used - set(ids))
        always = ["event", *(["step"] if scene.graph.kind == "workflow" else [])]
        given = dict.fromkeys([*always, *ids, *bound, *indices])
        scene.needs.told |= set(indices)
        return tuple(each for each in given if each not in parameters)

    def _all(self, node_id: str) -> tuple[list[ast.stmt], list[Arm]]:
        labels = self._scene.drawn[node_id]
        made = [self._arm(node_id, label, [], self._indices) for label in labels]
        return [one for definition, _ in made for one in definition], [arm for _, arm in made]

    def _parallel(self, node_id: str) -> list[ast.stmt]:
        collects = getattr(self._scene.graph.nodes[node_id].data, "on_error", "fail") == "collect"
        gather = self._scene.needs.helper(containers.COLLECT if collects else containers.PARALLEL)
        definitions, arms = self._all(node_id)
        return [*definitions, *containers.parallel(node_id, arms, gather, collects=collects)]

    def _race(self, node_id: str) -> list[ast.stmt]:
        definitions, arms = self._all(node_id)
        writer = self._scene.writers[node_id]
        if not writer.durable:
            run = self._scene.needs.helper(containers.FIRST)
            return [*definitions, *containers.race(node_id, arms, run, [])]
        run = self._scene.needs.helper(containers.RACE)
        (suffix,) = self._scene.type_of(node_id).further_steps
        recorded = [name("step"), writer.named(suffix)]
        return [*definitions, *containers.race(node_id, arms, run, recorded)]

    def _loop(self, node_id: str) -> list[ast.stmt]:
        data = self._scene.graph.nodes[node_id].data
        parameters = list(self._scene.type_of(node_id).binds(data, "body"))
        outer = {
            # what would be hidden inside
            index: self._scene.names.fresh(f"outer_{index}") if index in parameters else index
            for index in self._indices
        }
        indices = (*outer.values(), parameters[-1])
        definition, body = self._arm(node_id, "body", parameters, indices)
        statements = [
            assign(kept, name(index))
            for index, kept in outer.items()
            if kept != index and kept in self._scene.needs.told
        ]
        statements += definition
        writer = self._scene.writers[node_id]
        regions = self._region.arms.get(node_id, {})
        kind, most = getattr(data, "loop_type", ""), getattr(data, "max_iterations", 0)
        if kind == "while":
            leave = None
            if any(map(self._scene.leaves_inside, regions.values())):
                leave = self._scene.needs.helper(containers.LEAVE)
            test = writer.expression(getattr(data, "condition", ""))
            result = self._scene.names.fresh("result")
            return [*statements, *containers.while_(node_id, body, test, most, leave, result)]
        if kind == "times":
            items: ast.expr = call(name("range"), writer.expression(getattr(data, "count", "")))
        else:
            items = writer.expression(getattr(data, "collection", ""))
        run = self._scene.needs.helper(containers.EACH)
        options = (getattr(data, "concurrency", 1), most)
        counter = self._scene.names.fresh("place") if body.exports else ""
        return [*statements, *containers.for_each(node_id, body, items, run, options, counter)]

    def _try(self, node_id: str) -> list[ast.stmt]:
        definitions: list[ast.stmt] = []
        arms: dict[str, Arm] = {}
        regions = self._region.arms.get(node_id, {})
        for label in ("try", "catch", "finally"):
            # A drawn `catch` catches, though it does nothing.
            if label in regions or (label == "catch" and label in self._scene.drawn[node_id]):
                parameters = [] if label == "try" else ["error"]
                made, arms[label] = self._arm(node_id, label, parameters, self._indices)
                definitions += made
        needs, fresh = self._scene.needs, self._scene.names.fresh
        others = "catch" in arms or "finally" in arms
        passes = any(map(self._scene.leaves_inside, regions.values()))
        parts = TryParts(
            needs.helper(containers.OUTCOME),
            arms.get("try"),
            arms.get("catch"),
            arms.get("finally"),
            needs.helper(containers.FAILURE) if others else None,
            needs.helper(containers.LEAVE) if passes and "finally" in arms else None,
            fresh("caught") if others else "",
            fresh("left") if "finally" in arms else "",
        )
        return [*definitions, *containers.try_catch(node_id, parts)]


def _nodes_of(region: Region) -> Iterator[str]:
    """The nodes of a region and of all regions inside it."""
    pending = [region]
    while pending:
        here = pending.pop()
        yield from here.flow.order
        for arms in here.arms.values():
            pending += arms.values()


def _separate(before: Block, after: Block) -> bool:
    if isinstance(before, Start):
        return not isinstance(after, Start | Choose)
    return not isinstance(after, Go | Stop | Leave) or isinstance(before, Choose | Guarded)


def _marked(statements: list[ast.stmt], node_id: str) -> list[ast.stmt]:
    for statement in statements:
        statement.node_id = node_id  # type: ignore[attr-defined]
    return statements
