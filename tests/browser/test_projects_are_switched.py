"""Another project is one click away, stands in the address, and shares nothing with the first."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import ORDERS


def test_a_project_is_made_worked_in_and_left(visit, new_server, accessible):
    server = new_server("--no-example")
    server.deploy(ORDERS)
    visitor = visit(server)
    page = visitor.open("/settings")
    page.get_by_role("button", name="New project").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Name").fill("Billing")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/\?project=proj_"))
    expect(page.get_by_role("button", name="Project Billing")).to_be_visible()

    page.get_by_role("link", name="Workflows", exact=True).click()
    expect(page.get_by_text("Orders")).to_have_count(0)
    page.get_by_role("button", name="New", exact=True).click()
    page.get_by_role("dialog").get_by_role("textbox", name="Name").fill("Invoices")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile(r"/workflows/wf_[^/]+\?.*project=proj_"))
    expect(page.locator("h1 input, h1").first).to_be_visible()

    # the address alone leads somebody else there
    other = visitor.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("button", name="Project Billing")).to_be_visible()
    expect(other.get_by_role("textbox", name="Name of the workflow")).to_have_value("Invoices")
    other.close()

    page.get_by_role("link", name="Settings", exact=True).first.click()
    page.get_by_role("button", name="Rename Billing").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Name").fill("Accounts")
    page.get_by_role("button", name="Save").click()
    accessible(page)
    page.get_by_role("button", name="Project Accounts").click()
    page.get_by_role("menuitem", name="Default").click()
    expect(page.get_by_role("button", name="Project Default")).to_be_visible()
    page.get_by_role("link", name="Workflows", exact=True).click()
    expect(page.get_by_text("Orders")).to_be_visible()
    expect(page.get_by_text("Invoices")).to_have_count(0)


def test_a_link_into_a_project_that_is_not_there_says_so(visitor):
    visitor.expected += ["404"]
    page = visitor.open("/workflows?project=proj_nobody")
    expect(page.get_by_text("There is no such project here")).to_be_visible()
    page.get_by_role("link", name="Open your own").click()
    expect(page.get_by_role("button", name="Project Default")).to_be_visible()
