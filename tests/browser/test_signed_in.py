"""A browser that was signed in by a link sees the dashboard, and sees it without complaints."""

from __future__ import annotations

from playwright.sync_api import expect


def test_a_link_opens_the_dashboard(visitor, accessible):
    page = visitor.open("/runs")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    accessible(page)


def test_a_browser_without_a_session_is_asked_for_a_link(browser, dashboard, live_server):
    context = browser.new_context()
    page = context.new_page()
    page.goto(live_server.url + "/runs")
    page.wait_for_url("**/sign-in")
    expect(page.get_by_text("awaitstep login-link")).to_be_visible()
    context.close()


def test_signing_out_reaches_every_tab(visit, new_server):
    server = new_server("--no-example")
    visitor = visit(server)
    visitor.expected += ["401", "ERR_ABORTED"]
    following = visitor.open("/runs")
    expect(following.get_by_text("Nothing has run yet")).to_be_visible()
    page = visitor.open("/settings")
    version = server.api("GET", "/health").json["version"]
    about = page.get_by_role("region", name="This server")
    expect(about.get_by_text(version, exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
    following.wait_for_url("**/sign-in*")
