"""Kling: films from text, a picture or several, ready-made scenes and lip sync, for a key "ACCESS:SECRET".

Every request carries a token (JWT, RFC 7519, HS256) made of the key and the time. A model is named "NAME/MODE" as in
"kling-v2-1/pro", since both make the film and its price; where a successor is named without a mode, the mode stays.
A task can be asked for by our own name for it, the `external_task_id`, of which the vendor takes each once. It can't
be cancelled, and nobody is called back. Codes and limits: Kling's API reference, as the model reference has it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from rushes.calls import VendorCall
from rushes.engines.vendor.contract import (
    Account,
    AlreadyTaken,
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
from rushes.errors import ModelError

URL = "https://api-singapore.klingai.com"
LIVES_S = 1_800  # a token
SKEW_S = 5  # a token counts from so long before now, for clocks that differ
PAGE = 500  # tasks on the longest page of the list

WAITING = frozenset({"submitted", "processing"})
CODES: Mapping[int, Kind] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), "key"),
    **dict.fromkeys((1100, 1101, 1102), "balance"),
    1103: "access",
    1200: "invalid",
    1201: "invalid",
    1202: "access",  # no such method: the address is another region's or another service's
    1203: "gone",  # no such task; a submit that gets it asked for a model that isn't there, see `accepted`
    1300: "moderated",
    1301: "moderated",
    1302: "busy",
    1303: "busy",
    1304: "access",  # not from this address
    **dict.fromkeys((5000, 5001, 5002), "server"),
}
NOT_FOUND = frozenset({1202, 1203})
STATUSES: Mapping[int, Kind] = {401: "key", 403: "access", 429: "busy"}
"""What an answer without a code of Kling's own means: it comes from something before it."""

MODERATION = ("risk control", "moderation", "sensitive", "content security", "content policy")
"""What the reason of a failed task says when what came out is not shown."""

LIP_SYNC, EFFECTS = "lip-sync", "effects"
PROMPTED = frozenset({"text2video", "multi-image2video"})  # what takes no empty prompt
NAMED = frozenset({"image2video", "text2video", "multi-image2video", EFFECTS})  # what documents external_task_id

BOTH, SHORT = ("5", "10"), ("5",)
EXTRAS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "kling-v1/std": {"image_tail": SHORT, "masks": SHORT, "camera_control": SHORT},
    "kling-v1/pro": {"image_tail": SHORT, "masks": SHORT},
    "kling-v1-5/std": {},
    "kling-v1-5/pro": {"image_tail": BOTH, "masks": SHORT, "camera_control": SHORT},
    "kling-v1-6/std": {},
    "kling-v1-6/pro": {"image_tail": BOTH},
    "kling-v2-master": {},
    "kling-v2-1/std": {},
    "kling-v2-1/pro": {"image_tail": BOTH},
    "kling-v2-1-master": {},
    "kling-v2-5-turbo/std": {},
    "kling-v2-5-turbo/pro": {"image_tail": BOTH},
}
"""What each model takes beside a prompt and a picture, and for which lengths (the reference's capability map).

A model that is not here is not held to it.
"""
MASKS = ("static_mask", "dynamic_masks")


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], name: str) -> Request:
    """Ask for a task of our name."""
    given = {member: value for member, value in body.items() if member != "cfg_scale" or takes_guidance(model)}
    chosen = _chosen(model, call.model)
    if call.operation == EFFECTS:  # whose model stands within its input; lip sync has none to choose
        given["input"] = {**chosen, **body["input"]}
    elif call.operation != LIP_SYNC:
        given = {**chosen, **given}
    given["external_task_id"] = name
    return Request("POST", f"{account.url}/v1/videos/{call.operation}", _headers(account), json=given)


def accepted(call: VendorCall, response: Response) -> str:
    """Return the task's kind and id, which its address ends with."""
    try:
        return _ticket(call, _checked(response))
    except Trouble as trouble:
        if trouble.kind == "invalid":
            raise _refusal(call, trouble) from None
        if trouble.kind == "gone":
            raise Trouble("retired", trouble.text, code=trouble.code) from None
        raise


def poll(account: Account, ticket: str) -> Request:
    """Ask for the task's state."""
    return _get(account, ticket)


