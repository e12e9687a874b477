"""What is kept of a vendor's task with the job, so that a later try goes on with it and never pays twice.

A note is kept before a task is sent (it may have been taken from then on), and again with its ticket once it was taken.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from json import dumps, loads


@dataclass(frozen=True, slots=True)
class Task:
    """One task: with which deployment and key (its fingerprint), of which model, and the name that we gave it.

    `ticket` is what the vendor knows it by, None while it is not known whether it was taken.
    """

    deployment: str
    key: str
    model: str
    name: str
    ticket: str | None = None

    def note(self) -> str:
        """Return it as text. It holds no secret."""
        return dumps(asdict(self))

    @classmethod
    def read(cls, note: str | None, deployment: str) -> Task | None:
        """Return the task that a note of this deployment tells of, None where it tells of none."""
        if not note:
            return None
        found = cls(**loads(note))
        # Another's where a route went on from it: that task is given up, and the note of this one's takes its place.
        return found if found.deployment == deployment else None


def holder_of(note: str | None) -> str | None:
    """Return the deployment whose task a note tells of, None where there is no note."""
    return str(loads(note)["deployment"]) if note else None


def is_taken(note: str) -> bool:
    """Say whether a note tells of a task that was taken, by its ticket."""
    return bool(note) and loads(note)["ticket"] is not None


def mark_of(note: str) -> str | None:
    """Return the name of the task that a note tells of, None where there is no note."""
    return str(loads(note)["name"]) if note else None
