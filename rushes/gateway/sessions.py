"""The sessions under way: each a caller's socket, a job, and the socket of the runner that does it.

A session is listed from before its job is stored until its caller has gone, so that a runner that has claimed the job
finds it. The runner's socket is one question and one answer at a time. What is asked is `realtime`'s business, who does
the work `runners.sessions`'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from rushes.gateway.socket import RESTART, Left, Socket


class RunnerGone(Exception):
    """The runner's socket closed; `restarts` when it said that it was told to stop."""

    def __init__(self, *, restarts: bool) -> None:
        self.restarts = restarts
        super().__init__("the runner was told to stop" if restarts else "the runner is gone")


class Line:
    """The way to a runner: one question at a time, each with one answer."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._answer: asyncio.Future[bytes] | None = None
        self._gone: RunnerGone | None = None
        self._over = asyncio.Event()

    async def ask(self, frame: bytes, timeout_s: float) -> bytes:
        """Return the answer. Raises RunnerGone, or TimeoutError; after that the line is of no more use."""
        if self._gone is not None:  # nobody listens any more, so that an answer would be waited for in vain
            raise self._gone
        self._answer = asyncio.get_running_loop().create_future()
        try:
            await self._socket.say(frame)
            return await asyncio.wait_for(self._answer, timeout_s)
        except Left:
            raise RunnerGone(restarts=False) from None
        finally:
            self._answer = None

    async def listen(self) -> None:
        """Hand on answers until the runner is gone; ones that nobody waits for any more are dropped."""
        while (frame := await self._socket.next()) is not None:
            # Late answers find nobody: whoever asked has given the session up.
            if isinstance(frame, bytes) and self._answer is not None and not self._answer.done():
                self._answer.set_result(frame)
        # The close code is how a runner says that it was told to stop.
        self._gone = RunnerGone(restarts=self._socket.code == RESTART)
        self._over.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(self._gone)

    async def lost(self) -> RunnerGone:
        """Return how the runner went, once it has."""
        await self._over.wait()
        assert self._gone is not None
        return self._gone

    async def hang_up(self, code: int) -> None:
        """Tell the runner that the session is over."""
        await self._socket.close(code)


class Session:
    """One session's place: the caller waits here for the runner. `cost_usd` is what it has come to so far."""

    def __init__(self, key_id: str = "") -> None:
        self._joined = asyncio.Event()
        self.key_id = key_id
        self.cost_usd = 0.0
        self.line: Line | None = None

    def join(self, line: Line) -> None:
        """Let the caller have the way to its runner; called once."""
        self.line = line
        self._joined.set()

    async def runner(self, timeout_s: float | None) -> Line:
        """Return the way to the runner, once it is there. Raises TimeoutError; without a time it waits for good."""
        if self.line is None:
            await asyncio.wait_for(self._joined.wait(), timeout_s)
        assert self.line is not None
        return self.line


class Sessions:
    """The register, by job id."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def opened(self, job_id: str, key_id: str = "") -> Iterator[Session]:
        """List a session of a key for as long as its caller is there."""
        # By the job's id before it is stored, since a runner may have it the moment after.
        session = self._open[job_id] = Session(key_id)
        try:
            yield session
        finally:
            del self._open[job_id]

    def cost_usd(self, key_id: str) -> float:
        """Return what all open sessions of a key have come to so far; the books hear of each at its end only."""
        return sum(session.cost_usd for session in self._open.values() if session.key_id == key_id)

    def find(self, job_id: str) -> Session | None:
        """Return the session that waits for a runner; None when there is none, or it has one."""
        session = self._open.get(job_id)
        # Where a line broke, the session is ending: a runner that comes again is too late.
        return session if session is not None and session.line is None else None
