"""Two pictured subjects that come together: cut out of their pictures, they hug, kiss or stand behind one heart.

Only where both stand out from their grounds without doubt (`cutout`); else the pictures themselves are drawn together
(`board`, `effect`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from rushes.calls import AnimaticCall
from rushes.engines.animatic.cutout import lifted
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.easing import ease, smoothstep, there_and_back
from rushes.engines.animatic.hearts import heart, rising

_TALL, _WIDE = 0.86, 0.50  # of the frame, at most, for each of the two
# How far apart they are at last: their heads, in what these reach towards each other; for the heart, all of them.
_REACH = {"hug": 0.96, "kiss": 0.88, "heart_gesture": 0.98}
_LEAN = {"hug": 0.07, "kiss": 0.10, "heart_gesture": 0.04}  # radians, towards each other
_HEAD, _CHEEK = 0.42, 0.75  # of a figure, from above: what is its head; from below: how high cheeks meet


@dataclass(frozen=True, slots=True)
class Player:
    """One of the two, (H, W, 4) premultiplied at the size it is seen; `home` and `near`: the middle's x in pixels."""

    figure: Picture
    home: float
    near: float


def is_for_two(call: AnimaticCall) -> bool:
    """Say whether the call is such an effect, with two pictures and nothing else that would have to be seen."""
    alone = call.image is None and call.end_image is None and call.video is None and not call.style
    return alone and call.effect in _REACH and len(call.pictures) == 2


def pair_of(call: AnimaticCall, pictures: list[Picture]) -> Pair | None:
    """Return the two as players, or None where one of them can't be cut out."""
    figures = [lifted(picture) for picture in pictures]
    if figures[0] is None or figures[1] is None:
        return None
    return Pair(call, (figures[0], figures[1]), pictures)


class Pair:
    """A view (`views`) of two who come together, over the blurred meeting of their own grounds."""

    def __init__(self, call: AnimaticCall, figures: tuple[Picture, Picture], pictures: list[Picture]) -> None:
        """Scale both to the frame and lay the ground."""
        self._call, self._scene = call, str(call.effect)
        size = call.width, call.height
        self._ground = _ground(pictures, *size)
        sized = [_sized(figure, *size) for figure in figures]
        apart = min(self._apart(sized), 0.5 * call.width)  # never farther than where they began
        self._players = [
            Player(figure, call.width * (0.5 + side * 0.25), call.width / 2 + side * apart / 2)
            for side, figure in zip((-1, 1), sized, strict=True)
        ]

    def _apart(self, sized: list[Picture]) -> float:
        """Return how far their middles are from each other at last, in pixels."""
        reach = _REACH[self._scene]
        if self._scene == "heart_gesture":
            return reach * float(sized[0].shape[1] + sized[1].shape[1]) / 2
        heads = _reaches(sized[0], 1) + _reaches(sized[1], -1)
        # Who leans from the feet brings the head along.
        brought = _CHEEK * math.sin(_LEAN[self._scene]) * (len(sized[0]) + len(sized[1]))
        return reach * heads + brought

    def draw(self, index: int, frame: Picture) -> None:
        """Write the frame at its time."""
        frames = self._call.frames
        t = there_and_back(index / frames) if self._call.loop else index / max(frames - 1, 1)
        near = ease(t / 0.6) if self._scene != "kiss" else 0.6 * ease(t / 0.5) + 0.4 * smoothstep((t - 0.5) / 0.25)
        frame[...] = self._ground
        held = smoothstep((t - 0.45) / 0.25)
        for side, player in zip((-1, 1), self._players, strict=True):
            x = player.home + (player.near - player.home) * near
            sway = 0.02 * held * math.sin(math.tau * 1.5 * (t - 0.45))
            # Towards each other: the left one to the right.
            lean = sway - side * _LEAN[self._scene] * near
            _stand(frame, player.figure, x, lean)
        self._hearts(frame, t, held)

    def close(self) -> None:
        """Nothing is held open."""

    def _hearts(self, frame: Picture, t: float, held: float) -> None:
        tall, wide = frame.shape[:2]
        if self._scene == "heart_gesture":
            beat = 1.0 + 0.08 * max(0.0, math.sin(math.tau * 4.0 * t)) ** 3
            heart(frame, (wide / 2, 0.66 * tall), 0.15 * min(tall, wide) * held * beat, (255, 72, 112))
        if self._scene != "hug":
            rising(frame, t, 0.45, (wide / 2, 0.5 * tall), self._call.seed)


