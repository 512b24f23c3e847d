"""`awaitstep keys`: API keys, through the REST API; the first one in the data folder itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast
from urllib.parse import quote

import typer

from awaitstep.cli.failures import Failure, WrongUse
from awaitstep.cli.options import DEFAULT_DATA, Data, Json, Key, Url, known
from awaitstep.cli.output import moment, show, table

if TYPE_CHECKING:
    from awaitstep.auth.identity import Scope

keys = typer.Typer(help="List, make and remove API keys.", rich_markup_mode=None)

SCOPES = ("read", "write", "deploy")
_LONGEST_NAME = 256
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
    """Make a key and print it; write and deploy include read.

    Without --url and --key it needs no other key, only the server's data folder: whether or not
    the server runs.
    """
    from awaitstep.cli.rest import Rest

    scopes = scope or ["read"]
    known("scope", scopes, SCOPES)
    rest = Rest.of_folder(data) if url is None and key is None else Rest.find(data, url, key)
    if rest is None:
        answer = _beside(data, name, scopes)
    else:
        with rest:
            answer = rest.post("/api-keys", {"name": name, "scopes": scopes})
    show(answer, json, lambda made: str(made["key"]))


def _beside(data: Path, name: str, scopes: list[str]) -> dict[str, Any]:
    """What the API answers for a new key, made in the server's database."""
    from awaitstep import wiring

    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise WrongUse(f"A key's name is 1 to {_LONGEST_NAME} printable characters.")
    try:
        key, text = wiring.new_key(data, name.strip(), cast("list[Scope]", scopes))
    except wiring.SetupRefused as error:
        raise Failure(str(error), "setup.refused") from None
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "createdAt": moment(key.created_at),
        "key": text,
    }


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
