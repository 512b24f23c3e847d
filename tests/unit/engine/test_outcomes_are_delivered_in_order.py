"""An execution against an engine that only listens: what it says, and in which order code learns."""

import asyncio

import pytest

from awaitstep.engine import outcomes, values
from awaitstep.engine.clock import ManualClock
from awaitstep.engine.eager import Eager
from awaitstep.engine.execution import Execution
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.recorded import Recorded
from awaitstep.engine.retry import DEFAULT, RetryPolicy
from awaitstep.engine.states import StepKind
from awaitstep.engine.tasks import MOST_REFUSALS, Unloaded

DO, SLEEP, WAIT = StepKind.do, StepKind.sleep, StepKind.wait


class Listener:
    """Notes everything; answers are given by the test."""

    def __init__(self):
        self.said = []
        self.seen = None

    def __getattr__(self, what):
        return lambda *details: self.said.append((what, *details))

    def ended(self, output, failure, seen):
        self.said.append(("ended", output, failure))
        self.seen = seen

    def of(self, what):
        return [details for kind, *details in self.said if kind == what]


class NoThreads:
    async def run(self, fn, *args, on_start):
        return fn(*args)


class Bench:
    """One execution and its listener."""

    def __init__(self, code, recorded=(), **options):
        self.engine = Listener()
        self.log = []
        self.clock = ManualClock()
        self.execution = Execution(
            self.engine,
            label="run 1",
            recorded=list(recorded),
            clock=self.clock,
            threads=NoThreads(),
            loop=asyncio.get_running_loop(),
            eager=Eager(asyncio.get_running_loop()),
            **options,
        )
        self.execution.start(lambda: code(self.execution, self.log))

    async def rest(self):
        """Turn the loop until nothing more can happen by itself."""
        for _ in range(60):
            await asyncio.sleep(0)
        return self


def do(execution, name, result=None, policy=DEFAULT):
    async def call():
        return result

    return execution.do(name, call, (), policy)


def done(k, name, seq, value=None, kind=DO):
    return Recorded(k, kind, name, 1, seq, True, values.encode(value))


async def arm(execution, log, name):
    log.append((name, await do(execution, name)))


async def arms(execution, log, *names):
    await asyncio.gather(*(arm(execution, log, name) for name in names))


async def test_a_replay_delivers_in_the_order_of_commits_not_of_asking():
    recorded = [done(1, "a", 3, "A"), done(2, "b", 1, "B"), done(3, "c", 2, "C")]
    bench = await Bench(lambda e, log: arms(e, log, "a", "b", "c"), recorded).rest()
    assert bench.log == [("b", "B"), ("c", "C"), ("a", "A")]
    assert [kind for kind, *_ in bench.engine.said] == ["ended"]


async def test_an_outcome_waits_until_all_tasks_are_blocked_again():
    async def code(execution, log):
        async def first():
            log.append(await do(execution, "a"))
            for turn in range(5):  # still at work after its outcome
                await asyncio.sleep(0)
                log.append(turn)

        async def second():
            log.append(await do(execution, "b"))

        await asyncio.gather(first(), second())

    bench = await Bench(code, [done(1, "a", 1, "A"), done(2, "b", 2, "B")]).rest()
    assert bench.log == ["A", 0, 1, 2, 3, 4, "B"]


async def test_live_outcomes_are_delivered_as_they_were_committed():
    bench = await Bench(lambda e, log: arms(e, log, "a", "b")).rest()
    assert [k for k, *_ in bench.engine.of("attempt_started")] == [1, 2]
    bench.execution.deliver(1, 2, True, b'"B"')
    bench.execution.deliver(2, 1, True, b'"A"')
    await bench.rest()
    assert bench.log == [("b", "B"), ("a", "A")]


async def test_nothing_new_starts_while_recorded_outcomes_are_still_to_come():
    async def code(execution, log):
        await asyncio.gather(arm(execution, log, "new"), arms(execution, log, "old", "older"))

    bench = Bench(code, [done(1, "old", 2), done(2, "older", 1)])
    await bench.rest()
    assert bench.log == [("older", None), ("old", None)]
    assert [(k, name) for k, name, *_ in bench.engine.of("attempt_started")] == [(3, "new")]


async def test_the_result_is_decoded_from_what_was_sent():
    async def code(execution, log):
        log.append(await do(execution, "made", {"a": 1.0}))

    bench = await Bench(code).rest()
    assert bench.engine.of("attempt_succeeded") == [[1, b'{"a":1.0}', ()]]
    assert bench.log == []  # not before it is durable
    bench.execution.deliver(1, 1, True, None)
    await bench.rest()
    assert bench.log == [{"a": 1.0}]


