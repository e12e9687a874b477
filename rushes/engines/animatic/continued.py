"""A video made longer: its first frames as they are, then a camera that goes on from the last of them.

What moved goes on moving and comes to rest (`carry`) while the camera's own move begins; a prompt without camera words
goes on in the direction in which the video was going. What follows is drawn by a view that `views` hands in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np

from rushes.calls import AnimaticCall, Move
from rushes.engines.animatic.camera import read_camera
from rushes.engines.animatic.carry import LOOKED_AT, Carried, Drift, Witness
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.dissolve import dissolve
from rushes.engines.animatic.easing import smoothstep
from rushes.engines.animatic.framing import cover
from rushes.engines.animatic.recording import Recording
from rushes.engines.animatic.shot import cropped

_TURN_S = 1.0
_SPEED = 0.0008  # sides a frame: what is slower gives the camera no direction


class Follows(Protocol):
    """What comes after the kept frames."""

    def draw(self, index: int, frame: Picture) -> None:
        """Write frame `index` of the film."""
        ...


Follow = Callable[[AnimaticCall, Picture, int], Follows]
"""(call, the last kept frame, covering the film's frame, and the number of the first new one) -> what follows."""


class Continued:
    """The first frames of a video as they are, then what goes on from the last of them."""

    def __init__(self, call: AnimaticCall, follow: Follow) -> None:
        assert call.video is not None
        self._call, self._follow = call, follow
        self._keep = min(call.keep or 0, call.frames)
        self._recording = Recording(call.video)
        self._last_kept = min(self._keep, self._recording.frames)
        self._witness = Witness()
        self._after: Follows | None = None
        self._styled: Follows | None = None
        self._carried: Carried | None = None
        self._from = 0

    def draw(self, index: int, frame: Picture) -> None:
        """Write a kept frame, or one that follows them."""
        if self._after is None and index < self._keep:
            kept = self._recording.at(index)
            # Not so where the file ends sooner than was said: its last frame again would be a freeze.
            if self._recording.last == index:
                frame[...] = cropped(kept, self._call.width, self._call.height)
                if index >= self._last_kept - LOOKED_AT:
                    self._witness.look(frame)
                return
        if self._after is None:  # also when the video is shorter than what was to be kept
            self._after = self._go_on(index)
        self._after.draw(index, frame)
        self._turn_into_style(index, frame)
        # With an end picture the last frame is that picture, which nothing may move.
        if self._carried is not None and self._call.end_image is None:
            self._carried.lay_over(frame, index - self._from + 1)

    def close(self) -> None:
        """Close the video."""
        self._recording.close()

    def _go_on(self, index: int) -> Follows:
        call, drift = self._call, self._witness.drift()
        last = cover(self._recording.at(max(index - 1, 0)), call.width, call.height)
        self._from = index
        if drift is not None:
            self._carried = Carried(drift, call.width, call.height, call.fps)
            call = replace(call, camera=_onward(call, drift))
        self._styled = self._follow(call, last, index) if call.style else None
        return self._follow(replace(call, style=None), last, index)

    def _turn_into_style(self, index: int, frame: Picture) -> None:
        """Let the style come over the picture within a second: a sudden one would look like a cut."""
        if self._styled is not None:
            share = smoothstep((index - self._from + 1) / max(_TURN_S * self._call.fps, 1.0))
            styled_frame = np.empty_like(frame)
            self._styled.draw(index, styled_frame)
            dissolve(frame, styled_frame, 0.0, share)


def _onward(call: AnimaticCall, drift: Drift) -> tuple[Move, ...]:
    """Return the moves that go on as the video went, unless the call or its prompt says how the camera moves."""
    asked = read_camera(call.prompt, call.seed) != read_camera("", call.seed)
    if call.camera or call.camera_fixed or asked:
        return call.camera
    right, down, growth, _ = drift.camera
    # Content that goes left is a camera that goes right; content that grows, one that comes nearer.
    ways: dict[Literal["truck", "pedestal", "dolly"], float]
    ways = {"truck": -right, "pedestal": down, "dolly": 0.5 * growth}
    return tuple(Move(kind, 0.5 if way > 0 else -0.5) for kind, way in ways.items() if abs(way) > _SPEED)
