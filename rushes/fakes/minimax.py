"""MiniMax, pretended: films in three steps (task, file, link), speech, cloned voices and pictures.

Whatever goes wrong comes as HTTP 200 with `base_resp.status_code` other than 0. A voice is known once it is cloned, and
until it is deleted; `fake:unverified` in its text is the account that may not clone. Nobody is called back.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.fakes.asked import Said, bearer, remembering, retry_after
from rushes.fakes.bodies import Wrong, checked
from rushes.fakes.content import jpeg, mp4, small
from rushes.fakes.fake import Fake, Fault, Seen, Task, planned
from rushes.fakes.inputs import from_link
from rushes.fakes.limits import MIB, PictureLimits, check_still, sound_seconds
from rushes.fakes.minimax_bodies import Clone, Deleted, Images, Listed, Speech, Video
from rushes.fakes.recorded import CONTENT_TYPES, Container, recorded
from rushes.fakes.serving import HangUp
from rushes.fakes.shelf import Shelf
from rushes.families.minimax_speech import VOICES

PICTURES = PictureLimits(("JPEG", "PNG", "WEBP"), most_bytes=20 * MIB, least_side=301, most_ratio=2.5)
SAMPLE_S = (10.0, 300.0)
CHARACTERS_PER_S = 15.0  # about as fast as people speak
# The models that came before resolutions could be asked for make 720p.
SHORT_SIDES = {"512P": 512, "768P": 768, "1080P": 1080, None: 720}
SIZES = {
    "1:1": (1024, 1024), "16:9": (1280, 720), "4:3": (1152, 864), "3:2": (1248, 832),
    "2:3": (832, 1248), "3:4": (864, 1152), "9:16": (720, 1280), "21:9": (1344, 576),
}  # fmt: skip
FAULTS: Mapping[Fault, tuple[int, str]] = {
    "key": (2049, "invalid api key"),
    "balance": (1008, "insufficient balance"),
    "rate": (1002, "rate limit exceeded"),
    "concurrency": (1039, "token limit exceeded"),
    "invalid": (2013, "invalid params, prompt is not as it should be"),
    "moderated": (1026, "input new_sensitive"),
    "server_error": (1000, "unknown error"),
    "unknown": (7777, "the teapot is in charge"),
}
"""Code and message of each fault but one that has no answer; the HTTP status is 200."""

WAITING = {"queued": "Queueing", "running": "Processing"}
ENDED = {"done": "Success", "link_expired": "Success", "link_broken": "Success", "unknown": "Pondering"}


def app(fake: Fake) -> Starlette:
    """Return the vendor."""
    vendor = _Vendor(fake)
    routes = {
        ("POST", "/v1/video_generation"): vendor.submit,
        ("GET", "/v1/query/video_generation"): vendor.look,
        ("GET", "/v1/files/retrieve"): vendor.retrieve,
        ("POST", "/v1/files/upload"): vendor.upload,
        ("POST", "/v1/t2a_v2"): vendor.speak,
        ("POST", "/v1/voice_clone"): vendor.clone,
        ("POST", "/v1/delete_voice"): vendor.delete,
        ("POST", "/v1/get_voice"): vendor.voices,
        ("POST", "/v1/image_generation"): vendor.images,
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
class _Upload:
    name: str
    purpose: str
    content: bytes
    created: int


@dataclass(slots=True)
class _Vendor:
    fake: Fake
    shelf: Shelf = field(default_factory=Shelf)
    uploads: dict[int, _Upload] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)  # of films, by task id
    links: dict[str, str] = field(default_factory=dict)  # by file id
    cloned: dict[str, int] = field(default_factory=dict)  # when, in Unix seconds, by voice id

    def answer(self, handler: Handler) -> Handler:
        """Return the handler, behind the check of the key; what is wrong with a body is said as MiniMax says it."""

        async def behind(request: Request, seen: Seen) -> Response:
            if bearer(seen) is None:
                raise _refused(1004, "login fail: Please carry the API secret key in the 'Authorization' field")
            if bearer(seen) != self.fake.key:
                raise _refused(*FAULTS["key"])
            try:
                return await handler(request, seen)
            except Wrong as wrong:
                raise _refused(2013, f"invalid params, {wrong.field}: {wrong.message}") from wrong

        return behind

    async def nothing(self, request: Request, seen: Seen) -> Response:
        """Say that there is no such path."""
        return Response("404 page not found", 404)

    async def submit(self, request: Request, seen: Seen) -> Response:
        """Take a film."""
        body = checked(Video, seen.body)
        ratio = await _pictures(body)
        fault = self._fault(body.prompt)
        task_id = str(100_000_000_000_000 + len(self.sizes))  # never again the same, after a reset too
        self.fake.take(task_id, "video", seen.body, body.prompt)
        short = SHORT_SIDES[body.resolution]
        self.sizes[task_id] = (round(short * ratio), short) if ratio >= 1 else (short, round(short / ratio))
        return HangUp() if fault == "hang_up" else _said({"task_id": task_id})

    async def look(self, request: Request, seen: Seen) -> Response:
        """Tell where a film is; what fails says why in base_resp."""
        task = self._task(request.query_params.get("task_id", ""))
        if (fault := self.fake.poll_fault(task)) is not None:
            return _wrong(self.fake, fault)
        state = task.look()
        if state != "ended":
            return _said({"task_id": task.id, "status": WAITING[state], "file_id": ""})
        if task.end == "lost":
            raise _refused(2013, "invalid params, task_id does not exist")
        word = ENDED.get(task.end, "Fail")
        said = {"task_id": task.id, "status": word, "file_id": ""}
        if word == "Success":
            width, height = self.sizes[task.id]
            return _said(said | {"file_id": _file_id(task), "video_width": width, "video_height": height})
        if word == "Fail":
            return _said(said, 1027 if task.end == "moderated" else 1000, _why(task))
        return _said(said)

    async def retrieve(self, request: Request, seen: Seen) -> Response:
        """Tell where a file lies; it stays there."""
        asked = request.query_params.get("file_id", "")
        task = next((one for one in self.fake.tasks.values() if _file_id(one) == asked and one.over), None)
        if task is None or ENDED.get(task.end) != "Success":
            raise _refused(2013, f"invalid params, file_id {asked} does not exist")
        if asked not in self.links:
            width, height = small(*self.sizes[task.id])
            make = partial(mp4, width, height, float(task.asked.get("duration", 6)))
            self.links[asked] = self.shelf.film(request, make, task.end)
        described = {
            "bytes": 0,
            "created_at": int(time.time()),
            "filename": "output.mp4",
            "purpose": "video_generation",
        }
        return _said({"file": {"file_id": int(asked), **described, "download_url": self.links[asked]}})

    async def upload(self, request: Request, seen: Seen) -> Response:
        """Keep a recording that a voice is to be learnt from."""
        form = seen.body if isinstance(seen.body, Mapping) else {}
        content = form.get("file")
        if form.get("purpose") not in ("voice_clone", "prompt_audio"):
            raise Wrong("purpose", "must be voice_clone or prompt_audio")
        if not isinstance(content, bytes):
            raise Wrong("file", "a file in multipart/form-data is required")
        if len(content) > 20 * MIB:
            raise Wrong("file", f"{len(content)} bytes, at most {20 * MIB} are allowed")
        seconds = sound_seconds(content, "file")
        if not SAMPLE_S[0] <= round(seconds, 1) <= SAMPLE_S[1]:
            raise Wrong("file", f"{seconds:.1f} s of sound, allowed are {SAMPLE_S[0]:g} to {SAMPLE_S[1]:g}")
        kept = _Upload("recording", str(form["purpose"]), content, int(time.time()))
        file_id = 200_000_000_000_000 + len(self.uploads)
        self.uploads[file_id] = kept
        told = {"bytes": len(content), "created_at": kept.created, "filename": kept.name, "purpose": kept.purpose}
        return _said({"file": {"file_id": file_id, **told}})

    async def speak(self, request: Request, seen: Seen) -> Response:
        """Speak a text: a tone as long as the text takes to say."""
        body = checked(Speech, seen.body)
        self._check_voice(body.voice_setting.voice_id)
        fault = self._fault(body.text)
        sound = body.audio_setting
        seconds = _spoken_s(body.text) / body.voice_setting.speed
        content = recorded(seconds, sound.format, sound.sample_rate, sound.bitrate, sound.channel)
        audio = content.hex() if body.output_format == "hex" else self._sound_link(request, content, sound.format)
        task = self.fake.take(str(uuid4()), "speech", seen.body, body.text)
        task.looks = task.ends_after + 1
        told = {
            "audio_length": round(seconds * 1000), "audio_sample_rate": sound.sample_rate, "audio_size": len(content),
            "bitrate": sound.bitrate, "audio_format": sound.format, "audio_channel": sound.channel,
            "invisible_character_ratio": 0, "usage_characters": len(body.text), "word_count": len(body.text.split()),
        }  # fmt: skip
        said = {"data": {"audio": audio, "status": 2}, "extra_info": told, "trace_id": task.id}
        return HangUp() if fault == "hang_up" else _said(said)

    async def clone(self, request: Request, seen: Seen) -> Response:
        """Learn a voice, and speak a text with it where one is given."""
        body = checked(Clone, seen.body)
        if ("unverified", None) in planned(body.text or ""):
            raise _refused(2038, "voice clone permission denied: account not verified")
        if body.file_id not in self.uploads:
            raise Wrong("file_id", f"{body.file_id} does not exist")
        if body.voice_id in self.cloned or body.voice_id in VOICES:
            raise Wrong("voice_id", f"{body.voice_id} already exists")
        fault = self._fault(body.text or "")
        self.cloned[body.voice_id] = int(time.time())
        content = recorded(_spoken_s(body.text or ""), "mp3", 32_000, 128_000, 1)
        demo = self._sound_link(request, content, "mp3") if body.text else ""
        task = self.fake.take(body.voice_id, "clone", seen.body)
        task.looks = task.ends_after + 1
        said = {"input_sensitive": False, "input_sensitive_type": 0, "demo_audio": demo}
        return HangUp() if fault == "hang_up" else _said(said)

    async def delete(self, request: Request, seen: Seen) -> Response:
        """Forget a voice."""
        body = checked(Deleted, seen.body)
        if body.voice_id not in self.cloned:
            raise Wrong("voice_id", f"{body.voice_id} does not exist")
        if (fault := self.fake.submit_fault()) is not None:
            return _wrong(self.fake, fault)
        created = self.cloned.pop(body.voice_id)
        return _said({"voice_id": body.voice_id, "created_time": _date(created)})

    async def voices(self, request: Request, seen: Seen) -> Response:
        """Tell the voices of a type."""
        asked = checked(Listed, seen.body).voice_type
        known: dict[str, list[dict[str, Any]]] = {
            "system": [{"voice_id": one, "voice_name": one.replace("_", " "), "description": []} for one in VOICES],
            "voice_cloning": [
                {"voice_id": one, "description": [], "created_time": _date(at)} for one, at in self.cloned.items()
            ],
            "voice_generation": [],
        }
        # The lists are called by their type, but for this one.
        names = {"system": "system_voice"}
        return _said({names.get(kind, kind): told for kind, told in known.items() if asked in {kind, "all"}})

    async def images(self, request: Request, seen: Seen) -> Response:
        """Make pictures, at once."""
        body = checked(Images, seen.body)
        for subject in body.subject_reference or []:
            await _ratio(subject.image_file, "subject_reference.0.image_file")
        fault = self._fault(body.prompt)
        task = self.fake.take(uuid4().hex, "images", seen.body, body.prompt)
        task.looks = task.ends_after + 1
        size = small(*SIZES[body.aspect_ratio])
        makes = [partial(jpeg, *size, number) for number in range(body.n)]
        if fault == "hang_up":
            return HangUp()
        if task.end == "moderated":
            raise _refused(1027, "output new_sensitive")
        if body.response_format == "url":
            data = {"image_urls": [self.shelf.link(request, make, "jpeg", "image/jpeg", task.end) for make in makes]}
        else:
            data = {"image_base64": [base64.b64encode(make()).decode() for make in makes]}
        return _said({"id": task.id, "data": data, "metadata": {"success_count": body.n, "failed_count": 0}})

    def _fault(self, prompt: str) -> Fault | None:
        """Raise the fault of this submit, but return one that comes only after the work was taken."""
        fault = self.fake.submit_fault(prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            raise Said(_wrong(self.fake, fault))
        return fault

    def _task(self, task_id: str) -> Task:
        task = self.fake.tasks.get(task_id)
        if task is None or task.kind != "video":
            raise _refused(2013, "invalid params, task_id does not exist")
        return task

    def _check_voice(self, voice: str) -> None:
        if voice not in VOICES and voice not in self.cloned:
            raise Wrong("voice_setting.voice_id", f"{voice} does not exist")

    def _sound_link(self, request: Request, content: bytes, container: str) -> str:
        """Return a link to a sound, which works out as the plan's end says."""
        end = self.fake.plan.end
        return self.shelf.link(request, lambda: content, container, CONTENT_TYPES[cast(Container, container)], end)


