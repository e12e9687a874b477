"""Where a face is in a picture, found without learned weights: skin, two dark eyes, a mouth, and what lies between.

A hand-made template of a face's parts is slid over a pyramid of small pictures. It finds one upright face that looks
more or less at the camera, photographed or drawn, and rather misses one than invents one. Who uses it decides how sure
to be. Moving a mouth is `lips`' job.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane

Row = npt.NDArray[np.float64]  # (2,): x, y
Values = npt.NDArray[Any]  # (H, W) or (H, W, C), as OpenCV gives them

_SIDE = 320  # the largest picture searched; a face of a twentieth of that is found
_APART = 10  # pixels between the eyes in every level of the pyramid: the template's unit
_TRIED = 8  # places of a level that are looked at closely
_STEP = 1.13  # from one level to the next; the parts' boxes forgive half of it
_SURE = 0.52  # scores below this are bushes, rocks and wine bottles
_ENOUGH = 0.9  # score of a face beyond doubt

# Proportions of a face in distances between the eyes, after the artists' canon (Loomis): chin, hairline, cheeks.
_CHIN, _HAIR, _SIDEWAYS, _LIPS = 1.85, 1.05, 1.12, 1.08


@dataclass(frozen=True, slots=True)
class Face:
    """A face in pixels of its picture. `box`: left, top, right, bottom from hairline to chin; `confidence` 0..1.

    `eyes`: centres of the eye on the picture's left and of the other one, x then y; `mouth`: its centre; `mouth_width`.
    """

    box: tuple[float, float, float, float]
    eyes: tuple[tuple[float, float], tuple[float, float]]
    mouth: tuple[float, float]
    mouth_width: float
    confidence: float

    @property
    def apart(self) -> float:
        """Return the distance between the eyes."""
        (left, top), (right, bottom) = self.eyes
        return float(np.hypot(right - left, bottom - top))

    def shifted(self, x: float, y: float) -> Face:
        """Return the same face in a picture that has `x` and `y` pixels more to its left and above it."""
        left, top, right, bottom = self.box
        first, other = ((eye[0] + x, eye[1] + y) for eye in self.eyes)
        box, mouth = (left + x, top + y, right + x, bottom + y), (self.mouth[0] + x, self.mouth[1] + y)
        return replace(self, box=box, eyes=(first, other), mouth=mouth)


def find_face(picture: Picture) -> Face | None:
    """Return the most convincing face of a picture (H, W, 3), or None; 20 to 50 ms for any size."""
    tall, wide = picture.shape[:2]
    best: tuple[float, float, float, float] | None = None  # score, x, y between the eyes, pixels per template pixel
    # A long strip is searched larger: its short side would not hold a face otherwise.
    scale = max(max(tall, wide) / _SIDE, min(tall, wide) / (2.0 * _SIDE), 1e-3)
    level = max(scale, 0.05)
    base = _shrunk(picture, scale)
    while min(tall, wide) / level >= 2.2 * _APART:
        small = _shrunk(base, level / scale)
        for score, x, y in _peaks(_scores(small)):
            convincing = score * _oval(small, x, y)
            if convincing > (_SURE if best is None else best[0]):
                best = convincing, (x + 0.5) * wide / small.shape[1], (y + 0.5) * tall / small.shape[0], level
        level *= _STEP
    return None if best is None else _measured(picture, *best)


def _peaks(scores: Plane) -> Iterator[tuple[float, int, int]]:
    """Yield the few highest scores that are not neighbours of each other, with their places."""
    for _ in range(_TRIED):
        _, top, _, (x, y) = cv2.minMaxLoc(scores)
        if top < _SURE:
            return
        yield top, x, y
        scores[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = 0


def _shrunk(picture: Picture, by: float) -> Picture:
    tall, wide = picture.shape[:2]
    size = (max(1, round(wide / by)), max(1, round(tall / by)))
    method = cv2.INTER_AREA if by >= 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), dtype=np.uint8)


def _at(plane: Values, x: float, y: float) -> Plane:
    """Return the plane seen from where the eyes' middle would be: its value at (x, y) in distances between the eyes."""
    shift = np.array([[1, 0, -x * _APART], [0, 1, -y * _APART]], np.float32)
    size = (plane.shape[1], plane.shape[0])
    return np.asarray(cv2.warpAffine(plane, shift, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)


def _scores(small: Picture) -> Plane:
    """Return 0..1 for each pixel: how much of a face is there whose eyes have their middle on it."""
    ycc = cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    light: Plane = np.asarray(cv2.GaussianBlur(ycc[..., 0], (3, 3), 0.6), dtype=np.float32)
    # Sizes are in pixels of a template whose eyes are `_APART` apart.
    mean = cv2.blur(light, (5, 4))
    cheeks = _at(mean, -0.45, 0.62), _at(mean, 0.45, 0.62)
    skin = (cheeks[0] + cheeks[1]) / 2
    unit = np.asarray(0.18 * skin + 3.5, dtype=np.float32)  # a step of brightness that counts on this skin
    score = _eyes(light, unit) * np.clip(1.5 - np.abs(cheeks[0] - cheeks[1]) / (2.2 * unit), 0.0, 1.0)
    score *= _mouth(light, np.ascontiguousarray(ycc[..., 1]), unit)
    score *= _skin(ycc)
    # Half a face at the rim is none: its other half was only the rim repeated.
    score[:, : int(0.9 * _APART)] = 0
    score[:, max(0, score.shape[1] - int(0.9 * _APART)) :] = 0
    score[max(0, score.shape[0] - int(1.3 * _APART)) :] = 0
    return np.asarray(score, dtype=np.float32)


def _eyes(light: Plane, unit: Plane) -> Plane:
    """Return 0..1: two small dark spots on a surface that has none around: cheeks, forehead, bridge of the nose."""
    spots = cv2.morphologyEx(light, cv2.MORPH_BLACKHAT, np.ones((7, 8), np.uint8))
    widest = cv2.dilate(spots, np.ones((5, 5), np.uint8))
    eyes = np.minimum(_at(widest, -0.5, 0.0), _at(widest, 0.5, 0.0))
    rough = cv2.blur(spots, (5, 5))
    clean = [_at(rough, x, y) for x, y in ((-0.5, 0.68), (0.5, 0.68), (0.0, 0.15), (0.0, -0.6), (0.0, 1.5))]
    quiet = np.maximum.reduce(clean)
    inner = cv2.blur(light, (3, 3))
    bridge = _at(inner, 0.0, 0.12) - np.maximum(_at(cv2.erode(light, np.ones((5, 5))), -0.5, 0.0), 0)
    strong = np.clip((eyes - 0.5 * unit) / (1.3 * unit), 0.0, 1.0) * np.clip(bridge / unit, 0.0, 1.0)
    return np.asarray(strong * np.clip(1.6 - 3.2 * quiet / np.maximum(eyes, 1.0), 0.0, 1.0), dtype=np.float32)


def _mouth(light: Plane, red: Plane, unit: Plane) -> Plane:
    """Return 0..1: a level line or redness where the mouth belongs, with chin and upper lip free of it."""
    line = cv2.blur(cv2.morphologyEx(light, cv2.MORPH_BLACKHAT, np.ones((7, 1), np.uint8)), (5, 1))
    darker = _at(cv2.dilate(line, np.ones((5, 1), np.uint8)), 0.0, _LIPS) - _at(line, 0.0, 1.55)
    colour = cv2.blur(red, (5, 3))
    redder = _at(colour, 0.0, _LIPS) - (_at(colour, -0.5, 0.62) + _at(colour, 0.5, 0.62)) / 2
    return np.asarray(np.clip(np.maximum(darker / (0.8 * unit), redder / 9.0), 0.0, 1.0), dtype=np.float32)


def _skin(ycc: Plane) -> Plane:
    """Return 0..1: cheeks, nose and chin have one colour, and it is one that skin has (any skin: hue, not lightness).

    The range of Cr and Cb follows Chai and Ngan, Face segmentation using skin-color map (1999), with soft ends. A
    picture without colour cannot be judged by it.
    """
    red, blue = (np.ascontiguousarray(ycc[..., index]) for index in (1, 2))
    like = np.clip(1.0 - (np.maximum(np.maximum(131 - red, red - 178), 0) / 8), 0.0, 1.0)
    like *= np.clip(1.0 - (np.maximum(np.maximum(76 - blue, blue - 126), 0) / 8), 0.0, 1.0)
    blurred = cv2.blur(like.astype(np.float32), (5, 5))
    places = ((-0.5, 0.62), (0.5, 0.62), (0.0, 0.5), (0.0, 1.45))
    worst = np.minimum.reduce([_at(blurred, x, y) for x, y in places])
    hue = cv2.blur(red - blue, (5, 5))
    parts = np.stack([_at(hue, x, y) for x, y in places])
    even = np.clip(1.5 - (parts.max(axis=0) - parts.min(axis=0)) / 26.0, 0.0, 1.0)
    if float(np.abs(ycc[..., 1:] - 128).mean()) < 2.0:
        return np.ones_like(worst)
    return np.asarray(worst * even, dtype=np.float32)


def _oval(small: Picture, x: int, y: int) -> float:
    """Return 0..1: one even colour fills the oval of a face here, and ends at its sides and above it."""
    reach = 2 * _APART + 2
    padded = cv2.copyMakeBorder(small, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    part = padded[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
    lab = cv2.cvtColor(part.astype(np.float32) / np.float32(255.0), cv2.COLOR_RGB2LAB)
    rows, columns = (np.mgrid[-reach : reach + 1, -reach : reach + 1] / _APART).astype(np.float32)
    cheeks = (np.abs(rows - 0.6) < 0.25) & (np.abs(columns) < 0.75)
    skin = np.median(lab[cheeks], axis=0)
    away = np.abs(lab - skin)
    if 2.0 < float(np.hypot(skin[1], skin[2])) < 11.0:
        return 0.0  # grey in a picture that has colours: planks, rocks, a wall
    same = 0.5 * away[..., 0] + np.hypot(away[..., 1], away[..., 2]) < 4.0 + 0.16 * skin[0]
    inside = (columns / 0.85) ** 2 + ((rows - 0.45) / 1.15) ** 2 < 1.0
    sides = (np.abs(columns) > 1.4) & (np.abs(columns) < 1.95) & (rows > -0.6) & (rows < 0.9)
    above = (np.abs(columns) < 0.9) & (rows < -1.75)
    filled, left = float(same[inside].mean()), float(same[sides & (columns < 0)].mean())
    right, top = float(same[sides & (columns > 0)].mean()), float(same[above].mean())
    leak = max(left, right) * 0.5 + (left + right) * 0.25 + 0.5 * top
    return min(max((filled - 0.52) / 0.25, 0.0), 1.0) * min(max((0.95 - leak) / 0.6, 0.0), 1.0)


def _measured(picture: Picture, score: float, x: float, y: float, unit: float) -> Face | None:
    """Find the pupils near where the template has them, and place the rest of the face by their line."""
    apart = _APART * unit
    left, right = (_pupil(picture, x + side * apart / 2, y, apart) for side in (-1, 1))
    left, right = _below_brows(picture, left, right, apart)
    line = np.array([right[0] - left[0], right[1] - left[1]])
    # Twelve degrees: the template is upright.
    if abs(line[1]) > 0.21 * abs(line[0]):
        return None  # two spots, but not side by side
    length = apart = float(np.hypot(*line))
    across, down = line / length, np.array([-line[1], line[0]]) / length
    middle = (np.array(left) + np.array(right)) / 2
    mouth = middle + down * _mouth_below(picture, middle, down, apart) * apart
    centre = middle + down * (_CHIN - _HAIR) / 2 * apart
    half = np.abs(across) * _SIDEWAYS * apart + np.abs(down) * (_CHIN + _HAIR) / 2 * apart
    box = (*(centre - half), *(centre + half))
    return Face(
        (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        (left, right),
        (float(mouth[0]), float(mouth[1])),
        0.86 * apart,
        min(1.0, score / _ENOUGH),
    )


def _below_brows(
    picture: Picture, left: tuple[float, float], right: tuple[float, float], apart: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the eyes, given two dark spots that may be the brows above them: under an eye there is only cheek."""
    under = [_pupil(picture, x, y + 0.4 * apart, 0.6 * apart) for x, y in (left, right)]
    steps = [below[1] - above[1] for above, below in zip((left, right), under, strict=True)]
    level = abs(steps[0] - steps[1]) < 0.12 * apart and all(0.22 * apart < step < 0.58 * apart for step in steps)
    straight = all(abs(below[0] - above[0]) < 0.15 * apart for above, below in zip((left, right), under, strict=True))
    dark = [_depth_of(picture, *spot, apart) for spot in (left, right, *under)]
    return (under[0], under[1]) if level and straight and min(dark[2:]) > 0.4 * max(dark[:2]) else (left, right)


def _depth_of(picture: Picture, x: float, y: float, apart: float) -> float:
    """Return by how many levels a spot is darker than what is to its sides and below."""
    near, far = max(1, round(0.06 * apart)), round(0.26 * apart)
    tall, wide = picture.shape[:2]

    def mean(at_x: float, at_y: float) -> float:
        column, row = min(max(round(at_x), 0), wide - 1), min(max(round(at_y), 0), tall - 1)
        return float(picture[max(row - near, 0) : row + near + 1, max(column - near, 0) : column + near + 1].mean())

    return (mean(x - far, y) + mean(x + far, y) + mean(x, y + far)) / 3 - mean(x, y)


def _mouth_below(picture: Picture, eyes: Row, down: Row, apart: float) -> float:
    """Return how far below the eyes the mouth is, in distances between them: where it is darkest and reddest."""
    across = np.array([down[1], -down[0]])
    far, side = np.meshgrid(np.linspace(0.78, 1.62, 43), np.linspace(-0.28, 0.28, 15), indexing="ij")
    at = eyes + (far[..., None] * down + side[..., None] * across) * apart
    x, y = (np.ascontiguousarray(at[..., axis], dtype=np.float32) for axis in (0, 1))
    blurred = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    ycc = cv2.cvtColor(blurred, cv2.COLOR_RGB2YCrCb).astype(np.float32).mean(axis=1)
    weight = (np.median(ycc[:, 0]) - ycc[:, 0]) + 3.0 * (ycc[:, 1] - np.median(ycc[:, 1]))
    weight = np.convolve(np.clip(weight, 0.0, None), np.hanning(9), mode="same")
    weight *= np.exp(-0.5 * ((far[:, 0] - 1.15) / 0.32) ** 2)  # neither nostrils nor the shadow under the chin
    return float(far[int(weight.argmax()), 0]) if float(weight.max()) > 0.0 else _LIPS


def _pupil(picture: Picture, x: float, y: float, apart: float) -> tuple[float, float]:
    """Return the middle of the eye near a place: a second look from the first one's answer sees all of it."""
    for _ in range(3):
        x, y = _darkest(picture, x, y, apart)
    return x, y


def _darkest(picture: Picture, x: float, y: float, apart: float) -> tuple[float, float]:
    """Return the middle of what is dark within an eye's reach."""
    reach = max(2, round(0.3 * apart))
    tall, wide = picture.shape[:2]
    top, left = min(max(0, round(y) - reach), tall - 2), min(max(0, round(x) - reach), wide - 2)
    part = picture[top : round(y) + reach + 1, left : round(x) + reach + 1]
    light = cv2.GaussianBlur(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), (0, 0), max(0.5, 0.05 * apart)).astype(np.float32)
    low, high = float(light.min()), float(np.median(light))
    weight = np.clip((low + 0.45 * (high - low) - light), 0.0, None)
    total = float(weight.sum())
    if total <= 0.0:
        return x, y
    rows, columns = np.mgrid[0 : light.shape[0], 0 : light.shape[1]]
    return left + float((weight * columns).sum()) / total, top + float((weight * rows).sum()) / total
