"""What a face's eyes and mouth look like at rest: how far each eye is open, and the line in which the lips part.

A face from `face` says only where they are. Here their outlines are read from the picture, against the skin below the
eyes, since a lid that reaches the brow or a smile that opens above its teeth is seen at once. Moving them is `lips`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.face import Face

Values = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]  # (..., 2): x, y in pixels
Reach = tuple[float, float, float]

_LEAST, _MOST = 0.09, 0.34  # how far an eye reaches up and down from its middle, in distances between the eyes
_CONTRAST = 0.25  # of the pupil's own against the skin: what is fainter is a shadow on it
_TOOTH = 0.62  # of the skin's colourfulness: teeth have less
_SEEN = 0.03  # distances between the eyes: teeth lower than that are a glint
_MOST_BENT = 1.5


@dataclass(frozen=True, slots=True)
class Parting:
    """Where lips part: at `v` below the eyes' middle and `v + bend * u * u` at `u` beside the mouth's, both in
    distances between the eyes; `teeth` whether upper teeth are seen above it at rest.
    """

    v: float
    bend: float = 0.0
    teeth: bool = False


def read_at(picture: Picture, where: Any, into: Picture | None = None) -> Picture:
    """Return the picture's colours at places (H, W, 2), x then y."""
    nothing: Any = None  # both coordinates are in one array
    read = cv2.remap(picture, where, nothing, cv2.INTER_LINEAR, into, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, np.uint8)


def eyes_of(picture: Picture, face: Face) -> Reach:
    """Return how far the eyes reach up, down and to their sides from their middles, in distances between them.

    Both eyes are alike, and a shadow above or below one of them is none of it, so the smaller measure counts.
    """
    one, other = (_reach(picture, face, side) for side in (0, 1))
    return min(one[0], other[0]) + 0.03, min(one[1], other[1]) + 0.03, max(one[2], other[2]) + 0.02


def _reach(picture: Picture, face: Face, side: int) -> Reach:
    """Measure one eye: as far as it does not look like the cheek below it."""
    unit, eye = face.apart, np.array(face.eyes[side])
    right, down = _axes(face)
    at = np.linspace(0.0, 0.5, 51)

    def seen(way: Places, origin: Places) -> Values:
        points = (origin + at[:, None] * way * unit).astype(np.float32)[None]
        return np.asarray(read_at(picture, points)[0], np.float32)

    skin = np.median(seen(down, eye + 0.35 * down * unit), axis=0)
    apart = [np.abs(seen(way, eye) - skin).sum(axis=1) for way in (-down, down, right, -right)]
    far = max(30.0 + 0.12 * float(skin.mean()), _CONTRAST * float(np.median([line[:12].max() for line in apart])))

    def reach(line: Values, least: float, most: float, gap: int) -> float:
        """Return where skin goes on for `gap` hundredths; the white of an eye may be as light as it for a few."""
        skinny = np.lib.stride_tricks.sliding_window_view(line <= far, gap).all(axis=1)
        ends = np.flatnonzero(skinny)
        return float(np.clip(at[ends[0]] if len(ends) else least, least, most))

    up, low, one, other = apart
    aside = min(reach(one, 0.2, 0.4, 7), reach(other, 0.2, 0.4, 7))
    return reach(up, _LEAST, _MOST, 3), reach(low, _LEAST, _MOST, 3), aside


def parting_of(picture: Picture, face: Face) -> Parting:
    """Return where the lips part: below the upper teeth where a smile shows them, else where the face has its mouth."""
    unit = face.apart
    right, down = _axes(face)
    middle = (np.array(face.eyes[0]) + np.array(face.eyes[1])) / 2
    mouth = np.array(face.mouth) - middle
    centre_u, centre_v = float(mouth @ right) / unit, float(mouth @ down) / unit
    u = np.linspace(-0.34, 0.34, 35)
    v = np.linspace(-0.16, 0.34, 101)
    away = (v[:, None, None] + centre_v) * down + (u[None, :, None] + centre_u) * right
    colours = read_at(picture, (middle + away * unit).astype(np.float32))
    lab = _lab(colours)
    lowest = _below_teeth(lab, _cheeks(picture, middle, right * unit, down * unit), v)
    known = np.isfinite(lowest)
    inner = np.abs(u) < 0.2
    if known[inner].mean() < 0.7 or known.sum() < 12:
        return Parting(centre_v)
    bend, _, level = np.polyfit(u[known], lowest[known], 2)
    if not -_MOST_BENT < bend < _MOST_BENT:
        level, bend = float(np.median(lowest[known & inner])), 0.0
    return Parting(centre_v + float(level), float(bend), teeth=True)


def _below_teeth(lab: Values, skin: Values, v: Places) -> Places:
    """Return for each column where its teeth end, NaN where it shows none; light, and paler than this skin."""
    colourful, skin_colour = np.hypot(lab[..., 1], lab[..., 2]), float(np.hypot(skin[1], skin[2]))
    if skin_colour < 6.0:
        return np.full(lab.shape[1], np.nan)  # without colour, teeth are no other than a shine on the lip
    teeth = (colourful < _TOOTH * skin_colour + 2.0) & (lab[..., 0] > 0.72 * skin[0])
    # Lips are redder than skin; a chin or a glint below them is no tooth.
    red = lab[..., 1] > skin[1] + 2.0
    ends = np.full(lab.shape[1], np.nan)
    for column in range(lab.shape[1]):
        edges = np.flatnonzero(np.diff(np.pad(teeth[:, column].astype(np.int8), 1)))
        # What begins at the upper end of the search is the skin above the lips.
        runs = [(end - first, end) for first, end in edges.reshape(-1, 2) if first]
        length, end = max((run for run in runs if red[run[1] : run[1] + 24, column].any()), default=(0, 0))
        if length * (v[1] - v[0]) >= _SEEN:
            ends[column] = v[min(end, len(v) - 1)]
    return ends


def _cheeks(picture: Picture, middle: Places, right: Places, down: Places) -> Values:
    """Return the skin's colour (L, a, b): the median of both cheeks."""
    u, v = np.meshgrid(np.linspace(0.35, 0.6, 8), np.linspace(0.5, 0.8, 8))
    points = [middle + (side * u[..., None]) * right + v[..., None] * down for side in (-1.0, 1.0)]
    colours = read_at(picture, np.concatenate(points).astype(np.float32))
    lab = _lab(colours)
    return np.asarray(np.median(lab.reshape(-1, 3), axis=0), np.float32)


def _lab(colours: Picture) -> Values:
    return np.asarray(cv2.cvtColor(np.asarray(colours, np.float32) / np.float32(255.0), cv2.COLOR_RGB2LAB), np.float32)


def _axes(face: Face) -> tuple[Places, Places]:
    """Return the face's own directions, of length 1: to its right in the picture, and down."""
    right = (np.array(face.eyes[1]) - face.eyes[0]) / face.apart
    return right, np.array([-right[1], right[0]])
