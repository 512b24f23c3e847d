"""Workers with packages have runners of their own; one environment never holds up another."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from awaitstep.engine.embedded.supervisor import READY_TIMEOUT
from awaitstep.engine.errors import DeploymentCrashed, EnvironmentMissing
from awaitstep.engine.states import RunStatus
from awaitstep.runner import walls

from .house import House, alive

ASKS = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do()
        async def ask():
            try:
                import tiny
            except ImportError as error:
                return type(error).__name__
            return tiny.V
        got = await ask()
        if event.payload.get("hold"):
            @step.do(config={"retries": {"limit": 1, "delay": 10, "backoff": "constant"}})
            async def wait():
                await hold(event.payload["hold"], "go")
        if event.payload.get("hold"):
            await wait()
        return [got, os.getpid()]

class Default(WorkerEntrypoint):
    async def fetch(self, request):
        import tiny
        return Response(tiny.V)
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path) as house:
        await house.ready()
        yield house


def deploy(house: House, name: str, version: str, source: str = ASKS) -> Path:
    """A deployment with the package `tiny` of this version."""
    environment = house.environment(name, tiny=f"V = {version!r}\n")
    house.deploy(name, source, environment)
    return environment


def processes(house: House, name: str) -> list[int]:
    """The ready runners of a deployment's environment."""
    environment = house.bundles[name].environment
    return [
        slot.process.pid
        for slot in house.engine._fleet.slots
        if slot.ready and slot.group.environment == environment
    ]


async def test_two_versions_run_side_by_side_and_others_have_none(house: House) -> None:
    deploy(house, "one", "1.0")
    deploy(house, "two", "2.0")
    house.deploy("none", ASKS)
    runs = [(name, await house.start(name, {"hold": name})) for name in ("one", "two", "none")]
    for name, _ in runs:
        await house.marked(name)
    house.release("go")
    answers = [await house.output(name, instance) for name, instance in runs]
    assert [answer[0] for answer in answers] == ["1.0", "2.0", "ModuleNotFoundError"]
    assert len({answer[1] for answer in answers}) == 3
    assert (await house.fetch("one")).body == b"1.0"
    assert (await house.fetch("two")).body == b"2.0"


async def test_every_run_is_in_a_runner_of_its_own_environment(house: House) -> None:
    names = ["one", "two", "none"]
    deploy(house, "one", "1.0")
    deploy(house, "two", "2.0")
    house.deploy("none", ASKS)
    runs = [(name, await house.start(name, {})) for name in names * 30]
    got = {(name, (await house.output(name, instance))[0]) for name, instance in runs}
    assert got == {("one", "1.0"), ("two", "2.0"), ("none", "ModuleNotFoundError")}


async def test_a_declared_package_goes_before_one_that_is_there(house: House) -> None:
    environment = house.environment("own", httpx="V = 'declared'\n", msgspec="V = 'declared'\n")
    source = """
    class W(WorkflowEntrypoint):
        async def run(self, event, step):
            import httpx, msgspec
            return [httpx.V, hasattr(msgspec, "V")]
    """
    house.deploy("own", source, environment)
    # what the runner itself is made of stays as it is
    assert await house.output("own", await house.start("own")) == ["declared", False]


