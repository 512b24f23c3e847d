"""All problems of a graph at once, and the typed graph once it has no errors.

Owns the order of the checks. Takes anything that JSON, or a careless caller, can bring.
"""

from __future__ import annotations

from awaitstep.ir.diagnostics import Diagnostic, InvalidGraph, Report, shown
from awaitstep.ir.flow import Regions, lower
from awaitstep.ir.graph import THEN, Edge, EventTrigger, Graph, Node, ScheduleTrigger
from awaitstep.ir.handwritten import examine, is_handwritten
from awaitstep.ir.names import id_problem
from awaitstep.ir.raw import check_json
from awaitstep.ir.references import bound_around, check_references, uses_of
from awaitstep.ir.registry import Registry
from awaitstep.ir.shape import Shape, read
from awaitstep.ir.values import cron_problem

# Containers in the arms of containers: what runs is as many calls deep, of up to three frames each,
# and Python allows a thousand.
DEEPEST = 150


def validate(data: object, registry: Registry) -> list[Diagnostic]:
    """Every problem of a decoded graph, drawn or written by hand. Never raises."""
    report = Report()
    if is_handwritten(data):
        examine(data, report)
    else:
        _examine(data, registry, report)
    return report.problems


def parse(data: object, registry: Registry) -> Graph:
    """The typed graph.

    Raises:
        InvalidGraph: the graph has errors; warnings alone do not raise.
    """
    report = Report()
    graph = _examine(data, registry, report)
    if graph is None or report.failed:
        raise InvalidGraph(report.problems)
    return graph


def _examine(data: object, registry: Registry, report: Report) -> Graph | None:
    unsound = check_json(data, report)
    if unsound is None:
        return None
    if not isinstance(data, dict):
        report.add("field.invalid", "A graph is an object.")
        return None
    shape = read(data, unsound, registry, report)
    if isinstance(shape.trigger, ScheduleTrigger):
        problem = cron_problem(shape.trigger.cron)
        if problem is not None:
            report.add("cron.invalid", f"This is no schedule: {problem}.", "trigger.cron")
    if shape.kind == "script" and isinstance(shape.trigger, ScheduleTrigger | EventTrigger):
        report.add("function.trigger", "A function is called by requests only.", "trigger.type")
    flow = _check_flow(shape, registry, report)
    bound = bound_around(shape.nodes, registry, flow)
    for node in shape.nodes.values():
        about, visible = report.about(node.id), bound[node.id]
        registry[node.type].check(node.data, about)
        uses = uses_of(node, registry, shape.known, about, visible, shape.kind)
        check_references(
            node, uses, shape.nodes, shape.known, registry, flow, about, visible, shape.kind
        )
        if shape.kind == "script" and registry[node.type].needs_run(node.data):
            about.add(
                "function.needs_run",
                "This waits, or keeps something of a run: a function answers at once.",
                hint="Draw it in a workflow, and start that from here.",
            )
    _check_variables(shape, registry, report)
    _check_output(shape, report)
    if flow is None or shape.metadata is None or shape.entry is None:
        return None
    return Graph(
        shape.kind,
        shape.metadata,
        {node.id: node for node in shape.nodes.values() if node.id in flow},
        tuple(e for e in shape.edges if e.source in flow and e.target in flow),
        shape.entry,
        shape.trigger,
    )


def _check_flow(shape: Shape, registry: Registry, report: Report) -> Regions | None:
    sound = _check_edges(shape, registry, report)
    if shape.entry is None:
        return None
    if shape.entry not in shape.known:
        report.add("entry.unknown", f"There is no node `{shown(shape.entry)}`.", "entryNodeId")
        return None
    # A graph with holes has no flow worth talking about: its problems are said already.
    if not sound or shape.known - set(shape.nodes):
        return None
    flow = lower(shape.nodes, shape.edges, shape.entry, registry, report)
    if flow is not None:
        deepest = max(flow.order, key=flow.depth)
        if flow.depth(deepest) > DEEPEST:
            report.about(deepest).add(
                "graph.too_deep",
                f"This node stands in {flow.depth(deepest)} containers; at most {DEEPEST} can be "
                "inside each other.",
                hint="Make a workflow of its own of the inner part.",
            )
        for node_id in shape.nodes:
            if node_id not in flow:
                report.about(node_id).add(
                    "node.unreachable", "Nothing leads to this node, so it never runs."
                )
    return flow


