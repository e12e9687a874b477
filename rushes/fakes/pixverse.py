"""PixVerse, pretended: uploads with ids, seven ways to a film, voices, and errors in the envelope of a 200.

Every request needs an `Ai-trace-id`, a UUID. The same one sent to the same operation again brings the answer of before,
and no second task. There is no way to cancel.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.fakes.asked import Said, remembering, retry_after
from rushes.fakes.bodies import Wrong, checked
from rushes.fakes.content import mp4, small
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.inputs import Film, Unfit, fetched, look_at_film
from rushes.fakes.limits import MIB, PictureLimits, check_still, sound_seconds
from rushes.fakes.pixverse_bodies import (
    OPERATIONS,
    Extend,
    Fusion,
    ImageToVideo,
    LipSync,
    Operation,
    SoundEffect,
    Transition,
)
from rushes.fakes.serving import HangUp
from rushes.fakes.shelf import Shelf

PICTURES = PictureLimits(("JPEG", "PNG", "WEBP"), most_bytes=20 * MIB, most_side=4000)
MOST_MEDIA = 100 * MIB
SHORT_SIDES = {"360p": 360, "540p": 540, "720p": 720, "1080p": 1080}
RATIOS = {"16:9": 16 / 9, "4:3": 4 / 3, "1:1": 1.0, "3:4": 3 / 4, "9:16": 9 / 16}
SPEAKERS = (
    "Auto", "Emily", "James", "Isabella", "Liam", "Chloe", "Adrian", "Harper",
    "Ava", "Sophia", "Julia", "Mason", "Jack", "Oliver", "Ethan",
)  # fmt: skip
FAULTS: Mapping[Fault, tuple[int, str]] = {
    "key": (10005, "Invalid API key"),
    "balance": (500090, "Insufficient balance. Unable to generate video."),
    "rate": (500044, "Reached the limit for concurrent generations."),
    "concurrency": (500044, "Reached the limit for concurrent generations."),
    "invalid": (400011, "invalid param: prompt"),
    "moderated": (500063, "The input is against our moderation rules"),
    "server_error": (99999, "unknown error"),
    "unknown": (777777, "the teapot is in charge"),
}
"""Code and message of each fault but one that has no answer; the HTTP status is 200, and 429 of `rate` alone."""

# The documentation has one number for all that is under way; 2 and 3 are only in the vendor's own tools.
WAITING = {"queued": 5, "running": 5}
ENDED = {
    "done": 1, "link_expired": 1, "link_broken": 1, "failed": 8, "moderated": 7, "cancelled": 6, "unknown": 99,
}  # fmt: skip


def app(fake: Fake) -> Starlette:
    """Return the vendor."""
    vendor = _Vendor(fake)
    routes = {
        ("POST", "/openapi/v2/image/upload"): vendor.image,
        ("POST", "/openapi/v2/media/upload"): vendor.media,
        ("POST", "/openapi/v2/video/{operation}/generate"): vendor.submit,
        ("GET", "/openapi/v2/video/result/{id}"): vendor.look,
        ("GET", "/openapi/v2/video/lip_sync/tts_list"): vendor.voices,
    }
    return Starlette(
        routes=[
            *(Route(path, remembering(fake, vendor.answer(do)), methods=[verb]) for (verb, path), do in routes.items()),
            vendor.shelf.route(),
            Route("/{rest:path}", remembering(fake, vendor.answer(vendor.nothing)), methods=["GET", "POST"]),
        ]
    )


Handler = Callable[[Request, Seen], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Media:
    """What was uploaded: `film` is None for a picture and for sound alone."""

    ratio: float = 1.0
    film: Film | None = None


@dataclass(slots=True)
class _Vendor:
    fake: Fake
    shelf: Shelf = field(default_factory=Shelf)
    uploads: dict[int, _Media] = field(default_factory=dict)
    films: dict[int, Film] = field(default_factory=dict)  # what comes of a task, by its id
    links: dict[int, str] = field(default_factory=dict)
    traces: dict[tuple[str, str], int] = field(default_factory=dict)  # task, by operation and trace id

    def answer(self, handler: Handler) -> Handler:
        """Return the handler, behind the checks of key and trace id."""

        async def behind(request: Request, seen: Seen) -> Response:
            key = seen.headers.get("api-key")
            if not key:
                raise _refused(10001, "API-KEY is missing")
            if key != self.fake.key:
                raise _refused(*FAULTS["key"])
            try:
                _check_trace(seen)
                return await handler(request, seen)
            except Wrong as wrong:
                raise _refused(400011, f"invalid param: {wrong.field}: {wrong.message}") from wrong

        return behind

    async def nothing(self, request: Request, seen: Seen) -> Response:
        """Say that there is no such path."""
        return Response("404 page not found", 404)

    async def image(self, request: Request, seen: Seen) -> Response:
        """Keep a picture."""
        content = await _uploaded(seen.body, "image")
        media = _Media(check_still(content, PICTURES, "image").ratio)
        number = self._keep(media)
        url = self.shelf.link(request, lambda: content, "png", "image/png")
        return _said({"img_id": number, "img_url": url})

    async def media(self, request: Request, seen: Seen) -> Response:
        """Keep a film or a sound."""
        content = await _uploaded(seen.body, "file")
        if len(content) > MOST_MEDIA:
            raise Wrong("file", f"{len(content)} bytes, at most {MOST_MEDIA} are allowed")
        try:
            film = look_at_film(content)
        except Unfit:
            film = None
            sound_seconds(content, "file")
        kind, suffix = ("audio", "mp3") if film is None else ("video", "mp4")
        number = self._keep(_Media(film=film))
        url = self.shelf.link(request, lambda: content, suffix, "audio/mpeg" if film is None else "video/mp4")
        return _said({"media_id": number, "media_type": kind, "url": url})

    async def submit(self, request: Request, seen: Seen) -> Response:
        """Take a task, or find the one that this trace id has."""
        name = request.path_params["operation"]
        if name not in OPERATIONS:
            return Response("404 page not found", 404)
        mark = (name, seen.headers["ai-trace-id"].lower())
        if mark in self.traces:
            return _said({"video_id": self.traces[mark]})
        body = checked(OPERATIONS[name], seen.body)
        film = self._film(body)
        prompt = _prompt(body)
        fault = self.fake.submit_fault(prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            return self._wrong(fault)
        # Longer than 32 bits, as the vendor's own numbers are.
        number = 300_000_000_000_000 + len(self.films)  # never again the same, after a reset too
        self.fake.take(str(number), name, seen.body, prompt)
        self.traces[mark], self.films[number] = number, film
        return HangUp() if fault == "hang_up" else _said({"video_id": number})

    async def look(self, request: Request, seen: Seen) -> Response:
        """Tell where a task is, by its number."""
        task = self.fake.tasks.get(request.path_params["id"])
        if task is None:
            raise _refused(400032, "video not found")
        if (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault)
        state = task.look()
        if state == "ended" and task.end == "lost":
            raise _refused(400032, "video not found")
        return _said(self._told(request, task, WAITING.get(state) or ENDED.get(task.end, 8)))

    async def voices(self, request: Request, seen: Seen) -> Response:
        """Tell a page of the voices that texts are spoken with."""
        page, size = _number(request, "page_num", 1), _number(request, "page_size", 30)
        shown = [
            {"speaker_id": str(number), "name": name}
            for number, name in list(enumerate(SPEAKERS, 1))[(page - 1) * size : page * size]
        ]
        return _said({"total": len(SPEAKERS), "data": shown})

    def _keep(self, media: _Media) -> int:
        number = 500_000_000 + len(self.uploads)
        self.uploads[number] = media
        return number

    def _film(self, body: Operation) -> Film:
        """Return what is to come of a task; Wrong where an id leads nowhere."""
        if isinstance(body, Extend | LipSync | SoundEffect):
            source = self._source(body.source_video_id, body.video_media_id)
            seconds = source.seconds + (body.duration if isinstance(body, Extend) else 0)
            if isinstance(body, LipSync):
                self._check_sound(body)
            return Film(source.width, source.height, seconds, 24.0, 0)
        if isinstance(body, ImageToVideo):
            ratio = self._picture("img_id", body.img_id)
        elif isinstance(body, Transition):
            ratio = self._picture("first_frame_img", body.first_frame_img)
            self._picture("last_frame_img", body.last_frame_img)
        else:
            for reference in body.image_references if isinstance(body, Fusion) else []:
                self._picture("image_references.img_id", reference.img_id)
            ratio = RATIOS[body.aspect_ratio]
        short = SHORT_SIDES[body.quality]
        width, height = (round(short * ratio), short) if ratio >= 1 else (short, round(short / ratio))
        return Film(width, height, float(body.duration), 24.0, 0)

    def _source(self, video: int | None, media: int | None) -> Film:
        if video is not None:
            task = self.fake.tasks.get(str(video))
            if task is None or not task.over:
                raise Wrong("source_video_id", f"there is no finished video {video}")
            return self.films[video]
        kept = self.uploads.get(media or 0)
        if kept is None or kept.film is None:
            raise Wrong("video_media_id", f"there is no uploaded video {media}")
        return kept.film

    def _picture(self, name: str, number: int) -> float:
        kept = self.uploads.get(number)
        if kept is None or kept.film is not None:
            raise Wrong(name, f"there is no uploaded picture {number}")
        return kept.ratio

    def _check_sound(self, body: LipSync) -> None:
        if body.audio_media_id is not None and body.audio_media_id not in self.uploads:
            raise Wrong("audio_media_id", f"there is no uploaded sound {body.audio_media_id}")
        known = {str(number) for number in range(1, len(SPEAKERS) + 1)}
        if body.lip_sync_tts_speaker_id is not None and body.lip_sync_tts_speaker_id not in known | {"Auto"}:
            raise Wrong("lip_sync_tts_speaker_id", f"there is no voice {body.lip_sync_tts_speaker_id}")

    def _told(self, request: Request, task: Task, status: int) -> dict[str, Any]:
        number = int(task.id)
        film, asked = self.films[number], task.asked
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        told: dict[str, Any] = {
            "id": number, "status": status, "url": "", "prompt": asked.get("prompt", ""), "outputWidth": film.width,
            "outputHeight": film.height, "negative_prompt": asked.get("negative_prompt", ""), "seed": _seed(task),
            "size": 0, "style": asked.get("style", ""), "resolution_ratio": 0, "create_time": now, "modify_time": now,
        }  # fmt: skip
        if status == 1:
            if number not in self.links:
                width, height = small(film.width, film.height)
                heard = task.kind in {"lip_sync", "sound_effect"}
                make = partial(mp4, width, height, max(1.0, film.seconds), sound=heard)
                self.links[number] = self.shelf.film(request, make, task.end)
            told["url"] = self.links[number]
        return told

    def _wrong(self, fault: Fault) -> Response:
        if fault == "hang_up":
            return HangUp()
        limited = fault in {"rate", "concurrency"}
        return JSONResponse(
            _envelope(*FAULTS[fault]), 429 if fault == "rate" else 200, retry_after(self.fake) if limited else {}
        )


def _check_trace(seen: Seen) -> None:
    said = seen.headers.get("ai-trace-id", "")
    try:
        UUID(said)
    except ValueError:
        raise Wrong("Ai-trace-id", f"{said!r} is no UUID" if said else "is missing") from None


async def _uploaded(body: Any, name: str) -> bytes:
    """Return the file of a form, or what lies at the address that the form has in its place."""
    form = body if isinstance(body, Mapping) else {}
    content, url = form.get(name), form.get(f"{name}_url")
    unknown = set(form) - {name, f"{name}_url"}
    if unknown:
        raise Wrong(min(unknown), "unknown parameter")
    if isinstance(content, bytes):
        return content
    if not url:
        raise Wrong(name, f"a file, or {name}_url, is required")
    try:
        return await fetched(url)
    except Unfit as unfit:
        raise Wrong(f"{name}_url", str(unfit)) from unfit


def _prompt(body: Operation) -> str:
    if isinstance(body, LipSync):
        return body.lip_sync_tts_content or ""
    return body.sound_effect_content if isinstance(body, SoundEffect) else body.prompt


def _seed(task: Task) -> int:
    """Return the seed that was asked for, else one of the vendor's own: the same at every look."""
    asked = task.asked.get("seed")
    return asked if isinstance(asked, int) else int(task.id) % 2_147_483_647


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise Wrong(name, f"{text} is not a whole number from 1 to 1000")
    return int(text)


def _envelope(code: int, message: str) -> dict[str, Any]:
    return {"ErrCode": code, "ErrMsg": message, "Resp": None}


def _said(found: Mapping[str, Any]) -> Response:
    return JSONResponse(_envelope(0, "success") | {"Resp": dict(found)})


def _refused(code: int, message: str) -> Said:
    return Said(JSONResponse(_envelope(code, message)))
