"""ModelArk (BytePlus) and Ark (Volcengine), pretended: video generation as byteplus-python-sdk-v2 3.0.63 speaks to it.

Parameters come as members of the body, where null means that one isn't given (the SDK sends all of them), or, as it was
once done, as flags at the end of the text. A wrong value is refused in both. A waiting task can be cancelled, a running
one can't, and deleting one that is over removes its record. The service answers under `/api/v3`.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.fakes.ark_flags import flags_of
from rushes.fakes.asked import Said, bearer, refused, remembering, retry_after
from rushes.fakes.bodies import Strict, Wrong, checked
from rushes.fakes.content import Clip, png, small
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.inputs import Still, Unfit, from_link, look_at_still
from rushes.fakes.serving import HangUp
from rushes.fakes.shelf import Shelf

PREFIX = "/api/v3"
TASKS = f"{PREFIX}/contents/generations/tasks"
# Limits as the documentation has them, not tried on the service.
MOST_IMAGE_BYTES = 30 * 1024 * 1024
LEAST_SIDE, MOST_SIDE = 300, 6000
LEAST_RATIO, MOST_RATIO = 0.4, 2.5
FPS = 24
MOST_REFERENCES = 4
_FORMS = {"JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"}
_RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
_SIDES = {
    "480p": ((960, 416), (864, 480), (736, 544), (640, 640), (544, 736), (480, 864)),
    "720p": ((1504, 640), (1248, 704), (1120, 832), (960, 960), (832, 1120), (704, 1248)),
    "1080p": ((2176, 928), (1920, 1088), (1664, 1248), (1440, 1440), (1248, 1664), (1088, 1920)),
}
"""Width and height by resolution, in the order of `_RATIOS` (unverified)."""


class _Url(Strict):
    url: str


class _Text(Strict):
    type: Literal["text"]
    text: str


class _Image(Strict):
    type: Literal["image_url"]
    image_url: _Url
    role: Literal["first_frame", "last_frame", "reference_image"] | None = None


class Settings(Strict):
    """What can be said beside the content, in the body or as flags."""

    resolution: Literal["480p", "720p", "1080p"] | None = None
    ratio: Literal["16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive"] | None = None
    duration: Annotated[int, Field(ge=2, le=12)] | None = None
    frames: Annotated[int, Field(ge=29, le=289)] | None = None
    seed: Annotated[int, Field(ge=-1, le=2**32 - 1)] | None = None
    camera_fixed: bool | None = None
    watermark: bool | None = None


class _Body(Settings):
    model: str
    content: Annotated[list[Annotated[_Text | _Image, Field(discriminator="type")]], Field(min_length=1)]
    callback_url: str | None = None
    return_last_frame: bool | None = None
    service_tier: Literal["default", "flex"] | None = None
    execution_expires_after: Annotated[int, Field(ge=3600, le=259200)] | None = None
    # The SDK's members for models that came later; these models take none of them.
    safety_identifier: None = None
    priority: None = None
    generate_audio: None = None
    draft: None = None
    output_format: None = None
    omni_reference_task_type: None = None


@dataclass(frozen=True, slots=True)
class _Job:
    """What is made for a task, and what its record says of it."""

    clip: Clip
    settings: Settings
    resolution: str
    ratio: str
    seed: int
    created: int
    last_frame: bool
    tier: str
    prompt: str


def app(fake: Fake) -> Starlette:
    """Return the vendor, answering under `/api/v3`."""
    door = _Door(fake, Shelf())
    routes: list[BaseRoute] = [
        Route(TASKS, remembering(fake, door.submit), methods=["POST"]),
        Route(TASKS, remembering(fake, door.list), methods=["GET"]),
        Route(f"{TASKS}/{{id}}", remembering(fake, door.look), methods=["GET"]),
        Route(f"{TASKS}/{{id}}", remembering(fake, door.delete), methods=["DELETE"]),
        door.shelf.route(),
        Route("/{rest:path}", remembering(fake, _nothing), methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
    ]
    return Starlette(routes=routes)


async def _nothing(request: Request, seen: Seen) -> Response:
    raise _error(404, "InvalidAction", f"The path {request.url.path} was not found.")


@dataclass(slots=True)
class _Door:
    fake: Fake
    shelf: Shelf
    jobs: dict[str, _Job] = field(default_factory=dict)

    async def submit(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        job = await _job(seen.body)
        fault = self.fake.submit_fault(job.prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            return self._wrong(fault)
        task_id = f"cgt-{time.strftime('%Y%m%d%H%M%S')}-{secrets.token_hex(3)}"
        self.fake.take(task_id, seen.body["model"], seen.body, job.prompt)
        self.jobs[task_id] = job
        return HangUp() if fault == "hang_up" else JSONResponse({"id": task_id})

    async def look(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        task = self._task(request)
        if (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault)
        task.look()
        return JSONResponse(self._record(request, task))

    async def list(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        asked = request.query_params
        records = [self._record(request, self.fake.tasks[name]) for name in self.jobs if name in self.fake.tasks]
        for name in ("status", "model", "service_tier"):
            if wanted := asked.get(f"filter.{name}"):
                records = [one for one in records if one[name] == wanted]
        if wanted_ids := asked.getlist("filter.task_ids"):
            records = [one for one in records if one["id"] in wanted_ids]
        size, page = _number(asked.get("page_size"), "page_size", 10), _number(asked.get("page_num"), "page_num", 1)
        return JSONResponse({"items": records[(page - 1) * size : page * size], "total": len(records)})

    async def delete(self, request: Request, seen: Seen) -> Response:
        """Cancel a task that waits, refuse while it runs, forget one that is over."""
        self._let_in(seen)
        task = self._task(request)
        if task.over:
            del self.fake.tasks[task.id], self.jobs[task.id]
        # What no second look has found running still waits.
        elif task.looks <= 1:
            task.cancelled, task.end = True, "cancelled"
        else:
            raise _error(409, "InvalidTaskStatus", f"The task {task.id} is running and cannot be cancelled.")
        return JSONResponse({})

    def _let_in(self, seen: Seen) -> None:
        if bearer(seen) != self.fake.key:
            raise _dead_key()

    def _task(self, request: Request) -> Task:
        task = self.fake.tasks.get(request.path_params["id"])
        if task is None or task.end == "lost":
            raise _error(404, "ResourceNotFound", "The specified task was not found.", "id")
        return task

    def _wrong(self, fault: Fault) -> Response:
        wait = retry_after(self.fake)
        match fault:
            case "hang_up":
                return HangUp()
            case "key":
                raise _dead_key()
            case "balance":
                raise _error(403, "AccountOverdueError", "The request failed: your account has an overdue balance.")
            case "rate":
                raise _error(429, "RateLimitExceeded", "The requests per minute limit is exceeded.", headers=wait)
            case "concurrency":
                raise _error(429, "QuotaExceeded", "The number of tasks under way exceeds the limit.", headers=wait)
            case "invalid":
                raise _invalid("duration", "it is not supported by this model")
            case "moderated":
                told = "The request failed because the input text may contain sensitive information."
                raise _error(400, "InputTextSensitiveContentDetected", told)
            case "server_error":
                told = "The service encountered an unexpected internal error."
                raise _error(500, "InternalServiceError", told)
            case "unknown":
                return JSONResponse({"task": {"state": "something new"}})

    def _record(self, request: Request, task: Task) -> dict[str, Any]:
        job = self.jobs[task.id]
        record: dict[str, Any] = {
            "id": task.id,
            "model": task.kind,
            "status": "queued" if task.looks <= 1 else "running",
            "created_at": job.created,
            "updated_at": int(time.time()),
            "service_tier": job.tier,
        }
        return {**record, **self._end(request, task, job)} if task.over else record

    def _end(self, request: Request, task: Task, job: _Job) -> dict[str, Any]:
        match task.end:
            case "cancelled":
                return {"status": "cancelled"}
            case "unknown":
                return {"status": "teleported"}
            case "failed":
                told = "The service encountered an unexpected internal error."
                return {"status": "failed", "error": {"code": "InternalServiceError", "message": told}}
            case "moderated":
                told = "The request failed because the output video may contain sensitive information."
                return {"status": "failed", "error": {"code": "OutputVideoSensitiveContentDetected", "message": told}}
            case "expired":
                return {"status": "expired"}
        clip = job.clip
        content = {"video_url": self.shelf.film(request, clip.mp4, task.end)}
        if job.last_frame:
            sides = small(clip.width, clip.height)
            content["last_frame_url"] = self.shelf.link(request, lambda: png(*sides), "png", "image/png")
        # The vendor's own rule, by which it bills.
        tokens = round(clip.width * clip.height * clip.fps * clip.seconds / 1024)
        length = {"duration": round(clip.seconds)} if job.settings.frames is None else {"frames": job.settings.frames}
        return {
            "status": "succeeded",
            "content": content,
            "usage": {"completion_tokens": tokens, "total_tokens": tokens},
            "seed": job.seed,
            "resolution": job.resolution,
            "ratio": job.ratio,
            **length,
            "framespersecond": FPS,
        }


async def _job(given: Any) -> _Job:
    """Check a body, and return what it asks for."""
    body = _read(given)
    texts = [part.text for part in body.content if isinstance(part, _Text)]
    images = [part for part in body.content if isinstance(part, _Image)]
    if len(texts) > 1:
        raise _invalid("content", "more than one text")
    try:
        prompt, flags = flags_of(texts[0] if texts else "")
        spoken = checked(Settings, flags)
    except Wrong as wrong:
        raise _invalid(f"content.text --{wrong.field}", wrong.message) from None
    settings = body.model_copy(update=spoken.model_dump(exclude_none=True))
    first = await _pictures(body.model, images)
    _check_together(settings, body.model, images, prompt)
    # The defaults of Pro and Lite differ.
    resolution = settings.resolution or ("1080p" if "-pro-" in body.model else "720p")
    ratio: str = settings.ratio or ("adaptive" if first else "16:9")
    if ratio == "adaptive":
        ratio = _nearest(first.ratio if first else 16 / 9)
    seconds = settings.frames / FPS if settings.frames else float(settings.duration or 5)
    return _Job(
        clip=Clip(*_SIDES[resolution][_RATIOS.index(ratio)], seconds, FPS),
        settings=settings,
        resolution=resolution,
        ratio=ratio,
        # -1 asks for any seed, and the record tells which it was.
        seed=secrets.randbelow(2**31) if settings.seed in {None, -1} else int(settings.seed or 0),
        created=int(time.time()),
        last_frame=bool(body.return_last_frame),
        tier=body.service_tier or "default",
        prompt=prompt,
    )


def _read(given: Any) -> _Body:
    # The SDK sends null for all that wasn't set.
    body = {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given
    if isinstance(body, dict):
        for name in ("model", "content"):
            if name not in body:
                raise _error(400, "MissingParameter", f"The request failed because it is missing `{name}`.", name)
    try:
        read = checked(_Body, body)
    except Wrong as wrong:
        raise _invalid(wrong.field, wrong.message) from None
    if not read.model.removeprefix("doubao-").startswith("seedance-1-0-"):
        told = f"The model or endpoint {read.model} does not exist or you do not have access to it."
        raise _error(404, "InvalidEndpointOrModel.NotFound", told)
    return read


def _check_together(settings: Settings, model: str, images: list[_Image], prompt: str) -> None:
    """Refuse what is only wrong beside something else."""
    if settings.frames is not None and (settings.duration is not None or settings.frames % 4 != 1):
        raise _invalid("frames", "it must be 25 + 4n, and not given beside a duration")
    if not images and (not prompt.strip() or "-i2v-" in model):
        raise _invalid("content", "a text or a first frame is needed" if "-i2v-" not in model else "no first frame")
    if images and "-t2v-" in model:
        raise _invalid("content", "this model takes no images")
    if not images and settings.ratio == "adaptive":
        raise _invalid("ratio", "adaptive needs an image")
    if any(image.role == "reference_image" for image in images):
        if settings.resolution == "1080p":
            raise _invalid("resolution", "1080p is not supported with reference images")
        if settings.camera_fixed is not None:
            raise _invalid("camera_fixed", "not supported with reference images")


async def _pictures(model: str, images: list[_Image]) -> Still | None:
    """Check roles and pictures; return the first picture."""
    roles = [image.role for image in images]
    references = roles.count("reference_image")
    allowed: tuple[set[str | None], ...] = (set(), {None}, {"first_frame"})
    if len(roles) == 2:
        allowed = ({"first_frame", "last_frame"},)
    if references and (references != len(roles) or references > MOST_REFERENCES or "-lite-" not in model):
        raise _invalid("content", f"at most {MOST_REFERENCES} reference images, none beside frames, with lite only")
    if not references and (len(roles) > 2 or set(roles) not in allowed):
        raise _invalid("content", f"these roles can't be combined: {roles}")
    stills = {image.role: await _picture(image.image_url.url) for image in images}
    # A single picture without a role is the first frame.
    return stills.get("first_frame") or next(iter(stills.values()), None)


async def _picture(url: str) -> Still:
    try:
        stated, content = await from_link(url)
        still = look_at_still(content)
    except Unfit as unfit:
        raise _invalid("content.image_url", str(unfit)) from None
    if still.form not in _FORMS or stated not in {None, still.mime}:
        raise _invalid("content.image_url", f"the format is not supported: {still.form}, stated as {stated}")
    if not LEAST_SIDE <= min(still.width, still.height) <= max(still.width, still.height) <= MOST_SIDE:
        raise _invalid("content.image_url", f"{still.width}x{still.height}: sides must be within [300, 6000]")
    if not LEAST_RATIO <= still.ratio <= MOST_RATIO:
        raise _invalid("content.image_url", f"the ratio {still.ratio:.2f} must be within [0.4, 2.5]")
    if still.size_bytes > MOST_IMAGE_BYTES:
        raise _invalid("content.image_url", f"{still.size_bytes} bytes are more than 30 MB")
    return still


def _nearest(ratio: float) -> str:
    """Return the ratio's name whose film is nearest to that of a picture."""
    offered = dict(zip(_RATIOS, _SIDES["720p"], strict=True))
    return min(offered, key=lambda name: abs(offered[name][0] / offered[name][1] - ratio))


def _number(text: str | None, name: str, default: int) -> int:
    if text is not None and not (text.isdecimal() and 1 <= int(text) <= 500):
        raise _invalid(name, "a whole number from 1 to 500 is expected")
    return int(text) if text is not None else default


def _error(status: int, code: str, message: str, param: str = "", headers: dict[str, str] | None = None) -> Said:
    kinds = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 429: "TooManyRequests"}
    told = f"{message} Request id: {secrets.token_hex(16)}"
    error = {"code": code, "message": told, "param": param, "type": kinds.get(status, "InternalServerError")}
    return refused(status, {"error": error}, headers)


def _invalid(param: str, why: str) -> Said:
    return _error(
        400, "InvalidParameter", f"The parameter `{param}` specified in the request is not valid: {why}.", param
    )


def _dead_key() -> Said:
    return _error(401, "AuthenticationError", "The API key in the request is missing or invalid.")
