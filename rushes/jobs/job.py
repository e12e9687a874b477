"""A job: one accepted request, from IN_QUEUE to COMPLETED; frozen records and pure transitions.

    IN_QUEUE ──claim──▶ IN_PROGRESS ──finish / fail / cancelled──▶ COMPLETED
       │  ▲                  │
       │  └──── retry, lease lost (attempts left) ────┘
       └──cancel, start deadline, invalid input──▶ COMPLETED

A failed or cancelled job is a COMPLETED one that holds a `Failure`. Times are Unix seconds as float, from the clock
that the caller passes in. This file decides; `store` writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, NamedTuple

from rushes.errors import CANCELLED, Cancelled, Failure

Level = Literal["STDERR", "STDOUT", "ERROR", "INFO", "WARN", "DEBUG"]


class Status(IntEnum):
    """The three states there are on the wire; the numbers are what the table stores."""

    IN_QUEUE = 0
    IN_PROGRESS = 1
    COMPLETED = 2


class Priority(IntEnum):
    """Low waits behind every normal request of the same endpoint."""

    NORMAL = 0
    LOW = 1


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key: within an account, one key is one request; `fingerprint` tells another request under it."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the end of a job is to be told; `origin` is how the submitter reached us, the base of file addresses.

    `peer` is the URL's host and port, as `webhooks.target` reads it.
    """

    url: str
    origin: str
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Extras:
    """What only few jobs have: the caller's tags, a runner hint, the lifecycle (JSON) of the files that it makes.

    `deployment` is the one that must serve it; without `fallback` no other does where the first can't.
    """

    tags: tuple[str, ...] = ()
    hint: str | None = None
    lifecycle: str | None = None
    deployment: str | None = None
    fallback: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What the submitting key may do; None is without limit.

    `estimate_usd` is what this job will cost, as far as known. `direct`: the caller waits on the line, so a job over
    `max_concurrent` is refused instead of queued.
    """

    max_concurrent: int | None = None
    budget_usd: float | None = None
    estimate_usd: float = 0.0
    direct: bool = False

    def __bool__(self) -> bool:
        return self.max_concurrent is not None or self.budget_usd is not None


NO_LIMITS, NO_EXTRAS = Limits(), Extras()


class OverLimit(Exception):
    """The key runs as many jobs as it may; nothing was stored."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"this key may run {most} requests at once, and as many are under way")


class OverBudget(Exception):
    """What the key has spent and promised leaves no room for this job; nothing was stored. Amounts in USD."""

    def __init__(self, budget: float, spent: float, reserved: float, estimate: float) -> None:
        self.budget, self.spent, self.reserved, self.estimate = budget, spent, reserved, estimate
        super().__init__(
            f"this key has spent {spent:.6g} of its {budget:.6g} USD, {reserved:.6g} more are under way, "
            f"and this request is estimated at {estimate:.6g}"
        )


class KeyReused(Exception):
    """The Idempotency-Key stands for another request already; nothing was stored."""

    def __init__(self, key: str, job_id: str) -> None:
        self.key, self.job_id = key, job_id
        super().__init__(f"the Idempotency-Key {key!r} belongs to request {job_id}, which was another one")


class Submitted(NamedTuple):
    """An accepted job: its id (an earlier one's under the same Idempotency-Key), and how many go before it."""

    id: str
    ahead: int
    repeated: bool = False


class NewJob(NamedTuple):
    """What the door hands to the store. With `failure` the job is stored as COMPLETED at once (invalid input).

    A tuple, because one is made for every submit and a frozen dataclass of so many fields takes three times as long.
    """

    id: str
    endpoint: str
    account: str
    input: bytes  # the JSON object as it came
    created_at: float
    priority: Priority = Priority.NORMAL
    start_deadline: float | None = None  # must have started by then
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()  # become the first log lines
    retry: bool = True  # False: the first failure ends it, also one that is not its own (S-03, X-Fal-No-Retry)
    private: bool = False  # see Outcome; known here already, so that it holds for a job that fails too
    key_id: str = ""
    limits: Limits = NO_LIMITS
    once: Once | None = None
    webhook: Webhook | None = None
    extras: Extras = NO_EXTRAS

    @property
    def lane(self) -> str:
        """Jobs of a key that may run only so many at once wait in lines of that key's own."""
        if self.limits is NO_LIMITS:
            return ""
        return self.key_id if self.limits.max_concurrent is not None else ""

    @property
    def plain(self) -> bool:
        """Whether nothing has to be looked up before it is stored, as is so for nearly all."""
        return self.once is None and self.limits is NO_LIMITS


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a job's log, as Q-06 shows it. `labels` may carry {"progress": "0.25"}."""

    at: float
    message: str
    level: Level = "INFO"
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture of how far a running job is: a JPEG in base64, and its size in pixels."""

    jpeg: str
    width: int
    height: int


class JobState(NamedTuple):
    """What a status poll needs to know, read in one query; a tuple, because one is made for every poll."""

    id: str
    endpoint: str
    account: str
    status: Status
    position: int | None  # requests ahead; only while IN_QUEUE
    cancel_requested: bool
    created_at: float
    started_at: float | None
    ended_at: float | None
    error_type: str | None
    error: str | None  # one line; only when it failed
    served_by: str | None
    inference_s: float | None


@dataclass(frozen=True, slots=True)
class Lease:
    """A runner's time-limited right to a job. The token grows with every claim of that job; a stale one is refused."""

    job_id: str
    token: int
    until: float


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a runner gets: the job's facts and its lease."""

    lease: Lease
    endpoint: str
    account: str
    input: bytes
    attempt: int  # 1 for the first
    created_at: float
    hint: str | None = None
    lifecycle: str | None = None
    deployment: str | None = None
    fallback: bool = True
    note: str | None = None  # what a runner kept in an earlier try


