"""MiniMax: films as tasks, speech and pictures in the answer itself, cloned voices under ids that we choose.

Wire: MiniMax's API reference. Whatever goes wrong comes as HTTP 200 with a code in `base_resp`; a film that is made is
a file, which has to be asked for its address. The option `group_id` is sent as GroupId, which older accounts need. In
China the `url` is https://api.minimaxi.com. There is no cancelling; a task has no name of ours, so none is sent twice.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Literal, NoReturn
from urllib.parse import urlencode

from rushes.calls import Attachment, VendorCall
from rushes.engines.vendor.contract import (
    Account,
    Content,
    Done,
    Follow,
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

PATHS: Mapping[str, str] = {
    "film": "video_generation",
    "pictures": "image_generation",
    "speech": "t2a_v2",
    "clone": "voice_clone",
    "delete": "delete_voice",
}
"""Where each operation is asked for, below /v1/."""

CODES: Mapping[int, Kind] = {
    1000: "server",  # unknown error
    1001: "server",  # timeout
    1002: "busy",  # requests per minute
    1004: "key",
    1008: "balance",
    1024: "server",
    1026: "moderated",  # what was sent
    1027: "moderated",  # what came out
    1033: "server",
    1039: "busy",  # tokens per minute
    1041: "busy",  # connections
    1042: "invalid",  # too many characters that nobody sees
    1043: "invalid",  # the recording's words are not the text's
    1044: "invalid",
    2013: "invalid",
    2037: "invalid",  # the recording's length
    2038: "access",  # the account is not verified, which cloning needs
    2042: "access",  # the voice belongs to another account
    2045: "busy",  # requests grow too fast
    2048: "invalid",
    2049: "key",
    2056: "balance",  # the plan's quota
    2061: "access",  # the plan lacks the model
    20132: "invalid",  # the recording or the voice
}
"""What each code of `base_resp.status_code` means; any other is unknown, and shown."""

MEMBERS: Mapping[int, str] = {1043: "file_id", 1044: "file_id", 2037: "file_id", 2048: "file_id", 20132: "voice_id"}
"""The member that a code is about, where its message need not say."""

STATUSES: Mapping[int, Kind] = {401: "key", 402: "balance", 403: "access", 429: "busy"}
WAITING = frozenset({"Preparing", "Queueing", "Processing"})
TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "pcm": "audio/pcm"}
_NAME = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_0-9]+)*")
_UNKNOWN_VOICE = re.compile(r"not exist|not found|invalid (?:samples or )?voice", re.IGNORECASE)


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], _name: str) -> Request:
    """Ask for something to be made, or for a voice to be deleted."""
    chosen = {"voice_id": call.voice} if call.voice is not None else {}
    named = {"model": model} if model else {}
    return _request(account, "POST", PATHS[call.operation], body={**named, **body, **chosen})


def accepted(call: VendorCall, response: Response) -> str | Done:
    """Return the task of a film; all else is in the answer."""
    if call.operation == "delete":
        return _deleted(call, response)
    answer = _checked(response, call)
    match call.operation:
        case "film":
            return _text(answer, "task_id")
        case "speech":
            return _speech(call, answer)
        case "clone":
            return _voice(call, answer)
    return _pictures(answer)


def poll(account: Account, ticket: str) -> Request:
    """Ask where a film is."""
    return _request(account, "GET", "query/video_generation", query={"task_id": ticket})


def read(account: Account, _ticket: str, response: Response) -> State:
    """Understand where a film is; one that is made is a file, whose address is asked for next."""
    answer = response.object()
    # Before the code, which then is the task's: what would be said of a look may be asked again, a failed task not.
    if answer.get("status") == "Fail":
        _fail(answer)
    answer = _checked(response)
    if "file" in answer:
        file = answer["file"] if isinstance(answer["file"], dict) else {}
        return Done((Link(_text(file, "download_url")),), {"videos": 1.0})
    word = str(answer.get("status"))
    if word in WAITING:
        return Waiting(word)
    if word == "Success":
        return Follow(_request(account, "GET", "files/retrieve", query={"file_id": _text(answer, "file_id")}))
    raise Trouble("unknown", f"the task's status is {word!r}", code=word)


def upload(account: Account, prepared: Prepared) -> Request:
    """Send a recording of the voice that is to be cloned; the service tells its format by the file's name."""
    suffix = _SUFFIXES.get(prepared.content_type, "mp3")
    file = Part(prepared.content, f"sample.{suffix}", prepared.content_type)
    return _request(account, "POST", "files/upload", form={"purpose": "voice_clone", "file": file})


def uploaded(_prepared: Prepared, response: Response) -> int:
    """Return the file's id, which is a number."""
    file = _checked(response).get("file")
    file_id = file.get("file_id") if isinstance(file, dict) else None
    if not str(file_id).isdigit():
        raise Trouble("unknown", f"it took the recording with {_shown(response)}")
    return int(str(file_id))


def _speech(call: VendorCall, answer: Mapping[str, Any]) -> Done:
    told = answer.get("extra_info") if isinstance(answer.get("extra_info"), dict) else {}
    sound = _text(_part(answer, "data"), "audio")
    content_type = TYPES[call.body["audio_setting"]["format"]]
    count = told.get("usage_characters") if told else None
    usage = {"characters": float(count if isinstance(count, int | float) else len(call.body["text"]))}
    if sound.startswith(("http://", "https://")):
        return Done((Link(sound, content_type=content_type),), usage)
    try:
        return Done((Content(bytes.fromhex(sound), content_type),), usage)
    except ValueError:
        raise Trouble("unknown", f"the sound is no hexadecimal: {sound[:40]!r}") from None


