"""The way back of an engine that works elsewhere: notes, files for vendors, log lines and signs of life of one job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rushes.engines.engine import Cancelled, Unable
from rushes.engines.vendor.task import mark_of
from rushes.errors import ModelError
from rushes.jobs.protocol import ClaimAnswer, Note
from rushes.runners.client import RunnerClient
from rushes.runners.reporter import Reporter

NO_ADDRESS = (
    "this vendor fetches its inputs itself, and the server has no public address: set public_url to one that it can "
    "reach"
)


@dataclass(slots=True)
class JobErrand:
    """Implements engines.engine.Errand for one try of one job."""

    job: ClaimAnswer
    client: RunnerClient
    reporter: Reporter
    make_folder: Callable[[], Path]
    _mark: str = "none"

    @property
    def name(self) -> str:
        """The job's id."""
        return self.job.job_id

    @property
    def saved(self) -> str | None:
        """What an earlier try kept."""
        return self.job.note

    @property
    def stale(self) -> bool:
        """Whether the job is another's by now."""
        return self.reporter.stale

    def keep(self, note: str) -> None:
        """Store a note; it is on the gateway's disk when this returns. Raises Cancelled, GatewayAway, Refused."""
        self._mark = mark_of(note) or self._mark
        if not self.client.keep_note(self.name, Note(token=self.job.token, note=note, mark=self._mark)):
            raise Cancelled

    def folder(self) -> Path:
        """The job's folder."""
        return self.make_folder()

    def share(self, path: Path, content_type: str) -> str:
        """Make a file fetchable for an hour. Raises Unable, GatewayAway, Refused."""
        name = f"input.{content_type.rpartition('/')[2]}"
        url = self.client.share(self.job, path, name, content_type, self.tick)
        if url is None:
            words = "This server can't be reached by the service behind this endpoint"
            raise Unable("here", ModelError("downstream_service_unavailable", words), NO_ADDRESS)
        return url

    def say(self, message: str, level: Literal["INFO", "WARN", "ERROR"] = "INFO") -> None:
        """Add a line to the job's log."""
        self.reporter.say(message, level)

    def tick(self) -> None:
        """Give a sign of life. Raises Cancelled."""
        self.reporter.tick()
