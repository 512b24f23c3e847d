"""The bindings in `env` inside a runner: every operation is a question to the server over the link."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from awaitstep.engine import values
from awaitstep.engine.link import Link
from awaitstep.engine.messages import Call, Reply
from workers.backend import Backend, Verb
from workers.workflows import WorkflowError


class Questions:
    """Calls on their way to the server, by number."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[bytes]] = {}

    async def ask(
        self,
        deployment: str,
        trigger: str,
        operation: str,
        args: dict[str, Any],
        asker: tuple[int, int] = (0, 0),
        within: int = 0,
    ) -> Any:
        """`asker` is the attempt that asks: a run's assignment and its operation; `within` is the
        fetch whose handler asks.

        Raises WorkflowError with the server's code.
        """
        assert self.link is not None
        call = next(self._numbers)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._open[call] = future
        try:
            data = values.encode(args)
            self.link.send(Call(call, deployment, trigger, operation, data, *asker, within))
            return values.decode(await future)
        finally:
            del self._open[call]

    def answer(self, reply: Reply) -> None:
        future = self._open.get(reply.call)
        if future is None or future.done():
            return
        if reply.value is None:
            future.set_exception(WorkflowError(reply.code, reply.message))
        else:
            future.set_result(reply.value)


class LinkBackend(Backend):
    """The bindings of one deployment's code, started by `trigger`."""

    def __init__(self, questions: Questions, deployment: str, trigger: str) -> None:
        self._questions = questions
        self._deployment = deployment
        self._trigger = trigger

    async def _ask(self, operation: str, **args: Any) -> Any:
        return await self._questions.ask(self._deployment, self._trigger, operation, args)

    async def create(self, binding: str, id: str | None, params: Any) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._ask("create", binding=binding, id=id, params=params)
        return answer

    async def create_batch(
        self, binding: str, instances: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._ask(
            "create_batch", binding=binding, instances=list(instances)
        )
        return answer

    async def get(self, binding: str, id: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._ask("get", binding=binding, id=id)
        return answer

    async def status(self, binding: str, id: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._ask("status", binding=binding, id=id)
        return answer

    async def verb(self, binding: str, id: str, verb: Verb, **options: Any) -> None:
        await self._ask("verb", binding=binding, id=id, verb=verb, **options)

    async def send_event(self, binding: str, id: str, type: str, payload: Any) -> None:
        await self._ask("send_event", binding=binding, id=id, type=type, payload=payload)

    async def fetch(
        self, binding: str, method: str, url: str, headers: Sequence[Sequence[str]], body: str
    ) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._ask(
            "fetch", binding=binding, method=method, url=url, headers=headers, body=body
        )
        return answer
