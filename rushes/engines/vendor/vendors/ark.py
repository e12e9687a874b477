"""Ark: Seedance's films, by ModelArk (BytePlus) or, in China, by Ark (Volcengine).

Options of a deployment: `region = "china"` for Volcengine's address and names of models, `style = "old"` for parameters
as flags behind the text, as they were once sent, and `service_tier = "flex"` for the vendor's cheaper and slower tier.
A task that waits can be cancelled, a running one can't. Tasks have no name of ours, so that one whose answer was lost
is never sent again. Codes: the vendor's reference; of several only the name is documented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rushes.calls import VendorCall
from rushes.engines.vendor.contract import (
    Account,
    Done,
    Kind,
    Link,
    Options,
    PictureRules,
    Request,
    Response,
    State,
    Trouble,
    Vendor,
    Waiting,
    kind_by,
)
from rushes.errors import ModelError

URL = "https://ark.ap-southeast.bytepluses.com"
CHINA = "https://ark.cn-beijing.volces.com"
ROOT = "/api/v3"
OPTIONS: Options = {
    "region": ("international", "china"),
    "style": ("new", "old"),
    "service_tier": ("default", "flex"),
}
MOST_SEED = 2**32 - 1
FLAGS = {
    "resolution": "resolution",
    "duration": "duration",
    "camera_fixed": "camerafixed",
    "seed": "seed",
    "ratio": "ratio",
    "watermark": "watermark",
}
"""The flag of each member, in the order in which they stand behind the text."""

_MEMBERS = {flag: name for name, flag in FLAGS.items()}
_FLAG = re.compile(
    r"--(?=\s*(?:resolution|rs|ratio|rt|duration|dur|frames|framepersecond|fps|seed|camerafixed|cf|watermark|wm)\b)",
    re.IGNORECASE,
)

CODES: Mapping[str, Kind] = {
    **dict.fromkeys(("InvalidParameter", "MissingParameter", "InvalidArgumentError", "InvalidImageURL"), "invalid"),
    **dict.fromkeys(("AuthenticationError", "InvalidApiKey"), "key"),
    **dict.fromkeys(("AccountOverdueError", "SetLimitExceeded", "InferenceLimitExceeded"), "balance"),
    **dict.fromkeys(("AccessDenied", "OperationDenied", "ModelNotOpen", "UnsupportedModel"), "access"),
    **dict.fromkeys(("InvalidEndpointOrModel", "InvalidEndpoint", "InvalidAccountStatus"), "access"),
    **dict.fromkeys(("RateLimitExceeded", "QuotaExceeded", "ServerOverloaded", "RequestBurstTooFast"), "busy"),
    **dict.fromkeys(("InternalServiceError", "ServiceUnavailable"), "server"),
    "ResourceNotFound": "gone",
}
"""By what stands before the first point of a code; `RateLimitExceeded` has longer names by what was exceeded too."""

STATUSES: Mapping[int, Kind] = {401: "key", 403: "access", 429: "busy"}
SENSITIVE = ("SensitiveContentDetected", "RiskDetection")
WITHDRAWN = "ByteDance withdrew Seedance 1.0 lite in 2026 in favour of seedance-1-0-pro and later ones"


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], name: str) -> Request:
    """Ask for a film. Nothing in a caller's text counts as a flag, or it could raise the price behind our back."""
    whole = {"model": _model_name(account, model), **body, "content": [_harmless(part) for part in body["content"]]}
    if account.option("style", OPTIONS) == "old":
        whole = _flagged(whole)
    if "service_tier" in account.options:
        whole["service_tier"] = account.option("service_tier", OPTIONS)
    return Request("POST", _tasks(account), _headers(account), json=whole)


def accepted(_call: VendorCall, response: Response) -> str:
    """Return the task's id."""
    found = _checked(response).get("id")
    if not isinstance(found, str) or not found:
        raise Trouble("unknown", f"it took the request with {response.body[:200]!r}")
    return found


def poll(account: Account, ticket: str) -> Request:
    """Ask for the task."""
    return Request("GET", f"{_tasks(account)}/{ticket}", _headers(account))


def cancel(account: Account, ticket: str) -> Request:
    """Take a task back that still waits; a running one goes on, and is paid."""
    return Request("DELETE", f"{_tasks(account)}/{ticket}", _headers(account))


def read(_account: Account, _ticket: str, response: Response) -> State:
    """Understand a task's record."""
    record = _checked(response)
    match record.get("status"):
        case "queued" | "running" as word:
            return Waiting(str(word))
        case "succeeded":
            return _done(record, response)
        case "failed":
            raise _failure(_members(record, "error"))
        case "cancelled":
            raise Trouble("gone", "the task was cancelled at the vendor", code="cancelled")
        case "expired":
            raise Trouble("slow", "the task waited longer than the vendor lets one wait", code="expired")
        case word:
            raise Trouble("unknown", f"the task's status is {word!r}", code=str(word))


