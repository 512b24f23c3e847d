"""The compiler's side of `ir.Writer`: how fields of one node become syntax trees.

Owns expressions and the node's function. Knows no node type.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from awaitstep.compiler.errors import CompilerError
from awaitstep.compiler.helpers import LOOKUP, TEXT
from awaitstep.compiler.pieces import CodeRegion, ExpressionRegion, Names, Pieces
from awaitstep.ir import Graph, Helper, Node, Registry, Report
from awaitstep.ir.expressions import Reference, Template, parse_condition, parse_template
from awaitstep.ir.fields import OFFERED
from awaitstep.ir.flow import Regions
from awaitstep.ir.graph import Kind
from awaitstep.ir.references import EVENT_KEYS, Uses
from awaitstep.ir.source import IMPORTABLE, Source, analyse
from awaitstep.ir.syntax import assign, attribute, awaited, call, function, item, name

# What may stand between the braces of an f-string that Python 3.11 reads.
_PLAIN_KEY = re.compile(r"[\w -]*", re.ASCII)
_ERROR_KEYS = frozenset({"name", "message", "step"})
_PLAIN_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(slots=True)
class Needs:
    """What the module must bring along, in the order in which it was asked for.

    `helpers` are by their names in the module, `chosen` are those names by the helpers' own. `told`
    are the indices of iterations that names of steps tell.
    """

    names: Names
    imports: set[tuple[str, str | None]] = field(default_factory=set)
    helpers: dict[str, Helper] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    locals: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    bindings: dict[tuple[Kind, str], str] = field(default_factory=dict)

    def binding(self, kind: Kind, workflow: str, node_id: str) -> ast.expr:
        """The name in `env` for another workflow: after the first node that calls it."""
        if (kind, workflow) not in self.bindings:
            word = re.sub(r"[^A-Z0-9]+", "_", node_id.upper()).strip("_")
            wish = f"{'WORKFLOW' if kind == 'workflow' else 'FUNCTION'}_{word or 'CALLED'}"
            taken, name_, count = set(self.bindings.values()), wish, 1
            while name_ in taken:
                count += 1
                name_ = f"{wish}_{count}"
            self.bindings[kind, workflow] = name_
        return attribute(name("env"), self.bindings[kind, workflow])

    def called(self, kind: Kind) -> dict[str, str]:
        """The names in `env` for what the module calls, and the ids they stand for."""
        return {name_: id for (of, id), name_ in self.bindings.items() if of == kind}

    def imported(self, module: str, identifier: str | None) -> ast.expr:
        self.imports.add((module, identifier))
        return name(identifier or module)

    def helper(self, helper: Helper) -> ast.expr:
        if helper.name not in self.chosen:
            self.chosen[helper.name] = self.names.fresh(helper.name)
            self._bring(helper, self.chosen[helper.name])
        return name(self.chosen[helper.name])

    def _bring(self, helper: Helper, chosen: str) -> None:
        self.helpers[chosen] = helper
        self.imports |= set(helper.imports)
        for used in helper.uses:
            # Helpers call each other outside of `run`, where no node's id hides a name.
            if used.name not in self.helpers:
                self._bring(used, used.name)

    def of_source(self, source: Source, ids: Container[str]) -> None:
        """Bring what a user's code reads without importing it."""
        for read in source.reads:
            if read in IMPORTABLE and read not in ids:
                self.imports.add(IMPORTABLE[read])


