"""A whole video filmed anew: another frame (`reframe`), another pace, another look (`makeover`), other lips."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rushes.calls import AnimaticCall
from rushes.engines.animatic.articulation import AT_REST, Lips
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.dissolve import dissolve, share_at
from rushes.engines.animatic.easing import smoothstep
from rushes.engines.animatic.falling import Falling
from rushes.engines.animatic.following import Following
from rushes.engines.animatic.lips import Mouth
from rushes.engines.animatic.makeover import Makeover
from rushes.engines.animatic.recording import Recording
from rushes.engines.animatic.reframe import framing_of
from rushes.engines.animatic.shot import cropped
from rushes.engines.animatic.speaker import warn_faceless
from rushes.engines.animatic.style import Treat, treatment

_FASTEST = 1.1  # a video that is longer than the film by more than this is cut, not hurried
_GIVEN_S = 0.5  # how long the picture to begin on takes to become the video


class Remade:
    """A whole video filmed anew."""

    def __init__(self, call: AnimaticCall, lips: Iterator[Lips] | None = None, picture: Picture | None = None) -> None:
        """`picture` is what the film begins on, or for a made-over video, whose colours it takes."""
        assert call.video is not None
        self._call, self._lips = call, lips
        self._recording = Recording(call.video)
        size = (call.width, call.height)
        self._framing = framing_of(call.video, self._recording.size, size, call.window)
        restyled = call.style is None and call.strength > 0.0
        makeover = Makeover(call.prompt, call.strength, picture) if restyled else None
        self._change: Treat = treatment(call.style) if makeover is None else makeover
        fall = makeover.fall if makeover is not None else None
        self._falling = Falling(fall, size, call.fps, call.seed) if fall is not None else None
        self._given = cropped(picture, *size) if picture is not None and not restyled else None
        self._mouth: Mouth | None = None
        self._following = Following()
        self._begin: Picture | None = None

    def draw(self, index: int, frame: Picture) -> None:
        """Write the video's frame of that moment, framed and treated."""
        number = self._source(index)
        self._framing.put(number, self._recording.at(number), frame)
        frame[...] = self._change(frame)
        if self._falling is not None:
            self._falling.draw(index, frame)
        self._begin_on_picture(index, frame)
        if self._lips is not None:
            self._speak(next(self._lips, AT_REST), frame)
            if self._mouth is None and index == self._call.frames - 1:
                warn_faceless("video")
        # Last: what a loop comes back to is the finished first frame.
        self._close_loop(index, frame)

    def _speak(self, lips: Lips, frame: Picture) -> None:
        face = self._following.next(frame)
        if self._mouth is None:
            if face is None:
                return
            self._mouth = Mouth(frame, face, seed=self._call.seed, fps=self._call.fps)
        self._mouth.move(frame, face)
        self._mouth.open(lips, on=frame)

    def close(self) -> None:
        """Close the video."""
        self._recording.close()

    def _source(self, index: int) -> int:
        """Return which frame of the video is seen: all of it over the whole film, or cut where that would hurry it."""
        recording, call = self._recording, self._call
        film_s, video_s = call.frames / call.fps, recording.frames / recording.fps
        # A millionth, or rounding would show a frame of the same rate as the one before it.
        if video_s > _FASTEST * film_s:
            return int(index / call.fps * recording.fps + 1e-6)
        return int(index * recording.frames / call.frames + 1e-6)

    def _begin_on_picture(self, index: int, frame: Picture) -> None:
        share = smoothstep(index / (_GIVEN_S * self._call.fps))
        if self._given is not None and share < 1.0:
            came = frame.copy()
            frame[...] = self._given
            dissolve(frame, came, 0.0, share)

    def _close_loop(self, index: int, frame: Picture) -> None:
        """Let the last quarter of a loop turn into its first frame again."""
        if not self._call.loop:
            return
        if self._begin is None:
            self._begin = np.array(frame)
        begins = self._call.frames * 0.75
        if index > begins:
            dissolve(frame, self._begin, 0.0, share_at((index - begins) / (self._call.frames - begins), 0.0, 1.0))
