"""Alibaba Model Studio (DashScope): Wan's films.

Options of a deployment: `region` is "international" (Singapore) or "china" (Beijing), each with keys of its own; a
workspace's host is the deployment's `url`. `prompt_extend` is "on" or "off": whether the vendor rewrites prompts. A
task that waits can be cancelled. Tasks have no name of ours, so that one whose answer was lost is never sent again.
Codes: the vendor's reference, and its list of errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

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

URL = "https://dashscope-intl.aliyuncs.com"
CHINA = "https://dashscope.aliyuncs.com"
ROOT = "/api/v1"
SYNTHESIS = "services/aigc/video-generation/video-synthesis"
OPTIONS: Options = {"region": ("international", "china"), "prompt_extend": ("on", "off")}
MOST_SEED = 2**31 - 1
LONGEST_PROMPT = 800  # characters
BRIEF = ("wan2.1", "wanx2.1", "wan2.2")  # models that are known to take no longer one
SMALLER = {"resolution": "720P", "size": "1280*720"}
SMALL = ("wan2.1", "wanx2.1")  # models that make no 1080P, and are asked for this instead
LENGTHS = (
    "video_duration",
    "output_video_duration",
    "duration",
)  # what usage calls the film's seconds; newer models last
WAITING = frozenset({"PENDING", "RUNNING", "SUSPENDED"})

CODES: Mapping[str, Kind] = {
    **dict.fromkeys(("InvalidParameter", "InvalidURL", "InvalidFile", "BadRequest"), "invalid"),
    **dict.fromkeys(("InvalidApiKey", "invalid_api_key"), "key"),
    **dict.fromkeys(("Arrearage", "AllocationQuota", "CommodityNotPurchased"), "balance"),
    **dict.fromkeys(("PrepaidBillOverdue", "PostpaidBillOverdue"), "balance"),
    **dict.fromkeys(("AccessDenied", "Model", "Workspace", "APIConnection"), "access"),
    **dict.fromkeys(("ModelNotFound", "model_not_found"), "retired"),
    **dict.fromkeys(("DataInspectionFailed", "data_inspection_failed", "IPInfringementSuspect"), "moderated"),
    **dict.fromkeys(("FaqRuleBlocked", "CustomRoleBlocked"), "moderated"),
    **dict.fromkeys(("Throttling", "LimitRequests", "limit_requests"), "busy"),
    **dict.fromkeys(("InternalError", "InternalServerError", "SystemError", "ServiceUnavailable"), "server"),
    **dict.fromkeys(("ModelUnavailable", "ModelServiceFailed", "ModelServingError", "RequestTimeOut"), "server"),
}
"""By what stands before the first point of a code: `Throttling.RateQuota`, `InvalidParameter.DataInspection`."""

STATUSES: Mapping[int, Kind] = {401: "key", 403: "access", 404: "access", 429: "busy"}
CHOSEN = ("model", *(f"parameters.{one}" for one in ("resolution", "size", "duration", "prompt_extend", "watermark")))
"""Members that no field of ours stands for: to have them refused is no fault of the caller's."""


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], _name: str) -> Request:
    """Ask for a film. Without the extra header the vendor would make it while we hold the line."""
    parameters = dict(body["parameters"])
    if model.startswith(SMALL):
        parameters |= {name: value for name, value in SMALLER.items() if name in parameters}
    if "prompt_extend" in account.options:
        parameters["prompt_extend"] = account.option("prompt_extend", OPTIONS) == "on"
    whole = {"model": model, "input": body["input"], "parameters": parameters}
    headers = {**_headers(account), "x-dashscope-async": "enable"}
    return Request("POST", f"{_base(account)}/{SYNTHESIS}", headers, json=whole)


def accepted(call: VendorCall, response: Response) -> str:
    """Return the task's id."""
    found = _members(_checked(call, response), "output").get("task_id")
    if not isinstance(found, str) or not found:
        raise Trouble("unknown", f"it took the request with {response.body[:200]!r}")
    return found


def poll(account: Account, ticket: str) -> Request:
    """Ask for the task."""
    return Request("GET", f"{_base(account)}/tasks/{quote(ticket, safe='')}", _headers(account))


def cancel(account: Account, ticket: str) -> Request:
    """Take a task back that still waits; a running one goes on, and is paid."""
    return Request("POST", f"{_base(account)}/tasks/{quote(ticket, safe='')}/cancel", _headers(account))


def read(_account: Account, _ticket: str, response: Response) -> State:
    """Understand a task's record."""
    record = _checked(None, response)
    output = _members(record, "output")
    match output.get("task_status"):
        case str(word) if word in WAITING:
            return Waiting(word)
        case "SUCCEEDED":
            return _done(output, _members(record, "usage"))
        case "FAILED":
            raise _failure(output)
        case "CANCELED":
            raise Trouble("gone", "the task was cancelled at the vendor", code="CANCELED")
        case "UNKNOWN":
            raise Trouble("gone", "the task is not known; records are kept for a day", code="UNKNOWN")
        case word:
            raise Trouble("unknown", f"the task's status is {word!r}", code=str(word))


