"""Run a function on untrusted bytes in a process that may be lost: limits on memory, CPU, time and files.

A warm helper (`sandbox_child`) has Pillow, NumPy and PyAV loaded and forks a fresh child for each task, which costs
milliseconds instead of an interpreter start. Decoders are C code that strangers' bytes have crashed before; here such a
crash is an exception. This is the caller's side: it starts the helper, asks and waits, and replaces a lost helper. A
task may put questions on its way (bytes, answered with bytes), so that what it must not hold, as a key, stays outside.

    SandboxError
    ├── TaskFailed    the function raised; `type` and `msg` say what
    ├── OutOfMemory   it needed more than `memory_bytes`
    ├── OutOfTime     it needed more than `cpu_s` or `wall_s`
    ├── Crashed       a signal or an exit ended it
    └── Unavailable   the helper could not be started, or was lost twice in a row

The helper's environment holds no secrets, so a decoder that is taken over cannot read the server's keys from there, and
it is off the network where the kernel allows that. It runs as the server's own user: files are not kept from it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

MEDIA_TASKS = (
    "rushes.media.decode_task",
    "rushes.media.film_task",
    "rushes.media.sound_task",
    "rushes.media.provenance_task",
)

Answerer = Callable[[bytes], bytes]
"""Answers a question of a task; questions and answers have at most 60,000 bytes. What it raises ends the task."""

_ANSWER_BYTES = 65_536  # of one packet, which would arrive cut if it were longer; the helper keeps to 60,000
_REQUEST_BYTES = 65_536  # that the helper takes at once; of a longer one it would see the beginning only
_GRACE_S = 5.0  # what the helper gets on top of a task's wall time before it counts as hung
_SLICE_S = 0.25  # how often `tick` is called while waiting
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")


class SandboxError(Exception):
    """Base of everything that can go wrong with a task."""


class TaskFailed(SandboxError):
    """The function raised an exception of type name `type` with the text `msg`."""

    def __init__(self, type: str, msg: str) -> None:
        self.type = type
        self.msg = msg
        super().__init__(f"{type}: {msg}")


class OutOfMemory(SandboxError):
    """The memory limit was reached."""


class OutOfTime(SandboxError):
    """The CPU or the wall-clock limit was reached."""


class Crashed(SandboxError):
    """The process ended by a signal or by itself, without an answer."""


class Unavailable(SandboxError):
    """There is no helper to run the task in; not the task's fault."""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one task may use. Memory is address space, the helper's own 0.2 GB included."""

    memory_bytes: int
    cpu_s: int
    wall_s: float
    file_bytes: int


class _Lost(Exception):
    """The helper went away before it answered."""


class Sandbox:
    """One warm helper that runs functions of the named modules; may be used from several threads at once."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the helper unless it runs already; it gets warm while the caller does other things."""
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the helper and what it is running; a later `run` starts a new one."""
        with self._lock:
            self._end()

    @property
    def pid(self) -> int | None:
        """The helper's process id, None while there is none."""
        return self._process.pid if self._process is not None else None

    def run(
        self,
        function: str,
        arguments: Mapping[str, Any],
        limits: SandboxLimits,
        tick: Callable[[], None] = lambda: None,
        answer: Answerer | None = None,
    ) -> Any:
        """Call `function` ("module:name") with keyword arguments; arguments and result are JSON values.

        Raises SandboxError, and what `tick` raises, which ends the task. `tick` is called a few times a second. With
        `answer` the function gets one argument more, `ask`, which has its questions answered here.
        """
        request = json.dumps({"function": function, "arguments": dict(arguments), "limits": asdict(limits)}).encode()
        if len(request) > _REQUEST_BYTES:
            raise TaskFailed("ValueError", f"the request has {len(request)} bytes; at most {_REQUEST_BYTES} are taken")
        for _ in range(2):  # a helper that was killed since the last task is no reason to fail this one
            try:
                return _read_answer(self._ask(request, limits.wall_s, tick, answer))
            except _Lost:
                continue
        raise Unavailable("the process that decodes inputs was lost twice in a row")

    def _ask(
        self, request: bytes, wall_s: float, tick: Callable[[], None], answer: Answerer | None
    ) -> list[dict[str, Any]]:
        """Hand one task to the helper; return its messages, the last of which says how the process ended."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asked, asking = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Closing `ours` early, e.g. because `tick` raised, tells the helper to kill the task.
        with ours, asked:
            # Our copies of the task's ends close here; as long as one is open, its end would not be seen as an end.
            with theirs, asking, self._lock:
                process, control = self._running()
                lent = [theirs.fileno(), asking.fileno()] if answer is not None else [theirs.fileno()]
                try:
                    socket.send_fds(control, [request], lent)
                except OSError:
                    self._end()
                    raise _Lost from None
            questions = (asked, answer) if answer is not None else None
            return self._collect(ours, process, time.monotonic() + wall_s + _GRACE_S, tick, questions)

    def _collect(
        self,
        ours: socket.socket,
        process: subprocess.Popen[bytes],
        give_up: float,
        tick: Callable[[], None],
        questions: tuple[socket.socket, Answerer] | None,
    ) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while not (messages and "end" in messages[-1]):
            tick()
            if questions is not None and _waits(questions[0], ours):
                # A task that has closed its end asks no more; left in, it would be readable for ever.
                if not _answer_one(*questions):
                    questions = None
                continue
            try:
                ours.settimeout(_SLICE_S)
                message = ours.recv(_ANSWER_BYTES)
            except TimeoutError:
                if time.monotonic() < give_up:
                    continue
                self._discard(process)
                raise OutOfTime("the process that decodes inputs does not answer") from None
            # The helper was killed before it read the request.
            except ConnectionResetError:
                message = b""
            if not message:
                self._discard(process)
                raise _Lost
            messages.append(_parsed(message))
            if len(messages) > 1 and "end" not in messages[-1]:  # a task that says no end of things fills no memory
                raise Crashed("the process answered more than once")
        return messages

    def _running(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """Return the live helper, started if there is none; called with the lock held."""
        if self._process is None or self._control is None or self._process.poll() is not None:
            self._end()
            self._process, self._control = _start(self._modules)
        return self._process, self._control

    def _discard(self, process: subprocess.Popen[bytes]) -> None:
        """End this helper, unless another thread has replaced it already."""
        with self._lock:
            if self._process is process:
                self._end()

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._control = None


@cache
def media_sandbox() -> Sandbox:
    """The sandbox of this process for pictures, video and audio; `media_sandbox().start()` warms it up early."""
    sandbox = Sandbox(MEDIA_TASKS)
    atexit.register(sandbox.close)
    return sandbox


def _start(modules: tuple[str, ...]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # -P: PYTHONPATH holds our own path, and the folder we run in only where ours has it.
    command = [sys.executable, "-P", "-m", "rushes.media.sandbox_child", str(theirs.fileno()), *modules]
    with theirs, contextlib.ExitStack() as on_failure:
        on_failure.callback(ours.close)
        try:
            # A session of its own: Ctrl-C in a terminal is for the server, which then closes us.
            process = subprocess.Popen(
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"the process that decodes inputs could not be started: {error}") from error
        on_failure.pop_all()
    return process, ours


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    # One thread in the numeric libraries: the helper forks, and threads do not survive that.
    alone = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    # Large pages for pixels: a fresh child faults in all that it touches, which took half of a picture's time.
    return {**kept, **alone, "PYTHONPATH": path, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def _waits(asked: socket.socket, ours: socket.socket) -> bool:
    """Wait a little for either; say whether there is a question, or the end of all questions."""
    poll = select.poll()  # `select` itself refuses numbers above 1,023, which a process of many jobs has
    for sock in (asked, ours):
        poll.register(sock, select.POLLIN)
    return any(fd == asked.fileno() for fd, _ in poll.poll(_SLICE_S * 1_000))


def _answer_one(asked: socket.socket, answer: Answerer) -> bool:
    """Answer the question that waits; False when there was none, since the task has gone."""
    try:
        question = asked.recv(_ANSWER_BYTES)
        if question:
            asked.send(answer(question))
    except (BrokenPipeError, ConnectionResetError):
        return False
    return bool(question)


def _parsed(message: bytes) -> dict[str, Any]:
    """Read a message; from a task that was taken over it may be anything."""
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Crashed("the process did not answer as a task does")
    return found


def _read_answer(messages: list[dict[str, Any]]) -> Any:
    """Tell the ways a task can end apart."""
    *answers, end = messages
    text = str(end.get("text", ""))
    if end["end"] == "time":
        raise OutOfTime(text)
    answer = answers[-1] if answers else {}
    if answer.get("error") == "memory":
        raise OutOfMemory("the memory limit was reached")
    if end["end"] == "crash" or not answer:
        raise Crashed(text)
    if "result" not in answer:
        raise TaskFailed(str(answer.get("error")), str(answer.get("text", "")))
    return answer["result"]