def _voice(call: VendorCall, answer: Mapping[str, Any]) -> Done:
    if answer.get("input_sensitive") is True:
        raise Trouble("moderated", "the recording was refused", code=str(answer.get("input_sensitive_type")))
    usage = {"voices": 1.0, "characters": float(len(call.body["text"]))}
    return Done((Link(_text(answer, "demo_audio")),), usage, profile={"voice_id": call.voice})


def _pictures(answer: Mapping[str, Any]) -> Done:
    """Fewer than asked for are what is left once the service has held some back; none at all is an error."""
    data = _part(answer, "data")
    urls, inline = data.get("image_urls") or [], data.get("image_base64") or []
    found: list[Link | Content] = [Link(str(url)) for url in urls]
    try:
        found += [Content(base64.b64decode(one, validate=True)) for one in inline]
    except (binascii.Error, ValueError, TypeError):
        raise Trouble("unknown", "a picture is no base64") from None
    if not found:
        failed = _part(answer, "metadata").get("failed_count")
        if str(failed).isdigit() and int(str(failed)) > 0:
            raise Trouble("moderated", f"all {failed} pictures were held back")
        raise Trouble("unknown", "there is no picture in the answer")
    return Done(tuple(found), {"pictures": float(len(found))})


def _deleted(call: VendorCall, response: Response) -> Done:
    """A voice that is not there any more is what was wanted: unused ones go by themselves after a week."""
    try:
        _checked(response, call)
    except Trouble as trouble:
        if trouble.kind != "invalid" or not _UNKNOWN_VOICE.search(trouble.text):
            raise
    return Done()


def _fail(answer: Mapping[str, Any]) -> NoReturn:
    """Say why a film failed for good."""
    code, text = _base(answer)
    kind: Kind = CODES.get(code, "unknown") if code else "server"
    if kind in ("moderated", "invalid"):
        raise Trouble(kind, text or "the task failed", code=code)
    # Said of the task, not of the look at it, which would only find the same again.
    raise Trouble(kind, f"the task failed: {text}" if text else "the task failed", code=code or "Fail", member="task")


def _checked(response: Response, call: VendorCall | None = None) -> Mapping[str, Any]:
    """Return the answer. Raises Trouble for a code other than 0; without a `call`, no parameter is a caller's."""
    answer = response.object()
    code, text = _base(answer)
    if code == 0 and response.status < 300:
        return answer
    if not code:
        kind = kind_by(response.status, STATUSES)
        shown = f"it answered {_shown(response)}"
        raise Trouble(kind, shown, code=response.status, retry_after_s=response.retry_after_s)
    kind = CODES.get(code, "unknown")
    if kind == "invalid" and call is None:  # a look's only parameters are the ids that it gave us itself
        kind = "gone"
    member, wait_s = _member(kind, code, text, call), response.retry_after_s
    raise Trouble(kind, text, code=code, member=member, retry_after_s=wait_s)


def _member(kind: Kind, code: int, text: str, call: VendorCall | None) -> str | None:
    """Return the body's member that an error is about, None where that is not to be told."""
    if call is None or kind not in ("invalid", "moderated"):
        return None
    if kind == "moderated":  # said of pictures too: only where there are none is it the words
        words = "text" if "text" in call.body else "prompt"
        return None if _has_files(call.body) else words
    names: list[str] = _NAME.findall(text)
    for name in names:
        for known in (name, name.partition(".")[0]):
            if known in call.fields or known in call.body:
                return known
    return MEMBERS.get(code)


def _has_files(value: Any) -> bool:
    match value:
        case Attachment(form=form):
            return form != "voice"
        case Mapping():
            return any(map(_has_files, value.values()))
        case list() | tuple():
            return any(map(_has_files, value))
    return False


def _base(answer: Mapping[str, Any]) -> tuple[int | None, str]:
    """Return an answer's code and its words; no code where it has none, which is no answer of MiniMax's."""
    base = _part(answer, "base_resp")
    code = str(base.get("status_code"))
    return (int(code) if code.lstrip("-").isdigit() else None), str(base.get("status_msg") or "")


def _part(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = answer.get(name)
    return found if isinstance(found, dict) else {}


def _text(answer: Mapping[str, Any], name: str) -> str:
    """Return a member that must be there, as text."""
    found = answer.get(name)
    if not isinstance(found, str | int) or not str(found):
        raise Trouble("unknown", f"there is no {name} in the answer, but {', '.join(answer) or 'nothing'}")
    return str(found)


def _shown(response: Response) -> str:
    return f"{response.status}, {response.body[:200].decode('utf-8', 'replace')!r}"


def _request(
    account: Account,
    method: Literal["GET", "POST"],
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    form: Mapping[str, str | Part] | None = None,
) -> Request:
    group = {"GroupId": account.options["group_id"]} if "group_id" in account.options else {}
    asked = urlencode({**group, **(query or {})})
    url = f"{account.url}/v1/{path}" + (f"?{asked}" if asked else "")
    return Request(method, url, {"authorization": f"Bearer {account.key}"}, json=body, form=form)


_SUFFIXES = {"audio/mpeg": "mp3", "audio/wav": "wav", "audio/mp4": "m4a"}

VENDOR = Vendor(
    name="minimax",
    title="MiniMax",
    url="https://api.minimax.io",
    options={"group_id": ()},
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    upload=upload,
    uploaded=uploaded,
    pictures=PictureRules(max_bytes=19_000_000, min_side=301, min_ratio=2 / 5, max_ratio=5 / 2),
    sounds=RecordingRules(types=tuple(_SUFFIXES), max_bytes=20_000_000, min_s=10.0, max_s=300.0),
    retired={"T2V-01-live": "MiniMax makes drawings live only from a picture (I2V-01-live); T2V-01 could stand in"},
    pause_s=3.0,
)
