"""What parallel, race, loop and try become: arms as nested functions, and how they are called.

An arm is an `async def` that returns its value and, behind it, the values that are read outside of
it; its caller binds them. So every variable has one function that sets it, and arms that run at the
same time share nothing.

It stands where it is called, or, when the text would get too deep, as a method of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from awaitstep.ir import Helper
from awaitstep.ir.syntax import (
    assign,
    attribute,
    awaited,
    call,
    deferred,
    item,
    mapping,
    name,
    statement,
)

LEAVE = Helper(
    "LeaveLoop",
    '''\
class LeaveLoop(BaseException):
    """Leaves the innermost loop. No error: nothing catches it on its way."""
''',
)
FAILURE = Helper(
    "failure",
    '''\
def failure(error):
    """An error as data."""
    if not isinstance(error, Exception):
        return None
    kind = getattr(error, "name", None) or type(error).__name__
    return {"name": kind, "message": str(error), "step": getattr(error, "step", None)}
''',
)
OUTCOME = Helper(
    "outcome",
    '''\
def outcome() -> dict[str, Any]:
    """What a try comes to: the value of its last arm, and the error that was caught."""
    return {"value": None, "error": None}
''',
    (("typing", "Any"),),
)
PARALLEL = Helper(
    "parallel",
    '''\
async def parallel(arms):
    """The values of all arms by label; the first that fails stops the others."""
    tasks = {label: asyncio.ensure_future(arm()) for label, arm in arms.items()}
    try:
        await asyncio.gather(*tasks.values())
    except BaseException:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        raise
    return {label: task.result() for label, task in tasks.items()}
''',
    (("asyncio", None),),
)
COLLECT = Helper(
    "collect",
    '''\
async def collect(arms):
    """The outcomes of all arms by label: a value or an error each."""

    async def settled(arm):
        try:
            return {"value": await arm()}
        except Exception as error:
            return {"error": failure(error)}

    return await parallel({label: lambda arm=arm: settled(arm) for label, arm in arms.items()})
''',
    uses=(FAILURE, PARALLEL),
)
RACE = Helper(
    "race",
    '''\
async def race(step, name, arms):
    """The arm that ends first; the others are given up. A step records which one it was."""
    tasks = {label: asyncio.ensure_future(arm()) for label, arm in arms.items()}

    async def give_up():
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    try:
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        ended = next(label for label, task in tasks.items() if task.done())
        if sys.platform != "emscripten":  # on Cloudflare a replay may see another arm end first
            await give_up()

        @step.do(name)
        async def winner():
            return ended

        first = await winner()
        await asyncio.wait([tasks[first]])
    finally:
        await give_up()
    return {"winner": first, "value": tasks[first].result()}
''',
    (("asyncio", None), ("sys", None)),
)
FIRST = Helper(
    "race",
    '''\
async def race(arms):
    """The arm that ends first; the others are given up."""
    tasks = {label: asyncio.ensure_future(arm()) for label, arm in arms.items()}
    try:
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        first = next(label for label, task in tasks.items() if task.done())
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    return {"winner": first, "value": tasks[first].result()}
''',
    (("asyncio", None),),
)
EACH = Helper(
    "each",
    '''\
async def each(body, items, concurrency, most):
    """The results of the body for all items, in their order."""
    items = list(items)
    if len(items) > most:
        raise ValueError(f"The loop has {len(items)} iterations; at most {most} are allowed.")
    made, ended, upcoming = {}, {}, iter(range(len(items)))

    async def work():
        for index in upcoming:
            if ended:
                return
            try:
                made[index] = await body(items[index], index)
            except (Exception, LeaveLoop) as error:
                ended[index] = error

    if concurrency == 1:
        await work()
    else:
        await asyncio.gather(*(work() for _ in range(min(concurrency, len(items)))))
    first = min(ended, default=len(items))
    if isinstance(ended.get(first), Exception):
        raise ended[first]
    results = [made[index] for index in range(first)]
    return {"results": results, "count": len(results)}
''',
    (("asyncio", None),),
    uses=(LEAVE,),
)


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm as it is called: its function, and what it returns behind its value.

    A nested function takes its `parameters` only; one that stands apart, as a method, is also
    `given` what it reads of the scopes around it.
    """

    label: str
    function: str
    exports: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    given: tuple[str, ...] | None = None

    def called(self, *arguments: ast.expr) -> ast.expr:
        return awaited(self._call(arguments))

    def as_function(self) -> ast.expr:
        """What takes the parameters alone."""
        if self.given is None:
            return name(self.function)
        return deferred(self.parameters, self._call([name(each) for each in self.parameters]))

    def _call(self, arguments: Sequence[ast.expr]) -> ast.expr:
        if self.given is None:
            return call(name(self.function), *arguments)
        given = [name(each) for each in self.given]
        return call(attribute(name("self"), self.function), *given, *arguments)


