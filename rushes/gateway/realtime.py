"""A caller's session (protocol 5.3): one socket, one job, each input answered in turn, until either side has enough.

The order: who asks for what, the socket, the job, its runner; then inputs are taken while earlier ones are answered.
What is said is written in `realtime_messages`, how the runner is reached in `sessions`. The runner ends the job when we
hang up; where none has come yet, it is cancelled here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from rushes.accounts.keys import Caller
from rushes.endpoint import SESSION, Endpoint, Realtime
from rushes.errors import CallerError, Failure, ModelError, Rejection, RequestError
from rushes.fields import media_inputs
from rushes.gateway import realtime_messages as messages
from rushes.gateway.auth import JWT, admit, admit_starter, admit_token
from rushes.gateway.ids import app_of, endpoint_id
from rushes.gateway.patience import LOOK_S
from rushes.gateway.realtime_messages import INTERNAL_ERROR, VALIDATION_ERROR, BadMessage, Input
from rushes.gateway.runners import own_file_of
from rushes.gateway.sessions import Line, RunnerGone, Session
from rushes.gateway.socket import INTERNAL, NORMAL, RESTART, TRY_LATER, Left, Socket
from rushes.gateway.submission import limits_of, submit_direct, unknown_endpoint
from rushes.gateway.visit import Services, Visit
from rushes.gateway.wishes import asked, start_deadline
from rushes.jobs.job import NewJob, Status
from rushes.jobs.protocol import SESSION_CANCELLED, SessionAnswer
from rushes.jobs.store import WriteFailed

log = logging.getLogger(__name__)

LEAST_BUFFERING, MOST_BUFFERING = 1, 60  # what clients let their users say (5.3)
MOST_WAITING_BYTES = 64 * 1024 * 1024  # of inputs that wait; beyond that the oldest is dropped too


@dataclass(frozen=True, slots=True)
class End:
    """How a session ends: what is said last, the close code, and what the runner is told."""

    last: str | None = None
    code: int = NORMAL
    reason: str = ""
    runner_code: int = NORMAL


async def handle(visit: Visit, socket: Socket) -> None:
    """Serve a caller. Raises CallerError while the socket isn't open, Left when they are gone early."""
    endpoint, realtime = find(visit)
    try:
        caller = admit_caller(visit, endpoint)
    except BadToken:
        # JavaScript's client then asks for another token; of a refused handshake it could not tell why (T-10).
        await socket.open()
        await socket.say(messages.UNAUTHORIZED)
        await socket.close()
        return
    job = session_job(visit, endpoint, caller)
    await socket.open()
    try:
        buffering = wanted_buffering(visit, realtime)
        end = await _session(visit, socket, job, Conversation(socket, endpoint, realtime, buffering, visit, job))
    except CallerError as error:
        failure = error.failure()
        end = End(messages.problem(code_of(failure), failure.message, error_type=failure.type or None))
    except WriteFailed as error:
        log.error("session %s could not be kept: %s", job.id, error)
        failure = RequestError("storage_unavailable").failure()
        told = messages.problem(code_of(failure), failure.message, error_type=failure.type)
        end = End(told, TRY_LATER, "nothing can be stored")
    if end.last is not None:
        await socket.say(end.last)
    await socket.close(end.code, end.reason)


def find(visit: Visit) -> tuple[Endpoint, Realtime]:
    """Return the endpoint whose sessions the path names. Raises Rejection(404) for none, 403 where it has none."""
    name = endpoint_id(visit.segments)
    endpoints = visit.services.endpoints
    base, _, word = name.rpartition("/")
    endpoint = endpoints.get(base) if word == SESSION else None
    if endpoint is not None and endpoint.realtime is not None:
        return endpoint, endpoint.realtime
    known = endpoint or endpoints.get(name)
    if known is None:
        raise unknown_endpoint(visit, base if word == SESSION else name)
    if known.realtime is not None:
        raise Rejection(404, f"{known.id} has its WebSocket at /{known.session_id}")
    able = ", ".join(one.id for one in endpoints.values() if one.realtime) or "none on this server"
    raise Rejection(403, f"{known.id} has no realtime sessions; endpoints that have: {able}")


class BadToken(Exception):
    """The caller brought no credentials, or a token that is no good: browsers can only be told on the open socket."""


def admit_caller(visit: Visit, endpoint: Endpoint) -> Caller:
    """Return who asks, by key or token. Raises BadToken, and Rejection(401) for a wrong key."""
    token = visit.query().get(JWT)
    if token is None and visit.header(b"authorization"):
        return admit(visit, app_of(endpoint.id))
    try:
        return admit_starter(visit, endpoint.id) if token is None else admit_token(visit, token, endpoint.id)
    except Rejection as error:
        raise BadToken from error


