import hashlib
import json
import re
from typing import Any
from urllib.parse import urlencode

from workers import Response, WorkerEntrypoint, WorkflowEntrypoint, fetch
from workers.workflows import NonRetryableError


async def content_of(response, service, secrets=(), again=()):
    """The bytes that a service answered. A refusal is raised in its own words, without secrets."""
    content = await response.bytes()
    if 200 <= response.status < 300:
        return content
    words = content.decode("utf-8", "replace")
    xml = re.search("<Message>([^<]*)</Message>", words)
    if xml is not None:
        words = xml[1]
    try:
        answer = json.loads(words)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        said = answer.get("error", answer)
        if isinstance(said, dict):
            said = said.get("message") or said.get("description")
        words = said if isinstance(said, str) else words
    for secret in filter(None, secrets):
        words = words.replace(secret, "***")
    message = f"{service} answered {response.status}: {words[:300]}"
    # What is only busy or broken for now is asked again.
    if response.status in (408, 425, 429, *again) or response.status >= 500:
        raise RuntimeError(message)
    raise NonRetryableError(message)


def lookup(value: Any, *path: str | int, node: str) -> Any:
    """Follow a path into a node's value; what is missing is an error that names both."""
    for depth, key in enumerate(path, 1):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[:depth])
            raise NonRetryableError(f"{node}{''.join(parts)} is missing") from None
    return value


def of_type(value, wanted, field):
    """The value of an expression, if it has the type that the field asks for."""
    kinds = {"integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
    if isinstance(value, kinds[wanted]) and (wanted == "boolean" or not isinstance(value, bool)):
        return value
    raise NonRetryableError(f"{field} is of type {wanted}, not {type(value).__name__}")


def step_key(event, ctx):
    """The same in every attempt and replay of a step of a run, and in no other step."""
    step = ctx["step"]
    parts = [event["workflowName"], event["instanceId"], step["name"], step["count"]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


async def stripe_charge(
    secret_key,
    amount,
    currency,
    payment_method,
    idempotency_key,
    customer=None,
    description=None,
    metadata={},
    api_url="https://api.stripe.com",
):
    """Charge a payment method on Stripe. Its Idempotency-Key makes sure that it happens once."""
    fields = {
        "amount": amount,
        "currency": currency,
        "payment_method": payment_method,
        "customer": customer,
        "description": description,
        "confirm": "true",
        # Nobody is there to be sent to a bank's page.
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        **{f"metadata[{name}]": value for name, value in metadata.items()},
    }
    response = await fetch(
        f"{api_url}/v1/payment_intents",
        method="POST",
        headers={
            "authorization": f"Bearer {secret_key}",
            "content-type": "application/x-www-form-urlencoded",
            "idempotency-key": idempotency_key,
        },
        body=urlencode({name: value for name, value in fields.items() if value is not None}),
        redirect="manual",
    )
    # 409: an earlier attempt with this key is still on its way.
    intent = json.loads(await content_of(response, "Stripe", [secret_key], again=[409]))
    return {
        "id": intent["id"],
        "status": intent["status"],
        "amount": intent["amount"],
        "currency": intent["currency"],
    }


def text(value):
    """A value inside a text: None is empty, text stays, all else is JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class CardDesk(WorkflowEntrypoint):
    async def run(self, event, step):
        env = self.env

        @step.do("Charge card", config={"retries": {"limit": 3}})
        async def _charge(ctx):
            return await stripe_charge(
                secret_key=env.STRIPE_SECRET_KEY,
                amount=of_type(
                    lookup(event, "payload", "cents", node="event"), "integer", "charge.amount"
                ),
                currency="eur",
                payment_method=text(lookup(event, "payload", "card", node="event")),
                idempotency_key=step_key(event, ctx),
            )

        charge = await _charge()
        return charge


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
