"""Whatever a deployment's code does to its runner, others go on and the right one is charged."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from awaitstep.engine.embedded import requests
from awaitstep.engine.errors import DeploymentCrashed, WorkerFailed
from awaitstep.engine.states import RunStatus

from .house import House, alive

NEIGHBOUR = """
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do()
        async def before():
            return 1

        @step.do()
        async def long():
            await hold("long", "go")
            return 2

        async def asleep():
            await step.sleep("nap", 300)
            got = await step.wait_for_event("gate", "gate")
            return got.payload

        return [await before(), *await asyncio.gather(long(), asleep())]
"""


def killer(step: str, config: str = "ONCE") -> str:
    """A workflow whose step `bad` goes wrong the first time it runs beside nobody or somebody."""
    return f"""
class W(WorkflowEntrypoint):
    async def run(self, event, step):
        @step.do(config={config})
{step}
        return await bad()
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path) as house:
        await house.ready()
        yield house


async def neighbour(house: House) -> str:
    """A run with a finished step, an attempt in flight and a wait."""
    if "neighbour" not in house.bundles:
        house.deploy("neighbour", NEIGHBOUR)
    before = house.marks().count("long")
    instance = await house.start("neighbour")
    await house.marked("long", before + 1)
    return instance


async def unharmed(house: House, instance: str) -> None:
    """The neighbour ends as if nothing had happened: nothing of it is charged or done again."""
    house.release("go")
    await house.engine.send_event("neighbour", instance, "gate", b'"open"')
    assert await house.output("neighbour", instance) == [1, 2, "open"]
    for step in await house.engine.history("neighbour", instance):
        assert step.status == "complete"
        assert [attempt.error for attempt in step.attempts] in ([], [None]), step


SPIN_IN_THREAD = """\
        def bad():
            mark("bad")
            if marks("bad") == 1:
                while True:
                    pass  # here
            return "fine"
"""


async def test_a_thread_that_spins_is_stopped_at_its_timeout(house: House) -> None:
    house.deploy("bad", killer(SPIN_IN_THREAD, '{**ONCE, "timeout": 500}'))
    pid = await house.ready()
    beside = await neighbour(house)
    instance = await house.start("bad")
    assert await house.output("bad", instance) == "fine"
    step = await house.step("bad", instance, "bad")
    first, second = step.attempts
    assert first.error is not None
    assert (first.error.name, second.error) == ("TimeoutError", None)
    assert house.runners() == [pid]
    await unharmed(house, beside)
    assert house.marks().count("long") == 1


# what the step does, and how its attempt is told to have ended
ENDINGS = {
    "spin": ("while True: pass  # here", "it blocked the event loop for 1 s at {line} in bad"),
    "block": ("time.sleep(1000)  # here", "it blocked the event loop for 1 s at {line} in bad"),
    "spin in a task": (
        "await asyncio.gather(spin())",
        "it blocked the event loop for 1 s at {line} in spin",
    ),
    "exit": ("os._exit(7)", "exit status 7"),
    "SIGKILL": (
        "os.kill(os.getpid(), 9)",
        "killed by SIGKILL, as the system does when memory runs out",
    ),
    "segfault": ("ctypes.string_at(0)  # here", "segmentation fault at {line} in bad"),
    "exit of a thread": ("await asyncio.to_thread(os._exit, 7)", "exit status 7"),
}
LINES = {"spin": "# here", "block": "# here", "spin in a task": "# spun", "segfault": "# here"}


def ending(how: str, times: int = 1, config: str = "ONCE", when: str = "") -> str:
    """The step ends its runner the first `times` times, or as long as `when`."""
    step = f"""\
        async def bad(ctx):
            async def spin():
                while True: pass  # spun
            mark("bad")
            if {when or f'marks("bad") <= {times}'}:
                {ENDINGS[how][0]}
            return "fine"
"""
    return killer(step, config)


