"""The first four steps: each is ticked off by what the server says, and by nothing else."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_the_tour_goes_from_a_template_to_a_finished_run(visit, new_server, accessible):
    server = new_server("--no-example")
    page = visit(server).open("/")
    tour = page.get_by_role("region", name="From nothing to a finished run")
    expect(tour).to_contain_text("0 of 4")
    tour.get_by_role("link", name="Choose a template").click()
    page.get_by_role("button", name="Use this: Hello").click()
    page.wait_for_url("**/workflows/wf_*")
    id = re.search("wf_[^/?]+", page.url).group()

    page.goto(server.url)
    expect(tour).to_contain_text("1 of 4")
    tour.get_by_role("link", name="Open it").click()
    page.get_by_role("toolbar", name="Canvas").wait_for()
    page.go_back()
    expect(tour).to_contain_text("2 of 4")

    assert server.api("POST", f"/workflows/{id}/deploy", {}).status == 200
    page.reload()
    expect(tour).to_contain_text("3 of 4")
    accessible(page)
    tour.get_by_role("link", name="Trigger a run").click()
    # the template's own payload is there already
    payload = page.get_by_role("dialog").get_by_role("textbox", name="Payload")
    expect(payload).to_contain_text("name")
    payload.press("Control+Enter")
    page.wait_for_url("**/runs/*")
    page.goto(server.url)
    done = page.get_by_role("region", name="That was the whole way")
    expect(done).to_contain_text("4 of 4", timeout=20_000)
    done.get_by_role("button", name="Put it away").click()
    page.reload()
    expect(page.get_by_role("region", name="Recent runs")).to_be_visible()
    expect(done).to_have_count(0)


def test_home_says_what_needs_somebody(visitor, busy):
    page = visitor.open("/")
    attention = page.get_by_role("region", name="Needs attention")
    expect(attention.get_by_role("link", name=re.compile("Orders.*runs failed"))).to_be_visible()
    attention.get_by_role("link", name=re.compile("Orders.*runs failed")).click()
    page.wait_for_url(f"**{busy.path}/runs?status=errored")
