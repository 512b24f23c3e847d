"""The commands' client of the REST API. It knows addresses and errors, not what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from awaitstep.cli import credentials
from awaitstep.cli.failures import Failure, WrongUse
from awaitstep.cli.output import say

if TYPE_CHECKING:
    import httpx

_SECONDS = 30.0
# For a server that may not be there.
_ANSWER_SECONDS = 2.0
# Between two events of a stream.
_STREAM_SECONDS = 120.0
_NOT_OURS = "The server's answer is not JSON; is it AwaitStep?"


class Rest:
    """One server, one key. Raises Failure for everything that is not a success."""

    def __init__(self, url: str, key: str) -> None:
        import httpx

        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise WrongUse(f"{url} is no address of a server; it starts with http:// or https://.")
        self._url = url.rstrip("/")
        # a proxy of the environment is not asked for a server on this machine
        local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        try:
            self._client = httpx.Client(
                base_url=self._url + "/api",
                headers={"authorization": f"Bearer {key}", "accept": "application/json"},
                timeout=_SECONDS,
                trust_env=not local,
            )
        except (httpx.InvalidURL, ValueError, UnicodeError):
            raise WrongUse("The server's address or the key can't be sent.") from None

    @classmethod
    def find(cls, data: Path, url: str | None, key: str | None) -> Self:
        """The server named by options or environment, else the one of the data folder."""
        found = credentials.read(data)
        if url is None:
            if found is None:
                raise Failure(
                    f"No server is known in {data}. Start one with `awaitstep dev`, "
                    "or name one with --url and --key.",
                    "server.unknown",
                )
            url = found.url
        if key is None:
            # a key is only ever sent to the server it was made by
            if found is None or found.url.rstrip("/") != url.rstrip("/"):
                raise Failure(f"There is no key for {url}; give one with --key.", "key.missing")
            key = found.api_key
        return cls(url, key)

    @classmethod
    def of_folder(cls, data: Path, path: str = "/workflows?limit=1") -> Self | None:
        """The server that a folder's credentials lead to, when it answers at `path`.

        The default asks for what only the folder's own server gives to its key.
        """
        if credentials.read(data) is None:
            return None
        rest = cls.find(data, None, None)
        try:
            rest.call("GET", path, seconds=_ANSWER_SECONDS)
        except Failure:
            rest.close()
            return None
        return rest

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any = None, **rest: Any) -> Any:
        return self.call("POST", path, body=body, **rest)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        seconds: float = _SECONDS,
    ) -> Any:
        """The answer's JSON, None when it has no body."""
        import httpx

        try:
            response = self._client.request(
                method,
                path,
                json=body,
                params={name: value for name, value in (params or {}).items() if value is not None},
                headers=headers,
                timeout=seconds,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(error) from None
        return self._answer(response)

    def events(
        self, path: str, body: Any = None, *, method: str = "POST"
    ) -> Iterator[tuple[str, Any]]:
        """The server-sent events of an answer, as names and JSON. An `error` event is a Failure."""
        import httpx

        try:
            with self._client.stream(method, path, json=body, timeout=_STREAM_SECONDS) as response:
                if not response.is_success:
                    response.read()
                    self._answer(response)
                rest = b""
                for chunk in response.iter_bytes():
                    *whole, rest = (rest + chunk).split(b"\n\n")
                    for event in whole:
                        if event.startswith(b":"):
                            continue  # a comment
                        name, _, data = event.removeprefix(b"event: ").partition(b"\ndata: ")
                        if name == b"error":
                            raise _refused(json.loads(data))
                        yield name.decode(), json.loads(data)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(error) from None
        except ValueError:
            raise Failure(_NOT_OURS, "server.away") from None

    def _answer(self, response: httpx.Response) -> Any:
        try:
            answer = response.json() if response.content else None
        except ValueError:
            answer = None
            if response.is_success:
                raise Failure(_NOT_OURS, "server.away") from None
        if response.is_success:
            return answer
        if not isinstance(answer, dict) or not isinstance(answer.get("error"), str):
            raise Failure(
                f"The server answered with status {response.status_code}.", "server.error"
            )
        if answer.get("code") == "auth.required":
            # one was sent: what the server says is for those who sent none
            raise Failure(
                f"The server at {self._url} does not know this key: it was deleted, or is another "
                "server's. Make one with `awaitstep keys create` on its data folder.",
                "auth.required",
            )
        raise _refused(answer)

    def _away(self, error: Exception) -> Failure:
        from httpx import TimeoutException

        late = isinstance(error, TimeoutException)
        at = self._url
        told = (
            f"The server at {at} did not answer in time." if late else f"No server answers at {at}."
        )
        return Failure(told, "server.away")

    def page(self, path: str, limit: int | None = None, **params: Any) -> list[Any]:
        """Items of a list, all pages up to `limit` items. Who asked is told on stderr of
        workflows that can't be asked for theirs."""
        items: list[Any] = []
        away: set[str] = set()
        cursor: str | None = None
        while True:
            size = 100 if limit is None else min(100, limit - len(items))
            answer = self.get(path, limit=size, cursor=cursor, **params)
            items += answer["data"]
            away.update(answer.get("away", ()))
            cursor = answer.get("nextCursor")
            if cursor is None or (limit is not None and len(items) >= limit):
                if away:
                    of = ", ".join(sorted(away))
                    say(f"Can't be asked now, so some runs may be missing or old: {of}")
                return items[:limit]

    def workflow(self, workflow: str) -> str:
        """The address of a workflow given by id or exact name."""
        if not workflow.startswith("wf_"):
            found = self.named(workflow)
            if found is None:
                raise Failure(f"There is no workflow named {workflow!r}.", "workflow.not_found")
            workflow = found
        return f"/workflows/{quote(workflow, safe='')}"

    def run(self, workflow: str, instance: str) -> str:
        """The address of a run of a workflow given by id or exact name."""
        return f"{self.workflow(workflow)}/runs/{quote(instance, safe='')}"

    def named(self, name: str) -> str | None:
        """The id of the workflow with exactly this name, None when there is none.

        Raises Failure when there are several.
        """
        found = [str(item["id"]) for item in self.page("/workflows", name=name)]
        if len(found) > 1:
            raise Failure(
                f"Several workflows are named {name!r}: {', '.join(found)}. Name one by its id.",
                "workflow.ambiguous",
            )
        return found[0] if found else None


def _refused(answer: dict[str, Any]) -> Failure:
    details = answer.get("details")
    return Failure(
        answer["error"],
        str(answer.get("code", "server.error")),
        [item for item in details if isinstance(item, dict)] if isinstance(details, list) else [],
    )
