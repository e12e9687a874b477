"""Which frames a continuation shows and keeps: arithmetic of frames and rates alone. Pure.

A video of any rate is gone on from at a cut; the model sees the frames before it at its own rate, and what it makes is
played at the video's. Frame n of a film of rate r is on view from n / r to (n + 1) / r seconds.
"""

from __future__ import annotations

from math import floor

_NEAR = 1e-6  # of a frame: an instant so near to a frame's beginning is that frame's


def shown(kept: int, fps: float, count: int, rate: float) -> list[int]:
    """Return which of a video's frames are the `count` ones before the cut after `kept` of them, at `rate`.

    At the video's own rate these are the last `count` kept ones. What would lie before the video's beginning is its
    first frame: a shorter scene is shown as one that has stood still until then.
    """
    cut = kept / fps
    at = [floor((cut - (count - number) / rate) * fps + _NEAR) for number in range(count)]
    return [min(max(one, 0), kept - 1) for one in at]


def played(count: int, fps: float, made: int, rate: float) -> list[int]:
    """Return which of the `made` frames, made for `rate`, are on view in each of `count` frames at `fps`.

    Where there are too few for that time, they are spread over it, and play more slowly.
    """
    step = rate / fps
    if count > 1 and (count - 1) * step > made - 1 + _NEAR:
        step = (made - 1) / (count - 1)
    return [min(floor(number * step + _NEAR), made - 1) for number in range(count)]
