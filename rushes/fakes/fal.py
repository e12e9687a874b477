"""fal itself, pretended as a vendor: the queue for any endpoint, uploads, and errors in the platform's two shapes.

`queue.fal.run` and `rest.fal.ai` are one address here; a path may begin with `/queue` or `/rest` too. As the platform
does, it takes an input first and tells what is wrong with it as the result: our own families say what is. Files that an
input names are fetched where they are on this machine, and opened.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from rushes.errors import Failure, ModelError, Problem, RequestError
from rushes.fakes.asked import Said, here, remembering, retry_after
from rushes.fakes.bodies import Wrong
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.fal_outputs import Answer, AnyVideo
from rushes.fakes.inputs import Unfit, from_link, look_at_film, look_at_still
from rushes.fakes.limits import sound_seconds
from rushes.fakes.serving import HangUp
from rushes.fakes.shelf import Shelf
from rushes.families import ENDPOINTS
from rushes.fields import MediaInput, media_inputs

NOT_FOUND = {"status": "NOT_FOUND", "detail": "Request not found"}
# Letter by letter: some clients know by nothing else that they have to ask again (protocol Q-14).
STILL = {"detail": "Request is still in progress"}
LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
PREFIXES = ("", "/queue", "/rest")

PLAIN: Mapping[Fault, tuple[int, str]] = {
    "key": (401, "No user found for Key ID and Secret"),
    "balance": (403, LOCKED),
    "rate": (429, "Too many requests"),
    "unknown": (418, "the teapot is in charge"),
}
"""Status and detail of the faults that the door answers; all others have the shape of a model's or request's error."""

WAITING = {"queued": "IN_QUEUE", "running": "IN_PROGRESS"}


def app(fake: Fake) -> Starlette:
    """Return the vendor; `fake.key` is `ID:SECRET`, or any text."""
    vendor = _Vendor(fake)
    shelf = vendor.shelf

    def route(path: str, do: Handler, verb: str) -> list[BaseRoute]:
        return [Route(prefix + path, remembering(fake, do), methods=[verb]) for prefix in PREFIXES]

    of_request = "/{app:path}/requests/{id}"
    return Starlette(
        routes=[
            *route("/storage/upload/initiate", vendor.behind(vendor.initiate), "POST"),
            Route("/uploads/{token}/{name}", remembering(fake, vendor.put), methods=["PUT"]),
            Route("/files/{token}/{name}", vendor.file, methods=["GET"]),
            shelf.route(),
            *route(f"{of_request}/status/stream", vendor.behind(vendor.stream), "GET"),
            *route(f"{of_request}/status", vendor.behind(vendor.status), "GET"),
            *route(f"{of_request}/response", vendor.behind(vendor.result), "GET"),
            *route(f"{of_request}/cancel", vendor.behind(vendor.cancel), "PUT"),
            *route(of_request, vendor.behind(vendor.result), "GET"),
            # Turned round: the one without a prefix takes every path, so it has to come last.
            *route("/{endpoint:path}", vendor.behind(vendor.submit), "POST")[::-1],
        ]
    )


Handler = Callable[[Request, Seen], Awaitable[Response]]


@dataclass(slots=True)
class _File:
    kind: str
    content: bytes | None = None


@dataclass(slots=True)
class _Work:
    """What comes of a request: its endpoint, its input as its type, the shape of its first picture, or how it fails."""

    endpoint: str
    request: BaseModel | None = None
    ratio: float | None = None
    failure: Failure | None = None
    output: dict[str, Any] | None = None


@dataclass(slots=True)
class _Vendor:
    fake: Fake
    shelf: Shelf = field(default_factory=Shelf)
    files: dict[str, _File] = field(default_factory=dict)
    works: dict[str, _Work] = field(default_factory=dict)  # by request id

    def behind(self, handler: Handler) -> Handler:
        """Return the handler, behind the check of the key."""

        async def checked(request: Request, seen: Seen) -> Response:
            scheme, _, key = seen.headers.get("authorization", "").partition(" ")
            if not scheme:
                alias = "/".join(request.url.path.strip("/").split("/")[:2])
                needed = "Authentication is required to access this application."
                raise _refused(401, f'Cannot access application "{alias}". {needed}')
            if scheme.lower() != "key" or (":" in self.fake.key and ":" not in key):
                raise _refused(401, "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'.")
            if key != self.fake.key:
                raise _refused(*PLAIN["key"])
            return await handler(request, seen)

        return checked

    async def initiate(self, request: Request, seen: Seen) -> Response:
        """Give out an address to put a file to, and the one that it will have."""
        body = seen.body if isinstance(seen.body, dict) else {}
        kind, name = body.get("content_type"), body.get("file_name")
        if not isinstance(kind, str) or not isinstance(name, str) or not name:
            raise _refused(422, "content_type and file_name are required")
        token, last = token_hex(12), quote(name.rpartition("/")[2] or "file")
        self.files[token] = _File(kind)
        base = here(request)
        return JSONResponse(
            {"upload_url": f"{base}/uploads/{token}/{last}", "file_url": f"{base}/files/{token}/{last}"}
        )

    async def put(self, request: Request, seen: Seen) -> Response:
        """Keep a file; nobody has to show a key."""
        kept = self.files.get(request.path_params["token"])
        if kept is None:
            raise _refused(403, "Signature is invalid")
        kept.content = await request.body()
        kept.kind = seen.headers.get("content-type", kept.kind)
        return Response(status_code=200)

    async def file(self, request: Request) -> Response:
        """Answer with a file that was put."""
        kept = self.files.get(request.path_params["token"])
        if kept is None or kept.content is None:
            return JSONResponse({"detail": "File not found"}, 404)
        return Response(kept.content, media_type=kept.kind)

    async def submit(self, request: Request, seen: Seen) -> Response:
        """Queue a request."""
        endpoint = request.path_params["endpoint"].strip("/")
        if len(endpoint.split("/")) < 2:
            raise _refused(404, f'Application "{endpoint}" not found')
        body = {} if seen.body is None else seen.body
        if not isinstance(body, dict):
            raise _refused(422, "The body must be a JSON object")
        prompt = str(body.get("prompt") or body.get("text") or "")
        fault = self.fake.submit_fault(prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            return self._wrong(fault)
        # What is wrong with the input is found now and told later, as the result.
        work = await self._work(endpoint, body)
        task = self.fake.take(str(uuid4()), endpoint, body, prompt)
        self.works[task.id] = work
        return HangUp() if fault == "hang_up" else self._said(task, self._state(request, task, "IN_QUEUE"))

    async def status(self, request: Request, seen: Seen) -> Response:
        """Tell where a request is."""
        task = self._task(request)
        if (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault)
        word = self._look(task)
        return self._said(task, self._state(request, task, word), 200 if word == "COMPLETED" else 202)

    async def stream(self, request: Request, seen: Seen) -> Response:
        """Tell every state until the end, as events."""
        task = self._task(request)

        async def events() -> AsyncIterator[str]:
            while True:
                try:
                    word = self._look(task)
                except Said:  # forgotten meanwhile; the answer has begun, so all that can be said is its end
                    return
                yield f"data: {json.dumps(self._state(request, task, word))}\n\n"
                if task.over:
                    return

        return StreamingResponse(events(), media_type="text/event-stream")

    async def result(self, request: Request, seen: Seen) -> Response:
        """Answer with the output, the failure, or that it takes its time (which counts as a look)."""
        task = self._task(request)
        # A fault that is planned for a look at the state must not be spent on fetching what is done.
        if not task.over and (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault)
        if not task.over and self._look(task) in WAITING.values():
            return JSONResponse(STILL, 400, {"x-fal-request-id": task.id})
        work = self.works[task.id]
        failure = _failure(task, work)
        if failure is not None:
            return _failed(failure, task)
        output = ENDPOINTS[work.endpoint].output if work.endpoint in ENDPOINTS else AnyVideo

        def link(make: Callable[[], bytes], suffix: str, kind: str) -> str:
            return self.shelf.link(request, make, suffix, kind, task.end)

        answer = Answer(task.asked, work.ratio, link)
        if work.output is None:
            work.output = await run_in_threadpool(answer.output, output)
        units = answer.seconds
        if work.request is not None:
            units = ENDPOINTS[work.endpoint].units(work.request, answer.plan(output))
        return JSONResponse(work.output, headers={"x-fal-request-id": task.id, "x-fal-billable-units": f"{units:g}"})

    async def cancel(self, request: Request, seen: Seen) -> Response:
        """Cancel a request that has not ended."""
        task = self._task(request)
        if task.over:
            return self._said(task, {"status": "ALREADY_COMPLETED"}, 400)
        task.cancelled = True
        return self._said(task, {"status": "CANCELLATION_REQUESTED", "success": True}, 202)

    async def _work(self, endpoint: str, body: dict[str, Any]) -> _Work:
        """Check an input as the endpoint's own type does, and open the files that it names."""
        if endpoint not in ENDPOINTS:
            return _Work(endpoint)
        try:
            request = ENDPOINTS[endpoint].input.model_validate(body)
        except ValidationError as error:
            problems = [
                Problem(one["type"], one["msg"], ("body", *one["loc"]), _told(one.get("ctx")), one["input"], True)
                for one in error.errors(include_url=False)
            ]
            return _Work(endpoint, failure=ModelError.of(problems).failure())
        ratio = None
        for given in media_inputs(request):
            try:
                ratio = await self._opened(given) or ratio
            except ModelError as error:
                return _Work(endpoint, request, failure=error.failure())
        return _Work(endpoint, request, ratio)

    async def _opened(self, given: MediaInput) -> float | None:
        """Open a file that an input names; returns the shape of a picture or film."""
        # It is named by an id, so there is nothing to fetch.
        if given.field.kind == "voice":
            return None
        try:
            _, content = await from_link(given.url)
        except Unfit as unfit:
            raise ModelError("file_download_error", str(unfit), loc=given.loc) from unfit
        try:
            if given.field.kind == "image":
                return look_at_still(content).ratio
            if given.field.kind == "video":
                film = look_at_film(content)
                return film.width / film.height
            sound_seconds(content, "audio")
        except (Unfit, Wrong) as wrong:
            raise ModelError(f"{given.field.kind}_load_error", str(wrong), loc=given.loc) from wrong
        return None

    def _task(self, request: Request) -> Task:
        task = self.fake.tasks.get(request.path_params["id"])
        if task is None or (task.over and task.end == "lost"):
            raise Said(JSONResponse(NOT_FOUND, 404))
        return task

    def _look(self, task: Task) -> str:
        state = task.look()
        if state != "ended":
            return WAITING[state]
        if task.end == "lost":
            raise Said(JSONResponse(NOT_FOUND, 404))
        return "CONTEMPLATING" if task.end == "unknown" else "COMPLETED"

    def _state(self, request: Request, task: Task, word: str) -> dict[str, Any]:
        # The queue's addresses have owner and app alone; ids in these namespaces have one word more (protocol 1.2).
        alias = "/".join(task.kind.split("/")[: 3 if task.kind.startswith(("workflows/", "comfy/")) else 2])
        prefix = next((one for one in PREFIXES[1:] if _within(request).startswith(one + "/")), "")
        url = f"{here(request)}{prefix}/{alias}/requests/{task.id}"
        said = {"status": word, "request_id": task.id, "response_url": url}
        said |= {"status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
        if word == "IN_QUEUE":
            return said | {"logs": None, "metrics": {}, "queue_position": 0}
        failure = _failure(task, self.works[task.id]) if word == "COMPLETED" else None
        ended = {"error": failure.message, "error_type": failure.type} if failure is not None else {}
        metrics = {"inference_time": 1.25} if word == "COMPLETED" else {}
        return said | {"logs": None, "metrics": metrics} | ended

    def _said(self, task: Task, body: Mapping[str, Any], status: int = 200) -> Response:
        return JSONResponse(body, status, {"x-fal-request-id": task.id})

    def _wrong(self, fault: Fault) -> Response:
        if fault == "hang_up":
            return HangUp()
        if fault in PLAIN:
            status, detail = PLAIN[fault]
            return JSONResponse({"detail": detail}, status, retry_after(self.fake) if status == 429 else {})
        if fault == "concurrency":
            limited = RequestError("concurrent_requests_limit").failure()
            return _failed(limited, None, retry_after(self.fake))
        errors = {
            "invalid": ModelError("value_error", "prompt is not as it should be", loc=("body", "prompt")).failure(),
            "moderated": ModelError("content_policy_violation", loc=("body", "prompt")).failure(),
            "server_error": RequestError("internal_error").failure(),
        }
        return _failed(errors[fault])


def _failure(task: Task, work: _Work) -> Failure | None:
    """Return how a request that has ended failed, None if it didn't."""
    if task.cancelled or task.end == "cancelled":
        return RequestError("client_cancelled").failure()
    if work.failure is not None:
        return work.failure
    if task.end in {"done", "link_expired", "link_broken", "unknown"}:
        return None
    if task.end == "moderated":
        return ModelError("content_policy_violation", loc=("body", "prompt")).failure()
    return ModelError("internal_server_error").failure() if task.end == "failed" else _late()


def _late() -> Failure:
    return RequestError("startup_timeout").failure()


def _failed(failure: Failure, task: Task | None = None, more: Mapping[str, str] | None = None) -> Response:
    """Return a failure with the headers of its shape."""
    headers = dict(more or {})
    if task is not None:
        headers |= {"x-fal-request-id": task.id, "x-fal-billable-units": "0"}
    if failure.shape == "model":
        said = "true" if failure.retryable else "false"
        headers |= {"x-fal-retryable": said, "x-fal-needs-retry": str(int(failure.retryable))}
    else:
        headers["x-fal-error-type"] = failure.type
    return Response(failure.body, failure.status, headers, media_type="application/json")


def _told(ctx: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a validation error's context as JSON has it."""
    return None if ctx is None else {name: _plain(value) for name, value in ctx.items()}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | None) else str(value)


def _within(request: Request) -> str:
    """Return the path below the mount."""
    return request.url.path.removeprefix(request.scope.get("root_path", ""))


def _refused(status: int, detail: str) -> Said:
    return Said(JSONResponse({"detail": detail}, status))
