"""Wake-ups inside one process: who waits for work, who waits for a job to change; no polling, no thread.

    with events.watch_job(job_id) as watch:
        while not done(jobs.state(job_id)):
            await watch.wait(timeout_s)

Entering registers, so look after entering: what happens between the look and the wait is kept and ends the wait at
once. Everything here runs on the event loop's thread. A wake-up is a hint, never a fact: the database says what is so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rushes.jobs.job import Preview


class Watch:
    """One waiter's place; hints that come while it looks are kept for its next `wait`."""

    def __init__(self, who: str = "", *, previews: bool = False) -> None:
        self.who = who
        self.previews = previews
        self.dismissed = False  # whoever waits is to get nothing more
        self.preview: Preview | None = None  # the newest, for who watches with previews; take it and leave None
        self._fresh: set[str] = set()
        self._reported: set[str] = set()
        self._sleeper: asyncio.Future[None] | None = None

    async def wait(self, timeout_s: float) -> bool:
        """Sleep until something happens; at once if it did since the last `wait`. False: time was up.

        Look before every call: hints that the previous call reported count as dealt with from here on.
        """
        self._reported.clear()
        if not self._fresh and not self.dismissed and timeout_s > 0:
            await self._sleep(timeout_s)
        # Still open until the next call: a watcher that leaves in between hands them on.
        self._reported, self._fresh = self._fresh, self._reported
        return bool(self._reported)

    @property
    def hinted(self) -> bool:
        """Whether it was told of something that it has not looked for and found gone."""
        return bool(self._fresh or self._reported)

    def open_hints(self) -> set[str]:
        """What it was told of and may not have dealt with."""
        return self._fresh | self._reported

    def hint(self, what: str) -> None:
        """Tell it; ends its sleep."""
        self._fresh.add(what)
        self._wake()

    def dismiss(self) -> None:
        """Send it away; ends its sleep."""
        self.dismissed = True
        self._wake()

    async def _sleep(self, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        timer = loop.call_later(timeout_s, self._wake)
        try:
            await self._sleeper
        finally:
            timer.cancel()
            self._sleeper = None

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)


class Events:
    """The register of waiters. The store calls `work` and `changed` after its commits."""

    def __init__(self) -> None:
        # Dicts as ordered sets: who has waited longest is told first.
        self._work: dict[str, dict[Watch, None]] = {}
        self._jobs: dict[str, dict[Watch, None]] = {}

    @contextmanager
    def watch_job(self, job_id: str, *, previews: bool = False) -> Iterator[Watch]:
        """Watch one job's state and log; every watcher of it is told of every change.

        With `previews` its runner is asked for small pictures, of which the newest lies in `watch.preview`.
        """
        watch = Watch(previews=previews)
        _enter(self._jobs, job_id, watch)
        try:
            yield watch
        finally:
            _leave(self._jobs, job_id, watch)

    @contextmanager
    def watch_work(self, endpoints: Iterable[str], who: str = "") -> Iterator[Watch]:
        """Watch for claimable jobs of any of these endpoints; a job is told to one watcher only. `who` is its runner.

        A watcher that leaves hands on what it was told: it may have claimed another job than the one it was woken for.
        """
        # Each name once, since each is left once.
        watch, names = Watch(who), tuple(dict.fromkeys(endpoints))
        for name in names:
            _enter(self._work, name, watch)
        try:
            yield watch
        finally:
            for name in names:
                _leave(self._work, name, watch)
            for name in watch.open_hints():
                self.work(name)

    def work(self, endpoint: str, jobs: int = 1, prefer: str | None = None) -> None:
        """So many jobs became claimable: tell as many watchers, of those that have not been told of anything yet.

        `prefer` is the runner that is told first, if it waits: the one that served the same hint before.
        """
        watches: Iterable[Watch] = self._work.get(endpoint, ())
        if prefer is not None:
            # Stable: the others stay in the order in which they came.
            watches = sorted(watches, key=lambda watch: watch.who != prefer)
        for watch in watches:
            if jobs <= 0:
                return
            if not watch.hinted:
                watch.hint(endpoint)
                jobs -= 1

    def dismiss(self, runner: str) -> None:
        """Send away what waits for work under a runner's name, or the name, a slash and more, as its threads do."""
        for watch in {watch for watches in self._work.values() for watch in watches}:
            if watch.who == runner or watch.who.startswith(f"{runner}/"):
                watch.dismiss()

    def changed(self, job_id: str) -> None:
        """Note that a job's state or log changed."""
        for watch in self._jobs.get(job_id, ()):
            watch.hint(job_id)

    def wants_preview(self, job_id: str) -> bool:
        """Say whether anybody watches this job with previews."""
        return any(watch.previews for watch in self._jobs.get(job_id, ()))

    def show(self, job_id: str, preview: Preview) -> None:
        """Give those who want previews the newest; one that was not taken in time is gone, so nothing piles up."""
        for watch in self._jobs.get(job_id, ()):
            if watch.previews:
                watch.preview = preview
                watch.hint(job_id)

    @property
    def idle_runners(self) -> set[str]:
        """Names of the runners that wait for work at this moment."""
        return {watch.who for watches in self._work.values() for watch in watches if watch.who}

    def job_watchers(self, but: str | None = None) -> int:
        """How many places are registered by those who watch a job, or all ends; `but` names what does not count."""
        return sum(len(watches) for job_id, watches in self._jobs.items() if job_id != but)

    @property
    def watchers(self) -> int:
        """How many places are registered in all, a work watcher once for each endpoint."""
        return sum(map(len, self._work.values())) + self.job_watchers()


def _enter(register: dict[str, dict[Watch, None]], key: str, watch: Watch) -> None:
    register.setdefault(key, {})[watch] = None


def _leave(register: dict[str, dict[Watch, None]], key: str, watch: Watch) -> None:
    places = register[key]
    del places[watch]
    if not places:
        del register[key]
