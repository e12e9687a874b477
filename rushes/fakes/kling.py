"""Kling, pretended: image and text to video, several pictures to video, lip sync and effects, behind a signed token.

The token is a JWT (RFC 7519), HS256, whose issuer is the access key: `fake.key` is `ACCESS:SECRET`. A task can be asked
for by its own id or by the caller's `external_task_id`, which must be new. There is no way to cancel, and nobody is
called back. Dead clocks, keys and signatures have codes of their own (1000 to 1004).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.fakes.asked import Said, bearer, remembering, retry_after
from rushes.fakes.bodies import Wrong, checked
from rushes.fakes.content import mp4, small
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.inputs import Film, fetched, from_base64, look_at_still
from rushes.fakes.kling_bodies import KINDS, Effects, ImageToVideo, Kind, LipSync, LipSyncInput, MultiImageToVideo
from rushes.fakes.limits import MIB, FilmLimits, PictureLimits, check_film, check_still, fitting, sound_seconds
from rushes.fakes.serving import HangUp
from rushes.fakes.shelf import Shelf

PICTURES = PictureLimits(("JPEG", "PNG"), most_bytes=10 * MIB, least_side=300, most_ratio=2.5)
SPEAKERS = FilmLimits(most_bytes=100 * MIB, least_s=2, most_s=10, least_side=720, most_side=1920)
MOST_PAGE = 500
SKEW_S = 5.0  # how far a caller's clock may be ahead
ANY_METHOD = ["GET", "POST", "DELETE", "PUT", "PATCH"]
SHORT_SIDE = {"std": 720, "pro": 1080}
RATIOS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}

FAULTS: Mapping[Fault, tuple[int, int, str]] = {
    "key": (401, 1002, "access key not found"),
    "balance": (429, 1102, "Account balance not enough"),
    "rate": (429, 1302, "Request rate limit exceeded"),
    "concurrency": (429, 1303, "parallel task over resource pack limit"),
    "invalid": (400, 1201, "The request parameters are invalid: prompt"),
    "moderated": (400, 1301, "Failure to pass the risk control system"),
    "server_error": (500, 5000, "Internal server error"),
    "unknown": (418, 7777, "the teapot is in charge"),
}
"""HTTP status, code and message of each fault but one that has no answer."""

ENDED = {"done": "succeed", "link_expired": "succeed", "link_broken": "succeed", "unknown": "paused"}
# A film that failed says why in words alone.
REASONS = {"moderated": "Failure to pass the risk control system", "cancelled": "The task was terminated"}


def app(fake: Fake) -> Starlette:
    """Return the vendor."""
    vendor = _Vendor(fake)
    shelf = vendor.shelf
    return Starlette(
        routes=[
            Route("/v1/videos/{kind}", remembering(fake, vendor.answer(vendor.submit)), methods=["POST"]),
            Route("/v1/videos/{kind}", remembering(fake, vendor.answer(vendor.list)), methods=["GET"]),
            Route("/v1/videos/{kind}/{id}", remembering(fake, vendor.answer(vendor.look)), methods=["GET"]),
            shelf.route(),
            Route("/{rest:path}", remembering(fake, vendor.answer(vendor.nothing)), methods=ANY_METHOD),
        ]
    )


@dataclass(slots=True)
class _Film:
    """What comes of a task: its id among the vendor's films, its size and length, and when it was asked for."""

    id: str
    width: int
    height: int
    seconds: float
    created_ms: int
    updated_ms: int
    url: str = ""


