"""Google: Veo's films, by the Gemini Developer API or by Vertex AI.

Options of a deployment: `platform` is "gemini" or "vertex" (what a `project` means by itself); `location` is Vertex's
region; `person_generation` and `sound` are what pages on them say. The key is an API key; on Vertex with a `project` it
is an OAuth access token, without one an API key in express mode. Nothing can be cancelled, and no task has a name of
ours, so that one whose answer was lost is never sent again. Sources: the vendor's REST reference, google.rpc's codes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rushes.calls import VendorCall
from rushes.engines.vendor.contract import (
    Account,
    Content,
    Done,
    Kind,
    Link,
    Options,
    Part,
    PictureRules,
    Request,
    Response,
    State,
    Trouble,
    Vendor,
    Waiting,
    kind_by,
)
from rushes.engines.vendor.service_account import bearer

URL = "https://generativelanguage.googleapis.com"
VERTEX = "aiplatform.googleapis.com"
LOCATION = "us-central1"
OPTIONS: Options = {
    "platform": ("gemini", "vertex"),
    "person_generation": ("allow_adult", "dont_allow", "allow_all"),
    "sound": ("off", "on"),
}
LENGTHS: Mapping[str, tuple[int, ...]] = {"veo-2.": (5, 6, 7, 8), "veo-3.": (4, 6, 8)}
"""Seconds that each generation of models makes; the next longer is asked for where a length is not among them."""

CODES: Mapping[str, Kind] = {
    "INVALID_ARGUMENT": "invalid",
    "OUT_OF_RANGE": "invalid",
    "UNAUTHENTICATED": "key",
    "PERMISSION_DENIED": "access",
    "FAILED_PRECONDITION": "access",  # the caller's country, for one; an account without billing says so in words
    "UNIMPLEMENTED": "access",
    "NOT_FOUND": "gone",
    "RESOURCE_EXHAUSTED": "busy",
    **dict.fromkeys(("INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED", "UNKNOWN"), "server"),
    "DATA_LOSS": "server",
}
NUMBERS: Mapping[int, str] = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
    16: "UNAUTHENTICATED",
}
"""An operation's error has a number (google.rpc.Code) where an HTTP answer has a name."""

REASONS: Mapping[str, Kind] = {
    **dict.fromkeys(("API_KEY_INVALID", "ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"), "key"),
    **dict.fromkeys(("CREDENTIALS_MISSING", "ACCOUNT_STATE_INVALID", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "key"),
    **dict.fromkeys(("BILLING_DISABLED", "CONSUMER_SUSPENDED"), "balance"),
    **dict.fromkeys(("SERVICE_DISABLED", "CONSUMER_INVALID", "USER_PROJECT_DENIED", "IAM_PERMISSION_DENIED"), "access"),
    **dict.fromkeys(("API_KEY_SERVICE_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED", "SECURITY_POLICY_VIOLATED"), "access"),
    **dict.fromkeys(("RATE_LIMIT_EXCEEDED", "RESOURCE_QUOTA_EXCEEDED"), "busy"),
}
"""What an error's details (google.rpc.ErrorInfo) say more exactly than its code."""

STATUSES: Mapping[int, Kind] = {401: "key", 403: "access", 404: "access", 429: "busy"}
"""What an answer without an error of Google's own means: it comes from something before it."""

# Words of refusals for what is said or shown, whose code is that of any wrong argument.
MODERATION = ("responsible ai", "sensitive word", "support code", "safety filter", "safety setting", "prohibited use")
BILLING = ("billing", "free tier", "prepay", "credits are depleted")
CHOSEN = ("personGeneration", "sampleCount", "generateAudio")  # by us or the operator, never by the caller
WITHDRAWN = "Google retired Veo 2 in favour of Veo 3 and later ones"

_OPERATION = re.compile(r"(?:[\w:@-][\w.:@-]*/)*operations/[\w:@-][\w.:@-]*")
_MODEL = re.compile(r"\bmodels/([^/]+)/operations/")
_FILE = re.compile(r"/(v\w+/files/[\w-]+:download)")
_NAME = re.compile(r"[A-Za-z0-9][\w.:-]*")


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], _name: str) -> Request:
    """Ask for a film."""
    door = _door(account)
    parameters = {**body["parameters"], "durationSeconds": _seconds(call, model)}
    if "person_generation" in account.options:
        parameters["personGeneration"] = account.option("person_generation", OPTIONS)
    if door.is_vertex and model.startswith("veo-3."):  # which has no default there; the other platform can't be told
        parameters["generateAudio"] = account.option("sound", OPTIONS) == "on"
    whole = {"instances": [_instance(one) for one in body["instances"]], "parameters": parameters}
    return Request("POST", f"{door.root}/models/{model}:predictLongRunning", door.headers, json=whole)


