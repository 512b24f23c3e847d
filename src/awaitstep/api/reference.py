"""The page at /api/docs: the OpenAPI document as plain HTML, without scripts or other hosts."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from awaitstep.api.access import REQUIRED_SCOPE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#8881;padding:.75rem;overflow:auto}
details{border-top:1px solid #8884;padding:.5rem 0}summary{cursor:pointer}
b{display:inline-block;min-width:4.5rem}:root{color-scheme:light dark}
"""


async def page(request: Request) -> HTMLResponse:
    schema = request.app.openapi()
    body = [f"<h1>{escape(schema['info']['title'])}</h1>"]
    body.append(f"<p>{escape(schema['info']['description'])}</p>")
    body.append("<p>The whole document: <a href='openapi.json'>openapi.json</a></p>")
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            body.append(_operation(method, path, operation))
    body.append("<h2>Shapes</h2>")
    for name, shape in schema["components"]["schemas"].items():
        body.append(f"<details><summary>{escape(name)}</summary>{_code(shape)}</details>")
    content = (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        f"<title>{escape(schema['info']['title'])}</title><style>{_STYLE}</style>"
        f"<body>{''.join(body)}</body></html>"
    )
    return HTMLResponse(content, headers={"Content-Security-Policy": _POLICY})


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    scope = operation.get(REQUIRED_SCOPE)
    needs = f"Scope <code>{escape(scope)}</code>." if scope else "Needs no key."
    parts = [
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code></summary>",
        f"<p>{escape(operation.get('description', ''))} {needs}</p>",
    ]
    if parameters := operation.get("parameters"):
        parts.append(f"<p>Parameters</p>{_code(parameters)}")
    if body := operation.get("requestBody"):
        parts.append(f"<p>Body</p>{_code(body['content'])}")
    answers = {
        status: answer.get("content", answer["description"])
        for status, answer in operation["responses"].items()
        if int(status) < 400
    }
    errors = ", ".join(status for status in operation["responses"] if int(status) >= 400)
    parts.append(f"<p>Answers</p>{_code(answers)}<p>Errors: {errors}</p></details>")
    return "".join(parts)


def _code(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
