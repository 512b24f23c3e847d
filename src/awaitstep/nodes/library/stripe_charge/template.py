import json
from urllib.parse import urlencode

from workers import fetch


async def stripe_charge(
    secret_key,
    amount,
    currency,
    payment_method,
    idempotency_key,
    customer=None,
    description=None,
    metadata={},
    api_url="https://api.stripe.com",
):
    """Charge a payment method on Stripe. Its Idempotency-Key makes sure that it happens once."""
    fields = {
        "amount": amount,
        "currency": currency,
        "payment_method": payment_method,
        "customer": customer,
        "description": description,
        "confirm": "true",
        # Nobody is there to be sent to a bank's page.
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        **{f"metadata[{name}]": value for name, value in metadata.items()},
    }
    response = await fetch(
        f"{api_url}/v1/payment_intents",
        method="POST",
        headers={
            "authorization": f"Bearer {secret_key}",
            "content-type": "application/x-www-form-urlencoded",
            "idempotency-key": idempotency_key,
        },
        body=urlencode({name: value for name, value in fields.items() if value is not None}),
        redirect="manual",
    )
    # 409: an earlier attempt with this key is still on its way.
    intent = json.loads(await content_of(response, "Stripe", [secret_key], again=[409]))
    return {
        "id": intent["id"],
        "status": intent["status"],
        "amount": intent["amount"],
        "currency": intent["currency"],
    }
