import json
from urllib.parse import quote

from workers import fetch


async def github_issue(
    token,
    repository,
    title,
    body="",
    labels=[],
    assignees=[],
    api_url="https://api.github.com",
):
    """Open an issue on GitHub."""
    response = await fetch(
        f"{api_url}/repos/{quote(repository)}/issues",
        method="POST",
        headers={
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "user-agent": "AwaitStep",
            "x-github-api-version": "2022-11-28",
        },
        body=json.dumps({"title": title, "body": body, "labels": labels, "assignees": assignees}),
        redirect="manual",
    )
    issue = json.loads(await content_of(response, "GitHub", [token]))
    return {"number": issue["number"], "id": issue["id"], "url": issue["html_url"]}
