"""What a graph asks of the place it runs in: packages, and types that can run there at all."""

from __future__ import annotations

from awaitstep.ir import Graph, Registry
from awaitstep.ir.registry import Target


def packages_of(graph: Graph, registry: Registry) -> tuple[str, ...]:
    """The requirements of all nodes, as pip reads them, sorted and each once."""
    wanted = {package for node in graph.nodes.values() for package in registry[node.type].packages}
    return tuple(sorted(wanted))


def nodes_not_for(target: Target, graph: Graph, registry: Registry) -> tuple[str, ...]:
    """The ids of the nodes that cannot run on a target, in the order of the drawing."""
    return tuple(
        node.id
        for node in graph.nodes.values()
        if target not in registry[node.type].targets
        or (target != "local" and registry[node.type].only_local(node.data))
    )