def accepted(call: VendorCall, response: Response) -> str:
    """Return the operation's name, and how long the film will be, which nobody tells later."""
    name = _checked(call, response).get("name")
    if not isinstance(name, str) or not _OPERATION.fullmatch(name):
        raise Trouble("unknown", f"it took the request with {response.body[:200]!r}")
    model = _MODEL.search(name)
    # The operation names the model that was really asked, be it a successor with other lengths.
    seconds = _seconds(call, model[1]) if model else call.body["parameters"]["durationSeconds"]
    return json.dumps({"name": name, "seconds": seconds})


def poll(account: Account, ticket: str) -> Request:
    """Ask for the operation."""
    door, name = _door(account), json.loads(ticket)["name"]
    if not door.is_vertex:
        return Request("GET", f"{door.root}/{name}", door.headers)
    model = _MODEL.search(name)
    if model is None:
        raise Trouble("unknown", f"the operation {name!r} names no model")
    url = f"{door.root}/models/{model[1]}:fetchPredictOperation"
    return Request("POST", url, door.headers, json={"operationName": name})


def read(account: Account, ticket: str, response: Response) -> State:
    """Understand an operation."""
    record = _checked(None, response)
    if not record.get("done"):
        if "name" not in record:
            raise Trouble("unknown", f"it answered {response.status} with {response.body[:200]!r}")
        return Waiting("not done")
    if isinstance(record.get("error"), dict):
        raise _failure(record["error"])
    answer = _members(record, "response")
    made = {**answer, **_members(answer, "generateVideoResponse")}
    results = tuple(_results(account, made))
    if results:
        seconds = float(json.loads(ticket)["seconds"])
        return Done(results, {"seconds": seconds * len(results), "videos": float(len(results))})
    if made.get("raiMediaFilteredCount") or made.get("raiMediaFilteredReasons"):
        told = made.get("raiMediaFilteredReasons")
        reasons = [one for one in told if isinstance(one, str)] if isinstance(told, list) else []
        raise Trouble("moderated", " ".join(reasons) or "the film was withheld; no reason was given")
    raise Trouble("unknown", f"the operation is done and holds no film: {json.dumps(answer)[:200]}", code="done")


@dataclass(frozen=True, slots=True)
class _Door:
    """Where models lie, and what opens it."""

    root: str
    headers: Mapping[str, str]
    is_vertex: bool


def _door(account: Account) -> _Door:
    project, location = account.options.get("project", ""), account.options.get("location", LOCATION)
    for name, word in (("project", project or "none"), ("location", location)):
        if not _NAME.fullmatch(word):
            raise Trouble("here", f"the deployment's option {name} is {word!r}, which is no name of one")
    chosen = account.option("platform", OPTIONS) if "platform" in account.options else ""
    if chosen == "gemini" and project:
        raise Trouble("here", "the deployment's platform is gemini, which knows no project")
    if not (project or chosen == "vertex"):
        return _Door(f"{account.url}/v1beta", {"x-goog-api-key": account.key}, is_vertex=False)
    if not project:  # express mode, where the key tells the project
        base = f"https://{VERTEX}" if account.url == URL else account.url
        return _Door(f"{base}/v1/publishers/google", {"x-goog-api-key": account.key}, is_vertex=True)
    host = VERTEX if location == "global" else f"{location}-{VERTEX}"
    base = f"https://{host}" if account.url == URL else account.url
    root = f"{base}/v1/projects/{project}/locations/{location}/publishers/google"
    return _Door(root, {"authorization": f"Bearer {bearer(account.key, account.now)}"}, is_vertex=True)


def _seconds(call: VendorCall, model: str) -> int:
    """Return the length to ask a model for: as asked, or the next longer that it makes."""
    asked = int(call.body["parameters"]["durationSeconds"])
    lengths = next((some for prefix, some in LENGTHS.items() if model.startswith(prefix)), (asked,))
    return min((one for one in lengths if one >= asked), default=lengths[-1])


def _instance(given: Mapping[str, Any]) -> dict[str, Any]:
    """Spell pictures as they travel: bytes in base64 beside their type."""
    return {
        name: {"bytesBase64Encoded": base64.b64encode(value.content).decode(), "mimeType": value.content_type}
        if isinstance(value, Part)
        else value
        for name, value in given.items()
    }


