"""The server under test: `awaitstep dev` in a process of its own, spoken to by REST."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx

from awaitstep.crashtest.processes import children

MODULE: Final = Path(__file__).with_name("worker.py")
NAME: Final = "crash-test"
START_SECONDS: Final = 120.0  # of a machine with much else to do
LOOK_AGAIN: Final = 0.02


class ServerFailed(Exception):
    """The server did not start or did not answer as it should; the message is one sentence."""


class Server:
    """One life of the server of a folder. The first one in it puts the workflow live."""

    def __init__(self, folder: Path, number: int, workflow: str | None = None) -> None:
        """Raises ServerFailed."""
        self._log = folder / f"server-{number}.log"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWAITSTEP_")}
        options = ["--port", "0", "--worker-port", "0", "--no-open", "--no-example", "--json"]
        said = folder / f"server-{number}.json"
        with self._log.open("wb") as log, said.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awaitstep", "dev", "--data", folder / "data", *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=environment,
            )
        self._rest = httpx.Client(timeout=START_SECONDS, trust_env=False)
        try:
            found = self._announced(said)
            self._rest.base_url = httpx.URL(f"{found['url']}/api")
            self._rest.headers["Authorization"] = f"Bearer {found['apiKey']}"
            self.workflow = workflow or self._deploy()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, instance: str, n: int) -> None:
        """Return once the run is acknowledged. Raises ServerFailed."""
        body = {"instanceId": instance, "params": {"n": n}}
        self._post(f"/workflows/{self.workflow}/trigger", body)

    def send(self, instance: str) -> None:
        """Return once the event is acknowledged. Raises ServerFailed."""
        body = {"type": "go", "payload": 1}
        self._post(f"/workflows/{self.workflow}/runs/{instance}/events", body)

    def steer(self, instance: str, verb: str, body: Any = None) -> None:
        """Return once the verb is acknowledged. Raises ServerFailed."""
        self._post(f"/workflows/{self.workflow}/runs/{instance}/{verb}", body or {})

    def runners(self) -> set[int]:
        """The process ids of its runners; a second one tries out suspects."""
        return children(self.pid)

    def kill(self) -> None:
        """The server alone, by SIGKILL: its runners are left behind."""
        self._rest.close()
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """As a person would."""
        self._rest.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _announced(self, said: Path) -> dict[str, Any]:
        deadline = time.monotonic() + START_SECONDS
        while not (text := said.read_text()).endswith("\n"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = self._log.read_text(errors="replace").strip().rpartition("\n")[2]
                raise ServerFailed(f"The server did not start: {last or 'it said nothing'}")
            time.sleep(LOOK_AGAIN)
        found: dict[str, Any] = json.loads(text)
        return found

    def _deploy(self) -> str:
        workflow = str(self._post("/workflows", {"name": NAME})["id"])
        source = MODULE.read_text(encoding="utf-8")
        module = {"kind": "workflow", "metadata": {"name": NAME}, "module": source}
        self._post(f"/workflows/{workflow}/versions", {"ir": module})
        self._post(f"/workflows/{workflow}/deploy", {})
        return workflow

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        try:
            answer = self._rest.post(path, json=body)
        except httpx.HTTPError as error:
            raise ServerFailed(
                f"The server did not answer: {error or type(error).__name__}"
            ) from None
        if answer.status_code >= 400:
            raise ServerFailed(f"The server answered {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found
