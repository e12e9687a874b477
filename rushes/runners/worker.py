"""The runner's process: loads its engines once, then claims jobs, performs them one at a time and reports their ends.

    RUSHES_RUNNER_KEY=… python -m rushes.runners.worker --url http://127.0.0.1:8787 --deployments animatic --name NAME

It outlives the gateway (it waits for it to come back) and every kind of failing job. SIGTERM or Ctrl-C hands the
running job back and ends the process within two seconds. What the steps of a job are stands in `work.perform`.
"""

from __future__ import annotations

import base64
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rushes.endpoint import Endpoint
from rushes.engines.engine import Cancelled
from rushes.errors import CANCELLED, CallerError, Failure, ModelError, RequestError
from rushes.families import served
from rushes.jobs.job import Outcome
from rushes.jobs.protocol import Beat, BeatReply, ClaimAnswer, ClaimRequest, Fail, Finish, Leave, Line
from rushes.media.sandbox import media_sandbox
from rushes.runners.client import GatewayAway, Refused, RunnerClient, pauses
from rushes.runners.deployments import Routes, load, take_keys
from rushes.runners.errands import JobErrand
from rushes.runners.overhear import overheard
from rushes.runners.parent import is_gone
from rushes.runners.process import Given, run_process
from rushes.runners.reporter import Reporter
from rushes.runners.sending import Sending
from rushes.runners.signing import GatewaySigning
from rushes.settings import Settings
from rushes.work.breaker import Breakers
from rushes.work.perform import perform
from rushes.work.tools import Files, Tools

HUNG_EXIT = 70  # sysexits.h: a fault inside
LAST_WORD_S = 0.3  # for handing the job back in the second that there is
_TOO_LARGE = 413

LOG = logging.getLogger(__name__)


