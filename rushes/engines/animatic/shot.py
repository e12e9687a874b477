"""A picture with a camera before it: which part of it is seen at each moment of the clip.

Puts together the stage (`render`), the way (`path`) and the framing (`framing`). A shot either begins at rest on its
picture, or arrives at rest on it. Which pictures there are, and how shots follow each other, is `views`' business.
"""

from __future__ import annotations

import numpy as np

from rushes.calls import AnimaticCall
from rushes.engines.animatic.ambience import Ambience
from rushes.engines.animatic.camera import Move, read_camera
from rushes.engines.animatic.depth import Picture, Plane, disparity, raised
from rushes.engines.animatic.face import find_face
from rushes.engines.animatic.framing import closing_in, cover, framed, slack
from rushes.engines.animatic.path import Arrival, Pose, plan
from rushes.engines.animatic.render import Stage

_SURE_FACE = 0.75  # a bump where no face is would bend the ground
_ORDINARY = 1.25  # what a parameter at its end means, in ordinary moves


class Shot:
    """A camera on its way before one picture, for a frame of `width` x `height`."""

    def __init__(
        self,
        picture: Picture,
        size: tuple[int, int],
        moves: tuple[Move, ...],
        *,
        seconds: float,
        seed: int,
        depth: Plane | None = None,
        arriving: bool = False,
    ) -> None:
        """`picture` covers `size` (see `framing.cover`); the depth of a photograph is estimated when not given."""
        self.stage = Stage(picture, depth_of(picture) if depth is None else depth, *size)
        path = plan(moves, seconds, seed, slack(picture, *size))
        self._arriving = arriving
        self._path = Arrival(path) if arriving else path
        self._still = path.still
        self._ambience: Ambience | None = None
        self._closing = np.zeros(2) if path.still else closing_in(self.stage, self._path)

    def enliven(self, prompt: str, *, seconds: float, seed: int, loop: bool, leaves: bool) -> None:
        """Let what the prompt speaks of move by itself: wind, water, weather, light (see `ambience`)."""
        ambience = Ambience(self.stage, prompt, seconds=seconds, seed=seed, loop=loop, leaves=leaves)
        self._ambience = None if ambience.still else ambience

    def draw(self, t: float, frame: Picture, moment: float | None = None) -> None:
        """Write what the camera sees at `t` in 0..1; `moment` is the time of what moves by itself, if another."""
        moment = t if moment is None else moment
        if self._arriving:
            t = 1.0 - t
        if self._ambience is not None and (moment > 0.0 or not self._ambience.starts_empty):
            pose = Pose() if self._still else framed(self._path.at(t), t, self._closing)
            self._ambience.draw(self.stage, pose, moment, frame)
        elif self._still or t == 0.0:
            frame[...] = self.stage.resting()
        else:
            self.stage.draw(framed(self._path.at(t), t, self._closing), frame)


def depth_of(picture: Picture) -> Plane:
    """Estimate a picture's depth, with the head in front where there surely is a face."""
    depth = disparity(picture)
    face = find_face(picture)
    if face is None or face.confidence < _SURE_FACE:
        return depth
    return raised(depth, face.box, (picture.shape[1], picture.shape[0]))


def moves_of(call: AnimaticCall) -> tuple[Move, ...]:
    """Return the camera's moves: fixed, by parameter, or else as the prompt says."""
    if call.camera_fixed:
        return ()
    if call.camera:
        given = ((move.kind, move.amount) for move in call.camera)
        # A parameter at 0 is a wish too: nothing moves.
        return tuple(Move(kind, 1 if size > 0 else -1, _ORDINARY * min(abs(size), 1.0)) for kind, size in given if size)
    asked = read_camera(call.prompt, call.seed)
    if any(mask.path for mask in call.masks) and set(asked) <= set(read_camera("", call.seed)):
        return ()  # a prompt without camera words: what travels along a given path is the motion
    return asked


def cropped(picture: Picture, width: int, height: int) -> Picture:
    """Return a picture scaled to cover the frame and cropped at the centre: (height, width, 3)."""
    covering = cover(picture, width, height)
    top, left = (covering.shape[0] - height) // 2, (covering.shape[1] - width) // 2
    return covering[top : top + height, left : left + width]
