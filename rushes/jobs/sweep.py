"""The loop that lets time pass for what is stored; what is due is found by the stores themselves."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import NoReturn, Protocol

ABSENT_S = 5.0  # late for a sweep: this process was stopped, its machine slept, or somebody set the clock

log = logging.getLogger(__name__)


class Sweeps(Protocol):
    """Anything that can look for what is due and do it: the queue, the stored files."""

    async def sweep(self) -> object:
        """Do what is due; return what it was."""
        ...


async def run_sweep(
    store: Sweeps,
    every_s: float,
    *,
    clock: Callable[[], float] = time.time,
    after_absence: Callable[[], Awaitable[object]] | None = None,
) -> NoReturn:
    """Sweep now and then every `every_s` seconds, until cancelled. What fails is tried again: space may come back.

    `after_absence` is awaited before the first sweep, and before one for which this process comes late.
    """
    last = -inf
    while True:
        try:
            if after_absence is not None and clock() - last > every_s + ABSENT_S:
                await after_absence()
            await store.sweep()
        except Exception as error:  # noqa: BLE001  were it to end here, no lost job would ever be found again
            log.error("%s could not be swept, next try in %g s: %s", type(store).__name__, every_s, error)
        else:
            last = clock()
        await asyncio.sleep(every_s)
