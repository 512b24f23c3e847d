"""`sub_workflow`: start a run of another workflow, and wait for its end unless told otherwise."""

from __future__ import annotations

import ast
from typing import Annotated

from awaitstep.ir import Helper, Node, NodeType, Report, Writer
from awaitstep.ir.fields import Duration, Input, Output, WorkflowId, about
from awaitstep.ir.syntax import attribute, awaited, call, mapping, name, returns
from awaitstep.nodes.retries import Tries, step_decorator

_TIMEOUT = "365 days"
# What is added to the node's name for the wait.
RESULT = " · result"

START_RUN = Helper(
    "start_run",
    '''\
async def start_run(workflow, params, event, ctx, own=False):
    """Start a run of another workflow, once however often this is tried; its id.

    A run of its `own` is nobody's child: it goes on whatever becomes of this one.
    """
    at = ctx["step"]
    run = [event["workflowName"], event["instanceId"], event["timestamp"], ctx.get("epoch", 1)]
    parts = [*run, at["name"], at["count"]]
    key = "\\n".join(map(str, [*parts, "own"] if own else parts))
    instance = hashlib.sha256(key.encode()).hexdigest()[:32]
    try:
        await workflow.create(id=instance, params=params)
    except Exception as error:
        if "already_exists" not in str(error):
            raise
    return instance
''',
    (("hashlib", None),),
)
CHILD_FAILED = Helper(
    "ChildFailed",
    '''\
class ChildFailed(Exception):
    """A run of another workflow ended without an output; name and message are those it left."""

    def __init__(self, error, step):
        super().__init__(error["message"])
        self.name, self.step = error["name"], step
''',
)
CHILD_END = Helper(
    "child_end",
    '''\
async def child_end(step, name, instance, workflow, timeout):
    """How a run of another workflow has ended, where nobody tells: it is asked, again whenever a
    tenth of the time it has taken so far has passed, and once a day at least."""
    limit = timeout
    if isinstance(timeout, str):
        given = re.fullmatch(r"\\s*([\\d.]+)\\s*([a-z]+?)s?\\s*", timeout)
        units = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
        units |= {"week": 604800, "month": 2592000, "year": 31536000}
        if given is None or given[2] not in units:
            raise ValueError(f"{timeout!r} is no duration.")
        limit = round(float(given[1]) * units[given[2]] * 1000)
    passed = 0
    while passed < limit:
        pause = min(2000 + passed // 10000 * 1000, 86400000, limit - passed)
        await step.sleep(name, pause)
        passed += pause

        @step.do(name)
        async def ask():
            run = await workflow.get(instance)
            now = await run.status()
            if now["status"] == "complete":
                return {"status": "complete", "output": now.get("output")}
            names = {"errored": "Error", "terminated": "RunTerminated"}
            if now["status"] not in names:
                return None
            error = now.get("error") or {}
            message = error.get("message") or f"The run {instance} was {now['status']}."
            told = {"name": error.get("name") or names[now["status"]], "message": message}
            return {"status": now["status"], "error": told}

        outcome = await ask()
        if outcome is not None:
            return outcome
    raise TimeoutError(f"Execution timed out after {limit}ms")
''',
    (("re", None),),
)
CHILD_OUTPUT = Helper(
    "child_output",
    '''\
async def child_output(step, name, instance, workflow, timeout):
    """What a run of another workflow answers, once it has ended."""
    if sys.platform == "emscripten":  # on Cloudflare no run is told of another one's end
        outcome = await child_end(step, name, instance, workflow, timeout)
    else:
        ended = await step.wait_for_event(name, f"child-{instance}", timeout=timeout)
        outcome = ended["payload"]
    if outcome["status"] != "complete":
        raise ChildFailed(outcome["error"], name)
    return outcome["output"]
''',
    (("sys", None),),
    uses=(CHILD_END, CHILD_FAILED),
)


class SubWorkflow(Tries):
    """`input` are the params of the run; the retry fields are of its start, `timeout` of the wait."""

    workflow_id: Annotated[WorkflowId, about("Workflow", "Which workflow of this project is run.")]
    input: Annotated[
        Input,
        about(
            "Input",
            "The params of its run: a Python expression, or JSON in which expressions stand.",
            placeholder='{"order": "{{order.id}}"}',
        ),
    ] = None
    wait_for_completion: Annotated[
        bool, about("Wait for its end", "Else this run goes on once the other one has started.")
    ] = True
    timeout: Annotated[
        Duration, about("Timeout", "How long to wait for its end.", placeholder="1 hour")
    ] = _TIMEOUT
    output: Output = False


def _check(data: SubWorkflow, report: Report) -> None:
    if not data.wait_for_completion and "timeout" in data.model_fields_set:
        report.add(
            "field.invalid", "Nothing is waited for, so there is no timeout.", "data.timeout"
        )


def _emit(node: Node, write: Writer) -> list[ast.stmt]:
    data = node.data
    assert isinstance(data, SubWorkflow)
    workflow, params = write.binding("workflow", data.workflow_id), _params(data, write)
    if not write.durable:
        started = call(attribute(workflow, "create"), params=params)
        instance = attribute(awaited(started), "id")
        return write.function([returns(mapping({"instanceId": instance}))])
    given = [workflow, params or write.constant(None), name("event"), name("ctx")]
    start = write.helper(START_RUN)
    decorator = step_decorator(data, write)
    if not data.wait_for_completion:
        instance = awaited(call(start, *given, own=write.constant(True)))
        body: list[ast.stmt] = [returns(mapping({"instanceId": instance}))]
        return write.function(body, step=decorator, context=True)
    wait = write.helper(CHILD_OUTPUT)

    def output(instance: ast.expr) -> ast.expr:
        named, timeout = write.named(RESULT), write.value(data.timeout)
        return awaited(call(wait, name("step"), named, instance, workflow, timeout))

    body = [returns(awaited(call(start, *given)))]
    return write.function(body, step=decorator, context=True, then=output)


def _params(data: SubWorkflow, write: Writer) -> ast.expr | None:
    if isinstance(data.input, str):
        return write.expression(data.input) if data.input.strip() else None
    return None if data.input is None else write.value(data.input)


NODE_TYPE = NodeType(
    type="sub_workflow",
    title="Run a workflow",
    summary="Starts a run of another workflow and goes on with what that answers.",
    data=SubWorkflow,
    family="call",
    icon="workflow",
    shows=("workflowId",),
    has_value=True,
    may_be_none=lambda data: data.wait_for_completion,
    is_step=lambda _: True,
    needs_run=lambda data: data.wait_for_completion,
    further_steps=(RESULT,),
    check=_check,
    emit=_emit,
)
