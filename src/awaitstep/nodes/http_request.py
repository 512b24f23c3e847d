"""`http_request`: one request, its answer kept as the node's value."""

from __future__ import annotations

import ast
import re
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field

from awaitstep.ir import Helper, Node, NodeType, Report, Writer
from awaitstep.ir.diagnostics import shown
from awaitstep.ir.expressions import ExpressionError, parse_template
from awaitstep.ir.fields import JsonTemplate, Output, Role, Template, about
from awaitstep.ir.graph import Strict
from awaitstep.ir.syntax import assign, attribute, awaited, call, mapping, name, returns
from awaitstep.nodes.retries import Retries, step_decorator

# The lowest status that is a failure, unless a node says another.
FAIL_FROM = 400
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

HTTP_RESULT = Helper(
    "http_result",
    '''\
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
''',
    (("json", None), ("workers.workflows", "NonRetryableError")),
)
WITH_QUERY = Helper(
    "with_query",
    '''\
def with_query(url, params):
    """Add percent-encoded parameters to a URL."""
    url, hash_sign, fragment = url.partition("#")
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}{hash_sign}{fragment}"
''',
    (("urllib.parse", "urlencode"),),
)
# A function of its own: inside `run` a node's id may hide an import.
FORM = Helper(
    "form",
    '''\
def form(fields):
    """The body of a form."""
    return urlencode(fields)
''',
    (("urllib.parse", "urlencode"),),
)
BASIC_AUTH = Helper(
    "basic_auth",
    '''\
def basic_auth(username, password):
    """The value of an Authorization header."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()
''',
    (("base64", "b64encode"),),
)


class BearerAuth(Strict):
    type: Annotated[Literal["bearer"], about("Type")]
    token: Annotated[Template, about("Token", placeholder="{{env.API_TOKEN}}")]


class BasicAuth(Strict):
    type: Annotated[Literal["basic"], about("Type")]
    username: Annotated[Template, about("User name")]
    password: Annotated[Template, about("Password", placeholder="{{env.PASSWORD}}")]


# Fields of every node that makes a request.
Method = Annotated[
    Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], about("Method")
]
RequestHeaders = Annotated[
    dict[str, str], Role("template"), about("Headers", "Sent with the request.")
]
Body = Annotated[
    JsonTemplate, about("Body", "JSON, or text; expressions may stand anywhere in it.")
]
BodyType = Annotated[
    Literal["json", "text", "form"] | None,
    about("Body type", "How the body is sent; without it an object or a list is JSON."),
]
FailOn = Annotated[
    Annotated[int, Field(ge=100, le=600)] | None,
    about("Fails from status", "The lowest status that fails the step; empty for none."),
]


class HttpRequest(Retries):
    """`body_type` None: an object or list is JSON, text is text. `fail_on`: the lowest status that fails."""

    url: Annotated[
        str,
        Field(min_length=1),
        Role("template"),
        about("URL", "Where the request goes.", placeholder="https://api.example.com/orders"),
    ]
    method: Method = "GET"
    headers: RequestHeaders = {}
    query_params: Annotated[
        dict[str, str],
        Role("template"),
        about("Query parameters", "Added to the URL, percent-encoded."),
    ] = {}
    body: Body = None
    body_type: BodyType = None
    auth: Annotated[
        Annotated[BearerAuth | BasicAuth, Field(discriminator="type")] | None,
        about("Authorization", "Sets the header of this name."),
    ] = None
    fail_on: FailOn = FAIL_FROM
    output: Output = False


def _check(data: HttpRequest, report: Report) -> None:
    if not data.url.startswith("{{") and not _is_url(data.url):
        report.add(
            "http.url",
            f"`{shown(data.url)}` is not a URL.",
            "data.url",
            hint="It begins with https:// or http:// and names a host.",
        )
    check_headers(data.headers, report)
    if data.auth is not None and "authorization" in {header.lower() for header in data.headers}:
        report.add("http.header", "`auth` sets this header already.", "data.headers")
    check_body(data, report)


class Message(Protocol):
    """What a request with a body has, to whomever it goes."""

    @property
    def method(self) -> str: ...
    @property
    def body(self) -> Any: ...
    @property
    def body_type(self) -> str | None: ...


