"""Long work that gives no sign of life by itself, as reading weights: done in a thread, while the caller's gives some.

A runner whose job is silent loses it; reading tens of gigabytes takes longer than that. Knows nothing of what the work
is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")

PULSE_S = 0.25  # between two signs of life


class _Work(threading.Thread, Generic[Made]):
    def __init__(self, work: Callable[[], Made]) -> None:
        # A daemon, so that a process that is told to stop need not wait for it.
        super().__init__(name="silent work", daemon=True)
        self._work = work
        self.made: list[Made] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.made.append(self._work())
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            self.error = error


def kept_alive(work: Callable[[], Made], sign: Callable[[], None]) -> Made:
    """Return what the work makes, calling `sign` meanwhile; what either raises is raised once the work is over.

    After `sign` has raised it is asked no more: whoever watches for silence then finds work that hangs.
    """
    worker = _Work(work)
    worker.start()
    stopped: Exception | None = None
    while worker.is_alive():
        if stopped is None:
            try:
                sign()
            except Exception as error:  # noqa: BLE001  # kept: half-read weights would be of no use to the next job
                stopped = error
        worker.join(PULSE_S)
    # The work's own error before a cancel: it tells what is wrong with the weights for the jobs that come.
    if worker.error is not None:
        raise worker.error
    if stopped is not None:
        raise stopped
    return worker.made[0]
