"""What templates may call without defining it, and what the emitted calls need.

Each is emitted once in a module, whoever asks for it.
"""

from __future__ import annotations

from awaitstep.ir import Helper

CONTENT_OF = Helper(
    "content_of",
    '''\
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
''',
    (("json", None), ("re", None), ("workers.workflows", "NonRetryableError")),
)
OFFERED = {CONTENT_OF.name: CONTENT_OF}

STEP_KEY = Helper(
    "step_key",
    '''\
def step_key(event, ctx):
    """The same in every attempt and replay of a step of a run, and in no other step."""
    step = ctx["step"]
    parts = [event["workflowName"], event["instanceId"], step["name"], step["count"]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
''',
    (("hashlib", None), ("json", None)),
)
OF_TYPE = Helper(
    "of_type",
    '''\
def of_type(value, wanted, field):
    """The value of an expression, if it has the type that the field asks for."""
    kinds = {"integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
    if isinstance(value, kinds[wanted]) and (wanted == "boolean" or not isinstance(value, bool)):
        return value
    raise NonRetryableError(f"{field} is of type {wanted}, not {type(value).__name__}")
''',
    (("workers.workflows", "NonRetryableError"),),
)