def read(ticket: str, response: Response) -> State:
    """Understand a task's state."""
    data = _checked(response)
    word = data.get("task_status") if isinstance(data, dict) else None
    if word in WAITING:
        return Waiting(str(word))
    if word == "failed":
        raise _failure(ticket, str(data.get("task_status_msg") or "it gave no reason"))
    if word != "succeed":
        raise Trouble("unknown", f"the task's status is {word!r}", code=str(word))
    result = data.get("task_result")
    videos = result.get("videos") if isinstance(result, dict) else None
    found = [one for one in videos or () if isinstance(one, dict) and isinstance(one.get("url"), str)]
    if not found:
        raise Trouble("unknown", "the task succeeded without a video")
    return Done(tuple(Link(one["url"]) for one in found), _usage(found))


def look_up(account: Account, call: VendorCall, name: str) -> tuple[Request, ...]:
    """Ask for a task by our name for it, and for the newest tasks, among which it would be."""
    return (
        _get(account, f"{call.operation}/{quote(name, safe='')}"),
        # The reference documents a look by the vendor's own id; in the list each task stands with our name for it.
        _get(account, f"{call.operation}?pageNum=1&pageSize={PAGE}"),
    )


def found(call: VendorCall, name: str, response: Response) -> str | None:
    """Return the ticket of the task that has our name.

    Lip sync documents no name of ours, so that nothing follows from not finding one: that is a `lost` one.
    """
    try:
        data = _checked(response)
    except Trouble as trouble:
        if trouble.code in NOT_FOUND:
            return None
        raise
    if isinstance(data, dict):
        return _ticket(call, data)
    for one in data if isinstance(data, list) else []:
        info = one.get("task_info") if isinstance(one, dict) else None
        if isinstance(info, dict) and info.get("external_task_id") == name:
            return _ticket(call, one)
    if call.operation not in NAMED:
        raise Trouble("lost", f"{call.operation} tasks can't be asked for by our name for them")
    return None


def check(call: VendorCall, model: str) -> None:
    """Refuse what the model is documented not to take."""
    body = call.body
    if call.operation in PROMPTED and not body["prompt"].strip():
        raise ModelError("value_error", "the prompt is blank; say what is to be seen", loc=_loc(call, "prompt"))
    masks = [member for member in MASKS if member in body]
    if masks and "image_tail" in body:
        msg = "regions that move or stay can't be asked for together with a picture to end on; leave one of them out"
        raise ModelError("value_error", msg, loc=_loc(call, masks[0]))
    extras = EXTRAS.get("/".join(_chosen(model, call.model).values()))
    if extras is None:
        return
    for member in ("image_tail", *MASKS, "camera_control"):
        if member in body:
            _check_extra(call, model, member, extras.get("masks" if member in MASKS else member, ()))


def takes_guidance(model: str) -> bool:
    """Say whether a model takes cfg_scale: those from version 2 on don't."""
    return model.startswith("kling-v1")


def token(account: Account) -> str:
    """Return a signed token of the account's key, that counts from now."""
    access, _, secret = account.key.partition(":")
    if not access or not secret:
        raise Trouble("key", "the key must be the access key and the secret key with a colon between them")
    now = int(account.now)
    claims = {"iss": access, "exp": now + LIVES_S, "nbf": now - SKEW_S}
    said = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{said}.{_text(hmac.new(secret.encode(), said.encode(), hashlib.sha256).digest())}"


def _check_extra(call: VendorCall, model: str, member: str, durations: tuple[str, ...]) -> None:
    if not durations:
        msg = f"{model}, which would serve this, takes no {_loc(call, member)[-1]}; leave it out"
        raise ModelError("feature_not_supported", msg, loc=_loc(call, member))
    duration = call.body.get("duration")
    if duration not in durations:
        msg = f"with {_loc(call, member)[-1]} only {' or '.join(durations)} seconds can be made, not {duration}"
        raise ModelError("value_error", msg, loc=_loc(call, "duration"))


def _chosen(model: str, asked: str) -> dict[str, str]:
    """Return the members that say which model it is to be; the master models know no mode."""
    name, _, mode = model.partition("/")
    if name.endswith("-master"):
        return {"model_name": name}
    mode = mode or asked.partition("/")[2] or "pro"
    return {"model_name": name, "mode": mode}


