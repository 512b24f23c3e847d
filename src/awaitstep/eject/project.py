"""The project that a compiled module becomes: its files, by path.

Owns what belongs into it. Writes nothing: the caller decides where the files go.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from awaitstep.compiler import CompiledModule
from awaitstep.eject.paths import Path, paths_of
from awaitstep.eject.readme import readme
from awaitstep.eject.search import Example, Search
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
    `only_local` the ids of nodes that cannot run on Cloudflare, `bindings` those besides the
    workflow's own (name → workflow id).
    """

    name: str
    description: str = ""
    module: CompiledModule
    graph: Graph | None
    packages: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    bindings: Mapping[str, str]
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
        tests = module_test()
    else:
        tests = _tests(parcel, graph, registry, regions)
    return {
        ".gitignore": GITIGNORE,
        "README.md": readme(
            parcel.name,
            parcel.description,
            graph,
            () if regions is None else regions.order,
            variables,
            default_entry=parcel.default_entry,
            only_local=parcel.only_local,
        ),
        "pyproject.toml": pyproject(parcel.name, parcel.description, parcel.packages),
        "tests/conftest.py": conftest_text(module.class_name),
        "tests/stand_in.py": stand_in_text(),
        "tests/test_paths.py": tests,
        "worker.py": module.source,
        "wrangler.jsonc": wrangler(
            parcel.name,
            module.class_name,
            module.binding,
            parcel.bindings,
            variables,
            None if graph is None else graph.trigger,
        ),
    }


def _tests(parcel: Parcel, graph: Graph, registry: Registry, regions: Regions) -> str:
    paths, left_out = paths_of(graph, registry, regions, MOST_PATHS)
    waits = frozenset(id for id, node in graph.nodes.items() if node.type == "wait_for_event")
    known = {variable.name: variable.value for variable in parcel.variables
             if variable.value is not None}  # fmt: skip
    search = Search(parcel.module, wants_of(graph, registry, regions), regions, waits, known)
    found: list[tuple[Path, Example]]
    problem = None
    try:
        with search.ready() as example_of:
            found = [(path, example_of(path)) for path in paths]
    except ImportError as error:
        problem = f"a package is missing where this was made: {error}"
        found = [(path, search.example(path, {})) for path in paths]
    return path_tests(graph, found, left_out, problem)


def _regions(graph: Graph, registry: Registry) -> Regions:
    report = Report()
    regions = lower(graph.nodes, graph.edges, graph.entry, registry, report)
    if regions is None:
        raise InvalidGraph(report.problems)
    return regions


def _read_besides(parcel: Parcel) -> list[Variable]:
    """The variables that the module reads and nobody has declared."""
    declared = {variable.name for variable in parcel.variables}
    declared |= {parcel.module.binding, *parcel.bindings}
    read = {
        node.attr
        for node in ast.walk(ast.parse(parcel.module.source))
        if isinstance(node, ast.Attribute)
        and (getattr(node.value, "id", None) == "env" or getattr(node.value, "attr", None) == "env")
    }
    return [Variable(name) for name in sorted(read - declared)]
