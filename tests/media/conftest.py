"""Puts right what encoders of test films do to the process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _usual_turns() -> Iterator[None]:
    """The AV1 encoder gives whoever calls it as root real-time priority, for good: other tests would starve."""
    yield
    if hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