async def test_keys_are_counted_by_kind_and_name():
    async def code(execution, log):
        await asyncio.gather(
            do(execution, "x"),
            do(execution, "x"),
            execution.sleep(SLEEP, "x", 60.0),
            execution.wait("x", "go", 60.0),
            do(execution, "y"),
        )

    bench = await Bench(code).rest()
    assert [(k, name, n) for k, name, n, *_ in bench.engine.of("attempt_started")] == [
        (1, "x", 1),
        (2, "x", 2),
        (5, "y", 1),
    ]
    assert bench.engine.of("sleep") == [[3, SLEEP, "x", 1, 60.0]]
    assert bench.engine.of("wait") == [[4, "x", 1, "go", 60.0]]


async def test_the_engine_hears_when_all_wait_for_durable_things():
    bench = await Bench(lambda e, log: e.sleep(SLEEP, "nap", 60.0)).rest()
    assert bench.engine.of("blocked") == [[0]]

    async def own(execution, log):
        await asyncio.gather(execution.sleep(SLEEP, "nap", 60.0), asyncio.Event().wait())

    bench = await Bench(own).rest()
    assert bench.engine.of("blocked") == []

    async def working(execution, log):
        async def never():
            await asyncio.Event().wait()

        await asyncio.gather(
            execution.sleep(SLEEP, "nap", 60.0), execution.do("long", never, (), DEFAULT)
        )

    bench = await Bench(working).rest()
    assert bench.engine.of("blocked") == []


@pytest.mark.parametrize("how", ["gather", "group", "wait", "bare", "nested", "shield"])
async def test_parents_may_wait_on_their_children(how):
    async def code(execution, log):
        def nap(name):
            return execution.sleep(SLEEP, name, 60.0)

        match how:
            case "gather":
                await asyncio.gather(nap("a"), nap("b"))
            case "group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(nap("a"))
                    group.create_task(nap("b"))
            case "wait":
                await asyncio.wait([asyncio.ensure_future(nap("a"))])
            case "bare":
                await asyncio.ensure_future(nap("a"))
            case "nested":
                await asyncio.gather(asyncio.gather(asyncio.gather(nap("a")), nap("b")))
            case "shield":
                await asyncio.shield(nap("a"))

    bench = await Bench(code).rest()
    assert bench.engine.of("blocked")[-1:] == [[0]]
    bench.execution.close()
    await bench.rest()


# --- races ------------------------------------------------------------------------------------


async def race(execution, log):
    wait = asyncio.ensure_future(execution.wait("loser", "go", 60.0))
    nap = asyncio.ensure_future(execution.sleep(SLEEP, "winner", 1.0))
    await asyncio.wait([wait, nap], return_when=asyncio.FIRST_COMPLETED)
    wait.cancel()
    await asyncio.wait([wait])
    log.append("over")
    await execution.sleep(SLEEP, "after", 60.0)


async def test_giving_up_is_told_with_what_was_seen():
    bench = await Bench(race).rest()
    bench.execution.deliver(1, 2, True, b"null")
    await bench.rest()
    assert bench.engine.of("cancel") == [[1, 1]]
    assert bench.log == ["over"]


async def test_what_arrives_for_one_who_gave_up_is_passed_over():
    bench = await Bench(race).rest()
    bench.execution.deliver(1, 2, True, b"null")
    bench.execution.deliver(2, 1, True, b'{"payload":1}')
    await bench.rest()
    assert bench.engine.of("cancel") == [[1, 1]]
    assert bench.engine.of("blocked")[-1] == [2]  # it has seen that there is nothing in it


async def test_a_recorded_race_is_run_again_without_a_word():
    recorded = [
        Recorded(1, WAIT, "loser", 1, cancelled=True),
        done(2, "winner", 1, kind=SLEEP),
        Recorded(3, SLEEP, "after", 1),
    ]
    bench = await Bench(race, recorded).rest()
    assert bench.log == ["over"]
    assert bench.engine.said == [("blocked", 1)]


# --- unloading --------------------------------------------------------------------------------


async def test_a_closed_execution_starts_nothing_and_ends_nothing():
    async def code(execution, log):
        try:
            await execution.sleep(SLEEP, "nap", 60.0)
        finally:
            with pytest.raises(Unloaded):
                await do(execution, "cleanup")
            with pytest.raises(Unloaded):
                await execution.wait("w", "go", 1.0)
            log.append("unwound")
            return "early"  # noqa: B012

    bench = await Bench(code).rest()
    bench.execution.close()
    before = list(bench.engine.said)
    await bench.rest()
    bench.execution.deliver(1, 1, True, b"null")
    bench.execution.retry(1)
    await bench.rest()
    assert bench.log == ["unwound"]
    assert bench.engine.said == before


