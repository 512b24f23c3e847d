"""What a node type is, and the set of them that a graph may use.

The registry is a value that callers pass in: the language knows no node type by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from awaitstep.ir.diagnostics import Report
from awaitstep.ir.graph import Node, NodeData
from awaitstep.ir.writer import Writer

DataModel = type[NodeData]
Control = Literal["branch", "parallel", "race", "loop", "try_catch", "break"]
_WITH_REGIONS = ("parallel", "race", "loop", "try_catch")
Family = Literal["code", "http", "time", "event", "control", "call", "custom"]
Target = Literal["local", "cloudflare"]
TARGETS: tuple[Target, ...] = ("local", "cloudflare")


@dataclass(frozen=True, slots=True)
class Arm:
    """One way out of a container: the label of its edge, and when it is taken (None: else)."""

    label: str
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class DrawnArms:
    """Which edges of a container a canvas offers, besides `then`.

    `fixed`: those with these `labels`. `data`: one for each element of a field of the node's data,
    which bears its `label`. `free`: as many as one likes, labelled as one likes. What nodes in the
    arms may read besides: `names`, and the names that stand in `fields` of the data.
    """

    source: Literal["fixed", "data", "free"]
    labels: tuple[str, ...] = ()
    field: str | None = None
    names: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def _nothing(_: Any, __: Report) -> None:
    return None


def _no(_: Any) -> bool:
    return False


def _binds_nothing(_: Any, __: str) -> tuple[str, ...]:
    return ()


def _always(_: Any) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """One kind of box.

    A leaf has `emit`, which answers the statements that run it; a container has `control`, the
    construct that the compiler makes of it, and `arms`. `keys` are the keys that its value always
    has, if they are known, `rare_keys` those that it may have; `may_be_none` says that it may be
    None instead. `is_step`: it is named in a run's history; `further_steps` are what is added to
    its name there for steps besides its own. `needs_run`: it cannot stand in a function.
    `only_local`: with this data it runs here only, whatever `targets` says of its type.
    `value_schema` is the JSON Schema of
    the value, if its type has one. `targets` are the places it can run in, `packages` the
    requirements its code needs there besides the standard library, `names` what its helpers bring
    into a module, so that nothing else there is called the same.

    A container with `arms` has these and no others, one without has whatever is drawn; `needs` are
    those that must be drawn, and `binds` the names that an arm of this label may read. `leaves_if`
    is the condition on which a break leaves, None for always.

    For palettes and canvases: its `family`, the name of an `icon` (Lucide's, in kebab-case), the
    fields of the data that tell most about a node (`shows`), and how its arms are `drawn`.
    """

    type: str
    title: str
    summary: str
    data: DataModel
    has_value: bool = False
    keys: frozenset[str] | None = None
    rare_keys: frozenset[str] = frozenset()
    may_be_none: Callable[[Any], bool] = _no
    is_step: Callable[[Any], bool] = _no
    needs_run: Callable[[Any], bool] = _no
    only_local: Callable[[Any], bool] = _no
    further_steps: tuple[str, ...] = ()
    check: Callable[[Any, Report], None] = _nothing
    emit: Callable[[Node, Writer], list[ast.stmt]] | None = None
    control: Control | None = None
    arms: Callable[[Any], list[Arm]] | None = None
    needs: tuple[str, ...] = ()
    binds: Callable[[Any, str], tuple[str, ...]] = _binds_nothing
    leaves_if: Callable[[Any], str | None] = _always
    value_schema: dict[str, Any] | None = None
    targets: tuple[Target, ...] = TARGETS
    packages: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    family: Family = "custom"
    icon: str = "box"
    shows: tuple[str, ...] = ()
    drawn: DrawnArms | None = None

    @property
    def is_branch(self) -> bool:
        return self.control == "branch"

    @property
    def has_regions(self) -> bool:
        """Whether its arms are scopes of their own, which only end and never meet."""
        return self.control in _WITH_REGIONS

    @property
    def is_container(self) -> bool:
        return self.is_branch or self.has_regions

    def data_schema(self) -> dict[str, Any]:
        """JSON Schema of `data`.

        `x-role` marks what is code, a condition, a template …, `x-group` what belongs together in a
        form, `x-placeholder` is an example, `x-secret` the variable that holds a secret.
        """
        schema = self.data.model_json_schema(by_alias=True)
        properties = schema.get("properties", {})
        # as a form shows them: a type's own fields before those that all have
        ordered = sorted(
            properties, key=lambda key: (key == "output", "x-group" in properties[key])
        )
        schema["properties"] = {key: properties[key] for key in ordered}
        return {**schema, "title": self.title, "description": self.summary}


@dataclass(frozen=True, slots=True)
class Registry:
    """The node types a graph may use, by name."""

    types: dict[str, NodeType]

    @classmethod
    def of(cls, types: Iterable[NodeType]) -> Registry:
        return cls({node_type.type: node_type for node_type in types})

    def get(self, name: str) -> NodeType | None:
        return self.types.get(name)

    def __getitem__(self, name: str) -> NodeType:
        return self.types[name]

    def __iter__(self) -> Iterator[NodeType]:
        return iter(self.types.values())