def check(call: VendorCall, model: str) -> None:
    """Refuse a prompt or a seed beyond what the vendor takes, and a model of the wrong sort."""
    prompt, seed = call.body["input"]["prompt"], call.body["parameters"].get("seed")
    is_pictured = "img_url" in call.body["input"]
    if ("-t2v" if is_pictured else "-i2v") in model:
        raise Trouble("here", f"{model}, which models names, makes films {'without' if is_pictured else 'of'} pictures")
    if not is_pictured and not prompt.strip():
        msg = "the prompt is blank; say what is to be seen"
        raise ModelError("string_too_short", msg, loc=("body", "prompt"), ctx={"min_length": 1})
    if len(prompt) > LONGEST_PROMPT and model.startswith(BRIEF):
        msg = f"the prompt has {len(prompt)} characters; at most {LONGEST_PROMPT} are taken here"
        raise ModelError("string_too_long", msg, loc=("body", "prompt"), ctx={"max_length": LONGEST_PROMPT})
    if seed is not None and not 0 <= seed <= MOST_SEED:
        what, bound = ("less_than_equal", {"le": MOST_SEED}) if seed > 0 else ("greater_than_equal", {"ge": 0})
        msg = f"the seed is {seed}; the service takes 0 to {MOST_SEED}, and -1 for any"
        raise ModelError(what, msg, loc=("body", "seed"), ctx=bound)


def _done(output: Mapping[str, Any], told: Mapping[str, Any]) -> Done:
    url = output.get("video_url")
    if not isinstance(url, str):
        raise Trouble("unknown", "the task succeeded without a video", code="SUCCEEDED")
    seconds = next((told[name] for name in LENGTHS if name in told), None)
    units = {"seconds": seconds, "videos": told.get("video_count")}
    usage = {unit: float(amount) for unit, amount in units.items() if isinstance(amount, int | float)}
    prompt = output.get("actual_prompt")
    return Done((Link(url),), usage, prompt=prompt if isinstance(prompt, str) else None)


def _failure(output: Mapping[str, Any]) -> Trouble:
    """Say what a failed task failed of: it stays failed, however often it is looked at."""
    code, text = str(output.get("code") or "FAILED"), str(output.get("message") or "it gave no reason")
    kind = "server" if code == "FAILED" else _kind(code)
    if kind in ("busy", "server"):
        return Trouble("server", text, code=code, member="task")
    return Trouble(kind, text, code=code)


def _checked(call: VendorCall | None, response: Response) -> Mapping[str, Any]:
    """Return an answer. Raises Trouble for an error; `call` is the one that is submitted, None afterwards."""
    answer = response.object()
    if response.status < 300:
        return answer
    code, wait_s = answer.get("code"), response.retry_after_s
    if not isinstance(code, str) or not code:
        kind = kind_by(response.status, STATUSES)
        raise Trouble(kind, f"it answered {response.status}", code=response.status, retry_after_s=wait_s)
    kind, text = _kind(code), str(answer.get("message") or "")
    if kind == "invalid" and call is not None:
        raise _refusal(call, code, text)
    raise Trouble(kind, text, code=code, retry_after_s=wait_s)


def _kind(code: str) -> Kind:
    if code == "Model.NotFound":
        return "retired"
    return CODES.get(code.partition(".")[0], "unknown")


def _refusal(call: VendorCall, code: str, text: str) -> Trouble:
    """Find out which member a refusal names; what we chose ourselves is no fault of the request."""
    if re.search(r"\bmodel\b.*\bnot (exist|found)", text, re.IGNORECASE):
        return Trouble("retired", text, code=code)
    names = {**dict.fromkeys(CHOSEN), **{one: one for one in call.fields}}
    named = {one: place.start() for one in names if (place := re.search(rf"(?<![\w.]){re.escape(one)}(?!\w)", text))}
    if not named:
        return Trouble("invalid", text, code=code)
    member = names[min(named, key=lambda one: named[one])]
    return Trouble("invalid" if member else "access", text, code=code, member=member)


def _base(account: Account) -> str:
    """Return where the API is; a base may be written with the API's version at its end, as the pages have it."""
    base = account.url.removesuffix(ROOT)
    base = CHINA if account.option("region", OPTIONS) == "china" and base == URL else base
    return f"{base}{ROOT}"


def _headers(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.key}"}


def _members(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


VENDOR = Vendor(
    name="dashscope",
    title="Alibaba Model Studio",
    url=URL,
    options=OPTIONS,
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    cancel=cancel,
    check=check,
    # 10 MB are taken, and not said whether of the file or of the text that it becomes. A picture of 5.5:1 has both
    # sides within the limits; a longer one is cropped to that.
    pictures=PictureRules(
        types=("image/jpeg", "image/png", "image/bmp", "image/webp"),
        max_bytes=7_400_000,
        min_side=360,
        max_side=2_000,
        min_ratio=1 / 5.5,
        max_ratio=5.5,
    ),
    pause_s=3.0,
    longest_pause_s=15.0,
)
