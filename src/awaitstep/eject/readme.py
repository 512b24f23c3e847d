"""`README.md` of a project: what it is, what it does, and how to run, test and deploy it."""

from __future__ import annotations

from collections.abc import Sequence

from awaitstep.compiler import CompiledModule
from awaitstep.eject.settings import UNKNOWN, Variable
from awaitstep.eject.words import code, markdown
from awaitstep.ir import Graph

_MOST_STEPS = 200
_DEFAULT_URL = """\
A `POST` with a JSON body starts a run, whose `event["payload"]` it is, and answers
`{"instanceId": …}`. A `GET` with `?instanceId=…` answers the status of that run. Anything else gets
an empty 200. It needs no key: check signatures in `Default.fetch` when it matters who calls.
"""
_FUNCTION_URL = """\
Each request is a call: `event["payload"]` is the JSON of its body, else its query as texts. The
answer is the output as JSON, or the `Response` that the last step returns. It needs no key: check
signatures in `Default.fetch` when it matters who calls.
"""
_OWN_URL = (
    "`Default.fetch` in `worker.py` answers it. It needs no key unless that code asks for one.\n"
)
_RUN = """\
## Run

```sh
awaitstep run worker.py --params '{}'
```
"""
_CALL = """\
## Call

```sh
uv run pywrangler dev      # answers at http://localhost:8787
curl http://localhost:8787 --json '{}'
```
"""
_HOW = """\
## Test

One test for each path through it, in `tests/test_paths.py`. They need neither Cloudflare
nor a network: `tests/stand_in.py` stands in for both, and steps answer what a test says.

```sh
uv run pytest        # or, where pytest is installed: pytest
```

## Deploy to Cloudflare

Needs [uv](https://docs.astral.sh/uv/) and Node.js 22 or newer. `wrangler.jsonc` holds the settings.

```sh
uv run pywrangler dev
uv run pywrangler deploy
```
"""
_BESIDE = """\
Each is a project of its own, deployed to the same account, this one last. Only they know their
names: put these into `wrangler.jsonc` for each `"%s"`, and take the slashes away. `awaitstep run
worker.py` reaches none of them.
"""


def readme(
    name: str,
    description: str,
    graph: Graph | None,
    order: Sequence[str],
    variables: Sequence[Variable],
    module: CompiledModule,
    *,
    default_entry: bool,
    only_local: Sequence[str],
) -> str:
    """`order` are the nodes that run, `only_local` those that cannot run on Cloudflare."""
    parts = [f"# {markdown(name)}\n"]
    if description.strip():
        parts.append(f"{markdown(description)}\n")
    is_function = module.class_name is None
    kind = "function" if is_function else "durable workflow"
    parts.append(f"A {kind}: `worker.py` is all of it, plain Cloudflare Python Workers code.\n")
    if graph is not None:
        parts.append(_steps(graph, order))
    parts += [_CALL if is_function else _RUN, _HOW]
    if module.workflows or module.functions:
        parts.append(_beside(module))
    if only_local:
        names = ", ".join(map(code, only_local))
        parts.append(f"These nodes can't run on Cloudflare: {names}.\n")
    if variables:
        parts.append(_variables(variables, runs=not is_function))
    default = _FUNCTION_URL if is_function else _DEFAULT_URL
    parts.append("## Worker URL\n\n" + (default if default_entry else _OWN_URL))
    return "\n".join(parts)


def _beside(module: CompiledModule) -> str:
    """What must be deployed for it to work."""
    lines = ["## Deployed beside it", "", "| name in `env` | | id |", "|---|---|---|"]
    called = {"workflow": module.workflows, "function": module.functions}
    for kind, bindings in called.items():
        lines += [
            f"| {code(name)} | {kind} | {code(bindings[name])} |" for name in sorted(bindings)
        ]
    return "\n".join([*lines, "", _BESIDE % UNKNOWN])


def _steps(graph: Graph, order: Sequence[str]) -> str:
    lines = ["## Steps", ""]
    for node_id in order[:_MOST_STEPS]:
        node = graph.nodes[node_id]
        lines.append(f"- {markdown(node.name or node_id)} ({code(node.type)})")
    if len(order) > _MOST_STEPS:
        lines.append(f"- … and {len(order) - _MOST_STEPS:,} more")
    if graph.trigger is not None and graph.trigger.type == "schedule":
        lines += ["", f"It starts by the schedule {code(graph.trigger.cron)} (UTC)."]
    return "\n".join([*lines, ""])


def _variables(variables: Sequence[Variable], *, runs: bool) -> str:
    lines = ["## Variables", "", "| name | | |", "|---|---|---|"]
    for variable in variables:
        kind = "secret" if variable.secret else "variable"
        where = (
            "in `wrangler.jsonc`"
            if variable.value is not None
            else "`uv run pywrangler secret put`"
        )
        lines.append(f"| {code(variable.name)} | {kind} | {where} |")
    if runs:
        lines += ["", "`awaitstep run` takes them as `--env NAME=VALUE`."]
    return "\n".join([*lines, ""])
