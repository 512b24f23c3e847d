import asyncio
import json
import sys
from typing import Any

from workers import Response, WorkerEntrypoint, WorkflowEntrypoint, fetch
from workers.workflows import NonRetryableError


class LeaveLoop(BaseException):
    """Leaves the innermost loop. No error: nothing catches it on its way."""


async def collect(arms):
    """The outcomes of all arms by label: a value or an error each."""

    async def settled(arm):
        try:
            return {"value": await arm()}
        except Exception as error:
            return {"error": failure(error)}

    return await parallel({label: lambda arm=arm: settled(arm) for label, arm in arms.items()})


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


def text(value):
    """A value inside a text: None is empty, text stays, all else is JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class NightShift(WorkflowEntrypoint):
    async def run(self, event, step):

        @step.do("Today's orders")
        def _orders():
            # newest first
            return event["payload"]["orders"]

        orders = await _orders()

        async def _each_order_body(order, i):
            if order["stock"] == 0:
                raise LeaveLoop

            async def _ship_try():

                @step.do(f"Print a label [{i}]")
                async def _label():
                    response = await fetch(
                        f"https://labels.example/{text(lookup(order, 'id', node='order'))}",
                        method="POST",
                    )
                    return await http_result(response)

                label = await _label()
                return label

            async def _ship_catch(error):

                @step.do(f"Ask somebody [{i}]")
                def _by_hand():
                    print(error["message"])
                    return {"order": order["id"], "by": "hand"}

                by_hand = await _by_hand()
                return by_hand

            async def _ship_finally(error):

                @step.do(f"Put away [{i}]")
                def _tidy():
                    return order["id"]

                tidy = await _tidy()
                return (tidy, tidy)

            tidy = None
            ship = outcome()
            left = None
            try:
                try:
                    ship["value"] = await _ship_try()
                except Exception as caught:
                    ship["error"] = failure(caught)
                    ship["value"] = await _ship_catch(ship["error"])
            except Exception as caught:
                left = caught
            _, tidy = await _ship_finally(ship["error"])
            if left is not None:
                raise left
            return (ship, tidy)

        tidy = None
        each_order = await each(_each_order_body, orders, 4, 10000)
        for place in range(each_order["count"]):
            each_order["results"][place], tidy = each_order["results"][place]

        async def _tell_mail():

            @step.do("Mail")
            def _mail():
                return f"{each_order['count']} orders"

            mail = await _mail()
            return (mail, mail)

        async def _tell_post():

            @step.do("Post")
            def _post():
                return len(orders)

            post = await _post()
            return post

        mail = None
        tell = await collect({"mail": _tell_mail, "post": _tell_post})
        if "value" in tell["mail"]:
            tell["mail"]["value"], mail = tell["mail"]["value"]

        async def _answer_reply():
            reply = await step.wait_for_event("Reply", "reply", timeout="1 day")
            return reply

        async def _answer_morning():
            await step.sleep("Until morning", "8 hours")

        answer = await race(
            step, "Answer or morning · winner", {"reply": _answer_reply, "morning": _answer_morning}
        )

        @step.do("Sum up")
        def _sum_up():
            return {"mail": mail, "winner": answer["winner"], "last": tidy}

        sum_up = await _sum_up()
        return sum_up


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
