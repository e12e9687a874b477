"""One picture giving way to another: a dissolve, eased, with both cameras still travelling."""

from __future__ import annotations

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.easing import smoothstep
from rushes.engines.animatic.shot import Shot

_BEGINS, _ENDS = 0.42, 0.92  # of the clip: what is to come announces itself, and has a moment to be seen


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
    else:
        frame[...] = cv2.addWeighted(frame, 1.0 - share, incoming, share, 0.0)
