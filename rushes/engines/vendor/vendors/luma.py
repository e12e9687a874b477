"""Luma: Dream Machine's films, reframing and modifying, with the Ray 2 models.

Pictures and videos are taken by address only, so this server must be reachable from outside. A deleted generation is a
cancelled one. Nothing can be found by a name of ours, so that a task whose answer was lost is never sent again. Luma
tells no usage: what a request implies is counted instead. There is no word for moderation either; the reason of a
refusal or failure is read for it. Wire: lumaai 1.21.0; limits: Luma's reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rushes.calls import Attachment, VendorCall
from rushes.engines.vendor.contract import (
    Account,
    Done,
    Kind,
    Link,
    PictureRules,
    RecordingRules,
    Request,
    Response,
    State,
    Trouble,
    Vendor,
    Waiting,
    kind_by,
)
from rushes.errors import Loc, ModelError

URL = "https://api.lumalabs.ai"
ROOT = "/dream-machine/v1"
PATHS = {"video": "video", "modify": "video/modify", "reframe": "video/reframe"}
"""Where each operation is asked for, under `generations`."""

LEAST_PROMPT, MOST_PROMPT = 3, 5_000  # characters
MOST_S: Mapping[str, Mapping[str, float]] = {
    "modify": {"ray-2": 10.0, "ray-flash-2": 15.0},
    "reframe": {"ray-2": 10.0, "ray-flash-2": 30.0},
}
"""Seconds of a video that is given, by operation and model."""

STATUSES: Mapping[int, Kind] = {400: "invalid", 401: "key", 402: "balance", 403: "access", 422: "invalid", 429: "busy"}
MODERATION = ("moderation", "flagged", "no ip is allowed", "content policy", "nsfw")
BALANCE = ("insufficient credit", "not enough credit", "out of credits")
PLACES = (
    ("prompt", "prompt"),
    ("video", "media"),
    ("image", "keyframes"),
    ("frame", "keyframes"),
    ("duration", "duration"),
    ("resolution", "resolution"),
    ("aspect", "aspect_ratio"),
    ("loop", "loop"),
)
"""A word of a refusal, and the member that it speaks of: Luma says only in a sentence what is wrong."""


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], name: str) -> Request:
    """Ask for a generation."""
    url = f"{_base(account)}/generations/{PATHS[call.operation]}"
    return Request("POST", url, _headers(account), json={"model": model, **body})


def accepted(call: VendorCall, response: Response) -> str:
    """Return the generation's id, with what it will have used."""
    found = _checked(response).get("id")
    if not isinstance(found, str) or not found:
        raise Trouble("unknown", f"it took the request with {response.body[:200]!r}")
    return json.dumps({"id": found, "usage": usage(call)})


def usage(call: VendorCall) -> dict[str, float]:
    """Count what a request asks for: one video, and its seconds, in all and by resolution, where it names one."""
    body = call.body
    if call.operation == "video":
        seconds = float(str(body["duration"]).removesuffix("s"))
        return {"videos": 1.0, "seconds": seconds, f"seconds_{body['resolution']}": seconds}
    video = _video(call)
    return {"videos": 1.0} | ({"seconds": round(video.duration_s, 3)} if video.duration_s else {})


def poll(account: Account, ticket: str) -> Request:
    """Ask for the generation."""
    return Request("GET", _generation(account, ticket), _headers(account))


def cancel(account: Account, ticket: str) -> Request:
    """Delete the generation, which ends it."""
    return Request("DELETE", _generation(account, ticket), _headers(account))


def read(_account: Account, ticket: str, response: Response) -> State:
    """Understand a generation's record."""
    if response.status == 404:  # only here: where a generation is asked for, it is the path that is wrong
        raise Trouble("gone", "the generation is not known any more", code=404)
    record = _checked(response)
    match record.get("state"):
        case "queued" | "dreaming" as word:
            return Waiting(str(word))
        case "completed":
            assets = record.get("assets")
            url = assets.get("video") if isinstance(assets, dict) else None
            if not isinstance(url, str):
                raise Trouble("unknown", f"the generation was completed without a video: {response.body[:200]!r}")
            return Done((Link(url),), json.loads(ticket)["usage"])
        case "failed":
            raise _failure(str(record.get("failure_reason") or "the generation failed"))
        case word:
            raise Trouble("unknown", f"the generation's state is {word!r}", code=str(word))


