"""The runner protocol's messages, both ways (HTTP under /runners/, `Authorization: Key` with a runner key).

    POST /runners/claim             ClaimRequest  → 200 ClaimAnswer | 204 (no work came while it waited)
    POST /runners/jobs/{id}/beat    Beat          → 200 BeatReply
    PUT  /runners/jobs/{id}/files   bytes         → 200 StoredFile   (Content-Type, X-Rushes-File-Name, X-Rushes-Token)
    GET  /runners/files/{file_id}                 → 200 bytes        (an input that lies in our own storage)
    POST /runners/jobs/{id}/finish  Finish        → 200 {} | 410 stale token: throw the result away
    POST /runners/jobs/{id}/fail    Fail          → 200 {} | 410
    GET  /runners/signer                          → 200 SignerAnswer | 204 (results are not signed here)
    POST /runners/jobs/{id}/sign    SignRequest   → 200 Signature | 409 (no good key) | 410 | 422
    GET  /runners/jobs/{id}/session               → WebSocket       (X-Rushes-Token): each SessionInput is answered
                                                    by a SessionAnswer, both MessagePack; who ends it closes it
    POST /runners/leave             Leave         → 200 {}         (told to stop: what it holds waits again, uncounted)

A lease is renewed by beats only, and beats come from a live step loop. The gateway decides; the runner obeys.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import from_json

from rushes.errors import Failure, Shape
from rushes.jobs.job import Level, LogLine, Outcome, Paid, VoiceMade

Token = Annotated[int, Field(ge=0, lt=2**63)]
"""The number that came with a claim; as large as the database's numbers can be."""


MOST_LINE_CHARS = 8_000  # runners cut at half of it
PREVIEW_MAX_BYTES = 64 * 1024
PREVIEW_MAX_SIDE = 320  # pixels


class Message(BaseModel):
    """Base: frozen, unknown members refused, so that a runner of another version fails loudly; no number is NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ClaimRequest(Message):
    """`runner` is a unique name of this process; `endpoints` what its deployments can serve."""

    runner: str
    endpoints: tuple[str, ...]
    wait_s: float


class ClaimAnswer(Message):
    """A job and the right to it. `own_files` maps each input URL that lies in our own storage to its file id."""

    job_id: str
    token: Token
    lease_s: float
    endpoint: str
    account: str
    input: str  # JSON text
    attempt: int
    created_at: float
    own_files: dict[str, str]
    deployment: str | None = None  # the one that must serve it
    fallback: bool = True
    note: str | None = None  # what a runner kept in an earlier try


class Line(Message):
    """A log line on its way from a runner."""

    at: float
    message: str
    level: Level = "INFO"
    labels: dict[str, str] | None = None

    def line(self) -> LogLine:
        """Return the stored form."""
        return LogLine(self.at, self.message[:MOST_LINE_CHARS], self.level, self.labels)


class Beat(Message):
    """A sign of life of the step loop, with what was logged since the last one, and a preview where one was asked for.

    `preview` is a JPEG in base64, within the bounds above.
    """

    token: Token
    lines: tuple[Line, ...] = ()
    # So long are these bytes in base64.
    preview: str | None = Field(None, max_length=4 * (PREVIEW_MAX_BYTES + 2) // 3)


class Note(Message):
    """What is to be kept with the job for a try after this one, "" for nothing; `mark` names the task it tells of.

    Taken from the job's present runner; where it is `late`, also from an earlier one that kept a note of the same mark,
    while the job has not ended: only that one knows that the task was taken, and by which ticket.
    """

    token: Token
    late: bool = False
    note: str = Field(max_length=16_384)
    mark: str = Field(min_length=1, max_length=200)


class Shared(Message):
    """Where a vendor can fetch an input for an hour; None where this server has no public address."""

    url: str | None


class BeatReply(Message):
    """`cancel`: stop within a frame batch and send Fail with client_cancelled; `stale`: the job is another's now."""

    answer: Literal["carry on", "cancel", "stale"]
    preview: bool = False  # somebody watches: send one along with the next beat


class StoredFile(Message):
    """A produced file, stored. `url` is the form that goes into the output: rushes-file:/ID/NAME."""

    file_id: str
    url: str
    size_bytes: int


SIGN_MAX_CHARS = 64 * 1024  # of a claim in base64; ordinary ones have 2,000


