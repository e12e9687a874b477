"""The sessions' process: claims sessions as a worker claims jobs, and hosts many of them at once, a thread for each.

    RUSHES_RUNNER_KEY=… python -m rushes.runners.sessions --url http://127.0.0.1:8787 --deployments animatic --name NAME

Each session has its own WebSocket to the gateway, which says what comes and when it is over. A lease is renewed by the
session's thread itself, between inputs and while files are fetched. What an answer takes stands in `work.session`.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgpack  # type: ignore[import-untyped]
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from rushes.endpoint import Endpoint
from rushes.engines.engine import Cancelled
from rushes.errors import CANCELLED, CallerError, Failure, ModelError, RequestError
from rushes.families import served
from rushes.jobs.job import Level
from rushes.jobs.protocol import (
    SESSION_CANCELLED,
    Beat,
    ClaimAnswer,
    ClaimRequest,
    Fail,
    Finish,
    Leave,
    Line,
    SessionAnswer,
    SessionInput,
)
from rushes.media.sandbox import media_sandbox
from rushes.runners.client import GatewayAway, Refused, RunnerClient, pauses
from rushes.runners.deployments import Routes, load, take_keys
from rushes.runners.overhear import clean
from rushes.runners.parent import is_gone
from rushes.runners.process import Given, run_process
from rushes.runners.worker import JobFolder
from rushes.settings import Settings
from rushes.work.session import SessionWork
from rushes.work.tools import Files, Tools

LEASE_SHARE = 1 / 3  # of a lease between two beats, so that one may get lost on its way
OPEN_S = 10.0  # for the gateway to take a session's socket
LAST_WORD_S = 0.6  # for all sessions to report their ends when told to stop; the kernel ends what takes longer
RESTART = 1012  # the close code that says so

LOG = logging.getLogger(__name__)


class SessionReport:
    """Implements work.tools.Report: lines go with the next beat, and a beat is sent when it is time for one."""

    def __init__(self, client: RunnerClient, job: ClaimAnswer) -> None:
        self._client, self._job = client, job
        self._lines: list[Line] = []
        self._every_s = job.lease_s * LEASE_SHARE
        self._next = time.monotonic() + self._every_s
        self.ended = ""  # the answer to a beat, once it isn't "carry on"

    @property
    def due_s(self) -> float:
        """How long until the next beat is due."""
        return max(0.0, self._next - time.monotonic())

    def say(self, message: str, level: Level = "INFO", labels: Mapping[str, str] | None = None) -> None:
        """Add a line."""
        told = dict(labels) if labels else None
        self._lines.append(Line(at=time.time(), message=clean(message), level=level, labels=told))
        self.cancelled()

    def tick(self) -> None:
        """Renew the lease if it is time. Raises Cancelled when the session is no longer wanted."""
        if self.cancelled():
            raise Cancelled

    def cancelled(self) -> bool:
        """Say whether the session is no longer wanted; renews the lease if it is time."""
        if not self.due_s and not self.ended:
            self._beat()
        return bool(self.ended)

    def wants_preview(self) -> bool:
        """Return False: a session's caller sees each picture itself."""
        return False

    def show(self, jpeg: bytes) -> None:
        """Drop it; nobody asked."""

    def rest(self) -> tuple[Line, ...]:
        """Return the lines that no beat carried."""
        lines = tuple(self._lines)
        self._lines.clear()
        return lines

    def _beat(self) -> None:
        self._next = time.monotonic() + self._every_s
        lines = self.rest()
        try:
            answer = self._client.beat(self._job.job_id, Beat(token=self._job.token, lines=lines, preview=None)).answer
        except GatewayAway as error:
            LOG.info("a beat did not reach the gateway and is sent again with the next one: %s", error)
            self._lines[:0] = lines
            return
        except Refused as error:
            LOG.warning("giving the session up: %s", error)
            answer = "stale"
        self.ended = "" if answer == "carry on" else answer


