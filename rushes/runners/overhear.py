"""What engines and libraries log or print during a job becomes lines of that job's log.

`logging` keeps its level, `print` is STDOUT, and what is written to the error stream STDERR; all still reach the
runner's own output. Our transport's chatter, the runner's own log with its tracebacks, and what a route tells the
operator of accounts and keys are not for the caller.
Lines are cut and cleaned here, so that neither a picture printed as text nor a runaway loop burdens the gateway.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, TextIO

from rushes.jobs.job import Level

if TYPE_CHECKING:
    from typing_extensions import Buffer

Hear = Callable[[str, Level], None]

TRANSPORT = ("httpx2", "httpcore2", "asyncio")
PRIVATE = ("rushes.runners", "rushes.work.route", *TRANSPORT)
MOST_CHARS = 4_000  # of one line
MOST_LINES = 2_000  # of one try of a job
ENOUGH = f"This job has printed and logged {MOST_LINES:,} lines; what follows is in the runner's own output only"


@contextmanager
def overheard(hear: Hear) -> Iterator[None]:
    """Pass on what is logged and printed inside the block. One job at a time."""
    bounded = _Bounded(hear)
    ear = _LogEar(bounded)
    printed, complained = _PrintEar(bounded, "STDOUT", sys.stderr), _PrintEar(bounded, "STDERR", sys.stderr)
    root = logging.getLogger()
    level = root.level
    root.addHandler(ear)
    root.setLevel(min(level, logging.INFO))  # by itself it passes on warnings only
    try:
        with redirect_stdout(printed), redirect_stderr(complained):
            yield
    finally:
        root.setLevel(level)
        root.removeHandler(ear)
        printed.end_line()
        complained.end_line()


def clean(text: str) -> str:
    """Return a line as it may be stored and shown: cut, and with U+FFFD for what is no printable text."""
    cut = text[:MOST_CHARS]
    if not cut.isprintable():
        cut = "".join(char if char.isprintable() or char in "\t\n" else "\ufffd" for char in cut)
    return cut if len(text) <= MOST_CHARS else f"{cut}…"


class _Bounded:
    """Passes on so many cleaned lines, then one that says so, then none."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._left = MOST_LINES

    def __call__(self, text: str, level: Level) -> None:
        self._left -= 1
        if self._left >= 0:
            self._hear(clean(text), level)
        elif self._left == -1:
            self._hear(ENOUGH, "WARN")


class _LogEar(logging.Handler):
    def __init__(self, hear: Hear) -> None:
        super().__init__(logging.INFO)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(PRIVATE):
            return
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001  arguments that don't fit the text are no reason for a job to fail
            text = f"{record.msg} {record.args}"
        self._hear(text, _level(record.levelno))


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "ERROR"
    return "WARN" if number >= logging.WARNING else "INFO"


class _PrintEar(io.TextIOBase):
    """A text stream that passes on whole lines; what has no line end yet waits for it, as far as it is kept at all.

    A carriage return starts the line anew, as on a terminal, so that a progress bar is one line and not thousands.
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, hear: Hear, level: Level, onward: TextIO) -> None:
        self.buffer = _Bytes(self)
        self._hear = hear
        self._level: Level = level
        self._onward = onward
        self._begun = ""
        # Taken again within itself, since ending a line is part of writing.
        self._lock = threading.RLock()  # engines print from several threads

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._onward.write(text.encode("utf-8", "replace").decode())
        *lines, rest = text.split("\n")
        with self._lock:
            for line in lines:
                self._begin(line)
                self.end_line()
            self._begin(rest)
        return len(text)

    def end_line(self) -> None:
        with self._lock:
            line, self._begun = self._begun.rstrip("\r"), ""
            if line:
                self._hear(line, self._level)

    def _begin(self, text: str) -> None:
        _, anew, last = text.rstrip("\r").rpartition("\r")
        if anew or (self._begun.endswith("\r") and last):
            self._begun = ""
        ends = "\r" if text.endswith("\r") else ""
        self._begun = (self._begun + last)[: MOST_CHARS + 1] + ends


class _Bytes(io.RawIOBase):
    """The byte side of a text stream, as `sys.stdout.buffer` is."""

    def __init__(self, text: _PrintEar) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        raw = bytes(data)
        self._text.write(raw.decode("utf-8", "replace"))
        return len(raw)
