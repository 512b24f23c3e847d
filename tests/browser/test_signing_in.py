"""A real browser signs in with a link, stays signed in, and is out once it has signed out."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page

STATUS = """async ([method, path, body]) => {
    const headers = body ? { "Content-Type": "application/json" } : {};
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    return answer.status;
}"""


def signed_in(context: BrowserContext, link: str) -> tuple[Page, int]:
    """The page that the link leads to, and what its token was worth."""
    page = context.new_page()
    with page.expect_response(lambda answer: answer.url.endswith("/auth/sessions")) as signed:
        page.goto(link)
    return page, signed.value.status


def asked(page: Page, method: str, path: str, body: object = None) -> int:
    status: int = page.evaluate(STATUS, [method, f"/api{path}", body])
    return status


def test_a_link_signs_one_browser_in(browser, live_server):
    link = live_server.awaitstep("login-link").stdout.strip()
    sent: list[str] = []
    first = browser.new_context()
    first.on("request", lambda request: sent.append(request.url))
    page, status = signed_in(first, link)
    assert status == 204
    [cookie] = [one for one in first.cookies() if one["name"] == "awaitstep_session"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert page.evaluate("document.cookie") == ""
    page.wait_for_url(lambda url: "#" not in url)
    token = link.partition("#")[2]
    assert not any(token in url.partition("#")[0] for url in sent)
    assert asked(page, "GET", "/me") == 200
    assert asked(page, "POST", "/workflows", {"name": "Made in a browser"}) == 201

    second = browser.new_context()
    page, status = signed_in(second, link)
    assert status == 401
    assert asked(page, "GET", "/me") == 401
    first.close()
    second.close()


def test_a_browser_stays_signed_in_until_it_signs_out(browser, live_server):
    context = browser.new_context()
    page, status = signed_in(context, live_server.awaitstep("login-link").stdout.strip())
    assert status == 204
    page.close()
    page = context.new_page()
    page.goto(live_server.url)
    assert asked(page, "GET", "/me") == 200
    [cookie] = [one for one in context.cookies() if one["name"] == "awaitstep_session"]
    assert asked(page, "DELETE", "/auth/sessions") == 204
    assert context.cookies() == []
    assert asked(page, "GET", "/me") == 401
    context.add_cookies([cookie])  # somebody had kept it
    assert asked(page, "GET", "/me") == 401
    context.close()


def test_the_page_breaks_no_rule_of_its_own_policy(browser, live_server):
    context = browser.new_context()
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.goto(live_server.url)
    page.wait_for_load_state("networkidle")
    assert [line for line in told if "Content Security Policy" in line] == []
    context.close()
