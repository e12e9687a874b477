"""What a server's answers mean where they are no success: whose fault it is, and in whose words.

All four kinds of server are built alike: an HTTP status, and a text under `detail`, `error` or `message` that may name
the member that it dislikes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rushes.engines.vendor.contract import Kind, Response, Trouble, kind_by

CALLERS = frozenset({
    "prompt", "negative_prompt", "seed", "num_inference_steps", "infer_steps", "guidance_scale", "flow_shift",
})  # fmt: skip
"""Members whose values are the caller's; all others are ours, or follow from how the server was started."""

OUT_OF_MEMORY = re.compile(r"out of memory|outofmemory|cuda_error_out_of_memory|insufficient (gpu )?memory", re.I)
MODERATION = re.compile(r"moderat|safety|content.?policy|guardrail|nsfw|inappropriate", re.I)
STRANGE = re.compile(r"extra inputs|not permitted|unexpected|unknown (field|param|member)|unrecognized", re.I)
MODEL = re.compile(r"\bmodel\b.{0,80}(not (exist|found|served|available|loaded)|unknown|unsupported)", re.I | re.S)

NO_PATH = "no such path"
_SHOWN = 400  # characters: a server on one's own machine answers with whole tracebacks


def checked(response: Response) -> Mapping[str, Any]:
    """Return the answer as a JSON object. Raises Trouble for a status above 299, and for what is no object."""
    if response.status >= 300:
        raise trouble_of(response)
    found = response.json()
    if not isinstance(found, dict):
        shown = response.body[:200].decode("utf-8", "replace")
        text = (
            f"it answered {response.status} with {shown!r}; does url lead to the server, and is dialect the right one?"
        )
        raise Trouble("unknown", text, code="no record")
    return found


def taken(response: Response) -> Mapping[str, Any]:
    """Return the answer to a request for a film. Raises Trouble, of code NO_PATH where nothing takes such requests."""
    # 415 is how a version that takes no forms says that the next way is to be tried.
    if response.status in (404, 405, 415) and not MODEL.search(said(response)[0]):
        text = f"it takes no films there ({response.status}): is dialect the right one, and does url lead to its root?"
        raise Trouble("access", text, code=NO_PATH)
    return checked(response)


def trouble_of(response: Response) -> Trouble:
    """Return what an answer that is no success means."""
    text, member = said(response)
    kind = _kind(response.status, text, member)
    if 300 <= response.status < 400:
        text = f"it redirects to {response.headers.get('location', 'nowhere')}; write that address in url"
    elif response.status in (404, 405) and not MODEL.search(text):
        text = f"it knows no such path or task: {text}"
    named = member if kind == "invalid" else None
    return Trouble(kind, text, code=response.status, member=named, retry_after_s=response.retry_after_s)


def failure(error: object) -> Trouble:
    """Return what a task failed of, by its record's `error`: an object with a message, or a text."""
    text = str(error.get("message") or error) if isinstance(error, Mapping) else str(error or "the task failed")
    if MODERATION.search(text):
        return Trouble("moderated", text[:_SHOWN], code="failed")
    return Trouble("server", text[:_SHOWN], code="failed", member="task")


def said(response: Response) -> tuple[str, str | None]:
    """Return an error's words, and the member that it names, if it does."""
    body = response.object()
    found = body.get("detail") or body.get("error") or body.get("message")
    member: object = None
    if isinstance(found, Mapping):
        member, found = found.get("param"), found.get("message") or found.get("detail") or dict(found)
    elif isinstance(found, list) and found and isinstance(found[0], Mapping):
        where = [part for part in found[0].get("loc", ()) if part != "body"]
        member = where[0] if where else None
        found = "; ".join(f"{'.'.join(map(str, one.get('loc', ())))}: {one.get('msg')}" for one in found[:3])
    text = str(found) if found else f"it answered {response.status}: {response.body[:200].decode('utf-8', 'replace')}"
    if not isinstance(member, str):
        member = next((one for one in sorted(CALLERS, key=len, reverse=True) if re.search(rf"\b{one}\b", text)), None)
    return text[:_SHOWN], member if isinstance(member, str) else None


def _kind(status: int, text: str, member: str | None) -> Kind:
    if status in (401, 403):
        return "key" if status == 401 else "access"
    if status in (404, 405):
        return "access" if MODEL.search(text) or status == 405 else "gone"
    if status == 429 or (status == 503 and not OUT_OF_MEMORY.search(text)):  # memory is not there again in a while
        return "busy"
    if kind_by(status, {}) == "server":
        return "server"
    if MODERATION.search(text):
        return "moderated"
    # A member that its version does not know is no fault of the value that the caller gave for it.
    if status in (400, 422) and member in CALLERS and not STRANGE.search(text):
        return "invalid"
    return "access" if STRANGE.search(text) or MODEL.search(text) or "required" in text else "unknown"
