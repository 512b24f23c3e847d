"""`awaitstep keys`: API keys, through the REST API."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from awaitstep.cli.options import DEFAULT_DATA, Data, Json, Key, Url, known
from awaitstep.cli.output import show, table

keys = typer.Typer(help="List, make and remove API keys.", rich_markup_mode=None)

SCOPES = ("read", "write", "deploy")
_COLUMNS = (("id", "ID"), ("name", "NAME"), ("scopes", "SCOPES"), ("createdAt", "CREATED"))


@keys.callback(invoke_without_command=True)
def list_by_default(
    context: typer.Context,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    if context.invoked_subcommand is None:
        list_keys(data, url, key, json)


@keys.command("list")
def list_keys(
    data: Data = DEFAULT_DATA, url: Url = None, key: Key = None, json: Json = False
) -> None:
    """List keys; their text is shown only once, when they are made."""
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        found = rest.page("/api-keys")
    show(found, json, lambda rows: table([_row(row) for row in rows], _COLUMNS))


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="read, write or deploy; repeatable.")
    ] = None,
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Make a key and print it; write and deploy include read."""
    from awaitstep.cli.rest import Rest

    scopes = scope or ["read"]
    known("scope", scopes, SCOPES)
    with Rest.find(data, url, key) as rest:
        answer = rest.post("/api-keys", {"name": name, "scopes": scopes})
    show(answer, json, lambda made: str(made["key"]))


@keys.command("delete")
def delete(
    id: Annotated[str, typer.Argument(help="The key's id (key_…).")],
    data: Data = DEFAULT_DATA,
    url: Url = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Remove a key; it stops working at once."""
    from awaitstep.cli.rest import Rest

    with Rest.find(data, url, key) as rest:
        rest.call("DELETE", f"/api-keys/{quote(id, safe='')}")
    show({"id": id}, json, lambda _: f"{id} is removed")


def _row(key: dict[str, Any]) -> dict[str, Any]:
    return {**key, "scopes": " ".join(key.get("scopes") or [])}
