import json

from workers import fetch


async def openai_chat(
    model,
    prompt,
    api_key=None,
    system=None,
    messages=[],
    temperature=None,
    options={},
    api_url="https://api.openai.com/v1",
):
    """Ask a model for the next message of a conversation."""
    said = [] if system is None else [{"role": "system", "content": system}]
    asked = {
        **options,
        "model": model,
        "messages": [*said, *messages, {"role": "user", "content": prompt}],
    }
    if temperature is not None:
        asked["temperature"] = temperature
    headers = {"content-type": "application/json"}
    if api_key:
        headers["authorization"] = f"Bearer {api_key}"
    response = await fetch(
        f"{api_url}/chat/completions",
        method="POST",
        headers=headers,
        body=json.dumps(asked),
        redirect="manual",
    )
    answer = json.loads(await content_of(response, "The model's API", [api_key]))
    choice = answer["choices"][0]
    return {
        "text": choice["message"].get("content"),
        "finishReason": choice.get("finish_reason"),
        "model": answer.get("model", model),
        "usage": answer.get("usage"),
    }
