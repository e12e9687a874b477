"""Lines for somebody who waits: on a terminal a passing line is overwritten by the next, elsewhere some are printed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from shutil import get_terminal_size
from typing import Self, TextIO

APART_S = 10.0  # between two passing lines where nobody can overwrite them


class Lines:
    """A way to say things, as `engines.deployed.Say`; used in `with`, so that the last line is ended."""

    def __init__(self, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out or sys.stdout
        self._clock = clock
        self._over = self._out.isatty()
        self._passing = False
        self._next = 0.0

    def __call__(self, line: str, *, passing: bool = False) -> None:
        """Say a line."""
        if passing and not self._over:
            if self._clock() < self._next:
                return
            self._next = self._clock() + APART_S
        if self._passing:
            self._out.write("\r\x1b[K")
        self._passing = passing and self._over
        if self._passing:
            # Cut to the width: of a line that wraps only the last part could be overwritten.
            self._out.write(line[: get_terminal_size().columns - 1])
        else:
            self._out.write(line + "\n")
        self._out.flush()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what was said last on a line of its own."""
        if self._passing:
            self._out.write("\n")
            self._passing = False
