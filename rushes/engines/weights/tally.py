"""How far a download is: bytes, rate over the last seconds, time left, as one line of at most 79 characters."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

WINDOW_S = 10.0  # that the rate is of: long enough to be steady, short enough to see a line fail
_WIDTH, _NAME = 79, 24
_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def size(count: float) -> str:
    """Write a number of bytes with three digits: 66.1 GB."""
    for unit, name in _UNITS:
        if count >= unit * 0.9995:
            value = count / unit
            return f"{value:.{max(0, 2 - (value >= 10) - (value >= 100))}f} {name}"
    return f"{count:.0f} bytes"


def span(seconds: float) -> str:
    """Write a time: 45 s, 12 min, 3 h 20 min."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class Tally:
    """Counts for several threads at once. `clock` in seconds."""

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        self._total, self._clock = total, clock
        self._done = 0
        self._lock = threading.Lock()
        self._marks: deque[tuple[float, int]] = deque()
        self._come = 0
        self._mark()

    def add(self, count: int) -> None:
        """Note bytes that came; fewer than none where some have to come again."""
        with self._lock:
            self._done += count
            self._come += max(0, count)  # the rate is the line's, also where bytes have to come again
            self._mark()

    def had(self, count: int) -> None:
        """Note bytes that were here already."""
        with self._lock:
            self._done += count

    def line(self, name: str) -> str:
        """Say how far it is; `name` is a file on its way."""
        with self._lock:
            share = self._done / self._total if self._total else 1.0
            told = [f"{size(self._done):>7} of {size(self._total)}", f"{int(100 * share):3d} %"]
            rate = self._rate()
            if rate > 0:
                told += [f"{size(rate)}/s", f"{span((self._total - self._done) / rate)} left"]
        text = "  " + "   ".join(told)
        room = _WIDTH - len(text) - 3
        return f"{text}   {name if len(name) <= room else '…' + name[1 - room :]}" if room >= _NAME // 2 else text

    def _mark(self) -> None:
        now = self._clock()
        if self._marks and now - self._marks[-1][0] < WINDOW_S / 40:  # pieces come by the hundred in a second
            return
        self._marks.append((now, self._come))
        while self._marks[0][0] < now - WINDOW_S:
            self._marks.popleft()

    def _rate(self) -> float:
        """Bytes a second, from the oldest mark within the window until now."""
        since, come = self._marks[0]
        passed = self._clock() - since
        return (self._come - come) / passed if passed > 0 else 0.0