@pytest.mark.skipif(
    walls.supported().landlock_abi is None, reason=f"no Landlock: {walls.supported().reason}"
)
async def test_a_runner_reads_no_packages_but_its_own(house: House) -> None:
    mine, other = deploy(house, "mine", "1.0"), deploy(house, "other", "2.0")
    source = """
    class W(WorkflowEntrypoint):
        async def run(self, event, step):
            def outcome(call, path):
                try:
                    call(path)
                except OSError as error:
                    return type(error).__name__
                return "allowed"
            def write(path):
                os.close(os.open(path, os.O_WRONLY))
            paths = event.payload["paths"]
            return [[outcome(lambda p: open(p).read(), p), outcome(write, p)] for p in paths] + [
                outcome(os.listdir, p) for p in event.payload["folders"]
            ]
    """
    paths = [str(mine / "tiny.py"), str(other / "tiny.py")]
    folders = [str(mine), str(other), str(mine.parents[1])]
    for name, expected in (("mine", 0), ("other", 1)):
        house.deploy(f"probe-{name}", source, (mine, other)[expected])
        answer = await house.output(
            f"probe-{name}",
            await house.start(f"probe-{name}", {"paths": paths, "folders": folders}),
        )
        reads = [read for read, _ in answer[:2]]
        assert [write for _, write in answer[:2]] == ["PermissionError"] * 2
        assert reads[expected] == "allowed"
        assert reads[1 - expected] == "PermissionError"
        assert answer[2 + expected] == "allowed"
        assert answer[3 - expected] == answer[4] == "PermissionError"
    assert all(os.access(path, os.R_OK) for path in paths)


async def test_a_group_that_is_idle_gives_its_process_up_and_comes_back(house: House) -> None:
    deploy(house, "one", "1.0")
    first = (await house.output("one", await house.start("one", {})))[1]
    fleet, now = house.engine._fleet, asyncio.get_running_loop().time()
    fleet.stop_idle(now + fleet.place.idle_after / 2)
    assert processes(house, "one") == [first]
    fleet.stop_idle(now + fleet.place.idle_after + 60)
    # given nothing from the moment on, even before it is gone
    second = (await house.output("one", await house.start("one", {})))[1]
    assert second != first

    async def gone() -> bool:
        return not alive(first)

    await house.until(gone, "the idle runner lives")
    assert house.engine.health().ready
    assert house.engine.crashed("one") is None


async def test_a_group_at_work_is_not_idle(house: House) -> None:
    deploy(house, "one", "1.0")
    instance = await house.start("one", {"hold": "held"})
    await house.marked("held")
    [pid] = processes(house, "one")
    house.engine._fleet.stop_idle(asyncio.get_running_loop().time() + 1e6)
    house.release("go")
    assert (await house.output("one", instance))[1] == pid


