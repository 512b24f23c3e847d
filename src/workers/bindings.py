"""A worker's environment: its variables, and the workflows and workers it may call."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar, Unpack, overload

from workers import backend as seam
from workers.backend import Backend
from workers.body import Stored
from workers.request import Request
from workers.response import Response
from workers.types import FetchKwargs
from workers.values import AttrDict, wrap
from workers.workflows import WorkflowError

MAX_BATCH = 100

_CREATE_OPTIONS = frozenset(("id", "params"))
_IGNORED_OPTIONS = frozenset(("retention", "location_hint", "locationHint"))
_MISSING = "_missing_in_env"
LookupFailed = TypeVar("LookupFailed", AttributeError, KeyError)
_STEP_TYPES = ("do", "sleep", "waitForEvent")


class Env:
    """Variables (text) and bindings by name, as attributes and as items; read-only.

    A missing attribute is an AttributeError, a missing item a KeyError. Where a binding and
    a variable share a name, the name means the binding. Values never show in its repr.
    """

    __slots__ = ("_values",)
    _values: dict[str, Any]

    def __init__(
        self,
        variables: Mapping[str, str] | None = None,
        bindings: Mapping[str, WorkflowBinding | ServiceBinding] | None = None,
    ) -> None:
        object.__setattr__(self, "_values", {**(variables or {}), **(bindings or {})})

    def __getattr__(self, name: str) -> Any:
        try:
            return object.__getattribute__(self, "_values")[name]
        except KeyError:
            told = f"env has no variable or binding {name!r}; set it and deploy again"
            raise _missing(AttributeError(told)) from None

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("env is read-only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("env is read-only")

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError as error:
            raise _missing(error) from None

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __repr__(self) -> str:
        return f"Env({', '.join(map(str, self._values))})"


def is_missing(error: BaseException) -> bool:
    """Whether it says that `env` lacks a name; another attempt would find nothing either."""
    return type(error) in (AttributeError, KeyError) and vars(error).get(_MISSING) is True


def _missing(error: LookupFailed) -> LookupFailed:
    setattr(error, _MISSING, True)
    return error


class WorkflowInstance:
    """One run of a workflow. Refusals are raised as `WorkflowError`."""

    def __init__(self, id: str, binding: WorkflowBinding) -> None:
        self._id = id
        self._binding = binding

    @property
    def id(self) -> str:
        """The instance's id."""
        return self._id

    async def status(self) -> Any:
        """`{"status", "output"?, "error"?}`, its keys readable as attributes."""
        return wrap(dict(await self._backend.status(self._binding.name, self._id)))

    async def pause(self) -> None:
        """Lets running attempts end and starts nothing new."""
        await self._verb("pause")

    async def resume(self) -> None:
        """Goes on after a pause."""
        await self._verb("resume")

    async def terminate(
        self, options: Mapping[str, Any] | None = None, /, *, rollback: bool | None = None
    ) -> None:
        """Ends the instance for good; with `rollback`, undoing what can be undone."""
        given = _options(options, {"rollback": rollback}, "terminate")
        await self._verb("terminate", **given)

    async def restart(
        self,
        options: Mapping[str, Any] | None = None,
        /,
        *,
        from_: Mapping[str, Any] | str | None = None,
    ) -> None:
        """Starts over under the same id, or from a step: `{"from": {"name", "count"?, "type"?}}`."""
        given = _options(options, {"from": from_}, "restart")
        start = given.get("from")
        await self._verb("restart", **({} if start is None else {"from_step": _step(start)}))

    async def send_event(
        self,
        event: Mapping[str, Any] | None = None,
        /,
        *,
        type: str | None = None,
        payload: Any = None,
    ) -> None:
        """Sends an event `{"type", "payload"}` to the instance; it is kept until waited for."""
        given = _options(event, {"type": type, "payload": payload}, "send_event")
        kind = given.get("type")
        if not isinstance(kind, str):
            raise TypeError("an event has a type, which is text")
        await self._backend.send_event(self._binding.name, self._id, kind, given.get("payload"))

    sendEvent = send_event

    async def _verb(self, verb: seam.Verb, **options: Any) -> None:
        await self._backend.verb(self._binding.name, self._id, verb, **options)

    @property
    def _backend(self) -> Backend:
        return self._binding.backend

    def __repr__(self) -> str:
        return f"WorkflowInstance(id={self._id!r})"


