"""Secrets go in and never come out; a key is shown once, works, and opens nothing once deleted."""

from __future__ import annotations

import re

from playwright.sync_api import expect

SECRET = "s3cr3t-that-nobody-reads"


def test_the_value_of_a_secret_is_never_shown_again(visitor, live_server, accessible):
    page = visitor.open("/environment")
    page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog", name="New variable")
    dialog.get_by_label("Name").fill("9_NO_NAME")
    expect(dialog.get_by_text("no digit first")).to_be_visible()
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_label("Name").fill("SHOP_TOKEN")
    dialog.get_by_role("switch", name="Secret").click()
    dialog.get_by_label("Value").fill(SECRET)
    accessible(page)
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="SHOP_TOKEN")
    expect(row).to_contain_text("Secret")

    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.reload()
    expect(row).to_be_visible()
    row.get_by_role("button", name="Edit SHOP_TOKEN").click()
    dialog = page.get_by_role("dialog", name="Edit SHOP_TOKEN")
    expect(dialog.get_by_label("Value")).to_have_value("")
    assert SECRET not in page.content()
    told = [answer.text() for answer in answers if "/api/env-vars" in answer.url]
    assert told
    assert not any(SECRET in text for text in told)

    # a new name keeps the value that nobody sees
    dialog.get_by_label("Name").fill("STORE_TOKEN")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="STORE_TOKEN")).to_contain_text("Secret")
    found = live_server.api("GET", "/env-vars").json["data"]
    assert [(one["isSecret"], one["value"]) for one in found if one["name"] == "STORE_TOKEN"] == [
        (True, None)
    ]


def test_a_deleted_variable_that_is_plain_can_be_had_back(visitor, live_server):
    live_server.api("POST", "/env-vars", {"name": "PLACE", "value": "Pisa", "isSecret": False})
    page = visitor.open("/environment")
    row = page.get_by_role("row").filter(has_text="PLACE")
    row.get_by_role("button", name="Delete PLACE").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_contain_text("Pisa")


def test_a_key_is_shown_once_works_and_opens_nothing_once_deleted(visitor, live_server, accessible):
    page = visitor.open("/keys")
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New API key")
    dialog.get_by_label("Name").fill("Reads for a report")
    dialog.get_by_role("checkbox", name="deploy").click()
    accessible(page)
    dialog.get_by_role("button", name="Make the key").click()
    made = page.get_by_role("dialog", name="Reads for a report is made")
    key = re.search(r"ask_[\w-]+", made.locator("pre").first.inner_text()).group()
    accessible(page)
    made.get_by_role("button", name="I have kept it").click()

    assert live_server.api("GET", "/workflows", key=key).status == 200
    assert live_server.api("POST", "/workflows", {"name": "No"}, key=key).status == 403
    page.reload()
    row = page.get_by_role("row").filter(has_text="Reads for a report")
    expect(row).to_be_visible()
    assert key not in page.content()

    row.get_by_role("button", name="Delete Reads for a report").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    assert live_server.api("GET", "/workflows", key=key).status == 401
