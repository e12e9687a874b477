"""The messages of a session on the wire (protocol 5.3), both ways: MessagePack in binary frames, JSON in text ones.

    caller → server   Input           a map, with the caller's `request_id` if there is one
    server → caller   output(…)       the answer to one input: the output's map and its `request_id`
                      timings(…)      how long it took, after each output
                      problem(…)      x-fal-error: why the session ends
                      UNAUTHORIZED    the token is no good

What comes in may be hostile: frames are bounded before they get here, depth and number of values here, the number also
before decoding, since 16 MB of empty lists become a gigabyte. In text, bytes are data URIs. When which message is sent
is `realtime`'s business.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import msgpack  # type: ignore[import-untyped]
from pydantic_core import from_json

MOST_DEPTH = 32
MOST_VALUES = 100_000
_MOST_MARKS = (
    4 * MOST_VALUES
)  # commas and opening brackets of a text; there are no more values, and prompts have some too
_TOO_MUCH = f"the input has more than {MOST_VALUES} values"
_LEAST_INT, _MOST_INT = -(2**63), 2**64 - 1  # what MessagePack can hold; JSON may hold more
_SHOWN = 200

# MessagePack's heads that a length follows: its bytes, other bytes, and values for each of so many items (0: it counts
# bytes); and those that a fixed number of bytes follows.
_LENGTHS = {
    **{0xC4 + i: (1 << i, 0, 0) for i in range(3)},  # bin
    **{0xC7 + i: (1 << i, 1, 0) for i in range(3)},  # ext, with its type
    **{0xD9 + i: (1 << i, 0, 0) for i in range(3)},  # str
    **{0xDC + i: (2 << i, 0, 1) for i in range(2)},  # array
    **{0xDE + i: (2 << i, 0, 2) for i in range(2)},  # map
}
_FIXED = {
    **{0xCA: 4, 0xCB: 8},  # float
    **{0xCC + i: 1 << i for i in range(4)},  # uint
    **{0xD0 + i: 1 << i for i in range(4)},  # int
    **{0xD4 + i: 1 + (1 << i) for i in range(5)},  # ext, with its type
}

Form = Literal["binary", "text"]
Wire = bytes | str
RequestId = str | int | float

UNAUTHORIZED = '{"status":"error","error":"Unauthorized"}'
TIMEOUT, TIMEOUT_REASON = "TIMEOUT", "no inputs, reconnect when needed!"
VALIDATION_ERROR, INTERNAL_ERROR = "VALIDATION_ERROR", "INTERNAL_ERROR"


class BadMessage(Exception):
    """A frame that holds no input; the text says why."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its members without the request id, the caller's own id if they gave one, and how it came."""

    value: Mapping[str, Any]
    request_id: RequestId | None
    form: Form
    size_bytes: int


def read_input(frame: Wire) -> Input:
    """Take a frame apart. Raises BadMessage."""
    value = unpacked(frame) if isinstance(frame, bytes) else _parsed(frame)
    if not isinstance(value, dict):
        raise BadMessage(f"an input is a map of names and values, got {_word(value)}")
    check(value)
    request_id = _repeatable(value.pop("request_id", None))
    return Input(value, request_id, "binary" if isinstance(frame, bytes) else "text", len(frame))


def _repeatable(request_id: object) -> RequestId | None:
    """Return what answers can repeat in either form: JSON has no infinity and no NaN."""
    if isinstance(request_id, float):
        return request_id if isfinite(request_id) else None
    return request_id if isinstance(request_id, str | int) and not isinstance(request_id, bool) else None


def unpacked(frame: bytes) -> Any:
    """Decode MessagePack. Raises BadMessage; what is too much is refused before memory is taken."""
    if declares_more(frame, 2 * MOST_VALUES):  # the names in maps count too
        raise BadMessage(_TOO_MUCH)
    try:
        return msgpack.unpackb(frame, raw=False, strict_map_key=True)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise BadMessage(f"the frame is no MessagePack: {str(error)[:_SHOWN] or type(error).__name__}") from None