class SignerAnswer(Message):
    """How results are signed: the certificates that go along (PEM), and whether the prompt is to be told in them."""

    chain: str
    with_prompt: bool


class SignRequest(Message):
    """The claim of a result's manifest, in base64; the key that signs it stays with the gateway."""

    token: Token
    claim: str = Field(max_length=SIGN_MAX_CHARS)

    @classmethod
    def of(cls, token: int, claim: bytes) -> SignRequest:
        """Pack a claim."""
        return cls(token=token, claim=base64.b64encode(claim).decode())

    def unpacked(self) -> bytes:
        """Return the claim. Raises ValueError for what is no base64."""
        try:
            return base64.b64decode(self.claim, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the claim is not base64: {error}") from error


class Signature(Message):
    """The signature (ES256) in base64."""

    signature: str


class NewVoice(Message):
    """A voice that the job made, to be kept for its account; the profile lies in the stored file."""

    voice_id: str
    file_id: str


class Bought(Message):
    """What a job cost the operator, as in job.Paid."""

    deployment: str
    usage: dict[str, float] = {}
    cost_usd: float | None = None


class Finish(Message):
    """The job is done; `output` is JSON text. The last five members are as in Outcome."""

    token: Token
    output: str
    served_by: str
    units: float
    inference_s: float
    files: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    voice: NewVoice | None = None
    forget_voice: str | None = None
    private: bool = False
    companions: dict[str, str] = {}
    paid: Bought | None = None

    @classmethod
    def of(cls, token: int, outcome: Outcome, lines: tuple[Line, ...] = ()) -> Finish:
        """Pack an outcome."""
        voice, paid = outcome.voice, outcome.paid
        return cls(
            token=token,
            output=outcome.output.decode(),
            served_by=outcome.served_by,
            units=outcome.units,
            inference_s=outcome.inference_s,
            files=outcome.files,
            lines=lines,
            voice=NewVoice(voice_id=voice.voice_id, file_id=voice.file_id) if voice else None,
            forget_voice=outcome.forget_voice,
            private=outcome.private,
            companions=dict(outcome.companions),
            paid=Bought(deployment=paid.deployment, usage=dict(paid.usage), cost_usd=paid.cost_usd) if paid else None,
        )

    def outcome(self) -> Outcome:
        """Unpack it."""
        return Outcome(
            self.output.encode(),
            self.served_by,
            self.units,
            self.inference_s,
            self.files,
            VoiceMade(self.voice.voice_id, self.voice.file_id) if self.voice else None,
            self.forget_voice,
            self.private,
            self.companions,
            Paid(self.paid.deployment, self.paid.usage, self.paid.cost_usd) if self.paid else None,
        )


class Fail(Message):
    """The job failed; `body` is the exact JSON that the caller gets, in base64."""

    token: Token
    shape: Shape
    type: str
    status: int
    body: str
    retryable: bool
    lines: tuple[Line, ...] = ()

    @field_validator("body")
    @classmethod
    def _is_an_answer(cls, body: str) -> str:
        """Refuse what could not be stored and told: jobs keep a line of their error for people."""
        if not isinstance(from_json(base64.b64decode(body, validate=True)), dict):
            raise ValueError("expected a JSON object in base64")
        return body

    @classmethod
    def of(cls, token: int, failure: Failure, lines: tuple[Line, ...] = ()) -> Fail:
        """Pack a failure."""
        return cls(
            token=token,
            shape=failure.shape,
            type=failure.type,
            status=failure.status,
            body=base64.b64encode(failure.body).decode(),
            retryable=failure.retryable,
            lines=lines,
        )

    def failure(self) -> Failure:
        """Unpack it."""
        return Failure(self.shape, self.type, self.status, base64.b64decode(self.body), self.retryable)


class Leave(Message):
    """The runner stops, through no fault of a job; also one whose claim was just on its way to it waits again."""

    runner: str


SESSION_CANCELLED = 4499
"""The close code with which the gateway tells a session's runner that the job was cancelled; else it is 1000."""


class SessionInput(Message):
    """One input of a session, numbered; `own_files` as in ClaimAnswer."""

    n: int
    input: dict[str, Any]
    own_files: dict[str, str] = {}


class SessionAnswer(Message):
    """What became of an input: an output, or a failure that ends the session; `units` are the session's so far."""

    n: int
    output: dict[str, Any] | None = None
    failure: Fail | None = None
    units: float = 0.0