def nothing() -> ast.expr:
    return ast.Constant(value=None)


def unset(arms: Sequence[Arm]) -> list[ast.stmt]:
    """`a = None` for everything that the arms may make."""
    return [assign(variable, nothing()) for arm in arms for variable in arm.exports]


def unpack(first: ast.expr, exports: Sequence[str], value: ast.expr) -> ast.stmt:
    """`first = value`, or `first, a, b = value`."""
    targets: list[ast.expr] = [_stored(first)]
    if exports:
        names = [ast.Name(id=variable, ctx=ast.Store()) for variable in exports]
        targets = [ast.Tuple(elts=[*targets, *names], ctx=ast.Store())]
    return ast.Assign(targets=targets, value=value, lineno=0)


def parallel(
    node_id: str, arms: Sequence[Arm], gather: ast.expr, *, collects: bool
) -> list[ast.stmt]:
    """`node = await parallel({...})`, and the arms' values bound."""
    functions = mapping({arm.label: arm.as_function() for arm in arms})
    made: list[ast.stmt] = [assign(node_id, awaited(call(gather, functions)))]
    exporting = [arm for arm in arms if arm.exports]
    if collects:
        made[:0] = unset(exporting)
    for arm in exporting:
        value = item(name(node_id), arm.label)
        if collects:
            inner = item(value, "value")
            found = ast.Compare(
                left=ast.Constant(value="value"), ops=[ast.In()], comparators=[value]
            )
            made.append(ast.If(test=found, body=[unpack(inner, arm.exports, inner)], orelse=[]))
        else:
            made.append(unpack(value, arm.exports, value))
    return made


def race(
    node_id: str, arms: Sequence[Arm], run: ast.expr, recorded: list[ast.expr]
) -> list[ast.stmt]:
    """`node = await race({...})`, and the winner's values bound. `recorded`: in which step."""
    functions = mapping({arm.label: arm.as_function() for arm in arms})
    exporting = [arm for arm in arms if arm.exports]
    made = unset(exporting)
    made.append(assign(node_id, awaited(call(run, *recorded, functions))))
    value = item(name(node_id), "value")
    for arm in exporting:
        won = ast.Compare(
            left=item(name(node_id), "winner"),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value=arm.label)],
        )
        made.append(ast.If(test=won, body=[unpack(value, arm.exports, value)], orelse=[]))
    return made


def for_each(
    node_id: str, body: Arm, items: ast.expr, run: ast.expr, options: tuple[int, int], place: str
) -> list[ast.stmt]:
    """`node = await each(body, items, …)`; the last iteration's values are bound."""
    numbers = [ast.Constant(value=option) for option in options]
    called = awaited(call(run, body.as_function(), items, *numbers))
    made: list[ast.stmt] = [*unset([body]), assign(node_id, called)]
    if body.exports:
        results = item(name(node_id), "results")
        result = ast.Subscript(value=results, slice=name(place), ctx=ast.Store())
        loop = ast.For(
            target=ast.Name(id=place, ctx=ast.Store()),
            iter=call(name("range"), item(name(node_id), "count")),
            body=[unpack(result, body.exports, _loaded(result))],
            orelse=[],
            lineno=0,
        )
        made.append(loop)
    return made


