"""Every error a caller can meet, as the wire knows it: shape, type, HTTP status, retryable.

    CallerError
    ├── ModelError       {"detail": [{loc, msg, type, url, ctx?, input?}, …]}   the input, or the model's work on it
    ├── RequestError     {"detail": "…", "error_type": "…"}                     the platform around the model
    └── Rejection        {"detail": "…"}                                        the door: keys, ids, paths, sizes

Which type has which status stands in two tables, MODEL_ERRORS and REQUEST_ERRORS (protocol sections 8.2 and 8.3);
a type that is in neither table is a Pydantic validation type and is a 422. What has happened to a job is kept as a
`Failure`, the frozen form of any of these, which travels from runner to gateway and into the job's row; bodies are
exactly fal's, and what a server adds to them on request (`message`, protocol 8.4) is added when it answers.

How often a job is tried again after which failure is decided in `jobs`; this file only says what is retryable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Loc = tuple[str | int, ...]
Shape = Literal["model", "request", "rejection"]

ERROR_DOCS_URL = "https://docs.fal.ai/errors/#{type}"
CANCELLED = "client_cancelled"
LEFT = "client_disconnected"


@dataclass(frozen=True, slots=True)
class Kind:
    """What the wire says of one error type. No error is billed: every failed answer says 0 billable units."""

    status: int
    message: str
    retryable: bool = False


MODEL_ERRORS: Mapping[str, Kind] = {
    "internal_server_error": Kind(500, "Internal server error", retryable=True),
    "generation_timeout": Kind(504, "Generation timeout", retryable=True),
    # Newer documents say 500; which of the two is a choice (protocol 13).
    "downstream_service_error": Kind(400, "Downstream service error"),
    "downstream_service_unavailable": Kind(500, "Downstream service unavailable", retryable=True),
    "content_policy_violation": Kind(422, "The content could not be processed: it was flagged by a content checker"),
    "no_media_generated": Kind(422, "The model produced no output for this prompt"),
    "image_too_small": Kind(422, "Image too small"),
    "image_too_large": Kind(422, "Image too large"),
    "image_load_error": Kind(422, "Image load error"),
    # These two are not in fal's table: F-10 names the picture's and says "etc.".
    "video_load_error": Kind(422, "Video load error"),
    "audio_load_error": Kind(422, "Audio load error"),
    "file_download_error": Kind(422, "File download error"),
    "face_detection_error": Kind(422, "Could not detect face in the image"),
    "file_too_large": Kind(422, "File too large"),
    "greater_than": Kind(422, "Input should be greater than the limit"),
    "greater_than_equal": Kind(422, "Input should be greater than or equal to the limit"),
    "less_than": Kind(422, "Input should be less than the limit"),
    "less_than_equal": Kind(422, "Input should be less than or equal to the limit"),
    "multiple_of": Kind(422, "Input should be a multiple of the step"),
    "sequence_too_short": Kind(422, "Sequence has too few items"),
    "sequence_too_long": Kind(422, "Sequence has too many items"),
    "one_of": Kind(422, "Input should be one of the allowed values"),
    "feature_not_supported": Kind(422, "Feature not supported"),
    "invalid_archive": Kind(422, "Could not read or process the archive"),
    "archive_file_count_below_minimum": Kind(422, "Too few files in the archive"),
    "archive_file_count_exceeds_maximum": Kind(422, "Too many files in the archive"),
    "audio_duration_too_long": Kind(422, "Audio exceeds the maximum duration"),
    "audio_duration_too_short": Kind(422, "Audio too short"),
    "unsupported_audio_format": Kind(422, "Unsupported audio format"),
    "unsupported_image_format": Kind(422, "Unsupported image format"),
    "unsupported_video_format": Kind(422, "Unsupported video format"),
    "video_duration_too_long": Kind(422, "Video exceeds the maximum duration"),
    "video_duration_too_short": Kind(422, "Video too short"),
}

REQUEST_ERRORS: Mapping[str, Kind] = {
    "request_timeout": Kind(504, "Request timed out", retryable=True),
    "startup_timeout": Kind(504, "No worker started in time", retryable=True),
    "runner_scheduling_failure": Kind(503, "No worker could be allocated", retryable=True),
    "runner_connection_timeout": Kind(503, "The worker did not answer in time", retryable=True),
    "runner_disconnected": Kind(503, "The worker went away while it worked on the request", retryable=True),
    "runner_connection_refused": Kind(503, "The worker refused the connection", retryable=True),
    "runner_connection_error": Kind(503, "The connection to the worker broke", retryable=True),
    "runner_incomplete_response": Kind(502, "The worker's answer was cut short", retryable=True),
    "runner_server_error": Kind(500, "The worker crashed on the request"),  # and would crash the next one too
    LEFT: Kind(499, "The caller went away"),
    CANCELLED: Kind(499, "Request cancelled"),
    "bad_request": Kind(400, "Bad request"),
    "internal_error": Kind(500, "Internal error"),
    # Our own: the disk is full or gone. Retryable, since nothing was accepted.
    "storage_unavailable": Kind(503, "The server cannot store anything at the moment, so nothing was accepted", True),
    "concurrent_requests_limit": Kind(429, "Too many direct runs at once", retryable=True),
}

_VALIDATION = Kind(422, "Invalid input")


def kind_of(error_type: str) -> Kind:
    """Return what is known of a type; a type in neither table is a validation type, hence a 422."""
    return MODEL_ERRORS.get(error_type) or REQUEST_ERRORS.get(error_type) or _VALIDATION


@dataclass(frozen=True, slots=True)
class Failure:
    """How a job failed, ready to be stored and answered: `body` is the exact JSON the caller receives.

    `by_caller` marks a 504 that the caller's own start deadline caused (X-Fal-Request-Timeout-Type: user).
    """

    shape: Shape
    type: str
    status: int
    body: bytes
    retryable: bool
    by_caller: bool = False

    @property
    def message(self) -> str:
        """One line for people: the queue status's `error`, logs, and `message` where a server is to send it."""
        detail = json.loads(self.body).get("detail", "")
        if isinstance(detail, str):  # of request errors and rejections; model errors have a list
            return detail
        return "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in detail)


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of a model error's `detail` list. `loc` starts with "body"; list indices in it are integers."""

    type: str
    msg: str
    loc: Loc = ("body",)
    ctx: Mapping[str, Any] | None = None
    input: Any = None
    has_input: bool = False  # since None is an input too

    def wire(self) -> dict[str, Any]:
        """Return the entry as the protocol writes it; `ctx` and `input` only when there is something to say."""
        entry: dict[str, Any] = {
            "loc": list(self.loc),
            "msg": self.msg,
            "type": self.type,
            "url": ERROR_DOCS_URL.format(type=self.type),
        }
        if self.ctx:
            entry["ctx"] = dict(self.ctx)
        if self.has_input:
            entry["input"] = self.input
        return entry


