"""Alibaba Model Studio's video synthesis, pretended, as dashscope 2.0.2 speaks to it.

A submit without `X-DashScope-Async: enable` is refused, a task that nobody knows is no error but one of the status
UNKNOWN, and only a task that still waits can be cancelled. Pictures come by URL or as a data URI, opaque, 360 to 2000
pixels a side. The service answers under `/api/v1`.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.fakes.asked import Said, bearer, refused, remembering, retry_after
from rushes.fakes.bodies import Strict, Wrong, checked
from rushes.fakes.content import Clip
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.inputs import Still, Unfit, from_link, look_at_still
from rushes.fakes.serving import HangUp
from rushes.fakes.shelf import Shelf

PREFIX = "/api/v1"
MOST_IMAGE_BYTES = 10 * 1024 * 1024
IMAGE_FORMS = {"JPEG", "PNG", "BMP", "WEBP"}
LEAST_SIDE, MOST_SIDE = 360, 2000
_SIDES = {"480P": (832, 480), "720P": (1280, 720), "1080P": (1920, 1080)}
_IMAGE_MEMBERS = ("img_url", "first_frame_url", "last_frame_url")


@dataclass(frozen=True, slots=True)
class _Model:
    """What a model takes: the member that must hold a picture (None: text alone), lengths in seconds, resolutions."""

    image: str | None
    durations: frozenset[int]
    resolutions: frozenset[str]
    fps: int = 30
    sound: bool = False


_FIVE = frozenset({5})
_MODELS = {
    "2.1-i2v-plus": _Model("img_url", _FIVE, frozenset({"720P"})),
    "2.1-i2v-turbo": _Model("img_url", frozenset({3, 4, 5}), frozenset({"480P", "720P"})),
    "2.2-i2v-plus": _Model("img_url", _FIVE, frozenset({"480P", "1080P"})),
    "2.2-i2v-flash": _Model("img_url", _FIVE, frozenset({"480P", "720P", "1080P"})),
    "2.5-i2v-preview": _Model("img_url", frozenset({5, 10}), frozenset({"480P", "720P", "1080P"}), 24, sound=True),
    "2.1-kf2v-plus": _Model("first_frame_url", _FIVE, frozenset({"720P"})),
    "2.1-t2v-plus": _Model(None, _FIVE, frozenset({"720P"})),
    "2.1-t2v-turbo": _Model(None, _FIVE, frozenset({"480P", "720P"})),
    "2.2-t2v-plus": _Model(None, _FIVE, frozenset({"480P", "1080P"})),
    "2.5-t2v-preview": _Model(None, frozenset({5, 10}), frozenset({"480P", "720P", "1080P"}), 24, sound=True),
}
"""By the name without `wan` or, as Beijing calls the older ones, `wanx`."""


class _Input(Strict):
    prompt: Annotated[str, Field(max_length=800)] = ""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    img_url: str | None = None
    first_frame_url: str | None = None
    last_frame_url: str | None = None
    audio_url: str | None = None
    template: str | None = None
    extend_prompt: bool = True  # the SDK sends these two with everything
    function: str | None = None


class _Parameters(Strict):
    resolution: str | None = None
    size: Annotated[str, Field(pattern=r"^\d{3,4}\*\d{3,4}$")] | None = None
    duration: int | None = None
    prompt_extend: bool = True
    watermark: bool = False
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    audio: bool | None = None


class _Body(Strict):
    model: str
    input: _Input
    parameters: _Parameters = _Parameters()


def app(fake: Fake) -> Starlette:
    """Return the vendor, answering under `/api/v1`."""
    door = _Door(fake, Shelf())
    synthesis = remembering(fake, door.submit)
    routes: list[BaseRoute] = [
        Route(f"{PREFIX}/services/aigc/video-generation/video-synthesis", synthesis, methods=["POST"]),
        Route(f"{PREFIX}/services/aigc/image2video/video-synthesis", synthesis, methods=["POST"]),
        Route(f"{PREFIX}/tasks/{{id}}", remembering(fake, door.look), methods=["GET"]),
        Route(f"{PREFIX}/tasks/{{id}}/cancel", remembering(fake, door.cancel), methods=["POST"]),
        door.shelf.route(),
        Route("/{rest:path}", remembering(fake, _nothing), methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
    ]
    return Starlette(routes=routes)


async def _nothing(request: Request, seen: Seen) -> Response:
    raise _error(404, "NotFound", "Not Found")


@dataclass(slots=True)
class _Door:
    fake: Fake
    shelf: Shelf
    clips: dict[str, Clip] = field(default_factory=dict)  # by task

    async def submit(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        if seen.headers.get("x-dashscope-async") != "enable":
            raise _error(403, "AccessDenied", "current user api does not support synchronous calls.")
        try:
            body = checked(_Body, seen.body)
        except Wrong as wrong:
            raise _invalid(f"{wrong.field}: {wrong.message}") from None
        model = _model(body)
        still = await _pictures(body, model)
        prompt = body.input.prompt
        fault = self.fake.submit_fault(prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            return self._wrong(fault)
        task = self.fake.take(str(uuid.uuid4()), body.model, seen.body, prompt)
        self.clips[task.id] = _clip(body, model, still)
        if fault == "hang_up":
            return HangUp()
        return JSONResponse({"request_id": _id(), "output": {"task_id": task.id, "task_status": "PENDING"}})

    async def look(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        task_id = request.path_params["id"]
        task = self.fake.tasks.get(task_id)
        if (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault)
        if task is None or task.end == "lost":
            return JSONResponse({"request_id": _id(), "output": {"task_id": task_id, "task_status": "UNKNOWN"}})
        word = task.look()
        output: dict[str, Any] = {"task_id": task.id, "submit_time": _now(), "scheduled_time": _now()}
        if word != "ended":
            status = "PENDING" if word == "queued" else "RUNNING"
            return JSONResponse({"request_id": _id(), "output": {**output, "task_status": status}})
        usage, end = self._end(request, task)
        return JSONResponse({"request_id": _id(), "output": {**output, "end_time": _now(), **end}, **usage})

    async def cancel(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        task = self.fake.tasks.get(request.path_params["id"])
        # PENDING is what the first look told.
        if task is None or task.looks > 1 or task.over:
            told = "Failed to cancel the task, please confirm if the task is in PENDING status."
            raise _error(400, "UnsupportedOperation", told)
        task.cancelled, task.end = True, "cancelled"
        return JSONResponse({"request_id": _id()})

    def _let_in(self, seen: Seen) -> None:
        if (key := bearer(seen)) is None:
            raise _error(401, "InvalidApiKey", "No API-key provided.")
        if key != self.fake.key:
            raise _error(401, "InvalidApiKey", "Invalid API-key provided.")

    def _wrong(self, fault: Fault) -> Response:
        wait = retry_after(self.fake)
        match fault:
            case "hang_up":
                return HangUp()
            case "key":
                raise _error(401, "InvalidApiKey", "Invalid API-key provided.")
            case "balance":
                raise _error(400, "Arrearage", "Access denied, please make sure your account is in good standing.")
            case "rate":
                raise _error(429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.", wait)
            case "concurrency":
                raise _error(429, "Throttling.AllocationQuota", "Too many tasks are under way, please try later.", wait)
            case "invalid":
                raise _invalid("input.prompt: the prompt could not be read.")
            case "moderated":
                raise _error(400, "DataInspectionFailed", "Input data may contain inappropriate content.")
            case "server_error":
                raise _error(500, "InternalError", "An internal error has occured, please try again later.")
            case "unknown":
                return JSONResponse({"request_id": _id(), "output": {"task_state": "SOMETHING_NEW"}})

    def _end(self, request: Request, task: Task) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return usage and output of a task that is over."""
        match task.end:
            case "cancelled":
                return {}, {"task_status": "CANCELED", "code": "Canceled", "message": "The task was canceled."}
            case "failed":
                told = {"code": "InternalError.Algo", "message": "inference internal error"}
                return {}, {"task_status": "FAILED", **told}
            case "moderated":
                told = {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content."}
                return {}, {"task_status": "FAILED", **told}
            case "unknown":
                return {}, {"task_status": "TELEPORTED"}
        clip, given = self.clips[task.id], task.asked["input"]
        link = self.shelf.film(request, clip.mp4, task.end)
        told = {"task_status": "SUCCEEDED", "video_url": link, "orig_prompt": given.get("prompt", "")}
        # Only a prompt that was rewritten comes back in its new words.
        if task.asked.get("parameters", {}).get("prompt_extend", True):
            told["actual_prompt"] = f"{told['orig_prompt']} Seen in soft light, the camera is calm."
        usage = {"video_duration": clip.seconds, "video_ratio": f"{clip.width}*{clip.height}", "video_count": 1}
        return {"usage": usage}, told


def _model(body: _Body) -> _Model:
    """Return the model's rules, after holding the body against them."""
    model = _MODELS.get(re.sub(r"^wanx?", "", body.model)) if body.model.startswith("wan") else None
    if model is None:
        raise _invalid("Model not exist.")
    asked = body.parameters
    if asked.duration is not None and asked.duration not in model.durations:
        raise _invalid(f"parameters.duration: {asked.duration} is not in {sorted(model.durations)}.")
    if asked.resolution is not None and (asked.resolution not in model.resolutions or model.image is None):
        raise _invalid(f"parameters.resolution: {asked.resolution} is not in {sorted(model.resolutions)}.")
    if asked.size is not None and model.image is not None:
        raise _invalid("parameters.size: not supported by a model that starts from a picture.")
    if asked.audio is not None and not model.sound:
        raise _invalid("parameters.audio: not supported by this model.")
    if model.image is None and not body.input.prompt.strip():
        raise _invalid("input.prompt: must not be empty.")
    return model


async def _pictures(body: _Body, model: _Model) -> Still | None:
    """Look at every picture; return the one that the film starts from."""
    allowed = {"first_frame_url", "last_frame_url"} if model.image == "first_frame_url" else {model.image}
    found = None
    for name in _IMAGE_MEMBERS:
        url = getattr(body.input, name)
        if url is None and name == model.image:
            raise _invalid(f"input.{name}: is required by this model.")
        if url is None:
            continue
        if name not in allowed:
            raise _invalid(f"input.{name}: not supported by this model.")
        still = await _picture(name, url)
        found = still if name == model.image else found
    return found


async def _picture(name: str, url: str) -> Still:
    try:
        stated, content = await from_link(url)
    except Unfit as unfit:
        told = f"Unable to download the media resource during the data inspection process: input.{name}: {unfit}."
        raise _error(400, "InvalidParameter.DataInspection", told) from None
    try:
        still = look_at_still(content)
    except Unfit as unfit:
        raise _invalid(f"input.{name}: the image could not be decoded: {unfit}.") from None
    if still.form not in IMAGE_FORMS or still.transparent or stated not in {None, still.mime}:
        raise _invalid(f"input.{name}: the format of the image is not supported: {still.form}, stated as {stated}.")
    if not LEAST_SIDE <= min(still.width, still.height) <= max(still.width, still.height) <= MOST_SIDE:
        raise _invalid(f"input.{name}: the size of the image, {still.width}*{still.height}, is not in [360,2000].")
    if still.size_bytes > MOST_IMAGE_BYTES:
        raise _invalid(f"input.{name}: the image has {still.size_bytes} bytes, more than 10 MB.")
    return still


def _clip(body: _Body, model: _Model, still: Still | None) -> Clip:
    """Return the film that will be made."""
    width, height = _sides(body, model, still)
    sound = model.sound and body.parameters.audio is not False
    return Clip(width, height, body.parameters.duration or 5, model.fps, sound)


def _sides(body: _Body, model: _Model, still: Still | None) -> tuple[int, int]:
    """Return the film's size: the area of its resolution in the picture's shape, or the asked size."""
    if body.parameters.size is not None:
        across, _, down = body.parameters.size.partition("*")
        return int(across), int(down)
    width, height = _SIDES[body.parameters.resolution or max(model.resolutions, key=lambda name: _SIDES[name])]
    if still is None:
        return width, height
    # As many pixels as the resolution has, in the picture's own shape.
    area, ratio = width * height, still.ratio
    return round((area * ratio) ** 0.5 / 2) * 2, round((area / ratio) ** 0.5 / 2) * 2


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Said:
    return refused(status, {"code": code, "message": message, "request_id": _id()}, headers)


def _invalid(message: str) -> Said:
    return _error(400, "InvalidParameter", message)


def _id() -> str:
    return str(uuid.uuid4())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
