"""How long a direct run waits for a runner: it is ended where none serves its endpoint, and waits on where one does."""

from __future__ import annotations

import logging
from math import inf

from rushes.errors import RequestError
from rushes.gateway.attendance import Refusal
from rushes.gateway.visit import Services
from rushes.jobs.job import JobState, Status

log = logging.getLogger(__name__)

LOOK_S = 60.0  # a look at a job without a wake-up, should one ever be lost
_LOOKS = 4  # at who is there, in the time that a runner may be out of sight


async def wait_or_end(services: Services, state: JobState) -> float:
    """Return after how many seconds this run's waiting must be looked at again; ends it where it waits in vain."""
    if state.status is not Status.IN_QUEUE:
        return inf
    settings, now = services.settings, services.clock()
    pause_s = settings.scheduling_s / _LOOKS
    if (early_s := state.created_at + pause_s - now) > 0:
        return early_s
    for of, runner in services.jobs.running():
        # Else one that has just done a long job, and is about to ask for the next, would be taken for gone.
        services.attendance.note_busy(runner, of, now)
    served = services.attendance.serves(state.endpoint, now - settings.scheduling_s)
    if served or now < state.created_at + settings.scheduling_s:
        return pause_s
    why = services.attendance.refusal(now, settings.startup_timeout_s if settings.runners else None)
    if why is None:
        return pause_s
    error = RequestError(why, _words(services, why, state.endpoint))
    log.warning("the run %s was given up: %s", state.id, error)
    await services.jobs.give_up(state.id, error.failure())
    return 0.0  # it has ended, or a runner has just taken it


def _words(services: Services, why: Refusal, endpoint: str) -> str:
    settings = services.settings
    if why == "startup_timeout":
        return f"No worker started in time: none was ready {settings.startup_timeout_s:g} s after the server's start"
    return (
        f"No worker could be allocated: none that serves {endpoint} has asked for work in {settings.scheduling_s:g} s"
    )
