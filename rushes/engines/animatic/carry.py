"""The motion at the end of a video, measured from its last frames, and carried on from there with a soft stop.

Two things go on: the camera (a similarity fitted to tracked points) for about a second, and what moves by itself (the
rest of the dense flow, smoothed until it cannot tear) for half of one. Frames come in as they are drawn; nothing is
decoded here. What the camera does afterwards is `shot`'s.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.easing import smoothstep

Field = npt.NDArray[np.float32]  # (H, W, 2): how far each place goes in a frame, x then y

LOOKED_AT = 7  # frames before the end: enough for a median, few enough for a turn just before it to count
_SIDE = 320  # of the pictures that are measured
_CAMERA_S, _OWN_S = 1.1, 0.6  # how long the camera, and what moves by itself, take to come to rest
_STRAIN = 0.22
_MOST = 0.09  # of a side: what a frame can be pushed before its rim looks stretched
_CUT = 42.0  # mean difference of neighbouring frames in levels, beyond which they aren't one shot
_CELL = 16


@dataclass(frozen=True, slots=True)
class Drift:
    """How a frame moves on: `camera` as (right, down, growth, turn) per frame, in sides of the frame and radians;
    `own` is (rows, columns, 2), the rest, per frame and in sides of the frame.
    """

    camera: tuple[float, float, float, float]
    own: Field

    @property
    def speed(self) -> float:
        """How far the frame's rim goes in a frame, in sides."""
        right, down, growth, turn = self.camera
        return float(np.hypot(right, down) + 0.5 * abs(growth) + 0.5 * abs(turn))


class Witness:
    """Keeps the last frames small, and tells how they moved."""

    def __init__(self) -> None:
        self._seen: deque[npt.NDArray[np.uint8]] = deque(maxlen=LOOKED_AT)

    def look(self, frame: Picture) -> None:
        """Take in one more frame."""
        tall, wide = frame.shape[:2]
        scale = min(1.0, _SIDE / max(tall, wide))
        size = (max(32, round(wide * scale)), max(32, round(tall * scale)))
        grey = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        self._seen.append(np.asarray(grey, dtype=np.uint8))

    def drift(self) -> Drift | None:
        """Return how the last frames moved; None for a still, a single frame, or right after a cut."""
        # A cut among them would be read as the fastest of moves.
        frames = self._same_shot()
        if len(frames) < 2:
            return None
        pairs = list(itertools.pairwise(frames))
        camera = np.median([_camera(*pair) for pair in pairs], axis=0)
        if not _explained(pairs[-3:], _similar(camera, frames[0].shape[1], frames[0].shape[0])):
            camera = np.zeros(4)  # a flicker or a repeating pattern, read as motion
        own = _own(pairs[-3:], camera)
        if np.abs(camera).max() < 1e-5 and np.abs(own).max() < 1e-4:
            return None
        right, down, growth, turn = (float(value) for value in camera)
        return Drift((right, down, growth, turn), own)

    def _same_shot(self) -> list[npt.NDArray[np.uint8]]:
        frames = list(self._seen)
        for index in range(len(frames) - 1, 0, -1):
            if float(cv2.absdiff(frames[index], frames[index - 1]).mean()) > _CUT:
                return frames[index:]
        return frames