def _sized(figure: Picture, width: int, height: int) -> Picture:
    tall, wide = figure.shape[:2]
    scale = min(_TALL * height / tall, _WIDE * width / wide)
    size = (max(2, round(wide * scale)), max(2, round(tall * scale)))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    # Straight colour would bleed at the rim; all of this is premultiplied and stays so.
    sized = np.asarray(cv2.resize(figure, size, interpolation=method), dtype=np.uint8)
    sized[..., :3] = np.minimum(sized[..., :3], sized[..., 3:])
    return sized


def _reaches(figure: Picture, side: int) -> float:
    """Return how far a figure's head reaches from the figure's middle to a side (1 right, -1 left), in pixels."""
    head = figure[: max(1, round(_HEAD * len(figure))), :, 3] > 128
    columns = np.flatnonzero(head.any(axis=0))
    if not len(columns):
        return float(figure.shape[1]) / 2
    edge = float(columns[-1] + 1 if side > 0 else columns[0])
    return side * (edge - float(figure.shape[1]) / 2)


def _ground(pictures: list[Picture], width: int, height: int) -> Picture:
    """Let the colour that each picture has around its subject flow into the other's, a little darker at the rims."""
    left, right = (np.median(picture[: max(1, len(picture) // 12)].reshape(-1, 3), axis=0) for picture in pictures)
    across = np.linspace(-1.0, 1.0, width)[None, :, None]
    share = 0.5 + 0.5 * np.tanh(2.2 * across)
    down = np.linspace(-1.0, 1.0, height)[:, None, None]
    light = 1.0 - 0.16 * np.clip((across**2 + down**2) / 2.0, 0.0, 1.0)
    dither = np.random.default_rng(3).uniform(0.0, 1.0, (height, width, 1))  # or the slope would show its steps
    return np.asarray(np.clip((left + (right - left) * share) * light + dither, 0, 255), dtype=np.uint8)


def _stand(frame: Picture, figure: Picture, x: float, lean: float) -> None:
    """Lay a figure over the frame, its feet on the lower edge and its middle at `x`, leaning about its feet."""
    height, width = frame.shape[:2]
    tall, wide = figure.shape[:2]
    slack = math.ceil(abs(math.sin(lean)) * tall + 2)
    left, right = max(0, math.floor(x - wide / 2) - slack), min(width, math.ceil(x + wide / 2) + slack)
    top = max(0, height - tall - math.ceil(abs(math.sin(lean)) * wide) - 2)
    if right - left < 1:
        return
    cos, sin = math.cos(lean), math.sin(lean)
    drop = abs(sin) * wide / 2  # so that a leaning bust does not lift off the edge
    foot, ground = (wide / 2, float(tall)), (x - left, height - top + drop)
    turn = np.array(
        [
            [cos, -sin, ground[0] - cos * foot[0] + sin * foot[1]],
            [sin, cos, ground[1] - sin * foot[0] - cos * foot[1]],
        ]
    )
    seen = cv2.warpAffine(figure, turn, (right - left, height - top), flags=cv2.INTER_LINEAR)
    part = frame[top:, left:right]
    rest = cv2.bitwise_not(np.ascontiguousarray(seen[..., 3]))
    under = cv2.multiply(part, cv2.merge([rest, rest, rest]), scale=1.0 / 255.0)
    part[...] = cv2.add(under, np.ascontiguousarray(seen[..., :3]))