def while_(
    node_id: str, body: Arm, test: ast.expr, most: int, leave: ast.expr | None, result: str
) -> list[ast.stmt]:
    count = item(name(node_id), "count")
    start = mapping({"results": ast.List(elts=[], ctx=ast.Load()), "count": ast.Constant(value=0)})
    called = unpack(name(result), body.exports, body.called(count))
    limit = ast.Compare(left=count, ops=[ast.Eq()], comparators=[ast.Constant(value=most)])
    message = ast.Constant(value=f"The loop went on for more than {most} iterations.")
    inside: list[ast.stmt] = [
        ast.If(
            test=limit,
            body=[ast.Raise(exc=call(name("ValueError"), message), cause=None)],
            orelse=[],
        ),
        called,
        statement(call(attribute(item(name(node_id), "results"), "append"), name(result))),
        ast.AugAssign(target=_stored_item(count), op=ast.Add(), value=ast.Constant(value=1)),
    ]
    if leave is not None:
        handler = ast.ExceptHandler(type=leave, name=None, body=[ast.Break()])
        inside[1] = ast.Try(body=[called], handlers=[handler], orelse=[], finalbody=[])
    return [
        *unset([body]),
        assign(node_id, start),
        ast.While(test=test, body=inside, orelse=[]),
    ]


@dataclass(frozen=True, slots=True)
class TryParts:
    """The arms of a try, and the names it needs. `leave` is set when a break may pass."""

    outcome: ast.expr
    attempt: Arm | None
    catch: Arm | None
    finally_: Arm | None
    failure: ast.expr | None
    leave: ast.expr | None
    caught: str
    left: str


def try_catch(node_id: str, parts: TryParts) -> list[ast.stmt]:
    """The outcome is bound before another arm runs; the last arm runs for every outcome of the
    run's own, never while it is unloaded or given up."""
    error, value = item(name(node_id), "error"), item(name(node_id), "value")
    arms = [arm for arm in (parts.attempt, parts.catch, parts.finally_) if arm is not None]
    made: list[ast.stmt] = [*unset(arms), assign(node_id, call(parts.outcome))]
    body: list[ast.stmt] = [ast.Pass()]
    if parts.attempt is not None:
        body = [unpack(value, parts.attempt.exports, parts.attempt.called())]
    if parts.catch is not None and parts.failure is not None:
        handled: list[ast.stmt] = [
            _set(error, call(parts.failure, name(parts.caught))),
            unpack(value, parts.catch.exports, parts.catch.called(error)),
        ]
        body = [_guarded(body, name("Exception"), parts.caught, handled)]
    if parts.finally_ is None:
        return [*made, *body]
    kinds: ast.expr = name("Exception")
    if parts.leave is not None:
        kinds = ast.Tuple(elts=[kinds, parts.leave], ctx=ast.Load())
    kept: list[ast.stmt] = [assign(parts.left, name(parts.caught))]
    if parts.catch is None and parts.failure is not None:
        kept.append(_set(error, call(parts.failure, name(parts.left))))
    last = parts.finally_.called(error)
    is_left = ast.Compare(left=name(parts.left), ops=[ast.IsNot()], comparators=[nothing()])
    if parts.finally_.exports:
        ignored = unpack(name("_"), parts.finally_.exports, last)
    else:
        ignored = statement(last)
    return [
        *made,
        assign(parts.left, nothing()),
        _guarded(body, kinds, parts.caught, kept),
        ignored,
        ast.If(test=is_left, body=[ast.Raise(exc=name(parts.left), cause=None)], orelse=[]),
    ]


def _guarded(
    body: list[ast.stmt], kinds: ast.expr, caught: str, handled: list[ast.stmt]
) -> ast.stmt:
    handler = ast.ExceptHandler(type=kinds, name=caught, body=handled)
    return ast.Try(body=body, handlers=[handler], orelse=[], finalbody=[])


def _set(target: ast.expr, value: ast.expr) -> ast.stmt:
    return ast.Assign(targets=[_stored(target)], value=value, lineno=0)


def _stored(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.Name(id=target.id, ctx=ast.Store())
    return _stored_item(target)


def _stored_item(target: ast.expr) -> ast.Subscript:
    assert isinstance(target, ast.Subscript)
    return ast.Subscript(value=target.value, slice=target.slice, ctx=ast.Store())


def _loaded(target: ast.Subscript) -> ast.expr:
    return ast.Subscript(value=target.value, slice=target.slice, ctx=ast.Load())
