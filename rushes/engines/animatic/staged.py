"""A drawn scene filmed: the backdrop as a surface in depth, the actors each at their own distance before it, in motion.

The picture of a scene is `scene`'s, the camera's way `path`'s. Everything is drawn once and read again; a frame costs
one view of the backdrop and a small warp for each figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from rushes.calls import AnimaticCall
from rushes.engines.animatic.ambience import Ambience
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.easing import there_and_back
from rushes.engines.animatic.framing import closing_in, framed, slack
from rushes.engines.animatic.path import Pose, plan
from rushes.engines.animatic.render import Stage
from rushes.engines.animatic.scene import Scene, set_scene
from rushes.engines.animatic.shot import moves_of
from rushes.engines.animatic.sprite import lay

SPARE = 1.2  # the paper is this much larger than the frame: a drawn view can be as wide as the move likes


class Staged:
    """A scene from a prompt, with the camera that the prompt asks for."""

    def __init__(self, call: AnimaticCall, pictures: Sequence[Picture] = ()) -> None:
        """`pictures` are subjects to be composed in (see `cutout`)."""
        self._call = call
        size = (call.width, call.height)
        self._seconds = call.frames / call.fps
        paper = (round(call.width * SPARE), round(call.height * SPARE))
        self._scene: Scene = set_scene(call.prompt, call.seed, *paper, spare=SPARE, pictures=pictures, style=call.style)
        self._stage = Stage(self._scene.backdrop, self._scene.depth, *size, kernel=cv2.INTER_LINEAR)
        self._path = plan(moves_of(call), self._seconds, call.seed, slack(self._scene.backdrop, *size))
        self._closing = None if self._path.still else closing_in(self._stage, self._path)
        self._ambience = Ambience(
            self._stage,
            call.prompt,
            seconds=self._seconds,
            seed=call.seed,
            loop=call.loop,
            leaves=False,
            begun=True,
            roofed=self._scene.roofed,
        )

    def draw(self, index: int, frame: Picture) -> None:
        """Write the frame at its time: the backdrop, then the figures from far to near, then what falls."""
        call = self._call
        t = there_and_back(index / call.frames) if call.loop else index / max(call.frames - 1, 1)
        pose = Pose() if self._closing is None else framed(self._path.at(t), t, self._closing)
        if self._ambience.still:
            if pose == Pose():
                frame[...] = self._stage.resting()
            else:
                self._stage.draw(pose, frame)
            self._play(index, pose, frame)
        else:
            moment = index / call.frames
            self._ambience.draw(self._stage, pose, moment, frame, lambda: self._play(index, pose, frame))

    def _play(self, index: int, pose: Pose, frame: Picture) -> None:
        """Lay the figures over the backdrop, from far to near."""
        tall = self._scene.backdrop.shape[0]
        for sprite in self._scene.sprites:
            x, y, phase = sprite.actor.at(index / self._call.fps, self._seconds, loop=self._call.loop)
            # Corners are counted from pixels' edges, the stage counts from their middles.
            corners = self._stage.seen_at(pose, sprite.corners(x, y, phase) * tall - 0.5, sprite.actor.near)
            lay(frame, sprite.image(phase), corners + 0.5)

    def close(self) -> None:
        """Nothing is held open."""
