"""A subject cut out of a busy ground by its colours: GrabCut, begun from where a face is, and judged before it is used.

A guess without weights is right for some pictures only, and a wrong cut is worse than a framed print. So the result is
measured: whether it is one piece, whether its outline runs along edges of the picture, whether its colours differ from
the ground's. Without a face nothing tells subject from ground; such pictures are left to the print.
Rother, Kolmogorov, Blake: "GrabCut" (2004) is OpenCV's; the trimap from a face's proportions is ours.
"""

from __future__ import annotations

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.face import Face, find_face

_SIDE = 256  # the longer side at which colours are told apart; the outline is refined at full size
_ROUNDS = 3
_SURE_FACE = 0.9  # a face less sure than that is no ground to cut on
_LEAST, _MOST = 0.08, 0.72  # of the picture that somebody covers
_ONE_PIECE = 0.9  # of the cover that hangs together
_ON_EDGES = 2.4  # how much steeper the picture is along the outline than on the whole
_COLOURED = 3.0  # levels of chroma that a picture has at least, or colours tell nothing
_APART = 0.6  # how far the subject's colours must lie from the ground's: 1 minus what their histograms share


def matte(picture: Picture) -> Plane | None:
    """Return how much of each pixel is the person in front (h, w), 0..1; None where that is not sure enough."""
    face = find_face(picture)
    if face is None or face.confidence < _SURE_FACE:
        return None
    tall, wide = picture.shape[:2]
    scale = min(1.0, _SIDE / max(tall, wide))
    size = (max(8, round(wide * scale)), max(8, round(tall * scale)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    marks = _marked(face, scale, size)
    cv2.setRNGSeed(1)  # OpenCV's own dice, which start its colour models
    colours = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), marks, (0, 0, 1, 1), *colours, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    cover = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    whole = _whole(cover)
    if not (_is_a_bust(whole, face, scale) and _convincing(small, cover, whole)):
        return None
    return _refined(picture, whole)


def _marked(face: Face, scale: float, size: tuple[int, int]) -> Picture:
    """Return GrabCut's marks (h, w): face and neck are the person, head and body maybe, the upper corners never."""
    wide, tall = size
    left, top, right, bottom = (value * scale for value in face.box)
    across, upright = right - left, bottom - top
    x, y = (left + right) / 2, (top + bottom) / 2
    marks = np.full((tall, wide), cv2.GC_PR_BGD, np.uint8)
    shoulders = [
        (x - 0.5 * across, bottom - 0.1 * upright),
        (x + 0.5 * across, bottom - 0.1 * upright),
        (x + 1.5 * across, bottom + 0.75 * upright),
        (x + 1.7 * across, tall + 1.0),
        (x - 1.7 * across, tall + 1.0),
        (x - 1.5 * across, bottom + 0.75 * upright),
    ]
    cv2.fillPoly(marks, [np.round(np.array(shoulders)).astype(np.int32)], (float(cv2.GC_PR_FGD),))
    _oval(marks, (x, y - 0.12 * upright), (0.72 * across, 0.82 * upright), cv2.GC_PR_FGD)
    _oval(marks, (x, y), (0.4 * across, 0.42 * upright), cv2.GC_FGD)
    chest = [
        (x - 0.16 * across, bottom),
        (x + 0.16 * across, bottom),
        (x + 0.75 * across, bottom + 0.9 * upright),
        (x + 0.75 * across, tall + 1.0),
        (x - 0.75 * across, tall + 1.0),
        (x - 0.75 * across, bottom + 0.9 * upright),
    ]
    cv2.fillPoly(marks, [np.round(np.array(chest)).astype(np.int32)], (float(cv2.GC_FGD),))
    rows, columns = np.mgrid[0:tall, 0:wide]
    beside = (rows < bottom - 0.2 * upright) & (np.abs(columns - x) > 1.35 * across)
    above = rows < top - 0.75 * upright
    rim = (rows < bottom + 0.3 * upright) & ((columns < 3) | (columns >= wide - 3))
    # Last, over all marks before: what is far beside a head is nobody, whatever its colours.
    marks[beside | above | rim] = cv2.GC_BGD
    return marks


def _oval(marks: Picture, middle: tuple[float, float], axes: tuple[float, float], mark: int) -> None:
    at, half = (round(middle[0]), round(middle[1])), (max(1, round(axes[0])), max(1, round(axes[1])))
    cv2.ellipse(marks, at, half, 0, 0, 360, float(mark), -1)


def _whole(cover: Picture) -> Picture:
    """Return the largest piece of a cover, its holes filled and its rim smoothed."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cover, connectivity=4)
    if len(stats) < 2:
        return cover
    piece = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    radius = max(3, min(cover.shape) // 60) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (radius, radius))
    piece = np.asarray(
        cv2.morphologyEx(cv2.morphologyEx(piece, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel), np.uint8
    )
    outlines, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(piece)
    if outlines:
        cv2.drawContours(filled, [max(outlines, key=cv2.contourArea)], -1, (1.0,), -1)
    return filled


def _convincing(small: Picture, cover: Picture, whole: Picture) -> bool:
    """Say whether a cut is good enough to be shown."""
    share = float(whole.mean())
    chroma = np.abs(cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 1:].astype(np.int16) - 128).mean()
    if chroma < _COLOURED:
        return False
    if not _LEAST < share < _MOST or cover.sum() == 0:
        return False
    one = float((whole & cover).sum() / cover.sum())
    return one >= _ONE_PIECE and _steepness(small, whole) >= _ON_EDGES and _unlike(small, whole) >= _APART


def _is_a_bust(whole: Picture, face: Face, scale: float) -> bool:
    """Say whether the cut has a head's width at the eyes, hair above them, and shoulders below, all around one axis."""
    left, top, right, bottom = (value * scale for value in face.box)
    across, upright, x = right - left, bottom - top, (left + right) / 2

    def span(row: float) -> tuple[float, float]:
        columns = np.nonzero(whole[min(len(whole) - 1, max(0, round(row)))])[0]
        return (float(columns[0] - x) / across, float(columns[-1] - x) / across) if len(columns) else (0.0, 0.0)

    head, shoulders = span((face.eyes[0][1] + face.eyes[1][1]) / 2 * scale), span(bottom + 0.8 * upright)
    hair = top - float(np.nonzero(whole.any(axis=1))[0][0])
    balanced = 0.35 <= -head[0] <= 1.2 and 0.35 <= head[1] <= 1.2
    return balanced and hair > -0.1 * upright and shoulders[0] < -0.6 and shoulders[1] > 0.6


def _steepness(small: Picture, whole: Picture) -> float:
    """Return how much steeper the picture is along the outline (but for the frame's rim) than on the whole."""
    lab = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), (0, 0), 1.0).astype(np.float32)
    slope = np.sqrt(sum(cv2.Sobel(lab, cv2.CV_32F, dx, dy) ** 2 for dx, dy in ((1, 0), (0, 1)))).sum(axis=2)
    line = cv2.dilate(whole, np.ones((3, 3), np.uint8)) - cv2.erode(whole, np.ones((3, 3), np.uint8))
    # At the frame's own rim a subject ends without an edge.
    line[:2] = line[-2:] = 0
    line[:, :2] = line[:, -2:] = 0
    return float(slope[line > 0].mean() / max(float(slope.mean()), 1e-3)) if line.any() else 0.0


