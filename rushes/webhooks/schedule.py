"""When a delivery is tried again, and when it is settled; pure: time and chance are passed in.

    schedule = Schedule(...)
    what_next(schedule, answered=503, attempt=1, now=..., dice=0.5) → Verdict(State.DUE, next_at)

Pauses double from one retry to the next and fill the span together; each is up to a tenth longer or shorter, so that
deliveries that failed together don't come back together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from rushes.settings import Settings

_GROWTH = 2.0
_JITTER = 0.1


class State(IntEnum):
    """Where a delivery stands; the numbers are those of the table."""

    OPEN = 0  # its request has not ended
    DUE = 1  # to be sent, now or later
    DELIVERED = 2
    GIVEN_UP = 3


class Verdict(NamedTuple):
    """What a try leads to: `next_at` of DUE only, Unix seconds."""

    state: State
    next_at: float | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long each try may take, how many retries there are, and over what time they are spread."""

    first_timeout_s: float = 15.0
    retry_timeout_s: float = 120.0
    retries: int = 10
    span_s: float = 7_200.0

    @classmethod
    def of(cls, settings: Settings) -> Schedule:
        """Take it from the settings."""
        return cls(
            settings.webhook_timeout_s,
            settings.webhook_retry_timeout_s,
            settings.webhook_retries,
            settings.webhook_retry_span_s,
        )

    def timeout_s(self, attempt: int) -> float:
        """Return how long try number `attempt` (from 1) may take."""
        return self.first_timeout_s if attempt <= 1 else self.retry_timeout_s

    def pause_s(self, attempt: int, dice: float) -> float | None:
        """Return how long to wait after try number `attempt` failed; None after the last. `dice` is in [0, 1)."""
        if attempt > self.retries:
            return None
        # From the last pause backwards, since growth to the power of the retries may be more than a float holds.
        share = _GROWTH ** (attempt - self.retries) * (1 - 1 / _GROWTH) / (1 - _GROWTH**-self.retries)
        return self.span_s * share * (1 + _JITTER * (2 * dice - 1))


def what_next(schedule: Schedule, answered: int | None, attempt: int, now: float, dice: float) -> Verdict:
    """Judge try number `attempt` by its status code, None where there was no answer (W-01)."""
    if answered is not None and 200 <= answered < 300:
        return Verdict(State.DELIVERED)
    if answered is not None and 300 <= answered < 400:
        return Verdict(State.GIVEN_UP)
    pause_s = schedule.pause_s(attempt, dice)
    return Verdict(State.GIVEN_UP) if pause_s is None else Verdict(State.DUE, now + pause_s)


Dice = Callable[[], float]
"""A number in [0, 1), such as random.random."""
