"""The gateway's side of the runner protocol: everything under /runners/ (messages and routes: `jobs.protocol`).

A claim waits on wake-ups, not on a clock, and stops waiting when its runner hangs up, so that no job is given to
nobody. Whether a token still counts is the job store's to say; this file translates.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar
from urllib.parse import unquote

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from rushes.accounts.voices import PROFILE_NAME
from rushes.errors import CallerError, Rejection, RequestError
from rushes.fields import MediaInput, media_inputs, media_kinds
from rushes.files import store
from rushes.files.credentials import claim_in
from rushes.files.store import FileMissing, FileTooLarge, new_id
from rushes.files.urls import own_file
from rushes.gateway.auth import admit_runner
from rushes.gateway.lifecycle import Lifecycle
from rushes.gateway.links import Links
from rushes.gateway.previews import read_preview
from rushes.gateway.replies import Reply, json_reply, not_allowed
from rushes.gateway.sessions import Line
from rushes.gateway.sharing import may_use, produced_lifecycle
from rushes.gateway.socket import Socket
from rushes.gateway.visit import Answer, Services, Visit
from rushes.jobs.events import Watch
from rushes.jobs.job import Claimed, Outcome
from rushes.jobs.protocol import (
    Beat,
    BeatReply,
    ClaimAnswer,
    ClaimRequest,
    Fail,
    Finish,
    Leave,
    Message,
    Note,
    Shared,
    Signature,
    SignerAnswer,
    SignRequest,
    StoredFile,
)

SHARED_S = 3_600.0  # how long a vendor may fetch an input
MOST_DIGITS = 18  # of a token; what is longer is no number that the database could have given out
JSON_IN_JSON = 4  # a runner's message may hold an input-sized text as a string, whose quotes and slashes are escaped

WITHHELD = "0" * 40
"""Stands for a file that the job's account may not read: no file has this id, so its runner finds it missing."""

AnyMessage = TypeVar("AnyMessage", bound=Message)


async def handle(visit: Visit) -> Answer:
    """Answer a runner. Raises Rejection: 401 without a runner's key, 404, 410 for a stale token, 413, 422."""
    admit_runner(visit)
    match visit.segments:
        case ("claim",):
            return await _only("POST", visit, claim)
        case ("leave",):
            return await _only("POST", visit, leave)
        case ("jobs", job_id, word) if word in _JOB_WORDS:
            method, answer = _JOB_WORDS[word]
            return await _only(method, visit, lambda visit: answer(visit, job_id))
        case ("files", file_id):
            return await _only("GET", visit, lambda visit: read_file(visit, file_id))
        case ("signer",):
            return await _only("GET", visit, signer)
    raise Rejection(404, f"There is no runner route /{'/'.join(('runners', *visit.segments))[:200]}")


async def claim(visit: Visit) -> Answer:
    """Give the runner a job, as soon as there is one; 204 when none came in the time it is willing to wait."""
    wanted = await _read(visit, ClaimRequest)
    services = visit.services
    services.attendance.note(wanted.runner, wanted.endpoints, services.clock())
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + min(wanted.wait_s, services.settings.claim_wait_s)
    hung_up = loop.create_task(visit.left())  # its body is read by now, so all that can come is the end
    try:
        with services.events.watch_work(wanted.endpoints, wanted.runner) as watch:
            while not hung_up.done() and not watch.dismissed:
                claimed = await services.jobs.claim(wanted.runner, wanted.endpoints, services.settings.lease_s)
                if claimed is not None:
                    return await _hand_over(services, claimed, hung_up)
                if loop.time() >= give_up_at:
                    break
                await _first(watch, give_up_at - loop.time(), hung_up)
    finally:
        hung_up.cancel()
    # Again: a wait of 20 s would else count as 20 s of absence.
    services.attendance.note(wanted.runner, wanted.endpoints, services.clock())
    return Reply(204, b"")


async def leave(visit: Visit) -> Answer:
    """Let what a runner holds wait again: it was told to stop."""
    runner = (await _read(visit, Leave)).runner
    visit.services.events.dismiss(runner)  # else another thread of the same process took the jobs at once
    await visit.services.jobs.release(runner, fault=False)
    return json_reply(200, {})