def _results(account: Account, made: Mapping[str, Any]) -> Iterator[Link | Content]:
    """Yield the films, of either platform."""
    for sample in _objects(made, "generatedSamples"):
        if isinstance(uri := _members(sample, "video").get("uri"), str):
            yield _link(account, uri)
    for video in _objects(made, "videos"):
        if isinstance(text := video.get("bytesBase64Encoded"), str):
            yield Content(_bytes(text), str(video.get("mimeType") or "video/mp4"))
        elif "gcsUri" in video:
            msg = f"the film lies in storage, at {video['gcsUri']}, where this server has no right to read"
            raise Trouble("here", msg, code="gcsUri")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Trouble("unknown", "the film is no base64", code="done") from None


def _link(account: Account, uri: str) -> Link:
    """Return where a film is fetched with the key; Google's own files also by way of the deployment's address."""
    if uri.startswith(f"{URL}/") and (file := _FILE.search(uri)):
        uri = f"{account.url}/{file[1]}?alt=media"
    return Link(uri, _door(account).headers)  # which the loop keeps from every other host


def _failure(error: Mapping[str, Any]) -> Trouble:
    """Say what an operation failed of: it stays failed, however often it is looked at."""
    number = error.get("code")
    code = NUMBERS.get(number, str(number)) if isinstance(number, int) else str(number)
    text = str(error.get("message") or "it gave no reason")
    kind = _kind(code, text, {})
    if kind in ("busy", "gone", "server"):
        return Trouble("server", text, code=code, member="task")
    return Trouble(kind, text, code=code)


def _checked(call: VendorCall | None, response: Response) -> Mapping[str, Any]:
    """Return an answer. Raises Trouble for an error; `call` is the one that is submitted, None afterwards."""
    answer = response.object()
    if response.status < 300:
        return answer
    error = _members(answer, "error")
    if not error:
        kind = kind_by(response.status, STATUSES)
        raise Trouble(kind, f"it answered {response.status}", code=response.status, retry_after_s=_wait_s(response, {}))
    code, text = str(error.get("status") or response.status), str(error.get("message") or "it gave no reason")
    details = _details(error)
    kind, member = _kind(code, text, details), None
    if kind == "gone" and call is not None:
        kind = "retired"  # there is no such model
    if kind == "invalid" and call is not None:
        member = _named(text, (*call.fields, "prompt"))
        # What we or the operator chose is wrong for this account or model, which is no fault of the caller's.
        if member is None and _named(text, CHOSEN):
            kind = "access"
    raise Trouble(kind, text, code=code, member=member, retry_after_s=_wait_s(response, details))


def _kind(code: str, text: str, details: Mapping[str, Any]) -> Kind:
    words = text.lower()
    kind = REASONS.get(str(details.get("reason")), CODES.get(code, "unknown"))
    if kind == "invalid" and any(word in words for word in MODERATION):
        return "moderated"
    if code == "FAILED_PRECONDITION" and any(word in words for word in BILLING):
        return "balance"
    if kind == "busy" and any("PerDay" in one for one in _quotas(details)):
        return "balance"  # what is used up until tomorrow is not waited for
    # A key that is none is an INVALID_ARGUMENT there, and no key at all a PERMISSION_DENIED.
    if kind in ("invalid", "access") and ("api key" in words or "unregistered callers" in words):
        return "key" if "reason" not in details else kind
    return kind


def _details(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of all details; they have different names in each type of them."""
    found: dict[str, Any] = {}
    for one in _objects(error, "details"):
        found |= one
    return found


def _quotas(details: Mapping[str, Any]) -> list[str]:
    return [str(one.get("quotaId")) for one in _objects(details, "violations")]


def _named(text: str, members: tuple[str, ...]) -> str | None:
    """Return the member that a refusal names: the first that stands in it as a word."""
    places = {one: re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text) for one in members}
    found = {one: place.start() for one, place in places.items() if place}
    return min(found, key=lambda one: found[one]) if found else None


def _wait_s(response: Response, details: Mapping[str, Any]) -> float | None:
    """Return how long the vendor wants to be left alone, which it says in one of two places."""
    text = response.headers.get("retry-after") or str(details.get("retryDelay") or "").removesuffix("s")
    return float(text) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text) else None


def _objects(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _members(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


VENDOR = Vendor(
    name="google",
    title="Google",
    url=URL,
    options={**OPTIONS, "project": (), "location": ()},
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    # The vendor takes 20 MB; a whole request may have no more either, in which the picture stands as text.
    pictures=PictureRules(max_bytes=14_000_000, max_side=3_840),
    retired=dict.fromkeys(("veo-2.0-generate-001", "veo-2.0-generate-exp"), WITHDRAWN),
    pause_s=5.0,
    longest_pause_s=15.0,
)
