"""What a token opens: its accounts, and which permissions it lacks there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from awaitstep.providers.cloudflare.client import Client, CloudflareError, Refused
from awaitstep.providers.cloudflare.deploy import NOT_ALLOWED, failed
from awaitstep.providers.port import Account, TokenRefused

# What to try, and the permission as Cloudflare's page for making tokens calls it.
_NEEDED: Final = (
    ("/accounts/{account}/workers/scripts", "Workers Scripts: Edit"),
    ("/accounts/{account}/workflows", "Workers Scripts: Edit"),
)


async def accounts(client: Client) -> Sequence[Account]:
    """Each account with what is missing there. Raises TokenRefused, DeployFailed.

    Reading is all that can be tried without changing something: a token that may only read is
    found out by the first deploy.
    """
    try:
        found = [account async for account in client.pages("/accounts")]
        if not found:
            raise TokenRefused(
                "The token opens no account. It needs the permission Workers Scripts: Edit."
            )
        return [
            Account(
                str(one["id"]), str(one.get("name", "")), await _missing(client, str(one["id"]))
            )
            for one in found
        ]
    except Refused as error:
        raise TokenRefused(f"The token is no good. {error}") from None
    except CloudflareError as error:
        raise failed("Verifying the token", error) from None


async def _missing(client: Client, account: str) -> tuple[str, ...]:
    missing: list[str] = []
    for path, permission in _NEEDED:
        try:
            await client.get(path.format(account=account))
        except Refused as error:
            if error.status not in NOT_ALLOWED:
                raise
            if permission not in missing:
                missing.append(permission)
    return tuple(missing)
