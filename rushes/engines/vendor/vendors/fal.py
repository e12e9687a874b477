"""fal itself, or another server of this API, for any endpoint: the request goes on as it came.

Wire: the client library's queue protocol (submit, status, result, cancel) and its storage for inputs. A deployment's
`url` is a server that has the queue at /queue and storage at /rest, as ours has; without one it is fal's own hosts.
The model is the endpoint's id, so `models` may send an endpoint's requests to another one of the same schema.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from rushes.calls import VendorCall
from rushes.engines.vendor.contract import (
    Account,
    Content,
    Done,
    Follow,
    Kind,
    Link,
    Prepared,
    Request,
    Response,
    State,
    Then,
    Trouble,
    Vendor,
    Waiting,
    kind_by,
)
from rushes.engines.vendor.whole import addresses

QUEUE, REST = "https://queue.fal.run", "https://rest.fal.ai"
_STATUSES: Mapping[int, Kind] = {401: "key", 402: "balance", 403: "access", 429: "busy"}
_GONE = frozenset({404, 410, 499})  # of a request: expired, or cancelled by somebody with the same key
_BALANCE = ("exhausted balance", "insufficient", "top up")  # a 403 of an empty account says so in words
_NOT_THE_CALLERS = "downstream_service_error"  # which has the status 400 all the same
VOICE = "custom_voice_id"


def submit(account: Account, call: VendorCall, model: str, body: Mapping[str, Any], name: str) -> Request:
    """Ask for the endpoint; a server that knows Idempotency-Key takes a request of the same name once."""
    # A retry behind the queue would make, and perhaps bill, the film twice; whether to try again is decided here.
    headers = {**_headers(account), "idempotency-key": name, "x-fal-no-retry": "1"}
    return Request("POST", f"{_queue(account)}/{model}", headers, json=dict(body))


def accepted(_call: VendorCall, response: Response) -> str:
    """Return the request's addresses, which are all that is needed from here on."""
    answer = _checked(response)
    if not isinstance(answer.get("status_url"), str) or not isinstance(answer.get("response_url"), str):
        raise Trouble("unknown", f"it took the request with {response.body[:200]!r}")
    return json.dumps({name: answer.get(f"{name}_url") for name in ("status", "response", "cancel")})


def poll(account: Account, ticket: str) -> Request:
    """Ask for the status."""
    return _to(account, "GET", json.loads(ticket)["status"])


def cancel(account: Account, ticket: str) -> Request:
    """Ask for the end of it, which counts while it waits, and mostly later too."""
    return _to(account, "PUT", json.loads(ticket)["cancel"])


def read(account: Account, ticket: str, response: Response) -> State:
    """Understand a status. What fails here is the look: a request that failed is COMPLETED too."""
    answer = _looked(response)
    match answer.get("status"):
        case "IN_QUEUE" | "IN_PROGRESS" as word:
            return Waiting(str(word))
        case "COMPLETED" if "response_url" in answer:
            return Follow(_to(account, "GET", json.loads(ticket)["response"]), result)
    if "status" in answer:
        raise Trouble("unknown", f"its status is {str(answer['status'])[:100]!r}")
    raise Trouble("unknown", f"it answered {response.status} with {response.body[:200]!r}")


def result(response: Response) -> Done:
    """Understand a result, which is the endpoint's whole output, or the request's own error under its own status."""
    try:
        answer = _looked(response)
    except Trouble as trouble:
        # A failure that carries the request's id is what became of it; a proxy's has none, and passes.
        if trouble.kind == "server" and "x-fal-request-id" in response.headers:
            trouble.member = "task"
        raise
    if not answer:
        raise Trouble("unknown", f"it answered {response.status} with {response.body[:200]!r}")
    profile = {"voice_id": answer[VOICE]} if isinstance(answer.get(VOICE), str) else None
    files = tuple(_file(url) for url in addresses(answer))
    seed = answer.get("seed")
    return Done(files, {"requests": 1.0}, seed if isinstance(seed, int) else None, profile=profile, value=answer)