def check(call: VendorCall, _model: str) -> None:
    """Refuse a seed that the vendor has no number for."""
    seed = call.body.get("seed")
    if isinstance(seed, int) and not -1 <= seed <= MOST_SEED:
        what, bound = ("less_than_equal", {"le": MOST_SEED}) if seed > 0 else ("greater_than_equal", {"ge": -1})
        msg = f"the seed is {seed}; the service takes -1 (any) to {MOST_SEED}"
        raise ModelError(what, msg, loc=call.fields.get("seed", ("body", "seed")), ctx=bound)


def _done(record: Mapping[str, Any], response: Response) -> Done:
    url = _members(record, "content").get("video_url")
    if not isinstance(url, str):
        raise Trouble("unknown", f"the task succeeded without a video: {response.body[:200]!r}")
    tokens, seed = _members(record, "usage").get("completion_tokens"), record.get("seed")
    usage = {"tokens": float(tokens)} if isinstance(tokens, int | float) else {}
    return Done((Link(url),), usage, seed if isinstance(seed, int) else None)


def _failure(error: Mapping[str, Any]) -> Trouble:
    """Say what a failed task failed of: it stays failed, however often it is looked at."""
    code, text = str(error.get("code") or ""), str(error.get("message") or "the task failed")
    # Without a code it is the vendor's own failure; a code that is not known is shown instead of taken for one.
    found = _trouble(code, text, "", 500 if not code else 200)
    if found.kind in ("server", "busy"):  # which a look would be taken again for
        found.member = "task"
    return found


def _checked(response: Response) -> Mapping[str, Any]:
    """Return the answer. Raises Trouble for every status above 299."""
    if response.status < 300:
        return response.object()
    error = _members(response.object(), "error")
    text = str(error.get("message") or f"it answered {response.status}")
    found = _trouble(str(error.get("code") or ""), text, str(error.get("param") or ""), response.status)
    found.retry_after_s = response.retry_after_s
    raise found


def _trouble(code: str, text: str, param: str, status: int) -> Trouble:
    """Say what a code means, or the status where the code is none that is known."""
    shown: str | int = code or status
    if any(word in code for word in SENSITIVE):
        member = {"InputText": "content.text", "InputImage": "content.image_url"}.get(code.partition("Sensitive")[0])
        return Trouble("moderated", text, code=shown, member=member)
    name = code.partition(".")[0]
    kind = CODES.get(name) or ("busy" if name.endswith("RateLimitExceeded") else None)
    if kind == "access" and "Overdue" in code:  # OperationDenied.ServiceOverdue, a debt under the name of a right
        kind = "balance"
    kind = kind or kind_by(status, STATUSES)
    return Trouble(kind, text, code=shown, member=_member(param) if kind == "invalid" else None)


def _member(param: str) -> str | None:
    """Return the body's member that a refusal names, be it as a member or as a flag behind the text."""
    flag = param.rpartition("--")[2] if "--" in param else ""
    return _MEMBERS.get(flag, flag) or param or None


def _harmless(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of the content in which no text reads as a flag."""
    return {**part, "text": _FLAG.sub("–", part["text"])} if part.get("type") == "text" else part


def _flagged(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with its parameters as flags behind the text."""
    flags = " ".join(f"--{flag} {_spelled(body[name])}" for name, flag in FLAGS.items() if name in body)
    said = [part["text"] for part in body["content"] if part["type"] == "text"]
    rest = [part for part in body["content"] if part["type"] != "text"]
    text = {"type": "text", "text": " ".join([*said, flags])}
    return {**{name: value for name, value in body.items() if name not in FLAGS}, "content": [text, *rest]}


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _model_name(account: Account, model: str) -> str:
    """Return a model as the region calls it; an inference endpoint of the operator's own has the same id everywhere."""
    own = model.startswith(("doubao-", "ep-"))
    return f"doubao-{model}" if account.option("region", OPTIONS) == "china" and not own else model


def _tasks(account: Account) -> str:
    """Return where tasks are; a base may be written with the API's version at its end, as the pages have it."""
    base = account.url.removesuffix(ROOT)
    base = CHINA if account.option("region", OPTIONS) == "china" and base == URL else base
    return f"{base}{ROOT}/contents/generations/tasks"


def _headers(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.key}"}


def _members(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


VENDOR = Vendor(
    name="ark",
    title="Ark",
    url=URL,
    options=OPTIONS,
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    cancel=cancel,
    check=check,
    # Two pictures of the largest size, as text, stay below the 64 MB that a whole request may have.
    pictures=PictureRules(max_bytes=20_000_000, min_side=300, max_side=6_000, min_ratio=0.4, max_ratio=2.5),
    retired={f"seedance-1-0-lite-{task}-{date}": WITHDRAWN for task in ("i2v", "t2v") for date in ("250219", "250428")},
)
