"""What a step's code prints is found with the attempt that printed it, on every engine."""

from __future__ import annotations

from awaitstep.engine.states import RunStatus


def texts(attempt):
    return [(line.stream.name, line.text) for line in attempt.log]


async def test_each_attempt_has_what_it_printed(desk):
    desk.deploy(
        """
import logging, sys
shop = logging.getLogger("shop")
if logging.getLogger().handlers:  # the tests' own, which keep what is logged from stderr
    shop.addHandler(logging.StreamHandler())
print("the body is nobody's")
@step.do("talk", config={"retries": {"limit": 1, "delay": 0}})
async def talk(ctx):
    print("attempt", ctx["attempt"])
    shop.warning("careful %d", ctx["attempt"])
    shop.debug("not shown")
    await asyncio.sleep(0)
    print("no end", end="", file=sys.stderr)
    if ctx["attempt"] == 1:
        raise ValueError("not yet")
    return 1
@step.do("silent")
async def silent(): return 2
return [await talk(), await silent()]
"""
    )
    run = await desk.start()
    desk.clock.move(1)
    await desk.tried(run, "talk", 1)
    desk.clock.move(1)
    assert await desk.output(run) == [1, 2]
    await desk.reopen()
    steps = await desk.steps(run)
    for number, attempt in enumerate(steps["talk"].attempts, 1):
        out = [text for stream, text in texts(attempt) if stream == "stdout"]
        err = [text for stream, text in texts(attempt) if stream == "stderr"]
        assert out == [f"attempt {number}"]
        assert err == [f"careful {number}", "no end"]
    assert len(steps["talk"].attempts) == 2
    assert [list(a.log) for a in steps["silent"].attempts] == [[]]


async def test_threads_and_tasks_of_an_attempt_print_for_it(desk):
    desk.deploy(
        """
@step.do("blocking")
def blocking():
    print("from a thread")
@step.do("tasks")
async def tasks():
    async def one(name): print("task", name)
    await asyncio.gather(one("a"), asyncio.to_thread(print, "thread b"))
    os.environ["NOTHING"] = ""
await asyncio.gather(blocking(), tasks())
"""
    )
    run = await desk.start()
    await desk.output(run)
    steps = await desk.steps(run)
    assert texts(steps["blocking"].attempts[0]) == [("stdout", "from a thread")]
    assert sorted(texts(steps["tasks"].attempts[0])) == [
        ("stdout", "task a"),
        ("stdout", "thread b"),
    ]


async def test_concurrent_arms_do_not_share_their_lines(desk):
    desk.deploy(
        """
def arm(name):
    @step.do(name)
    async def say():
        for turn in range(20):
            print(name, turn)
            await asyncio.sleep(0)
    return say()
await asyncio.gather(*(arm(name) for name in "abc"))
"""
    )
    run = await desk.start()
    await desk.output(run)
    for name, step in (await desk.steps(run)).items():
        assert [line.text for line in step.attempts[0].log] == [f"{name} {n}" for n in range(20)]


async def test_an_attempt_that_timed_out_keeps_what_it_said_in_time(desk):
    desk.deploy(
        """
@step.do("slow", config={"timeout": 50, "retries": {"limit": 0, "delay": 0}})
async def slow():
    print("begun")
    mark("begun")
    try:
        await asyncio.sleep(3600)
    finally:
        print("too late")
await slow()
"""
    )
    run = await desk.start()
    await desk.seen(lambda: desk.marks() == ["begun"])
    desk.clock.move(1)
    await desk.error(run)
    [attempt] = (await desk.steps(run))["slow"].attempts
    assert texts(attempt) == [("stdout", "begun")]


async def test_a_loud_step_harms_nobody(desk):
    desk.deploy(
        """
@step.do("loud")
def loud():
    for n in range(20_000):
        print("x" * 100)
    return "done"
return await loud()
"""
    )
    run = await desk.start()
    assert await desk.output(run) == "done"
    [attempt] = (await desk.steps(run))["loud"].attempts
    assert attempt.log[-1].stream.name == "note"
    assert 600 < len(attempt.log) <= 1_001


async def test_a_run_that_prints_nothing_keeps_no_attempts(embedded_desk):
    desk = embedded_desk
    desk.deploy('@step.do("a")\nasync def a(): return 1\nreturn await a()')
    run = await desk.start()
    await desk.until(run, RunStatus.complete)

    def attempts(db):
        return db.execute("select attempts from operations").fetchall()

    assert await desk.engine.journal.read(attempts) == [(None,)]
