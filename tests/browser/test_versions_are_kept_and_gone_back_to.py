"""Versions: what differs, what is locked, and going back without losing anything."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .test_a_deploy_is_a_success_only_when_the_server_says_so import graph


@pytest.fixture
def workflow(live_server):
    deployed = live_server.deploy(graph("History"))
    saved = live_server.api(
        "POST",
        f"/workflows/{deployed['id']}/versions",
        {"ir": graph("History", 'return "Good day"'), "note": "Politer"},
    )
    assert saved.status == 201, saved.text
    return deployed["id"]


def row(page, number):
    button = page.get_by_role("button", name=f"Version {number}", exact=True)
    return page.get_by_role("listitem").filter(has=button)


def act(page, number, name):
    page.get_by_role("button", name=f"What can be done with version {number}").click()
    page.get_by_role("menuitem", name=name).click()


def test_going_back_makes_a_new_version_and_loads_it(visitor, live_server, workflow, accessible):
    page = visitor.open(f"/workflows/{workflow}/versions")
    expect(row(page, 1)).to_contain_text("Live")
    expect(row(page, 2)).to_contain_text("Politer")
    expect(page.get_by_text("From version 1 to version 2: 1 node changed.")).to_be_visible()
    accessible(page)

    act(page, 1, "Go back to it")
    page.get_by_role("alertdialog").get_by_role("button", name="Go back").click()
    expect(row(page, 3)).to_contain_text("Newest")
    page.get_by_role("link", name="Canvas").click()
    expect(page.locator(".react-flow__node-step")).to_contain_text("Hello")
    found = live_server.api("GET", f"/workflows/{workflow}/versions/3").json
    assert found["ir"]["nodes"][0]["data"]["code"].startswith('return f"Hello')


def test_what_is_compared_stands_in_the_address(visitor, workflow):
    page = visitor.open(f"/workflows/{workflow}/versions?version=1&against=2&show=code")
    expect(page.get_by_label("What differs in the code of version 1")).to_contain_text("Hello")
    row(page, 2).get_by_role("button", name="Version 2", exact=True).click()
    page.wait_for_url("**version=ver_**")
    page.reload()
    expect(page.get_by_label("What differs in the code of version 2")).to_contain_text("Good day")


def test_notes_and_locks_are_kept(visitor, live_server, workflow):
    page = visitor.open(f"/workflows/{workflow}/versions")
    row(page, 1).get_by_role("button", name="Add a note").click()
    page.get_by_label("Note on version 1").fill("The first one")
    page.keyboard.press("Enter")
    expect(row(page, 1)).to_contain_text("The first one")
    act(page, 2, "Lock")
    expect(row(page, 2).get_by_role("img", name="Locked")).to_be_visible()
    page.get_by_role("button", name="What can be done with version 2").click()
    expect(page.get_by_role("menuitem", name="Delete")).to_be_disabled()
    kept = live_server.api("GET", f"/workflows/{workflow}/versions").json["data"]
    assert [(one["note"], one["locked"]) for one in kept] == [
        ("Politer", True),
        ("The first one", False),
    ]


def test_an_older_version_is_put_live_and_taken_down(visitor, live_server, workflow):
    assert live_server.api("POST", f"/workflows/{workflow}/deploy", {}).status == 200
    page = visitor.open(f"/workflows/{workflow}/deployments")
    replaced = page.get_by_role("row").filter(has_text="Replaced")
    replaced.get_by_role("button", name="Deploy this version again").click()
    dialog = page.get_by_role("dialog", name="Deploy History")
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_text("Version 1 is live")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()

    live = page.get_by_role("row").filter(has_text="Live")
    live.get_by_role("button", name="Take it down").click()
    asked = page.get_by_role("alertdialog")
    expect(asked).to_contain_text("No run is under way.")
    asked.get_by_role("button", name="Take down").click()
    expect(page.get_by_role("row").filter(has_text="Taken down")).to_be_visible()
    assert live_server.api("POST", f"/workflows/{workflow}/trigger", {}).status == 409