async def beat(visit: Visit, job_id: str) -> Answer:
    """Renew the lease, keep the lines, show the preview, and tell the runner whether to carry on."""
    message = await _read(visit, Beat)
    lines = [line.line() for line in message.lines]
    answer = await visit.services.jobs.beat(job_id, message.token, visit.services.settings.lease_s, lines)
    events = visit.services.events
    if message.preview is not None and answer == "carry on":
        events.show(job_id, read_preview(message.preview))
    return _message(BeatReply(answer=answer, preview=events.wants_preview(job_id)))


async def store_file(visit: Visit, job_id: str) -> Answer:
    """Store a produced file as the job's account; only the job's present runner may."""
    is_profile = unquote(visit.header(b"x-rushes-file-name") or "") == PROFILE_NAME
    file_id = new_id()  # a result's file is its own, also when another result has the same bytes
    services, account = await _holder(visit, job_id, None if is_profile else file_id)
    # A voice outlives the request that made it, and its expiry.
    asked = Lifecycle() if is_profile else _lifecycle(services, job_id, account)
    ends_at = asked.ends_at(services.clock())
    stored = await _stored(visit, services, account, asked, ends_at=ends_at, file_id=file_id)
    url = services.files.url(stored.id, stored.name)
    return _message(StoredFile(file_id=stored.id, url=url, size_bytes=stored.size_bytes))


async def _holder(visit: Visit, job_id: str, file_id: str | None = None) -> tuple[Services, str]:
    """Check that the job is this runner's, note the file that comes, and return whose it is. Raises Rejection."""
    services = visit.services
    token = visit.header(b"x-rushes-token") or ""
    if not token.isdecimal() or len(token) > MOST_DIGITS:
        raise Rejection(422, f"X-Rushes-Token should be the number that came with the claim, got {token[:100]!r}")
    state = services.jobs.state(job_id)
    # Bytes on their way are a sign of life, so asking whether the token counts may renew the lease as well.
    answer = await services.jobs.beat(job_id, int(token), services.settings.lease_s, file=file_id)
    if state is None or answer == "stale":
        raise _stale(job_id)
    return services, state.account


async def _stored(
    visit: Visit, services: Services, account: str, asked: Lifecycle, *, ends_at: float | None, file_id: str
) -> store.StoredFile:
    """Keep the bytes that come as a file of this account. Raises Rejection, RequestError."""
    try:
        return await services.files.put(
            visit.stream(),
            name=unquote(visit.header(b"x-rushes-file-name") or "output"),
            account=account,
            content_type=visit.header(b"content-type"),
            file_id=file_id,
            max_bytes=services.settings.max_upload_bytes,
            expires_at=ends_at,
            acl=asked.acl,
        )
    except FileTooLarge as error:
        raise Rejection(413, str(error)) from None
    except ClientDisconnect:
        raise RequestError("client_disconnected") from None


async def read_file(visit: Visit, file_id: str) -> Answer:
    """Give a runner the bytes of an input that lies in our own storage."""
    files = visit.services.files
    stored = await files.stat(file_id)
    if stored is None:
        raise Rejection(404, str(FileMissing(file_id)))

    async def chunks() -> AsyncIterator[bytes]:
        async with files.open(file_id) as content:
            async for chunk in content:
                yield chunk

    headers = {"content-length": str(stored.size_bytes), "content-type": stored.content_type}
    return StreamingResponse(chunks(), headers=headers)


async def keep_note(visit: Visit, job_id: str) -> Answer:
    """Keep what a runner wants to know in a try after this one; 410 when it is not its to say."""
    given = await _read(visit, Note)
    if not await visit.services.jobs.keep_note(job_id, given.token, given.note, given.mark, late=given.late):
        raise _stale(job_id)
    return json_reply(200, {})


async def share(visit: Visit, job_id: str) -> Answer:
    """Store an input as a vendor is to see it, fetchable for an hour by whoever has its address, and answer that."""
    services, account = await _holder(visit, job_id)
    base = services.settings.public_url
    if base is None:  # the Host of a runner's call is often loopback, where no vendor comes
        return _message(Shared(url=None))
    ends_at = services.clock() + SHARED_S
    stored = await _stored(visit, services, account, Lifecycle(), ends_at=ends_at, file_id=new_id())
    return _message(Shared(url=Links(base.rstrip("/"), "").file(stored.id, stored.name)))


