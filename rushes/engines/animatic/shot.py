"""A picture with a camera before it: which part of it is seen at each moment of the clip.

Puts together the stage (`render`), the way (`path`) and the framing (`framing`). A shot either begins at rest on its
picture, or arrives at rest on it. Which pictures there are, and how shots follow each other, is `views`' business.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rushes.calls import AnimaticCall
from rushes.engines.animatic.ambience import Ambience
from rushes.engines.animatic.bearing import shortened, sideways
from rushes.engines.animatic.camera import Move, read_camera
from rushes.engines.animatic.depth import Picture, Plane, disparity, raised
from rushes.engines.animatic.face import Face, find_face
from rushes.engines.animatic.framing import beyond, closing_in, cover, framed, slack
from rushes.engines.animatic.path import Arrival, Path, Pose, plan
from rushes.engines.animatic.render import Stage
from rushes.engines.animatic.shutter import OPEN, smear
from rushes.engines.animatic.solid import solid
from rushes.engines.animatic.speaker import speaks
from rushes.engines.animatic.surroundings import deepened, surrounded

_SURE_FACE = 0.75  # a bump where no face is would bend the ground
_LOOKS = 12  # moments at which the way is looked at
_LITTLE = 0.02  # frame widths to the side, which bend nothing that is seen
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
        step: float = 0.0,
    ) -> None:
        """`picture` covers `size` (see `framing.cover`); the depth of a photograph is estimated when not given.

        `step` is the share of the way's time from one frame to the next, for a shutter that is open half of it.
        """
        self.face = find_face(picture) if depth is None else None
        self.looked = depth is None
        self.stage = Stage(picture, _headed(picture, self.face) if depth is None else depth, *size)
        self._step = step
        path = plan(moves, seconds, seed, slack(picture, *size))
        # Only where the depth is a guess: what is drawn lies where it was put, and nothing in it leans.
        if self.looked:
            path = _borne(path, self.stage)
        self._arriving = arriving
        self._path = Arrival(path) if arriving else path
        self._still = path.still
        self._ambience: Ambience | None = None
        if not path.still and not arriving:
            self._surround(*beyond(self.stage, path), size)
        self._closing = np.zeros(2) if path.still else closing_in(self.stage, self._path)

    def enliven(self, prompt: str, *, seconds: float, seed: int, loop: bool, leaves: bool) -> None:
        """Let what the prompt speaks of move by itself: wind, water, weather, light (see `ambience`)."""
        ambience = Ambience(self.stage, prompt, seconds=seconds, seed=seed, loop=loop, leaves=leaves, face=self.face)
        self._ambience = None if ambience.still else ambience

    def draw(self, t: float, frame: Picture, moment: float | None = None) -> None:
        """Write what the camera sees at `t` in 0..1; `moment` is the time of what moves by itself, if another."""
        moment = t if moment is None else moment
        if self._arriving:
            t = 1.0 - t
        if self._ambience is not None and (moment > 0.0 or not self._ambience.starts_empty):
            pose = Pose() if self._still else self._pose(t)
            self._ambience.draw(self.stage, pose, moment, frame, lambda: self._smear(t, frame))
        # To the byte: a film begins on its picture, and an arrival ends on it.
        elif self._still or t == 0.0:
            frame[...] = self.stage.resting()
        else:
            self.stage.draw(self._pose(t), frame)
            self._smear(t, frame)

    def _pose(self, t: float) -> Pose:
        return framed(self._path.at(t), t, self._closing)

    def _smear(self, t: float, frame: Picture) -> None:
        """Blur what goes fast; the first and the last moment are the picture as it is."""
        if self._step > 0.0 and not self._still and 0.0 < t < 1.0:
            # Open around the frame's moment, as long before it as after.
            half = 0.5 * OPEN * self._step
            smear(self.stage, self._pose(max(t - half, 0.0)), self._pose(min(t + half, 1.0)), frame)

    def _surround(self, across: int, upright: int, size: tuple[int, int]) -> None:
        """Set the stage anew with a band of surroundings, in pixels, where the camera will draw back."""
        if not across and not upright:
            return
        picture, depth = self.stage.picture, self.stage.estimate
        tall, wide = picture.shape[:2]
        # The same frame in the middle of a larger picture: the resting view stays what it was.
        self.stage = Stage(surrounded(picture, across, upright), deepened(depth, across / wide, upright / tall), *size)
        # It was looked for in the picture without its band.
        if self.face is not None:
            self.face = self.face.shifted(across, upright)


def _borne(path: Path, stage: Stage) -> Path:
    """Return the path with no more of a way to the side than what stands in the photograph bears."""
    way = max((abs(path.at(t / _LOOKS).right) for t in range(_LOOKS + 1)), default=0.0)
    if way < _LITTLE:
        return path
    bears = sideways(stage.picture, stage.estimate) * stage.picture.shape[1] / stage.width
    return replace(path, moves=shortened(path.moves, way, bears))


def depth_of(picture: Picture) -> Plane:
    """Estimate a picture's depth, with the head in front where there surely is a face."""
    return _headed(picture, find_face(picture))


def _headed(picture: Picture, face: Face | None) -> Plane:
    depth = solid(disparity(picture), picture)
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
    if speaks(call) and asked == read_camera("", call.seed):
        # Who speaks is looked in the face: going around a head shows that its sides are not known.
        return tuple(move for move in asked if move.kind == "dolly")
    if any(mask.path for mask in call.masks) and set(asked) <= set(read_camera("", call.seed)):
        return ()  # a prompt without camera words: what travels along a given path is the motion
    return asked


def cropped(picture: Picture, width: int, height: int) -> Picture:
    """Return a picture scaled to cover the frame and cropped at the centre: (height, width, 3)."""
    covering = cover(picture, width, height)
    top, left = (covering.shape[0] - height) // 2, (covering.shape[1] - width) // 2
    return covering[top : top + height, left : left + width]
