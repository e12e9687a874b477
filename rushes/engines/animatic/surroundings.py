"""What lies around a picture, made up for a camera that draws back: mirrored, warped a little, ever softer.

Around an even ground there is more of it, and no mirror image of what stands near the picture's edge.

Only a narrow band, as far as the move needs, and only where the picture itself ends. The picture stays as it is, to the
byte. How far a camera draws back is `path`'s business, whether it needs a band at all is `framing`'s.
"""

from __future__ import annotations

import cv2
import numpy as np

from rushes.engines.animatic.cutout import unlike_ground
from rushes.engines.animatic.depth import Picture, Plane

# In shares of the geometric mean of the picture's sides, by eye: a blur at once would show where the picture ends;
# a little softness that grows with the distance hides the mirror better, and leaves rock and grass what they are.
_SOFT, _GONE = 0.05, 0.16
_BLURS = (0.0007, 0.002)
_WANDER = 0.10, 0.40  # of the distance from the rim: how far a mirrored thing slides across, and up or down
_SEED = 5
_ALONG, _EVEN, _MOSTLY = 0.02, 12.0, 0.6  # of a side, levels, share: a rim without outlines is a wall's or a sky's
_SMALL = 256  # pixels of the longer side at which the ground is judged
_GROUND, _CROSSED = 20.0, 0.04  # levels that the rim may differ; part of it that lines may cross


def surrounded(picture: Picture, across: int, upright: int) -> Picture:
    """Return the picture (H, W, 3) with `across` pixels added left and right and `upright` above and below."""
    tall, wide = picture.shape[:2]
    if not across and not upright:
        return picture
    # As far as REFLECT_101 can mirror.
    across, upright = min(across, wide - 1), min(upright, tall - 1)
    if _is_on_even_ground(picture):
        goes_on = cv2.copyMakeBorder(picture, upright, upright, across, across, cv2.BORDER_REPLICATE)
        return np.asarray(goes_on, dtype=np.uint8)
    mirrored = cv2.copyMakeBorder(picture, upright, upright, across, across, cv2.BORDER_REFLECT_101)
    canvas: Picture = np.asarray(mirrored, dtype=np.uint8)
    _carry_on(canvas, across, upright)
    blurs = [_blurred(canvas, share * np.sqrt(wide * tall)) for share in _BLURS]
    grain, dice = _grain(picture), np.random.default_rng(_SEED)
    high, long = canvas.shape[:2]
    strips = (
        np.s_[0:upright, 0:long],
        np.s_[high - upright : high, 0:long],
        np.s_[upright : high - upright, 0:across],
        np.s_[upright : high - upright, long - across : long],
    )
    wander = _wander(canvas)
    result = canvas.copy()
    for strip in strips:
        if result[strip].size:
            mixed, soft = _invented(canvas, blurs, strip, (across, upright), wander)
            mixed += soft * grain * dice.standard_normal((*mixed.shape[:2], 1), dtype=np.float32)
            result[strip] = np.clip(mixed + 0.5, 0.0, 255.0).astype(np.uint8)
    return result


