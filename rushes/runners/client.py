"""A runner's HTTP side: the runner protocol's calls over kept-alive connections, with typed messages.

A gateway that is away (restarting, unreachable, answering 5xx) is `GatewayAway`; whoever calls decides whether to wait.
What a job came to is different: it is worth waiting for, so signatures, files and ends are tried again by themselves.
An end that arrives twice is harmless, since the second is answered "stale"; a file that does leaves one too many.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx2

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

TIMEOUT_S = 10.0
UPLOAD_TIMEOUT_S = 60.0  # for the answer, once the last byte is sent; the gateway syncs the file to its disk
KEEP_TRYING_S = 60.0  # how long what a job came to is worth trying; leases are much shorter
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
TICK_S = 0.25  # between two signs of life in a pause; leases are longer
CHUNK_BYTES = 256 * 1024

Answered = TypeVar("Answered")


class GatewayAway(Exception):
    """The gateway cannot be reached or cannot answer now; it may come back."""


class GatewayFailed(GatewayAway):
    """It is there, and failed by itself at what it was asked (500)."""


class Refused(Exception):
    """The gateway said no, and will again: a wrong key, a job that is gone, a message it doesn't take."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"the gateway answered {status}: {text[:500]}")


def pauses() -> Iterator[float]:
    """Seconds to wait before each next try: short at first, doubling."""
    pause = FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_PAUSE_S)


