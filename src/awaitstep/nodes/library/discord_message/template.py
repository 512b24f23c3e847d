import json

from workers import fetch


async def discord_message(webhook_url, content, username=None, embeds=None):
    """Post to a webhook of Discord, and wait until the message is there."""
    message = {"content": content, "username": username, "embeds": embeds}
    response = await fetch(
        f"{webhook_url}{'&' if '?' in webhook_url else '?'}wait=true",
        method="POST",
        headers={"content-type": "application/json"},
        body=json.dumps({key: value for key, value in message.items() if value is not None}),
        redirect="manual",
    )
    posted = json.loads(
        await content_of(response, "Discord", [webhook_url, webhook_url.rpartition("/")[2]])
    )
    return {"id": posted["id"], "channelId": posted["channel_id"]}