async def charged(house: House, instance: str, how: str) -> None:
    """The step has two attempts: the one that ended the runner, with what is known, and a good one."""
    step = await house.step("bad", instance, "bad")
    first, second = step.attempts
    assert second.error is None
    assert first.error is not None
    told = ENDINGS[how][1]
    line = house.line("bad", LINES[how]) if how in LINES else None
    assert first.error.name == "RunnerDied"
    assert first.error.code == "runner.died"
    assert first.error.step == "bad"
    assert first.error.line == line
    told = told.format(line=f"worker.py line {line}")
    assert first.error.message == f"Step 'bad' ended its runner: {told}"


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_step_that_ends_its_runner_is_charged_an_attempt(house: House, how: str) -> None:
    house.deploy("bad", ending(how))
    pid = await house.ready()
    instance = await house.start("bad")
    assert await house.output("bad", instance) == "fine"
    assert not alive(pid)
    await charged(house, instance, how)


@pytest.mark.parametrize("how", ["spin", "spin in a task"])
async def test_of_many_the_one_that_blocks_the_loop_is_charged(house: House, how: str) -> None:
    house.deploy("bad", ending(how))
    beside = [await neighbour(house) for _ in range(3)]
    instance = await house.start("bad")
    assert await house.output("bad", instance) == "fine"
    await charged(house, instance, how)
    for other in beside:
        await unharmed(house, other)
    assert house.marks().count("long done") == 3


@pytest.mark.parametrize("how", ["exit", "SIGKILL", "segfault", "exit of a thread"])
async def test_of_many_nobody_is_charged_until_one_is_alone(house: House, how: str) -> None:
    house.deploy("bad", ending(how, when='ctx["attempt"] == 1'))
    beside = [await neighbour(house) for _ in range(3)]
    instance = await house.start("bad")

    async def died_twice() -> bool:
        runners = (await house.engine.figures()).runners
        return runners is not None and runners.restarts.get("died", 0) >= 2

    await house.until(died_twice, "no second death")  # both find several at work
    house.release("go")
    assert await house.output("bad", instance) == "fine"
    await charged(house, instance, how)
    for other in beside:
        await unharmed(house, other)


async def test_who_is_charged_does_not_harm_others_again(house: House) -> None:
    house.deploy(
        "bad", ending("spin", times=2, config='{**ONCE, "retries": {"limit": 2, "delay": 1}}')
    )
    beside = [await neighbour(house) for _ in range(3)]
    instance = await house.start("bad")
    assert await house.output("bad", instance) == "fine"
    step = await house.step("bad", instance, "bad")
    assert [attempt.error is None for attempt in step.attempts] == [False, False, True]
    assert house.marks().count("long") == 6  # once more each, and not twice
    for other in beside:
        await unharmed(house, other)


async def test_runs_of_a_deployment_that_ended_a_runner_once_go_on_side_by_side(
    house: House,
) -> None:
    house.deploy(
        "bad",
        """
        class W(WorkflowEntrypoint):
            async def run(self, event, step):
                n = event["payload"]["n"]

                @step.do(config=ONCE)
                async def bad():
                    mark("bad")
                    if n == 0 and marks("bad") == 1:
                        os._exit(7)
                    await hold(f"at work", "go")
                    return n

                return await bad()
        """,
    )
    first = await house.start("bad", {"n": 0})
    await house.marked("bad", 2)
    others = [await house.start("bad", {"n": n}) for n in range(1, 5)]
    await house.marked("at work", 5)
    house.release("go")
    for n, instance in enumerate([first, *others]):
        assert await house.output("bad", instance) == n


async def test_a_runner_killed_from_outside_costs_nobody_anything(house: House) -> None:
    beside = [await neighbour(house) for _ in range(3)]
    os.kill(await house.ready(), signal.SIGKILL)
    await house.marked("long", 6)
    for other in beside:
        await unharmed(house, other)


ALWAYS = '{"retries": {"limit": 9, "delay": 1, "backoff": "constant"}}'
SLEEPER = """
        if event["payload"]:
            await step.sleep("nap", "5 minutes")
"""


