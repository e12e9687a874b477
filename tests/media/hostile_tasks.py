"""Functions for the sandbox's tests: each does one thing that a decoder under attack might do."""

import ctypes
import os
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = [
    "add",
    "allocate",
    "babble",
    "end_by",
    "exit_with",
    "fail",
    "kill_helper",
    "limits",
    "question",
    "reach",
    "segfault",
    "sleep",
    "spin",
    "talk",
    "write",
]

hidden = os.getcwd


def babble(text: str, times: int) -> None:
    for fd in range(3, 64):
        if os.path.exists(f"/proc/self/fd/{fd}") and os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
            for _ in range(times):
                os.write(fd, text.encode())
    time.sleep(30)


def end_by(number: int) -> None:
    os.kill(os.getpid(), number)


def add(a: int, b: int) -> int:
    return a + b


def segfault() -> None:
    ctypes.string_at(0)


def exit_with(code: int) -> None:
    os._exit(code)


def fail(text: str) -> None:
    raise KeyError(text)


def spin() -> None:
    while True:
        pass


def sleep(seconds: float, mark: str) -> None:
    Path(mark).write_text(str(os.getpid()))
    time.sleep(seconds)


def allocate(size: int) -> int:
    return len(bytearray(size))


def write(path: str, size: int) -> None:
    Path(path).write_bytes(bytes(size))


def talk(size: int) -> str:
    return "x" * size


def kill_helper() -> None:
    os.kill(os.getppid(), 9)
    time.sleep(30)


def reach(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def question(ask: Callable[[bytes], bytes]) -> str:
    return ask(b"how many?").decode()


def limits() -> dict[str, Any]:
    left = [fd for fd in os.listdir("/proc/self/fd") if int(fd) > 2]
    status = Path("/proc/self/status").read_text()
    try:
        sockets = [socket.socket() for _ in range(100)]
    except OSError:
        sockets = []
    return {
        "fds": len(left),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "no_new_privs": "NoNewPrivs:\t1" in status,
        "sockets": len(sockets),
        "environment": dict(os.environ),
    }