class JobFolder:
    """A job's temporary folder; most test jobs need none, so it is made when first asked for."""

    def __init__(self) -> None:
        self._path: Path | None = None

    def path(self) -> Path:
        """Return the folder."""
        if self._path is None:
            self._path = Path(tempfile.mkdtemp(prefix="rushes-job-"))
        return self._path

    def remove(self) -> None:
        """Remove it with all that is in it."""
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Worker:
    """A runner at work: its name, its way to the gateway, and what it can serve."""

    name: str
    client: RunnerClient
    endpoints: Mapping[str, Endpoint]
    routes: Routes
    settings: Settings
    parent: int | None = None
    breakers: Breakers = field(default_factory=lambda: Breakers(time.monotonic))
    sending: Sending = field(default_factory=Sending)
    turn: threading.Lock | None = None  # taken for engines that work here, where other threads have the same

    def run(self) -> None:
        """Claim and work until the parent is gone or the process leaves. Raises Refused when no claim is taken."""
        wanted = ClaimRequest(runner=self.name, endpoints=tuple(self.routes), wait_s=self.settings.claim_wait_s)
        waits = pauses()
        while not is_gone(self.parent) and not self.sending.leaving:
            try:
                job = self.client.claim(wanted)
            except GatewayAway as error:
                LOG.info("waiting for the gateway: %s", error)
                time.sleep(next(waits))
                continue
            waits = pauses()
            if job is not None:
                self.work(job)

    def work(self, job: ClaimAnswer) -> None:
        """Do one job and report how it ended."""
        reporter = Reporter(
            partial(self._beat, job),
            self.settings.beat_s,
            time.time,
            hang_s=self.settings.hang_s,
            limit_s=self.settings.generation_timeout_s,
            on_hang=partial(_end_hung, job.job_id),
        )
        folder = JobFolder()
        try:
            end = self._try(job, reporter, folder)
        finally:
            self.sending.end(job.job_id)
            folder.remove()
        lines = reporter.close()
        if reporter.stale:
            LOG.info("job %s is another runner's now; what was made here is thrown away", job.job_id)
            return
        self._report(job, end, lines)

    def _try(self, job: ClaimAnswer, reporter: Reporter, folder: JobFolder) -> Outcome | Failure:
        files = Files(get=self.client.get_file, put=partial(self.client.put_file, job), folder=folder.path)
        signing = GatewaySigning(self.client, job)
        tools = Tools(
            self.endpoints,
            self.routes,
            files,
            self.settings,
            reporter,
            time.monotonic,
            signing,
            breakers=self.breakers,
            errand=JobErrand(job, self.client, reporter, folder.path, self.sending),
            turn=self.turn,
        )
        try:
            # What is printed has no thread: where many jobs share a process, only what engines report is theirs.
            with overheard(reporter.overhear) if self.turn is None else nullcontext():
                return perform(job, tools)
        except Cancelled:
            return _too_long(self.settings) if reporter.overdue else RequestError(CANCELLED).failure()
        except CallerError as error:
            return error.failure()
        except Refused as error:
            LOG.warning("job %s: the gateway took nothing more for it: %s", job.job_id, error)
            return _too_large() if error.status == _TOO_LARGE else RequestError("runner_connection_refused").failure()
        except GatewayAway as error:
            LOG.warning("job %s lost its files' way to the gateway: %s", job.job_id, error)
            return RequestError("runner_connection_error").failure()
        except Exception:
            LOG.exception("job %s on %s failed unexpectedly", job.job_id, job.endpoint)
            return ModelError("internal_server_error").failure()

    def _report(self, job: ClaimAnswer, end: Outcome | Failure, lines: tuple[Line, ...]) -> None:
        try:
            if not self._send_end(job, end, lines):
                LOG.info("job %s ended here too late; it is another runner's now", job.job_id)
        except (GatewayAway, Refused) as error:
            # Its lease runs out and another runner takes it, which is what the protocol foresees.
            LOG.error("the end of job %s could not be reported: %s", job.job_id, error)

    def _send_end(self, job: ClaimAnswer, end: Outcome | Failure, lines: tuple[Line, ...]) -> bool:
        if isinstance(end, Failure):
            return self.client.fail(job.job_id, Fail.of(job.token, end, lines))
        return self.client.finish(job.job_id, Finish.of(job.token, end, lines))

    def leave(self) -> None:
        """Give back what we hold, in the little time there is."""
        try:
            self.client.leave(Leave(runner=self.name), LAST_WORD_S)
        except (GatewayAway, Refused) as error:
            LOG.info("could not take leave, so a job held here waits for its lease to run out: %s", error)

    def _beat(self, job: ClaimAnswer, lines: tuple[Line, ...], preview: bytes | None) -> BeatReply:
        shown = None if preview is None else base64.b64encode(preview).decode()
        return self.client.beat(job.job_id, Beat(token=job.token, lines=lines, preview=shown))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the process; see `process.run_process` for the exit code."""
    return run_process(argv, "rushes.runners.worker", _worker)


def _worker(given: Given, key: str, settings: Settings) -> Worker:
    endpoints = served(test_endpoints=settings.test_endpoints)
    if any(endpoint.clip for endpoint in endpoints.values() if set(endpoint.engines) & set(given.wanted)):
        media_sandbox().start()  # gets warm while the engines load
    routes = load(given.wanted, endpoints, settings, take_keys(settings))
    return Worker(given.name, RunnerClient(given.url, key), endpoints, routes, settings, given.parent)


def _too_long(settings: Settings) -> Failure:
    limit = f"{settings.generation_timeout_s:g} s"
    msg = f"The work took longer than the {limit} that one request may take; ask for less, or raise the server's limit"
    return ModelError("generation_timeout", msg).failure()


def _too_large() -> Failure:
    """The end of a job with a file that storage doesn't take: made again it would be as large, and cost as much."""
    msg = "a file of this request is larger than this server stores; ask for something shorter or smaller"
    return ModelError("file_too_large", msg).failure()


def _end_hung(job_id: str) -> None:
    """End the process, so that a fresh one serves the queue; the hung job's lease has run out long before."""
    LOG.error("job %s has shown no sign of life for too long; this runner ends", job_id)
    os._exit(HUNG_EXIT)


if __name__ == "__main__":
    sys.exit(main())
