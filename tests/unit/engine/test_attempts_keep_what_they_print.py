"""An attempt's log: whole lines, bounded, printable, and cheap where nothing was printed."""

import io
import sys
import threading

import msgspec
import pytest

from awaitstep.engine import logs
from awaitstep.engine.change import Change
from awaitstep.engine.current import Attempting, attempting
from awaitstep.engine.embedded import rows
from awaitstep.engine.logs import Line, Log, Stream
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.printing import Borrowed, Printed
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.run import Run
from awaitstep.engine.states import StepKind

OUT, ERR, NOTE = Stream.stdout, Stream.stderr, Stream.note


class Ticks:
    """A clock that is a second later each time it is asked."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        self.at += 1
        return self.at


def printed(*texts, stream=OUT):
    log = Log(Ticks())
    for text in texts:
        log.write(stream, text)
    return [(line.at, line.stream, line.text) for line in log.close()]


def test_lines_are_whole_however_they_were_written():
    assert printed("a", "b\nc", "\n", "d\r\n\n", "e") == [
        (1, OUT, "ab"), (2, OUT, "c"), (4, OUT, "d"), (4, OUT, ""), (5, OUT, "e"),
    ]  # fmt: skip


def test_streams_do_not_mix_within_a_line():
    log = Log(Ticks())
    log.write(OUT, "one ")
    log.write(ERR, "oops\n")
    log.write(OUT, "two\n")
    assert [(line.stream, line.text) for line in log.close()] == [(ERR, "oops"), (OUT, "one two")]


def test_silence_keeps_nothing():
    log = Log(Ticks())
    log.write(OUT, "")
    assert log.close() == ()


def test_what_is_printed_after_the_end_is_not_taken():
    log = Log(Ticks())
    assert log.write(OUT, "in time\n")
    assert [line.text for line in log.close()] == ["in time"]
    assert not log.write(OUT, "too late\n")
    assert log.close() == ()


@pytest.mark.parametrize(
    "texts",
    [
        ["x" * 1_000_000],
        ["line\n"] * 5_000,
        ["\n" * 200_000],
        ["é" * 500 + "\n"] * 300,
        ["\x1b" * 60_000],
        ["x" * logs.LARGEST, "\n", "y\n"],
    ],
)
def test_a_loud_attempt_is_cut_and_one_line_says_so(texts):
    lines = Log(Ticks()), []
    for text in texts:
        lines[0].write(OUT, text)
    *kept, note = lines[0].close()
    assert note.stream is NOTE
    assert note.text.startswith("not kept: ")
    assert 1 <= len(kept) <= logs.MOST_LINES
    assert sum(len(line.text.encode()) for line in kept) <= logs.LARGEST
    assert list(logs.received([*kept, note])) == [*kept, note]


def test_the_note_counts_what_is_missing():
    *kept, note = printed(*["12345\n"] * 1_010)
    assert len(kept) == 1_000
    assert note[2] == "not kept: 10 more lines, 50 characters"


def test_nothing_printed_can_drive_a_terminal_or_break_a_line():
    [(_, _, text)] = printed("\x1b[31mred\x00\u2028\u202e\ud800 tab\t é 🎉\n")
    assert text == "\\x1b[31mred\\x00\\u2028\\u202e\\ud800 tab\t é 🎉"
    assert logs.escaped(text) == text


def test_another_process_can_not_say_more_than_is_kept_here():
    hostile = [Line(1.0, OUT, "x\x1b" * 50_000)] * 3 + [Line(1.0, OUT, "")] * 100_000
    kept = logs.received(hostile)
    assert len(kept) <= logs.MOST_LINES + 1
    assert sum(len(line.text) for line in kept) <= logs.LARGEST + 200
    assert "\x1b" not in kept[0].text


def test_a_wrong_stream_or_moment_is_no_line():
    for wrong in ([1.0, 7, "x"], [float("inf"), 0, "x"], [1.0, 0, 5]):
        with pytest.raises(msgspec.ValidationError):
            msgspec.msgpack.decode(msgspec.msgpack.encode(wrong), type=Line)


def run_with_step(*, limit=5):
    run = Run(1, "wf", "i", "dep", version="", trigger="api", params=None, created=0.0, generated=False)  # fmt: skip
    run.assign(1, 10.0)
    assert run.attempt_started(1, "a", 1, 1, RetryPolicy(limit=limit, delay=0), 10.0)
    return run


def test_lines_lie_between_start_and_end_of_their_attempt():
    run = run_with_step()
    lines = [Line(-5.0, OUT, "a"), Line(11.0, OUT, "b"), Line(1e12, ERR, "c")]
    run.attempt_succeeded(1, b"1", 12.0, lines)
    [step] = run.history()
    [attempt] = step.attempts
    assert (attempt.started_at, attempt.ended_at, attempt.error) == (10.0, 12.0, None)
    assert [(line.at, line.text) for line in attempt.log] == [(10, "a"), (11, "b"), (12, "c")]


def test_a_first_success_in_silence_keeps_no_attempt():
    run = run_with_step()
    change = run.attempt_succeeded(1, b"1", 12.0)
    assert change.operations[0].attempts == []


def test_logs_of_one_step_have_a_limit_together():
    run = run_with_step(limit=20)
    for number in range(1, 11):
        line = Line(10.0, OUT, f"{number} " + "x" * (logs.LARGEST - 10))
        run.attempt_failed(1, Failure("E", "no"), True, 10.0, [line])
        run.fire(20.0)
        assert run.attempt_started(1, "a", 1, number + 1, RetryPolicy(limit=20, delay=0), 10.0)
    attempts = run.operations[1].attempts
    assert len(attempts) == 10
    assert sum(logs.size(a.log) for a in attempts) < logs.LARGEST_OF_STEP + 10 * 200
    assert [a.log[0].stream for a in attempts[:6]] == [NOTE] * 6
    assert [a.log[0].text.split()[0] for a in attempts[6:]] == ["7", "8", "9", "10"]


def journaled(run):
    """The run's operation as it is read back from its row, and the bytes of its attempts."""
    change = Change(run)
    change.operations.append(run.operations[1])
    [(_, row)] = rows.of_change(change, rows.Names([]))
    return rows.read_operation(row[1:]), row[11]


