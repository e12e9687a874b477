"""Inference servers, pretended, each as it answers over HTTP: they make no pictures of the prompt, but real films.

FastVideo, SGLang and vLLM-Omni are servers of video jobs; LightX2V has tasks. What each takes and refuses is a table of
its members; what it is sent beside them it refuses as its own types would. A film has exactly the size and number of
frames that were asked for, as the model's grid leaves them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.fakes.asked import Said, bearer, refused, remembering, retry_after
from rushes.fakes.bodies import Wrong
from rushes.fakes.content import mp4
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.inputs import Still, Unfit, fetched, from_base64, from_data_uri, look_at_still
from rushes.fakes.serving import BreaksOff, HangUp

MODEL = "pretended/Wan2.1-I2V-14B-480P-Diffusers"
OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 14.29 GiB. GPU 0 has a total capacity of 79.11 GiB"
Kind = type[int] | type[float] | type[str] | type[bool] | type[dict[str, Any]] | type[list[Any]]


@dataclass(frozen=True, slots=True)
class Film:
    """What is to be made."""

    width: int
    height: int
    frames: int
    fps: float


@dataclass(slots=True)
class Server:
    """One pretended server. What it was started with can be changed: `model`, `side` (of which sizes are multiples),

    `step` (frames are so many times n, and one). Besides what any prompt may hold, `fake:end_oom` ends a task out of
    memory. A request that lasts as long as its work lasts `blocks_s`; who hangs up meanwhile cancels it.
    """

    fake: Fake
    title: str
    members: Mapping[str, Kind]
    needs_key: bool = False
    model: str = MODEL
    side: int = 16
    step: int = 4
    films: dict[str, Film] = field(default_factory=dict)
    off_by: tuple[int, int] = (0, 0)  # pixels that its films are wider, frames that they are longer, than was asked
    redirects_to: str | None = None  # where the content really lies
    blocks_s: float = 0.0
    too_large: set[str] = field(default_factory=set)  # tasks that end out of memory

    def let_in(self, seen: Seen) -> None:
        """Refuse a wrong key, where one is needed."""
        if self.needs_key and bearer(seen) != self.fake.key:
            raise refused(401, {"detail": "Invalid API key"})

    def checked(self, body: Any, *, as_text: bool) -> dict[str, Any]:
        """Return the members with their types; a form has them as texts. Wrong for what its types refuse."""
        if not isinstance(body, Mapping):
            raise Wrong("body", "a JSON object or a form is required")
        return {name: self._typed(name, value, as_text=as_text) for name, value in body.items()}

    def _typed(self, name: str, value: Any, *, as_text: bool) -> Any:
        if name not in self.members:
            raise Wrong(name, "Extra inputs are not permitted")
        kind = self.members[name]
        if as_text and isinstance(value, str) and kind is not str:
            try:
                value = json.loads(value)
            except ValueError:
                raise Wrong(name, "Input should be valid") from None
        fits = isinstance(value, (int, float) if kind is float else kind) or (kind is str and isinstance(value, bytes))
        if not fits or (isinstance(value, bool) and kind in (int, float)):
            raise Wrong(name, f"Input should be a valid {kind.__name__}")
        return value

    def film(self, width: int, height: int, frames: int, fps: float) -> Film:
        """Return the film as the weights make it: sizes off their grid are refused, frames brought onto it."""
        if fps <= 0:
            raise Wrong("fps", "Input should be greater than 0")
        if width % self.side or height % self.side or not 0 < width * height <= 4_000_000:
            raise Wrong("size", f"height and width must be multiples of {self.side}, got {width}x{height}")
        # The first frame has a latent of its own, each further one stands for `step` frames.
        on_grid = (frames - 1) // self.step * self.step + 1
        return Film(width + self.off_by[0], height, max(1, on_grid + self.off_by[1]), fps)

    def take(self, name: str, seen: Seen, film: Film, prompt: str) -> tuple[Task, Fault | None]:
        """Take a task, or say no as planned."""
        fault = self.fake.submit_fault(prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            raise Said(self.wrong(fault))
        task = self.fake.take(name, "film", seen.body, prompt)
        self.films[task.id] = film
        # No end of a vendor's: only who runs the model runs out of memory.
        if "fake:end_oom" in prompt:
            self.too_large.add(task.id)
        return task, fault

    def wrong(self, fault: Fault) -> Response:
        """Return how a request goes wrong."""
        wait = retry_after(self.fake)
        answers: Mapping[Fault, tuple[int, str]] = {
            "key": (401, "Invalid API key"),
            "balance": (403, "Forbidden"),
            "rate": (429, "Too many requests"),
            "concurrency": (503, "Task queue is full (max 100 tasks)"),
            "invalid": (422, "num_inference_steps: Input should be less than or equal to 200"),
            "moderated": (400, "The prompt was blocked by the safety guardrail"),
            "server_error": (500, "Internal Server Error"),
        }
        if fault == "hang_up":
            return HangUp()
        if fault == "unknown":
            return JSONResponse({"something": "new"})
        status, detail = answers[fault]
        return JSONResponse({"detail": detail}, status, wait if status in (429, 503) else {})

    def end(self, task: Task) -> tuple[str, str | None]:
        """Return how a task that is over ended: its word, and its error's text."""
        if task.id in self.too_large:
            return "failed", OUT_OF_MEMORY
        if task.end in ("done", "link_expired", "link_broken", "expired"):
            return "completed", None
        if task.end == "unknown":
            return "transcended", None
        if task.end == "cancelled":
            return "cancelled", "Task cancelled by user"
        reasons = {"moderated": "Output blocked by the safety checker"}
        return "failed", reasons.get(task.end, "RuntimeError: the kernel could not be launched")

    async def content(self, task: Task) -> Response:
        """Return a task's film."""
        if task.end == "link_expired":
            raise refused(410, {"detail": "the file was removed"})
        if self.redirects_to is not None:
            return RedirectResponse(self.redirects_to)
        film = self.films[task.id]
        made = await run_in_threadpool(partial(mp4, film.width, film.height, film.frames / film.fps, film.fps))
        return (BreaksOff if task.end == "link_broken" else Response)(made, media_type="video/mp4")

    def task(self, name: str) -> Task:
        """Return a task. Raises Said where it is not known."""
        found = self.fake.tasks.get(name)
        if found is None or found.end == "lost":
            raise refused(404, {"detail": "Task not found"})
        return found