def check(call: VendorCall, model: str) -> None:
    """Refuse prompts and videos whose length the vendor is known to refuse."""
    prompt, place = call.body.get("prompt"), call.fields.get("prompt", ("body", "prompt"))
    if prompt is None and call.operation == "video" and "keyframes" not in call.body:
        raise _too_short("", place)
    if prompt is not None and len(prompt) < LEAST_PROMPT:
        raise _too_short(prompt, place)
    if prompt is not None and len(prompt) > MOST_PROMPT:
        msg = f"the prompt has {len(prompt)} characters; the service takes at most {MOST_PROMPT}"
        raise ModelError("string_too_long", msg, loc=place, ctx={"max_length": MOST_PROMPT})
    most_s = MOST_S.get(call.operation, {}).get(model)
    seconds = _video(call).duration_s if most_s else None
    if most_s and seconds and seconds > most_s:
        msg = f"the video is {seconds:.2f} s long; {model} takes at most {most_s:g} s"
        raise ModelError("video_duration_too_long", msg, loc=_video(call).loc, ctx={"max_duration": most_s})


def _too_short(prompt: str, place: Loc) -> ModelError:
    msg = f"the prompt has {len(prompt)} characters; the service needs at least {LEAST_PROMPT}"
    return ModelError("string_too_short", msg, loc=place, ctx={"min_length": LEAST_PROMPT})


def _video(call: VendorCall) -> Attachment:
    found = call.body["media"]["url"]
    assert isinstance(found, Attachment)
    return found


def _failure(reason: str) -> Trouble:
    """Say what a generation failed of, by its reason; it stays failed, however often it is looked at."""
    said = reason.lower()
    if any(word in said for word in MODERATION):
        return Trouble("moderated", reason, code="failed")
    if "cancelled" in said or "canceled" in said:  # by somebody with the same account, not by a failure there
        return Trouble("gone", reason, code="failed")
    return Trouble("server", reason, code="failed", member="task")


def _checked(response: Response) -> Mapping[str, Any]:
    """Return the answer. Raises Trouble for every status above 299."""
    if response.status < 300:
        return response.object()
    detail = response.object().get("detail")
    # A list of places and words is about the body's shape; Luma's own checks say a sentence.
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        text, member = str(detail[0].get("msg", "")), _named(detail[0].get("loc"))
    else:
        text = detail if isinstance(detail, str) else f"it answered {response.status}"
        member = next((member for word, member in PLACES if word in text.lower()), None)
    kind = kind_by(response.status, STATUSES)
    said = text.lower()
    if kind in ("invalid", "access") and any(word in said for word in BALANCE):
        kind = "balance"
    elif kind == "invalid" and any(word in said for word in MODERATION):
        kind = "moderated"
    caller = kind in ("invalid", "moderated")
    raise Trouble(
        kind, text, code=response.status, member=member if caller else None, retry_after_s=response.retry_after_s
    )


def _named(loc: Any) -> str | None:
    """Return the member that a refusal's place is in; of keyframes, which of them."""
    parts = [str(part) for part in loc[1:]] if isinstance(loc, list) else []
    return ".".join(parts[:2]) if parts[:1] == ["keyframes"] else next(iter(parts), None)


def _generation(account: Account, ticket: str) -> str:
    return f"{_base(account)}/generations/{json.loads(ticket)['id']}"


def _base(account: Account) -> str:
    """Return where the API begins; a base may be written with its version at the end, as Luma's pages have it."""
    return account.url.removesuffix(ROOT) + ROOT


def _headers(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.key}"}


VENDOR = Vendor(
    name="luma",
    title="Luma",
    url=URL,
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    cancel=cancel,
    check=check,
    pictures=PictureRules(),
    videos=RecordingRules(max_bytes=100_000_000),
    retired={
        "ray-1-6": "Luma switched the first Dream Machine models off after 2025; ray-flash-2 and ray-2 came after"
    },
)
