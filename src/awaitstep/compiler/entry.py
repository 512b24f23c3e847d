"""Entry code: what stands inside the worker's `fetch` handler.

Owns the defaults and the checks of a custom one.
"""

from __future__ import annotations

from awaitstep.ir import Diagnostic, Report
from awaitstep.ir.graph import Kind
from awaitstep.ir.references import check_code, unknown_names
from awaitstep.ir.source import analyse

PATH = "entryCode"
VISIBLE = ("env", "ctx")

DEFAULT_ENTRY = """\
from urllib.parse import parse_qs, urlsplit

if request.method == "POST":
    try:
        params = await request.json()
    except (ValueError, RecursionError):
        params = None  # the body is not JSON
    instance = await env.WORKFLOW.create(params=params)
    return Response.json({"instanceId": instance.id})

query = parse_qs(urlsplit(request.url).query)
if "instanceId" in query:
    instance = await env.WORKFLOW.get(query["instanceId"][0])
    return Response.json(await instance.status())

return Response(None, status=200)
"""
FUNCTION_ENTRY = """\
from urllib.parse import parse_qsl, urlsplit

try:
    payload = await request.json()
except (ValueError, RecursionError):
    payload = dict(parse_qsl(urlsplit(request.url).query))  # the body is not JSON

event = {
    "payload": payload,
    "method": str(request.method),
    "url": request.url,
    "headers": {name.lower(): value for name, value in request.headers.items()},
}
answer = await self.run(event)
return answer if isinstance(answer, Response) else Response.json(answer)
"""


def default_entry(kind: Kind) -> str:
    """The entry code of a workflow, or of a function, that has none of its own."""
    return FUNCTION_ENTRY if kind == "script" else DEFAULT_ENTRY


def check_entry(code: str) -> list[Diagnostic]:
    """Every problem of entry code, with its line and column. Never raises."""
    report = Report()
    source = analyse(code, report, PATH)
    if source is not None:
        unknown_names(source, PATH, {"request", "self", *VISIBLE}, (), report)
        check_code(source, PATH, report)
    return report.problems
