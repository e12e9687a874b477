"""Servers of video jobs: a film is asked for at one path, and its record, content and cancel lie below another.

Three of the four kinds of server have this shape, whose words are those of OpenAI's videos. What differs (where a film
is asked for, whether as a form, how long that takes) are parameters.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rushes.calls import VendorCall
from rushes.engines.server.answers import checked, failure, taken
from rushes.engines.vendor.contract import (
    Account,
    Content,
    Done,
    Link,
    Part,
    PictureRules,
    Request,
    Response,
    State,
    Trouble,
    Vendor,
    Waiting,
)

ROOT = "/v1/videos"
PICTURES = PictureRules(types=("image/png",), max_bytes=64 * 1024 * 1024)
"""The picture goes as it will be filmed: cropped, scaled to the film's size, without loss."""

WAITING = frozenset({"queued", "pending", "in_progress", "processing", "running"})
DONE = "completed"
ENDED = {
    "failed": "failed",
    "error": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "deleted": "cancelled",
}
PLACEHOLDERS = frozenset({"", "default", "sora-2"})
"""What some servers call their model where nobody told them its name."""

DEADLINE_S = 3_600.0  # of a film of the largest weights on one device, and some waiting behind others


def video_jobs(
    name: str,
    title: str,
    *,
    create: str = ROOT,
    form: Callable[[Mapping[str, Any]], bool] = lambda _body: True,
    blocking: bool = False,
    named: bool = False,
) -> Vendor:
    """Return such a server as the loop knows vendors.

    A film is asked for at `create`, as a form where `form(body)` says so, else as JSON; `blocking` where the answer
    comes when the film is made; `named` where a request may name the model.
    """
    return Vendor(
        name=name,
        title=title,
        url="",
        submit=partial(submit, create, form, named),
        accepted=accepted,
        poll=poll,
        read=read,
        cancel=cancel,
        recovery="resend",
        pictures=PICTURES,
        free=True,
        submit_s=DEADLINE_S if blocking else None,
        pause_s=1.0,
        longest_pause_s=5.0,
        deadline_s=DEADLINE_S,
    )


def submit(  # noqa: PLR0917
    create: str,
    form: Callable[[Mapping[str, Any]], bool],
    named: bool,
    account: Account,
    _call: VendorCall,
    model: str,
    body: Mapping[str, Any],
    _name: str,
) -> Request:
    """Ask for a film."""
    whole = {"model": model, **body} if named else body
    url, headers = root(account) + create, authorization(account)
    return (
        Request("POST", url, headers, form=as_form(whole))
        if form(whole)
        else Request("POST", url, headers, json=dict(whole))
    )


def accepted(call: VendorCall, response: Response) -> str | Done:
    """Return the record's id, or the film where the answer holds it or is it."""
    # Three ways to have answered: the film, a record with the film in it, a record of a job; versions differ.
    if response.status == 200 and response.headers.get("content-type", "").startswith("video/"):
        return Done((Content(response.body, "video/mp4"),))
    record = taken(response)
    check_model(call.model, record.get("model"))
    if (found := _inline(record)) is not None:
        return Done((found,))
    if record.get("status") == "failed":
        raise failure(record.get("error"))
    return ticket_of(record.get("id"), response)


def poll(account: Account, ticket: str) -> Request:
    """Ask for the record."""
    return Request("GET", f"{root(account)}{ROOT}/{ticket}", authorization(account))


def cancel(account: Account, ticket: str) -> Request:
    """Delete the job, which ends it."""
    return Request("DELETE", f"{root(account)}{ROOT}/{ticket}", authorization(account))


def read(account: Account, ticket: str, response: Response) -> State:
    """Understand a record."""
    record = checked(response)
    return state_of(
        record, lambda: Done((Link(f"{root(account)}{ROOT}/{ticket}/content", authorization(account), "video/mp4"),))
    )


def state_of(record: Mapping[str, Any], done: Callable[[], Done]) -> State:
    """Return the state that a record's status word means. Raises Trouble for how it failed, and for unknown words."""
    word = str(record.get("status") or record.get("task_status")).lower()  # LightX2V says task_status
    if word in WAITING:
        return Waiting(word, share_of(record.get("progress")))
    if word == DONE:
        return done()
    if (end := ENDED.get(word)) == "failed":
        raise failure(record.get("error"))
    if end is not None:
        raise Trouble("server", f"the task was {word} at the server", code=word, member="task")
    # Of the task: the next look would find the same word.
    raise Trouble("unknown", f"the task's status is {word[:100]!r}", code=word[:100], member="task")


def share_of(progress: object) -> float | None:
    """Return percent as a share, None where the server doesn't tell: it says 0 all the way then."""
    if isinstance(progress, int | float) and not isinstance(progress, bool) and 0 < progress <= 100:
        return progress / 100
    return None


def check_model(wanted: str, told: object) -> None:
    """Refuse a server that says that it has other weights; where either name is no id, nothing can be said."""
    if not isinstance(told, str) or told in PLACEHOLDERS or "/" not in told or "/" not in wanted:
        return
    if last_part(told) != last_part(wanted):
        raise Trouble("access", f"it serves {told}, and the deployment's model is {wanted}", code="other model")


def last_part(model: str) -> str:
    """Return a model's own name, whoever published it and wherever it lies."""
    return model.rstrip("/").rpartition("/")[2].lower()


def ticket_of(found: object, response: Response) -> str:
    """Return a task's id. Raises Trouble where it is none, or none that may stand in a path."""
    # It becomes a part of paths that are asked with the key: no slash, no query.
    if not isinstance(found, str) or not found or not all(char.isalnum() or char in "-_.:" for char in found):
        raise Trouble("unknown", f"it took the request with {response.body[:200]!r}, which has no id", code="no id")
    return found


def as_form(body: Mapping[str, Any]) -> Mapping[str, str | Part]:
    """Return a body as a form: truths and nested values as JSON spells them."""
    return {member: value if isinstance(value, Part) else _text(value) for member, value in body.items()}


def root(account: Account) -> str:
    """Return where the server's paths begin; the address may be written with the version, as clients want it."""
    return account.url.removesuffix("/v1")


def authorization(account: Account) -> dict[str, str]:
    """Return the header that carries the key, where there is one."""
    return {"authorization": f"Bearer {account.key}"} if account.key else {}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value or " "  # an empty part counts as none, and the weights' own default would be taken instead
    return json.dumps(value)


def _inline(record: Mapping[str, Any]) -> Content | None:
    """Return a film that is in the answer itself, as some blocking servers give it."""
    data = record.get("data")
    found = data[0].get("b64_json") if isinstance(data, list) and data and isinstance(data[0], dict) else None
    if not isinstance(found, str):
        return None
    try:
        return Content(base64.b64decode(found, validate=True), "video/mp4")
    except binascii.Error as error:
        raise Trouble("unknown", f"the film in its answer is no base64: {error}", code="no film") from None