async def _pictures(body: Video) -> float:
    """Check the pictures of a film; returns its shape."""
    ratio = 16 / 9
    for subject in body.subject_reference or []:
        await _ratio(subject.image[0], "subject_reference.0.image.0")
    if body.last_frame_image is not None:
        ratio = await _ratio(body.last_frame_image, "last_frame_image")
    if body.first_frame_image is not None:
        ratio = await _ratio(body.first_frame_image, "first_frame_image")
    return ratio


async def _ratio(given: str, field: str) -> float:
    """Return width / height of a picture given as an address or a data URI."""
    try:
        _, content = await from_link(given)
    except ValueError as error:
        raise Wrong(field, str(error)) from error
    return check_still(content, PICTURES, field).ratio


def _spoken_s(text: str) -> float:
    return max(0.5, len(text) / CHARACTERS_PER_S)


def _file_id(task: Task) -> str:
    # A number of its own, from which the task is found again.
    return f"3{task.id}"


def _why(task: Task) -> str:
    return "output new_sensitive" if task.end == "moderated" else "video generation failed"


def _date(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _base(code: int, message: str) -> dict[str, Any]:
    return {"base_resp": {"status_code": code, "status_msg": message}}


def _said(found: Mapping[str, Any], code: int = 0, message: str = "success") -> Response:
    return JSONResponse({**found, **_base(code, message)})


def _refused(code: int, message: str) -> Said:
    return Said(JSONResponse(_base(code, message)))


def _wrong(fake: Fake, fault: Fault) -> Response:
    if fault == "hang_up":
        return HangUp()
    headers = retry_after(fake) if fault in {"rate", "concurrency"} else {}
    return JSONResponse(_base(*FAULTS[fault]), headers=headers)
