"""`sub_script`: ask a function of the same project, as a request that leaves no machine."""

from __future__ import annotations

import ast
from typing import Annotated

from awaitstep.ir import Node, NodeType, Report, Writer
from awaitstep.ir.fields import FunctionId, Output, about
from awaitstep.ir.syntax import assign, attribute, awaited, call, mapping, name, returns
from awaitstep.nodes.http_request import (
    FAIL_FROM,
    HTTP_RESULT,
    Body,
    BodyType,
    FailOn,
    Method,
    RequestHeaders,
    body_of,
    check_body,
    check_headers,
    headers_of,
)
from awaitstep.nodes.retries import Retries, step_decorator

# A function has no address of its own for those who call it so.
_URL = "https://function/"


class SubScript(Retries):
    """A request to a function; its fields mean what they mean in `http_request`."""

    workflow_id: Annotated[
        FunctionId, about("Function", "Which function of this project is asked.")
    ]
    method: Method = "POST"
    headers: RequestHeaders = {}
    body: Body = None
    body_type: BodyType = None
    fail_on: FailOn = FAIL_FROM
    output: Output = False


def _check(data: SubScript, report: Report) -> None:
    check_headers(data.headers, report)
    check_body(data, report)


def _emit(node: Node, write: Writer) -> list[ast.stmt]:
    data = node.data
    assert isinstance(data, SubScript)
    body, content_type = body_of(data, write)
    headers = headers_of(data.headers, content_type, write)
    request = call(
        attribute(write.binding("script", data.workflow_id), "fetch"),
        write.constant(_URL),
        method=None if data.method == "GET" else write.constant(data.method),
        headers=mapping(headers) if headers else None,
        body=body,
    )
    response = write.local("response")
    result = call(
        write.helper(HTTP_RESULT),
        name(response),
        fail_from=None if data.fail_on == FAIL_FROM else write.constant(data.fail_on),
    )
    statements = [assign(response, awaited(request)), returns(awaited(result))]
    return write.function(statements, step=step_decorator(data, write))


NODE_TYPE = NodeType(
    type="sub_script",
    title="Call a function",
    summary="Asks a function of this project and keeps its answer.",
    data=SubScript,
    family="call",
    icon="square-function",
    shows=("method", "workflowId"),
    has_value=True,
    keys=frozenset({"status", "headers", "body", "json"}),
    rare_keys=frozenset({"truncated"}),
    is_step=lambda _: True,
    check=_check,
    emit=_emit,
)
