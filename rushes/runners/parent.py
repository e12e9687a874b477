"""A local runner's tie to its server: how it gets its key, and that it goes when the server's process is gone.

On Linux the kernel sees to it, even for a process that is busy in C code; elsewhere, and for the moment before the
kernel was asked, the runner looks at its parent's process id between jobs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

KEY_VARIABLE = "RUSHES_RUNNER_KEY"  # not on the command line, which every user of the machine can read
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends; does nothing where that is unknown."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def is_gone(parent: int | None) -> bool:
    """Say whether the process that started us is no longer our parent; False for a runner that has none."""
    return parent is not None and os.getppid() != parent