async def closed(house: House, name: str, why: str, *runs: str) -> None:
    """Its runs have ended, nothing is accepted for it, everybody else goes on."""
    for instance in runs:
        run = await house.ended(name, instance)
        assert run.status is RunStatus.errored
        assert run.error is not None
        assert run.error.code == "runner.crashed"
        assert run.error.message == why
    with pytest.raises(DeploymentCrashed, match="brought its runner down"):
        await house.start(name)
    with pytest.raises(DeploymentCrashed):
        await house.fetch(name)
    assert house.engine.crashed(name) == why
    await house.ready()
    house.deploy(
        "other", "class W(WorkflowEntrypoint):\n    async def run(self, event, step): return 1"
    )
    assert await house.output("other", await house.start("other")) == 1


async def test_after_three_deaths_a_deployment_is_closed(house: House) -> None:
    source = ending("exit", times=99, config=ALWAYS)
    house.deploy("bad", source.replace("        @step", SLEEPER + "        @step"))
    beside = await neighbour(house)
    sleeping = await house.start("bad", {"sleep": True})
    house.release("go")
    # alone from here on: with others in flight the first deaths would be nobody's
    await house.reached("neighbour", beside, RunStatus.waiting)
    await house.reached("bad", sleeping, RunStatus.waiting)
    instance = await house.start("bad")
    why = "Step 'bad' brought its runner down repeatedly: exit status 7"
    await closed(house, "bad", why, instance, sleeping)
    assert house.marks().count("bad") == 3
    await unharmed(house, beside)


async def test_three_deaths_among_many_are_charged_to_the_right_deployment(house: House) -> None:
    house.deploy("bad", ending("segfault", times=99, config=ALWAYS))
    beside = [await neighbour(house) for _ in range(3)]
    instance = await house.start("bad")
    await house.marked("bad", 2)
    house.release("go")
    line = house.line("bad", "# here")
    why = (
        "Step 'bad' brought its runner down repeatedly: "
        f"segmentation fault at worker.py line {line} in bad"
    )
    await closed(house, "bad", why, instance)
    for other in beside:
        await unharmed(house, other)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("os._exit(3)", "exit status 3"),
        ("ctypes.string_at(0)  # here", "segmentation fault at worker.py line {line} in <module>"),
        (
            "while True: pass  # here",
            "it blocked the event loop for 1 s at worker.py line {line} in <module>",
        ),
    ],
    ids=["exit", "segfault", "spin"],
)
async def test_a_module_that_ends_its_runner_stops_nobody_else(
    house: House, how: str, told: str
) -> None:
    house.deploy("bad", f"{how}\nclass W(WorkflowEntrypoint): pass\n")
    beside = [await neighbour(house) for _ in range(2)]
    runs = [await house.start("bad") for _ in range(3)]
    line = house.line("bad", "# here") if "# here" in how else 0
    why = "Importing the module brought its runner down repeatedly: " + told.format(line=line)
    await closed(house, "bad", why, *runs)
    for other in beside:
        await unharmed(house, other)
    assert house.marks().count("long") <= 4  # only the first death was among them


@pytest.mark.parametrize("how", ["os._exit(3)", "while True: pass"], ids=["exit", "spin"])
async def test_a_run_whose_own_code_ends_its_runner_closes_its_deployment(
    house: House, how: str
) -> None:
    house.deploy(
        "bad", f"class W(WorkflowEntrypoint):\n    async def run(self, event, step):\n        {how}"
    )
    beside = [await neighbour(house) for _ in range(2)]
    instance = await house.start("bad")
    run = asyncio.create_task(house.ended("bad", instance))
    await house.marked("long", 4)
    house.release("go")
    await run
    why = house.engine.crashed("bad")
    assert why is not None
    assert why.startswith("The code of run() brought its runner down repeatedly: ")
    await closed(house, "bad", why, instance)
    for other in beside:
        await unharmed(house, other)


