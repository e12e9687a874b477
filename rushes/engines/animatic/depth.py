"""How near each part of a photograph probably is, from what a picture shows without any learned weights.

The estimate is meant for moderate camera moves: smooth, calm inside objects, following strong outlines. It weighs what
a painter knows: the ground comes towards us from the horizon, an even backdrop that reaches the top is far, the sharp
and striking thing near the middle is the subject, haze is distance. Moving the camera is `render`'s job.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.length import lengths

Picture = npt.NDArray[np.uint8]  # (H, W, 3) RGB
Plane = npt.NDArray[np.float32]  # (H, W)

FAR = 0.34  # disparity of the farthest thing; the nearest has 1
_RISES = 0.15  # of the height: what rises so far above the usual skyline surely stands upright
_STANDS = 0.85  # how much of the difference to its foot is then made good
_SOFTNESS = (0.020, 0.027, 0.036)  # of the longer side: the estimate is smoothed by the first that is enough
_STEEPEST = 6.6  # of nearness per picture width: from twice of that on the widest orbit would fold the surface
_SIDE = 288  # the estimate's longer side: enough for outlines, and a hundredth of a second


def disparity(picture: Picture) -> Plane:
    """Estimate FAR..1 (1 is nearest) for each pixel of a picture, at the estimate's own small size."""
    height, width = picture.shape[:2]
    scale = _SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    lab: Plane = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.float32)
    light: Plane = lab[..., 0] / np.float32(100.0)
    behind = backdrop(light)
    ground = _ground(behind)
    subject = _subject(lab, light)
    near = np.maximum(ground, subject * 0.9) * 0.65 + (ground + subject) * 0.175
    near = near * (1.0 - 0.85 * behind) - 0.10 * _haze(lab, light)
    near = _calm(_upright(near.astype(np.float32), behind), light)
    return (FAR + (1.0 - FAR) * near).astype(np.float32)


def raised(depth: Plane, box: tuple[float, float, float, float], size: tuple[int, int]) -> Plane:
    """Bring a head to the front: `box` (left, top, right, bottom) in pixels of a picture of `size` (wide, tall).

    A face is turned and looked at as one thing, and its hair and shadows must not lie at other distances.
    """
    (tall, wide), (across, upright) = depth.shape, size
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    left, right = box[0] * wide / across, box[2] * wide / across
    top, bottom = box[1] * tall / upright, box[3] * tall / upright
    away = np.hypot(
        (x - (left + right) / 2) / max(right - left, 1.0), (y - (top + bottom) / 2) / max(bottom - top, 1.0)
    )
    # Nearly whole at the box's sides (0.5 away), nothing left at 1.35 of its size.
    share = np.clip((1.35 - away) / 0.9, 0.0, 1.0)
    share = share * share * (3.0 - 2.0 * share)
    return np.asarray(depth + share * np.maximum(0.88 - depth, 0.0), dtype=np.float32)


def _spread(plane: Plane, low: float = 2.0, high: float = 98.0) -> Plane:
    bottom, top = np.percentile(plane, (low, high))
    return np.asarray(np.clip((plane - bottom) / max(float(top - bottom), 1e-4), 0.0, 1.0), dtype=np.float32)


