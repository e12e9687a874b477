"""Pictures from a StillsCall: each another view of what the prompt says, with the subject set into it if there is one.

A subject's picture is filmed from another place for each still, in a light that the prompt suggests; without one the
scene itself is drawn anew. Writing them to files is left to others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from rushes.calls import StillsCall
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.scene import draw_scene
from rushes.engines.animatic.shot import cropped
from rushes.engines.animatic.style import treatment
from rushes.engines.animatic.views import loaded
from rushes.engines.engine import Cancelled, Pictures, Progress

_SUBJECT = 0.74  # of the frame's height
_STEP = 7919  # between the seeds of one call's pictures: neighbouring seeds of two calls share none of theirs


def stills(call: StillsCall, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Pictures:
    """Give `count` pictures, drawn when they are asked for."""
    if cancelled():
        raise Cancelled
    return Pictures(_drawn(call, progress, cancelled))


def _drawn(call: StillsCall, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Iterator[Picture]:
    subject = loaded(call.image) if call.image is not None else None
    for number in range(call.count):
        if cancelled():
            raise Cancelled
        seed = call.seed + number * _STEP
        picture, _ = draw_scene(call.prompt, seed, call.width, call.height)
        if subject is not None:
            picture = _composed(picture, subject, call.prompt, seed)
        progress(Progress(number + 1, call.count, "pictures"))
        yield np.ascontiguousarray(picture)


def _composed(scene: Picture, subject: Picture, prompt: str, seed: int) -> Picture:
    """Set the subject before the scene, feathered, off to one side, in the prompt's light."""
    dice = np.random.default_rng([seed % 2**63, 1])
    tall, wide = scene.shape[:2]
    side = round(_SUBJECT * min(tall, wide) * dice.uniform(0.94, 1.06))
    high = min(tall, round(side * 1.2))
    part = treatment(None, prompt, 0.35)(np.ascontiguousarray(cropped(subject, side, high)))
    if dice.random() < 0.5:
        part = part[:, ::-1]
    left = round((wide - side) * dice.uniform(0.2, 0.8))
    top = tall - high
    mask = _oval(side, high)
    place = scene[top:, left : left + side]
    place[...] = place + (part.astype(np.float32) - place) * mask[..., None]
    return scene


def _oval(width: int, height: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return a soft vignette: 1 inside, 0 well before the edges at left, top and right, open at the bottom."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across = np.abs(x / max(width - 1, 1) - 0.5) * 2.0
    down = np.clip(1.0 - y / max(height - 1, 1) * 1.6, 0.0, 1.0)
    away = np.hypot(across, down)
    mask = np.clip((0.98 - away) / 0.30, 0.0, 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(1.0, width / 60)) * mask, dtype=np.float32)
