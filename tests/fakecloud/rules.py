"""What Cloudflare takes in a call, and where it says so.

`docs` are pages of its public API reference, below developers.cloudflare.com/api/resources/. What they
say of a body's fields is what the package `cloudflare` 5.9.0 has in the file named beside it. Answers to
what is refused are not documented in general: the numbers of errors are those that its users report.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request


class Error(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Body:
    """The fields of a JSON body; all others are refused."""

    docs: str
    types: str
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    kinds: tuple[tuple[str, type], ...] = ()

    def check(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise Error(400, 10001, "The body is no object.")
        unknown = {*given} - self.required - self.optional
        missing = self.required - {*given}
        if unknown or missing:
            raise Error(400, 10001, f"Unknown: {sorted(unknown)}; missing: {sorted(missing)}.")
        wrong = [name for name, kind in self.kinds if not isinstance(given.get(name, kind()), kind)]
        if wrong:
            raise Error(400, 10001, f"Of another type than documented: {wrong}.")
        return given

    async def read(self, request: Request) -> dict[str, Any]:
        """The body of a request, which is sent as JSON."""
        kind = request.headers.get("content-type", "")
        if kind.partition(";")[0] != "application/json":
            raise Error(415, 10001, f"A body of type {kind!r} is not JSON.")
        try:
            given = json.loads(await request.body())
        except ValueError:
            raise Error(400, 10001, "The body is not JSON.") from None
        return self.check(given)


SCRIPTS = "workers/subresources/scripts"
INSTANCES = "workflows/subresources/instances"

UPLOAD = Body(
    f"{SCRIPTS}/methods/update",
    "workers/script_update_params.py",
    frozenset({"main_module"}),
    frozenset(
        [
            "annotations",
            "assets",
            "bindings",
            "cache_options",
            "compatibility_date",
            "compatibility_flags",
            "exports",
            "keep_assets",
            "keep_bindings",
            "limits",
            "logpush",
            "migrations",
            "observability",
            "package_dependencies",
            "placement",
            "tags",
            "tail_consumers",
            "usage_model",
        ]
    ),
)
VERSION = Body(
    f"{SCRIPTS}/subresources/versions/methods/create",
    "workers/scripts/version_create_params.py",
    frozenset({"main_module"}),
    frozenset(
        [
            "annotations",
            "bindings",
            "cache_options",
            "compatibility_date",
            "compatibility_flags",
            "exports",
            "keep_bindings",
            "package_dependencies",
            "usage_model",
        ]
    ),
)
DEPLOYMENT = Body(
    f"{SCRIPTS}/subresources/deployments/methods/create",
    "workers/scripts/deployment_create_params.py",
    frozenset({"strategy", "versions"}),
    frozenset({"annotations"}),
    (("strategy", str), ("versions", list)),
)
SUBDOMAIN = Body(
    f"{SCRIPTS}/subresources/subdomain/methods/create",
    "workers/scripts/subdomain_create_params.py",
    frozenset({"enabled"}),
    frozenset({"previews_enabled"}),
    (("enabled", bool), ("previews_enabled", bool)),
)
ROUTE = Body(
    "workers/subresources/routes/methods/create",
    "workers/route_create_params.py",
    frozenset({"pattern"}),
    frozenset({"script"}),
    (("pattern", str), ("script", str)),
)
DOMAIN = Body(
    "workers/subresources/domains/methods/update",
    "workers/domain_update_params.py",
    frozenset({"hostname", "service"}),
    frozenset({"zone_id", "zone_name"}),
    (("hostname", str), ("service", str), ("zone_id", str), ("zone_name", str)),
)
WORKFLOW = Body(
    "workflows/methods/update",
    "workflows/workflow_update_params.py",
    frozenset({"class_name", "script_name"}),
    frozenset({"concurrency", "default_retention", "limits", "schedules"}),
    (("class_name", str), ("script_name", str), ("schedules", list)),
)
INSTANCE = Body(
    f"{INSTANCES}/methods/create",
    "workflows/instance_create_params.py",
    frozenset(),
    frozenset({"instance_id", "instance_retention", "location_hint", "params"}),
)
STATUS = Body(
    f"{INSTANCES}/subresources/status/methods/edit",
    "workflows/instances/status_edit_params.py",
    frozenset({"status"}),
    frozenset({"from", "rollback"}),
    (("status", str), ("rollback", bool)),
)
# The same page: one word for each of these.
VERBS = frozenset({"pause", "resume", "terminate", "restart"})

# workers/scripts/methods/update, `files`: what a module may be sent as. Wrangler sends JavaScript
# modules as the first of these, and all that Python reads but its own sources as the last but one.
MODULES = frozenset(
    [
        "application/javascript+module",
        "text/javascript+module",
        "application/javascript",
        "text/javascript",
        "text/x-python",
        "text/x-python-requirement",
        "application/wasm",
        "text/plain",
        "application/octet-stream",
        "application/source-map",
    ]
)
# workers/configuration/multipart-upload-metadata: these kinds of bindings are all that we send.
BINDINGS = frozenset({"plain_text", "secret_text", "workflow", "service"})

# workflows/methods/update: `workflow_name` has 1 to 64 characters; the limits page of Workflows has
# their pattern.
_WORKFLOW = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
# workers/configuration/routing/workers-dev: a worker's name is a label of a DNS name there.
_SCRIPT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# workflows/subresources/instances/methods/list: what a list can be asked by.
LIST = frozenset({"cursor", "date_end", "date_start", "direction", "page", "per_page", "status"})


def script_name(name: str) -> str:
    if not _SCRIPT.fullmatch(name):
        raise Error(400, 10016, f"{name!r} is no name of a worker.")
    return name


def workflow_name(name: str) -> str:
    if not _WORKFLOW.fullmatch(name):
        raise Error(400, 10201, f"{name!r} is no name of a workflow.")
    return name


def listed(asked: dict[str, str]) -> dict[str, str]:
    """The query of a list of instances: a page by number or by cursor, of 100 at most (same page)."""
    size = asked.get("per_page", "25")
    if {*asked} - LIST or not size.isdecimal() or not 1 <= int(size) <= 100:
        raise Error(400, 10001, "workflows.api.error.invalid_query")
    if "page" in asked and "cursor" in asked:
        raise Error(400, 10001, "workflows.api.error.invalid_query")
    return asked
