"""Decart: Lucy's films, by its queue of jobs.

Bodies are multipart, and the key opens the results too. Jobs can't be cancelled and have no name of ours, so that one
whose answer was lost is never sent again. What the vendor charges for is not told with a job; a film of these models
has five seconds. Errors are a status and a `detail`: sources are the vendor's SDK and, for words, the pretended vendor.
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
from rushes.errors import ModelError

URL = "https://api.decart.ai"
SECONDS = 5.0  # of every film that is made of a picture
LONGEST_PROMPT = 1_000  # characters
WAITING = frozenset({"pending", "processing"})
OF_FILMS = re.compile(r"lucy-(\w+-v2v|restyle-.*|vton-.*|latest|[2-9](\.\d+)?)")
OF_NOTHING = re.compile(r"lucy-(\w+-(t2v|t2i|i2i)|image-.*)")
WITHDRAWN = "Decart withdrew its models that film a picture; those of its current SDK take a film, or make a picture"
STATUSES: Mapping[int, Kind] = {
    400: "invalid",
    401: "key",
    402: "balance",
    403: "access",
    404: "gone",
    410: "gone",
    413: "invalid",
    422: "invalid",
    429: "busy",
}
MODERATION = ("moderat", "content policy", "nsfw", "unsafe", "safety")


def submit(account: Account, _call: VendorCall, model: str, body: Mapping[str, Any], _name: str) -> Request:
    """Ask for a job."""
    form: dict[str, str | Part] = {
        name: value if isinstance(value, Part) else str(value) for name, value in body.items()
    }
    return Request("POST", f"{account.url}/v1/jobs/{quote(model, safe='')}", _headers(account), form=form)


def accepted(_call: VendorCall, response: Response) -> str:
    """Return the job's id."""
    try:
        found = _checked(response).get("job_id")
    except Trouble as trouble:
        if trouble.kind == "gone":  # there is no job yet: the 404 is the model's, which stands in the path
            raise Trouble("retired", trouble.text, code=trouble.code) from None
        raise
    if not isinstance(found, str) or not found:
        raise Trouble("unknown", f"it took the request with {response.body[:200]!r}")
    return found


def poll(account: Account, ticket: str) -> Request:
    """Ask for the job."""
    return Request("GET", _job(account, ticket), _headers(account))


def read(account: Account, ticket: str, response: Response) -> State:
    """Understand a job's state."""
    record = _checked(response)
    match record.get("status"):
        case str(word) if word in WAITING:
            return Waiting(word)
        case "completed":
            link = Link(f"{_job(account, ticket)}/content", _headers(account))
            return Done((link,), {"seconds": SECONDS, "videos": 1.0})
        case "failed":
            raise _failure(record)
        case word:
            raise Trouble("unknown", f"the job's status is {word!r}", code=str(word))


def check(call: VendorCall, model: str) -> None:
    """Refuse a prompt that the vendor takes no more of, and a successor that can't film a picture."""
    prompt = call.body["prompt"]
    if not prompt.strip():
        msg = "the prompt is blank; say what is to be seen"
        raise ModelError("string_too_short", msg, loc=("body", "prompt"), ctx={"min_length": 1})
    if len(prompt) > LONGEST_PROMPT:
        msg = f"the prompt has {len(prompt)} characters; at most {LONGEST_PROMPT} are taken here"
        raise ModelError("string_too_long", msg, loc=("body", "prompt"), ctx={"max_length": LONGEST_PROMPT})
    if OF_FILMS.fullmatch(model) or OF_NOTHING.fullmatch(model):
        raise Trouble("here", f"{model}, which models names as a successor, makes no film of a picture")


def _failure(record: Mapping[str, Any]) -> Trouble:
    """Say what a job failed of: it stays failed, however often it is looked at."""
    text = str(record.get("error") or "it gave no reason")
    if _is_moderated(text):
        return Trouble("moderated", text, code="failed")
    return Trouble("server", text, code="failed", member="task")


def _checked(response: Response) -> Mapping[str, Any]:
    """Return an answer. Raises Trouble for every status above 299."""
    if response.status < 300:
        return response.object()
    text, member = _said(response.object().get("detail"))
    text = text or f"it answered {response.status}"
    kind = kind_by(response.status, STATUSES)
    if kind in ("invalid", "access") and _is_moderated(text):
        kind, member = "moderated", None
    if response.status == 413:  # said by what stands before the API, which knows no members; only the picture is large
        member = "data"
    member = member if kind == "invalid" else None
    raise Trouble(kind, text, code=response.status, member=member, retry_after_s=response.retry_after_s)


def _said(detail: Any) -> tuple[str, str | None]:
    """Return an error's words and the member that it names: "prompt: too long", or a list with places in it."""
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        place = detail[0].get("loc")
        where = [str(part) for part in place if part != "body"] if isinstance(place, list) else []
        return str(detail[0].get("msg") or ""), where[0] if where else None
    text = detail if isinstance(detail, str) else ""
    named = re.match(r"(prompt|data|seed|resolution)\b", text)
    return text, named[1] if named else None


def _is_moderated(text: str) -> bool:
    return any(word in text.lower() for word in MODERATION)


def _job(account: Account, ticket: str) -> str:
    return f"{account.url}/v1/jobs/{quote(ticket, safe='')}"


def _headers(account: Account) -> dict[str, str]:
    return {"x-api-key": account.key}


VENDOR = Vendor(
    name="decart",
    title="Decart",
    url=URL,
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    check=check,
    pictures=PictureRules(max_bytes=20_000_000, max_side=2_048),  # far more than the film's 1280x704
    retired=dict.fromkeys(("lucy-dev-i2v", "lucy-pro-i2v"), WITHDRAWN),
    longest_pause_s=10.0,
)
