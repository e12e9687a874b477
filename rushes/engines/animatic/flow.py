"""What of one picture is where in another: a dense match with its doubts, or None where they have nothing in common.

A similarity found on features takes the large motion (SIFT, Lowe 2004; RANSAC), DIS optical flow (Kroeger et al. 2016)
what is left, forwards and backwards; where the two disagree, or what they join does not look alike, the match is
doubted. All at a small size. How the match is shown is `morph`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane

Affine = npt.NDArray[np.float64]  # (2, 3)

_SIDE = 384  # longer side at which flow is computed: a tenth of a second for both ways
_LEAST_SIDE = 48  # smaller pictures are enlarged: DIS needs some pixels for its pyramid
_FEATURES = 900
_RATIO = 0.75  # Lowe's test: the best match must be this much better than the next
_LEAST_INLIERS = 14
_MOST_SCALE, _MOST_TURN = 3.5, 0.8  # beyond that (radians) half-way pictures would be a smear
_TRUSTED = 0.42  # part of the texture that must be matched; other pictures of the same sort stay below 0.2
_LEAST_OVERLAP = 0.10


@dataclass(frozen=True, slots=True)
class Match:
    """`turn` maps small-scale pixels of the first picture to the second's; `scale` is small over full size, x and y.

    `onwards` and `back` (H, W, 2) are in small pixels on the first picture's plane: what is at `a` in the first is at
    turn(a + onwards(a)) in the second; what is at turn(u) in the second is at u + back(u) in the first. `sure_onwards`
    and `sure_back` (H, W), 0..1, say how much of that to believe; 0 is covered or gone.
    """

    turn: Affine
    scale: tuple[float, float]
    onwards: Plane
    back: Plane
    sure_onwards: Plane
    sure_back: Plane
    trust: float


def match(first: Picture, second: Picture) -> Match | None:
    """Match two pictures of the same size; None where they don't show the same thing."""
    tall, wide = first.shape[:2]
    factor = max(_SIDE / max(tall, wide), _LEAST_SIDE / min(tall, wide))
    size = (max(_LEAST_SIDE, round(wide * factor)), max(_LEAST_SIDE, round(tall * factor)))
    light = [_light(picture, size) for picture in (first, second)]
    even = [_even(plane) for plane in light]
    scale = (size[0] / wide, size[1] / tall)
    best: Match | None = None
    # The flow alone has to be clearly better: large shifts are what it gets wrong while it seems sure.
    for turn in (_similarity(light[0], light[1]), np.eye(2, 3)):
        if turn is None:
            continue
        found = _matched(even[0], even[1], turn, scale)
        if best is None or found.trust > best.trust + 0.05:
            best = found
    return best if best is not None and best.trust >= _TRUSTED else None


def inverse(turn: Affine) -> Affine:
    """Return the affine map that undoes another."""
    return np.asarray(cv2.invertAffineTransform(turn), dtype=np.float64)


def _light(picture: Picture, size: tuple[int, int]) -> Picture:
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _even(light: Picture) -> Picture:
    """Take out what another light changes: local brightness and contrast. Even areas stay even."""
    plane = light.astype(np.float32)
    sigma = max(light.shape) * 0.04
    rest = plane - cv2.GaussianBlur(plane, (0, 0), sigma)
    spread = np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), sigma)) + 4.0
    return np.asarray(np.clip(128.0 + 52.0 * rest / spread, 0.0, 255.0), dtype=np.uint8)


def _similarity(first: Picture, second: Picture) -> Affine | None:
    """Return the shift, turn and scale that most features agree on; None when too few do."""
    finder = cv2.SIFT.create(nfeatures=_FEATURES, contrastThreshold=0.02)
    (here, described), (there, others) = (finder.detectAndCompute(light, None) for light in (first, second))
    if described is None or others is None or min(len(here), len(there)) < _LEAST_INLIERS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(described, others, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance]
    if len(good) < _LEAST_INLIERS:
        return None
    source = np.array([here[one.queryIdx].pt for one in good], np.float64)
    target = np.array([there[one.trainIdx].pt for one in good], np.float64)
    turn, inside = cv2.estimateAffinePartial2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=4.0)
    if turn is None or int(inside.sum()) < max(_LEAST_INLIERS, 0.25 * len(good)):
        return None
    size, angle = float(np.hypot(turn[0, 0], turn[1, 0])), float(np.arctan2(turn[1, 0], turn[0, 0]))
    usable = 1.0 / _MOST_SCALE < size < _MOST_SCALE and abs(angle) < _MOST_TURN
    return np.asarray(turn, dtype=np.float64) if usable else None


