import json
import re
from typing import Any

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


def json_transform(input, mapping):
    """The mapping, its paths replaced by what they lead to in the input; what is missing is None."""

    def follow(value, way):
        for number, key in enumerate(way):
            if key == "[*]":
                inner = value if isinstance(value, list) else []
                return [follow(element, way[number + 1 :]) for element in inner]
            if isinstance(value, dict) and isinstance(key, str):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def read(path, value):
        way, rest = [], path[1:]
        while rest:
            part = re.match(r"""\.([^\W\d][\w-]*)|\[(\d+)\]|(\[\*\])|\["([^"]*)"\]""", rest)
            if part is None:
                raise NonRetryableError(f"{path} is not a path such as $.items[0].name")
            word, index, every, quoted = part.groups()
            way.append(int(index) if index else word or every or quoted or "")
            rest = rest[part.end() :]
        return follow(value, way)

    def made(shape, value):
        if isinstance(shape, str):
            if shape.startswith("$$"):
                return shape[1:]
            return read(shape, value) if shape.startswith("$") else shape
        if isinstance(shape, list):
            return [made(element, value) for element in shape]
        if isinstance(shape, dict) and "$each" in shape:
            elements = made(shape["$each"], value)
            inner = elements if isinstance(elements, list) else []
            return [made(shape.get("$to", "$"), element) for element in inner]
        if isinstance(shape, dict):
            return {key: made(inner, value) for key, inner in shape.items()}
        return shape

    return made(mapping, input)


def lookup(value: Any, *path: str | int, node: str) -> Any:
    """Follow a path into a node's value; what is missing is an error that names both."""
    for depth, key in enumerate(path, 1):
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[:depth])
            raise NonRetryableError(f"{node}{''.join(parts)} is missing") from None
    return value


async def slack_message(webhook_url, text, blocks=None):
    """Post to an incoming webhook of Slack."""
    message = {"text": text} if blocks is None else {"text": text, "blocks": blocks}
    response = await fetch(
        webhook_url,
        method="POST",
        headers={"content-type": "application/json"},
        body=json.dumps(message),
        redirect="manual",
    )
    await content_of(response, "Slack", [webhook_url, webhook_url.rpartition("/")[2]])
    return {"ok": True}


def text_2(value):
    """A value inside a text: None is empty, text stays, all else is JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class TeamNews(WorkflowEntrypoint):
    async def run(self, event, step):
        env = self.env

        shape = json_transform(
            input=event["payload"], mapping={"who": "$.customer.name", "skus": "$.lines[*].sku"}
        )

        @step.do("Tell sales")
        async def _text():
            return await slack_message(
                webhook_url=env.SALES_WEBHOOK,
                text=f"{text_2(lookup(shape, 'who', node='shape'))} bought {text_2(lookup(shape, 'skus', node='shape'))}",
            )

        text = await _text()

        @step.do("Tell support")
        async def _response():
            return await slack_message(
                webhook_url=env.SUPPORT_WEBHOOK, text=f"New order: {text_2(text['ok'])}"
            )

        response = await _response()
        return response


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
