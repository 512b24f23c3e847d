"""The node types: one file each for those that are built in, one folder each for the custom ones.

A leaf owns its model, its checks and the Python it becomes; a container owns its model and its
arms, and the compiler owns the control flow. Custom types are data (`custom` reads them);
`library` holds those that come along. Nothing here knows the compiler.
"""

from functools import lru_cache
from pathlib import Path

from awaitstep.ir import Registry
from awaitstep.ir.source import IMPORTABLE
from awaitstep.nodes import (
    branch,
    break_,
    http_request,
    loop,
    parallel,
    race,
    sleep,
    sleep_until,
    step,
    sub_script,
    sub_workflow,
    try_catch,
    wait_for_event,
)
from awaitstep.nodes.custom import Loaded, Problem, load
from awaitstep.nodes.requirements import nodes_not_for, packages_of

__all__ = [
    "LIBRARY",
    "Problem",
    "nodes_not_for",
    "packages_of",
    "registry",
    "registry_of",
    "registry_with",
]

LIBRARY = Path(__file__).with_name("library")
_OWN = "nodes"  # in a data folder: its custom node types, a folder each
_LEAVES = (step, http_request, sleep, sleep_until, wait_for_event, sub_workflow, sub_script)
_CONTROL = (branch, parallel, race, loop, break_, try_catch)
_BUILT_IN = tuple(room.NODE_TYPE for room in (*_LEAVES, *_CONTROL))
# What the helpers of built-in nodes import: no template may call something else so.
_IMPORTED = {
    name or module: (module, name)
    for helper in (
        http_request.HTTP_RESULT,
        http_request.WITH_QUERY,
        http_request.BASIC_AUTH,
        http_request.FORM,
        sleep_until.MOMENT,
        sub_workflow.START_RUN,
    )
    for module, name in helper.imports
}


def registry() -> Registry:
    """The built-in node types, and the custom ones of the library."""
    return Registry.of((*_BUILT_IN, *_library().types))


def registry_with(directory: Path) -> tuple[Registry, tuple[Problem, ...]]:
    """The same and the custom types of a directory, with what is wrong there.

    A folder with a problem is left out, all others are used.
    """
    library = _library()
    taken = [node_type.type for node_type in registry()]
    found = load(directory, taken=taken, imports=library.imports)
    return Registry.of((*registry(), *found.types)), found.problems


def registry_of(data: Path) -> tuple[Registry, tuple[Problem, ...]]:
    """The same for a server's data folder."""
    return registry_with(data / _OWN)


@lru_cache(maxsize=1)
def _library() -> Loaded:
    taken = [node_type.type for node_type in _BUILT_IN]
    loaded = load(LIBRARY, taken=taken, imports={**IMPORTABLE, **_IMPORTED})
    if loaded.problems:
        raise RuntimeError(f"the library is broken: {loaded.problems[0]}")
    return loaded
