"""The project that a compiled module becomes: its files, by path.

Owns what belongs into it. Writes nothing: the caller decides where the files go.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from awaitstep.compiler import CompiledModule
from awaitstep.eject.paths import Path, children_of, paths_of, same_outside_of_loops
from awaitstep.eject.readme import readme
from awaitstep.eject.search import Example, Search, Told
from awaitstep.eject.settings import GITIGNORE, Variable, pyproject, wrangler
from awaitstep.eject.tests_of import (
    conftest_text,
    module_test,
    path_tests,
    stand_in_text,
)
from awaitstep.eject.wants import wants_of
from awaitstep.ir import Graph, InvalidGraph, Registry, Report
from awaitstep.ir.flow import Regions, lower

MOST_PATHS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is taken away.

    `graph` is None for a module that was written by hand. `packages` are all requirements,
    `only_local` the ids of nodes that cannot run on Cloudflare.
    """

    name: str
    description: str = ""
    module: CompiledModule
    graph: Graph | None
    packages: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    only_local: tuple[str, ...] = ()
    default_entry: bool = True


def project(parcel: Parcel, registry: Registry) -> dict[str, str]:
    """The text of each file, by its path. The same parcel gives the same bytes.

    Conditions and inline code of the graph are executed to find values for the tests: only for
    graphs that the person who asks would run.

    Raises:
        InvalidGraph: a graph that was not parsed.
    """
    module, graph = parcel.module, parcel.graph
    regions = None if graph is None else _regions(graph, registry)
    variables = (*parcel.variables, *_read_besides(parcel))
    if graph is None or regions is None:
        tests, conftest = module_test(), conftest_text(module.class_name)
    else:
        told = _told(module, graph, registry, regions)
        tests = _tests(parcel, graph, registry, regions, told)
        conftest = conftest_text(module.class_name, [*told.names])
    return {
        ".gitignore": GITIGNORE,
        "README.md": readme(
            parcel.name,
            parcel.description,
            graph,
            () if regions is None else regions.order,
            variables,
            module,
            default_entry=parcel.default_entry,
            only_local=parcel.only_local,
        ),
        "pyproject.toml": pyproject(parcel.name, parcel.description, parcel.packages),
        "tests/conftest.py": conftest,
        "tests/stand_in.py": stand_in_text(),
        "tests/test_paths.py": tests,
        "worker.py": module.source,
        "wrangler.jsonc": wrangler(
            parcel.name,
            module,
            variables,
            None if graph is None else graph.trigger,
        ),
    }


def _told(module: CompiledModule, graph: Graph, registry: Registry, regions: Regions) -> Told:
    waits = frozenset(id for id, node in graph.nodes.items() if node.type == "wait_for_event")
    names = {node_id: name for name, node_id in module.step_nodes.items()}
    if graph.kind == "script":
        types = {node_id: registry[graph.nodes[node_id].type] for node_id in regions.order}
        names = {node_id: node_id for node_id, kind in types.items()
                 if kind.is_step(graph.nodes[node_id].data) and not kind.is_container}  # fmt: skip
    return Told(names, waits, children_of(graph), graph.kind == "script")


def _tests(parcel: Parcel, graph: Graph, registry: Registry, regions: Regions, told: Told) -> str:
    paths, left_out = paths_of(graph, registry, regions, MOST_PATHS)
    known = {variable.name: variable.value for variable in parcel.variables
             if variable.value is not None}  # fmt: skip
    search = Search(parcel.module, told, wants_of(graph, registry, regions), regions, known)
    found: list[tuple[Path, Example]]
    problem = None
    try:
        with search.ready() as example_of:
            found = [(path, example_of(path)) for path in paths]
            if any(example.done is None for _, example in found):
                empty, _ = paths_of(graph, registry, regions, MOST_PATHS, iterates=False)
                found = _without_loops(found, empty, regions, example_of)
    except ImportError as error:
        problem = f"a package is missing where this was made: {error}"
        found = [(path, search.example(path, {})) for path in paths]
    return path_tests(graph, found, left_out, problem)


def _without_loops(
    found: list[tuple[Path, Example]],
    empty: list[Path],
    regions: Regions,
    example_of: Callable[[Path], Example],
) -> list[tuple[Path, Example]]:
    """The same, where what no values lead along once has its loops passed by, if some do then."""
    made: dict[Path, Example] = {}
    for path, example in found:
        instead = None
        if example.done is None:
            instead = next(
                (other for other in empty if same_outside_of_loops(path, other, regions)), None
            )
        if instead is not None and instead not in made:
            passed_by = example_of(instead)
            if passed_by.done is not None:
                made[instead] = passed_by
        if instead is None or instead not in made:
            made[path] = example
    return [*made.items()]


def _regions(graph: Graph, registry: Registry) -> Regions:
    report = Report()
    regions = lower(graph.nodes, graph.edges, graph.entry, registry, report)
    if regions is None:
        raise InvalidGraph(report.problems)
    return regions


def _read_besides(parcel: Parcel) -> list[Variable]:
    """The variables that the module reads and nobody has declared."""
    declared = {variable.name for variable in parcel.variables}
    module = parcel.module
    declared |= {*module.workflows, *module.functions}
    declared |= {module.binding} if module.binding else set()
    read = {
        node.attr
        for node in ast.walk(ast.parse(module.source))
        if isinstance(node, ast.Attribute)
        and (getattr(node.value, "id", None) == "env" or getattr(node.value, "attr", None) == "env")
    }
    return [Variable(name) for name in sorted(read - declared)]