async def test_tasks_made_while_unwinding_are_cancelled_too():
    late_tasks = []

    async def code(execution, log):
        async def late():
            log.append("ran")
            await do(execution, "late")

        try:
            await execution.sleep(SLEEP, "nap", 60.0)
        finally:
            late_tasks.append(asyncio.ensure_future(late()))

    bench = await Bench(code).rest()
    bench.execution.close()
    await bench.rest()
    assert bench.log == []
    assert bench.engine.of("attempt_started") == []
    assert late_tasks[0].cancelled()


async def test_code_that_asks_for_ever_lets_go_of_the_loop():
    stop = []

    async def code(execution, log):
        while not stop:
            try:
                await execution.wait("approval", "go", 60.0)
            except BaseException:
                log.append("again")

    bench = await Bench(code).rest()
    bench.execution.close()
    await bench.rest()  # the loop turns
    assert len(bench.log) == MOST_REFUSALS + 1
    stop.append(True)  # so that the end of the test can end it


async def test_attempts_end_with_their_execution():
    ended = []

    async def code(execution, log):
        async def long():
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        await execution.do("long", long, (), DEFAULT)

    bench = await Bench(code).rest()
    assert bench.execution.attempts_running == 1
    bench.execution.close()
    await bench.rest()
    assert ended == [True]
    assert [kind for kind, *_ in bench.engine.said] == ["attempt_started"]


# --- pausing ----------------------------------------------------------------------------------


async def test_a_frozen_execution_learns_and_starts_nothing_until_it_is_thawed():
    async def code(execution, log):
        log.append(await do(execution, "a"))
        log.append(await do(execution, "b"))

    bench = await Bench(code).rest()
    bench.execution.freeze()
    bench.execution.deliver(1, 1, True, b'"A"')
    await bench.rest()
    assert bench.log == []
    bench.execution.thaw()
    await bench.rest()
    assert bench.log == ["A"]
    assert [name for _, name, *_ in bench.engine.of("attempt_started")] == ["a", "b"]


async def test_a_retry_told_while_frozen_is_made_after_the_thaw():
    async def code(execution, log):
        async def fail():
            raise ValueError

        await execution.do("flaky", fail, (), DEFAULT)

    bench = await Bench(code).rest()
    bench.execution.freeze()
    bench.execution.retry(1)
    await bench.rest()
    assert len(bench.engine.of("attempt_started")) == 1
    bench.execution.thaw()
    await bench.rest()
    assert [attempt for *_, attempt, _ in bench.engine.of("attempt_started")] == [1, 2]


# --- attempts ---------------------------------------------------------------------------------


async def test_an_attempt_is_over_at_its_timeout_whatever_its_code_does():
    async def code(execution, log):
        async def stubborn():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "late"

        await execution.do("s", stubborn, (), RetryPolicy(timeout=2.0))

    bench = await Bench(code).rest()
    bench.clock.move(1.9)
    assert bench.engine.of("attempt_failed") == []
    bench.clock.move(0.1)
    await bench.rest()
    timed_out = Failure("TimeoutError", "Execution timed out after 2000ms", step="s")
    assert bench.engine.of("attempt_failed") == [[1, timed_out, True, ()]]
    assert bench.engine.of("attempt_succeeded") == []


async def test_attempts_are_numbered_on_after_a_replay():
    async def code(execution, log):
        await do(execution, "flaky")

    bench = await Bench(code, [Recorded(4, DO, "flaky", 1, attempts=2)]).rest()
    assert bench.engine.said == [("blocked", 0)]
    bench.execution.retry(4)
    await bench.rest()
    assert bench.engine.of("attempt_started")[0][:4] == [4, "flaky", 1, 3]


async def test_suspects_run_one_attempt_at_a_time():
    bench = await Bench(lambda e, log: arms(e, log, "a", "b", "c"), one_at_a_time=True).rest()
    started = [name for _, name, *_ in bench.engine.of("attempt_started")]
    assert started == ["a", "b", "c"]
    kinds = [kind for kind, *_ in bench.engine.said][:6]
    assert kinds == ["attempt_started", "attempt_succeeded"] * 3


async def test_a_step_can_not_start_another():
    async def code(execution, log):
        async def outer():
            await do(execution, "inner")

        await execution.do("outer", outer, (), DEFAULT)

    bench = await Bench(code).rest()
    ((_, failed, retryable, _),) = bench.engine.of("attempt_failed")
    assert failed.name == "RuntimeError"
    assert retryable