class WorkflowBinding:
    """A workflow that a worker can start: `env.NAME`.

    Without a backend of its own it uses the installed one.
    """

    def __init__(self, name: str, backend: Backend | None = None) -> None:
        self.name = name
        self._own_backend = backend

    @property
    def backend(self) -> Backend:
        """The runtime's operations."""
        return self._own_backend or seam.current()

    async def create(
        self, options: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> WorkflowInstance:
        """Starts an instance: `create(id="order-1", params={…})`, or the same in one dict.

        Without an id it gets a new one; a taken id is a `WorkflowError`. Cloudflare's
        `retention` and `location_hint` are accepted and have no effect.
        """
        given = _instance({**(options or {}), **keywords})
        answer = await self.backend.create(self.name, given.get("id"), given.get("params"))
        return WorkflowInstance(answer["id"], self)

    async def get(self, id: str) -> WorkflowInstance:
        """The instance of that id. `WorkflowError` `run.not_found` when there is none."""
        answer = await self.backend.get(self.name, _checked_id(id))
        return WorkflowInstance(answer["id"], self)

    @overload
    async def create_batch(
        self, batch: Sequence[Mapping[str, Any]], /
    ) -> list[WorkflowInstance]: ...
    @overload
    async def create_batch(
        self, batch: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> AttrDict: ...
    async def create_batch(
        self,
        batch: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        /,
        **keywords: Any,
    ) -> list[WorkflowInstance] | AttrDict:
        """Starts up to 100 instances at once.

        Given a list of `{"id"?, "params"?}`: the instances that were started, without those
        whose id was taken; any other refusal is raised. Given `{"instances": […]}` or
        `{"count": n, "params"?}`: `{"created": [instance], "errors": [{"index", "id"?, "code",
        "message"}]}`.
        """
        if batch is not None and not isinstance(batch, Mapping):
            if keywords:
                raise TypeError("create_batch takes a list alone")
            created, errors = await self._create_batch(_instances(batch))
            for error in errors:
                if error["code"] != "instance.already_exists":
                    raise WorkflowError(error["code"], error.get("message", ""))
            return created
        created, errors = await self._create_batch(_expanded({**(batch or {}), **keywords}))
        return AttrDict(created=created, errors=errors)

    createBatch = create_batch

    async def _create_batch(
        self, instances: list[dict[str, Any]]
    ) -> tuple[list[WorkflowInstance], list[Any]]:
        answer = await self.backend.create_batch(self.name, instances)
        created = [WorkflowInstance(started["id"], self) for started in answer["created"]]
        return created, wrap(list(answer["errors"]))

    def __repr__(self) -> str:
        return f"WorkflowBinding({self.name!r})"


class ServiceBinding:
    """Another worker of the same project: `env.NAME`. It is reached without any network."""

    def __init__(self, name: str, backend: Backend | None = None) -> None:
        self.name = name
        self._own_backend = backend

    async def fetch(
        self, resource: Request | str | object, **options: Unpack[FetchKwargs]
    ) -> Response:
        """Sends a request to the other worker's `fetch` handler and returns its response.

        `WorkflowError` when it is not deployed; a handler that fails answers with status 500.
        """
        request = Request(resource, **options)
        backend = self._own_backend or seam.current()
        body = base64.b64encode(await request.bytes()).decode()
        headers = [list(pair) for pair in request.headers.items()]
        answer = await backend.fetch(self.name, str(request.method), request.url, headers, body)
        content = base64.b64decode(answer["body"])
        return Response._received(
            request.url,
            answer["status"],
            "",
            [(name, value) for name, value in answer["headers"]],
            Stored(content) if content else None,
            False,
        )

    def __repr__(self) -> str:
        return f"ServiceBinding({self.name!r})"


def _instances(batch: object) -> list[dict[str, Any]]:
    if not isinstance(batch, list | tuple):
        raise TypeError(f"instances come in a list, not {type(batch).__name__}")
    _check_size(len(batch))
    return [_instance(item) for item in batch]


def _expanded(batch: dict[str, Any]) -> list[dict[str, Any]]:
    if "instances" in batch:
        if len(batch) > 1:
            raise TypeError("a batch has instances or a count, not both")
        return _instances(batch["instances"])
    count = batch.pop("count", None)
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError("a batch has instances or a count")
    _check_size(count)
    if batch.get("id") is not None:
        raise TypeError("instances of a count cannot share an id")
    return [_instance(batch) for _ in range(count)]


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_BATCH:
        raise ValueError(f"a batch has at most {MAX_BATCH} instances, not {size}")


def _instance(given: Any) -> dict[str, Any]:
    """What was said about one new instance, checked: `{"id"?, "params"?}`."""
    if not isinstance(given, Mapping):
        raise TypeError(f"an instance is described by a dict, not {type(given).__name__}")
    unknown = sorted(map(str, given.keys() - _CREATE_OPTIONS - _IGNORED_OPTIONS))
    if unknown:
        raise TypeError(f"unknown option of a new instance: {', '.join(unknown)}")
    instance: dict[str, Any] = {}
    if given.get("id") is not None:
        instance["id"] = _checked_id(given["id"])
    if given.get("params") is not None:
        instance["params"] = given["params"]
    return instance


def _options(
    given: Mapping[str, Any] | None, keywords: dict[str, Any], verb: str
) -> dict[str, Any]:
    """Options from a dict and from keywords, without those that are None."""
    unknown = sorted(map(str, (given or {}).keys() - keywords.keys()))
    if unknown:
        raise TypeError(f"unknown option of {verb}: {', '.join(unknown)}")
    return {
        key: value
        for source in (given or {}, keywords)
        for key, value in source.items()
        if value is not None
    }


def _checked_id(id: object) -> str:
    if not isinstance(id, str):
        raise TypeError(f"an instance's id is text, not {type(id).__name__}")
    return id


def _step(start: Mapping[str, Any] | str) -> dict[str, Any]:
    """The step to restart from, in full: name, count and, where given, type."""
    given = {"name": start} if isinstance(start, str) else dict(start)
    unknown = sorted(map(str, given.keys() - {"name", "count", "type"}))
    if unknown or not isinstance(given.get("name"), str):
        raise TypeError('a step is given as {"name", "count"?, "type"?}')
    count = given.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError("a step's count is 1 or more")
    kind = given.get("type")
    if kind is not None and kind not in _STEP_TYPES:
        raise ValueError(f"a step's type is one of {', '.join(_STEP_TYPES)}")
    return {"name": given["name"], "count": count} | ({"type": kind} if kind else {})