SURVIVOR = """
import fcntl

class W(WorkflowEntrypoint):
    async def run(self, event, step):
        name, delay = event["payload"]["name"], event["payload"]["delay"]
        config = {"retries": {"limit": 1, "delay": delay, "backoff": "constant"}, "timeout": 300}

        def own():
            # held until the process dies, unless the attempt gives it back
            lock = os.open(os.path.join(os.path.dirname(EFFECTS), "lock-" + name), os.O_CREAT | os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                mark("two owners")
            mark(name)

        @step.do("deaf", config=config)
        def thread():
            own()
            if marks(name) == 1:
                time.sleep(1000)
            return "fine"

        @step.do("deaf", config=config)
        async def task():
            own()
            if marks(name) == 1:
                while True:
                    try:
                        await asyncio.sleep(1000)
                    except asyncio.CancelledError:
                        pass
            return "fine"

        return await (task if name.startswith("task") else thread)()
"""


async def test_who_ignores_its_timeout_goes_with_its_runner(house: House) -> None:
    house.deploy("deaf", SURVIVOR)
    pid = await house.ready()
    beside = await neighbour(house)
    runs = {
        name: await house.start("deaf", {"name": name, "delay": delay})
        for name, delay in {
            "thread": 100,
            "thread later": 2000,  # long enough to be unloaded meanwhile
            "task": 100,
            "task later": 2000,
        }.items()
    }
    for name, instance in runs.items():
        assert await house.output("deaf", instance) == "fine"
        assert house.marks().count(name) == 2
        step = await house.step("deaf", instance, "deaf")
        errors = [attempt.error and attempt.error.name for attempt in step.attempts]
        assert errors == ["TimeoutError", None]
    assert "two owners" not in house.marks()
    assert not alive(pid)
    await unharmed(house, beside)


async def test_a_pause_waits_for_a_thread_that_ignores_its_timeout(house: House) -> None:
    house.deploy("deaf", SURVIVOR)
    instance = await house.start("deaf", {"name": "thread", "delay": 100})
    await house.marked("thread")
    await house.failed("deaf", instance, "deaf")
    await house.engine.pause("deaf", instance)
    await house.reached("deaf", instance, RunStatus.paused)
    await house.engine.resume("deaf", instance)
    assert await house.output("deaf", instance) == "fine"
    assert "two owners" not in house.marks()


async def test_sys_exit_ends_what_called_it_and_nothing_else(house: House) -> None:
    pid = await house.ready()
    beside = await neighbour(house)
    house.deploy("import", "sys.exit('import')")
    house.deploy(
        "bad",
        """
        class Default(WorkerEntrypoint):
            async def fetch(self, request):
                sys.exit("fetch")

        class W(WorkflowEntrypoint):
            async def run(self, event, step):
                @step.do(config={**ONCE, "retries": {"limit": 0, "delay": 1}})
                def thread():
                    sys.exit("thread")

                @step.do(config={**ONCE, "retries": {"limit": 0, "delay": 1}})
                async def task():
                    sys.exit("task")

                @step.do(config={**ONCE, "retries": {"limit": 0, "delay": 1}})
                async def inner():
                    async def leave():
                        sys.exit("inner")
                    await asyncio.create_task(leave())

                for bad in (thread, task, inner):
                    try:
                        await bad()
                    except Exception as error:
                        mark(f"{type(error).__name__} {error}")
                sys.exit("run")
        """,
    )
    run = await house.ended("bad", await house.start("bad"))
    assert run.error is not None
    assert (run.error.name, run.error.message) == ("SystemExit", "run")
    assert [f"StepError {name}" in house.marks() for name in ("thread", "task", "inner")] == [
        True
    ] * 3
    with pytest.raises(WorkerFailed):
        await house.fetch("bad")
    run = await house.ended("import", await house.start("import"))
    assert run.error is not None
    assert (run.error.name, run.error.message) == ("SystemExit", "import")
    assert house.runners() == [pid]
    await unharmed(house, beside)
    assert house.marks().count("long") == 1


