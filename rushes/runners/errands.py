"""The way back of an engine that works elsewhere: notes, files for vendors, log lines and signs of life of one job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rushes.engines.engine import Cancelled, Unable
from rushes.engines.vendor.task import is_taken, mark_of
from rushes.errors import ModelError
from rushes.jobs.protocol import ClaimAnswer, Note
from rushes.runners.client import GatewayAway, Refused, RunnerClient
from rushes.runners.reporter import Reporter
from rushes.runners.sending import Sending

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
    sending: Sending = field(default_factory=Sending)
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
        """Store a note; it is on the gateway's disk when this returns. Raises Cancelled, GatewayAway, Refused.

        From a note to the next one a task is on its way, and the process does not end of its own will.
        """
        # An empty note, by which a task is forgotten, is about the one before it.
        self._mark, is_ticket = mark_of(note) or self._mark, is_taken(note)
        told = Note(token=self.job.token, note=note, mark=self._mark, late=is_ticket)
        if note and not is_ticket:
            self.sending.begin(self.name)
        try:
            if not self._kept(told, patient=is_ticket):
                self.sending.end(self.name)
                raise Cancelled
        # What is not noted is not sent, so nothing is on its way.
        except (GatewayAway, Refused):
            self.sending.end(self.name)
            raise
        if is_ticket or not note:
            self.sending.end(self.name)

    def _kept(self, note: Note, *, patient: bool) -> bool:
        """Tell the gateway; a ticket is told as long as the job may take, since nobody else knows it."""
        while True:
            try:
                return self.client.keep_note(self.name, note)
            except GatewayAway:
                if not patient or self.reporter.overdue:
                    raise
                self.reporter.cancelled()  # a sign of life; whether the job is wanted is asked once the ticket is kept

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

    def say(
        self,
        message: str,
        level: Literal["INFO", "WARN", "ERROR"] = "INFO",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Add a line to the job's log."""
        self.reporter.say(message, level, labels)

    def tick(self) -> None:
        """Give a sign of life. Raises Cancelled."""
        self.reporter.tick()