@dataclass(slots=True)
class NodeWriter:
    """Writes the statements of one node."""

    node: Node
    graph: Graph
    flow: Regions
    registry: Registry
    pieces: Pieces
    needs: Needs
    uses: Uses
    display_name: str
    indices: tuple[str, ...] = ()

    @property
    def durable(self) -> bool:
        return self.graph.kind == "workflow"

    @property
    def step_name(self) -> ast.expr:
        return self.named("")

    def named(self, suffix: str) -> ast.expr:
        """The display name, what belongs to it, and the iteration it stands in."""
        text = self.display_name + suffix
        if not self.indices:
            return ast.Constant(value=text)
        self.needs.told |= set(self.indices)
        parts: list[ast.expr] = [ast.Constant(value=f"{text} [")]
        for place, index in enumerate(self.indices):
            if place:
                parts.append(ast.Constant(value="."))
            parts.append(ast.FormattedValue(value=name(index), conversion=-1, format_spec=None))
        return ast.JoinedStr(values=[*parts, ast.Constant(value="]")])

    def constant(self, value: Any) -> ast.expr:
        return _json(value, lambda text: ast.Constant(value=text))

    def value(self, field: Any) -> ast.expr:
        return _json(field, self._typed)

    def text(self, field: str) -> ast.expr:
        return self._text(parse_template(field))

    def imported(self, module: str, name: str | None = None) -> ast.expr:
        return self.needs.imported(module, name)

    def helper(self, helper: Helper) -> ast.expr:
        return self.needs.helper(helper)

    def local(self, wish: str) -> str:
        if wish not in self.needs.locals:
            self.needs.locals[wish] = self.needs.names.fresh(wish)
        return self.needs.locals[wish]

    def code(self, source: str) -> list[ast.stmt]:
        return code_block(self.uses.sources[source], self.pieces, self.needs, self.graph.nodes)

    def function(
        self,
        body: list[ast.stmt],
        *,
        source: str | None = None,
        step: ast.expr | None = None,
        blocking: bool = False,
        context: bool = False,
        then: Callable[[ast.expr], ast.expr] | None = None,
    ) -> list[ast.stmt]:
        is_async, args = not blocking, ["ctx"] if context else []
        if source is not None:
            code = self.uses.sources[source]
            is_async = code.is_async
            args = ["ctx"] if step is not None and "ctx" in code.reads else []
        identifier = f"_{self.node.id}"
        definition = function(identifier, args, body, is_async=is_async, decorator=step)
        result: ast.expr = call(name(identifier))
        if step is not None or is_async:
            result = awaited(result)
        return [definition, self.bind(result if then is None else then(result))]

    def rollback(self, source: str) -> tuple[ast.expr, list[ast.stmt]]:
        code = self.uses.sources[source]
        identifier = self.needs.names.fresh(f"_{self.node.id}_rollback")
        args = [offered for offered in OFFERED if offered in code.reads]
        body = self.code(source)
        definition = function(identifier, args, body, is_async=code.is_async)
        return name(identifier), [definition]

    def bind(self, value: ast.expr) -> ast.stmt:
        return assign(self.node.id, value)

    def binding(self, kind: Kind, workflow: str) -> ast.expr:
        return self.needs.binding(kind, workflow, self.node.id)

    def expression(self, text: str) -> ast.expr:
        condition = parse_condition(text, Report(), "")
        if condition is None:
            raise CompilerError(f"the condition of {self.node.id} was not checked")
        self.needs.of_source(condition.source, self.graph.nodes)
        trees = {key: self.reference(ref) for key, ref in condition.references.items()}
        parts = tuple(
            part if isinstance(part, str) else self.reference(part) for part in condition.parts
        )
        return self.pieces.add_expression(ExpressionRegion(parts, _replaced(condition.tree, trees)))

    def reference(self, reference: Reference) -> ast.expr:
        """The value that an expression names."""
        root, path = reference.root, reference.path
        if root == "env":
            variable = str(path[0])
            plain = _PLAIN_ATTRIBUTE.fullmatch(variable)
            # Inside a class Python would mangle __names; getattr takes any.
            value = (
                attribute(name("env"), variable)
                if plain
                else call(name("getattr"), name("env"), ast.Constant(value=variable))
            )
            return self._looked_up(value, path[1:], f"env.{variable}")
        if root == "event":
            return self._inside(name("event"), path, EVENT_KEYS[self.graph.kind], "event")
        if root not in self.graph.nodes:
            # a loop's variable, or the error that was caught
            keys = _ERROR_KEYS if root == "error" else frozenset()
            return self._inside(name(root), path, keys, root)
        target = self.graph.nodes[root]
        node_type = self.registry[target.type]
        # Where the node did not run, None is asked for below.
        sure = not self.flow.dominates(root, self.node.id) or not node_type.may_be_none(target.data)
        known = node_type.keys if sure else None
        value = self._inside(name(root), path, known or frozenset(), root)
        if not path or self._is_at_hand(root):
            return value
        missing = ast.Compare(
            left=name(root), ops=[ast.Is()], comparators=[ast.Constant(value=None)]
        )
        return ast.IfExp(test=missing, body=ast.Constant(value=None), orelse=value)

    def _is_at_hand(self, root: str) -> bool:
        """Whether it cannot be None for not having run: its own arms know a try's outcome."""
        inside = any(region.container == root for region in self.flow.around(self.node.id))
        return inside or self.flow.dominates(root, self.node.id)

    def _inside(
        self, value: ast.expr, path: tuple[str | int, ...], keys: frozenset[str], root: str
    ) -> ast.expr:
        # A key that such a value always has needs no check.
        if len(path) == 1 and path[0] in keys:
            return item(value, path[0])
        return self._looked_up(value, path, root)

    def _looked_up(self, value: ast.expr, path: tuple[str | int, ...], root: str) -> ast.expr:
        if not path:
            return value
        keys: list[ast.expr] = [ast.Constant(value=key) for key in path]
        return call(self.needs.helper(LOOKUP), value, *keys, node=ast.Constant(value=root))

    def _typed(self, field: str) -> ast.expr:
        template = parse_template(field)
        if template.exact is not None:
            return self.reference(template.exact)
        return self._text(template)

    def _text(self, template: Template) -> ast.expr:
        if not template.references:
            return ast.Constant(value="".join(str(part) for part in template.parts))
        texts = [part if isinstance(part, str) else self._as_text(part) for part in template.parts]
        if len(texts) == 1 and isinstance(texts[0], ast.expr):
            return texts[0]
        if all(_fits_f_string(reference) for reference in template.references):
            values: list[ast.expr] = [
                ast.Constant(value=part)
                if isinstance(part, str)
                else ast.FormattedValue(value=part, conversion=-1, format_spec=None)
                for part in texts
            ]
            return ast.JoinedStr(values=values)
        parts: list[ast.expr] = [
            ast.Constant(value=part) if isinstance(part, str) else part for part in texts
        ]
        listed = ast.List(elts=parts, ctx=ast.Load())
        return call(attribute(ast.Constant(value=""), "join"), listed)

    def _as_text(self, reference: Reference) -> ast.expr:
        value = self.reference(reference)
        # Variables of the environment are text already.
        if reference.root == "env" and len(reference.path) == 1:
            return value
        return call(self.needs.helper(TEXT), value)


