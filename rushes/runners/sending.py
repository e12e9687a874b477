"""Which jobs of a process have a task on its way to a vendor, so that the process does not end in the middle of that.

Between the note before a task and the note of its ticket only this process knows what becomes of it. Once the process
is to leave, no further task is sent; those on their way get a few seconds to arrive.
"""

from __future__ import annotations

import threading


class Sending:
    """The jobs, by id. One object serves all threads of a process."""

    def __init__(self) -> None:
        self._jobs: set[str] = set()
        self._news = threading.Condition()
        self._leaving = False

    @property
    def leaving(self) -> bool:
        """Whether the process is to leave, so that nothing more is to be claimed."""
        return self._leaving

    def begin(self, job_id: str) -> None:
        """Note that a task is about to be sent; never returns once the process leaves."""
        with self._news:
            if self._leaving:
                # For ever: the thread ends with its process, and of this task nothing was sent or kept.
                self._news.wait_for(lambda: False)
            self._jobs.add(job_id)

    def end(self, job_id: str) -> None:
        """Note that it is known what became of it."""
        with self._news:
            self._jobs.discard(job_id)
            self._news.notify_all()

    def leave(self, most_s: float) -> bool:
        """Let nothing more be sent, and wait for what is on its way; say whether all of it arrived."""
        with self._news:
            self._leaving = True
            return self._news.wait_for(lambda: not self._jobs, most_s)