async def signer(visit: Visit) -> Answer:
    """Tell a runner who signs its results; 204 where nobody does."""
    credentials, settings = visit.services.credentials, visit.services.settings
    if credentials is None:
        return Reply(204, b"")
    try:
        chain = await asyncio.to_thread(lambda: credentials.chain)  # it may have to be made, and goes to the disk
    except (ValueError, OSError) as error:
        raise _no_key(error) from error
    return _message(SignerAnswer(chain=chain, with_prompt=settings.provenance_prompt))


async def sign(visit: Visit, job_id: str) -> Answer:
    """Sign the claim of a result's manifest for the job's present runner; nobody else gets a signature."""
    asked, services = await _read(visit, SignRequest), visit.services
    if await services.jobs.beat(job_id, asked.token, services.settings.lease_s) == "stale":
        raise _stale(job_id)
    if services.credentials is None:
        raise _no_key("that is switched off here")
    try:
        # Only what is a C2PA claim: no runner gets arbitrary bytes signed with the server's key.
        claim = claim_in(asked.unpacked())
    except ValueError as error:
        raise Rejection(422, f"{error}; nothing was signed") from None
    try:
        signature = await asyncio.to_thread(services.credentials.sign, claim)
    except (ValueError, OSError) as error:
        raise _no_key(error) from error
    return _message(Signature(signature=base64.b64encode(signature).decode()))


def _no_key(why: object) -> Rejection:
    # Not one of the 5xx after which a runner waits for us and tries again: somebody has to mend it first.
    return Rejection(409, f"Results cannot be signed: {why}")


async def finish(visit: Visit, job_id: str) -> Answer:
    """Keep the outcome; 410 when the job is another's by now."""
    done = await _read(visit, Finish)
    outcome, services = done.outcome(), visit.services
    if not _is_object(done.output):
        return await _incomplete(visit, job_id, done)
    if outcome.voice or outcome.forget_voice:
        # Before the end is told: whoever sees it may use the new voice, and no longer meets the old one.
        await _settle_voices(services, job_id, done.token, outcome)
    lines = [line.line() for line in done.lines]
    if not await services.jobs.finish(job_id, done.token, outcome, lines):
        raise _stale(job_id)
    return json_reply(200, {})


def _is_object(output: str) -> bool:
    """Say whether an output arrived whole: a JSON object, as every endpoint's is."""
    try:
        return isinstance(from_json(output), dict)
    except ValueError:
        return False


async def _incomplete(visit: Visit, job_id: str, done: Finish) -> Answer:
    """Let a job whose result can't be read be tried again; the caller must never get half an output."""
    failure = RequestError("runner_incomplete_response").failure()
    lines = [line.line() for line in done.lines]
    if not await visit.services.jobs.fail(job_id, done.token, failure, lines):
        raise _stale(job_id)
    return json_reply(200, {})


async def join_session(visit: Visit, socket: Socket, job_id: str) -> None:
    """Join a runner to the caller of the session that it has claimed, until either is gone.

    Raises Rejection while the socket isn't open: 401 without a runner's key, 410 when nobody waits for it.
    """
    admit_runner(visit)
    services = visit.services
    token = visit.header(b"x-rushes-token") or ""
    holds = token.isdecimal() and len(token) <= MOST_DIGITS
    if not holds or await services.jobs.beat(job_id, int(token), services.settings.lease_s) == "stale":
        raise _stale(job_id[:100])
    if (session := services.sessions.find(job_id)) is None:
        raise Rejection(410, f"Nobody waits for the session {job_id[:100]} any more")
    line = Line(socket)
    session.join(line)
    await socket.open()
    await line.listen()


async def _settle_voices(services: Services, job_id: str, token: int, outcome: Outcome) -> None:
    """Keep the voice that the job made, forget the one that it was to delete; both for the job's account only.

    Harmless when it happens twice: a voice's id follows from its job, and a forgotten voice is gone.
    """
    state = services.jobs.state(job_id)
    if state is None or await services.jobs.beat(job_id, token, services.settings.lease_s) == "stale":
        raise _stale(job_id)
    if outcome.voice:
        await services.voices.add(state.account, outcome.voice.voice_id, outcome.voice.file_id, state.endpoint)
    if outcome.forget_voice:
        file_id = await services.voices.forget(state.account, outcome.forget_voice)
        if file_id is not None:
            await services.files.delete(file_id)