def wanted_buffering(visit: Visit, realtime: Realtime) -> int:
    """Return how many inputs may wait (T-07). Raises ModelError for what is no such number."""
    text = visit.query().get("max_buffering")
    if text is None:
        return realtime.buffering
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and LEAST_BUFFERING <= int(text) <= MOST_BUFFERING):
        wanted = f"expected a whole number from {LEAST_BUFFERING} to {MOST_BUFFERING}"
        raise ModelError("value_error", f"max_buffering: {wanted}, got {text[:100]!r}", loc=("query", "max_buffering"))
    return int(text)


def session_job(visit: Visit, endpoint: Endpoint, caller: Caller) -> NewJob:
    """Build the job that the session is; it is not tried again, since its caller hears of every end."""
    services = visit.services
    now = services.clock()
    return NewJob(
        id=visit.id,
        endpoint=endpoint.session_id,
        account=caller.account,
        input=b"{}",
        created_at=now,
        # Always one: where no runner ever comes, the caller is told.
        start_deadline=start_deadline(asked(visit.scope["headers"]), now) or now + services.settings.session_start_s,
        retry=False,
        key_id=caller.key_id,
        limits=limits_of(visit, caller, endpoint, None, direct=True),
    )


def code_of(failure: Failure) -> str:
    """Return the upper-case word that clients are told (T-08)."""
    if failure.type in {"internal_server_error", "internal_error"}:
        return INTERNAL_ERROR
    if failure.shape == "model" and failure.status == 422:
        return VALIDATION_ERROR
    return failure.type.upper() or ("USER_LOCKED" if failure.status == 403 else "FORBIDDEN")


async def _session(visit: Visit, socket: Socket, job: NewJob, conversation: Conversation) -> End:
    services = visit.services
    with services.sessions.opened(job.id, job.key_id) as session:
        await submit_direct(visit, job)
        services.wake_sessions()
        end = End()  # what the runner is told when the server stops, or the caller leaves without a word
        try:
            end = await conversation.hold(session)
        finally:
            if session.line is not None:
                await session.line.hang_up(end.runner_code)
            else:
                await services.jobs.cancel(job.id, job.account, left=True)
    return end


