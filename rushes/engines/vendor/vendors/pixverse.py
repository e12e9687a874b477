"""PixVerse: films from text or pictures, transitions, longer films, sound effects and lip sync.

Every answer is an envelope `{ErrCode, ErrMsg, Resp}`, mostly at HTTP 200. Files are uploaded and stand in requests by
their numbers. A task goes out under a trace id made of our name for it: sent again, it brings the task of before and is
not made twice, which is how a task whose answer was lost is found. All other requests have trace ids of their own.
There is no cancelling, and no usage is told: what a request implies is counted. In China the deployment's `url` is
https://app-api.pixverseai.cn. Sources: the vendor's platform documentation; codes as far as it names them.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from rushes.calls import Attachment, Named, VendorCall
from rushes.engines.vendor.contract import (
    Account,
    Done,
    Kind,
    Link,
    Part,
    PictureRules,
    Prepared,
    RecordingRules,
    Request,
    Response,
    State,
    Trouble,
    Vendor,
    Waiting,
    kind_by,
)
from rushes.errors import ModelError

URL = "https://app-api.pixverse.ai"
ROOT = "/openapi/v2"
NAMES = uuid.UUID("9f1c2a57-6f0e-4c55-9d0e-3f4a3d2b7c18")  # of our own trace ids
ANY_VOICE = "Auto"  # is a speaker's id too
VOICES = 100  # on a page: several times as many as there are

MOST_SEED = 2_147_483_647
MOST_TEXT: Mapping[str, int] = {
    "prompt": 2_048,
    "negative_prompt": 2_048,
    "sound_effect_content": 2_048,
    "lip_sync_tts_content": 200,
}
"""Characters of each text."""

WORDS = {2: "pending", 3: "in progress", 5: "running"}  # of a task that is under way; the documents name 5 alone
MADE, DELETED, MODERATED, FAILED = 1, 6, 7, 8

CODES: Mapping[int, Kind] = {
    **dict.fromkeys((10001, 10002, 10003, 10004, 10005), "key"),
    400012: "key",  # invalid account
    **dict.fromkeys((500008, 500064), "gone"),  # not found, deleted
    500020: "access",  # not permitted
    **dict.fromkeys((500030, 500031, 500032, 500033, 500042, 500070, 500071), "invalid"),  # pictures, templates
    **dict.fromkeys((500041, 500100, 99999), "server"),
    **dict.fromkeys((500044, 500069), "busy"),  # too many at once, overloaded
    **dict.fromkeys((500054, 500063), "moderated"),
    500090: "balance",
}
PARAMETERS = range(400_000, 401_000)  # all codes in here speak of parameters
NO_SUCH = 400032  # an id that leads nowhere: of a picture in a request, of a task where one is looked at
STATUSES: Mapping[int, Kind] = {401: "key", 402: "balance", 403: "access", 429: "busy"}
_PARAMETER = re.compile(r"invalid param(?:eter)?s?:?\s+([a-z][a-z0-9_.]*)", re.IGNORECASE)


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], name: str) -> Request:
    """Ask for a film; the trace id is the same however often the same task is sent."""
    whole = {"model": model, **body} if model else dict(body)  # lip sync and sounds have no models
    headers = _headers(account, str(uuid.uuid5(NAMES, name)))
    return Request("POST", f"{_base(account)}/video/{call.operation}/generate", headers, json=whole)


def accepted(call: VendorCall, response: Response) -> str:
    """Return the task's number, with what it will have used."""
    number = _checked(response).get("video_id")
    if not isinstance(number, int | str) or not number:
        raise Trouble("unknown", f"it took the request with {response.body[:200]!r}")
    return json.dumps({"id": number, "usage": usage(call)})


def usage(call: VendorCall) -> dict[str, float]:
    """Count what a request asks for: a video, and its seconds, in all and in its size and mode, which have prices."""
    body = call.body
    if "duration" in body:
        seconds = float(body["duration"])
        mode = "_fast" if body.get("motion_mode") == "fast" else ""
        return {"videos": 1.0, "seconds": seconds, f"seconds_{body['quality']}{mode}": seconds}
    video = body.get("video_media_id")
    seconds = video.duration_s or 0.0 if isinstance(video, Attachment) else 0.0
    return {"videos": 1.0, "seconds": round(seconds, 3)} if seconds else {"videos": 1.0}


def poll(account: Account, ticket: str) -> Request:
    """Ask for the task."""
    return _get(account, f"/video/result/{json.loads(ticket)['id']}")


def read(_account: Account, ticket: str, response: Response) -> State:
    """Understand a task's state."""
    if response.object().get("ErrCode") == NO_SUCH:
        raise Trouble("gone", "the task is not known any more", code=NO_SUCH)
    record = _checked(response)
    match record.get("status"):
        case int() as status if status in WORDS:
            return Waiting(WORDS[status])
        case 1:
            url, seed = record.get("url"), record.get("seed")
            if not isinstance(url, str) or not url:
                raise Trouble("unknown", f"the task is done and has no video: {response.body[:200]!r}")
            return Done((Link(url),), json.loads(ticket)["usage"], seed if isinstance(seed, int) else None)
        case 7:
            raise Trouble("moderated", "what came out did not pass the moderation", code=MODERATED)
        case 8:
            raise Trouble("server", "the task failed", code=FAILED, member="task")
        case 6:
            raise Trouble("gone", "the task was deleted at the vendor", code=DELETED)
        case word:
            raise Trouble("unknown", f"the task's status is {word!r}", code=str(word))


