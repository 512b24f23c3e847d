from typing import Any

from workers import Response, WorkerEntrypoint, WorkflowEntrypoint
from workers.workflows import NonRetryableError


def lookup(value: Any, *path: str | int, node: str) -> Any:
    """Follow a path into a node's value; what is missing is an error that names both."""
    for depth, key in enumerate(path, 1):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[:depth])
            raise NonRetryableError(f"{node}{''.join(parts)} is missing") from None
    return value


class RefundDesk(WorkflowEntrypoint):
    async def run(self, event, step):

        @step.do(
            "Load claim", config={"retries": {"limit": 2, "delay": "1 second", "backoff": "linear"}}
        )
        def _load_claim():
            claim = event["payload"]
            return {"id": claim["id"], "cents": int(claim["cents"])}

        load_claim = await _load_claim()

        ask_boss = None
        reject = None
        pay = None
        go_cool_off = False
        if lookup(load_claim, "cents", node="load_claim") > 10000:
            ask_boss = await step.wait_for_event("Ask the boss", "decision", timeout="2 days")

            if lookup(ask_boss, "payload", "approved", node="ask_boss"):
                go_cool_off = True
            else:

                @step.do("Write refusal")
                def _reject():
                    return {"refunded": 0}

                reject = await _reject()
        else:
            go_cool_off = True

        if go_cool_off:
            await step.sleep("Cool off", "1 second")

            @step.do('Pay "back" {now}')
            def _pay():
                return {"refunded": load_claim["cents"]}

            pay = await _pay()

        @step.do("Receipt")
        def _receipt():
            paid = (pay or reject)["refunded"]
            return {"claim": load_claim["id"], "refunded": paid, "by": "boss" if ask_boss else "rule"}

        receipt = await _receipt()
        return receipt


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
