import json

from workers import fetch


async def slack_message(webhook_url, text, blocks=None):
    """Post to an incoming webhook of Slack."""
    message = {"text": text} if blocks is None else {"text": text, "blocks": blocks}
    response = await fetch(
        webhook_url,
        method="POST",
        headers={"content-type": "application/json"},
        body=json.dumps(message),
        redirect="manual",
    )
    await content_of(response, "Slack", [webhook_url, webhook_url.rpartition("/")[2]])
    return {"ok": True}
