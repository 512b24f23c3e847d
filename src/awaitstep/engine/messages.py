"""What server and runner say to each other over the link.

Runs are addressed by assignment, the number of one run being given to one runner once: a message
with an old number is about nothing any more. The server treats what a runner says as hostile.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from awaitstep.engine.logs import Line, Stream
from awaitstep.engine.outcomes import Failure
from awaitstep.engine.recorded import Recorded
from awaitstep.engine.retry import RetryPolicy
from awaitstep.engine.states import StepKind

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
# What the code asks for, counted from 1; 0 is the server's own.
Index = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=366 * 86_400.0)]
# A moment may lie before 1970; the bounds keep out what is not a number.
Moment = Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Headers = list[tuple[str, str]]
# How a runner ends that finds no memory for its own work (exit status).
OUT_OF_MEMORY: Final = 71


class Message(msgspec.Struct, array_like=True, gc=False):
    """Base of all messages; on the wire an array led by its tag."""


# --- server to runner -----------------------------------------------------------------------------


class Load(Message, tag=1):
    """A deployment this runner will hear of. Its file is read when it is first needed."""

    deployment: str
    module: str
    class_name: str | None
    workflow_name: str
    variables: dict[str, str]
    bindings: list[str]
    functions: list[str]


class Start(Message, tag=2):
    """Execute a run: from its start, or by replaying what is recorded."""

    assignment: int
    deployment: str
    instance: str
    created: float
    params: bytes | None
    recorded: list[Recorded]
    one_at_a_time: bool = False
    epoch: int = 1


class History(Message, tag=10):
    """A part of what is recorded of a run, where that is much; its `Start` comes with the rest."""

    assignment: int
    recorded: list[Recorded]


class Outcome(Message, tag=3):
    """An outcome is durable. `value` None: the result the runner itself sent."""

    assignment: int
    seq: int
    k: int
    ok: bool
    value: bytes | None


class Retry(Message, tag=4):
    assignment: int
    k: int


class Unload(Message, tag=5):
    assignment: int


class Freeze(Message, tag=6):
    assignment: int


class Thaw(Message, tag=7):
    assignment: int


class Fetch(Message, tag=8):
    """Run a worker's fetch handler."""

    call: int
    deployment: str
    method: str
    url: str
    headers: Headers
    body: bytes


class Reply(Message, tag=9):
    """The answer to a `Call`: JSON, or a code and a message."""

    call: int
    value: bytes | None
    code: str = ""
    message: str = ""


# --- runner to server -----------------------------------------------------------------------------


class Hello(Message, tag=20):
    """The runner is ready; `isolation` says why it is not walled in, None when it is."""

    isolation: str | None


class Loading(Message, tag=21):
    """The module of a deployment is about to be executed (`done`: it was)."""

    deployment: str
    done: bool


class AttemptStarted(Message, tag=22):
    assignment: Count
    k: Index
    name: Name
    n: Count
    attempt: Count
    policy: RetryPolicy | None


class AttemptSucceeded(Message, tag=23):
    """`log` is what the attempt printed, None for nothing."""

    assignment: Count
    k: Index
    value: bytes
    log: list[Line] | None = None


class AttemptFailed(Message, tag=24):
    assignment: Count
    k: Index
    failure: Failure
    retryable: bool
    log: list[Line] | None = None


class Sleep(Message, tag=25):
    assignment: Count
    k: Index
    kind: StepKind
    name: Name
    n: Count
    seconds: Moment


class Wait(Message, tag=26):
    assignment: Count
    k: Index
    name: Name
    n: Count
    event_type: Name
    timeout: Seconds


class Cancel(Message, tag=27):
    assignment: Count
    k: Index
    seen: Count


class Blocked(Message, tag=28):
    assignment: Count
    seen: Count


class Frozen(Message, tag=29):
    assignment: Count


class Ended(Message, tag=30):
    """`seen` is the last outcome the code was told of, None when it can't be executed."""

    assignment: Count
    output: bytes | None
    failure: Failure | None
    seen: Count | None = None


class Answer(Message, tag=31):
    """A fetch handler's response, or why there is none."""

    call: Count
    status: Count
    headers: Headers
    body: bytes
    failure: Failure | None = None


class Call(Message, tag=32):
    """Something a binding was asked for by code of `deployment`. `args` is JSON.

    An attempt of a run says who it is: `asker` is the run's assignment, `k` its operation. Code of
    a fetch handler says which: `within` is the number of the `Fetch`.
    """

    call: Count
    deployment: str
    trigger: str
    operation: str
    args: bytes
    asker: Count = 0
    k: Count = 0
    within: Count = 0


class Stuck(Message, tag=33):
    """A step ignored being told to stop; this runner wants to be replaced."""

    where: str


class Printed(Message, tag=34):
    """A line printed outside of attempts, and the label of the task that printed it, if any."""

    label: Annotated[str, msgspec.Meta(max_length=256)] | None
    stream: Stream
    text: str


class Failing(Message, tag=35):
    """The code ended with an error, and there is something to undo before the run does."""

    assignment: Count
    failure: Failure


ToRunner = Load | History | Start | Outcome | Retry | Unload | Freeze | Thaw | Fetch | Reply
ToServer = (
    Hello
    | Loading
    | AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | Sleep
    | Wait
    | Cancel
    | Blocked
    | Frozen
    | Ended
    | Failing
    | Answer
    | Call
    | Stuck
    | Printed
)

encode: Final = msgspec.msgpack.Encoder().encode
decode_for_runner: Final = msgspec.msgpack.Decoder(list[ToRunner]).decode
decode_for_server: Final = msgspec.msgpack.Decoder(list[ToServer]).decode