class RunnerClient:
    """The calls of `jobs.protocol`. May be used from several threads at once."""

    def __init__(self, url: str, key: str) -> None:
        self._base = f"{url.rstrip('/')}/runners/"
        self.credentials = {"authorization": f"Key {key}"}
        self._http = httpx2.Client(
            base_url=self._base,
            headers=self.credentials,
            timeout=TIMEOUT_S,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),  # a crowd's threads all wait
            trust_env=False,  # a proxy of the operator's is for the internet, not for the gateway
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def socket_url(self, path: str) -> str:
        """Return where a WebSocket of the runner protocol is; to be opened with `credentials` as headers."""
        # http becomes ws, https becomes wss.
        return f"ws{self._base.removeprefix('http')}{path}"

    def claim(self, wanted: ClaimRequest) -> ClaimAnswer | None:
        """Ask for work; None when none came in `wanted.wait_s`. Raises GatewayAway, Refused."""
        # The gateway may be silent for as long as we said that we wait; only beyond that is it away.
        response = self._post("claim", wanted, timeout_s=wanted.wait_s + TIMEOUT_S)
        return None if response.status_code == 204 else ClaimAnswer.model_validate_json(response.content)

    def beat(self, job_id: str, beat: Beat) -> BeatReply:
        """Show life and hear what to do. Raises GatewayAway, Refused."""
        return BeatReply.model_validate_json(self._post(f"jobs/{job_id}/beat", beat).content)

    def finish(self, job_id: str, finish: Finish) -> bool:
        """Report the result; False when the job is another's now. Raises GatewayAway after a minute, Refused."""
        return self._end(f"jobs/{job_id}/finish", finish, KEEP_TRYING_S)

    def fail(self, job_id: str, fail: Fail) -> bool:
        """Report the failure; else as `finish`."""
        return self._end(f"jobs/{job_id}/fail", fail, KEEP_TRYING_S)

    def leave(self, leave: Leave, keep_trying_s: float) -> None:
        """Give back what this runner holds, because it is to stop; raises as `finish`."""
        self._end("leave", leave, keep_trying_s)

    def keep_note(self, job_id: str, note: Note) -> bool:
        """Keep something with the job, trying for a minute; False when it is another's now. Raises as `finish`."""
        return self._end(f"jobs/{job_id}/note", note, KEEP_TRYING_S)

    def share(self, job: ClaimAnswer, path: Path, name: str, content_type: str, tick: Callable[[], None]) -> str | None:
        """Make an input fetchable for an hour; None where the server has no public address. Raises as `put_file`."""
        response = self._put(job, "shared", path, name, content_type, tick)
        return Shared.model_validate_json(response.content).url

    def get_file(self, file_id: str, to: Path, tick: Callable[[], None]) -> str:
        """Write an own file to `to` and return its content type. Raises GatewayAway, FileNotFoundError, Refused."""
        try:
            with self._http.stream("GET", f"files/{file_id}") as response:
                if response.status_code >= 400:
                    response.read()  # or a streamed answer has no text to tell
                if response.status_code == 404:
                    raise FileNotFoundError(response.text)
                _check(response)
                with to.open("wb") as file:
                    for chunk in response.iter_raw(CHUNK_BYTES):
                        file.write(chunk)
                        tick()
                return response.headers.get("content-type", "application/octet-stream")
        except httpx2.TransportError as error:
            raise GatewayAway(f"{type(error).__name__}: {error}") from error

    def put_file(
        self, job: ClaimAnswer, path: Path, name: str, content_type: str, tick: Callable[[], None]
    ) -> StoredFile:
        """Store a produced file as the job's account, trying for a minute: it may have taken an hour to make.

        Raises GatewayAway after that or where it fails at it, Refused(410) for a stale token.
        """
        response = self._put(job, "files", path, name, content_type, tick)
        return StoredFile.model_validate_json(response.content)

    def _put(  # noqa: PLR0917
        self, job: ClaimAnswer, word: str, path: Path, name: str, content_type: str, tick: Callable[[], None]
    ) -> httpx2.Response:
        headers = {
            "content-type": content_type,
            "content-length": str(path.stat().st_size),
            "x-rushes-file-name": quote(name),
            "x-rushes-token": str(job.token),
        }

        def put() -> httpx2.Response:
            where, timeout = f"jobs/{job.job_id}/{word}", httpx2.Timeout(TIMEOUT_S, read=UPLOAD_TIMEOUT_S)
            return self._ask("PUT", where, content=_read(path, tick), headers=headers, timeout=timeout)

        return _patiently(put, KEEP_TRYING_S, tick, but=GatewayFailed)

    def signer(self) -> SignerAnswer | None:
        """Return who signs results; None where nobody does. Raises as `put_file`, Refused(409) without a good key."""
        timeout = httpx2.Timeout(TIMEOUT_S)
        ask = partial(self._ask, "GET", "signer", content=b"", headers={}, timeout=timeout)
        response = _patiently(ask, KEEP_TRYING_S, but=GatewayFailed)
        return None if response.status_code == 204 else SignerAnswer.model_validate_json(response.content)

    def sign(self, job: ClaimAnswer, claim: bytes) -> bytes:
        """Have the claim of a result's manifest signed. Raises as `put_file`, Refused(409) without a good key."""
        ask = partial(self._post, f"jobs/{job.job_id}/sign", SignRequest.of(job.token, claim))
        response = _patiently(ask, KEEP_TRYING_S, but=GatewayFailed)
        return base64.b64decode(Signature.model_validate_json(response.content).signature)

    def _end(self, path: str, message: Message, keep_trying_s: float) -> bool:
        try:
            _patiently(partial(self._post, path, message), keep_trying_s)
        except Refused as refusal:
            # 410 is also what a second sending hears whose first one had arrived: then the end is kept.
            if refusal.status != 410:
                raise
            return False
        return True

    def _post(self, path: str, message: Message, timeout_s: float = TIMEOUT_S) -> httpx2.Response:
        body = message.model_dump_json().encode()
        return self._ask("POST", path, content=body, headers=_JSON, timeout=httpx2.Timeout(TIMEOUT_S, read=timeout_s))

    def _ask(
        self,
        method: str,
        path: str,
        *,
        content: bytes | Iterator[bytes],
        headers: dict[str, str],
        timeout: httpx2.Timeout,
    ) -> httpx2.Response:
        try:
            response = self._http.request(method, path, content=content, headers=headers, timeout=timeout)
        except httpx2.TransportError as error:
            raise GatewayAway(f"{type(error).__name__}: {error}") from error
        _check(response)
        return response


_JSON = {"content-type": "application/json"}


def _patiently(
    ask: Callable[[], Answered],
    keep_trying_s: float,
    tick: Callable[[], None] = lambda: None,
    but: type[GatewayAway] | tuple[()] = (),
) -> Answered:
    """Ask until the gateway is back; raises GatewayAway when it stays away for so long, and `but` at once."""
    give_up_at = None
    for pause in pauses():
        try:
            return ask()
        except but:
            raise
        except GatewayAway:
            # From the first failure on: a large file may take longer than that to be sent once.
            give_up_at = give_up_at or time.monotonic() + keep_trying_s
            if time.monotonic() + pause > give_up_at:
                raise
        _wait(pause, tick)
    raise AssertionError("pauses() never ends")


def _wait(seconds: float, tick: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        tick()
        time.sleep(min(left, TICK_S))


def _check(response: httpx2.Response) -> None:
    if response.status_code >= 500:
        kind = GatewayFailed if response.status_code == 500 else GatewayAway
        raise kind(f"the gateway answered {response.status_code}: {response.text[:500]}")
    if response.status_code >= 400:
        raise Refused(response.status_code, response.text)


def _read(path: Path, tick: Callable[[], None]) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
            tick()
