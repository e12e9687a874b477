"""The loop that lets time pass for the queue; what is due is found by `JobStore.sweep`."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from rushes.db.sqlite import WriteFailed
from rushes.jobs.store import JobStore

log = logging.getLogger(__name__)


async def run_sweep(store: JobStore, every_s: float) -> NoReturn:
    """Sweep now and then every `every_s` seconds, until cancelled. A full disk doesn't end it: space may come back."""
    while True:
        try:
            await store.sweep()
        except WriteFailed as error:
            log.error("The queue could not be swept, next try in %g s: %s", every_s, error)
        await asyncio.sleep(every_s)