def test_the_journal_keeps_lines():
    run = run_with_step()
    run.attempt_failed(1, Failure("E", "no"), True, 11.0, [Line(10.5, ERR, "héllo")])
    read, _ = journaled(run)
    assert read.attempts[0].log == [Line(10.5, ERR, "héllo")]
    assert read.attempts[0].failure == Failure("E", "no")


def test_attempts_that_printed_nothing_take_the_bytes_they_took():
    run = run_with_step()
    run.attempt_failed(1, Failure("E", "no"), False, 11.0)
    _, blob = journaled(run)
    assert blob == msgspec.msgpack.encode([(10.0, 11.0, Failure("E", "no"))])


def test_attempts_from_before_there_were_logs_are_read():
    old = msgspec.msgpack.encode([(1.0, 2.0, Failure("E", "no")), (3.0, 4.0, None)])
    row = (1, 0, "a", 1, 0, 1, 2, 1.0, 4.0, b"1", old, None, None, None, None)
    operation = rows.read_operation(row)
    assert [(a.started, a.ended, a.failure, a.log) for a in operation.attempts] == [
        (1.0, 2.0, Failure("E", "no"), []),
        (3.0, 4.0, None, []),
    ]
    assert operation.kind is StepKind.do


class Heard:
    def __init__(self):
        self.said = []

    def __call__(self, stream, text):
        self.said.append((stream, text))


def test_a_stream_asks_whose_attempt_it_is():
    elsewhere = Heard()
    stream = Printed(ERR, elsewhere)
    log = Log(Ticks())
    print("outside", file=stream)
    token = attempting.set(Attempting(None, 1, log))
    print("inside", file=stream, flush=True)
    threading.Thread(target=print, args=("a bare thread",), kwargs={"file": stream}).start()
    stream.buffer.write("bytes é\n".encode())
    attempting.reset(token)
    assert [line.text for line in log.close()][::2] == ["inside", "bytes é"][::2]
    assert (ERR, "outside") in elsewhere.said


def test_nobody_closes_the_stream_of_all():
    elsewhere = Heard()
    stream = Printed(OUT, elsewhere)
    stream.close()
    stream.buffer.close()
    print("still there", file=stream)
    assert elsewhere.said[0] == (OUT, "still there")
    assert not stream.isatty()
    with pytest.raises(io.UnsupportedOperation):
        stream.fileno()
    with pytest.raises(TypeError):
        stream.write(b"bytes")


def test_borrowed_streams_let_through_and_are_given_back(monkeypatch):
    before = io.StringIO()
    monkeypatch.setattr(sys, "stdout", before)
    borrowed = Borrowed()
    borrowed.take()
    borrowed.take()
    print("through")
    borrowed.give_back()
    assert sys.stdout is before
    assert before.getvalue() == "through\n"
