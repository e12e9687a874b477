"""Circuit breakers: a deployment that keeps failing gets a rest, and its jobs go to the next one meanwhile.

Closed, it is asked; after so many failures in a row it opens for a while, and each time longer; then one job tries it,
and its end decides. Pure but for the clock that is passed in; one set of breakers serves all threads of a process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

FAILURES = 3  # in a row
FIRST_REST_S = 30.0
LONGEST_REST_S = 600.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """One deployment's: failures in a row, when it may be asked again, how long the last rest was, and whether a job

    tries it now.
    """

    failures: int = 0
    rests_until: float = 0.0
    rest_s: float = 0.0
    on_try: bool = False

    def after_failure(self, now: float) -> Breaker:
        """Count a failure; a trial that fails, or the last of a row, begins a rest, longer than the one before.

        What fails while it rests had been asked before, and says nothing new.
        """
        if self.is_open(now) and not self.on_try:
            return self
        failures = self.failures + 1
        if failures < FAILURES and not self.rest_s:
            return replace(self, failures=failures)
        rest_s = min(self.rest_s * 2, LONGEST_REST_S) if self.rest_s else FIRST_REST_S
        return Breaker(failures, now + rest_s, rest_s)

    def is_open(self, now: float) -> bool:
        """Whether it rests."""
        return now < self.rests_until

    def on_trial(self, now: float) -> Breaker:
        """One job tries a deployment whose rest is over; the others go on passing it by until that job has ended."""
        # A trial that is cancelled tells nothing; after this time another job may be one.
        return replace(self, rests_until=now + FIRST_REST_S, on_try=True) if self.rest_s else self


class Breakers:
    """The breakers of all deployments of a process. `clock` counts seconds from anywhere and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: dict[str, Breaker] = {}

    def asked(self, name: str) -> bool:
        """Say whether a deployment may be asked now; where it comes out of a rest, this job is its trial."""
        with self._lock:
            now, breaker = self._clock(), self._all.get(name)
            if breaker is None:
                return True
            if breaker.is_open(now):
                return False
            self._all[name] = breaker.on_trial(now)
            return True

    def failed(self, name: str) -> None:
        """Note that it failed through no fault of the job."""
        with self._lock:
            self._all[name] = self._all.get(name, Breaker()).after_failure(self._clock())

    def worked(self, name: str) -> None:
        """Note that it did its work, or that it was the job's own fault that it didn't."""
        with self._lock:
            self._all.pop(name, None)
