import asyncio
import json

from workers import Response, WorkerEntrypoint, fetch
from workers.workflows import NonRetryableError


class LeaveLoop(BaseException):
    """Leaves the innermost loop. No error: nothing catches it on its way."""


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


def text(value):
    """A value inside a text: None is empty, text stays, all else is JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class Default(WorkerEntrypoint):
    async def run(self, event):
        env = self.env

        def _asked():
            skus = event["payload"].get("skus", [])
            if not skus:
                raise ValueError("no skus")
            return sorted(set(skus))

        asked = _asked()

        async def _each_sku_body(sku, i):

            async def _quick_here():

                async def _here():
                    response = await fetch(f"https://stock.example/{text(sku)}")
                    return await http_result(response)

                here = await _here()
                return here

            async def _quick_there():

                async def _there():
                    response = await fetch(
                        f"https://other.example/{text(sku)}", headers={"x-token": env.TOKEN}
                    )
                    return await http_result(response)

                there = await _there()
                return there

            quick = await race({"here": _quick_here, "there": _quick_there})
            return quick

        each_sku = await each(_each_sku_body, asked, 3, 10000)

        if each_sku["count"] > 0:

            def _price_list():
                return {"prices": each_sku["results"]}

            price_list = _price_list()
            return price_list

        def _nothing():
            return Response("nothing found", status=404)

        nothing = _nothing()
        return nothing

    async def fetch(self, request):
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
