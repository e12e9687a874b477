"""One figure in a scene over time: drawn once for each phase of its cycle, lit, and laid over frames where it is then.

Which figure stands where is `scene`'s choice; where a place of the paper is seen is the stage's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from rushes.engines.animatic.cast import PEOPLE, Role
from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.ink import Sketch, oval
from rushes.engines.animatic.palette import Light
from rushes.engines.animatic.style import Treat

_PHASES = 16  # of a cycle: a walk of a second then changes 16 times, as hand-drawn animation does
MARGIN = 0.06  # of a pasted picture's height, on every side of it
_ROUND = 0.20  # how much brighter and darker than flat a figure's sides are lit
_GREY = 150
_SPARE = 1.12  # drawn this much larger than it stands, for a camera that comes closer
_PERIODS = {"walk": 1.1, "run": 0.66, "dance": 1.5, "jump": 1.3, "wave": 1.1, "swim": 1.6}
_PACES = {"run": 2.4, "drive": 1.0, "walk": 1.0, "fly": 1.0, "swim": 0.7, "float": 0.5}
_LENT = 0.6  # of the scene's tint that a given subject takes on; more would change who it is
_FARTHEST = 0.7  # paper heights that anyone goes in a film: who leaves the frame leaves an empty one
_UNMOVED = (
    "castle",
    "rock",
    "bridge",
    "bottle",
    "shoe",
    "apple",
    "tent",
    "umbrella",
    "bare",
    "cloud",
    "picture",
    "bench",
    "chair",
    "sofa",
    "log",
    "phone",
    "guitar",
    "burger",
    "desk",
)
_STILL = ("", "stand", "sit", "lie", "kiss", "fight", "work", "dance", "jump", "wave")


@dataclass(frozen=True, slots=True)
class Actor:
    """A figure's part: at (`x`, `y`) of the paper (heights; its foot) at half time, a unit of it `size` heights tall.

    `near` is its disparity, `haze` (0..1) how far it has faded; `facing` 1 is right; `offset` shifts its cycle.
    """

    role: Role
    look: Look
    kind: str
    x: float
    y: float
    size: float
    near: float
    action: str = ""
    haze: float = 0.0
    facing: int = 1
    offset: float = 0.0
    picture: Picture | None = None  # what it looks like, instead of a drawing: (H, W, 4), premultiplied
    carried: float | None = None  # how fast who holds it goes, and it with them

    def at(self, seconds: float, length: float, *, loop: bool) -> tuple[float, float, float]:
        """Return (x, y, phase) at a time of a film of `length` seconds."""
        period = _PERIODS.get(self.action, self.role.period_s)
        # Whole cycles in a loop, so that it closes; and nobody gets anywhere, since they would have to come back.
        cycles = max(1, round(length / period)) * seconds / max(length, 1e-6) if loop else seconds / period
        bob = 0.0
        if self.role.home != "ground":
            slow = math.tau * ((round(max(1.0, length / 4.0)) * seconds / max(length, 1e-6)) if loop else seconds / 4.0)
            bob = (0.006 if self.role.home == "water" else 0.02) * self.size * math.sin(slow + 6.0 * self.offset)
        most = _FARTHEST / max(length, 1e-6)
        travel = 0.0 if loop else max(-most, min(most, self.speed)) * (seconds - length / 2)
        up = 0.16 if self.action == "land" else -0.16
        rise = up * self.size * (seconds - length / 2) if self.kind == "rocket" and not loop else 0.0
        return self.x + travel, self.y + bob + rise, (cycles + self.offset) % 1.0

    @property
    def speed(self) -> float:
        """Return how many paper heights it goes a second, to the right."""
        if self.carried is not None:
            return self.carried
        if self.action in _STILL and self.role.home == "ground":
            return 0.0
        if self.kind in PEOPLE and self.action in ("fly", "float", "drive"):
            return 0.0
        return self.facing * self.role.pace * self.size * _PACES.get(self.action, 0.6)


class Sprite:
    """An actor, drawn for a paper of `tall` pixels; equal neighbours in its cycle are drawn only once asked for."""

    def __init__(self, actor: Actor, light: Light, tall: int, treat: Treat | None = None) -> None:
        """`treat` is a style's treatment of a picture (see `style`)."""
        self.actor, self._treat = actor, treat
        self._light = light
        self._unit = max(6, math.ceil(actor.size * tall * _SPARE))
        self._drawn: dict[int, tuple[Picture, tuple[float, float, float, float]]] = {}

    def image(self, phase: float) -> Picture:
        """Return the figure at a phase: (H, W, 4) uint8, premultiplied, without empty margins."""
        return self._at(phase)[0]

    def _at(self, phase: float) -> tuple[Picture, tuple[float, float, float, float]]:
        """Return the image, and which part of its span it is: left, top, right, bottom from 0 to 1."""
        # What has no phases is drawn once, not sixteen times.
        step = 0 if self.actor.kind in _UNMOVED else int(phase * _PHASES) % _PHASES
        if step not in self._drawn:
            image = self._draw(step / _PHASES)
            self._drawn[step] = _trimmed(image if self._treat is None else _treated(image, self._treat))
        return self._drawn[step]

    def corners(self, x: float, y: float, phase: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """Return where the image's left top, right top and left bottom lie on the paper, (3, 2), standing there."""
        from_x, from_y, to_x, to_y = self._at(phase)[1]
        left, bottom, right, top = self.actor.role.span
        if self.actor.facing < 0:
            left, right = -right, -left
        size = self.actor.size
        shares = [(from_x, from_y), (to_x, from_y), (from_x, to_y)]
        points = [(left + (right - left) * a, top + (bottom - top) * b) for a, b in shares]
        return np.array([(x + a * size, y - b * size) for a, b in points], np.float32)

    def _draw(self, phase: float) -> Picture:
        actor = self.actor
        if actor.picture is not None:
            return _relit(_pasted(actor.picture, self._unit), self._light)
        sketch = Sketch(actor.role.span, self._unit)
        left, bottom, right, _ = actor.role.span
        if actor.role.home == "ground" and actor.kind not in ("grass", "cloud") and "portrait" not in actor.kind:
            wide = 0.3 if actor.kind in PEOPLE else 0.42 * min(right, -left) + 0.2
            # Two of them, one in the other: a shadow that is softer at its rim.
            for share in (1.0, 0.72):
                sketch.fill(oval(0.0, 0.0, wide * share, -bottom * 0.8 * share), (16, 20, 34), 0.16)
        actor.role.draw(sketch, phase, actor.action, actor.look)
        image = _lit(sketch.finished(), self._light, actor)
        return np.ascontiguousarray(image[:, ::-1]) if actor.facing < 0 else image


def _trimmed(image: Picture) -> tuple[Picture, tuple[float, float, float, float]]:
    """Return an image without its empty margins but for a pixel, and which part of it that is (see `Sprite`)."""
    tall, wide = image.shape[:2]
    left, top, across, down = cv2.boundingRect(np.asarray(cv2.extractChannel(image, 3), np.uint8))
    if not across or not down:
        return image, (0.0, 0.0, 1.0, 1.0)
    right, bottom = min(left + across + 1, wide), min(top + down + 1, tall)
    left, top = max(left - 1, 0), max(top - 1, 0)
    part = left / wide, top / tall, right / wide, bottom / tall
    return np.ascontiguousarray(image[top:bottom, left:right]), part


def _treated(image: Picture, treat: Treat) -> Picture:
    """Return an image in a style, its outline against a middle grey, which has no ink of its own."""
    cover = image[..., 3:].astype(np.float32) / np.float32(255.0)
    flat = image[..., :3] + (1.0 - cover) * np.float32(_GREY)
    styled = treat(np.ascontiguousarray(flat, dtype=np.uint8))
    return np.concatenate([(styled * cover).astype(np.uint8), image[..., 3:]], axis=2)


def _pasted(picture: Picture, tall: int) -> Picture:
    """Return a subject's own picture, `tall` pixels high, with room around and the shadow that it throws."""
    wide = max(2, round(picture.shape[1] * tall / picture.shape[0]))
    scale = cv2.INTER_AREA if tall < picture.shape[0] else cv2.INTER_CUBIC
    figure = cv2.resize(picture, (wide, tall), interpolation=scale)
    rim = max(2, round(MARGIN * tall))
    canvas = np.zeros((tall + 2 * rim, wide + 2 * rim, 4), np.uint8)
    cv2.ellipse(
        canvas,
        (rim + wide // 2, rim + tall),
        (round(wide * 0.46), max(1, rim * 2 // 3)),
        0,
        0,
        360,
        (6, 8, 14, 110),
        -1,
    )
    canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), max(0.8, rim * 0.22)), np.uint8)
    place = canvas[rim : rim + tall, rim : rim + wide]
    through = 1.0 - figure[..., 3:].astype(np.float32) / 255.0
    place[...] = np.minimum(figure + place * through, 255.0).astype(np.uint8)
    return canvas


def _relit(image: Picture, light: Light) -> Picture:
    """Bring a photographed subject part of the way into the scene's light, and all the way into its print."""
    plain = image.astype(np.float32)
    tint = 1.0 - (0.7 if light.dark else 1.0) * _LENT * (1.0 - np.array(light.tint, np.float32) / 255.0)
    colour = plain[..., :3] * tint
    if light.grey:
        value = colour @ np.array((0.3, 0.59, 0.11), np.float32)
        colour += light.grey * (value[..., None] * np.array(light.toned, np.float32) / 255.0 - colour)
    # No brighter than its cover: colours are premultiplied.
    return np.concatenate([np.clip(colour + 0.5, 0, plain[..., 3:]), plain[..., 3:]], axis=2).astype(np.uint8)


def _lit(image: Picture, light: Light, actor: Actor) -> Picture:
    """Shade a flat figure a little round, tint it, fade it with distance; lamps keep their own light.

    All in bytes, since a figure is lit anew for each phase of its cycle while the film runs.
    """
    flat = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGBA2RGB), np.uint8)
    cover = np.asarray(cv2.extractChannel(image, 3), np.uint8)
    whole = cv2.cvtColor(cover, cv2.COLOR_GRAY2RGB)
    # what the eye looks for is seen a little better than the rest
    tint = (0.78 * np.array(light.tint, np.float32) + 0.22 * 235.0) / 255.0
    levels = np.arange(256, dtype=np.float32)[:, None, None]
    shade = cv2.LUT(cv2.cvtColor(_rounded(cover, light.side * actor.facing), cv2.COLOR_GRAY2RGB), _bytes(levels * tint))
    colour = cv2.min(cv2.multiply(flat, shade, scale=(1.0 + _ROUND) / 255.0), whole)
    if actor.look.glow:
        cv2.copyTo(flat, _lamps(flat), colour)
    faded = actor.haze * light.fade
    if faded:
        haze = cv2.LUT(whole, _bytes(levels * np.array(light.haze, np.float32) / 255.0))
        colour = cv2.addWeighted(colour, 1.0 - faded, haze, faded, 0.0)
    if light.grey:
        value = np.array(light.toned)[:, None] / 255.0 * np.array((0.3, 0.59, 0.11))
        colour = cv2.transform(colour, (1.0 - light.grey) * np.eye(3) + light.grey * value)
    lit = np.empty_like(image)
    cv2.mixChannels([np.asarray(colour, np.uint8), cover], [lit], [0, 0, 1, 1, 2, 2, 3, 3])
    return lit


