"""One job's voice: collects its log lines and signs of life, and tells the gateway from a thread of its own.

A beat is sent only when the step loop ticked since the last one, so a hung step loop loses its lease although its
process lives. Lines wait a moment to travel together; what is left when the job ends goes along with the end. The
answer to a beat may be "cancel" or "stale": the step loop sees it at its next look.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

from rushes.engines.engine import Cancelled
from rushes.jobs.job import Level
from rushes.jobs.protocol import BeatReply, Line
from rushes.runners.client import GatewayAway, Refused
from rushes.runners.overhear import clean

LOOK_S = 0.5  # between two looks at whether the step loop hangs
FIRST_S = 0.03  # until the first beat: short jobs end before it and cost no extra call

LOG = logging.getLogger(__name__)

Answer = Literal["carry on", "cancel", "stale"]


class Reporter:
    """Implements work.tools.Report. `send(lines, preview)` is one beat; `clock` gives Unix seconds for the lines.

    `on_hang` is called when no sign of life came for `hang_s`: a thread can't be stopped, its process can be ended.
    After `limit_s` the step loop is told to stop, and the job is `overdue`.
    """

    def __init__(
        self,
        send: Callable[[tuple[Line, ...], bytes | None], BeatReply],
        beat_s: float,
        clock: Callable[[], float],
        *,
        hang_s: float = math.inf,
        limit_s: float = math.inf,
        on_hang: Callable[[], None] = lambda: None,
    ) -> None:
        self._send = send
        self._hang_s = hang_s
        self._on_hang = on_hang
        self._beat_s = beat_s
        self._clock = clock
        self._over_at = time.monotonic() + limit_s  # not by `clock`, which may be set while a job runs
        self._news = threading.Condition()
        self._lines: list[Line] = []
        self._ticked = False
        self._closed = False
        self._answer: Answer = "carry on"
        self._preview: bytes | None = None
        self._watched = False
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._thread.start()

    def say(self, message: str, level: Level = "INFO", labels: Mapping[str, str] | None = None) -> None:
        """Add a line, and give a sign of life."""
        self.overhear(message, level, labels)
        self._tick()

    def overhear(self, message: str, level: Level, labels: Mapping[str, str] | None = None) -> None:
        """Add a line that proves no life: what a library logs or prints, perhaps from a thread beside a hung loop."""
        # Cleaned: what others say may hold what no message can carry, and must not end a job that is paid.
        line = Line(at=self._clock(), message=clean(message), level=level, labels=dict(labels) if labels else None)
        with self._news:
            self._lines.append(line)

    def tick(self) -> None:
        """Give a sign of life. Raises Cancelled when the job is no longer wanted."""
        if self.cancelled():
            raise Cancelled

    def cancelled(self) -> bool:
        """Say whether the job is no longer wanted, be it cancelled or another's; a sign of life too."""
        self._tick()
        return self._answer != "carry on" or self.overdue

    def wants_preview(self) -> bool:
        """Say whether the gateway asked for a preview and the one for the next beat is still to be made."""
        return self._watched and self._preview is None

    def show(self, jpeg: bytes) -> None:
        """Send this along with the next beat."""
        self._preview = jpeg

    @property
    def stale(self) -> bool:
        """Whether the job is another runner's now, so that nobody wants to hear how it ends here."""
        return self._answer == "stale"

    @property
    def overdue(self) -> bool:
        """Whether the job has had all the time that one may have."""
        return time.monotonic() >= self._over_at

    def close(self, wait_s: float | None = None) -> tuple[Line, ...]:
        """Stop beating and return the lines that no beat carried; waits for a beat under way, so that none is lost."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(wait_s)
        with self._news:
            rest = tuple(self._lines)
            self._lines.clear()
        return rest

    def _tick(self) -> None:
        if self._ticked:  # read without the lock on purpose: engines tick for every frame
            return
        with self._news:
            self._ticked = True
            self._news.notify()

    def _run(self) -> None:
        pause_s = FIRST_S
        while self._wait(pause_s):
            self._beat()
            pause_s = self._beat_s

    def _wait(self, pause_s: float) -> bool:
        """Let `pause_s` pass, then wait for a sign of life; False as soon as the job is over."""
        with self._news:
            if self._news.wait_for(lambda: self._closed, pause_s):
                return False
            silent_s = 0.0
            while not self._news.wait_for(lambda: self._closed or self._ticked, LOOK_S):
                silent_s += LOOK_S  # by looks, not by the clock: while the whole process is stopped, nothing hangs
                if silent_s >= self._hang_s:
                    self._on_hang()
            return not self._closed

    def _beat(self) -> None:
        with self._news:
            lines = tuple(self._lines)
            self._lines.clear()
            # Before it is sent: a sign of life while it is on its way is the next one's.
            self._ticked = False
            preview, self._preview = self._preview, None
        try:
            reply = self._send(lines, preview)
            self._answer, self._watched = reply.answer, reply.preview
        except GatewayAway as error:
            LOG.info("a beat did not reach the gateway and is sent again with the next one: %s", error)
            with self._news:
                self._lines[:0] = lines
        except Refused as error:
            LOG.warning("giving the job up: %s", error)
            self._answer = "stale"
        except Exception:  # were this thread to end, a job that goes well would lose its lease
            LOG.exception("a beat failed; the next one tries again")
            with self._news:
                self._lines[:0] = lines