def _matched(first: Picture, second: Picture, turn: Affine, scale: tuple[float, float]) -> Match:
    tall, wide = first.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # 128 is what `_even` gives an even area: nothing beyond the edge looks like a part of the picture.
    turned = np.asarray(cv2.warpAffine(second, turn, (wide, tall), flags=flags, borderValue=(128,)), np.uint8)
    onwards, back = _flow(first, turned), _flow(turned, first)
    there, here = _there(turn, tall, wide), np.ones((tall, wide), np.float32)
    doubt_on, doubt_back = _disagreement(onwards, back), _disagreement(back, onwards)
    alike_on, alike_back = _alike(first, turned, onwards), _alike(turned, first, back)
    sure_on = doubt_on * alike_on * _moved(there, onwards)
    sure_back = doubt_back * alike_back * there * _moved(here, back)
    weight = _texture(first) * _moved(there, onwards)
    overlap = float(there.mean())
    trust = float((sure_on * weight).sum() / max(float(weight.sum()), 1e-6)) if overlap > _LEAST_OVERLAP else 0.0
    return Match(turn, scale, _filled(onwards, sure_on), _filled(back, sure_back), sure_on, sure_back, trust)


def _flow(first: Picture, second: Picture) -> Plane:
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = finder.calc(first, second, np.zeros((*first.shape, 2), np.float32))
    return np.asarray(flow, dtype=np.float32)


def _moved(plane: Plane, flow: Plane) -> Plane:
    """Read a plane where the flow leads; 0 beyond its edges."""
    tall, wide = flow.shape[:2]
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    return np.asarray(cv2.remap(plane, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR), dtype=np.float32)


def _there(turn: Affine, tall: int, wide: int) -> Plane:
    """Return 1 where the turned second picture has pixels, 0 where it has none."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(np.ones((tall, wide), np.float32), turn, (wide, tall), flags=flags), np.float32)


def _disagreement(one: Plane, other: Plane) -> Plane:
    """Return 1 where going and coming back leads home, falling to 0 over a few pixels."""
    gap = one + _moved(other, one)
    error = (gap**2).sum(axis=2)
    allowed = 1.0 + 0.01 * (one**2).sum(axis=2)
    return np.asarray(cv2.GaussianBlur(np.exp(-error / allowed).astype(np.float32), (0, 0), 1.5), dtype=np.float32)


def _alike(first: Picture, second: Picture, flow: Plane) -> Plane:
    """Return 0..1: how alike the surroundings of matched pixels are; even areas count as alike."""
    one = first.astype(np.float32) - 128.0
    other = _moved(second.astype(np.float32) - 128.0, flow)

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), 4.0), dtype=np.float32)

    here, there = mean(one), mean(other)
    joint = mean(one * other) - here * there
    each = (mean(one * one) - here**2 + mean(other * other) - there**2) / 2.0
    return np.asarray(np.clip(((joint + 60.0) / (each + 60.0) - 0.15) / 0.45, 0.0, 1.0), dtype=np.float32)


def _texture(even: Picture) -> Plane:
    plane = even.astype(np.float32) - 128.0
    return np.asarray(cv2.GaussianBlur(plane * plane, (0, 0), 4.0) + 10.0, dtype=np.float32)


def _filled(flow: Plane, sure: Plane) -> Plane:
    """Let what is sure lead what is not: wider and wider neighbourhoods speak where nearer ones know nothing."""
    filled = np.zeros_like(flow)
    for sigma in (0.25, 0.08, 0.025, 0.006):
        weight = cv2.GaussianBlur(sure, (0, 0), sigma * max(sure.shape))
        spread = cv2.GaussianBlur(flow * sure[..., None], (0, 0), sigma * max(sure.shape)) / (weight[..., None] + 1e-3)
        share = np.clip(weight / 0.35, 0.0, 1.0)[..., None]
        filled += (share * (spread - filled)).astype(np.float32)
    return filled
