"""The older way to set parameters at Ark: flags behind the text, `--resolution 720p --dur 5`.

Only flags at the very end count, as a description before them may hold dashes of its own; an unknown one is text.
"""

from __future__ import annotations

import re
from typing import Any

from rushes.fakes.bodies import Wrong

_NAMES = {
    "resolution": "resolution", "rs": "resolution", "ratio": "ratio", "rt": "ratio", "duration": "duration",
    "dur": "duration", "frames": "frames", "seed": "seed", "camerafixed": "camera_fixed", "cf": "camera_fixed",
    "watermark": "watermark", "wm": "watermark",
}  # fmt: skip
_WHOLE = {"duration", "frames", "seed"}
_BOOL = {"camera_fixed", "watermark"}
_LAST = re.compile(rf"(?:^|\s)--({'|'.join(_NAMES)})\s+(\S+)\s*$")


def flags_of(text: str) -> tuple[str, dict[str, Any]]:
    """Return the text without its flags, and their values by the body's names; Wrong for one that can't be read."""
    found: dict[str, Any] = {}
    while (match := _LAST.search(text)) is not None:
        name = _NAMES[match[1]]
        found.setdefault(name, _value(name, match[2]))  # read from the end: the last one of a name counts
        text = text[: match.start()]
    return text, found


def _value(name: str, text: str) -> Any:
    if name in _WHOLE:
        if re.fullmatch(r"-?\d+", text) is None:
            raise Wrong(name, f"{text!r} is no whole number")
        return int(text)
    if name in _BOOL:
        if text not in {"true", "false"}:
            raise Wrong(name, f"{text!r} is neither true nor false")
        return text == "true"
    return text
