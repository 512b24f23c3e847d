"""Each page in both themes, wide and narrow: no complaint, no serious fault, nothing cut off."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

PLACES = {
    "/": "Home",
    "/workflows": "Workflows",
    "/runs": "Runs",
    "/deployments": "Deployments",
    "/templates": "Templates",
    "/connections": "Connections",
    "/environment": "Environment",
    "/keys": "API keys",
    "/settings": "Settings",
}
TABS = {"/deployments": "Deployments", "/versions": "Versions", "/settings": "Settings"}


def is_there(page, title):
    expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
    # what comes is there: grey lines are gone
    expect(page.locator("main [aria-hidden].animate-pulse")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_can_be_used_by_everybody(visit, busy, accessible, theme):
    visitor = visit(busy.server, color_scheme=theme)
    addresses = PLACES | {busy.path + tab: title for tab, title in TABS.items()}
    page = visitor.open("/")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    for address, title in addresses.items():
        page.goto(busy.server.url + address)
        is_there(page, title)
        accessible(page)


def test_nothing_is_cut_off_on_a_telephone(visit, busy):
    visitor = visit(busy.server, viewport={"width": 390, "height": 844})
    addresses = PLACES | {busy.path + tab: title for tab, title in TABS.items()}
    page = visitor.open("/")
    for address, title in addresses.items():
        page.goto(busy.server.url + address)
        is_there(page, title)
        wide = page.evaluate(
            "[...document.querySelectorAll('main, main > * > div:last-child')]"
            ".filter(box => box.scrollWidth > box.clientWidth + 1)"
            ".map(box => `${box.className} ${box.scrollWidth} > ${box.clientWidth}`)"
        )
        assert not wide, f"{address}: {wide}"


def test_an_empty_project_teaches_what_belongs_where(visit, new_server, accessible):
    visitor = visit(new_server("--no-example"))
    for address, told in {
        "/": "From nothing to a finished run",
        "/workflows": "No workflow yet",
        "/deployments": "Nothing is live",
        "/environment": "No variables yet",
    }.items():
        page = visitor.open(address)
        expect(page.get_by_role("heading", name=told)).to_be_visible()
        accessible(page)
        page.close()