def _checked(response: Response) -> Any:
    """Return an answer's data. Raises Trouble for every code but 0."""
    answer = response.object()
    code = answer.get("code")
    if code == 0 and response.status < 300:
        return answer.get("data")
    if isinstance(code, int) and code:
        kind = CODES.get(code, "unknown")
        raise Trouble(kind, str(answer.get("message") or ""), code=code, retry_after_s=response.retry_after_s)
    # Whatever stands before it may answer any 5xx for a while: the task that is looked at goes on meanwhile.
    kind = kind_by(response.status, STATUSES)
    raise Trouble(kind, f"it answered {response.status}", code=response.status, retry_after_s=response.retry_after_s)


def _refusal(call: VendorCall, trouble: Trouble) -> Trouble:
    """Find out which member a refusal names; what we chose ourselves is no fault of the request."""
    if _first_named(trouble.text, ["external_task_id"]):
        return AlreadyTaken(trouble.text, trouble.code)
    if _first_named(trouble.text, ["model_name"]):
        return Trouble("retired", trouble.text, code=trouble.code)
    # The longest first: "image_tail" is no word about "image", nor "input.images" one about "input".
    member = _first_named(trouble.text, sorted({*call.fields, *call.body}, key=len, reverse=True))
    return Trouble("invalid", trouble.text, code=trouble.code, member=member)


def _first_named(text: str, members: Iterable[str]) -> str | None:
    """Return the first of the members that stands in the text as a word."""
    return next((one for one in members if re.search(rf"(?<![\w.]){re.escape(one)}(?![\w]|\.\w)", text)), None)


def _failure(ticket: str, reason: str) -> Trouble:
    """Say what a task failed of. Looking at it again tells nothing new."""
    words = reason.lower()
    if any(word in words for word in MODERATION):
        return Trouble("moderated", reason, code="failed")
    # It fails only once it has looked at the film, but it is the film's fault that there is no face to be synced.
    if ticket.startswith(f"{LIP_SYNC}/") and re.search(r"\bfaces?\b", words):
        return Trouble("invalid", reason, code="failed", member="input.video_url")
    return Trouble("server", reason, code="failed", member="task")


def _usage(videos: list[dict[str, Any]]) -> dict[str, float]:
    """Count the films, and their seconds as the vendor tells them."""
    try:
        seconds = sum(float(one["duration"]) for one in videos)
    except (KeyError, TypeError, ValueError):
        return {"videos": float(len(videos))}
    return {"videos": float(len(videos)), "seconds": seconds}


def _ticket(call: VendorCall, data: Any) -> str:
    task_id = data.get("task_id") if isinstance(data, dict) else None
    if not isinstance(task_id, str | int) or not str(task_id):
        raise Trouble("unknown", "it took the task and told no id")
    return f"{call.operation}/{quote(str(task_id), safe='')}"


def _loc(call: VendorCall, member: str) -> tuple[str | int, ...]:
    return call.fields.get(member, ("body", member))


def _get(account: Account, path: str) -> Request:
    return Request("GET", f"{account.url}/v1/videos/{path}", _headers(account))


def _headers(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {token(account)}"}


def _part(value: Mapping[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


VENDOR = Vendor(
    name="kling",
    title="Kling",
    url=URL,
    key_form="ACCESS:SECRET",
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=lambda _account, ticket, response: read(ticket, response),
    recovery="look up",
    look_up=look_up,
    found=found,
    check=check,
    pictures=PictureRules(
        types=("image/jpeg", "image/png"),
        max_bytes=10_000_000,
        min_side=300,
        max_side=4_096,  # more than any film shows
        min_ratio=1 / 2.5,
        max_ratio=2.5,
    ),
    videos=RecordingRules(
        types=("video/mp4", "video/quicktime"), max_bytes=100_000_000, min_s=2, max_s=10, min_side=720, max_side=1_920
    ),
    sounds=RecordingRules(types=("audio/mpeg", "audio/wav", "audio/mp4", "audio/aac"), max_bytes=5_000_000),
    pause_s=3.0,
    longest_pause_s=15.0,
)
