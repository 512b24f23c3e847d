"""A page at a Worker URL, in a real browser, has nothing of the dashboard's and can change nothing.

The browser is signed in to the dashboard, and has cookies with names that are almost the session's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

SECRET = "the-dashboards-session"
ALMOST = ("__Host-awaitstep_session", "AwaitStep_Session")
COOKIES = ("awaitstep_session", *ALMOST)

ME = "fetch('/api/me')"

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
  const write = { method: "POST", credentials: "include", body: "{}" };
  const json = { ...write, headers: { "Content-Type": "application/json" } };
  const result = { script: true };
  try { result.cookie = document.cookie; } catch (error) { result.cookie = "refused"; }
  try { document.cookie = "awaitstep_session=planted; path=/"; } catch (error) {}
  const tried = [];
  for (const host of ["127.0.0.1", "localhost"]) {
    const api = "API_URL".replace("127.0.0.1", host) + "/api";
    const workflow = api + "/workflows/WORKFLOW_ID";
    const kept = { credentials: "include" };
    tried.push(fetch(api + "/workflows", { ...write, mode: "no-cors" }));
    tried.push(fetch(api + "/workflows", json));
    tried.push(fetch(workflow + "/trigger", { ...write, mode: "no-cors" }));
    tried.push(fetch(workflow + "/trigger", json));
    tried.push(fetch(api + "/workflows", kept));
    tried.push(fetch(api + "/auth/sessions", { ...kept, method: "DELETE" }));
    tried.push(fetch(workflow, { ...kept, method: "DELETE" }));
  }
  result.tried = await Promise.all(tried.map(outcome));
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
    """A browser that is signed in to the dashboard under both of its names."""
    context = browser.new_context()
    for host in ("127.0.0.1", "localhost"):
        page = context.new_page()
        link = live_server.awaitstep("login-link").stdout.strip().replace("127.0.0.1", host)
        with page.expect_response(lambda answer: answer.url.endswith("/auth/sessions")) as signed:
            page.goto(link)
        assert signed.value.status == 204
        assert page.evaluate(f"{ME}.then((answer) => answer.status)") == 200
        for name in ALMOST:
            # `__Host-` needs Secure, which browsers allow on loopback
            secure = "; Secure" if name.startswith("__Host-") else ""
            page.evaluate(f"document.cookie = '{name}={SECRET}; Path=/{secure}'")
        assert page.evaluate("document.cookie").count(SECRET) == len(ALMOST)
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
    assert len(told["tried"]) == 14
    assert set(told["tried"]) == {"refused", "opaque 0"}
    dashboard = context.new_page()
    dashboard.goto(live_server.url)  # and the browser is still signed in
    assert dashboard.evaluate(f"{ME}.then((answer) => answer.status)") == 200
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
    # 401 where the browser left the cookie out, 403 where it sent it along
    assert caught.value.status in (401, 403)
    assert state_of(live_server, worker) == before


def test_a_link_to_the_api_from_a_worker_shows_nothing(context, live_server, worker):
    page = context.new_page()
    for url in (worker["url"], host_form(live_server, worker)):
        page.goto(url)
        page.set_content(f"<a href='{live_server.url}/api/workflows'>workflows</a>")
        with page.expect_response(f"{live_server.url}/api/workflows") as caught:
            page.click("a")
        assert caught.value.status in (401, 403)


def test_another_name_that_leads_to_the_dashboard_signs_nobody_in(context, live_server):
    """DNS rebinding: `rebound.localhost` is on loopback, like a stranger's name that is made so."""
    page = context.new_page()
    page.goto(live_server.url.replace("127.0.0.1", "rebound.localhost"))
    link = live_server.awaitstep("login-link").stdout.strip()
    answer = page.evaluate(
        """async (token) => {
            const headers = { "Content-Type": "application/json" };
            const body = JSON.stringify({ token });
            const answer = await fetch("/api/auth/sessions", { method: "POST", headers, body });
            return (await answer.json()).code;
        }""",
        link.partition("#")[2],
    )
    assert answer == "origin.host"
    assert page.evaluate(f"{ME}.then((answer) => answer.status)") == 401


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