HANDLER = """
class Default(WorkerEntrypoint):
    async def fetch(self, request):
        mark("fetch")
        if request.url.endswith("/slow"):
            await hold("slow", "go")
        elif request.url.endswith("/bad"):
            {how}
        return Response("fine")
"""


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("os._exit(7)", "exit status 7"),
        ("time.sleep(1000)  # here", "blocked the event loop for 1 s at worker.py line {line} in"),
        ("while True: pass  # here", "blocked the event loop for 1 s at worker.py line {line} in"),
    ],
    ids=["exit", "block", "spin"],
)
async def test_a_handler_that_ends_its_runner_closes_its_worker_only(
    house: House, how: str, told: str
) -> None:
    house.deploy("bad", HANDLER.format(how=how))
    sleeping = await neighbour(house)
    house.release("go")
    await house.marked("long done")
    told = told.format(line=house.line("bad", "# here") if "# here" in how else 0)
    assert (await house.fetch("bad")).body == b"fine"
    requests = (await house.engine.figures()).workflows["bad"].requests
    assert requests is not None
    assert requests.statuses == {2: 1, 3: 0, 4: 0, 5: 0}
    for _ in range(3):
        # its own code must not be at work, or the death could be either's
        await house.reached("neighbour", sleeping, RunStatus.waiting)
        with pytest.raises(WorkerFailed) as failed:
            await house.fetch("bad", "/bad")
        assert failed.value.code == "runner.died"
        assert told in failed.value.detail
    why = house.engine.crashed("bad")
    assert why is not None
    assert why.startswith("The fetch handler brought its runner down repeatedly: ")
    await closed(house, "bad", why)
    assert requests.statuses == {2: 1, 3: 0, 4: 0, 5: 4}  # one was refused by the server
    failure = house.engine.handler_failure("bad")
    assert failure is not None
    assert failure.error.code == "runner.died"
    assert told in failure.error.message
    assert sum(requests.classes) == 5
    await unharmed(house, sleeping)


async def test_of_many_a_handler_is_charged_once_it_is_alone(house: House) -> None:
    house.deploy("bad", HANDLER.format(how="os._exit(7)"))
    house.deploy("good", HANDLER.format(how="pass"))
    beside = await neighbour(house)
    slow = asyncio.create_task(house.fetch("good", "/slow"))
    await house.marked("slow")
    with pytest.raises(WorkerFailed):
        await house.fetch("bad", "/bad")
    with pytest.raises(WorkerFailed) as failed:
        await slow  # a request can't be made again
    assert failed.value.code == "runner.lost"
    assert "exit status 7" not in failed.value.detail
    slow = asyncio.create_task(house.fetch("good", "/slow"))
    await house.marked("slow", 2)
    await house.marked("long", 2)
    with pytest.raises(WorkerFailed):
        await house.fetch("bad", "/bad")
    with pytest.raises(WorkerFailed):
        await slow
    # seen in two deaths, all of them answer one after the other now
    house.release("go")
    answers = await asyncio.gather(*(house.fetch("good") for _ in range(5)))
    assert [answer.body for answer in answers] == [b"fine"] * 5
    for _ in range(3):
        with pytest.raises(WorkerFailed):
            await house.fetch("bad", "/bad")
    assert house.engine.crashed("bad") == (
        "The fetch handler brought its runner down repeatedly: exit status 7"
    )
    assert house.engine.crashed("good") is None
    assert house.engine.handler_failure("bad") is not None
    assert house.engine.handler_failure("good") is None
    assert house.engine.crashed("neighbour") is None
    await unharmed(house, beside)


@pytest.mark.interpreted
async def test_a_handler_that_does_not_answer_is_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "FETCH_TIMEOUT", 0.2)
    house.deploy(
        "slow",
        """
        class Default(WorkerEntrypoint):
            async def fetch(self, request):
                if request.url.endswith("/slow"):
                    await asyncio.sleep(30)
                return Response("fine")
        """,
    )
    await house.ready()
    with pytest.raises(WorkerFailed) as failed:
        await house.fetch("slow", "/slow")
    assert failed.value.code == "worker.timeout"
    assert (await house.fetch("slow")).body == b"fine"
    assert not house.engine._fleet.slots[0].fetches
