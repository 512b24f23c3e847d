import asyncio
import hashlib
import json
import re
import sys
from typing import Any

from workers import Response, WorkerEntrypoint, WorkflowEntrypoint
from workers.workflows import NonRetryableError


class ChildFailed(Exception):
    """A run of another workflow ended without an output; name and message are those it left."""

    def __init__(self, error, step):
        super().__init__(error["message"])
        self.name, self.step = error["name"], step


class LeaveLoop(BaseException):
    """Leaves the innermost loop. No error: nothing catches it on its way."""


async def child_end(step, name, instance, workflow, timeout):
    """How a run of another workflow has ended, where nobody tells: it is asked, again whenever a
    tenth of the time it has taken so far has passed, and once a day at least."""
    limit = timeout
    if isinstance(timeout, str):
        given = re.fullmatch(r"\s*([\d.]+)\s*([a-z]+?)s?\s*", timeout)
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


def failure(error):
    """An error as data."""
    if not isinstance(error, Exception):
        return None
    kind = getattr(error, "name", None) or type(error).__name__
    return {"name": kind, "message": str(error), "step": getattr(error, "step", None)}


async def http_result(response, fail_from: int | None = 400):
    """What a run keeps of an HTTP response: status, headers, body and, if it is JSON, json."""
    content = await response.bytes()
    kept = content[: 256 * 1024]
    body = kept.decode("utf-8", "replace")
    if fail_from is not None and response.status >= fail_from:
        message = f"HTTP status {response.status}: {body[:200]}"
        # A client error stays one, unless the server asks to come back later.
        if 400 <= response.status < 500 and response.status not in (408, 425, 429):
            raise NonRetryableError(message)
        raise RuntimeError(message)
    try:
        value = json.loads(body) if len(kept) == len(content) else None
        # NaN, 1e400 and lone surrogates cannot be kept.
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        value = None
    secret = ("set-cookie", "authorization")
    headers = {key.lower(): text for key, text in response.headers.items()}
    result = {
        "status": response.status,
        "headers": {key: text for key, text in headers.items() if key not in secret},
        "body": body,
        "json": value,
    }
    if len(kept) < len(content):
        result["truncated"] = True
    return result


def lookup(value: Any, *path: str | int, node: str) -> Any:
    """Follow a path into a node's value; what is missing is an error that names both."""
    for depth, key in enumerate(path, 1):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[:depth])
            raise NonRetryableError(f"{node}{''.join(parts)} is missing") from None
    return value


def outcome() -> dict[str, Any]:
    """What a try comes to: the value of its last arm, and the error that was caught."""
    return {"value": None, "error": None}


async def start_run(workflow, params, event, ctx, own=False):
    """Start a run of another workflow, once however often this is tried; its id.

    A run of its `own` is nobody's child: it goes on whatever becomes of this one.
    """
    at = ctx["step"]
    run = [event["workflowName"], event["instanceId"], event["timestamp"], ctx.get("epoch", 1)]
    parts = [*run, at["name"], at["count"]]
    key = "\n".join(map(str, [*parts, "own"] if own else parts))
    instance = hashlib.sha256(key.encode()).hexdigest()[:32]
    try:
        await workflow.create(id=instance, params=params)
    except Exception as error:
        if "already_exists" not in str(error):
            raise
    return instance


class OrderLine(WorkflowEntrypoint):
    async def run(self, event, step):
        env = self.env

        @step.do("Read the order")
        def _order():
            # amounts are in cents
            return event["payload"]["order"]

        order = await _order()

        @step.do("Ask for prices", config={"retries": {"limit": 2}})
        async def _price():
            response = await env.FUNCTION_PRICE.fetch(
                "https://function/",
                method="POST",
                headers={"content-type": "application/json"},
                body=json.dumps({"skus": lookup(order, "skus", node="order")}),
            )
            return await http_result(response)

        price = await _price()

        async def _lines_body(line, i):

            @step.do(f"Pack [{i}]")
            async def _pack(ctx):
                return await start_run(
                    env.WORKFLOW_PACK, {"line": line, "prices": price["json"]}, event, ctx
                )

            pack = await child_output(
                step, f"Pack · result [{i}]", await _pack(), env.WORKFLOW_PACK, "2 days"
            )
            return pack

        lines = await each(_lines_body, lookup(order, "lines", node="order"), 4, 10000)

        async def _safe_try():

            @step.do("Charge")
            async def _charge(ctx):
                return await start_run(
                    env.WORKFLOW_CHARGE,
                    {"cents": sum(item["cents"] for item in lines["results"])},
                    event,
                    ctx,
                )

            charge = await child_output(
                step, "Charge · result", await _charge(), env.WORKFLOW_CHARGE, "365 days"
            )
            return charge

        async def _safe_catch(error):

            @step.do("Cancel")
            async def _cancel(ctx):
                return await start_run(env.WORKFLOW_CANCEL, {"why": error["message"]}, event, ctx)

            cancel = await child_output(
                step, "Cancel · result", await _cancel(), env.WORKFLOW_CANCEL, "365 days"
            )
            return cancel

        safe = outcome()
        try:
            safe["value"] = await _safe_try()
        except Exception as caught:
            safe["error"] = failure(caught)
            safe["value"] = await _safe_catch(safe["error"])

        @step.do("Audit")
        async def _audit(ctx):
            return {
                "instanceId": await start_run(
                    env.WORKFLOW_AUDIT,
                    {"order": lookup(order, "id", node="order"), "by": env.DESK},
                    event,
                    ctx,
                    own=True,
                )
            }

        audit = await _audit()
        return audit


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        env = self.env

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