Handler = Callable[[Request, Seen], Awaitable[Response]]

_JOB: Mapping[str, Kind] = {
    "prompt": str, "negative_prompt": str, "size": str, "seconds": int, "fps": int, "num_frames": int, "seed": int,
    "num_inference_steps": int, "guidance_scale": float, "input_reference": str, "model": str,
}  # fmt: skip
FASTVIDEO: Mapping[str, Kind] = {**_JOB, "enable_teacache": bool}
SGLANG: Mapping[str, Kind] = {
    **_JOB, "reference_url": str, "width": int, "height": int, "flow_shift": float, "enable_teacache": bool,
    "enable_frame_interpolation": bool, "frame_interpolation_exp": int, "enable_upscaling": bool,
    "diffusers_kwargs": dict,
}  # fmt: skip
VLLM_OMNI: Mapping[str, Kind] = {
    **_JOB, "seconds": str, "width": int, "height": int, "flow_shift": float, "guidance_scale_2": float,
    "boundary_ratio": float, "user": str, "image_reference": str, "lora": dict, "extra_params": dict,
}  # fmt: skip
LIGHTX2V: Mapping[str, Kind] = {
    "prompt": str, "negative_prompt": str, "image_path": str, "infer_steps": int, "seed": int, "target_fps": int,
    "target_video_length": int, "target_shape": list, "lora_name": str, "lora_strength": float, "task_id": str,
    "save_result_path": str, "resize_mode": str,
}  # fmt: skip


def fastvideo(fake: Fake, *, has_jobs: bool = False) -> Starlette:
    """Return FastVideo's server: films by one request that lasts as long as the work, or video jobs as others have."""
    server = Server(fake, "FastVideo", FASTVIDEO)
    return _jobs(server, blocking=not has_jobs)


def sglang(fake: Fake) -> Starlette:
    """Return SGLang Diffusion's server."""
    return _jobs(Server(fake, "SGLang", SGLANG))


def vllm_omni(fake: Fake) -> Starlette:
    """Return vLLM-Omni's server, which takes forms only, and only requests for its own model."""
    return _jobs(Server(fake, "vLLM-Omni", VLLM_OMNI), json_too=False, knows_models=True)


def lightx2v(fake: Fake) -> Starlette:
    """Return LightX2V's server."""
    return _tasks(Server(fake, "LightX2V", LIGHTX2V))


