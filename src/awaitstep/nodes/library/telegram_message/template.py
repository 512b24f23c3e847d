import json

from workers import fetch


async def telegram_message(
    token, chat_id, text, parse_mode=None, silent=False, api_url="https://api.telegram.org"
):
    """Send a message as a bot of Telegram."""
    message = {"chat_id": chat_id, "text": text, "disable_notification": silent}
    if parse_mode is not None:
        message["parse_mode"] = parse_mode
    response = await fetch(
        f"{api_url}/bot{token}/sendMessage",
        method="POST",
        headers={"content-type": "application/json"},
        body=json.dumps(message),
        redirect="manual",
    )
    sent = json.loads(await content_of(response, "Telegram", [token]))["result"]
    return {"messageId": sent["message_id"], "chatId": sent["chat"]["id"]}
