"""The processes that make a film together, seen from outside: started, told, heard, and ended all at once.

The process that holds this takes no part in their work, so it never waits for a device: it hears them with a time
limit, and can always end them. One that dies or fails ends all, and the next film starts them anew.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from rushes.engines.diffusers.plan import Plan
from rushes.engines.diffusers.rank import Place, run
from rushes.engines.diffusers.weights import Weights
from rushes.engines.engine import Cancelled
from rushes.routing import DiffusersDeployment

LOOK_S = 0.25
END_S = 5.0  # for a process that was told to end


class GroupLost(Exception):
    """One of the processes ended or failed, and with it all. `memory` where memory ran out."""

    def __init__(self, told: str, *, memory: bool = False) -> None:
        self.memory = memory
        super().__init__(told)


@dataclass(slots=True)
class Group:
    """Processes, the first of which speaks for all."""

    processes: list[BaseProcess]
    links: list[Connection]
    folder: tempfile.TemporaryDirectory[str]
    held_bytes: list[int] = field(default_factory=list)

    @classmethod
    def start(
        cls, plans: Sequence[Plan], weights: Weights, setting: DiffusersDeployment, between: Callable[[], None]
    ) -> Group:
        """Start one for each plan, and wait for their weights. Raises GroupLost, Refused, and what `between` raises."""
        context, folder = multiprocessing.get_context("spawn"), tempfile.TemporaryDirectory(prefix="rushes-group-")
        made = cls([], [], folder)
        # Those on one CPU share its cores instead of each taking all.
        threads = max(1, torch.get_num_threads() // len(plans))
        for rank, plan in enumerate(plans):
            ours, theirs = context.Pipe()
            meeting = Path(folder.name) / "meeting"
            place = Place(rank, len(plans), plan, weights, setting, meeting, os.getpid(), threads)
            process = context.Process(target=run, args=(place, theirs), name=f"film-{rank}", daemon=True)
            process.start()
            theirs.close()  # the process's own is the last then, whose end is the end of the link
            made.processes.append(process)
            made.links.append(ours)
        try:
            for _ in plans:
                made.held_bytes.append(made.hear(between)[1])
        except BaseException:
            made.end()
            raise
        return made

    @property
    def alive(self) -> bool:
        """Whether all are still there; between films none of them speaks but by its end."""
        return all(one.is_alive() for one in self.processes) and not wait(self.links, timeout=0)

    def tell(self, *words: Any) -> None:
        """Tell all something. Raises GroupLost."""
        for link in self.links:
            self._send(link, words)

    def hear(self, between: Callable[[], None]) -> tuple[Any, ...]:
        """Return the next thing that one of them says. Raises GroupLost, Refused, and what `between` raises."""
        while True:
            between()
            ready = wait(self.links, timeout=LOOK_S)  # the end of a process is the end of its link
            # The others first: once at work they only speak of what went wrong.
            for link in reversed(self.links):
                if link in ready:
                    return self._heard(link)

    def cancel(self, between: Callable[[], None]) -> None:
        """Have the film ended at the end of its step, and wait for that."""
        self._send(self.links[0], ("cancel", None))
        while self.hear(between)[0] not in ("cancelled", "done"):
            pass

    def end(self) -> None:
        """End them all, and wait for it."""
        for link in self.links:
            link.close()
        for process in self.processes:
            process.kill()  # they may wait for one another in code that hears no gentler signal
        for process in self.processes:
            process.join(END_S)
        with suppress(OSError):
            self.folder.cleanup()

    def _send(self, link: Connection, words: tuple[Any, ...]) -> None:
        try:
            link.send(words)
        except (OSError, ValueError) as error:
            raise GroupLost(f"a process doesn't hear any more ({error})") from None

    def _heard(self, link: Connection) -> tuple[Any, ...]:
        try:
            said: tuple[Any, ...] = link.recv()
        except (EOFError, OSError):
            raise GroupLost(f"process {self.links.index(link)} of {len(self.links)} ended") from None
        if said[0] in ("failed", "memory"):
            raise GroupLost(said[1], memory=said[0] == "memory")
        if said[0] == "unable":
            raise Refused(said)
        return said


class Refused(Exception):
    """A process says why it can't; `said` is ("unable", blame, error, remedy)."""

    def __init__(self, said: tuple[Any, ...]) -> None:
        self.said = said
        super().__init__(str(said[3]))


__all__ = ["Cancelled", "Group", "GroupLost", "Refused"]