def _unlike(small: Picture, whole: Picture) -> float:
    """Return how little the colours inside and outside have in common: 0 the same, 1 nothing."""
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    grams = []
    for side in (1, 0):
        gram = cv2.calcHist([lab], [0, 1, 2], (whole == side).astype(np.uint8), [8, 16, 16], [0, 256] * 3)
        grams.append(gram / max(float(gram.sum()), 1.0))
    return 1.0 - float(np.minimum(*grams).sum())


def _refined(picture: Picture, whole: Picture) -> Plane:
    """Return the cover at the picture's size, its soft rim drawn to the picture's own edges (guided filter)."""
    tall, wide = picture.shape[:2]
    cover = cv2.resize(whole.astype(np.float32), (wide, tall), interpolation=cv2.INTER_LINEAR)
    cover = cv2.GaussianBlur(cover, (0, 0), max(1.0, max(tall, wide) / _SIDE))
    guide = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    radius = (2 * max(2, max(tall, wide) // 90) + 1,) * 2
    mean, middle = cv2.blur(guide, radius), cv2.blur(cover, radius)
    slope = (cv2.blur(guide * cover, radius) - mean * middle) / (cv2.blur(guide * guide, radius) - mean * mean + 1e-3)
    shift = middle - slope * mean
    soft = cv2.blur(slope, radius) * guide + cv2.blur(shift, radius)
    return np.asarray(np.clip((soft - 0.3) / 0.5, 0.0, 1.0), np.float32)