def _explained(pairs: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]], moved: Field) -> bool:
    """Whether moving each picture brings it clearly nearer to the next one."""
    tall, wide = pairs[0][0].shape
    x, y = np.meshgrid(np.arange(wide, dtype=np.float32), np.arange(tall, dtype=np.float32))
    maps = x - moved[..., 0] * np.float32(wide), y - moved[..., 1] * np.float32(tall)
    stayed = went = 0.0
    for one, other in pairs:
        there = cv2.remap(one, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # The spread and not the mean: a flicker changes all levels alike, and is no motion.
        stayed += float(np.std(other.astype(np.float32) - one))
        went += float(np.std(other.astype(np.float32) - there))
    return went < 0.8 * stayed


def _camera(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Fit (right, down, growth, turn) about the middle to points tracked from one frame to the next."""
    tall, wide = one.shape
    points = cv2.goodFeaturesToTrack(one, 160, 0.01, 7)
    if points is None or len(points) < 6:
        return np.zeros(4)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(one, other, points, np.zeros_like(points), winSize=(15, 15), maxLevel=3)
    good = found[:, 0] == 1
    if int(good.sum()) < 6:
        return np.zeros(4)
    middle = np.array([(wide - 1) / 2, (tall - 1) / 2], np.float32)
    fit, inliers = cv2.estimateAffinePartial2D(
        points[good][:, 0] - middle, moved[good][:, 0] - middle, ransacReprojThreshold=1.0
    )
    if fit is None or int(inliers.sum()) < 0.3 * int(good.sum()):
        return np.zeros(4)
    growth, turn = float(np.log(np.hypot(fit[0, 0], fit[1, 0]))), float(np.arctan2(fit[1, 0], fit[0, 0]))
    return np.array([fit[0, 2] / wide, fit[1, 2] / tall, growth, turn])


def _own(pairs: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]], camera: npt.NDArray[np.float64]) -> Field:
    """Return what is left of the dense flow without the camera's part: smooth, and calm where it is weak."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    tall, wide = pairs[0][0].shape
    flow = np.mean([search.calc(one, other, np.zeros((tall, wide, 2), np.float32)) for one, other in pairs], axis=0)
    whole = np.asarray(flow / (wide, tall), np.float32)
    if not _explained(pairs, whole):
        return np.zeros((tall, wide, 2), np.float32)
    rest = whole - _similar(camera, wide, tall)
    rest = np.asarray(cv2.GaussianBlur(cv2.medianBlur(np.ascontiguousarray(rest), 5), (0, 0), _SIDE / 24), np.float32)
    size = np.hypot(rest[..., 0], rest[..., 1])[..., None]
    # Below half a pixel it is noise; above three hundredths of a side a frame it is an error more often than not.
    kept = np.clip(size * wide / 0.5 - 0.6, 0.0, 1.0) * np.minimum(1.0, 0.03 / np.maximum(size, 1e-6))
    return np.asarray(rest * kept, dtype=np.float32)


def _similar(camera: npt.NDArray[np.float64] | tuple[float, ...], wide: int, tall: int) -> Field:
    """Return the displacement, (tall, wide, 2) in sides, that a camera's similarity gives each place."""
    right, down, growth, turn = camera
    x = (np.linspace(-0.5, 0.5, wide, dtype=np.float32) * (wide / tall))[None, :]
    y = np.linspace(-0.5, 0.5, tall, dtype=np.float32)[:, None]
    cos, sin = np.exp(growth) * np.cos(turn), np.exp(growth) * np.sin(turn)
    across = (cos * x - sin * y - x) / (wide / tall) + right
    return np.asarray(np.stack([across, sin * x + cos * y - y + down], axis=-1), dtype=np.float32)


class Carried:
    """Lays the drift over frames that come after the last one."""

    def __init__(self, drift: Drift, width: int, height: int, fps: float) -> None:
        self._size = (width, height)
        columns, rows = max(2, width // _CELL), max(2, height // _CELL)
        self._x = ((np.arange(columns, dtype=np.float32) + 0.5) / columns)[None, :]
        self._y = ((np.arange(rows, dtype=np.float32) + 0.5) / rows)[:, None]
        self._here = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        self._drift = drift
        self._own = np.asarray(cv2.resize(drift.own, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
        # A fast pan comes to rest sooner, or its rim would be drawn out too far.
        reach = _MOST / max(drift.speed, 1e-9)  # in frames, at full speed
        # Easing out goes half as far as full speed would have gone in the same time.
        self._camera_frames = max(2.0, min(_CAMERA_S * fps, reach / 0.5))
        own_speed = float(np.abs(self._own).max(initial=0.0))
        strain = max((float(np.abs(np.diff(self._own, axis=axis)).max(initial=0.0)) for axis in (0, 1)), default=0.0)
        strain *= max(columns, rows)  # a frame's share of stretching; beyond _STRAIN in all a body turns to rubber
        most = min(_MOST / max(own_speed, 1e-9), 2.0 * _STRAIN / max(strain, 1e-9))
        self._own_frames = max(2.0, min(_OWN_S * fps, most))
        self._settling = 3.0 * fps

    def lay_over(self, frame: Picture, after: float) -> None:
        """Move a frame on as it would be `after` frames behind the last one, in place."""
        camera = _travelled(after, self._camera_frames)
        own = _travelled(after, self._own_frames)
        moved = _similar(tuple(value * camera for value in self._drift.camera), self._x.shape[1], self._y.shape[0])
        moved += self._own * np.float32(own)
        # What the motion has drawn out at the rim goes out of sight while the picture grows, too slowly to be noticed.
        close = 1.0 - 1.6 * float(np.abs(moved).max()) * smoothstep(after / self._settling)
        x = (self._x - 0.5) * np.float32(close) + 0.5 - moved[..., 0]
        y = (self._y - 0.5) * np.float32(close) + 0.5 - moved[..., 1]
        maps = [
            self._whole(np.asarray((_within(np.asarray(seen, np.float32)) - node) * side, np.float32), here)
            for seen, node, side, here in zip((x, y), (self._x, self._y), self._size, self._here, strict=True)
        ]
        frame[...] = cv2.remap(frame, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)

    def _whole(self, shift: Plane, here: Plane) -> Plane:
        """Only the shift is enlarged: enlarged places would be stepped, and off at the rim."""
        return np.asarray(cv2.add(cv2.resize(shift, self._size, interpolation=cv2.INTER_LINEAR), here), np.float32)


def _travelled(after: float, frames: float) -> float:
    """Return how far a thing of speed 1 has come: at full speed at first, at rest after `frames`.

    The speed falls as (1 - s)^2 (1 + 2s), the smoothstep from 1 to 0; this is its integral.
    """
    s = min(max(after / frames, 0.0), 1.0)
    return frames * (s - s**3 + s**4 / 2.0)


def _within(plane: Plane) -> Plane:
    """Bend what would lie beyond 0..1 back inside, without a fold: the rim is drawn out instead of mirrored."""
    span = 0.18
    low, high = float(min(plane.min(), 0.0)), float(max(plane.max(), 1.0))
    bent = plane
    if low < -1e-6:
        bent = np.where(bent < span, span * (bent - low) / (span - low), bent)
    if high > 1.0 + 1e-6:
        bent = np.where(bent > 1.0 - span, 1.0 - span * (high - bent) / (high - 1.0 + span), bent)
    return np.asarray(bent, dtype=np.float32)