def _check_edges(shape: Shape, registry: Registry, report: Report) -> bool:
    sound = True
    leaving: dict[str, list[Edge]] = {node_id: [] for node_id in shape.nodes}
    for edge in shape.edges:
        for end in (edge.source, edge.target):
            if end not in shape.known:
                sound = False
                report.add(
                    "edge.node_unknown",
                    f"The edge `{shown(edge.id)}` names a node `{shown(end)}` that is not there.",
                    "edges",
                )
        if edge.source in leaving:
            leaving[edge.source].append(edge)
    for node in shape.nodes.values():
        about = report.about(node.id)
        check = _check_arm_edges if registry[node.type].is_container else _check_leaf_edges
        sound &= check(node, leaving[node.id], registry, about)
    return sound


def _check_leaf_edges(node: Node, edges: list[Edge], _: Registry, report: Report) -> bool:
    for edge in edges:
        if edge.label is not None:
            report.add(
                "edge.label_unused",
                f"The label `{shown(edge.label)}` means nothing here: this node has no arms.",
                "edges",
            )
    if len(edges) > 1:
        report.add(
            "edge.several",
            f"This node has {len(edges)} outgoing edges; it can have one.",
            "edges",
            hint="Use a branch to choose between ways.",
        )
    return len(edges) <= 1


def _check_arm_edges(node: Node, edges: list[Edge], registry: Registry, report: Report) -> bool:
    node_type = registry[node.type]
    free = node_type.arms is None
    labels = [arm.label for arm in node_type.arms(node.data)] if node_type.arms is not None else []
    drawn: set[str] = set()
    sound = True
    for edge in edges:
        problem = None
        if edge.label is None:
            problem = "edge.label_missing", f"The edge to `{shown(edge.target)}` names no arm."
        elif not free and edge.label not in labels and edge.label != THEN:
            problem = "edge.label_unknown", f"There is no arm `{shown(edge.label)}`."
        elif edge.label in drawn:
            problem = "edge.label_repeated", f"Two edges are labelled `{shown(edge.label)}`."
        if problem is not None:
            sound = False
            known = ", ".join(shown(label) for label in [*labels[:10], THEN])
            report.add(*problem, "edges", hint=f"Labels of this node: {known}.")
        drawn.add(edge.label or "")
    if (free and drawn <= {THEN}) or not drawn.issuperset(node_type.needs):
        sound = False
        wanted = " and ".join(f"`{label}`" for label in node_type.needs) or "one for each arm"
        report.add("edge.arm_missing", f"This node needs an edge: {wanted}.", "edges")
    for label in labels if node_type.is_branch else []:
        if label not in drawn:
            report.add(
                "branch.arm_empty",
                f"The arm `{shown(label)}` leads nowhere: it ends at once.",
                "edges",
            )
    return sound


def _check_variables(shape: Shape, registry: Registry, report: Report) -> None:
    """A loop's variables are names of the module like ids."""
    for node in shape.nodes.values():
        node_type = registry[node.type]
        if node_type.control != "loop":
            continue
        for variable in node_type.binds(node.data, "body"):
            problem = id_problem(variable)
            if problem is not None or variable in shape.known:
                why = problem[1] if problem is not None else "A node has this id."
                report.about(node.id).add(
                    "loop.variable", f"`{shown(variable)}` cannot be a variable. {why}", "data"
                )


def _check_output(shape: Shape, report: Report) -> None:
    marked = [node.id for node in shape.nodes.values() if getattr(node.data, "output", False)]
    for node_id in marked[1:]:
        report.about(node_id).add(
            "output.repeated",
            f"`{shown(marked[0])}` is marked as the run's output already.",
            "data.output",
        )
