"""The loop that lets time pass for what is stored; what is due is found by the stores themselves."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn, Protocol

from rushes.db.sqlite import WriteFailed

log = logging.getLogger(__name__)


class Sweeps(Protocol):
    """Anything that can look for what is due and do it: the queue, the stored files."""

    async def sweep(self) -> object:
        """Do what is due; return what it was."""
        ...


async def run_sweep(store: Sweeps, every_s: float) -> NoReturn:
    """Sweep now and then every `every_s` seconds, until cancelled. A full disk doesn't end it: space may come back."""
    while True:
        try:
            await store.sweep()
        except (WriteFailed, OSError) as error:
            log.error("%s could not be swept, next try in %g s: %s", type(store).__name__, every_s, error)
        await asyncio.sleep(every_s)
