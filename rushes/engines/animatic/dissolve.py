"""One picture giving way to another: a dissolve in linear light, eased, with both cameras still travelling.

For pictures that have nothing in common; those that show the same thing are `morph`'s.
"""

from __future__ import annotations

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.easing import smoothstep
from rushes.engines.animatic.shot import Shot

_BEGINS, _ENDS = 0.42, 0.92  # of the clip: what is to come announces itself, and has a moment to be seen

_STRIP = 24  # rows that are mixed at a time

LIGHT = np.arange(256, dtype=np.float32) ** 2
"""Linear light of each level: a plain square is within a level or two of sRGB's curve in a mix, and a root is cheap."""


def share_at(t: float, begins: float = _BEGINS, ends: float = _ENDS) -> float:
    """Return how much of the new picture is seen at `t`: 0 before, 1 after."""
    return smoothstep((t - begins) / (ends - begins))


def dissolve(frame: Picture, new: Shot | Picture, t: float, share: float) -> None:
    """Mix the new picture into the frame, in place."""
    if isinstance(new, Shot):
        incoming = np.empty_like(frame)
        new.draw(t, incoming)
    else:
        incoming = new
    if share >= 1.0:
        frame[...] = incoming
    elif share > 0.0:
        old, new_one = LIGHT * np.float32(1.0 - share), LIGHT * np.float32(share)
        # In strips that stay in the processor's cache: four bytes for each of a whole frame's would not.
        for top in range(0, len(frame), _STRIP):
            part = frame[top : top + _STRIP]
            light = cv2.add(cv2.LUT(part, old), cv2.LUT(incoming[top : top + _STRIP], new_one))
            darkened(np.asarray(light, dtype=np.float32), part)


def darkened(light: Plane, frame: Picture) -> None:
    """Write linear light, as LIGHT gives it, into the frame as levels; `light` is used up."""
    cv2.convertScaleAbs(cv2.sqrt(light, dst=light), dst=frame)
