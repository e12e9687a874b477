"""The warm helper of `sandbox`: `python -m rushes.media.sandbox_child FD MODULE...`; forks a child for each task.

One thread, one loop: requests come on a socket (JSON, with the reply socket attached), children are forked, watched,
killed when their time is up or when nobody waits for them any more, and reaped. A child gives itself limits, runs one
function of the named modules, answers, and exits. This process never looks at an untrusted byte.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

_REQUEST_BYTES = 65_536
_ANSWER_BYTES = 60_000  # below what the caller reads at once
_TEXT_CHARS = 500  # of what went wrong, which may end in somebody's error message
_OPEN_FILES = 64  # sources, outputs and sockets are fewer than ten; libraries open a few of their own
_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000  # <linux/sched.h>
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


@dataclass(slots=True)
class _Task:
    """A running child: who waits for it, and until when it may run."""

    reply: socket.socket
    deadline: float
    late: bool = False


class Helper:
    """The loop; ends when the control socket is closed at the other side."""

    def __init__(self, control: socket.socket, modules: list[str]) -> None:
        self._control = control
        self._modules = {name: importlib.import_module(name) for name in modules}
        self._tasks: dict[int, _Task] = {}
        self._selector = selectors.DefaultSelector()
        self._woken, wake = socket.socketpair()
        for sock in (self._woken, wake, control):
            sock.setblocking(False)
        self._wake = wake  # kept: closing it would end the wake-ups

    def serve(self) -> None:
        """Serve until the caller is gone; no child outlives this."""
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler of ours no wake-up is written
        # A child that ends wakes the loop through a socket, since a signal alone would not end its wait.
        signal.set_wakeup_fd(self._wake.fileno())
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._warm()
        gc.freeze()  # what is loaded now is shared with the children for good
        while self._turn():
            self._reap()
            self._kill_late()
        for pid in self._tasks:
            _kill(pid)

    def _warm(self) -> None:
        """Let the modules use their decoders once, on bytes of their own making; children inherit what that loads."""
        for module in self._modules.values():
            if hasattr(module, "warm"):
                module.warm()

    def _turn(self) -> bool:
        """Wait for the next event and see to it; False when the caller has gone."""
        for key, _ in self._selector.select(self._wait_s()):
            if key.fileobj is self._control:
                if not self._accept():
                    return False
            elif key.fileobj is self._woken:
                self._woken.recv(4096)
            else:  # a reply socket turns readable only when the one who waited has closed it
                self._selector.unregister(key.fileobj)
                _kill(key.data)
        return True

    def _wait_s(self) -> float | None:
        pending = [task.deadline for task in self._tasks.values() if not task.late]
        return max(0.0, min(pending) - time.monotonic()) if pending else None

    def _accept(self) -> bool:
        message, fds, _, _ = socket.recv_fds(self._control, _REQUEST_BYTES, 2)  # the second: for questions
        if not message:
            return False
        reply = socket.socket(fileno=fds[0])
        request = json.loads(message)
        pid = os.fork()
        if pid == 0:
            _run_and_exit(reply.detach(), request, self._modules, *fds[1:])
        # The task's end of its questions: open here too, the caller would wait for questions after the task.
        for fd in fds[1:]:
            os.close(fd)
        self._tasks[pid] = _Task(reply, time.monotonic() + request["limits"]["wall_s"])
        self._selector.register(reply, selectors.EVENT_READ, pid)
        return True

    def _reap(self) -> None:
        while self._tasks:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            task = self._tasks.pop(pid)
            with contextlib.suppress(KeyError):  # already unregistered when its waiter left
                self._selector.unregister(task.reply)
            with contextlib.suppress(OSError), task.reply:  # the waiter may have gone
                task.reply.send(json.dumps(_ending(status, task.late)).encode())

    def _kill_late(self) -> None:
        now = time.monotonic()
        for pid, task in self._tasks.items():
            if now >= task.deadline and not task.late:
                task.late = True
                _kill(pid)


def _kill(pid: int) -> None:
    """Kill a child that has not been reaped yet, so that the id is still its own."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _ending(status: int, late: bool) -> dict[str, str]:
    """Say how a child ended: ok, time or crash."""
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return {"end": "ok", "text": ""}
    if late:
        return {"end": "time", "text": "it took longer than allowed"}
    if -code == signal.SIGXCPU:
        return {"end": "time", "text": "it used more CPU time than allowed"}
    what = f"was ended by {_name(-code)}" if code < 0 else f"exited with code {code}"
    return {"end": "crash", "text": f"the process {what}"}


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names but the first and the last
        return f"signal {number}"