@dataclass(slots=True)
class Conversation:
    """What is said between a caller and a runner. `hold` returns how it ended."""

    socket: Socket
    endpoint: Endpoint
    realtime: Realtime
    buffering: int
    visit: Visit
    job: NewJob
    _waiting: deque[Input | BadMessage] = field(default_factory=deque)
    _bytes: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def _services(self) -> Services:
        return self.visit.services

    async def hold(self, session: Session) -> End:
        """Listen, answer, and watch runner and job, until one of these is over."""
        works = (self._listen(), self._answer(session), self._lost(session), self._watch())
        tasks = [asyncio.ensure_future(work) for work in works]  # where two are over, the first of them says why
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task for task in tasks if task.done()).result()
        except Left:
            return End()
        finally:
            for task in tasks:
                task.cancel()
            # So that none of them still writes to a socket that is about to be closed.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> End:
        """Take inputs until the caller is gone; what is no input ends the session once what came before is answered."""
        broken = False
        while (frame := await self.socket.next()) is not None:
            if not broken:  # what comes after is read all the same: else nobody would notice that the caller goes
                broken = not self._understood(frame)
                self._news.set()
            del frame  # a silent session shall not hold its last picture
        return End()

    def _understood(self, frame: bytes | str) -> bool:
        try:
            self._take(messages.read_input(frame))
        except BadMessage as problem:
            self._waiting.append(problem)
            return False
        return True

    def _take(self, given: Input) -> None:
        """Let an input wait; where too many do, the oldest is dropped (T-07)."""
        self._waiting.append(given)
        self._bytes += given.size_bytes
        while len(self._waiting) > self.buffering or (self._bytes > MOST_WAITING_BYTES and len(self._waiting) > 1):
            self._pop()

    def _pop(self) -> Input | BadMessage:
        first = self._waiting.popleft()
        self._bytes -= first.size_bytes if isinstance(first, Input) else 0
        return first

    async def _next(self) -> Input | BadMessage | None:
        """Return the oldest input that waits, as soon as there is one; None after the idle time."""
        # The operator's word before the endpoint's own.
        idle_s = self._services.settings.session_idle_s or self.realtime.idle_s
        while not self._waiting:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), idle_s)  # from the last answer on, not the last input
            except TimeoutError:
                return None
        return self._pop()

    async def _answer(self, session: Session) -> End:
        number = 0
        while (given := await self._next()) is not None:
            if isinstance(given, BadMessage):
                return End(messages.problem(VALIDATION_ERROR, str(given)))
            number += 1
            end = await self._one(session, number, given)
            if end is not None:
                return end
            del given  # as above
        return End(messages.problem(messages.TIMEOUT, messages.TIMEOUT_REASON))

    async def _one(self, session: Session, number: int, given: Input) -> End | None:
        """Have one input answered; return the session's end, if this was it."""
        services, started = self._services, perf_counter()
        try:
            line = await session.runner(services.settings.session_start_s)
        except TimeoutError:
            return _no_runner(services.settings.session_start_s)
        try:
            answer = await self._asked(line, number, given)
        except RunnerGone as gone:
            return _gone(gone)
        except TimeoutError:
            silent = f"the runner has not answered for {services.settings.hang_s:g} s"
            return End(messages.problem("GENERATION_TIMEOUT", silent), INTERNAL, "the runner hangs")
        if answer.failure is not None:
            return _failed(answer.failure.failure(), given)
        # T-06; an id of ours names session and input as the session's log does.
        request_id = given.request_id if given.request_id is not None else f"{self.job.id}-{number}"
        await self.socket.say(messages.output(answer.output or {}, request_id, given.form))
        await self.socket.say(messages.timings(perf_counter() - started))
        return self._locked(session, answer.units)

    async def _asked(self, line: Line, number: int, given: Input) -> SessionAnswer:
        question = {"n": number, "input": given.value, "own_files": await self._own_files(given)}
        packed = messages.packed(question)
        answer = SessionAnswer.model_validate(messages.unpacked(await line.ask(packed, self._services.settings.hang_s)))
        if answer.n != number:  # a runner that has lost count: whose picture this is, nobody can say
            raise RunnerGone(restarts=False)
        return answer

    async def _own_files(self, given: Input) -> dict[str, str]:
        """Find the inputs that lie in our own storage; members that are left out or wrong name none."""
        model = self.endpoint.input
        # Only names of its own: others could be parameters of `model_construct`.
        members: dict[str, Any] = {name: given.value.get(name) for name in model.model_fields}
        found = {}
        for one in media_inputs(model.model_construct(**members)):
            file_id = await own_file_of(self._services, self.job.account, one)
            if file_id is not None:
                found[one.url] = file_id
        return found

    async def _lost(self, session: Session) -> End:
        """Return when the runner is gone, also while nothing is asked of it."""
        return _gone(await (await session.runner(None)).lost())

    async def _watch(self) -> End:
        """Return when the job was cancelled, or ended by anybody but us."""
        jobs = self._services.jobs
        with self._services.events.watch_job(self.job.id) as watch:
            while True:
                state = jobs.state(self.job.id)
                if state is None or state.status is Status.COMPLETED:
                    return _ended(state.error_type if state else None, state.error if state else None)
                if state.cancel_requested:
                    return _cancelled()
                await watch.wait(LOOK_S)

    def _locked(self, session: Session, units: float) -> End | None:
        """End the session when it and the key's other open ones have used up what the key may spend."""
        if self.job.limits.budget_usd is None:
            return None
        services = self._services
        # Told with every answer, since the books hear of a session at its end only.
        session.cost_usd = services.settings.price_usd(self.job.endpoint, units) or 0.0
        balance = services.keys.left_usd(self.job.key_id)
        if balance is None or services.sessions.cost_usd(self.job.key_id) < balance:
            return None
        return End(messages.problem("USER_LOCKED", "Exhausted balance: this key's budget is spent"))


def _failed(failure: Failure, given: Input) -> End:
    detail = json.loads(failure.body).get("detail")  # whole: `reason` is one line for people
    more = {"error_type": failure.type, "detail": detail, "request_id": given.request_id}
    code = SESSION_CANCELLED if failure.type == "client_cancelled" else NORMAL
    return End(messages.problem(code_of(failure), failure.message, **more), runner_code=code)


def _gone(gone: RunnerGone) -> End:
    if gone.restarts:
        return End(messages.problem("RUNNER_DISCONNECTED", str(gone)), RESTART, str(gone))
    return End(messages.problem("RUNNER_DISCONNECTED", str(gone)), INTERNAL, str(gone))


def _cancelled() -> End:
    told = messages.problem("REQUEST_CANCELLED", "The session's request was cancelled")
    return End(told, runner_code=SESSION_CANCELLED)


def _no_runner(waited_s: float) -> End:
    reason = f"no runner was free for this session within {waited_s:g} s"
    return End(messages.problem("RUNNER_SCHEDULING_FAILURE", reason), TRY_LATER, "no runner is free")


def _ended(error_type: str | None, error: str | None) -> End:
    """The job ended, but not through us: cancelled, its start deadline missed, its runner lost."""
    if error_type in {"client_cancelled", "client_disconnected"}:
        return _cancelled()
    code = TRY_LATER if error_type == "request_timeout" else INTERNAL
    reason = error or "the session's request has ended"
    return End(messages.problem((error_type or "internal_error").upper(), reason), code, reason)
