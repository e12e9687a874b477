"""What engines and libraries log or print during a job becomes lines of that job's log.

`logging` keeps its level, `print` is STDOUT; both still reach the runner's own output. Our transport's chatter, and the
runner's own log with its tracebacks, are not for the caller.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import TextIOBase

from rushes.jobs.job import Level

Hear = Callable[[str, Level], None]

PRIVATE = ("rushes.runners", "httpx2", "httpcore2", "asyncio")


@contextmanager
def overheard(hear: Hear) -> Iterator[None]:
    """Pass on what is logged and printed inside the block. One job at a time."""
    ear = _LogEar(hear)
    printed = _PrintEar(hear)
    root = logging.getLogger()
    root.addHandler(ear)
    try:
        with redirect_stdout(printed):
            yield
    finally:
        root.removeHandler(ear)
        printed.end_line()


class _LogEar(logging.Handler):
    def __init__(self, hear: Hear) -> None:
        super().__init__(logging.INFO)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(PRIVATE):
            return
        self._hear(record.getMessage(), _level(record.levelno))


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "ERROR"
    return "WARN" if number >= logging.WARNING else "INFO"


class _PrintEar(TextIOBase):
    """A text stream that passes on whole lines; what has no line end yet waits for it."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        sys.stderr.write(text)
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(None, lines):
            self._hear(line, "STDOUT")
        return len(text)

    def end_line(self) -> None:
        if self._begun:
            self._hear(self._begun, "STDOUT")
            self._begun = ""