async def test_idleness_is_noticed_by_itself(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.open(idle_after=0.1)
    try:
        deploy(house, "one", "1.0")
        pid = (await house.output("one", await house.start("one", {})))[1]

        async def gone() -> bool:
            return not alive(pid)

        await house.until(gone, "the idle runner lives")
        await house.ready()  # the others are no business of it
    finally:
        await house.engine.close()


async def test_a_runner_that_dies_is_replaced_by_one_of_its_environment(house: House) -> None:
    deploy(house, "one", "1.0")
    beside = await house.start("one", {"hold": "beside"})
    await house.marked("beside")
    [pid] = processes(house, "one")
    os.kill(pid, signal.SIGKILL)
    house.release("go")
    answer = await house.output("one", beside)
    assert (answer[0], answer[1] != pid) == ("1.0", True)


async def test_runs_wait_for_missing_packages_and_hold_up_nobody(house: House) -> None:
    environment = house.folder / "environments/late/site"
    house.deploy("late", ASKS, environment)
    house.deploy("none", ASKS)
    wanted = asyncio.Event()
    there = asyncio.Event()

    async def install(path: Path) -> None:
        assert path == environment
        wanted.set()
        await there.wait()
        house.environment("late", tiny="V = 'late'\n")

    house.install = install
    late = [await house.start("late", {}) for _ in range(5)]
    await asyncio.wait_for(wanted.wait(), 60)
    for _ in range(3):
        assert (await house.output("none", await house.start("none", {})))[0] != "late"
    for instance in late:
        assert (await house.view("late", instance)).status is RunStatus.queued
    terminated = late.pop()
    await house.engine.terminate("late", terminated)
    paused = late[0]
    await house.engine.pause("late", paused)
    there.set()
    for instance in late[1:]:
        assert (await house.output("late", instance))[0] == "late"
    assert (await house.view("late", terminated)).status is RunStatus.terminated
    assert (await house.view("late", paused)).status is RunStatus.paused
    await house.engine.resume("late", paused)
    assert (await house.output("late", paused))[0] == "late"


async def test_missing_packages_lose_nothing_over_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout = asyncio.timeout

    # where it is waited, as the number itself is part of the code of a compiled engine
    def shorter(seconds: float | None) -> asyncio.Timeout:
        return timeout(0.5 if seconds == READY_TIMEOUT else seconds)

    monkeypatch.setattr(asyncio, "timeout", shorter)
    environment = deploy(house, "one", "1.0")
    environment.rename(environment.with_name("away"))
    instance = await house.start("one", {})
    with pytest.raises(EnvironmentMissing, match="no network"):
        await house.fetch("one")
    assert (await house.view("one", instance)).status is RunStatus.queued
    assert house.engine.crashed("one") is None
    assert house.engine.health().ready
    await house.engine.close()

    async def install(path: Path) -> None:
        environment.with_name("away").rename(path)

    house.install = install
    await house.open()
    assert (await house.output("one", instance))[0] == "1.0"
    assert (await house.fetch("one")).body == b"1.0"


async def test_packages_that_are_away_are_tried_again_with_patience(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waits.append(seconds)
        await sleep(min(seconds, 0.01))

    tries = 0

    async def install(path: Path) -> None:
        nonlocal tries
        tries += 1
        if tries < 9:
            raise EnvironmentMissing("not yet")
        house.environment("late", tiny="V = 'late'\n")

    house.install = install
    house.deploy("late", ASKS, house.folder / "environments/late/site")
    monkeypatch.setattr(asyncio, "sleep", noted)
    assert (await house.output("late", await house.start("late", {})))[0] == "late"
    assert [wait for wait in waits if wait >= 5] == [5, 10, 20, 40, 80, 160, 300, 300]


async def test_packages_that_crash_at_import_close_their_deployment_alone(house: House) -> None:
    broken = house.environment("broken", tiny="import os; os._exit(9)\n")
    house.deploy("broken", "import tiny\n" + ASKS, broken)
    deploy(house, "fine", "1.0")
    beside = await house.start("fine", {"hold": "beside"})
    await house.marked("beside")
    instance = await house.start("broken", {})
    run = await house.ended("broken", instance)
    assert run.error is not None
    assert run.error.code == "runner.crashed"
    assert run.error.message.startswith("Importing the module brought its runner down repeatedly")
    with pytest.raises(DeploymentCrashed):
        await house.start("broken", {})
    [pid] = processes(house, "fine")
    house.release("go")
    assert await house.output("fine", beside) == ["1.0", pid]
    assert house.engine.health().ready


async def test_suspects_are_alone_with_their_own_packages(house: House) -> None:
    source = """
    class W(WorkflowEntrypoint):
        async def run(self, event, step):
            import tiny
            @step.do(config={"retries": {"limit": 1, "delay": 10, "backoff": "constant"}})
            async def work():
                n = event.payload["n"]
                mark(f"{tiny.V} {n}")
                if marks(f"{tiny.V} {n}") < 3:  # twice both are in flight when their runner dies
                    while marks(f"{tiny.V} {1 - n}") < marks(f"{tiny.V} {n}"):
                        await asyncio.sleep(0.005)
                    await asyncio.sleep(0.05 if n else 30)
                    os._exit(1)
                return [tiny.V, n]
            return await work()
    """
    deploy(house, "one", "1.0", source)
    deploy(house, "two", "2.0", source)
    runs = [(name, await house.start(name, {"n": n})) for name in ("one", "two") for n in (0, 1)]
    got = [await house.output(name, instance) for name, instance in runs]
    assert got == [["1.0", 0], ["1.0", 1], ["2.0", 0], ["2.0", 1]]
    alone = [slot.group.environment for slot in house.engine._fleet.slots if slot.alone]
    assert set(alone) == {house.bundles[name].environment for name in ("one", "two")}