def check_headers(headers: dict[str, str], report: Report) -> None:
    seen: set[str] = set()
    for header, value in headers.items():
        path = f"data.headers.{shown(header)}"
        if not _HEADER_NAME.fullmatch(header):
            report.add("http.header", f"`{shown(header)}` cannot be a header's name.", path)
        elif header.lower() in seen:
            report.add("http.header", f"The header `{shown(header)}` is given twice.", path)
        if _CONTROL.search(value):
            report.add("http.header", "A header's value is one line.", path)
        seen.add(header.lower())


def check_body(data: Message, report: Report) -> None:
    if data.body is not None and data.method in ("GET", "HEAD"):
        report.add("http.body", f"A {data.method} request has no body.", "data.body")
    if data.body_type == "form" and not _is_form(data.body):
        report.add("http.body", "The body of a form is an object of texts.", "data.body")
    if data.body_type == "text" and not isinstance(data.body, str):
        report.add("http.body", "The body of a text request is text.", "data.body")


def _is_url(text: str) -> bool:
    """Whether the part that is written down can be a URL; expressions may stand anywhere in it."""
    try:
        parts = parse_template(text).parts
        literal = "".join(part if isinstance(part, str) else "x" for part in parts)
        return bool(_URL.fullmatch(literal)) and bool(urlsplit(literal).hostname)
    except ExpressionError:
        return True  # said already, as expression.syntax
    except ValueError:
        return False


def _is_form(body: Any) -> bool:
    return isinstance(body, dict) and all(isinstance(value, str) for value in body.values())


def _emit(node: Node, write: Writer) -> list[ast.stmt]:
    data = node.data
    assert isinstance(data, HttpRequest)
    url = write.text(data.url)
    if data.query_params:
        url = call(write.helper(WITH_QUERY), url, _texts(data.query_params, write))
    body, content_type = body_of(data, write)
    headers = headers_of(data.headers, content_type, write)
    if data.auth is not None:
        headers["authorization"] = _authorization(data.auth, write)
    request = call(
        write.imported("workers", "fetch"),
        url,
        method=None if data.method == "GET" else write.constant(data.method),
        headers=mapping(headers) if headers else None,
        body=body,
    )
    response = write.local("response")
    result = call(
        write.helper(HTTP_RESULT),
        name(response),
        fail_from=None if data.fail_on == FAIL_FROM else write.constant(data.fail_on),
    )
    body_statements = [assign(response, awaited(request)), returns(awaited(result))]
    return write.function(body_statements, step=step_decorator(data, write))


def _texts(fields: dict[str, str], write: Writer) -> ast.expr:
    return mapping({key: write.text(value) for key, value in fields.items()})


def headers_of(
    given: dict[str, str], content_type: str | None, write: Writer
) -> dict[str, ast.expr]:
    """The headers of a request, with the type of its body unless one of them says another."""
    headers = {header: write.text(value) for header, value in given.items()}
    if content_type and "content-type" not in {header.lower() for header in headers}:
        headers["content-type"] = write.constant(content_type)
    return headers


def body_of(data: Message, write: Writer) -> tuple[ast.expr | None, str | None]:
    """The request's body, and the content type it has unless a header says another."""
    if data.body is None:
        return None, None
    if data.body_type == "form":
        encoded = call(write.helper(FORM), _texts(data.body, write))
        return encoded, "application/x-www-form-urlencoded"
    is_text = isinstance(data.body, str) and parse_template(data.body).exact is None
    if data.body_type == "text" or (data.body_type is None and is_text):
        return write.text(data.body), None
    dumps = attribute(write.imported("json"), "dumps")
    return call(dumps, write.value(data.body)), "application/json"


def _authorization(auth: BearerAuth | BasicAuth, write: Writer) -> ast.expr:
    if isinstance(auth, BearerAuth):
        return write.text(f"Bearer {auth.token}")
    return call(write.helper(BASIC_AUTH), write.text(auth.username), write.text(auth.password))


NODE_TYPE = NodeType(
    type="http_request",
    title="HTTP request",
    summary="Calls a URL, keeps the answer and tries again when the server fails.",
    data=HttpRequest,
    family="http",
    icon="globe",
    shows=("method", "url"),
    has_value=True,
    keys=frozenset({"status", "headers", "body", "json"}),
    rare_keys=frozenset({"truncated"}),
    is_step=lambda _: True,
    check=_check,
    emit=_emit,
)
