"""One picture from one place of the camera, for whoever moves it by hand: a session's frames, or a single still.

The picture is set up in depth once for each size and kept while it is looked at; a further frame is a remap. Whatever
is asked, the camera closes in as far as needed to see nothing but the picture. What is where in depth is `depth`'s
guess, how a pose is drawn `render`'s.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rushes.calls import ViewCall
from rushes.engines.animatic.depth import Picture, disparity
from rushes.engines.animatic.framing import cover
from rushes.engines.animatic.path import PIVOT, Pose
from rushes.engines.animatic.render import Stage
from rushes.engines.animatic.views import loaded
from rushes.engines.engine import Cancelled, Pictures, Progress

MOST_KEPT_BYTES = 256 * 1024 * 1024  # of pictures and their depths; one for 512x288 has 1 to 5 MB
# What 1 means: by eye, as far as the surface can be looked at from the side before it reads as rubber.
_RIGHT, _UP, _IN, _OUT = 0.15, 0.18, 0.45, 0.25
_FOCAL = 1.2  # of `render`'s lens, over the geometric mean of the sides
_STRETCH = 0.05  # part of a side that may come from stretching the rim
_CLOSING = math.log(2.2)  # beyond what roll and lens need: closer than that little would be left to look at
_MOST_ZOOM = math.log(200.0)  # a strip of 64x1280, rolled by 45 degrees, needs 15 beside a zoom of 4
MOST_PATHS = 4_096  # whose content is remembered
_HALVINGS = 10  # when looking for the needed zoom: to a thousandth of what is possible

Key = tuple[str, int, int]


@dataclass(slots=True)
class Scenes:
    """The pictures that are looked at, each set up for a frame size; those not used for longest are given up first.

    Known by their content: a class of two hundred that opens the same picture shares one scene.
    """

    most_bytes: int = MOST_KEPT_BYTES
    _digests: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _kept: OrderedDict[Key, Stage] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stage(self, path: str, width: int, height: int) -> Stage:
        """Return the picture at `path` before a camera of this frame size."""
        key = (self._digest(path), width, height)
        with self._lock:
            stage = self._kept.get(key)
            if stage is not None:
                self._kept.move_to_end(key)
                return stage
        picture = cover(loaded(path), width, height)
        stage = Stage(picture, disparity(picture), width, height)
        self._keep(key, stage)
        return stage

    def clear(self) -> None:
        """Give all of them up."""
        with self._lock:
            self._kept.clear()
            self._digests.clear()
            self._bytes = 0

    def _digest(self, path: str) -> str:
        """Return what the content of a file is known by; files of jobs never change while they are there."""
        with self._lock:
            known = self._digests.get(path)
        if known is None:
            known = hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
            with self._lock:
                self._digests[path] = known
                if len(self._digests) > MOST_PATHS:
                    self._digests.popitem(last=False)
        return known

    def _keep(self, key: Key, stage: Stage) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = stage
                self._bytes += _size(stage)
            while self._bytes > self.most_bytes and len(self._kept) > 1:
                self._bytes -= _size(self._kept.popitem(last=False)[1])


def view(
    call: ViewCall, scenes: Scenes, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
) -> Pictures:
    """Give the one picture."""
    if cancelled():
        raise Cancelled
    return Pictures(_drawn(call, scenes, progress))


def _drawn(call: ViewCall, scenes: Scenes, progress: Callable[[Progress], None]) -> Iterator[Picture]:
    stage = scenes.stage(call.image, call.width, call.height)
    frame = np.empty((call.height, call.width, 3), np.uint8)
    pose = pose_of(call)
    if pose == Pose():
        frame[...] = stage.resting()
    else:
        stage.draw(closed_in(stage, pose), frame)
    progress(Progress(1, 1, "pictures"))
    yield frame


def pose_of(call: ViewCall) -> Pose:
    """Translate what callers write: degrees into shifts of the far view, 1 into as far as a picture bears."""
    focal = _FOCAL * math.sqrt(call.width * call.height)
    # Back less than in: it looks past the picture's edges sooner.
    forward = call.z * (_IN if call.z > 0 else _OUT)
    return Pose(
        right=_RIGHT * call.x,
        up=_UP * call.y,
        forward=forward,
        # A step to the side turns the camera back a little, so that what stands in the middle stays in view.
        pan=math.tan(math.radians(call.yaw)) * focal / call.width - _RIGHT * call.x * PIVOT,
        tilt=math.tan(math.radians(call.pitch)) * focal / call.height - _UP * call.y * PIVOT,
        roll=math.radians(call.roll),
        zoom=call.zoom * math.log(2.0),
    )


def closed_in(stage: Stage, pose: Pose) -> Pose:
    """Return the nearest pose at which (nearly) nothing beyond the picture is seen.

    The camera closes in by the least that is needed; where that would be much, it goes only part of its way as well.
    Both change smoothly with the pose, so that a hand that moves the camera slowly sees no jump.
    """
    if _excess(stage, pose) <= 0.0:
        return pose
    upright = _zoomed(stage, Pose(roll=pose.roll, zoom=pose.zoom), _MOST_ZOOM) if pose.roll else pose
    most = upright.zoom + _CLOSING
    share = _largest(lambda part: _excess(stage, _part(pose, part, most)) <= 0.0)
    return _zoomed(stage, _part(pose, share, pose.zoom), most)


def _zoomed(stage: Stage, pose: Pose, most: float) -> Pose:
    """Return the pose with the least zoom, from its own to `most`, that is enough."""
    room = max(most - pose.zoom, 0.0)
    out = _largest(lambda part: _excess(stage, replace(pose, zoom=most - part * room)) <= 0.0)
    return replace(pose, zoom=most - out * room)


def _part(pose: Pose, share: float, zoom: float) -> Pose:
    """Return the pose after this share of its way; lens and roll are no way."""
    return replace(Pose().plus(pose, share), roll=pose.roll, zoom=zoom)


def _largest(works: Callable[[float], bool]) -> float:
    """Return the largest share, 0 to 1, that works, where all smaller ones do."""
    if works(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if works(middle) else (low, middle)
    return low


def _excess(stage: Stage, pose: Pose) -> float:
    over = stage.overflow(pose)
    return max(max(over.left, over.right) / stage.width, max(over.top, over.bottom) / stage.height) - _STRETCH


def _size(stage: Stage) -> int:
    return 2 * stage.picture.nbytes  # its depth at half size, in floats, and the grids
