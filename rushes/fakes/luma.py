"""Luma's Dream Machine, pretended, as lumaai 1.21.0 speaks to it: films, modify, reframe, sound, upscale.

Pictures and films come by URL only and are fetched (from this machine; see `inputs`). There is no word for moderation:
a prompt is refused with a 400, and a film that is refused is a generation that failed, whose reason says so. DELETE
removes a generation at any time, which is the only way to stop one. The service answers under `/dream-machine/v1`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.fakes.asked import Said, bearer, refused, remembering, retry_after
from rushes.fakes.content import Clip, jpeg, small
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.inputs import Film, Unfit, fetched, look_at_film, look_at_still
from rushes.fakes.luma_bodies import Audio, Create, GenerationFrame, Modify, Reframe, Upscale
from rushes.fakes.serving import HangUp
from rushes.fakes.shelf import Shelf

PREFIX = "/dream-machine/v1"
CONCEPTS = ["dolly_zoom", "orbit_left", "orbit_right", "pan_left", "pan_right", "push_in", "pull_out", "static"]
MOST_SECONDS = {"modify": {"ray-2": 10.0, "ray-flash-2": 15.0}, "reframe": {"ray-2": 10.0, "ray-flash-2": 30.0}}
"""How long a film may be that is given (unverified)."""
_CENTS = {"ray-flash-2": 4.0, "ray-2": 10.0}  # for a second at 540p; twice at 720p, four times at 1080p (unverified)
_TIMES = {"540p": 1.0, "720p": 2.0, "1080p": 4.0, "4k": 16.0}
_SHORT_SIDE = {"540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Made:
    """A generation's record and film."""

    clip: Clip
    model: str
    request: dict[str, Any]
    created: str


