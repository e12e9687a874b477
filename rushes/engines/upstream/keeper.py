"""Keeps watch over one program and all that it starts: they end with whoever asked for them, however that one ends.

A process of its own, with nothing but the standard library, between a runner and a model's program. Its standard input
is a pipe that only the runner holds: when that closes, on purpose or because the runner was killed, the program's whole
family gets SIGTERM and soon SIGKILL, processes that have left its group included, and its folder is removed. When the
program ends by itself, whatever it leaves behind is ended too. The exit code is the program's, 128 + N after signal N.

    python -I -S keeper.py '{"folder": "...", "file_bytes": 1000000}' PROGRAM ARGUMENT...
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

GRACE_S = 3.0  # between SIGTERM and SIGKILL
TURN_S = 0.05  # signals come without waking who waits, so this is how late they are seen
_ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
NOT_STARTED = 127  # as shells have it
_TIE = 0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def main(told: dict[str, Any], command: list[str]) -> int:
    """Run the program to its end, or until nobody wants it any more."""
    if sys.platform == "linux":  # what is orphaned among the program's children becomes ours
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told_to_end = _ToldToEnd()
    for number in _ENDINGS:
        signal.signal(number, told_to_end)
    try:
        program = subprocess.Popen(
            command,
            cwd=told["folder"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_limits(told["file_bytes"]),  # noqa: PLW1509  this process has one thread
        )
    except OSError as error:
        sys.stderr.write(f"{command[0]} can't be started: {error.strerror}\n")
        return NOT_STARTED
    _leave_output()  # the runner reads until the last end of the pipe is closed, and this one would be it
    code = _watch(program, told_to_end)
    _end_all(program)
    if code is None:  # and only now: somebody who still wrote would make the folder anew
        shutil.rmtree(told["folder"], ignore_errors=True)
    status = program.returncode if code is None else code
    return status if status >= 0 else 128 - status


def descendants(of: int) -> list[int]:
    """Return the ids of all processes below one; none where the system doesn't tell."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found, left = [], [of]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def _processes() -> Iterator[tuple[int, int]]:
    """Yield each process's id and its parent's."""
    if not os.path.isdir("/proc/self"):
        return
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
            except (OSError, ValueError):  # it has just ended
                continue
            if state not in (b"Z", b"X"):  # ended, though nobody has taken leave of it
                yield int(name), int(parent)


def _limits(file_bytes: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash would write all that it had loaded
        hardest = resource.getrlimit(resource.RLIMIT_FSIZE)[1]  # which nobody may raise
        most = file_bytes if hardest == resource.RLIM_INFINITY else min(file_bytes, hardest)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        if sys.platform == "linux":  # should even this process be killed
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return limit


def _leave_output() -> None:
    """Let go of the output, so that it ends when the program does."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in (1, 2):
        os.dup2(nowhere, fd)


def _watch(program: subprocess.Popen[bytes], told_to_end: _ToldToEnd) -> int | None:
    """Wait for the program's end; None where it was no longer wanted before."""
    while program.poll() is None:
        ready, _, _ = select.select([_TIE], [], [], TURN_S)
        if told_to_end.is_so or (ready and not os.read(_TIE, 1)):
            return None
        _reap(program)
    return program.returncode


def _end_all(program: subprocess.Popen[bytes]) -> None:
    """End all that is left below this process: kindly, and then not."""
    last = time.monotonic() + GRACE_S
    _send(program, signal.SIGTERM)
    while _are_left(program):
        if time.monotonic() > last:
            _send(program, signal.SIGKILL)  # again in each turn, since some may have been born meanwhile
        time.sleep(TURN_S)


def _send(program: subprocess.Popen[bytes], number: signal.Signals) -> None:
    below = descendants(os.getpid())
    for pid in below:
        # Some have ended by now, or belong to root by their program's file: the others must not be spared for them.
        with suppress(OSError):
            os.kill(pid, number)
    if not below and program.poll() is None:  # where processes can't be listed
        os.killpg(program.pid, number)


def _are_left(program: subprocess.Popen[bytes]) -> bool:
    program.poll()
    _reap(program)
    return program.returncode is None or bool(descendants(os.getpid()))


def _reap(program: subprocess.Popen[bytes]) -> None:
    """Take leave of orphans that have ended; the program itself is `Popen`'s to wait for."""
    for pid in _ended():
        if pid == program.pid:
            program.poll()
            return
        os.waitpid(pid, 0)


def _ended() -> Iterator[int]:
    """Yield children that have ended, without taking leave of them."""
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None:
            return
        yield found.si_pid


class _ToldToEnd:
    """Whether a signal told this process to end; it raises nothing, so that no step can be cut off in its middle."""

    def __init__(self) -> None:
        self.is_so = False

    def __call__(self, _signal: int, _frame: object) -> None:
        self.is_so = True


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
