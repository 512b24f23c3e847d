"""Addresses of one's own that lead to a worker: a host with a path is a route of its zone, a host alone
a custom domain, for which Cloudflare keeps the DNS record and the certificate, too.

What a deploy made is kept as `{zone, id, pattern}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from awaitstep.providers.cloudflare.client import Refused
from awaitstep.providers.cloudflare.places import Place

Address = dict[str, str]


def is_domain(pattern: str) -> bool:
    return "/" not in pattern


async def zone_of(place: Place, pattern: str) -> str:
    """The id of the account's zone that the host is in. Raises Refused."""
    host = pattern.partition("/")[0]
    labels = host.split(".")
    for at in range(len(labels) - 1):
        async for zone in place.client.pages("/zones", name=".".join(labels[at:])):
            if zone.get("account", {}).get("id") == place.account:
                return str(zone["id"])
    raise Refused(404, 0, f"the account has no zone for {host}, or the token does not open it")


async def find(place: Place, zone: str, pattern: str, *workers: str | None) -> Address | None:
    """The address where it is there already: of a deploy whose end nobody was told of.

    Raises Refused when it leads to a worker that is none of `workers`.
    """
    if is_domain(pattern):
        path, held_by, key = f"{place.base}/workers/domains", "service", "hostname"
        known = await place.client.get(path, hostname=pattern)
    else:
        path, held_by, key = f"/zones/{zone}/workers/routes", "script", "pattern"
        known = await place.client.get(path)
    for one in known or ():
        if one.get(key) == pattern:
            if (one.get(held_by) or None) not in workers:
                raise Refused(409, 0, f"{pattern} leads to another worker")
            return _kept(zone, pattern, one)
    return None


async def mine(place: Place, address: Mapping[str, str], worker_name: str) -> Address | None:
    """What a deploy made, as it is now; None when it is gone or leads to another worker."""
    try:
        # one that led to a worker which is gone leads nowhere, and is still ours
        return await find(place, address["zone"], address["pattern"], worker_name, None)
    except Refused as error:
        if error.status != 409:
            raise
        return None


async def make(place: Place, zone: str, pattern: str, worker_name: str) -> Address:
    client = place.client
    if is_domain(pattern):
        asked = {"hostname": pattern, "service": worker_name, "zone_id": zone}
        made = await client.put(f"{place.base}/workers/domains", asked)
    else:
        asked = {"pattern": pattern, "script": worker_name}
        made = await client.post(f"/zones/{zone}/workers/routes", asked)
    return _kept(zone, pattern, made)


async def remove(place: Place, address: Mapping[str, str]) -> None:
    at = f"/zones/{address['zone']}/workers/routes"
    if is_domain(address["pattern"]):
        at = f"{place.base}/workers/domains"
    await place.client.delete(f"{at}/{address['id']}")


def _kept(zone: str, pattern: str, told: Mapping[str, Any]) -> Address:
    return {"zone": zone, "id": str(told["id"]), "pattern": pattern}
