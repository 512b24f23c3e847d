"""From an empty server to a finished run that was watched, by pointer and keys alone."""

from __future__ import annotations

import re
import subprocess

from playwright.sync_api import Page, expect


def add(page: Page, search: str, title: str) -> None:
    page.keyboard.press("a")
    page.get_by_role("combobox", name="Search nodes").fill(search)
    page.get_by_role("option", name=re.compile(f"^{title}")).first.click()
    expect(page.get_by_role("combobox", name="Search nodes")).to_have_count(0)


def write(page: Page, field: str, text: str) -> None:
    """Into a code field of the node's form, in the place of what is there."""
    panel = page.get_by_role("complementary")
    panel.get_by_role("textbox", name=field).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    panel.get_by_role("tab", name="Settings").focus()


def test_from_nothing_to_a_run_that_is_watched_to_its_end(visit, new_server):
    server = new_server("--no-example")
    page = visit(server).open("/")
    page.get_by_role("button", name="New workflow").or_(
        page.get_by_role("link", name="New workflow")
    ).first.click()
    page.get_by_role("dialog").get_by_label("Name").fill("Greeter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/workflows/wf_*")

    page.get_by_role("button", name="Add a node").last.wait_for()
    add(page, "step", "Step")
    write(page, "Code", 'return {"name": event["payload"]["name"]}')
    page.locator(".react-flow__pane").click(position={"x": 700, "y": 60})
    add(page, "sleep", "Sleep")
    page.locator(".react-flow__pane").click(position={"x": 700, "y": 60})
    add(page, "step", "Step")
    write(page, "Code", 'return {"greeting": f"Hello, {step_1[\'name\']}!"}')
    expect(page.locator(".react-flow__node-step")).to_have_count(3)
    page.locator('.react-flow__node[data-id="sleep"]').click()
    write(page, "Duration", "1")
    expect(page.get_by_role("status").filter(has_text="Draft saved")).to_be_visible()

    page.get_by_role("button", name="Deploy").click()
    deploying = page.get_by_role("dialog", name=re.compile("Deploy"))
    deploying.get_by_role("button", name=re.compile("deploy", re.I)).last.click()
    command = deploying.get_by_text(re.compile(r"^curl "))
    command.wait_for()
    # the line is good as it stands
    answered = subprocess.run(
        ["bash", "-c", command.inner_text()], capture_output=True, text=True, timeout=30, check=True
    )
    assert "instanceId" in answered.stdout

    deploying.get_by_role("button", name=re.compile("Trigger")).click()
    triggering = page.get_by_role("dialog", name=re.compile("Trigger"))
    triggering.get_by_role("textbox", name=re.compile("payload", re.I)).first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"name": "Ada"}')
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/runs/*")
    expect(page.get_by_text("Manual").first).to_be_visible()
    expect(page.get_by_text("Complete").first).to_be_visible(timeout=20_000)
    expect(page.get_by_text('"Hello, Ada!"')).to_be_visible()
    for name in ("Step", "Sleep", "Step 2"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
