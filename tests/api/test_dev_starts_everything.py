"""`awaitstep dev`: a line that works, the same key and data again, one server for a folder."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

COMMAND = [sys.executable, "-c", "from awaitstep.cli import main; main()"]


def test_the_printed_line_starts_a_run(new_server):
    server = new_server()
    [line] = re.findall(r"curl .*", server.log.read_text())
    pasted = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
    answer = json.loads(pasted.stdout)
    run = server.ended(answer["workflowId"], answer["instanceId"])
    assert (run["status"], run["output"]) == ("complete", {"greeting": "Hello, Ada!"})


def test_what_is_on_disk_is_private(new_server):
    server = new_server("--no-example")
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for path in server.data.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert set(server.credentials) == {"url", "workerUrl", "apiKey", "loginUrl"}


def test_a_second_start_has_the_same_key_data_and_example(new_server):
    server = new_server()
    key = server.credentials["apiKey"]
    before = server.api("GET", "/workflows").json["data"]
    [example] = before
    first = server.api("POST", f"/workflows/{example['id']}/trigger", {}).json["instanceId"]
    assert server.stop() == 0
    server.start()
    assert server.credentials["apiKey"] == key
    assert [item["id"] for item in server.api("GET", "/workflows").json["data"]] == [example["id"]]
    deployments = server.api("GET", f"/workflows/{example['id']}/deployments").json["data"]
    assert len(deployments) == 1
    assert server.ended(example["id"], first)["status"] == "complete"


def test_a_broken_example_is_no_reason_not_to_start(new_server):
    server = new_server()
    [example] = server.api("GET", "/workflows").json["data"]
    at = f"/workflows/{example['id']}"
    assert server.api("POST", f"{at}/takedown", {}).status == 200
    assert server.api("POST", "/env-vars", {"name": "OTHER", "value": "1"}).status == 201
    assert server.stop() == 0
    # the name that generated code uses for the workflow itself, as older versions stored it
    with closing(sqlite3.connect(server.data / "control.db")) as db, db:
        db.execute("UPDATE env_vars SET name = 'WORKFLOW' WHERE name = 'OTHER'")
    server.start()
    log = server.log.read_text()
    assert "The example is not live: " in log
    [line] = re.findall(r"curl .*", log)
    pasted = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
    assert [item["id"] for item in json.loads(pasted.stdout)["data"]] == [example["id"]]


def test_a_key_that_was_deleted_is_replaced(new_server):
    server = new_server("--no-example")
    old = server.credentials["apiKey"]
    [row] = server.api("GET", "/api-keys").json["data"]
    assert server.api("DELETE", f"/api-keys/{row['id']}").status in (200, 204)
    server.stop()
    server.start()
    assert server.credentials["apiKey"] != old
    assert server.api("GET", "/workflows").status == 200


def test_a_second_server_on_the_folder_is_refused_in_one_sentence(new_server):
    server = new_server("--no-example")
    for port in ("0", server.url.rpartition(":")[2]):
        second = server.awaitstep("dev", "--no-open", "--port", port, "--worker-port", "0")
        assert (second.returncode, second.stdout) == (1, "")
        [sentence] = second.stderr.splitlines()
        assert sentence.startswith("Another AwaitStep server is using ")
        assert server.url in sentence
    assert server.api("GET", "/workflows").status == 200


def test_a_busy_port_is_refused_in_one_sentence(new_server, tmp_path):
    server = new_server("--no-example")
    port = server.url.rpartition(":")[2]
    arguments = ["dev", "--data", str(tmp_path / "other"), "--no-open", "--port", port]
    second = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    [sentence] = second.stderr.splitlines()
    assert sentence.startswith(f"Port {port} on 127.0.0.1 can't be used")


def test_its_runners_end_with_it(new_server):
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)):
        server = new_server("--no-example", "--runners", "2")
        runners = children(server.process.pid)
        assert len(runners) >= 2
        assert server.stop(number) == code
        server.until(lambda runners=runners: not any(map(alive, runners)), 20)


def test_the_page_at_its_address_is_there(new_server):
    server = new_server("--no-example")
    for address in (server.url, f"{server.url}/workflows/wf_x"):
        page = server.curl(address)
        assert (page.status, page.headers["content-type"]) == (200, ["text/html; charset=utf-8"])
        assert "script-src 'self';" in page.headers["content-security-policy"][0]
    assert server.curl(f"{server.url}/api/nowhere").json["code"] == "auth.required"
    assert server.curl("-X", "POST", server.url).json["code"] == "route.not_found"


def sign_in(server, link):
    """The answer to a browser's page that spends the link."""
    address, _, token = link.partition("/sign-in#")
    page = ["-H", f"Origin: {address}", "-H", "Sec-Fetch-Site: same-origin"]
    body = ["-H", "Content-Type: application/json", "-d", json.dumps({"token": token})]
    return server.curl(*page, *body, f"{address}/api/auth/sessions")


