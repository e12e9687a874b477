"""Keeps watch over one program and all that it starts: they end with whoever asked for them, however that one ends.

A process of its own, with nothing but the standard library, between a runner and a model's program. Its standard input
is a pipe that only the runner holds: when that closes, on purpose or because the runner was killed, the program's whole
family gets SIGTERM and soon SIGKILL, processes that have left its group included, and its folder is removed. When the
program ends by itself, whatever it leaves behind is ended too. The exit code is the program's, 128 + N after signal N.

    python -I -S keeper.py '{"command": [...], "folder": "...", "file_bytes": 1000000}'
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
from typing import Any

GRACE_S = 3.0  # between SIGTERM and SIGKILL
TURN_S = 0.05
NOT_STARTED = 127  # as shells have it
_TIE = 0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def main(told: dict[str, Any]) -> int:
    """Run the program to its end, or until nobody wants it any more."""
    if sys.platform == "linux":  # what is orphaned among the program's children becomes ours
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _let_go)
    try:
        program = subprocess.Popen(
            told["command"],
            cwd=told["folder"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_limits(told["file_bytes"]),  # noqa: PLW1509  this process has one thread
        )
    except OSError as error:
        sys.stderr.write(f"{told['command'][0]} can't be started: {error.strerror}\n")
        return NOT_STARTED
    _leave_output_to(program)
    code = _watch(program)
    _end_all(program)
    if code is None:
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
            if state not in (b"Z", b"X"):
                yield int(name), int(parent)


def _limits(file_bytes: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        if sys.platform == "linux":  # should even this process be killed
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return limit


def _leave_output_to(program: subprocess.Popen[bytes]) -> None:
    """Let go of the output, so that it ends when the program does."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in (1, 2):
        os.dup2(nowhere, fd)


def _watch(program: subprocess.Popen[bytes]) -> int | None:
    """Wait for the program's end; None where it was no longer wanted before."""
    try:
        while program.poll() is None:
            ready, _, _ = select.select([_TIE], [], [], TURN_S)
            if ready and not os.read(_TIE, 1):
                return None
            _reap(program)
    except _LetGo:
        return None
    return program.returncode


def _end_all(program: subprocess.Popen[bytes]) -> None:
    """End all that is left below this process: kindly, and then not."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    last = time.monotonic() + GRACE_S
    _send(program, signal.SIGTERM)
    while _are_left(program):
        if time.monotonic() > last:
            _send(program, signal.SIGKILL)  # again in each turn, since some may have been born meanwhile
        time.sleep(TURN_S)


def _send(program: subprocess.Popen[bytes], number: signal.Signals) -> None:
    below = descendants(os.getpid())
    for pid in below:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
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


class _LetGo(Exception):
    """A signal told this process to end."""


def _let_go(_signal: int, _frame: object) -> None:
    raise _LetGo


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