@pytest.mark.parametrize("name", ["", "x" * 257, "a\nb", "\ud800", "\x00", None, 5], ids=repr)
async def test_a_step_has_a_name_that_can_be_shown(name):
    bench = await Bench(lambda e, log: do(e, name)).rest()
    ((output, failed),) = bench.engine.of("ended")
    assert output is None
    assert failed.name == "ValueError"


# --- another path on replay -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "instead"),
    [
        ([done(1, "before", 1)], "asks for do 'after'"),
        ([done(1, "after", 1, kind=SLEEP)], "asks for do 'after'"),
        ([Recorded(1, SLEEP, "before", 1)], "asks for do 'after'"),
        ([Recorded(1, WAIT, "before", 1)], "asks for do 'after'"),
        ([Recorded(1, DO, "before", 1, attempts=1)], "asks for do 'after'"),
        ([done(1, "after", 1), Recorded(2, SLEEP, "before", 1)], "ends without it"),
        ([done(1, "after", 1), done(2, "before", 2)], "ends without it"),
    ],
    ids=str,
)
async def test_another_path_ends_the_run_before_anything_starts(recorded, instead):
    async def code(execution, log):
        await do(execution, "after")

    bench = await Bench(code, recorded).rest()
    ((kind, output, failed),) = bench.engine.said
    assert (kind, output, failed.code) == ("ended", None, "run.nondeterministic")
    last = recorded[-1]
    assert failed.message == (
        f"The run recorded {last.kind.name} {last.name!r} (1) here, but its code now {instead}."
    )
    assert bench.execution.closed


async def test_a_path_that_waits_for_less_is_another_path():
    async def code(execution, log):
        await execution.sleep(SLEEP, "kept", 60.0)

    recorded = [Recorded(1, SLEEP, "kept", 1), done(2, "left out", 1)]
    bench = await Bench(code, recorded).rest()
    ((_, _, failed),) = bench.engine.said
    assert failed.message.endswith("but its code now waits for nothing.")


async def test_a_replay_that_waits_for_something_of_its_own_is_given_time():
    gate = asyncio.Event()

    async def code(execution, log):
        await gate.wait()
        log.append(await do(execution, "a"))

    bench = await Bench(code, [done(1, "a", 1, "A")]).rest()
    assert bench.engine.said == []
    gate.set()
    await bench.rest()
    assert bench.log == ["A"]


# --- ends -------------------------------------------------------------------------------------


async def test_a_run_ends_with_its_value_its_error_or_a_refused_value():
    async def value(execution, log):
        return {"a": [1]}

    async def error(execution, log):
        raise LookupError("no")

    async def refused(execution, log):
        return {"a": (1,)}

    async def cancelled(execution, log):
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    ends = []
    for code in (value, error, refused, cancelled):
        bench = await Bench(code).rest()
        ((output, failed),) = bench.engine.of("ended")
        ends.append((output, failed and (failed.name, failed.message)))
    assert ends == [
        (b'{"a":[1]}', None),
        (None, ("LookupError", "no")),
        (None, ("ValueRefused", "A tuple has no JSON form. (at $.a)")),
        (None, ("CancelledError", "The run cancelled itself.")),
    ]


async def test_an_error_from_a_step_keeps_its_place_when_the_run_ends_with_it():
    async def code(execution, log):
        await do(execution, "s")

    bench = await Bench(code).rest()
    kept = Failure("ValueError", "no", line=3, step="s")
    bench.execution.deliver(1, 1, False, outcomes.pack(kept))
    await bench.rest()
    assert bench.engine.of("ended") == [[None, kept]]


async def test_a_replay_that_ends_in_nothing_but_sleeps_says_so():
    async def naps(execution, log, name):
        await arm(execution, log, name)
        await execution.sleep(SLEEP, f"after {name}", 60.0)

    async def code(execution, log):
        await asyncio.gather(naps(execution, log, "a"), naps(execution, log, "b"))

    async def all_of_it(execution, log):
        await asyncio.gather(code(execution, log), execution.sleep(SLEEP, "long", 90.0))

    recorded = [done(1, "a", 1), Recorded(2, SLEEP, "long", 1), done(3, "b", 2)]
    for start in (code, all_of_it):
        known = recorded if start is all_of_it else [done(1, "a", 1), done(3, "b", 2)]
        bench = await Bench(start, known).rest()
        assert [kind for kind, *_ in bench.engine.said] == ["sleep", "sleep", "blocked"]