def _run_and_exit(reply_fd: int, request: dict[str, Any], modules: dict[str, Any], *asking: int) -> NoReturn:
    """Be the child: no way leads out of here but the exit."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _close_all_but(reply_fd, *asking)
        _limit(request["limits"])
        if asking:
            request["arguments"]["ask"] = _asker(socket.socket(fileno=asking[0]))
        answer = _answer(request, modules)
        socket.socket(fileno=reply_fd).send(answer)
        code = 0
    finally:
        os._exit(code)


def _asker(outside: socket.socket) -> Callable[[bytes], bytes]:
    """Return what has a question answered by whoever waits for this task."""

    def ask(question: bytes) -> bytes:
        outside.send(question)
        answer = outside.recv(_ANSWER_BYTES)
        if not answer:
            raise ConnectionError("nobody answers this task's questions")
        return answer

    return ask


def _close_all_but(*kept: int) -> None:
    """Leave the child nothing of the helper's: not the control socket, not other tasks' replies, no terminal."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    begin = 3
    for fd in sorted(kept):
        os.closerange(begin, fd)
        begin = fd + 1
    os.closerange(begin, begin + 1024)


def _limit(limits: dict[str, Any]) -> None:
    cpu_s = limits["cpu_s"]
    for kind, soft, hard in (
        (resource.RLIMIT_AS, limits["memory_bytes"], limits["memory_bytes"]),
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),
        (resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))
    if sys.platform == "linux":
        # It ends with the helper whatever kills that one, nobody of the same user may look into it, and no set-uid
        # program that it starts gives it more rights.
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _answer(request: dict[str, Any], modules: dict[str, Any]) -> bytes:
    """Call the function; its exceptions are the answer too."""
    try:
        module, _, name = request["function"].partition(":")
        if module not in modules or name not in modules[module].__all__:
            raise PermissionError(f"{request['function']} is not among the functions this helper runs")
        answer = {"result": getattr(modules[module], name)(**request["arguments"])}
        text = json.dumps(answer).encode()
        if len(text) > _ANSWER_BYTES:
            raise ValueError(f"the answer has {len(text)} bytes; at most {_ANSWER_BYTES} are allowed")
        return text
    except MemoryError:
        return json.dumps({"error": "memory", "text": ""}).encode()
    except Exception as error:  # noqa: BLE001  decoders raise anything on hostile bytes; the caller gets it as TaskFailed
        return json.dumps({"error": type(error).__name__, "text": _text(error)[:_TEXT_CHARS]}).encode()


def _text(error: Exception) -> str:
    """Say what is wrong; errors with a `strerror` (OSError's, FFmpeg's) would add our path, nobody else's business."""
    return getattr(error, "strerror", None) or str(error)


def _leave_network() -> None:
    """Take this process, and with it every task, off the network where the kernel allows that."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    # Only who is not root needs a user namespace for it; root would lose its right to others' folders in one.
    if libc.unshare(_CLONE_NEWNET) != 0 and os.getuid() != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def main() -> None:
    """Start the loop on the socket whose number is the first argument."""
    fd, *modules = sys.argv[1:]
    _leave_network()  # before modules are loaded, since a process with threads may not
    control = socket.socket(fileno=os.dup(int(fd)))  # the lowest number, which `_close_all_but` is sure to reach
    os.close(int(fd))
    Helper(control, modules).serve()


if __name__ == "__main__":
    main()