def app(fake: Fake) -> Starlette:
    """Return the vendor, answering under `/dream-machine/v1`."""
    door = _Door(fake, Shelf())
    one = f"{PREFIX}/generations/{{id}}"

    def at(path: str, answer: Any, method: str) -> Route:
        return Route(path, remembering(fake, answer), methods=[method])

    routes: list[BaseRoute] = [
        at(f"{PREFIX}/ping", door.ping, "GET"),
        at(f"{PREFIX}/credits", door.credits, "GET"),
        at(f"{PREFIX}/generations/concepts/list", door.concepts, "GET"),
        at(f"{PREFIX}/generations", door.list, "GET"),
        at(f"{PREFIX}/generations/video", door.create, "POST"),
        at(f"{PREFIX}/generations/video/modify", door.modify, "POST"),
        at(f"{PREFIX}/generations/video/reframe", door.reframe, "POST"),
        at(one, door.look, "GET"),
        at(one, door.delete, "DELETE"),
        at(f"{one}/audio", door.audio, "POST"),
        at(f"{one}/upscale", door.upscale, "POST"),
        door.shelf.route(),
        Route("/{rest:path}", remembering(fake, _nothing), methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
    ]
    return Starlette(routes=routes)


async def _nothing(request: Request, seen: Seen) -> Response:
    raise _error(404, "Not Found")


@dataclass(slots=True)
class _Door:
    fake: Fake
    shelf: Shelf
    made: dict[str, _Made] = field(default_factory=dict)
    cents: float = 100_000.0

    async def ping(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        return JSONResponse({"message": "pong"})

    async def credits(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        return JSONResponse({"credit_balance": round(self.cents, 2)})

    async def concepts(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        return JSONResponse(CONCEPTS)

    async def list(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        limit, offset = (_number(request, name, default) for name, default in (("limit", 100), ("offset", 0)))
        names = [name for name in reversed(self.made) if name in self.fake.tasks]
        found = [self._record(request, self.fake.tasks[name]) for name in names[offset : offset + limit]]
        more = offset + limit < len(names)
        return JSONResponse(
            {"generations": found, "has_more": more, "count": len(names), "limit": limit, "offset": offset}
        )

    async def create(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        body = _read(Create, seen.body)
        if body.prompt is None and body.keyframes is None:
            raise _error(400, "Prompt is required if no keyframes are provided")
        if body.resolution == "4k":
            raise _error(400, f"Resolution 4k is not supported by {body.model}")
        if unknown := [one.key for one in body.concepts if one.key not in CONCEPTS]:
            raise _error(400, f"Unknown concepts: {unknown}")
        for frame in (body.keyframes.frame0, body.keyframes.frame1) if body.keyframes else ():
            if isinstance(frame, GenerationFrame):
                self._finished(frame.id)
            elif frame is not None:
                await _still(frame.url)
        clip = Clip(*_sides(body.aspect_ratio, body.resolution), float(body.duration[:-1]))
        return self._take(request, seen, body.model, clip, body.prompt, times=_TIMES[body.resolution])

    async def modify(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        body = _read(Modify, seen.body)
        film = await _film(body.media.url, "modify", body.model)
        if body.first_frame is not None:
            await _still(body.first_frame.url)
        clip = Clip(film.width, film.height, film.seconds)
        return self._take(request, seen, body.model, clip, body.prompt, times=_TIMES["720p"])

    async def reframe(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        body = _read(Reframe, seen.body)
        film = await _film(body.media.url, "reframe", body.model)
        if body.first_frame is not None:
            await _still(body.first_frame.url)
        for axis in ("x", "y"):
            start, end = getattr(body, f"{axis}_start"), getattr(body, f"{axis}_end")
            if start is not None and end is not None and start >= end:
                raise _error(400, f"{axis}_start must be less than {axis}_end")
        clip = Clip(*_sides(body.aspect_ratio, "720p"), film.seconds, min(film.fps, 30.0))
        return self._take(request, seen, body.model, clip, body.prompt, times=_TIMES["720p"])

    async def audio(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        body = _read(Audio, seen.body)
        before = self._finished(request.path_params["id"])
        old = before.clip
        clip = Clip(old.width, old.height, old.seconds, old.fps, sound=True)
        return self._take(request, seen, before.model, clip, body.prompt, times=0.1)

    async def upscale(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        body = _read(Upscale, seen.body)
        before = self._finished(request.path_params["id"])
        old = before.clip
        scale = _SHORT_SIDE[body.resolution] / min(old.width, old.height)
        clip = Clip(round(old.width * scale), round(old.height * scale), old.seconds, old.fps, old.sound)
        return self._take(request, seen, before.model, clip, None, times=0.5)

    async def look(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        task = self._task(request.path_params["id"])
        if (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault)
        task.look()
        return JSONResponse(self._record(request, task))

    async def delete(self, request: Request, seen: Seen) -> Response:
        self._let_in(seen)
        task = self._task(request.path_params["id"])
        task.cancelled, task.end = True, "lost"
        # Money is not given back: what is deleted was begun.
        del self.made[task.id]
        return Response(status_code=204)

    def _take(
        self, request: Request, seen: Seen, model: str, clip: Clip, prompt: str | None, *, times: float
    ) -> Response:
        fault = self.fake.submit_fault(prompt or "")
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            return self._wrong(fault)
        task = self.fake.take(str(uuid.uuid4()), model, seen.body, prompt or "")
        asked = {name: value for name, value in seen.body.items() if value is not None}
        self.made[task.id] = _Made(clip, model, asked, datetime.now(UTC).isoformat().replace("+00:00", "Z"))
        # Before a hang-up: the generation is paid for, only its answer is lost.
        self.cents -= _CENTS[model] * clip.seconds * times
        if fault == "hang_up":
            return HangUp()
        return JSONResponse(self._record(request, task), 201)

    def _let_in(self, seen: Seen) -> None:
        if (key := bearer(seen)) is None:
            raise _error(401, "Not authenticated")
        if key != self.fake.key:
            raise _error(401, "Invalid API key")

    def _task(self, name: str) -> Task:
        task = self.fake.tasks.get(name)
        if task is None or task.end == "lost":
            raise _error(404, "Generation not found")
        return task

    def _finished(self, name: str) -> _Made:
        """Return an earlier generation that is to be used; only one that ended well can be."""
        task = self._task(name)
        if not task.over or task.end in {"failed", "moderated", "cancelled"}:
            raise _error(400, f"Generation {name} is not completed")
        return self.made[name]

    def _wrong(self, fault: Fault) -> Response:
        wait = retry_after(self.fake)
        match fault:
            case "hang_up":
                return HangUp()
            case "key":
                raise _error(401, "Invalid API key")
            case "balance":
                raise _error(402, "Insufficient credits")
            case "rate":
                raise _error(429, "Too many requests", wait)
            case "concurrency":
                raise _error(429, "Too many concurrent generations", wait)
            case "invalid":
                raise _error(400, "Invalid duration")
            case "moderated":  # the status of any mistake: only the words tell
                raise _error(400, "Prompt not allowed because advanced moderation failed")
            case "server_error":
                raise _error(500, "Internal Server Error")
            case "unknown":
                return JSONResponse({"generation": {"status": "something new"}})

    def _record(self, request: Request, task: Task) -> dict[str, Any]:
        made = self.made[task.id]
        record: dict[str, Any] = {
            "id": task.id,
            "generation_type": "video",
            "state": "queued" if task.looks <= 1 else "dreaming",
            "failure_reason": None,
            "created_at": made.created,
            "assets": None,
            "model": made.model,
            "request": made.request,
        }
        return {**record, **self._end(request, task, made.clip)} if task.over else record

    def _end(self, request: Request, task: Task, clip: Clip) -> dict[str, Any]:
        match task.end:
            case "failed":
                return {"state": "failed", "failure_reason": "The generation failed. Please try again later."}
            case "moderated":
                return {"state": "failed", "failure_reason": "Video content was flagged by moderation."}
            case "cancelled":
                return {"state": "failed", "failure_reason": "The generation was cancelled."}
            case "unknown":
                return {"state": "sleepwalking"}
        sides = small(clip.width, clip.height)
        image = self.shelf.link(request, lambda: jpeg(*sides), "jpg", "image/jpeg")
        assets = {"video": self.shelf.film(request, clip.mp4, task.end), "image": image, "progress_video": None}
        return {"state": "completed", "assets": assets}


def _read(kind: type[Body], given: Any) -> Body:
    """Check a body's types; what is wrong is told as FastAPI tells it."""
    try:
        return kind.model_validate({} if given is None else given)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        raise refused(422, {"detail": [{**one, "loc": ["body", *one["loc"]]} for one in wrong]}) from None


async def _still(url: str) -> None:
    try:
        look_at_still(await fetched(url))
    except Unfit as unfit:
        raise _error(400, f"Failed to read the image at {url}: {unfit}") from None


async def _film(url: str, use: str, model: str) -> Film:
    try:
        film = look_at_film(await fetched(url))
    except Unfit as unfit:
        raise _error(400, f"Failed to read the video at {url}: {unfit}") from None
    if film.seconds > MOST_SECONDS[use][model]:
        raise _error(400, f"The video has {film.seconds:.1f} s; at most {MOST_SECONDS[use][model]:g} s for {model}")
    return film


def _sides(ratio: str, resolution: str) -> tuple[int, int]:
    """Return width and height: the shorter side has the resolution's pixels."""
    across, down = (int(part) for part in ratio.split(":"))
    scale = _SHORT_SIDE[resolution] / min(across, down)
    return round(across * scale / 2) * 2, round(down * scale / 2) * 2


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal():
        raise refused(422, {"detail": [{"loc": ["query", name], "msg": "Input should be a valid integer"}]})
    return int(text)


def _error(status: int, detail: str, headers: dict[str, str] | None = None) -> Said:
    return refused(status, {"detail": detail}, headers)
