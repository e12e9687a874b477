"""How the open weights of Wan are asked, for the endpoints that they serve: the mapping from request to diffusers.

Sources: the weights' published sampling (UniPC, 40 steps, guidance 5, shift 5 at 720p) and the frame grid 4n + 1. The
Pro endpoints' own model is closed: here it is the nearest open one at 720p and 16 frames per second, whose film is then
brought to 30 frames per second and 1080p, and declared as a stand-in.
"""

from __future__ import annotations

from collections.abc import Mapping

from rushes.calls import Finish

FRAME_STEP = 4
OFFICIAL_STEPS, OFFICIAL_GUIDANCE, OFFICIAL_SHIFT = 40, 5.0, 5.0
NATIVE_FPS = 16

PICTURE: Mapping[str, bool] = {
    "WanImageToVideoPipeline": False,
    "WanImageToVideoPipeline+boundary_ratio": True,
    "WanImageToVideoPipeline+expand_timesteps": True,
}
"""Layouts that begin with a picture, each with whether it stands in for Wan 2.1."""

PRO_PICTURE: Mapping[str, bool] = dict.fromkeys(PICTURE, True)
PRO_TEXT: Mapping[str, bool] = dict.fromkeys(
    ("WanPipeline", "WanPipeline+boundary_ratio", "WanPipeline+expand_timesteps"), True
)


def on_grid(frames: int) -> int:
    """Return the next number of frames of the form 4n + 1: 81 -> 81, 100 -> 101."""
    return -(-(frames - 1) // FRAME_STEP) * FRAME_STEP + 1


def pro_frames(finish: Finish) -> int:
    """Return how many frames at the weights' own rate reach to the finished film's last: 180 at 30 per second -> 97."""
    return on_grid(-(-(finish.frames - 1) * NATIVE_FPS // int(finish.fps)) + 1)
