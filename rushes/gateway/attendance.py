"""Which runners have asked for work, and whether a direct run that waits can still hope for one.

Kept in memory: after a restart runners ask again within a claim's time, and those at work are found by their jobs.
Queued requests are durable and wait for as long as it takes; this is about callers who wait on the line.
"""

from __future__ import annotations

from typing import Literal

MOST_RUNNERS = 1_000  # that are remembered; each local process has a name of its own

Refusal = Literal["runner_scheduling_failure", "startup_timeout"]


class Attendance:
    """Runners by name: what they serve, and when they last asked for work. Times are Unix seconds."""

    def __init__(self, started_at: float = 0.0) -> None:
        self._started_at = started_at
        self._seen: dict[str, tuple[tuple[str, ...], float]] = {}

    def note(self, runner: str, endpoints: tuple[str, ...], now: float) -> None:
        """A runner asks for work, or has just waited for it."""
        known = self._seen.pop(runner, None)  # to the end: the first are those unseen for longest
        if known is not None and known[0] == endpoints:
            endpoints = known[0]  # one list for all its claims
        elif len(self._seen) >= MOST_RUNNERS:
            del self._seen[next(iter(self._seen))]
        self._seen[runner] = endpoints, now

    def note_busy(self, runner: str, endpoint: str, now: float) -> None:
        """A runner is at work on this endpoint; one that claimed before a restart is known by this alone."""
        endpoints, _ = self._seen.get(runner, ((endpoint,), now))
        self.note(runner, endpoints, now)

    def serves(self, endpoint: str, since: float) -> bool:
        """Whether a runner of this endpoint has been seen since then."""
        return any(at >= since and endpoint in endpoints for endpoints, at in self._seen.values())

    def refusal(self, now: float, startup_s: float | None) -> Refusal | None:
        """Return why nobody serves an endpoint; None while local runners, which have `startup_s`, may still come."""
        # Whoever else has come: a runner that asks vendors is there at once, one with weights may load for minutes.
        if startup_s is not None and now - self._started_at < startup_s:
            return None
        return "runner_scheduling_failure" if startup_s is None or self._seen else "startup_timeout"
