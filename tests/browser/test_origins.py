"""A page at a Worker URL, in a real browser, has nothing of the dashboard's and can change nothing.

The dashboard's login is not there yet, so the test plants cookies with its names itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

SECRET = "the-dashboards-session"
COOKIES = ("awaitstep_session", "__Host-awaitstep_session", "AwaitStep_Session")

# Answers with a page whose script tells the test, through the title, what it could do, and records
# the Cookie header it was sent. It also tries to plant a session of its own.
ENTRY = '''
from urllib.parse import urlsplit

if urlsplit(request.url).path == "/seen":
    return Response.json({"cookie": request.headers.get("cookie")})
page = """<!doctype html><title>loaded</title><script>
const say = (value) => { document.title = JSON.stringify(value); };
const outcome = async (promise) => {
  try { const answer = await promise; return answer.type + " " + answer.status; }
  catch (error) { return "refused"; }
};
async function main() {
  const api = "API_URL";
  const write = { method: "POST", credentials: "include", body: "{}" };
  const json = { ...write, headers: { "Content-Type": "application/json" } };
  const result = { script: true };
  try { result.cookie = document.cookie; } catch (error) { result.cookie = "refused"; }
  try { document.cookie = "awaitstep_session=planted; path=/"; } catch (error) {}
  result.simple = await outcome(fetch(api + "/api/workflows", { ...write, mode: "no-cors" }));
  result.json = await outcome(fetch(api + "/api/workflows", json));
  result.trigger = await outcome(fetch(api + "/api/workflows/WORKFLOW_ID/trigger", json));
  result.read = await outcome(fetch(api + "/api/workflows", { credentials: "include" }));
  result.remove = await outcome(fetch(api + "/api/workflows/WORKFLOW_ID",
    { method: "DELETE", credentials: "include" }));
  say(result);
}
main();
</script>
<form id="form" action="API_URL/api/workflows" method="post"><input name="name" value="x"></form>
"""
return Response(page, headers={
    "Content-Type": "text/html",
    "Set-Cookie": "awaitstep_session=planted; Path=/",
})
'''


@pytest.fixture
def context(browser: Browser, live_server) -> Iterator[BrowserContext]:
    """A browser that is logged in to the dashboard, as far as plain http allows."""
    context = browser.new_context()
    page = context.new_page()
    for host in ("127.0.0.1", "localhost"):
        dashboard = live_server.url.replace("127.0.0.1", host)
        page.goto(dashboard)
        for name in COOKIES:
            # `__Host-` needs Secure, which browsers allow on loopback
            secure = "; Secure" if name.startswith("__Host-") else ""
            page.evaluate(f"document.cookie = '{name}={SECRET}; Path=/{secure}'")
        kept = page.evaluate("document.cookie")
        assert f"awaitstep_session={SECRET}" in kept
    page.close()
    yield context
    context.close()


@pytest.fixture(scope="module")
def worker(live_server):
    graph = {
        "kind": "workflow",
        "metadata": {"name": "Hostile page"},
        "entryNodeId": "first",
        "nodes": [
            {
                "id": "first",
                "type": "step",
                "name": "First",
                "position": {"x": 0, "y": 0},
                "data": {"code": "return 1"},
            }
        ],
        "edges": [],
    }
    made = live_server.deploy(graph)
    entry = ENTRY.replace("API_URL", live_server.url).replace("WORKFLOW_ID", made["id"])
    patched = live_server.api("PATCH", f"/workflows/{made['id']}", {"entryCode": entry})
    assert patched.status == 200, patched.text
    assert live_server.api("POST", f"/workflows/{made['id']}/deploy", {}).status == 200
    return made


def state_of(live_server, worker) -> tuple[list[str], int]:
    """What a page could have changed."""
    workflows = live_server.api("GET", "/workflows?limit=100").json["data"]
    runs = live_server.api("GET", f"/workflows/{worker['id']}/runs").json["data"]
    return [item["id"] for item in workflows], len(runs)


def host_form(live_server, worker) -> str:
    return f"http://{worker['workerName']}.localhost:{live_server.worker_port}/"


def test_a_page_at_the_path_form_runs_no_script_and_gets_no_cookie(context, live_server, worker):
    before = state_of(live_server, worker)
    page = context.new_page()
    # cookies ignore ports: the browser does send them there
    assert {cookie["name"] for cookie in context.cookies(worker["url"])} >= set(COOKIES)
    answer = page.goto(worker["url"])
    assert answer.headers["content-security-policy"] == "sandbox"
    assert page.title() == "loaded"
    # without scripts a form is what is left
    with page.expect_console_message(lambda message: "Blocked form" in message.text):
        page.evaluate("document.getElementById('form').submit()")
    assert cookie_seen(page, worker["url"]) is None
    assert_no_session_was_planted(context)
    assert state_of(live_server, worker) == before


def test_a_page_at_its_own_host_gets_no_session_and_changes_nothing(context, live_server, worker):
    before = state_of(live_server, worker)
    page = context.new_page()
    url = host_form(live_server, worker)
    page.goto(url)
    page.wait_for_function("document.title.startsWith('{')")
    told = json.loads(page.title())
    assert told["script"] is True
    assert SECRET not in told["cookie"]
    for tried in ("simple", "json", "trigger", "read", "remove"):
        assert told[tried] in ("refused", "opaque 0"), told
    assert cookie_seen(page, url) is None
    assert_no_session_was_planted(context, besides=worker["workerName"])
    assert state_of(live_server, worker) == before


def test_a_form_posted_from_a_worker_is_refused(context, live_server, worker):
    before = state_of(live_server, worker)
    page = context.new_page()
    page.goto(host_form(live_server, worker))
    page.wait_for_function("document.title.startsWith('{')")
    with page.expect_response(lambda response: response.url.endswith("/api/workflows")) as caught:
        page.evaluate("document.getElementById('form').submit()")
    assert caught.value.status == 403
    assert state_of(live_server, worker) == before


def test_the_dashboards_cookie_alone_opens_nothing(context, live_server, worker):
    page = context.new_page()
    page.goto(f"{live_server.url}/api/health")
    assert SECRET in page.evaluate("document.cookie")
    status = page.evaluate(
        "fetch('/api/workflows', {method: 'POST', body: '{}'}).then((answer) => answer.status)"
    )
    assert status == 401


def cookie_seen(page: Page, url: str) -> str | None:
    """The Cookie header that the worker gets when the browser goes there."""
    answer = page.goto(f"{url}seen")
    seen: str | None = answer.json()["cookie"]
    return seen


def assert_no_session_was_planted(context: BrowserContext, besides: str = "") -> None:
    for cookie in context.cookies():
        if cookie["domain"] == f"{besides}.localhost":
            continue  # a page may set what it likes on its own host; the gateway drops it there
        assert cookie["value"] != "planted", cookie