def _is_on_even_ground(picture: Picture) -> bool:
    tall, wide = picture.shape[:2]
    scale = min(1.0, _SMALL / max(tall, wide))
    size = (max(8, round(wide * scale)), max(8, round(tall * scale)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    unlike = unlike_ground(small)
    if unlike is None:
        return False
    rim = np.concatenate([unlike[0], unlike[-1], unlike[:, 0], unlike[:, -1]])
    return float((rim > _GROUND).mean()) < _CROSSED


def _carry_on(canvas: Picture, across: int, upright: int) -> None:
    """Let a wall or a sky that reaches a side of the picture go on there, in place; a mirror would show all twice."""
    tall, wide = canvas.shape[:2]
    inner = np.s_[upright : tall - upright], np.s_[across : wide - across]
    # Views: what is written into their lines lands in the canvas.
    sides = ((across, canvas[inner[0]].transpose(1, 0, 2)), (upright, canvas.transpose(0, 1, 2)))
    for band, lines in sides:
        if not band:
            continue
        for rim, beyond in ((band, np.s_[:band]), (len(lines) - band - 1, np.s_[len(lines) - band :])):
            line = lines[rim : rim + 1].astype(np.float32)
            soft = cv2.GaussianBlur(line, (0, 0), max(1.0, _ALONG * line.shape[1]), borderType=cv2.BORDER_REFLECT)
            even = (np.abs(line - soft).max(axis=2) < _EVEN).astype(np.float32)
            near = cv2.GaussianBlur(even, (0, 0), max(1.0, _ALONG * line.shape[1]), borderType=cv2.BORDER_REFLECT)
            share = _step((near - _MOSTLY) / np.float32(0.9 - _MOSTLY))[..., None]
            calm = cv2.GaussianBlur(line, (0, 0), max(1.0, 0.1 * _ALONG * line.shape[1]))
            lines[beyond] = (lines[beyond] + share * (calm - lines[beyond]) + 0.5).astype(np.uint8)


def deepened(depth: Plane, across: float, upright: float) -> Plane:
    """Return a picture's disparity with its rim carried on: `across` and `upright` in shares of the picture's sides."""
    sides, ends = round(across * depth.shape[1]), round(upright * depth.shape[0])
    return np.asarray(cv2.copyMakeBorder(depth, ends, ends, sides, sides, cv2.BORDER_REPLICATE), dtype=np.float32)


def _invented(
    canvas: Picture,
    blurs: list[Picture],
    strip: tuple[slice, slice],
    margin: tuple[int, int],
    wander: Plane,
) -> tuple[Plane, Plane]:
    """Return one strip of the band, mixed from the mirror image and its blurs by distance, and how far it is blurred.

    (h, w, 3) in levels, and 0..1, (h, w, 1).
    """
    tall, wide = canvas.shape[:2]
    (across, upright), unit = margin, np.sqrt((canvas.shape[0] - 2 * margin[1]) * (canvas.shape[1] - 2 * margin[0]))
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in strip)
    out_x = np.maximum(across - columns, columns - (wide - 1 - across)).clip(0.0)[None, :]
    out_y = np.maximum(upright - rows, rows - (tall - 1 - upright)).clip(0.0)[:, None]
    away = np.hypot(out_x, out_y).astype(np.float32)
    # Things slide along the rim, sideways above and below it, up and down beside it.
    x = columns[None, :] + _WANDER[0] * out_y * wander[strip]
    y = rows[:, None] + _WANDER[1] * out_x * wander[strip]
    maps = np.asarray(x, np.float32), np.asarray(y, np.float32)
    layers = [cv2.remap(layer, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for layer in (canvas, *blurs)]
    soft = _step(away / np.float32(_SOFT * unit))[..., None]
    gone = _step(away / np.float32(_GONE * unit))[..., None]
    mixed = layers[0] + soft * (layers[1].astype(np.float32) - layers[0])
    mixed += gone * (layers[2] - mixed)
    return np.asarray(mixed, dtype=np.float32), soft


def _step(t: Plane) -> Plane:
    t = np.clip(t, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def _blurred(canvas: Picture, sigma: float) -> Picture:
    blurred = cv2.GaussianBlur(canvas, (0, 0), max(0.5, sigma), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, dtype=np.uint8)


def _wander(canvas: Picture) -> Plane:
    """Return a smooth field of about -1..1, the same for each picture of a shape."""
    tall, wide = canvas.shape[:2]
    rough = np.random.default_rng(_SEED).uniform(-1.0, 1.0, (9, 15)).astype(np.float32)
    return np.asarray(cv2.resize(rough, (wide, tall), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _grain(picture: Picture) -> float:
    """Return the spread of the picture's noise in levels, from where it is calmest (median of a high-pass)."""
    part = np.asarray(picture[::, :: max(1, picture.shape[1] // 640)][:: max(1, picture.shape[0] // 360)], np.uint8)
    grey = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY).astype(np.float32)
    # Of white noise a Laplacian has 16 + 4 times the variance, and 30 % of |N(0, 1)| lie below 0.385.
    fine = np.abs(cv2.Laplacian(grey, cv2.CV_32F)) / np.sqrt(20.0)
    return float(min(np.percentile(fine, 30) / 0.385, 4.0))