@dataclass(slots=True)
class Hosted:
    """One session in its thread: its job, its socket once that is open, and the work."""

    job: ClaimAnswer
    client: RunnerClient
    work: SessionWork
    report: SessionReport
    socket: ClientConnection | None = None
    _failure: Failure | None = None

    def run(self) -> None:
        """Serve the session to its end and report it."""
        try:
            with self._open() as self.socket:
                self._serve(self.socket)
        except (OSError, TimeoutError, InvalidHandshake) as error:
            LOG.info("the session %s has no caller any more: %s", self.job.job_id, error)
            self._failure = RequestError("client_disconnected").failure()
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code == SESSION_CANCELLED:
                self._failure = RequestError(CANCELLED).failure()
        except Cancelled:
            self._failure = RequestError(CANCELLED).failure()
        self._end()

    def stop(self) -> None:
        """Let it end now: the runner was told to stop."""
        if self.socket is not None:
            self.socket.close(RESTART, "the runner was told to stop")

    def _open(self) -> ClientConnection:
        return connect(
            self.client.socket_url(f"jobs/{self.job.job_id}/session"),
            additional_headers={**self.client.credentials, "x-rushes-token": str(self.job.token)},
            compression=None,
            open_timeout=OPEN_S,
            ping_interval=None,  # the gateway pings; a thread less for each session
            close_timeout=1.0,
            max_size=None,  # the gateway has held the caller's input to its own limit
            proxy=None,  # as for all calls to the gateway
        )

    def _serve(self, socket: ClientConnection) -> None:
        while True:
            try:
                frame = socket.recv(timeout=self.report.due_s)
            except TimeoutError:
                self.report.tick()
                continue
            given = SessionInput.model_validate(msgpack.unpackb(frame))
            socket.send(msgpack.packb(self._answer(given).model_dump(exclude_none=True)))
            self.report.cancelled()

    def _answer(self, given: SessionInput) -> SessionAnswer:
        try:
            output = self.work.answer(given.input, given.own_files)
        except CallerError as error:
            failure = error.failure()
        except Cancelled:
            failure = RequestError(CANCELLED).failure()
        except Exception:
            LOG.exception("the session %s failed unexpectedly", self.job.job_id)
            failure = ModelError("internal_server_error").failure()
        else:
            return SessionAnswer(n=given.n, output=dict(output), units=self.work.units)
        if not self.work.answered or failure.type == CANCELLED:
            self._failure = failure
        self.report.say(f"Input {given.n}: {failure.message}"[:2000], "ERROR")
        return SessionAnswer(n=given.n, failure=Fail.of(self.job.token, failure), units=self.work.units)

    def _end(self) -> None:
        """Report the end: what was answered is a good result, whyever it went no further."""
        if self.report.ended == "stale":
            LOG.info("the session %s is not ours any more", self.job.job_id)
            return
        job = self.job
        try:
            if self._failure is not None:
                self.client.fail(job.job_id, Fail.of(job.token, self._failure, self.report.rest()))
            else:
                outcome = self.work.outcome()
                self.client.finish(job.job_id, Finish.of(job.token, outcome, self.report.rest()))
        except (GatewayAway, Refused) as error:
            LOG.error("the end of the session %s could not be reported: %s", job.job_id, error)


@dataclass(slots=True)
class Host:
    """The process at work: its name, its way to the gateway, what it can serve, and the sessions it hosts."""

    name: str
    client: RunnerClient
    endpoints: Mapping[str, Endpoint]  # by the id of their sessions
    routes: Routes
    settings: Settings
    parent: int | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _hosted: dict[threading.Thread, Hosted] = field(default_factory=dict)
    _room: threading.Semaphore = field(default_factory=threading.Semaphore)

    def run(self) -> None:
        """Claim and host until the parent is gone. Raises Refused when the gateway takes no claim of ours."""
        self._room = threading.Semaphore(self.settings.sessions)
        wanted = ClaimRequest(runner=self.name, endpoints=tuple(self.endpoints), wait_s=self.settings.claim_wait_s)
        waits = pauses()
        while not is_gone(self.parent):
            if not self._room.acquire(timeout=1.0):
                continue
            job = None
            try:
                job = self.client.claim(wanted)
                waits = pauses()
            except GatewayAway as error:
                LOG.info("waiting for the gateway: %s", error)
                time.sleep(next(waits))
            if job is None:
                self._room.release()
            else:
                self._start(job)

    def leave(self) -> None:
        """End all sessions, in the little time there is; what can't report its end is given back."""
        give_up_at = time.monotonic() + LAST_WORD_S
        threads = dict(self._hosted)
        for hosted in threads.values():
            threading.Thread(target=hosted.stop, daemon=True).start()
        for thread in threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        try:
            self.client.leave(Leave(runner=self.name), 0.2)
        except (GatewayAway, Refused) as error:
            LOG.info("could not take leave: %s", error)

    def _start(self, job: ClaimAnswer) -> None:
        thread = threading.Thread(target=self._host, args=(job,), name=f"session-{job.job_id}", daemon=True)
        thread.start()

    def _host(self, job: ClaimAnswer) -> None:
        folder = JobFolder()
        here = threading.current_thread()
        try:
            self._hosted[here] = hosted = self._hosted_of(job, folder)
            hosted.run()
        except Exception:
            LOG.exception("the session %s ended unexpectedly", job.job_id)
        finally:
            self._hosted.pop(here, None)
            folder.remove()
            self._room.release()

    def _hosted_of(self, job: ClaimAnswer, folder: JobFolder) -> Hosted:
        endpoint = self.endpoints[job.endpoint]
        assert endpoint.realtime is not None
        report = SessionReport(self.client, job)
        files = Files(get=self.client.get_file, put=partial(self.client.put_file, job), folder=folder.path)
        tools = Tools(self.endpoints, self.routes, files, self.settings, report, time.monotonic)
        work = SessionWork(endpoint, endpoint.realtime, self.routes[endpoint.id][0], tools, self._turn)
        return Hosted(job, self.client, work, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the process; see `process.run_process` for the exit code."""
    return run_process(argv, "rushes.runners.sessions", _host_of)


def _host_of(given: Given, key: str, settings: Settings) -> Host:
    able = {one.id: one for one in served(test_endpoints=settings.test_endpoints).values() if one.realtime is not None}
    media_sandbox().start()  # gets warm while the engines load
    routes = load(given.wanted, able, settings, take_keys(settings))
    hosted = {able[name].session_id: able[name] for name in routes}
    return Host(given.name, RunnerClient(given.url, key), hosted, routes, settings, given.parent)


if __name__ == "__main__":
    sys.exit(main())