def _video(server: Server, task: Task, word: str = "", error: str | None = None) -> dict[str, Any]:
    """Return what is told of a task."""
    word = word or {"queued": "queued", "running": "in_progress"}.get(task.state, "")
    if not word:
        word, error = server.end(task)
    film = server.films[task.id]
    share = min(99, 100 * task.looks // (task.ends_after + 1)) if word in ("queued", "in_progress") else 100
    found = {
        "id": task.id,
        "object": "video",
        "model": server.model,
        "status": word,
        "progress": share,
        "created_at": int(time.time()),
        "size": f"{film.width}x{film.height}",
        "seconds": str(max(1, round(film.frames / film.fps))),
    }
    return {**found, "error": {"code": 500, "message": error}} if error is not None else found


def _jobs(server: Server, *, blocking: bool = False, json_too: bool = True, knows_models: bool = False) -> Starlette:
    root = "/v1/videos"

    record = partial(_video, server)

    async def create(request: Request, seen: Seen) -> Response:
        is_form = seen.headers.get("content-type", "").startswith("multipart/form-data")
        if not is_form and not json_too:
            raise Wrong("prompt", "Field required")
        body = server.checked(seen.body, as_text=is_form)
        prompt = body.get("prompt", "")
        if not prompt:
            raise Wrong("prompt", "Field required")
        if knows_models and body.get("model", server.model) != server.model:
            raise refused(404, {"error": {"message": f"The model `{body['model']}` does not exist.", "code": 404}})
        await _seen_picture(body.get("input_reference") or body.get("reference_url"))
        width, height = _size(body.get("size", "832x480"))
        film = server.film(width, height, body.get("num_frames", 81), float(body.get("fps", 24)))
        _check_range(body, "num_inference_steps", 1, 200)
        _check_range(body, "guidance_scale", 0, 20)
        task, fault = server.take(f"video_{uuid.uuid4().hex}", seen, film, prompt)
        if fault == "hang_up":
            return HangUp()
        if blocking:
            await _worked(server, task, request)
        return JSONResponse(record(task))

    async def look(request: Request, seen: Seen) -> Response:
        task = server.task(request.path_params["id"])
        if (fault := server.fake.poll_fault(task)) is not None:
            return server.wrong(fault)
        task.look()
        return JSONResponse(record(task))

    async def content(request: Request, seen: Seen) -> Response:
        return await server.content(server.task(request.path_params["id"]))

    async def delete(request: Request, seen: Seen) -> Response:
        task = server.task(request.path_params["id"])
        task.cancelled, task.end = True, "lost"
        return JSONResponse({"id": task.id, "deleted": True, "object": "video.deleted"})

    async def list_all(request: Request, seen: Seen) -> Response:
        known = [task for task in server.fake.tasks.values() if task.end != "lost"]
        return JSONResponse({"object": "list", "data": [record(task) for task in known]})

    async def models(request: Request, seen: Seen) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": server.model, "object": "model"}]})

    one = f"{root}/{{id}}"
    routes = {
        ("POST", f"{root}/generations" if blocking else root): create,
        ("GET", root): list_all,
        ("GET", one): look,
        ("GET", f"{one}/content"): content,
        ("GET", "/health"): _well,
        ("GET", "/v1/models"): models,
    }
    return _app(server, routes | ({} if blocking else {("DELETE", one): delete}))


def _tasks(server: Server) -> Starlette:
    root = "/v1/tasks"

    async def create(request: Request, seen: Seen) -> Response:
        body = server.checked(seen.body, as_text=False)
        if body.get("image_path"):
            await _seen_picture(body["image_path"])
        tall, wide = _shape(body.get("target_shape") or [480, 832])
        film = server.film(wide, tall, body.get("target_video_length", 81), float(body.get("target_fps", 16)))
        if body.get("infer_steps", 5) < 1:
            raise Wrong("infer_steps", "Input should be greater than or equal to 1")
        name = body.get("task_id") or str(uuid.uuid4())
        if name in server.fake.tasks:
            raise refused(503, {"detail": f"Task ID {name} already exists"})
        task, fault = server.take(name, seen, film, body.get("prompt", ""))
        if fault == "hang_up":
            return HangUp()
        path = body.get("save_result_path") or task.id
        return JSONResponse({"task_id": task.id, "task_status": "pending", "save_result_path": path})

    async def look(request: Request, seen: Seen) -> Response:
        task = server.task(request.path_params["id"])
        if (fault := server.fake.poll_fault(task)) is not None:
            return server.wrong(fault)
        state = task.look()
        words = {"queued": ("pending", None), "running": ("processing", None)}
        word, error = words.get(state) or server.end(task)
        return JSONResponse({"task_id": task.id, "status": word, "error": error, "save_result_path": f"{task.id}.mp4"})

    async def result(request: Request, seen: Seen) -> Response:
        task = server.task(request.path_params["id"])
        if not task.over:
            raise refused(404, {"detail": "Task not completed"})
        return await server.content(task)

    async def stop(request: Request, seen: Seen) -> Response:
        task = server.fake.tasks.get(request.path_params["id"])
        if task is None or task.over:
            return JSONResponse({"stop_status": "do_nothing", "reason": "Task not found or already completed."})
        task.cancelled, task.end = True, "cancelled"
        return JSONResponse({"stop_status": "success", "reason": "Task stopped successfully."})

    async def status(request: Request, seen: Seen) -> Response:
        open_ = [task.id for task in server.fake.tasks.values() if not task.over]
        return JSONResponse({"service_status": "busy" if open_ else "idle", "pending_tasks": len(open_)})

    return _app(
        server,
        {
            ("POST", f"{root}/video/"): create,
            ("GET", f"{root}/{{id}}/status"): look,
            ("GET", f"{root}/{{id}}/result"): result,
            ("DELETE", f"{root}/{{id}}"): stop,
            ("GET", "/v1/service/status"): status,
        },
    )


def _app(server: Server, routes: Mapping[tuple[str, str], Handler]) -> Starlette:
    """Put the routes behind the key, and what is wrong into FastAPI's words."""

    def behind(handler: Handler) -> Handler:
        async def answer(request: Request, seen: Seen) -> Response:
            server.let_in(seen)
            try:
                return await handler(request, seen)
            except Wrong as wrong:
                said = [{"type": "value_error", "loc": ["body", wrong.field], "msg": wrong.message}]
                return JSONResponse({"detail": said}, 422)

        return answer

    found: list[BaseRoute] = [
        Route(path, remembering(server.fake, behind(handler)), methods=[method])
        for (method, path), handler in routes.items()
    ]
    app = Starlette(routes=found)
    app.state.server = server
    return app


async def _worked(server: Server, task: Task, request: Request) -> None:
    """Let the work's time pass, unless who asked for it hangs up."""
    until = time.monotonic() + server.blocks_s
    while time.monotonic() < until and not task.cancelled:
        await asyncio.sleep(0.05)
        task.cancelled = await request.is_disconnected()
    task.looks = task.ends_after + 1


async def _well(request: Request, seen: Seen) -> Response:
    return JSONResponse({"status": "ok"})


async def _seen_picture(given: Any) -> Still | None:
    """Open a picture as a server would: a file's bytes, a data URI, a URL, or base64 alone."""
    if given is None:
        return None
    try:
        if isinstance(given, bytes):
            return look_at_still(given)
        if given.startswith("data:"):
            return look_at_still(from_data_uri(given)[1])
        if given.startswith("http"):
            return look_at_still(await fetched(given))
        return look_at_still(from_base64(given))
    except Unfit as unfit:
        raise Wrong("input_reference", f"Failed to process image: {unfit}") from unfit


def _size(text: str) -> tuple[int, int]:
    wide, _, tall = text.partition("x")
    if not (wide.isdecimal() and tall.isdecimal()):
        raise Wrong("size", "String should match pattern '^\\d+x\\d+$'")
    return int(wide), int(tall)


def _shape(given: list[Any]) -> tuple[int, int]:
    if len(given) != 2 or not all(isinstance(side, int) and side > 0 for side in given):
        raise Wrong("target_shape", "Input should be height and width")
    return given[0], given[1]


def _check_range(body: Mapping[str, Any], name: str, least: float, most: float) -> None:
    if name in body and not least <= body[name] <= most:
        raise Wrong(name, f"Input should be from {least} to {most}")


def picture_of(body: Mapping[str, Any]) -> bytes:
    """Return the bytes of the picture in a request that was taken."""
    given = body.get("input_reference") or body.get("image_path")
    if isinstance(given, bytes):
        return given
    return base64.b64decode(str(given).partition("base64,")[2] or str(given))
