"""A connection that takes a token is added with one that was verified, for an account it opens."""

from __future__ import annotations

import json

from playwright.sync_api import Route, expect

TOKEN = "cf-t0ken-of-nobody"
ACCOUNTS = [
    {"id": "a" * 32, "name": "Acme", "missing": []},
    {"id": "b" * 32, "name": "Bolt", "missing": ["Workers Scripts: Edit"]},
]


def test_the_token_is_verified_and_an_account_chosen(visitor, accessible):
    page = visitor.open("/connections")
    visitor.expected.append("503")
    sent = []

    def verified(route: Route) -> None:
        asked = json.loads(route.request.post_data or "")
        assert asked == {"type": "cloudflare", "token": TOKEN}
        route.fulfill(json={"valid": True, "accounts": ACCOUNTS})

    def created(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        sent.append(json.loads(route.request.post_data or ""))
        route.fulfill(status=503, json={"error": "Cloudflare can't be reached.", "code": "away"})

    page.route("**/api/connections/verify-token", verified)
    page.route("**/api/connections", created)
    page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog", name="Add a connection")
    dialog.get_by_label("Name").fill("Edge")
    dialog.get_by_label("What it is").click()
    page.get_by_role("option", name="Cloudflare").click()
    expect(dialog.get_by_text("It needs Workers Scripts: Edit")).to_be_visible()
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_label("Token").fill(TOKEN)
    dialog.get_by_role("button", name="Verify").click()
    dialog.get_by_label("Account").click()
    page.get_by_role("option", name="Bolt").click()
    expect(dialog.get_by_text("The token lacks Workers Scripts: Edit.")).to_be_visible()
    dialog.get_by_label("Account").click()
    page.get_by_role("option", name="Acme").click()
    dialog.get_by_label("Plan").click()
    page.get_by_role("option", name="paid").click()
    accessible(page)
    # it can't be reached any more: that is told, and the form stays as it is
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(dialog.get_by_label("Name")).to_have_value("Edge")
    assert sent == [
        {
            "type": "cloudflare",
            "name": "Edge",
            "isDefault": False,
            "token": TOKEN,
            "accountId": "a" * 32,
            "plan": "paid",
        }
    ]
