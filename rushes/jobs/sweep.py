"""The loop that lets time pass for what is stored; what is due is found by the stores themselves."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn, Protocol

log = logging.getLogger(__name__)


class Sweeps(Protocol):
    """Anything that can look for what is due and do it: the queue, the stored files."""

    async def sweep(self) -> object:
        """Do what is due; return what it was."""
        ...


async def run_sweep(store: Sweeps, every_s: float) -> NoReturn:
    """Sweep now and then every `every_s` seconds, until cancelled. What fails is tried again: space may come back."""
    while True:
        try:
            await store.sweep()
        except Exception as error:  # noqa: BLE001  were it to end here, no lost job would ever be found again
            log.error("%s could not be swept, next try in %g s: %s", type(store).__name__, every_s, error)
        await asyncio.sleep(every_s)