def upload(account: Account, prepared: Prepared) -> Request:
    """Upload a picture, or a video or sound, each to its own place."""
    # The ending that people write, which for these two is another word than the type's.
    suffix = prepared.content_type.rpartition("/")[2].replace("mpeg", "mp3").replace("quicktime", "mov")
    part = Part(prepared.content, f"input.{suffix}", prepared.content_type)
    place, name = ("image", "image") if prepared.attachment.kind == "image" else ("media", "file")
    return Request("POST", f"{_base(account)}/{place}/upload", _headers(account), form={name: part})


def uploaded(prepared: Prepared, response: Response) -> int:
    """Return the upload's number. What is refused is refused at the file's own place."""
    try:
        found = _checked(response)
    except Trouble as trouble:
        if trouble.kind in ("invalid", "moderated"):
            trouble.member = ".".join(str(part) for part in prepared.attachment.loc[1:])
        raise
    number = found.get("img_id" if prepared.attachment.kind == "image" else "media_id")
    if not isinstance(number, int):
        raise Trouble("unknown", f"it took the file with {response.body[:200]!r}")
    return number


def identify(account: Account, _named: Named) -> Request:
    """Ask for the voices that texts are spoken with."""
    return _get(account, f"/video/lip_sync/tts_list?page_num=1&page_size={VOICES}")


def identified(_account: Account, named: Named, response: Response) -> str:
    """Return the id of the voice of this name. Raises ModelError with all names where there is none."""
    listed = _checked(response).get("data")
    voices = {
        str(one.get("name")): str(one.get("speaker_id"))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    }
    if named.name in voices:
        return voices[named.name]
    if named.name == ANY_VOICE:
        return ANY_VOICE
    expected = ", ".join(repr(name) for name in voices)
    msg = f"the service has no voice {named.name!r}; it has {expected or 'none'}"
    raise ModelError("one_of", msg, loc=named.loc, ctx={"expected": expected})


def check(call: VendorCall, _model: str) -> None:
    """Refuse what the vendor is known to refuse: texts that are too long or missing, and seeds beyond its range."""
    for name, most in MOST_TEXT.items():
        text = call.body.get(name, "")
        if len(text) > most:
            msg = f"the text has {len(text)} characters; the service takes at most {most}"
            raise ModelError("string_too_long", msg, loc=_place(call, name), ctx={"max_length": most})
    if call.operation == "text" and not call.body["prompt"].strip():
        msg = "the prompt is empty; the service needs at least one character"
        raise ModelError("string_too_short", msg, loc=_place(call, "prompt"), ctx={"min_length": 1})
    seed = call.body.get("seed", 0)
    if not 0 <= seed <= MOST_SEED:
        what, bound = ("less_than_equal", {"le": MOST_SEED}) if seed > 0 else ("greater_than_equal", {"ge": 0})
        msg = f"the seed is {seed}; the service takes 0 to {MOST_SEED}"
        raise ModelError(what, msg, loc=_place(call, "seed"), ctx=bound)


def _place(call: VendorCall, name: str) -> tuple[str | int, ...]:
    return call.fields.get(name, ("body", name))


def _checked(response: Response) -> Mapping[str, Any]:
    """Return what is in the envelope. Raises Trouble for every code but 0, and for what is no envelope."""
    answer = response.object()
    code, text = answer.get("ErrCode"), str(answer.get("ErrMsg") or f"it answered {response.status}")
    found = answer.get("Resp")
    if code == 0 and isinstance(found, dict):
        return found
    if not isinstance(code, int) or code == 0:
        kind = kind_by(response.status, STATUSES)
        raise Trouble(kind, text, code=response.status, retry_after_s=response.retry_after_s)
    kind = CODES.get(code) or ("invalid" if code in PARAMETERS else "unknown")
    named = _PARAMETER.search(text) if kind == "invalid" else None
    member = named[1] if named else None
    raise Trouble(kind, text, code=code, member=member, retry_after_s=response.retry_after_s)


def _get(account: Account, path: str) -> Request:
    return Request("GET", _base(account) + path, _headers(account))


def _base(account: Account) -> str:
    """Return where the API begins; a base may be written with its version at the end."""
    return account.url.removesuffix(ROOT) + ROOT


def _headers(account: Account, trace: str | None = None) -> dict[str, str]:
    return {"api-key": account.key, "ai-trace-id": trace or str(uuid.uuid4())}


VENDOR = Vendor(
    name="pixverse",
    title="PixVerse",
    url=URL,
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    upload=upload,
    uploaded=uploaded,
    identify=identify,
    identified=identified,
    check=check,
    recovery="resend",
    pictures=PictureRules(max_bytes=20_000_000, max_side=4_000),
    videos=RecordingRules(types=("video/mp4", "video/quicktime"), max_bytes=50_000_000),
    sounds=RecordingRules(types=("audio/mpeg", "audio/wav"), max_bytes=50_000_000, max_s=30.0),
)
