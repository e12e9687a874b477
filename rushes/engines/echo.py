"""The test engine: waits in steps and gives its payload back, or fails, or takes its process down with it.

It exists so that benchmarks, conformance checks and kill tests run through ordinary runner processes. It looks at
cancel, reports progress and so renews the lease once per step and at no other time, so that a long single step shows
what a hung step loop does. What each input means is documented where callers see it, in `families/echo.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from rushes import __version__
from rushes.calls import Call, EchoCall
from rushes.engines.engine import Cancelled, Maker, Progress, Value
from rushes.errors import REQUEST_ERRORS, ModelError, RequestError


class Echo:
    """Engine `echo`; see the module docstring."""

    def load(self) -> Maker:
        """Nothing to load."""
        return Maker(engine="echo", model="echo", version=__version__, stand_in=False, trained=False)

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Value:
        """Wait as asked, then return the payload. Raises Cancelled, and the error type that the call names."""
        if not isinstance(call, EchoCall):
            raise TypeError(f"the echo engine takes an EchoCall, not {type(call).__name__}")
        for step in range(call.steps):
            if cancelled():
                raise Cancelled
            _wait(call, step)
            progress(Progress(step + 1, call.steps, "steps"))
        if call.fail is not None:
            raise RequestError(call.fail) if call.fail in REQUEST_ERRORS else ModelError(call.fail)
        return Value(call.payload)

    def unload(self) -> None:
        """Nothing to give back."""


def _wait(call: EchoCall, step: int) -> None:
    """Sleep one step; in the middle one of a call with an exit code, end the process when half of the time is over."""
    seconds = call.sleep_s / call.steps
    if call.exit_code is None or step != call.steps // 2:
        time.sleep(seconds)
        return
    time.sleep(seconds / 2 if call.steps % 2 else 0)  # half of the time lies within a step, or between two
    os._exit(call.exit_code)  # no clean-up on purpose: this stands for a crash