async def fail(visit: Visit, job_id: str) -> Answer:
    """Keep the failure, or queue the job again; 410 when it is another's by now."""
    failed = await _read(visit, Fail)
    lines = [line.line() for line in failed.lines]
    if not await visit.services.jobs.fail(job_id, failed.token, failed.failure(), lines):
        raise _stale(job_id)
    return json_reply(200, {})


_JOB_WORDS: Mapping[str, tuple[str, Callable[[Visit, str], Awaitable[Answer]]]] = {
    "beat": ("POST", beat),
    "files": ("PUT", store_file),
    "note": ("POST", keep_note),
    "shared": ("PUT", share),
    "finish": ("POST", finish),
    "fail": ("POST", fail),
    "sign": ("POST", sign),
}


async def _only(method: str, visit: Visit, answer: Callable[[Visit], Awaitable[Answer]]) -> Answer:
    return await answer(visit) if visit.method == method else not_allowed(method)


async def _read(visit: Visit, message: type[AnyMessage]) -> AnyMessage:
    body = await visit.body(JSON_IN_JSON * visit.services.settings.max_body_bytes)
    try:
        return message.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise Rejection(422, f"{message.__name__}: {where}: {first['msg']}; is this runner of our version?") from None


def _message(message: Message) -> Reply:
    return Reply(200, message.model_dump_json().encode())


def _stale(job_id: str) -> Rejection:
    return Rejection(410, f"The job {job_id} is not yours: its lease ran out, or it has ended. Throw the result away")


async def _first(watch: Watch, timeout_s: float, hung_up: asyncio.Task[None]) -> None:
    """Wait for work, for the end of the time, or for the runner's hanging up."""
    work = asyncio.ensure_future(watch.wait(timeout_s))
    try:
        await asyncio.wait((work, hung_up), return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()


async def _hand_over(services: Services, claimed: Claimed, hung_up: asyncio.Task[None]) -> Answer:
    """Answer with the job; where the runner hung up during the claim, put the job back for the next one."""
    answer = ClaimAnswer(
        job_id=claimed.lease.job_id,
        token=claimed.lease.token,
        lease_s=services.settings.lease_s,
        endpoint=claimed.endpoint,
        account=claimed.account,
        input=claimed.input.decode(),
        attempt=claimed.attempt,
        created_at=claimed.created_at,
        own_files=await _own_files(services, claimed),
        deployment=claimed.deployment,
        fallback=claimed.fallback,
        note=claimed.note,
    )
    if hung_up.done():
        # This job alone: a process of many sessions holds others under the same name.
        await services.jobs.put_back(claimed.lease.job_id, claimed.lease.token)
    return _message(answer)


async def _own_files(services: Services, claimed: Claimed) -> dict[str, str]:
    """Find the inputs that lie in our own storage, whatever host their URLs name, and the account's own voices."""
    endpoint = services.endpoints.get(claimed.endpoint)
    if endpoint is None:
        return {}
    # Most inputs need no second parsing: no address of ours is without that word.
    if b"files" not in claimed.input and "voice" not in media_kinds(endpoint.input):
        return {}
    try:
        request = endpoint.input.model_validate_json(claimed.input)
    except (ValidationError, CallerError):  # stored before an update; its runner tells the caller what is wrong
        return {}
    found = {}
    for given in media_inputs(request):
        file_id = await own_file_of(services, claimed.account, given)
        if file_id is not None:
            found[given.url] = file_id
    return found


async def own_file_of(services: Services, account: str, given: MediaInput) -> str | None:
    """Return the file of ours that an input names, or the account's own voice; None where it names neither."""
    if given.field.kind == "voice":
        voice = services.voices.find(account, given.url)
        return voice.file_id if voice else None
    file_id = own_file(given.url)
    file = await services.files.stat(file_id) if file_id is not None else None
    if file is None:
        return None
    # Never left to be fetched by its address: the server itself would come as a stranger, or ask the real host.
    return file.id if may_use(services, account, file, given.url) else WITHHELD


def _lifecycle(services: Services, job_id: str, account: str) -> Lifecycle:
    """Say what is to become of a job's files. A voice's profile is none of them: it lives as long as the voice."""
    extras = services.jobs.extras(job_id)
    return produced_lifecycle(services, account, extras.lifecycle if extras else None)
