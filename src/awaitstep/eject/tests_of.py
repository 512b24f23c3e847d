"""The tests of a project: one for each path through its graph, as text.

Values of a person stand in them as constants only: the text is printed from a syntax tree.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path as File
from typing import Any

from awaitstep.compiler.pieces import Pieces, unused_prefix
from awaitstep.compiler.printing import print_module
from awaitstep.eject import stand_in
from awaitstep.eject.paths import COUNTED, Path
from awaitstep.eject.search import Example
from awaitstep.eject.words import json_text, plain
from awaitstep.ir import Graph

_LONGEST_NAME = 80
_CONFTEST = '''\
"""`run` starts the workflow in a test; `perform` in stand_in.py says what it takes."""

from functools import partial
from pathlib import Path

import pytest
import stand_in

WORKER = Path(__file__).parents[1] / "worker.py"


@pytest.fixture(scope="session")
def workflow():
    return stand_in.load(WORKER.read_text(encoding="utf-8"), WORKER)["CLASS_NAME"]


@pytest.fixture
def run(workflow):
    return partial(stand_in.run, workflow)
'''
_FUNCTION_CONFTEST = '''\
"""`run` calls the function in a test; `perform` in stand_in.py says what it takes."""

from functools import partial
from pathlib import Path

import pytest
import stand_in

WORKER = Path(__file__).parents[1] / "worker.py"
# The step `x` is the inner function `_x`; no test executes these.
STEPS = STEP_IDS


@pytest.fixture(scope="session")
def function():
    return stand_in.load(WORKER.read_text(encoding="utf-8"), WORKER, STEPS)["Default"]


@pytest.fixture
def run(function):
    return partial(stand_in.run, function)
'''
_MODULE_TEST = '''\
"""The module loads. `run` of conftest.py starts its workflow, for tests of your own."""


def test_the_workflow_can_be_made(workflow):
    assert callable(workflow(None, {}).run)
'''


def stand_in_text() -> str:
    """`tests/stand_in.py`: what the examples were found with is what the tests run with."""
    return File(stand_in.__file__).read_text(encoding="utf-8")


def conftest_text(class_name: str | None, steps: Sequence[str] = ()) -> str:
    """`tests/conftest.py`. `steps` are the ids of those that a function takes."""
    if class_name is not None:
        return _CONFTEST.replace("CLASS_NAME", class_name)
    lines = "".join(f"    {json_text(step)},\n" for step in steps)
    return _FUNCTION_CONFTEST.replace("STEP_IDS", f"[\n{lines}]" if lines else "[]")


def path_tests(
    graph: Graph, found: list[tuple[Path, Example]], left_out: int, problem: str | None
) -> str:
    """`tests/test_paths.py`. `problem` says why no values could be looked for."""
    kind = "function" if graph.kind == "script" else "workflow"
    about = f"One test for each path through the {kind}: what it is told, and what it then does."
    if left_out:
        count = f"{left_out:,}" if left_out + len(found) < COUNTED else f"at least {left_out:,}"
        about += f" There are {count} more paths, which have no test."
    names: set[str] = set()
    body: list[ast.stmt] = [_text_statement(about)]
    tests = [_test(graph, path, example, names, problem) for path, example in found]
    if any(test.decorator_list for test in tests):
        body += ast.parse("import pytest").body
    return _printed(ast.Module(body=[*body, *tests], type_ignores=[]))


def module_test() -> str:
    """`tests/test_paths.py` of a module that was written by hand: it has no graph to go by."""
    return _MODULE_TEST


def told_path(graph: Graph, path: Path) -> str:
    """A path in words: what was decided where."""
    choices = [f"{plain(graph.nodes[node_id].name or node_id)}: {plain(choice)}"
               for node_id, choice in path.choices]  # fmt: skip
    return "; ".join(choices) or "The only path."


def _test(
    graph: Graph, path: Path, example: Example, names: set[str], problem: str | None
) -> ast.FunctionDef:
    arguments = [ast.keyword(arg=name, value=_constant(value))
                 for name, value in example.told().items()]  # fmt: skip
    call = ast.Call(func=_name("run"), args=[], keywords=arguments)
    end = "errored" if path.end == "fails" else "complete"
    body: list[ast.stmt] = [
        _text_statement(told_path(graph, path).replace('"', "'")),
        ast.Assign(targets=[ast.Name(id="done", ctx=ast.Store())], value=call, lineno=0),
    ]
    if example.done is not None:
        body.append(_equal("trace", [tuple(entry) for entry in example.done.trace]))
    body.append(_equal("end", end))
    (test,) = ast.parse("def skeleton(run): pass").body
    assert isinstance(test, ast.FunctionDef)
    test.name, test.body = _test_name(path, names), body
    if example.done is None:
        test.decorator_list = [_skip(path, problem)]
    return test


def _skip(path: Path, problem: str | None) -> ast.expr:
    conditions = ", and ".join(map(plain, path.conditions)) or "the run take this path"
    reason = problem or f"no values were found: give some that make {conditions} hold"
    skip = ast.parse("pytest.mark.skip", mode="eval").body
    return ast.Call(func=skip, args=[], keywords=[ast.keyword("reason", _constant(plain(reason)))])


def _test_name(path: Path, taken: set[str]) -> str:
    words = "_".join(f"{node_id}_{choice}" for node_id, choice in path.choices)
    words = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:_LONGEST_NAME].strip("_")
    name = start = f"test_{words or 'the_only_path'}"
    count = 1
    while name in taken:
        count += 1
        name = f"{start}_{count}"
    taken.add(name)
    return name


def _equal(attribute: str, value: Any) -> ast.stmt:
    made = ast.Attribute(value=_name("done"), attr=attribute, ctx=ast.Load())
    return ast.Assert(
        test=ast.Compare(left=made, ops=[ast.Eq()], comparators=[_constant(value)]), msg=None
    )


def _name(identifier: str) -> ast.expr:
    return ast.Name(id=identifier, ctx=ast.Load())


def _text_statement(text: str) -> ast.stmt:
    return ast.Expr(value=ast.Constant(value=text))


def _constant(value: Any) -> ast.expr:
    match value:
        case dict():
            return ast.Dict(
                keys=[_constant(key) for key in value],
                values=[_constant(inner) for inner in value.values()],
            )
        case list():
            return ast.List(elts=[*map(_constant, value)], ctx=ast.Load())
        case tuple():
            return ast.Tuple(elts=[*map(_constant, value)], ctx=ast.Load())
        case int() | float() if not isinstance(value, bool) and value < 0:
            return ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=-value))
        case _:
            return ast.Constant(value=value)


def _printed(tree: ast.Module) -> str:
    texts = [node.value for node in ast.walk(tree)
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
    text = print_module(tree, Pieces(unused_prefix(texts)))
    # Only what documents something is a line of its own: all else is in a call or ends in a comma.
    return re.sub(r'^( *)"(.*)"$', r'\1"""\2"""', text, flags=re.MULTILINE)
