import asyncio
from typing import Any

from workers import Response, WorkerEntrypoint, WorkflowEntrypoint, fetch
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


def lookup(value: Any, *path: str | int, node: str) -> Any:
    """Follow a path into a node's value; what is missing is an error that names both."""
    for depth, key in enumerate(path, 1):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[:depth])
            raise NonRetryableError(f"{node}{''.join(parts)} is missing") from None
    return value


class TripDesk(WorkflowEntrypoint):
    async def run(self, event, step):
        env = self.env

        async def _flight_rollback(output):
            # A flight that was never booked needs no cancelling.
            if output is not None:
                await fetch(f"{env.AIRLINE}/bookings/{output['id']}", method="DELETE")

        @step.do("Book flight", rollback=_flight_rollback)
        async def _flight():
            answer = await fetch(env.AIRLINE + "/bookings", method="POST")
            return await answer.json()

        flight = await _flight()

        async def _nights_body(night, i):

            def _room_rollback(error, ctx):
                print(f"cancel {night} after {error}: {ctx['step']['name']}")

            @step.do(f"Book room [{i}]", config={"retries": {"limit": 2}}, rollback=_room_rollback)
            def _room():
                return {"night": night, "flight": flight["id"]}

            room = await _room()
            return room

        nights = await each(
            _nights_body, lookup(event, "payload", "nights", node="event"), 1, 10000
        )

        @step.do("Pay")
        def _pay():
            raise NonRetryableError("declined")

        pay = await _pay()
        return pay


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
