"""What the keys promise on every page: workflows by name, and deploy from whatever is typed."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import ORDERS
from .editing import editor


def test_a_workflow_is_found_by_its_name_on_a_page_that_knows_none(visitor, live_server):
    made = live_server.api("POST", "/workflows", {"name": "Ordinary refunds", "ir": ORDERS})
    page = visitor.open("/keys")
    expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    page.keyboard.press("Control+k")
    # which is in "Keyboard shortcuts", too
    page.keyboard.type("ord")
    expect(page.get_by_role("option").first).to_have_text("Ordinary refunds")
    expect(page.get_by_role("option", name="Ordinary refunds")).to_have_attribute(
        "aria-selected", "true"
    )
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/workflows/{made.json['id']}"))


def test_deploy_is_a_key_while_code_is_typed(visitor, live_server):
    made = live_server.api("POST", "/workflows", {"name": "Typed", "ir": ORDERS})
    page = visitor.open(f"/workflows/{made.json['id']}?node=ship")
    code = editor(page, "Code")
    code.click()
    text = code.inner_text()
    page.keyboard.press("Control+Enter")
    deploying = page.get_by_role("dialog")
    expect(deploying).to_contain_text("Deploy")
    # no second one on top of it
    page.keyboard.press("Control+Enter")
    expect(deploying).to_have_count(1)
    page.keyboard.press("Escape")
    assert code.inner_text() == text