def _blur(plane: Plane, share: float) -> Plane:
    sigma = share * max(plane.shape)
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def edges(light: Plane) -> Plane:
    across = cv2.Sobel(light, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(light, cv2.CV_32F, 0, 1)
    return lengths(across, down)


def backdrop(light: Plane) -> Plane:
    """Return 0..1: how much a pixel is of an even area that hangs from the top edge (sky, wall, blurred distance)."""
    height, _ = light.shape
    even = (_blur(edges(light), 0.008) < 0.10).astype(np.uint8)
    even[-max(1, height // 20) :] = 0  # the ground's own even areas must not join
    _, labels = cv2.connectedComponents(even, connectivity=4)
    touching = np.unique(labels[: max(2, height // 40)])
    mask = np.isin(labels, touching[touching > 0]).astype(np.float32)
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    return _blur((mask * np.clip(1.35 - 1.1 * rows, 0.0, 1.0)).astype(np.float32), 0.012)


def _ground(backdrop: Plane) -> Plane:
    """Return a floor that comes towards the camera below a horizon, which lies where the backdrop thins out."""
    height, width = backdrop.shape
    cover = backdrop.mean(axis=1)
    horizon = float(np.clip((cover > 0.45).sum() / height, 0.22, 0.55))
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    floor = np.clip((rows - horizon) / (1.0 - horizon), 0.0, 1.0)
    above = 0.12 * np.clip(rows / horizon, 0.0, 1.0)
    return np.broadcast_to(above + 0.88 * floor, (height, width)).astype(np.float32)


def _upright(near: Plane, behind: Plane) -> Plane:
    """Let what rises high into the backdrop stand where its foot is: a tower that is nearer below leans in an orbit."""
    height = len(near)
    skyline = np.where((behind < 0.5).any(axis=0), (behind < 0.5).argmax(axis=0), height)
    base = int(min(np.percentile(skyline, 75), 0.85 * height))
    foot = near[base : base + max(2, height // 8)].mean(axis=0)
    rises = np.clip((base - skyline) / height / _RISES, 0.0, 1.0)
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    above = np.clip((base / height + 0.05 - rows) / 0.10, 0.0, 1.0)
    share = _STANDS * rises[None, :] * above * (1.0 - behind)
    return np.asarray(near + share * np.maximum(foot[None, :] - near, 0.0), dtype=np.float32)


def _subject(lab: Plane, light: Plane) -> Plane:
    """Return 0..1 for what stands out: unlike the border in colour, sharp, and not far from the middle."""
    height, width = light.shape
    band = max(2, min(height, width) // 14)
    border = np.concatenate([lab[:band].reshape(-1, 3), lab[:, :band].reshape(-1, 3), lab[:, -band:].reshape(-1, 3)])
    mean, spread = border.mean(axis=0), border.std(axis=0) + 6.0
    unlike = _spread(np.minimum(np.linalg.norm((lab - mean) / spread, axis=2), 4.0).astype(np.float32))
    sharp = _spread(_blur(edges(light), 0.03))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    # A little below the middle, since what stands in a picture stands on something.
    away = ((x / width - 0.5) / 0.34) ** 2 + ((y / height - 0.56) / 0.40) ** 2
    middle = np.exp(-0.5 * away)
    return _spread(_blur(((0.25 + 0.45 * unlike + 0.30 * sharp) * middle).astype(np.float32), 0.02))


def _haze(lab: Plane, light: Plane) -> Plane:
    """Return 0..1: pale and without colour, as the distance is."""
    colour = np.hypot(lab[..., 1], lab[..., 2]) / 60.0
    return _blur((np.clip(1.0 - colour, 0.0, 1.0) * light).astype(np.float32), 0.02)


def _calm(near: Plane, light: Plane) -> Plane:
    """Snap the estimate to outlines, then smooth it: a slope too steep for the mesh would smear or fold."""
    radius = max(4, max(near.shape) // 16)
    # The large outlines first, then the finer ones that they have not smoothed away.
    followed = _guided(_guided(near, light, radius, 0.01), light, radius // 2, 0.004)
    spread = _spread(followed, 1.0, 99.0)
    softest = next((soft for softness in _SOFTNESS if _steepest(soft := _blur(spread, softness)) < _STEEPEST), None)
    return _blur(spread, _SOFTNESS[-1]) if softest is None else softest


def _steepest(near: Plane) -> float:
    """Return how much a plane changes across, per width of the picture, where it changes most."""
    return float(np.abs(np.diff(near, axis=1)).max() * near.shape[1])


def _guided(plane: Plane, guide: Plane, radius: int, softness: float) -> Plane:
    """Smooth a plane within the guide's outlines (He, Sun, Tang: Guided Image Filtering, 2010)."""

    def mean(values: Plane) -> Plane:
        return np.asarray(cv2.blur(values, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT), dtype=np.float32)

    guide_mean, plane_mean = mean(guide), mean(plane)
    slope = (mean(guide * plane) - guide_mean * plane_mean) / (mean(guide * guide) - guide_mean**2 + softness)
    offset = plane_mean - slope * guide_mean
    return mean(slope) * guide + mean(offset)