@dataclass(slots=True)
class _Vendor:
    fake: Fake
    shelf: Shelf = field(default_factory=Shelf)
    films: dict[str, _Film] = field(default_factory=dict)  # by task id

    def answer(self, handler: Any) -> Any:
        """Return the handler, behind the check of the token; what is wrong with a body is said as Kling says it."""

        async def behind(request: Request, seen: Seen) -> Response:
            self._let_in(request, seen)
            try:
                answered: Response = await handler(request, seen)
            except Wrong as wrong:
                raise _refused(400, 1201, f"{wrong.field}: {wrong.message}") from wrong
            return answered

        return behind

    async def nothing(self, request: Request, seen: Seen) -> Response:
        """Say that there is no such path."""
        raise _refused(404, 1202, f"The requested method is invalid: {request.method} {request.url.path}")

    async def submit(self, request: Request, seen: Seen) -> Response:
        """Take a task."""
        kind = self._kind(request)
        body = checked(KINDS[kind], seen.body)
        film = await self._checked_film(body)
        self._check_name(body)
        prompt = getattr(body, "prompt", "") or (body.input.text or "" if isinstance(body, LipSync) else "")
        fault = self.fake.submit_fault(prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            return self._wrong(fault)
        task_id = str(800_000_000_000_000_000 + len(self.films))  # never again the same, after a reset too
        task = self.fake.take(task_id, kind, seen.body, prompt)
        self.films[task_id] = film
        return HangUp() if fault == "hang_up" else _said(self._state(request, task))

    async def look(self, request: Request, seen: Seen) -> Response:
        """Tell where a task is, by either of its ids."""
        kind, name = self._kind(request), request.path_params["id"]
        task = next((one for one in self._tasks(kind) if name in {one.id, _external(one)}), None)
        if task is None:
            raise _refused(404, 1203, f"Task not found: {name}")
        if (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault)
        if task.look() == "ended" and task.end == "lost":
            raise _refused(404, 1203, f"Task not found: {name}")
        return _said(self._state(request, task))

    async def list(self, request: Request, seen: Seen) -> Response:
        """Tell a page of tasks, the newest first; nobody has looked at them by that."""
        kind = self._kind(request)
        page, size = _number(request, "pageNum", 1, 1000), _number(request, "pageSize", 30, MOST_PAGE)
        newest = [*self._tasks(kind)][::-1][(page - 1) * size : page * size]
        return _said([self._state(request, task) for task in newest])

    def _kind(self, request: Request) -> str:
        kind: str = request.path_params["kind"]
        if kind not in KINDS:
            raise _refused(404, 1202, f"The requested method is invalid: {kind}")
        return kind

    def _tasks(self, kind: str) -> Iterator[Task]:
        return (task for task in self.fake.tasks.values() if task.kind == kind)

    def _check_name(self, body: Kind) -> None:
        name = body.external_task_id
        if name is not None and any(_external(task) == name for task in self.fake.tasks.values()):
            raise Wrong("external_task_id", f"{name} already exists")

    def _state(self, request: Request, task: Task) -> dict[str, Any]:
        film = self.films[task.id]
        ended = task.state == "ended"
        word = {"queued": "submitted", "running": "processing", "ended": ENDED.get(task.end, "failed")}[task.state]
        now = int(time.time() * 1000)
        # What has succeeded changes no more: its time is that of the first look that found it so.
        film.updated_ms = max(film.updated_ms, now) if task.state != "ended" or not film.url else film.updated_ms
        said: dict[str, Any] = {"task_id": task.id, "task_status": word}
        if ended and word == "failed":
            said["task_status_msg"] = REASONS.get(task.end, "Internal error of the model")
        said["task_info"] = {"external_task_id": _external(task)} if _external(task) else {}
        said |= {"created_at": film.created_ms, "updated_at": film.updated_ms}
        if word == "succeed":
            film.url = film.url or self._link(request, task, film)
            said["task_result"] = {"videos": [{"id": film.id, "url": film.url, "duration": f"{film.seconds:g}"}]}
        return said

    def _link(self, request: Request, task: Task, film: _Film) -> str:
        width, height = small(film.width, film.height)
        make = partial(mp4, width, height, film.seconds, 30.0 if task.kind == "effects" else 24.0)
        return self.shelf.film(request, partial(make, sound=True) if task.kind == "lip-sync" else make, task.end)

    async def _checked_film(self, body: Kind) -> _Film:
        """Check the files in a body, and return what is to come of it."""
        now = int(time.time() * 1000)
        width, height, seconds = await self._size(body)
        return _Film(str(uuid4()), width, height, seconds, now, now)

    async def _size(self, body: Kind) -> tuple[int, int, float]:
        if isinstance(body, LipSync):
            film = await self._speaker(body.input)
            return film.width, film.height, film.seconds
        if isinstance(body, Effects):
            given = body.input
            texts = [given.image] if given.image is not None else given.images or []
            ratios = [await _picture(text, "input.image") for text in texts]
            short, ratio = SHORT_SIDE[given.mode], ratios[0] if len(ratios) == 1 else 1.0
            return *_sides(short, ratio), float(given.duration)
        if isinstance(body, ImageToVideo):
            ratio = await _check_pictures(body)
        else:
            ratio = RATIOS[body.aspect_ratio]
            for index, item in enumerate(body.image_list if isinstance(body, MultiImageToVideo) else []):
                await _picture(item.image, f"image_list.{index}.image")
        return *_sides(SHORT_SIDE[body.mode], ratio), float(body.duration)

    async def _speaker(self, given: LipSyncInput) -> Film:
        """Return the film whose lips are to move; Wrong if it, or the sound, is not to be had or not as wanted."""
        if given.audio_type == "file":
            text = given.audio_file or ""
            sound_seconds(fitting("input.audio_file", lambda: from_base64(text)), "input.audio_file")
        elif given.audio_type == "url":
            sound_seconds(await _fetched(given.audio_url or "", "input.audio_url"), "input.audio_url")
        if given.video_url is not None:
            return check_film(await _fetched(given.video_url, "input.video_url"), SPEAKERS, "input.video_url")
        # Only a film of which somebody was told: its id comes with its link.
        known = next((film for film in self.films.values() if film.id == given.video_id and film.url), None)
        if known is None:
            raise Wrong("input.video_id", f"there is no video {given.video_id}")
        return Film(known.width, known.height, known.seconds, 24.0, 0)

    def _wrong(self, fault: Fault) -> Response:
        if fault == "hang_up":
            return HangUp()
        status, code, message = FAULTS[fault]
        headers = retry_after(self.fake) if status == 429 else {}
        return JSONResponse(_envelope(code, message), status, headers)

    def _let_in(self, request: Request, seen: Seen) -> None:
        """Hold the token against the key: whole, signed by its secret, of its issuer, begun and not over."""
        access, _, secret = self.fake.key.partition(":")
        if "authorization" not in seen.headers:
            raise _refused(401, 1001, "Authorization is empty")
        claims = _claims(bearer(seen) or "", secret)
        now = time.time()
        if claims.get("iss") != access:
            raise _refused(401, 1002, "access key not found")
        if not _is_time(claims.get("exp")) or not _is_time(claims.get("nbf", 0)):
            raise _refused(401, 1002, "exp and nbf must be numbers of seconds")
        if claims.get("nbf", 0) > now + SKEW_S:
            raise _refused(401, 1003, "Authorization is not valid yet")
        if claims["exp"] <= now:
            raise _refused(401, 1004, "Authorization is expired")


def _claims(token: str, secret: str) -> Mapping[str, Any]:
    """Return what a JWT claims; refuses one that is not signed with HS256 and the secret."""
    head, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    wanted = hmac.new(secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    try:
        said, claims = json.loads(_bytes(head)), json.loads(_bytes(payload))
        signed = hmac.compare_digest(wanted, _bytes(signature))
    except (ValueError, binascii.Error):
        raise _refused(401, 1000, "signature is invalid: not a token") from None
    if not isinstance(said, dict) or said.get("alg") != "HS256" or not isinstance(claims, dict) or not signed:
        raise _refused(401, 1000, "signature is invalid")
    return claims


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


async def _check_pictures(body: ImageToVideo) -> float:
    """Check the pictures and masks; returns the shape of the opening picture, else of the closing one."""
    shapes = [
        await _picture(text, name)
        for name, text in (("image", body.image), ("image_tail", body.image_tail))
        if text is not None
    ]
    if body.static_mask is not None:
        await _mask(body.static_mask, "static_mask")
    for index, mask in enumerate(body.dynamic_masks or []):
        await _mask(mask.mask, f"dynamic_masks.{index}.mask")
    return shapes[0]


async def _picture(text: str, field: str) -> float:
    """Return width / height of a picture given as an address or in base64."""
    return check_still(await _content(text, field), PICTURES, field).ratio


async def _mask(text: str, field: str) -> None:
    content = await _content(text, field)
    still = fitting(field, lambda: look_at_still(content))
    if still.form not in PICTURES.formats:
        raise Wrong(field, f"the mask is a {still.form}, allowed are {', '.join(PICTURES.formats)}")


async def _content(text: str, field: str) -> bytes:
    if text.startswith(("http://", "https://")):
        return await _fetched(text, field)
    if text.startswith("data:"):
        raise Wrong(field, "base64 must come without a data: prefix")
    return fitting(field, lambda: from_base64(text))


async def _fetched(url: str, field: str) -> bytes:
    try:
        return await fetched(url)
    except ValueError as error:
        raise Wrong(field, str(error)) from error


def _sides(short: int, ratio: float) -> tuple[int, int]:
    """Return width and height whose shorter side is `short`."""
    return (round(short * ratio), short) if ratio >= 1 else (short, round(short / ratio))


def _external(task: Task) -> str:
    return str(task.asked.get("external_task_id") or "")


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise Wrong(name, f"{text} is not a whole number from 1 to {most}")
    return int(text)


def _envelope(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "request_id": str(uuid4())}


def _said(found: Any) -> Response:
    return JSONResponse(_envelope(0, "SUCCEED") | {"data": found})


def _refused(status: int, code: int, message: str) -> Said:
    return Said(JSONResponse(_envelope(code, message), status))