class CallerError(Exception):
    """Base of what a caller can meet. Catch this at the door and answer `failure()`."""

    def failure(self) -> Failure:
        """Return the frozen form that is stored, sent over the runner protocol and answered."""
        raise TypeError(f"{type(self).__name__} has no wire form")


class ModelError(CallerError):
    """The input is wrong, or the model could not do what was asked; one problem or several, all at once.

    Example: `raise ModelError("image_too_large", loc=("body", "image_url"), ctx={"max_width": 8192})`
    """

    def __init__(
        self,
        error_type: str,
        msg: str | None = None,
        *,
        loc: Loc = ("body",),
        ctx: Mapping[str, Any] | None = None,
        more: Sequence[Problem] = (),
    ) -> None:
        first = Problem(error_type, msg or kind_of(error_type).message, loc, ctx)
        self.problems: tuple[Problem, ...] = (first, *more)
        super().__init__(first.msg)

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> ModelError:
        """Build one error from several problems (at least one)."""
        first, *rest = problems
        error = cls(first.type, first.msg)
        error.problems = (first, *rest)
        return error

    def failure(self) -> Failure:
        """Status and retryability are those of the first problem's type."""
        first = self.problems[0]
        kind = kind_of(first.type)
        # default=str: what a validator puts into its context may be of any type, and must not hide the problem.
        body = json.dumps({"detail": [p.wire() for p in self.problems]}, default=str).encode()
        return Failure("model", first.type, kind.status, body, kind.retryable)


class RequestError(CallerError):
    """The platform, not the model, could not carry the request through; `error_type` is a key of REQUEST_ERRORS."""

    def __init__(self, error_type: str, msg: str | None = None, *, by_caller: bool = False) -> None:
        self.kind = REQUEST_ERRORS[error_type]
        self.type = error_type
        self.msg = msg or self.kind.message
        self.by_caller = by_caller
        super().__init__(self.msg)

    def failure(self) -> Failure:
        """Return the body with `detail` and `error_type`."""
        body = json.dumps({"detail": self.msg, "error_type": self.type}).encode()
        return Failure("request", self.type, self.kind.status, body, self.kind.retryable, self.by_caller)


class Rejection(CallerError):
    """Refused at the door before there was a request: no key, unknown endpoint or path, body too large.

    `extra` holds further members of the body, e.g. {"status": "NOT_FOUND"} of the queue routes.
    """

    def __init__(self, status: int, msg: str, *, extra: Mapping[str, Any] | None = None) -> None:
        self.status = status
        self.msg = msg
        self.extra: Mapping[str, Any] = extra or {}
        super().__init__(msg)

    def failure(self) -> Failure:
        """Return the plain-string form of protocol 3.2."""
        body = json.dumps({**self.extra, "detail": self.msg}).encode()
        return Failure("rejection", "", self.status, body, retryable=False)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancelled job ends with (protocol 4.7); `left` when its caller hung up on a direct run (S-02)."""

    left: bool = False

    @property
    def failure(self) -> Failure:
        """Return the stored form."""
        return RequestError(LEFT if self.left else CANCELLED).failure()
