"""Entry code is edited in the dashboard, checked as it is typed, and acts at the Worker URL."""

from __future__ import annotations

import hashlib
import hmac
import json
import re

import pytest
from playwright.sync_api import expect
from tests.browser.editing import editor, open_shop, write


def test_a_check_added_in_the_dashboard_guards_the_worker_url(visitor, accessible):
    shop = open_shop(visitor.server)
    page = visitor.open(shop.path("?panel=entry"))
    saved = page.get_by_role("status", name="Entry code")
    expect(editor(page, "Entry code")).to_contain_text("env.WORKFLOW.create")
    expect(saved).to_have_text("Default")
    page.get_by_role("button", name="Add a check").click()
    page.get_by_role("menuitem", name="Verify an HMAC signature").click()
    expect(editor(page, "Entry code")).to_contain_text("X-Signature")
    expect(page.get_by_text("There is no variable WEBHOOK_SECRET yet")).to_be_visible()
    expect(saved).to_have_text("Saved")
    accessible(page)

    body = json.dumps({"id": 8})
    post = ["-X", "POST", shop.url, "-d", body, "-H", "Content-Type: application/json"]
    assert shop.server.curl(*post).status == 200, "it takes effect with the next deploy only"
    variable = {"name": "WEBHOOK_SECRET", "value": "s3cret", "isSecret": True}
    made = shop.server.api("PATCH", f"/workflows/{shop.id}", {"envVars": [variable]})
    assert made.status == 200, made.text
    shop.deploy()
    refused = shop.server.curl(*post)
    assert (refused.status, refused.json) == (401, {"error": "The signature is wrong."})
    signature = hmac.new(b"s3cret", body.encode(), hashlib.sha256).hexdigest()
    taken = shop.server.curl(*post, "-H", f"X-Signature: {signature}")
    assert taken.status == 200, taken.text
    assert shop.server.ended(shop.id, taken.json["instanceId"])["status"] == "complete"

    page.get_by_role("button", name="Reset to default").click()
    expect(saved).to_have_text("Default")
    shop.server.until(lambda: shop.full()["entryCode"] is None)
    shop.deploy()
    assert shop.server.curl(*post).status == 200


@pytest.mark.parametrize("mine", [True, False])
def test_of_two_who_change_entry_code_nobody_loses_it_unasked(visitor, accessible, mine):
    shop = open_shop(visitor.server)
    visitor.expected += ["409"]
    page = visitor.open(shop.path("?panel=entry"))
    code = editor(page, "Entry code")
    expect(code).to_contain_text("env.WORKFLOW.create")
    theirs = 'return Response("theirs")'
    changed = shop.server.api("PATCH", f"/workflows/{shop.id}", {"entryCode": theirs})
    assert changed.status == 200, changed.text
    write(page, code, 'return Response("mine")')
    saved = page.get_by_role("status", name="Entry code")
    expect(saved).to_have_text("Not saved: changed elsewhere")
    assert shop.full()["entryCode"] == theirs
    accessible(page)
    page.get_by_role("button", name="Keep mine" if mine else "Take theirs").click()
    expect(saved).to_have_text("Saved")
    kept = 'return Response("mine")' if mine else theirs
    expect(code).to_have_text(kept)
    assert shop.full()["entryCode"] == kept
    # and one goes on from there
    write(page, code, 'return Response("after")')
    shop.server.until(lambda: shop.full()["entryCode"] == 'return Response("after")')


def test_every_check_is_good_python_and_they_go_together(visitor):
    shop = open_shop(visitor.server)
    page = visitor.open(shop.path("?panel=entry"))
    saved = page.get_by_role("status", name="Entry code")
    expect(saved).to_have_text("Default")
    page.get_by_role("button", name="Add a check").click()
    titles = page.get_by_role("menuitem").all_inner_texts()
    assert len(titles) == 6, titles
    page.keyboard.press("Escape")
    for title in titles:
        page.get_by_role("button", name="Add a check").click()
        page.get_by_role("menuitem", name=title).click()
    expect(saved).to_have_text("Saved")
    code = shop.full()["entryCode"]
    assert len(re.findall(r"^# ", code, re.MULTILINE)) == 6, code
    ir = shop.full()["version"]["ir"]
    answer = shop.server.api("POST", "/validate", {"ir": ir, "entryCode": code})
    assert answer.json == {"valid": True, "diagnostics": []}


def test_one_key_is_one_run(visitor):
    shop = open_shop(visitor.server)
    page = visitor.open(shop.path("?panel=entry"))
    page.get_by_role("button", name="Add a check").click()
    page.get_by_role("menuitem", name="One run for each Idempotency-Key").click()
    expect(page.get_by_role("status", name="Entry code")).to_have_text("Saved")
    shop.deploy()
    post = ["-X", "POST", shop.url, "-d", '{"id": 9}', "-H"]
    first, again, other = (
        shop.server.curl(*post, f"Idempotency-Key: {key}").json for key in ("a", "a", "b")
    )
    assert first == again
    assert other != first


def test_what_has_errors_is_told_at_its_line_and_not_saved(visitor):
    shop = open_shop(visitor.server)
    page = visitor.open(shop.path("?panel=entry"))
    code = editor(page, "Entry code")
    expect(code).to_contain_text("env.WORKFLOW.create")
    write(page, code, "x = 1\nreturn Response((")
    panel = page.get_by_role("region", name="Editor")
    expect(panel.get_by_text("Line 2:")).to_be_visible()
    expect(page.get_by_role("status", name="Entry code")).to_have_text("Not saved: it has errors")
    assert shop.full()["entryCode"] is None
    # It is still there when somebody looked elsewhere.
    page.get_by_role("tab", name="Code").click()
    page.get_by_role("tab", name="Entry").click()
    expect(code).to_contain_text("return Response((")
    write(page, code, 'return Response("hello")')
    expect(page.get_by_role("status", name="Entry code")).to_have_text("Saved")
    assert shop.full()["entryCode"].strip() == 'return Response("hello")'


def test_a_request_that_failed_is_told_with_its_traceback(visitor, accessible):
    shop = open_shop(visitor.server)
    broken = "body = await request.json()\nreturn Response.json(body['sku'])"
    changed = shop.server.api("PATCH", f"/workflows/{shop.id}", {"entryCode": broken})
    assert changed.status == 200, changed.text
    shop.deploy()
    assert shop.server.curl("-X", "POST", shop.url, "-d", "{}").status == 500
    page = visitor.open("/")
    told = page.get_by_role("link", name="failed to answer a request").and_(
        page.locator(f"[href*='{shop.id}']")
    )
    expect(told).to_contain_text("KeyError: sku")
    accessible(page)
    told.click()
    page.get_by_role("button", name="Failed to answer a request").click()
    dialog = page.get_by_role("dialog", name="The last request it failed to answer")
    dialog.get_by_text("Traceback", exact=True).click()
    expect(dialog.get_by_text("Traceback (most recent call last)")).to_be_visible()
    accessible(page)
