"""LightX2V: tasks under names of ours, the picture as base64, a cancel that really ends the work.

Guidance, noise shift and feature caching are chosen where the server starts. A task is known to the server by the name
that we give it, so that one whose answer was lost is looked up and never made twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rushes.calls import VendorCall
from rushes.engines.server.answers import checked, taken, trouble_of
from rushes.engines.server.contract import COMMON_OPTIONS, Dialect, Way
from rushes.engines.server.jobs import DEADLINE_S, PICTURES, authorization, check_model, root, state_of, ticket_of
from rushes.engines.server.wish import FIXED_GUIDANCE, FIXED_SHIFT, NATIVE, Wish
from rushes.engines.vendor.contract import (
    Account,
    AlreadyTaken,
    Done,
    Link,
    Request,
    Response,
    State,
    Vendor,
)

NAME, TITLE = "lightx2v", "LightX2V"
TASKS = "/v1/tasks"
NATIVE_FPS = 16
"""Told for any film: another rate would have the server make frames between those of the model."""


def body(wish: Wish) -> dict[str, Any]:
    """Return the members but for the picture and the task's name."""
    return {
        "prompt": wish.prompt,
        "negative_prompt": wish.negative_prompt,
        "infer_steps": wish.steps,
        "seed": wish.seed,
        "target_video_length": wish.made,
        "target_fps": NATIVE_FPS,
        "target_shape": [wish.height, wish.width],  # in this order, as its tensors have it
    }


def submit(account: Account, _call: VendorCall, _model: str, members: Mapping[str, Any], name: str) -> Request:
    """Ask for a film under our name; without a path the server would keep no file of it."""
    named = {**members, "task_id": name, "save_result_path": f"{name}.mp4"}
    return Request("POST", f"{root(account)}{TASKS}/video/", authorization(account), json=named)


def accepted(call: VendorCall, response: Response) -> str:
    """Return the task's id."""
    # Only its words tell: the status is 503, as of a server that is busy.
    if b"already exists" in response.body and response.status >= 400:
        raise AlreadyTaken("it has a task of this name")
    record = taken(response)
    check_model(call.model, record.get("model"))
    return ticket_of(record.get("task_id"), response)


def poll(account: Account, ticket: str) -> Request:
    """Ask how far it is."""
    return Request("GET", f"{root(account)}{TASKS}/{ticket}/status", authorization(account))


def read(account: Account, ticket: str, response: Response) -> State:
    """Understand a task's status."""
    record = checked(response)
    link = Link(f"{root(account)}{TASKS}/{ticket}/result", authorization(account), "video/mp4")
    return state_of(record, lambda: Done((link,)))


def cancel(account: Account, ticket: str) -> Request:
    """Stop the task."""
    return Request("DELETE", f"{root(account)}{TASKS}/{ticket}", authorization(account))


def look_up(account: Account, _call: VendorCall, name: str) -> tuple[Request, ...]:
    """Ask for the task by our name for it."""
    return (poll(account, name),)


def found(_call: VendorCall, name: str, response: Response) -> str | None:
    """Return the name if the server knows it."""
    if response.status == 404:
        return None
    if response.status >= 300:
        raise trouble_of(response)
    return name


VENDOR = Vendor(
    name=NAME,
    title=TITLE,
    url="",
    submit=submit,
    accepted=accepted,
    poll=poll,
    read=read,
    cancel=cancel,
    recovery="look up",
    look_up=look_up,
    found=found,
    pictures=PICTURES,
    free=True,
    pause_s=1.0,
    longest_pause_s=5.0,
    deadline_s=DEADLINE_S,
)

DIALECT = Dialect(
    name=NAME,
    title=TITLE,
    ways=(Way(VENDOR, body, "image_path", "base64"),),
    weights=frozenset(NATIVE),
    options={**COMMON_OPTIONS, "shift": (FIXED_SHIFT,), "guidance": (FIXED_GUIDANCE,)},
    fixed=frozenset({"shift", "guidance", "caching"}),
    health=("/v1/service/status",),
)
