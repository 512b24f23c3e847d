"""Browsers have six connections to a server; a page that was left keeps none of them."""

from __future__ import annotations

import shutil

from playwright.sync_api import expect

from .conftest import QUIET

MORE_THAN_THE_CONNECTIONS = 8


def test_addresses_are_opened_one_after_the_other_and_gone_back_to(browser, dashboard, busy):
    # Playwright turns off the cache that keeps pages to go back to; people have it
    with browser.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=QUIET,
        ignore_default_args=["--disable-back-forward-cache"],
    ) as people:
        page = people.new_page()
        page.set_default_timeout(20_000)
        page.goto(busy.server.awaitstep("login-link").stdout.split()[-1])
        page.wait_for_url(busy.server.url + "/")
        for _ in range(MORE_THAN_THE_CONNECTIONS):
            page.goto(busy.server.url + "/runs")
            expect(page.locator("li[data-run]").first).to_be_visible()
            page.goto(busy.server.url + busy.path + "/runs")
            expect(page.get_by_text("Complete").first).to_be_visible()
        # a kept page does not load, which is what `go_back` waits for
        page.evaluate("history.back()")
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()
        # and it hears again what happens
        started = busy.server.api(
            "POST",
            f"{busy.path}/trigger",
            {"instanceId": "came-back", "params": {"id": "ord_back", "do": "complete"}},
        )
        assert started.status == 201, started.text
        expect(page.get_by_text("came-back")).to_be_visible()
