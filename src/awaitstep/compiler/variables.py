"""Which variables of `env` a module reads, as far as its text tells."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_ENV = "env"


def variables_read(source: str) -> dict[str, int]:
    """Names in `env` that the module can't do without, with the first line that reads them.

    A name that the module looks for before it reads it (`"X" in env`, `hasattr`, `getattr` with a
    default) is not among them, nor is one that is called. Raises SyntaxError.
    """
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    aliases = set(_aliases(nodes))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    optional: set[str] = set()
    read: dict[str, int] = {}
    for node in nodes:
        for name, needed in _names(node, aliases):
            if not needed:
                optional.add(name)
            elif id(node) not in called:
                read[name] = min(read.get(name, node.lineno), node.lineno)  # type: ignore[attr-defined]
    return {name: line for name, line in sorted(read.items()) if name not in optional}


def _aliases(nodes: list[ast.AST]) -> Iterator[str]:
    """Plain names that stand for `self.env`."""
    for node in nodes:
        if isinstance(node, ast.Assign) and _is_env(node.value, set()):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.arg) and node.arg == _ENV:
            yield _ENV


def _is_env(node: ast.AST, aliases: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in aliases
    return isinstance(node, ast.Attribute) and node.attr == _ENV


def _names(node: ast.AST, aliases: set[str]) -> Iterator[tuple[str, bool]]:
    """A name that the node itself looks up, and whether it has to be there."""
    match node:
        case ast.Attribute(value=env, attr=str(name), ctx=ast.Load()) if _is_env(env, aliases):
            yield name, True
        case ast.Subscript(value=env, slice=ast.Constant(value=str(name)), ctx=ast.Load()) if (
            _is_env(env, aliases)
        ):
            yield name, True
        case ast.Call(
            func=ast.Name(id="getattr" | "hasattr" as how),
            args=[env, ast.Constant(value=str(name)), *rest],
        ) if _is_env(env, aliases):
            yield name, how == "getattr" and not rest
        case ast.Compare(
            left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[env]
        ) if _is_env(env, aliases):
            yield name, False