def me(server, cookie):
    page = ["-H", "Sec-Fetch-Site: same-origin", "-H", f"Cookie: {cookie.partition(';')[0]}"]
    return server.curl(*page, f"{server.url}/api/me")


def test_its_link_signs_in_once_and_each_start_has_another(new_server):
    server = new_server("--no-example")
    link = server.credentials["loginUrl"]
    assert f"  Dashboard   {link}\n" in server.log.read_text()
    assert re.fullmatch(re.escape(server.url) + r"/sign-in#[\w-]{43}", link)
    signed = sign_in(server, link)
    assert signed.status == 204, signed.text
    [cookie] = signed.headers["set-cookie"]
    assert me(server, cookie).json["scopes"] == ["read", "write", "deploy"]
    assert sign_in(server, link).json["code"] == "auth.link"
    server.stop()
    server.start()
    assert me(server, cookie).status == 200  # a browser stays signed in
    assert server.credentials["loginUrl"] != link
    assert sign_in(server, server.credentials["loginUrl"]).status == 204


def test_a_link_can_be_made_beside_a_server_and_without_it(new_server):
    server = new_server("--no-example")
    beside = server.awaitstep("login-link")
    assert beside.returncode == 0, beside.stderr
    assert sign_in(server, beside.stdout.strip()).status == 204
    server.stop()
    without = server.awaitstep("login-link", "--json", "--dashboard-url", "http://localhost:1")
    answer = json.loads(without.stdout)
    assert set(answer) == {"url", "expiresAt"}
    server.start()
    link = answer["url"].replace("http://localhost:1", server.url)
    assert sign_in(server, link).status == 204
    assert sign_in(server, link).status == 401


def test_without_a_server_that_used_the_folder_there_is_no_link(tmp_path):
    done = subprocess.run(
        [*COMMAND, "login-link", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("No server has used ")
    assert not any(tmp_path.iterdir())


def test_serve_goes_on_with_the_folder_under_its_own_names(new_server):
    server = new_server()
    [example] = server.api("GET", "/workflows").json["data"]
    name = example["workerName"]
    key = server.credentials["apiKey"]
    server.stop()
    arguments = ["serve", "--data", str(server.data), "--port", "0", "--worker-port", "0"]
    arguments += ["--secret-key-file", str(server.data / "secret.key")]
    arguments += ["--dashboard-url", "https://flows.example.com"]
    arguments += ["--worker-url", "https://workers.example.com"]
    with subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = json.loads(process.stderr.readline())
        assert said["event"] == "serving"
        api = ["-H", f"Authorization: Bearer {key}", f"{said['url']}/api"]
        server.until(lambda: server.curl(f"{said['url']}/api/health").status == 200)
        link = server.awaitstep("login-link").stdout.strip()
        assert link.startswith("https://flows.example.com/sign-in#")
        token = json.dumps({"token": link.partition("#")[2]})
        page = ["Host: flows.example.com", "Origin: https://flows.example.com"]
        page += ["Sec-Fetch-Site: same-origin", "Content-Type: application/json"]
        headers = [part for header in page for part in ("-H", header)]
        signed = server.curl(*headers, "-d", token, f"{said['url']}/api/auth/sessions")
        assert signed.headers["set-cookie"][0].startswith("__Host-awaitstep_session=")
        found = server.curl(*api[:-1], f"{api[-1]}/workflows/{example['id']}/deployments").json
        assert found["data"][0]["url"] == f"https://workers.example.com/{name}/"
        host = f"Host: {name}.workers.example.com"
        started = server.curl("-X", "POST", "-H", host, said["worker_url"])
        assert started.status == 200, started.text
        assert "instanceId" in started.json
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_serve_takes_the_key_it_was_made_with_and_no_other(new_server, tmp_path):
    server = new_server("--no-example")
    server.stop()
    wrong = tmp_path / "key"
    wrong.write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    wrong.chmod(0o600)
    got = server.awaitstep(
        *("serve", "--port", "0", "--worker-port", "0", "--secret-key-file", str(wrong)),
        *("--dashboard-url", "https://flows.example.com"),
        *("--worker-url", "https://workers.example.com"),
    )
    assert got.returncode == 1
    assert got.stderr.splitlines()[-1].startswith("The encryption key is not the one")
    assert "Traceback" not in got.stderr


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in listed for child in file.read_text().split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