def _file(url: str) -> Link | Content:
    """Return where a file lies, or the file itself, as sync_mode has it: some endpoints' usual way."""
    head, comma, text = url.partition(",")
    if not head.startswith("data:") or not comma:
        return Link(url)
    kind, _, spelling = head.removeprefix("data:").partition(";")
    try:
        data = base64.b64decode(text, validate=True) if spelling.endswith("base64") else unquote_to_bytes(text)
    except ValueError:
        raise Trouble("unknown", "a file in its answer is no base64") from None
    return Content(data, kind or None)


def upload(account: Account, prepared: Prepared) -> Request:
    """Ask for a place to put a file."""
    suffix = prepared.content_type.rpartition("/")[2] or "bin"
    body = {"content_type": prepared.content_type, "file_name": f"input.{suffix}"}
    url = f"{_rest(account)}/storage/upload/initiate?storage_type=fal-cdn-v3"
    return Request("POST", url, _headers(account), json=body)


def uploaded(prepared: Prepared, response: Response) -> Then:
    """Put it there."""
    answer = _checked(response)
    to = Request("PUT", str(answer["upload_url"]), {"content-type": prepared.content_type}, content=prepared.content)
    return Then(to, str(answer["file_url"]))


def _looked(response: Response) -> Mapping[str, Any]:
    """Return the answer about a request that was taken. Raises Trouble, "gone" where it is known or wanted no more."""
    try:
        return _checked(response)
    except Trouble as trouble:
        if response.status in _GONE:
            trouble.kind = "gone"
        raise


def _checked(response: Response) -> Mapping[str, Any]:
    """Return the answer. Raises Trouble for every status above 299."""
    if response.status < 300:
        return response.object()
    detail = response.object().get("detail")
    text = detail if isinstance(detail, str) else f"it answered {response.status}"
    if response.status in (400, 422) and isinstance(detail, list) and detail:
        _refuse(detail[0])
    kind = kind_by(response.status, _STATUSES)
    if response.status == 403 and any(word in text.lower() for word in _BALANCE):
        kind = "balance"
    raise Trouble(kind, text, code=response.status, retry_after_s=response.retry_after_s)


def _refuse(problem: Mapping[str, Any]) -> None:
    """Pass on what the caller did wrong, with the place in the request, which is ours too."""
    where = [str(part) for part in problem.get("loc", ["body"])[1:]]
    msg, code = str(problem.get("msg", "")), problem.get("type")
    if code == _NOT_THE_CALLERS:
        raise Trouble("server", msg, code=code, member="task")
    kind: Kind = "moderated" if code == "content_policy_violation" else "invalid"
    raise Trouble(kind, msg, code=code, member=where[0] if where else None)


def _to(account: Account, method: Any, url: str) -> Request:
    """The vendor's own address of a request; the key goes nowhere but to its host."""
    ours = urlsplit(url).netloc == urlsplit(account.url).netloc
    return Request(method, url, _headers(account) if ours else {})


def _headers(account: Account) -> dict[str, str]:
    return {"authorization": f"Key {account.key}"}


def _queue(account: Account) -> str:
    # fal has a host for each part; a server of this API has them below its one address.
    return account.url if account.url == QUEUE else f"{account.url}/queue"


def _rest(account: Account) -> str:
    return REST if account.url == QUEUE else f"{account.url}/rest"


VENDOR = Vendor(
    name="fal",
    title="fal",
    url=QUEUE,
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    cancel=cancel,
    upload=upload,
    uploaded=uploaded,
    pictures=None,  # as they came: the other side crops and scales by the endpoint's own rules
    pause_s=0.5,  # a server of this API may be on the same machine and have short jobs
    longest_pause_s=5.0,
    deadline_s=3_600.0,  # of its queue too, in which nobody knows how long a request waits
)
