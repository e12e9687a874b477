"""Lanes and budgets against a naive count: whatever happens in whatever order, no key runs more than it may."""

import asyncio
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rushes.jobs.job import NO_LIMITS, Claimed, Limits, NewJob, OverBudget, Status
from rushes.jobs.store import JobStore
from tests.jobs.queue import lost, opened, outcome

MOST = {"two": 2, "one": 1}
BUDGET = 20.0
PRICE, UNITS = 2.0, 1.5  # of outcome()
KEYS = ("free", "two", "one", "poor")


def limits_of(key: str, estimate: float) -> Limits:
    if key == "poor":
        return Limits(budget_usd=BUDGET, estimate_usd=estimate)
    return Limits(max_concurrent=MOST[key]) if key in MOST else NO_LIMITS


def number(job_id: str) -> int:
    return int(job_id.removeprefix("job-"))


class LimitMachine(RuleBasedStateMachine):
    """Keys that may run one and two jobs at once, one with a budget, and one without limits."""

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.context = opened(Path(self.folder.name))
        queue = self.context.__enter__()
        self.database, self.clock = queue.database, queue.clock
        self.jobs = JobStore(queue.database, queue.events, queue.clock, prices=lambda _: PRICE)
        self.runner.run(self._add_keys())
        self.lines: dict[tuple[str, bool], list[tuple[str, str]]] = {}  # of a lane, and of what came back: (id, key)
        self.running: dict[str, tuple[str, Claimed]] = {}
        self.made, self.estimates, self.spent = 0, dict[str, float](), 0.0

    async def _add_keys(self) -> None:
        def add(connection: sqlite3.Connection) -> None:
            for key in KEYS:
                given = (key, MOST.get(key), BUDGET if key == "poor" else None)
                connection.execute(
                    "INSERT INTO keys (id, account, scope, secret_hash, created_at, max_concurrent, budget_usd) "
                    "VALUES (?, 'me', 'API', 'h', 1, ?, ?)",
                    given,
                )

        await self.database.write(add)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.context.__exit__(None, None, None)
            self.runner.close()
            self.folder.cleanup()

    def line(self, key: str, *, returned: bool) -> list[tuple[str, str]]:
        """Return where a job of this key waits: in the lane of a limited key, else with all others."""
        return self.lines.setdefault((key if key in MOST else "", returned), [])

    def waiting(self) -> list[tuple[str, str]]:
        return [one for line in self.lines.values() for one in line]

    def leave(self, one: tuple[str, str]) -> None:
        for line in self.lines.values():
            if one in line:
                line.remove(one)

    @rule(key=st.sampled_from(KEYS), estimate=st.sampled_from([0.0, 3.0, 7.0]))
    def submit(self, key: str, estimate: float) -> None:
        self.made += 1
        job = NewJob(
            f"job-{self.made}", "a/b", "me", b"{}", self.clock.now, key_id=key, limits=limits_of(key, estimate)
        )
        taken = self.spent + sum(self.estimates.values())
        refused = key == "poor" and (taken >= BUDGET or taken + estimate > BUDGET)
        try:
            self.runner.run(self.jobs.submit_checked(job))
        except OverBudget:
            assert refused
            return
        assert not refused
        self.line(key, returned=False).append((job.id, key))
        if key == "poor":
            self.estimates[job.id] = estimate

    @rule()
    def claim(self) -> None:
        claimed = self.runner.run(self.jobs.claim("r", ("a/b",), 10))
        at_work = [key for key, _ in self.running.values()]
        heads = [line[0] for line in self.lines.values() if line]
        free = [(job, key) for job, key in heads if at_work.count(key) < MOST.get(key, 10**6)]
        oldest = min(free, key=lambda one: number(one[0]), default=None)
        assert (claimed.lease.job_id if claimed else None) == (oldest[0] if oldest else None)
        if claimed and oldest:
            self.leave(oldest)
            self.running[oldest[0]] = (oldest[1], claimed)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["finish", "internal_error", "client_cancelled"]))
    def end(self, data: st.DataObject, how: str) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.running)))
        key, claimed = self.running.pop(job_id)
        if how == "finish":
            assert self.runner.run(self.jobs.finish(job_id, claimed.lease.token, outcome()))
            self.spent += PRICE * UNITS if key == "poor" else 0.0
        else:
            assert self.runner.run(self.jobs.fail(job_id, claimed.lease.token, lost(how)))
        self.estimates.pop(job_id, None)

    @precondition(lambda self: self.waiting())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.waiting()))
        self.leave(one)
        self.runner.run(self.jobs.cancel(one[0], "me"))
        self.estimates.pop(one[0], None)

    @rule()
    def stop_the_runner(self) -> None:
        assert self.runner.run(self.jobs.release("r", fault=False)) == len(self.running)
        for job, (key, _) in sorted(self.running.items(), key=lambda one: number(one[0])):
            self.line(key, returned=True).append((job, key))
        self.running.clear()

    @invariant()
    def both_agree(self) -> None:
        at_work = [key for key, _ in self.running.values()]
        rows = self.database.read("SELECT id, running, spent_usd, reserved_usd FROM keys")
        for key, running, spent, reserved in rows:
            assert running == (at_work.count(key) if key in MOST else 0)
            if key == "poor":
                assert abs(spent - self.spent) < 1e-6
                assert abs(reserved - sum(self.estimates.values())) < 1e-6
        for job_id, _ in self.waiting():
            state = self.jobs.state(job_id)
            assert state is not None
            assert state.status is Status.IN_QUEUE


TestLimits = LimitMachine.TestCase
TestLimits.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
