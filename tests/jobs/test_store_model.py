"""The queue against a naive one: whatever happens in whatever order, states and positions agree."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rushes.jobs.job import MAX_ATTEMPTS, Claimed, Priority, Status
from tests.jobs.queue import lost, opened, outcome

ENDPOINTS = ("a/one", "a/two", "b/three")
RETRIED = "runner_connection_error"
LEASE_S = 10.0


@dataclass
class Job:
    number: int
    endpoint: str
    priority: int
    deadline: float | None
    attempts: int = 0
    status: Status = Status.IN_QUEUE
    cancel: bool = False
    error: str | None = None
    runner: str = ""
    until: float = 0.0
    claimed: Claimed | None = None

    @property
    def id(self) -> str:
        return f"job-{self.number}"


class NaiveQueue:
    """Lists, and positions found by counting."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.back: list[Job] = []  # came back, in the order of their return

    def waiting(self, endpoint: str) -> list[Job]:
        fresh = [job for job in self.jobs if job not in self.back]
        return [
            job
            for priority in Priority
            for job in (*self.back, *fresh)
            if job.status == Status.IN_QUEUE and job.endpoint == endpoint and job.priority == priority
        ]

    def running(self) -> list[Job]:
        return [job for job in self.jobs if job.status == Status.IN_PROGRESS]

    def first(self, endpoints: set[str]) -> Job | None:
        heads = [self.waiting(name)[0] for name in endpoints if self.waiting(name)]
        heads += [low[0] for name in endpoints if (low := [j for j in self.waiting(name) if j.priority])]
        return min(heads, key=lambda job: (job.priority, job.number), default=None)

    def lose(self, job: Job, error_type: str) -> None:
        if job.cancel:
            self.end(job, "client_cancelled")
        elif job.attempts < MAX_ATTEMPTS[error_type]:
            job.status = Status.IN_QUEUE
            job.deadline = None
            self.back.append(job)
        else:
            self.end(job, error_type)

    def end(self, job: Job, error: str | None) -> None:
        job.status, job.error = Status.COMPLETED, error


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.naive = NaiveQueue()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.open()

    def open(self, now: float = 1_000_000.0) -> None:
        self.context = opened(Path(self.folder.name))
        self.queue = self.context.__enter__()
        self.queue.clock.now = now

    def teardown(self) -> None:
        self.context.__exit__(None, None, None)
        self.runner.close()
        self.folder.cleanup()

    @initialize(count=st.integers(0, 100))
    def begin_with_some(self, count: int) -> None:
        self.submit("a/one", Priority.NORMAL, None, count)

    @rule(
        endpoint=st.sampled_from(ENDPOINTS),
        priority=st.sampled_from(Priority),
        deadline_s=st.none() | st.integers(1, 30),
        count=st.integers(1, 40),
    )
    def submit(self, endpoint: str, priority: Priority, deadline_s: int | None, count: int) -> None:
        deadline = None if deadline_s is None else self.queue.clock.now + deadline_s
        new = [Job(len(self.naive.jobs) + i, endpoint, priority, deadline) for i in range(count)]
        self.naive.jobs += new

        async def send() -> list[int]:
            adds = (self.queue.add(j.id, endpoint, priority=priority, start_deadline=deadline) for j in new)
            return await asyncio.gather(*adds)

        waiting = self.naive.waiting(endpoint)
        assert self.runner.run(send()) == [waiting.index(job) for job in new]

    @rule(endpoints=st.sets(st.sampled_from(ENDPOINTS)), runner=st.sampled_from(["r1", "r2"]), times=st.integers(1, 8))
    def claim(self, endpoints: set[str], runner: str, times: int) -> None:
        for _ in range(times):
            expected = self.naive.first(endpoints)
            claimed = self.runner.run(self.queue.jobs.claim(runner, endpoints, LEASE_S))
            assert (claimed and claimed.lease.job_id) == (expected and expected.id)
            if expected and claimed:
                expected.status, expected.runner, expected.claimed = Status.IN_PROGRESS, runner, claimed
                expected.attempts += 1
                expected.until = self.queue.clock.now + LEASE_S
                if expected in self.naive.back:
                    self.naive.back.remove(expected)
                assert claimed.attempt == expected.attempts

    @precondition(lambda self: self.naive.jobs)
    @rule(data=st.data(), times=st.integers(1, 30))
    def cancel(self, data: st.DataObject, times: int) -> None:
        start = data.draw(st.integers(0, len(self.naive.jobs) - 1))
        for job in self.naive.jobs[start : start + times]:
            answer = self.runner.run(self.queue.jobs.cancel(job.id, None))
            if job.status == Status.COMPLETED:
                assert answer == "ALREADY_COMPLETED"
                continue
            assert answer == "CANCELLATION_REQUESTED"
            job.cancel = True
            if job.status == Status.IN_QUEUE:
                self.naive.end(job, "client_cancelled")

    @precondition(lambda self: self.naive.running())
    @rule(data=st.data(), how=st.sampled_from(["finish", RETRIED, "internal_error", "stale"]))
    def report(self, data: st.DataObject, how: str) -> None:
        job = data.draw(st.sampled_from(self.naive.running()))
        assert job.claimed is not None
        token = job.claimed.lease.token
        if how == "stale":
            assert not self.runner.run(self.queue.jobs.finish(job.id, token - 1, outcome()))
        elif how == "finish":
            assert self.runner.run(self.queue.jobs.finish(job.id, token, outcome()))
            self.naive.end(job, None)
        else:
            assert self.runner.run(self.queue.jobs.fail(job.id, token, lost(how)))
            self.naive.lose(job, how) if how == RETRIED else self.naive.end(job, how)

    @precondition(lambda self: self.naive.running())
    @rule(data=st.data())
    def beat(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.naive.running()))
        assert job.claimed is not None
        answer = self.runner.run(self.queue.jobs.beat(job.id, job.claimed.lease.token, LEASE_S))
        assert answer == ("cancel" if job.cancel else "carry on")
        job.until = self.queue.clock.now + LEASE_S

    @rule(runner=st.sampled_from(["r1", "r2"]), fault=st.booleans())
    def release(self, runner: str, fault: bool) -> None:
        gone = [job for job in self.naive.running() if job.runner == runner]
        assert self.runner.run(self.queue.jobs.release(runner, fault=fault)) == len(gone)
        for job in gone:
            job.attempts -= 0 if fault else 1
        self.lose(gone)

    @rule(seconds=st.integers(1, 15))
    def let_time_pass(self, seconds: int) -> None:
        self.queue.clock.now += seconds
        now = self.queue.clock.now
        gone = [job for job in self.naive.running() if job.until < now]
        late = [j for j in self.naive.jobs if j.status == Status.IN_QUEUE and j.deadline and j.deadline < now]
        swept = self.runner.run(self.queue.jobs.sweep())
        assert (swept.lost, swept.timed_out) == (len(gone), len(late))
        self.lose(gone, "runner_connection_timeout")
        for job in late:
            self.naive.end(job, "request_timeout")

    @rule()
    def start_again(self) -> None:
        self.context.__exit__(None, None, None)
        self.open(self.queue.clock.now)

    def lose(self, gone: list[Job], error_type: str = "runner_disconnected") -> None:
        for job in gone:
            self.naive.lose(job, error_type)

    @invariant()
    def both_agree(self) -> None:
        for endpoint in ENDPOINTS:
            waiting = self.naive.waiting(endpoint)
            assert self.queue.jobs.queue_length(endpoint) == len(waiting)
            assert [self.queue.position(job.id) for job in waiting] == list(range(len(waiting)))
        for job in self.naive.jobs:
            state = self.queue.jobs.state(job.id)
            assert state is not None
            assert (state.status, state.error_type) == (job.status, job.error)


TestQueueAgainstNaiveQueue = QueueMachine.TestCase
TestQueueAgainstNaiveQueue.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
