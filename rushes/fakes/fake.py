"""What every pretended vendor shares: what it was sent, what it is to do next, and the tasks it has.

A vendor's own words, routes and checks stand in a file of its name; here is what has no vendor's name in it. What is to
happen is planned: by the words `fake:NAME` in a prompt, so that somebody rehearses with nothing but a request, or by
`Fake.plan`, for tests. Nothing here waits for real time: a task ends after so many looks at it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Fault = Literal["key", "balance", "rate", "concurrency", "invalid", "moderated", "server_error", "hang_up", "unknown"]
"""How a single request can go wrong: the key is dead, the account empty, too many requests or tasks, a parameter is

refused, the prompt or picture is refused by moderation, an error of the vendor's own, the connection ends without an
answer (a submit's after its task was taken where the plan has `keeps_lost`), an answer of words that no documentation
has.
"""

End = Literal["done", "failed", "moderated", "unknown", "link_expired", "link_broken", "cancelled", "expired", "lost"]
"""How a task can end: well, by an error, by moderation of what came out, with a status word that nobody knows, with a

result whose link has expired (403) or breaks off halfway, cancelled at the vendor, given up after waiting too long
(where a vendor has a word for that; elsewhere it ends well), or forgotten (its id is unknown).
"""

FAULTS: tuple[Fault, ...] = get_args(Fault)
ENDS: tuple[End, ...] = get_args(End)
State = Literal["queued", "running", "ended"]
_WORD = re.compile(r"fake:([a-z_]+)(?:=(\d+))?")


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came in: its method, path with query, headers (names in lower case) and body.

    `body` is the parsed JSON, the fields of a form (a file as its bytes), or None.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class Task:
    """A task that was taken: `looks` counts how often its state was asked for; `asked` is the body it came with."""

    id: str
    kind: str
    asked: Any
    looks: int = 0
    ends_after: int = 2
    end: End = "done"
    cancelled: bool = False
    polls: deque[Fault] = field(default_factory=deque)

    @property
    def over(self) -> bool:
        """Whether the vendor has nothing left to do for it."""
        return self.cancelled or self.looks > self.ends_after

    def look(self) -> State:
        """Count one look, and say where the task is now: queued at the first, running, then ended for good."""
        self.looks += 1
        return self.state

    @property
    def state(self) -> State:
        """Where the task is, without counting a look."""
        if self.looks > self.ends_after or self.cancelled:
            return "ended"
        return "queued" if self.looks <= 1 else "running"


@dataclass(slots=True)
class Plan:
    """What is to happen next: faults of the next submits and polls, in order, then none; how tasks end, and when."""

    submits: deque[Fault] = field(default_factory=deque)
    polls: deque[Fault] = field(default_factory=deque)
    end: End = "done"
    ends_after: int = 2
    retry_after_s: float | None = None  # what a rate fault says in Retry-After
    most_at_once: int | None = None  # submits beyond so many tasks that are not over fail with `concurrency`
    keeps_lost: bool = False  # a submit that ends in `hang_up` was taken all the same: its answer alone is lost


@dataclass(slots=True)
class Fake:
    """The memory of one pretended vendor. `seen` is every request; `tasks` every task taken, by id: paid once each.

    Only `key` is let in. One that has two parts has a colon between them.
    """

    key: str = "rehearsal-key"
    plan: Plan = field(default_factory=Plan)
    seen: list[Seen] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)

    def submit_fault(self, prompt: str = "") -> Fault | None:
        """Return how this submit goes wrong, None if it doesn't: what is planned, else what the prompt's words say."""
        if self.plan.submits:
            return self.plan.submits.popleft()
        most = self.plan.most_at_once
        if most is not None and sum(not task.over for task in self.tasks.values()) >= most:
            return "concurrency"
        return next((word for word in FAULTS if (word, None) in planned(prompt)), None)

    def poll_fault(self, task: Task | None = None) -> Fault | None:
        """Return how this look at a task goes wrong, None if it doesn't: what is planned, else what its prompt said."""
        if self.plan.polls:
            return self.plan.polls.popleft()
        return task.polls.popleft() if task is not None and task.polls else None

    def take(self, task_id: str, kind: str, asked: Any, prompt: str = "") -> Task:
        """Take a task, that is to go as planned, or as its prompt says.

        `fake:end_NAME` is how it ends, `fake:looks=N` when, `fake:poll_NAME` how its next look goes wrong (in order).
        """
        task = Task(task_id, kind, asked, ends_after=self.plan.ends_after, end=self.plan.end)
        for word, number in planned(prompt):
            if word == "looks" and number is not None:
                task.ends_after = number
            task.end = next((end for end in ENDS if word == f"end_{end}"), task.end)
            task.polls.extend(fault for fault in FAULTS if word == f"poll_{fault}")
        self.tasks[task_id] = task
        return task


def planned(prompt: str) -> Iterable[tuple[str, int | None]]:
    """Return the words `fake:NAME` and `fake:NAME=NUMBER` of a prompt."""
    return [(name, int(number) if number else None) for name, number in _WORD.findall(prompt)]
