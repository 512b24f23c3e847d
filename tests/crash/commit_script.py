"""A server that kills itself at one commit of its journal, and the client that is in it.

    commit_script.py FOLDER WHEN NUMBER LIFE

WHEN is `before`, `within` or `after` the commit NUMBER (from 1), or `never`. The client goes from
stage to stage of one fixed scenario. A stage that was acknowledged stands in FOLDER/acknowledged;
in the next LIFE its goal must hold without being asked for again. Prints what has become of
every run, and exits with 0, once all have ended.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from awaitstep.engine.clock import ManualClock
from awaitstep.engine.embedded import Embedded
from awaitstep.engine.errors import RunNotFound
from awaitstep.engine.port import EntryType, StartRun
from awaitstep.engine.states import ENDED
from awaitstep.engine.workers import Bundle

WORKER = """
import asyncio, hashlib, json, os
from workers import WorkflowEntrypoint

PATIENT = {"retries": {"limit": 3, "delay": "1 minute", "backoff": "constant"}}


class W(WorkflowEntrypoint):
    async def run(self, event, step):
        what = event["payload"]["what"]

        def mark(ctx, text, name=None):
            name = name or ctx["step"]["name"]
            line = json.dumps([event["instanceId"], ctx["epoch"], name, text, os.getpid()])
            fd = os.open(self.env.EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(fd, f"{line}\\n".encode())
            os.close(fd)

        async def act(name, value=None, fails=0, undoing=None):
            async def undo(output, error, ctx):
                mark(ctx, "begin", f"{name} · rollback")
                await asyncio.sleep(0)
                if ctx["attempt"] <= undoing:
                    raise ValueError(f"{output} is not undone after {type(error).__name__}")
                mark(ctx, "end", f"{name} · rollback")
            undone = {} if undoing is None else {"rollback": undo, "rollback_config": PATIENT}
            @step.do(name, config=PATIENT, **undone)
            async def do(ctx):
                mark(ctx, "begin")
                await asyncio.sleep(0)
                if ctx["attempt"] <= fails:
                    mark(ctx, "fail")
                    raise ValueError(f"attempt {ctx['attempt']}")
                mark(ctx, "end")
                return value
            return await do()

        async def child(what):
            @step.do("start the child", config=PATIENT)
            async def start(ctx):
                mark(ctx, "begin")
                run = (event["workflowName"], event["instanceId"], event["timestamp"])
                parts = (*run, ctx["epoch"], ctx["step"]["name"], ctx["step"]["count"])
                id = hashlib.sha256("\\n".join(map(str, parts)).encode()).hexdigest()[:32]
                try:
                    await self.env.WORKFLOW.create(id=id, params={"what": what})
                except Exception as error:
                    if "already_exists" not in str(error):
                        raise
                mark(ctx, "end")
                return id
            id = await start()
            got = await step.wait_for_event("the child", "child-" + id, timeout="300 days")
            return dict(got.payload)

        async def arm(n):
            got = await act(f"arm {n}", n)
            await step.sleep(f"nap {n}", "2 hours")
            return got + await act(f"end of arm {n}", 10 * n)

        if what == "all":
            one = await act("one", 1)
            flaky = await act("flaky", 2, fails=1)
            await step.sleep("nap", "1 hour")
            got = await step.wait_for_event("gate", "go", timeout="300 days")
            arms = await asyncio.gather(arm(1), arm(2))
            try:
                await act("hopeless", fails=9)
            except ValueError as error:
                return [one, flaky, got.payload, arms, str(error)]
        if what == "parent":
            return [await child("child"), await act("last")]
        if what == "undone":
            await act("one", 1, undoing=1)
            await act("two", 2, undoing=0)
            await step.sleep("nap", "1 hour")
            await act("hopeless", fails=9, undoing=9)
        if what in ("stopped", "held"):
            await act("one", 1, undoing=1)
            await act("two", 2, undoing=0)
            if what == "stopped":
                await child("held")
            await step.wait_for_event("gate", "go", timeout="300 days")
        if what == "child":
            return await act("born", "grown")
        if what in ("waits", "ended"):
            await act("one")
            got = await step.wait_for_event("gate", "go", timeout="300 days")
            return [got.payload, await act("two", 2)]
        return await act("only", what)
"""
MARGIN = 10_000_000.0  # seconds between two lives: what slept is overdue
Goal = Callable[[], Awaitable[bool]]
Ask = Callable[[], Awaitable[object]]

folder, when, number, life = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


class Failing(sqlite3.Connection):
    """The journal's connection: it ends the process at the commit it was told."""

    commits = 0
    rows = 0

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql != "commit":
            done = super().execute(sql, *values)
            self._wrote(sql)
            return done
        Failing.commits += 1
        Failing.rows = 0
        self._die("before")
        done = super().execute(sql)
        self._die("after")
        return done

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        for row in rows:
            super().execute(sql, row)
            self._wrote(sql)
        return self.cursor()

    def _wrote(self, sql: str) -> None:
        if sql.startswith(("insert", "update", "delete")):
            Failing.rows += 1
            if Failing.rows == 1 and when == "within" and Failing.commits + 1 == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def _die(self, moment: str) -> None:
        if when == moment and Failing.commits == number:
            os.kill(os.getpid(), signal.SIGKILL)


connect = sqlite3.connect


def failing(path: Path, **options: Any) -> sqlite3.Connection:
    return connect(path, factory=Failing, **options)


class One:
    """Where the engine finds the one deployment."""

    async def bundle(self, deployment: str) -> Bundle:
        effects = str(folder / "tmp" / "effects")
        module = folder / "deployments" / "worker.py"
        return Bundle(
            "dep", "wf", "w", module, "W", variables={"EFFECTS": effects},
            bindings={"WORKFLOW": "wf"},
        )  # fmt: skip


class Client:
    def __init__(self, engine: Embedded, clock: ManualClock) -> None:
        self.engine = engine
        self.clock = clock
        self.file = folder / "acknowledged"
        self.known = self.file.read_text().splitlines() if self.file.exists() else []

    async def stage(self, name: str, ask: Ask, goal: Goal) -> None:
        if name in self.known:
            assert await goal(), f"{name} was acknowledged and is lost"
            return
        if not await goal():
            await ask()
        assert await goal(), f"{name} did not happen"
        with self.file.open("a") as file:
            file.write(f"{name}\n")

    async def until(self, goal: Goal) -> None:
        async with asyncio.timeout(60):
            while not await goal():
                await asyncio.sleep(0.002)
                self.clock.move(60)

    async def create(self, *whats: str) -> None:
        async def all_there() -> bool:
            try:
                for what in whats:
                    await self.engine.get("wf", f"r-{what}")
            except RunNotFound:
                return False
            return True

        starts = [
            StartRun("wf", "dep", "api", json.dumps({"what": what}).encode(), f"r-{what}")
            for what in whats
        ]
        await self.stage(f"create {whats}", lambda: self.engine.create_batch(starts), all_there)

    async def waits_at(self, run: str, step: str) -> None:
        async def there() -> bool:
            return step in {s.name for s in await self.engine.history("wf", run)}

        await self.until(there)

    async def send(self, run: str) -> None:
        """The event is told apart by its row, whether it was taken or not."""

        async def arrived() -> bool:
            with connect(folder / "journal.sqlite") as db:
                found = db.execute(
                    "select count(*) from events join runs on ref = run where instance = ?"
                    " and type = 'go'",
                    (run,),
                ).fetchone()
            db.close()
            assert found[0] <= 1
            return bool(found[0])

        ask = lambda: self.engine.send_event("wf", run, "go", b'"went"')  # noqa: E731
        await self.stage(f"event {run}", ask, arrived)

    async def has_ended(self, run: str) -> bool:
        return (await self.engine.get("wf", run)).status in ENDED

    async def verb(self, verb: Callable[..., Awaitable[Any]], run: str, goal: Goal) -> None:
        await self.stage(f"{verb.__name__} {run}", lambda: verb("wf", run), goal)

    async def play(self) -> None:
        engine = self.engine
        await self.create("all")
        await self.create("parent", "waits")
        await self.create("ended", "again", "batch")
        await self.create("undone", "stopped")
        await self.waits_at("r-waits", "gate")

        async def paused() -> bool:
            run = await engine.get("wf", "r-waits")
            # the resume may be on disk although the server died before it could say so
            log = await engine.event_log("wf", "r-waits")
            over = any(entry.type is EntryType.run_resumed for entry in log)
            return over or run.status == "paused" or run.pause_requested

        await self.verb(engine.pause, "r-waits", paused)
        await self.send("r-waits")

        async def resumed() -> bool:
            run = await engine.get("wf", "r-waits")
            return run.status != "paused" and not run.pause_requested

        await self.verb(engine.resume, "r-waits", resumed)
        await self.waits_at("r-ended", "gate")

        async def terminated() -> bool:
            return (await engine.get("wf", "r-ended")).status == "terminated"

        await self.verb(engine.terminate, "r-ended", terminated)
        await self.until(lambda: self.has_ended("r-again"))

        async def anew() -> bool:
            return (await engine.get("wf", "r-again")).epoch == 2

        await self.verb(engine.restart, "r-again", anew)

        await self.waits_at("r-stopped", "the child")
        child = json.loads((await engine.history("wf", "r-stopped"))[2].output)
        await self.waits_at(child, "gate")

        async def rolled_back() -> bool:
            run = await engine.get("wf", "r-stopped")
            return run.rolling_back or run.status == "terminated"

        async def roll_back(workflow: str, run: str) -> None:
            await engine.terminate(workflow, run, rollback=True)

        await self.verb(roll_back, "r-stopped", rolled_back)

        await self.waits_at("r-all", "gate")
        await self.send("r-all")

        whats = ("all", "parent", "waits", "ended", "again", "batch", "undone", "stopped")
        for run in whats:
            await self.until(lambda run=run: self.has_ended(f"r-{run}"))

    async def found(self) -> dict[str, Any]:
        """Everything that must not depend on when the server was killed."""
        with connect(folder / "journal.sqlite") as db:
            instances = [instance for (instance,) in db.execute("select instance from runs")]
        db.close()
        found = {}
        children = {}
        for instance in instances:
            run = await self.engine.get("wf", instance)
            if not instance.startswith("r-"):
                children[instance] = json.loads(run.params)["what"]
            steps = {}
            for s in await self.engine.history("wf", instance):
                value = json.loads(s.output or b"null")
                if s.type == "wait" and value is not None:
                    value = value["payload"]  # beside it is the moment
                error = s.error and s.error.message
                steps[f"{s.name} {s.count}"] = [s.type, s.status, value, error, len(s.attempts)]
            output = json.loads(run.output or b"null")
            found[instance] = [run.status, run.epoch, output, str(run.error), steps]
        text = json.dumps(found)
        for child, what in children.items():  # its id tells when its parent was made
            text = text.replace(child, what)
        return json.loads(text)


async def main() -> None:
    sqlite3.connect = failing
    clock = ManualClock(1_800_000_000 + MARGIN * life)
    engine = await Embedded.open(folder, One(), clock=clock)
    client = Client(engine, clock)
    await client.play()
    print(json.dumps({"commits": Failing.commits, "found": await client.found()}))
    await engine.close()


for name in ("deployments", "tmp"):
    (folder / name).mkdir(exist_ok=True)
(folder / "deployments" / "worker.py").write_text(WORKER)
asyncio.run(main())
