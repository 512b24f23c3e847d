"""Short ways to build the syntax trees that generated modules are made of.

Pure functions over `ast`; nothing here knows a node type or a user's text.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence


def name(identifier: str) -> ast.Name:
    return ast.Name(id=identifier, ctx=ast.Load())


def attribute(value: ast.expr, *path: str) -> ast.expr:
    for part in path:
        value = ast.Attribute(value=value, attr=part, ctx=ast.Load())
    return value


def item(value: ast.expr, key: str | int) -> ast.expr:
    return ast.Subscript(value=value, slice=ast.Constant(value=key), ctx=ast.Load())


def call(function: ast.expr, *args: ast.expr, **keywords: ast.expr | None) -> ast.Call:
    """A call; a keyword given as None is left out."""
    given = [
        ast.keyword(arg=key, value=value) for key, value in keywords.items() if value is not None
    ]
    return ast.Call(func=function, args=list(args), keywords=given)


def mapping(pairs: Mapping[str, ast.expr]) -> ast.Dict:
    return ast.Dict(keys=[ast.Constant(value=key) for key in pairs], values=list(pairs.values()))


def awaited(value: ast.expr) -> ast.expr:
    return ast.Await(value=value)


def statement(value: ast.expr) -> ast.stmt:
    return ast.Expr(value=value)


def assign(target: str, value: ast.expr) -> ast.stmt:
    names: list[ast.expr] = [ast.Name(id=target, ctx=ast.Store())]
    return ast.Assign(targets=names, value=value, lineno=0)


def returns(value: ast.expr | None) -> ast.stmt:
    return ast.Return(value=value)


def deferred(parameters: Sequence[str], value: ast.expr) -> ast.expr:
    """`lambda parameters: value`."""
    made = ast.parse(f"lambda {', '.join(parameters)}: None", mode="eval").body
    assert isinstance(made, ast.Lambda)
    made.body = value
    return made


def function(
    identifier: str,
    args: Sequence[str],
    body: list[ast.stmt],
    *,
    is_async: bool,
    decorator: ast.expr | None = None,
) -> ast.stmt:
    """A function; an argument is `name` or `name: Type`.

    Parsed from a skeleton, so that fields which newer Pythons added are set.
    """
    source = f"{'async ' * is_async}def skeleton({', '.join(args)}): pass"
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    definition.name = identifier
    definition.body = body
    definition.decorator_list = [] if decorator is None else [decorator]
    return definition