@dataclass(frozen=True, slots=True)
class VoiceMade:
    """A voice that a job made: its id, and the stored file that holds its profile."""

    voice_id: str
    file_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended well: `output` is the reply's JSON in which each own file's URL is `rushes-file:/ID/NAME`.

    `voice` is to be kept for the account, `forget_voice` deleted. `private`: the files are in the output itself, as
    data URIs, and the request stays out of the history. `companions` are small pictures of the result that are no part
    of its output: the address of each, `rushes-file:/ID/NAME`, to what it is ("poster"). Their files are among `files`.
    """

    output: bytes
    served_by: str
    units: float
    inference_s: float
    files: tuple[str, ...] = ()
    voice: VoiceMade | None = None
    forget_voice: str | None = None
    private: bool = False
    companions: Mapping[str, str] = field(default_factory=dict)
    paid: Paid | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """What a job cost the operator: the deployment that did it, what it says it used by unit, and USD where known."""

    deployment: str
    usage: Mapping[str, float] = field(default_factory=dict)
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What the result route answers for a COMPLETED job: either an outcome's parts or a failure."""

    id: str
    endpoint: str
    account: str
    output: bytes
    failure: Failure | None
    served_by: str | None
    units: float | None
    files: tuple[str, ...]
    runner: str | None = None  # the process that had it last
    companions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one look around found: leases that ran out, start deadlines that passed, old results deleted."""

    lost: int
    timed_out: int
    forgotten: int


CancelAnswer = Literal["CANCELLATION_REQUESTED", "ALREADY_COMPLETED", "NOT_FOUND"]
BeatAnswer = Literal["carry on", "cancel", "stale"]

# How often a job may be tried in all, by the failure that ended the try (protocol Q-18: 503, 504 and lost connections
# are tried again, up to ten times). A lost process costs a model load each time, and an input that kills its process
# kills the next one too, so that one is given up sooner. Types not named here are never tried again.
MAX_ATTEMPTS: Mapping[str, int] = {
    "runner_disconnected": 3,
    "runner_connection_timeout": 3,  # its lease ran out: an input that hangs one process hangs the next one too
    "runner_incomplete_response": 3,
    "runner_scheduling_failure": 10,
    "runner_connection_refused": 10,
    "runner_connection_error": 10,
    "startup_timeout": 10,
}


NOTED_FACTOR = 10
"""A job whose runner kept a note goes on where it was: it is tried so much oftener, since it may be paid already."""


def may_retry(error_type: str, attempt: int, *, noted: bool = False) -> bool:
    """Say whether a job whose try number `attempt` (from 1) ended with this type goes back to the queue."""
    most = MAX_ATTEMPTS.get(error_type, 1)
    return attempt < (most * NOTED_FACTOR if noted and most > 1 else most)


@dataclass(frozen=True, slots=True)
class Try:
    """What decides where a running job goes when its try ends."""

    attempt: int  # 1 for the first
    cancel_requested: bool
    retry: bool  # see NewJob
    left: bool = False  # it was to be cancelled because its caller hung up
    noted: bool = False  # its runner kept something for the next try


def after_failure(failure: Failure, tried: Try) -> Failure | None:
    """Decide what a try that failed leads to: None, the job goes back to the queue; else what it ends with.

    A loss that would be tried again is what the caller wanted when they had asked to cancel.
    """
    if tried.cancel_requested and (failure.type in MAX_ATTEMPTS or failure.type == CANCELLED):
        return Cancelled(tried.left).failure
    again = may_retry(failure.type, tried.attempt, noted=tried.noted)
    return None if again and (tried.retry or tried.noted) else failure


def after_stop(failure: Failure, tried: Try) -> Failure | None:
    """Decide the same for a try that was stopped through no fault of the job: it doesn't count, however often."""
    if tried.cancel_requested:
        return Cancelled(tried.left).failure
    return None if tried.retry or tried.noted else failure
