"""Decart, pretended: jobs of multipart bodies, their state and their bytes, and the same at once.

Models that film a picture have been withdrawn by the vendor since, as `retired` can say. Errors are `{"detail": …}`
with a plain HTTP status. There are no links: content is fetched with the key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from uuid import uuid4

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.fakes.asked import Said, remembering, retry_after
from rushes.fakes.bodies import Wrong
from rushes.fakes.content import mp4, png, small
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.inputs import Still
from rushes.fakes.limits import MIB, FilmLimits, PictureLimits, check_film, check_still
from rushes.fakes.serving import BreaksOff, HangUp

PICTURES = PictureLimits(("JPEG", "PNG", "WEBP"), most_bytes=20 * MIB)
FILMS = FilmLimits(most_bytes=200 * MIB)
Kind = Literal["nothing", "picture", "film"]
MODELS: Mapping[str, tuple[Kind, Kind]] = {
    **dict.fromkeys(("lucy-dev-i2v", "lucy-pro-i2v"), ("picture", "film")),
    "lucy-pro-t2v": ("nothing", "film"),
    "lucy-pro-t2i": ("nothing", "picture"),
    **dict.fromkeys(("lucy-pro-i2i", "lucy-image-2", "lucy-image-latest"), ("picture", "picture")),
    **dict.fromkeys(("lucy-pro-v2v", "lucy-fast-v2v", "lucy-restyle-v2v", "lucy-restyle-2"), ("film", "film")),
    **dict.fromkeys(("lucy-restyle-latest", "lucy-2.1", "lucy-2.5", "lucy-2.6", "lucy-latest"), ("film", "film")),
    **dict.fromkeys(("lucy-vton-3.5", "lucy-vton-3.6", "lucy-vton-latest"), ("film", "film")),
}
"""What each model takes besides a prompt, and what it makes. Those that make films of pictures were withdrawn."""

FIELDS = {"prompt", "data", "seed", "resolution", "enhance_prompt", "reference_image"}
SIZES = {"720p": (1280, 704), "480p": (854, 480)}
SECONDS = 5.0
FPS = 25.0
MOST_PROMPT = 1000
MOST_SEED = 2**32 - 1

FAULTS: Mapping[Fault, tuple[int, str]] = {
    "key": (401, "Invalid API key"),
    "balance": (402, "Insufficient credits"),
    "rate": (429, "Rate limit exceeded"),
    "concurrency": (429, "Too many concurrent jobs"),
    "invalid": (422, "prompt: Invalid input"),
    "moderated": (400, "Content moderation: the prompt was rejected"),
    "server_error": (500, "Internal server error"),
    "unknown": (418, "the teapot is in charge"),
}
"""HTTP status and detail of each fault but one that has no answer."""

WAITING = {"queued": "pending", "running": "processing"}
ENDED = {"done": "completed", "link_expired": "completed", "link_broken": "completed", "unknown": "contemplating"}


def app(fake: Fake, retired: tuple[str, ...] = ()) -> Starlette:
    """Return the vendor, without the models that are `retired`."""
    vendor = _Vendor(fake, frozenset(MODELS) - set(retired))
    routes = {
        ("POST", "/v1/jobs/{model}"): vendor.submit,
        ("GET", "/v1/jobs/{id}"): vendor.look,
        ("GET", "/v1/jobs/{id}/content"): vendor.content,
        ("POST", "/v1/generate/{model}"): vendor.generate,
    }
    return Starlette(
        routes=[
            *(Route(path, remembering(fake, vendor.answer(do)), methods=[verb]) for (verb, path), do in routes.items()),
            Route("/{rest:path}", remembering(fake, vendor.answer(vendor.nothing)), methods=["GET", "POST"]),
        ]
    )


Handler = Callable[[Request, Seen], Awaitable[Response]]


@dataclass(slots=True)
class _Vendor:
    fake: Fake
    models: frozenset[str]
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)  # by job

    def answer(self, handler: Handler) -> Handler:
        """Return the handler, behind the check of the key."""

        async def behind(request: Request, seen: Seen) -> Response:
            if seen.headers.get("x-api-key") != self.fake.key:
                raise _refused(*FAULTS["key"])
            try:
                return await handler(request, seen)
            except Wrong as wrong:
                raise _refused(422, f"{wrong.field}: {wrong.message}") from wrong

        return behind

    async def nothing(self, request: Request, seen: Seen) -> Response:
        """Say that there is no such path."""
        raise _refused(404, "Not Found")

    async def submit(self, request: Request, seen: Seen) -> Response:
        """Take a job."""
        task, fault = self._take(request, seen)
        return HangUp() if fault == "hang_up" else JSONResponse({"job_id": task.id, "status": "pending"})

    async def generate(self, request: Request, seen: Seen) -> Response:
        """Make it at once, and answer with it."""
        task, fault = self._take(request, seen)
        task.looks = task.ends_after + 1
        return HangUp() if fault == "hang_up" else await self._made(task)

    async def look(self, request: Request, seen: Seen) -> Response:
        """Tell where a job is."""
        task = self._task(request)
        if (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault)
        state = task.look()
        if state == "ended" and task.end == "lost":
            raise _refused(404, "Job not found")
        word = WAITING.get(state) or ENDED.get(task.end, "failed")
        said = {"job_id": task.id, "status": word}
        if word == "failed":
            said["error"] = "Content moderation: the result was rejected" if task.end == "moderated" else "Job failed"
        return JSONResponse(said)

    async def content(self, request: Request, seen: Seen) -> Response:
        """Answer with what a job has made."""
        task = self._task(request)
        if not task.over:
            raise _refused(400, "Job is not completed")
        return await self._made(task)

    def _take(self, request: Request, seen: Seen) -> tuple[Task, Fault | None]:
        model = request.path_params["model"]
        if model not in self.models:
            raise _refused(404, f"Model {model} not found")
        size = _checked(model, seen.body)
        prompt = seen.body.get("prompt", "")
        fault = self.fake.submit_fault(prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            raise Said(self._wrong(fault))
        task = self.fake.take(f"job_{uuid4().hex}", model, seen.body, prompt)
        self.sizes[task.id] = size
        return task, fault

    def _task(self, request: Request) -> Task:
        task = self.fake.tasks.get(request.path_params["id"])
        if task is None:
            raise _refused(404, "Job not found")
        return task

    async def _made(self, task: Task) -> Response:
        if task.end == "link_expired":
            raise _refused(410, "The content of this job has expired")
        if ENDED.get(task.end) != "completed":
            raise _refused(400, "Job has no content")
        width, height = small(*self.sizes[task.id])
        if MODELS[task.kind][1] == "picture":
            return _file(task, await run_in_threadpool(png, width, height), "image/png")
        film = await run_in_threadpool(partial(mp4, width, height, SECONDS, FPS))
        return _file(task, film, "video/mp4")

    def _wrong(self, fault: Fault) -> Response:
        if fault == "hang_up":
            return HangUp()
        status, detail = FAULTS[fault]
        return JSONResponse({"detail": detail}, status, retry_after(self.fake) if status == 429 else {})


def _checked(model: str, body: Any) -> tuple[int, int]:
    """Return the size of what is to come; Wrong where the form is not as the model wants it."""
    form = body if isinstance(body, Mapping) else {}
    if unknown := set(form) - FIELDS:
        raise Wrong(min(unknown), "Extra inputs are not permitted")
    prompt = form.get("prompt")
    least = 0 if MODELS[model][0] == "film" else 1  # an edit may say nothing
    if prompt is None and "reference_image" in form:
        prompt = "" if least == 0 else None
    if not isinstance(prompt, str) or not least <= len(prompt) <= MOST_PROMPT:
        raise Wrong("prompt", f"a text of {least} to {MOST_PROMPT} characters is required")
    if "reference_image" in form:
        _picture(form["reference_image"], "reference_image")
    # A form has texts only, so a number is judged as one.
    seed = form.get("seed", "0")
    if not isinstance(seed, str) or not seed.isascii() or not seed.isdigit() or int(seed) > MOST_SEED:
        raise Wrong("seed", f"a whole number from 0 to {MOST_SEED} is required")
    resolution = form.get("resolution", "720p")
    if resolution not in list(SIZES):
        raise Wrong("resolution", f"must be one of {', '.join(SIZES)}")
    width, height = SIZES[resolution]
    return (height, width) if _is_tall(model, form.get("data")) else (width, height)


def _is_tall(model: str, given: Any) -> bool:
    """Check the file that a model wants, and tell whether it stands upright."""
    takes, _ = MODELS[model]
    if takes == "nothing":
        return False
    if takes == "picture":
        return _picture(given, "data").ratio < 1
    if not isinstance(given, bytes):
        raise Wrong("data", "a file is required")
    film = check_film(given, FILMS, "data")
    return film.width < film.height


def _picture(given: Any, field: str) -> Still:
    if not isinstance(given, bytes):
        raise Wrong(field, "a file is required")
    return check_still(given, PICTURES, field)


def _file(task: Task, content: bytes, kind: str) -> Response:
    return (BreaksOff if task.end == "link_broken" else Response)(content, media_type=kind)


def _refused(status: int, detail: str) -> Said:
    return Said(JSONResponse({"detail": detail}, status))