def _rounded(cover: Picture, side: float) -> Picture:
    """Return how brightly each place of a figure is lit from a side, 255 for 1 + _ROUND; from its outline, (H, W)."""
    tall, wide = cover.shape
    sigma = max(1.0, tall * 0.03)
    step = max(1, round(sigma / 2.0))  # so soft a slope is as good when it is found at a fraction of the size
    small = cv2.resize(cover, (max(1, wide // step), max(1, tall // step)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigma / step)
    slope = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3, scale=tall * 0.03 / (255.0 * step))
    lit = (1.0 + _ROUND * np.clip(-slope * side, -1.0, 1.0)) * (255.0 / (1.0 + _ROUND))
    return np.asarray(cv2.resize(_bytes(lit), (wide, tall), interpolation=cv2.INTER_LINEAR), np.uint8)


def _lamps(flat: Picture) -> Picture:
    """Return where a figure shines by itself: yellow and bright; a mask, (H, W)."""
    yellow = cv2.subtract(cv2.extractChannel(flat, 0), cv2.extractChannel(flat, 2))
    bright = cv2.inRange(flat, (226, 151, 0), (255, 255, 255))
    return np.asarray(cv2.bitwise_and(bright, cv2.compare(yellow, 85, cv2.CMP_GT)), np.uint8)  # type: ignore[call-overload]


def _bytes(plane: Plane) -> Picture:
    return np.asarray(np.clip(plane + 0.5, 0, 255), np.uint8)


def lay(frame: Picture, image: Picture, corners: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    """Lay an image (premultiplied RGBA) over a frame, its left top, right top and left bottom at `corners` (pixels)."""
    tall, wide = frame.shape[:2]
    fourth = corners[1] + corners[2] - corners[0]
    points = np.vstack([corners, fourth])
    left, top = (max(0, math.floor(float(v)) - 1) for v in points.min(axis=0))
    right, bottom = (
        min(limit, math.ceil(float(v)) + 2) for v, limit in zip(points.max(axis=0), (wide, tall), strict=True)
    )
    if right <= left or bottom <= top:
        return
    high, broad = image.shape[:2]
    # From corners to middles of pixels, on both sides.
    source = np.array([(0, 0), (broad, 0), (0, high)], np.float32) - 0.5
    turn = cv2.getAffineTransform(source, (corners - 0.5 - (left, top)).astype(np.float32))
    seen = cv2.warpAffine(image, turn, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    place = frame[top:bottom, left:right]
    open_ = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(seen, 3)), cv2.COLOR_GRAY2RGB)
    cv2.multiply(place, open_, dst=place, scale=1.0 / 255.0)
    cv2.add(place, cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB), dst=place)
