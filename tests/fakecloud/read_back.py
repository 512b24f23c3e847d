"""What the official `cloudflare` package reads of an account; run by a Python that has it.

`read_back.py ADDRESS ACCOUNT ZONE TOKEN`: prints JSON. An answer that does not have the form that the
package's types say is an error.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cloudflare import Cloudflare


def read(client: Cloudflare, account: str, zone: str) -> dict[str, Any]:
    """Workers by name, workflows by name with their runs, and the addresses of both kinds."""
    of = {"account_id": account}
    scripts = client.workers.scripts
    told: dict[str, Any] = {"workers": {}, "workflows": {}}
    for script in scripts.list(**of):
        name = str(script.id)
        settings = scripts.script_and_version_settings.get(name, **of)
        # the package's own types of these two can't hold what its documentation says of them
        listed = _raw(scripts.deployments.with_raw_response.list(name, **of))
        live = listed["deployments"][0]["versions"][0]["version_id"]
        version = _raw(scripts.versions.with_raw_response.get(live, script_name=name, **of))
        told["workers"][name] = {
            "tags": script.tags,
            "bindings": [binding.to_dict() for binding in settings.bindings or []],
            "date": settings.compatibility_date,
            "flags": settings.compatibility_flags,
            "secrets": [secret.name for secret in scripts.secrets.list(name, **of)],
            "public": scripts.subdomain.get(name, **of).enabled,
            "live": live,
            "versions": [one.id for one in scripts.versions.list(name, **of)],
            "runtime": version["resources"]["script_runtime"],
        }
    for workflow in client.workflows.list(**of):
        found = client.workflows.get(workflow.name, **of)
        runs = client.workflows.instances.list(workflow.name, **of)
        told["workflows"][workflow.name] = {
            "script": found.script_name,
            "class": found.class_name,
            "crons": [schedule.cron for schedule in found.schedules or []],
            "runs": {
                run.id: client.workflows.instances.get(
                    run.id, workflow_name=workflow.name, **of
                ).status
                for run in runs
            },
        }
    told["routes"] = {
        route.pattern: route.script for route in client.workers.routes.list(zone_id=zone)
    }
    told["domains"] = {one.hostname: one.service for one in client.workers.domains.list(**of)}
    told["subdomain"] = client.workers.subdomains.get(**of).subdomain
    return told


def _raw(answer: Any) -> Any:
    return answer.http_response.json()["result"]


def main() -> None:
    address, account, zone, token = sys.argv[1:]
    client = Cloudflare(
        api_token=token, base_url=address, max_retries=0, _strict_response_validation=True
    )
    json.dump(read(client, account, zone), sys.stdout)


if __name__ == "__main__":
    main()