def _replaced(tree: ast.expr, trees: dict[str, ast.expr]) -> ast.expr:
    """A tree with names replaced by other trees. A person's tree may be deep: no recursion."""
    whole = ast.Expr(value=tree)
    for node in ast.walk(whole):
        for key, value in ast.iter_fields(node):
            if isinstance(value, list):
                value[:] = [_instead(part, trees) for part in value]
            else:
                setattr(node, key, _instead(value, trees))
    return whole.value


def _instead(value: Any, trees: dict[str, ast.expr]) -> Any:
    return trees.get(value.id, value) if isinstance(value, ast.Name) else value


def _fits_f_string(reference: Reference) -> bool:
    return all(isinstance(key, int) or _PLAIN_KEY.fullmatch(key) for key in reference.path)


def _json(value: Any, leaf: Callable[[str], ast.expr]) -> ast.expr:
    """JSON data as a literal; `leaf` writes its texts. Depth is bounded by the JSON check."""
    if isinstance(value, str):
        return leaf(value)
    if isinstance(value, list | tuple):
        return ast.List(elts=[_json(part, leaf) for part in value], ctx=ast.Load())
    if isinstance(value, dict):
        keys: list[ast.expr | None] = [ast.Constant(value=key) for key in value]
        return ast.Dict(keys=keys, values=[_json(part, leaf) for part in value.values()])
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=-value))
    return ast.Constant(value=value)


def read_source(text: str) -> Source:
    """Code that validation has let pass.

    Raises:
        CompilerError: it was not validated.
    """
    report = Report()
    source = analyse(text, report, "")
    if source is None:
        raise CompilerError(f"code was not checked: {report.problems[0].message}")
    return source


def code_block(source: Source, pieces: Pieces, needs: Needs, ids: Container[str]) -> list[ast.stmt]:
    """A user's statements as a region; `pass` keeps an empty one a block."""
    needs.of_source(source, ids)
    block = pieces.add_code(CodeRegion(source.text, source.body, frozenset(source.reads)))
    return block if source.body else [*block, ast.Pass()]