def packed(value: Any) -> bytes:
    """Encode as MessagePack; bytes as bin, text as str."""
    frame: bytes = msgpack.packb(value, use_bin_type=True)
    return frame


def check(value: Any) -> None:
    """Refuse what is too deep, too much, or no plain value (extension types). Raises BadMessage. Never recurses."""
    seen, layer, depth = 0, [value], 0
    while layer:
        depth += 1
        if depth > MOST_DEPTH:
            raise BadMessage(f"the input is nested more than {MOST_DEPTH} levels deep")
        inner: list[Any] = []
        for one in layer:
            if isinstance(one, dict):
                if not all(isinstance(name, str) for name in one):
                    raise BadMessage("the names in a map must be text")
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
            elif isinstance(one, int):
                if not _LEAST_INT <= one <= _MOST_INT:
                    raise BadMessage("the input holds a whole number of more than 64 bits")
            elif one is not None and not isinstance(one, str | bytes | float):
                raise BadMessage(f"the input holds a MessagePack extension ({type(one).__name__}); send plain values")
        seen += len(inner)
        if seen > MOST_VALUES:
            raise BadMessage(_TOO_MUCH)
        layer = inner


def output(value: Mapping[str, Any], request_id: RequestId, form: Form) -> Wire:
    """Write the answer to one input in the form in which that came."""
    answer = {**value, "request_id": request_id}
    return packed(answer) if form == "binary" else json.dumps(readable(answer), separators=(",", ":"))


def readable(value: Any, content_type: str = "application/octet-stream") -> Any:
    """Replace bytes by data URIs, of the type that stands beside them."""
    if isinstance(value, bytes):
        return f"data:{content_type};base64,{base64.b64encode(value).decode()}"
    if isinstance(value, dict):
        beside = value.get("content_type")
        kind = beside if isinstance(beside, str) else content_type
        return {name: readable(one, kind) for name, one in value.items()}
    return [readable(one, content_type) for one in value] if isinstance(value, list | tuple) else value


def timings(seconds: float) -> str:
    """Write how long the last answer took."""
    return json.dumps({"type": "x-fal-message", "action": "timings", "timing": round(seconds, 6)})


def problem(code: str, reason: str, **more: Any) -> str:
    """Write why the session ends; `more` members are for people and logs, clients look at these two."""
    known = {name: value for name, value in more.items() if value is not None}
    return json.dumps({"type": "x-fal-error", "error": code, "reason": reason, **known})


def declares_more(frame: bytes, most: int) -> bool:
    """Say whether a MessagePack frame declares more values than that; what is broken in it is the decoder's to tell."""
    at, wanted, declared = 0, 1, 1  # `wanted`: values that are still to come
    while wanted and declared <= most:
        if at >= len(frame):
            return False
        head = frame[at]
        at, wanted, inner = at + 1, wanted - 1, 0
        if 0x80 <= head <= 0x9F:
            inner = (head & 0x0F) * (2 if head < 0x90 else 1)
        elif 0xA0 <= head <= 0xBF:
            at += head & 0x1F
        elif head in _LENGTHS:
            width, more, each = _LENGTHS[head]
            length = int.from_bytes(frame[at : at + width])
            at, inner = at + width + more + (0 if each else length), length * each
        elif head in _FIXED:
            at += _FIXED[head]
        wanted, declared = wanted + inner, declared + inner
    return declared > most


def _parsed(frame: str) -> Any:
    if sum(map(frame.count, ",[{")) > _MOST_MARKS:
        raise BadMessage(_TOO_MUCH)
    try:
        return from_json(frame, allow_inf_nan=False)
    except ValueError as error:
        raise BadMessage(f"the frame is no JSON: {str(error)[:_SHOWN]}") from None


def _word(value: object) -> str:
    words: Mapping[type, str] = {list: "a list", str: "text", bytes: "bytes", bool: "a boolean", type(None): "nothing"}
    return words.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)
