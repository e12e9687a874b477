"""The lifecycle header of uploads and submits: how long a file is kept (protocol 7.7). Pure."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field, ValidationError

HEADERS = (b"x-fal-object-lifecycle", b"x-fal-object-lifecycle-preference")


class Acl(BaseModel):
    """Who may read a file. Only public files are known so far; asking for others must fail, not publish the file."""

    model_config = ConfigDict(extra="ignore")

    default: str = "allow"
    rules: list[object] = Field(default_factory=list)


class Lifecycle(BaseModel):
    """The header's JSON; every member may be missing."""

    model_config = ConfigDict(extra="ignore")

    expiration_duration_seconds: float | None = None
    initial_acl: Acl | None = None


def lifetime_s(header: str | None) -> float | None:
    """Return the seconds a file is to be kept; None (also for 0) means for good.

    Raises ValueError, whose text is for the caller, when the header is malformed or asks for what can't be kept.
    """
    if header is None or not header.strip():
        return None
    try:
        lifecycle = Lifecycle.model_validate_json(header)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'the JSON'}: {first['msg']}") from None
    if lifecycle.initial_acl is not None and (lifecycle.initial_acl.default != "allow" or lifecycle.initial_acl.rules):
        raise ValueError('initial_acl: this server keeps public files only; leave it out or use {"default": "allow"}')
    seconds = lifecycle.expiration_duration_seconds or 0.0
    if seconds < 0 or not math.isfinite(seconds):
        raise ValueError(f"expiration_duration_seconds: {seconds} is not a number of seconds; use 0 to keep the file")
    return seconds or None
