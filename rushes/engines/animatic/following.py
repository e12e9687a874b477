"""Where a face is in every frame of a video: looked for now and then, carried on between looks by what moves.

`face` finds it in one picture, a little elsewhere each time; optical flow knows how it moved since the frame before,
and drifts. So flow carries the face, and each look pulls it gently back.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.face import Face, find_face

_LOOK = 6  # frames from one look to the next
_PULL = 0.12  # of what is left between the carried face and the found one, made good in a frame
_UNIT = 26.0  # pixels between the eyes in the small pictures in which movement is measured
_POINTS = 40
_CUT = 38.0  # levels by which a small frame differs from the one before where the film was cut

Points = npt.NDArray[np.float64]  # (3, 2): the eyes and the mouth


class Following:
    """The face of a video, frame after frame."""

    def __init__(self) -> None:
        self._index = 0
        self._face: Face | None = None
        self._points: Points = np.zeros((3, 2))
        self._wanted: Points | None = None
        self._before: Plane | None = None
        self._thumb: Plane | None = None
        self._strayed = 0

    def next(self, frame: Picture) -> Face | None:
        """Return where the face is in the next frame (H, W, 3); None while there is none."""
        # Single pixels, not means: it only has to tell a cut, and costs nothing.
        thumb = cv2.resize(frame, (32, 18), interpolation=cv2.INTER_NEAREST).astype(np.float32)
        cut = self._thumb is not None and float(np.abs(thumb - self._thumb).mean()) > _CUT
        self._thumb = thumb
        if cut:
            self._face = self._wanted = None
        if self._face is not None:
            self._carry(frame)
        if cut or self._index % _LOOK == 0:
            self._look(frame)
        self._index += 1
        if self._face is None:
            return None
        if self._wanted is not None:
            self._points += _PULL * (self._wanted - self._points)
        left, right, mouth = self._points
        eyes = (float(left[0]), float(left[1])), (float(right[0]), float(right[1]))
        grown = float(np.hypot(*(right - left))) / self._face.apart
        return replace(
            self._face,
            eyes=eyes,
            mouth=(float(mouth[0]), float(mouth[1])),
            mouth_width=self._face.mouth_width * grown,
        )

    def _look(self, frame: Picture) -> None:
        found = find_face(frame)
        if found is None:
            return
        points = np.array([*found.eyes, found.mouth])
        if self._face is None:
            self._begin(frame, found, points)
            return
        # The finder may take somebody else for the best face, now and then.
        near = float(np.abs(points - self._points).max()) < 0.6 * self._face.apart
        self._strayed = 0 if near else self._strayed + 1
        if near:
            self._wanted = points
        elif self._strayed >= 3:  # it is somebody else who speaks, or the flow has lost the face
            self._begin(frame, found, points)

    def _begin(self, frame: Picture, found: Face, points: Points) -> None:
        self._face, self._points, self._wanted, self._strayed = found, points, None, 0
        self._before = self._small(frame)

    def _small(self, frame: Picture) -> Plane:
        assert self._face is not None
        scale = min(1.0, _UNIT / self._face.apart)
        size = max(8, round(frame.shape[1] * scale)), max(8, round(frame.shape[0] * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale > 0.34 else cv2.INTER_LINEAR)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))

    def _carry(self, frame: Picture) -> None:
        """Move the face as the picture around it moved since the frame before."""
        before, now = self._before, self._small(frame)
        self._before = now
        if before is None or before.shape != now.shape:
            return
        scale = now.shape[1] / frame.shape[1]
        middle = self._points.mean(axis=0) * scale
        reach = 1.6 * float(np.hypot(*(self._points[1] - self._points[0]))) * scale
        mask = np.zeros(now.shape, np.uint8)
        cv2.circle(mask, (int(middle[0]), int(middle[1])), max(3, int(reach)), 255, -1)
        # Of the head alone, or the background would carry the face off.
        corners = cv2.goodFeaturesToTrack(before, _POINTS, 0.02, 3, mask=mask)
        if corners is None or len(corners) < 6:
            return
        gone, seen, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, None, winSize=(15, 15), maxLevel=2)  # type: ignore[call-overload]
        good = seen[:, 0] == 1
        if good.sum() < 6:
            return
        moved, _ = cv2.estimateAffinePartial2D(corners[good], gone[good], ransacReprojThreshold=0.8)
        if moved is None or not 0.8 < float(np.hypot(moved[0, 0], moved[1, 0])) < 1.25:
            return
        self._points = (self._points * scale @ moved[:, :2].T + moved[:, 2]) / scale
        if self._wanted is not None:
            self._wanted = (self._wanted * scale @ moved[:, :2].T + moved[:, 2]) / scale
